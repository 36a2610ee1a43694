//! Who is heard when: scripts or sound files become one sound track, and the mouth of each person over it.

use std::time::Duration;

use super::visemes::{self, Cue, Pose};
use super::{Error, Event, FRAMES_PER_SECOND, Request, SAMPLES_PER_SECOND, Sound};
use super::{listen, speech};

/// What one person says, counted from the beginning of the video: whoever speaks later begins with silence.
pub(super) struct Track {
    /// Samples from −1 to 1, 24,000 a second; they may end before the video does.
    pub(super) samples: Vec<f32>,
    /// The phonemes in time, where they are known.
    pub(super) cues: Option<Vec<Cue>>,
}

/// What is heard, and what the mouths do to it.
pub(super) struct Take {
    /// Exactly as long as the video.
    pub(super) samples: Vec<i16>,
    /// Of each speaker one pose a frame.
    pub(super) mouths: Vec<Vec<Pose>>,
    /// Length before anything was cut.
    pub(super) length: Duration,
}

/// Speaks the scripts or reads the sound files of a request.
///
/// # Errors
/// [`Error::EmptyScript`], [`Error::SoundUnreadable`], [`Error::FileTooLarge`], [`Error::Cancelled`].
pub(super) fn record(
    request: &Request,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Take, Error> {
    let frames = request.num_frames as usize;
    let room = Duration::from_secs(u64::from(request.num_frames)) / FRAMES_PER_SECOND;
    let (tracks, length) = match &request.sound {
        Sound::Scripts(scripts) => {
            let spoken = speech::speak(scripts, room.as_secs_f64(), on_event, is_cancelled)?;
            (spoken.tracks, spoken.natural)
        }
        Sound::Files(files) => play(files, room, on_event, is_cancelled)?,
    };
    on_event(Event::Note(format!(
        "{:.2} s of sound in {:.2} s of video",
        length.as_secs_f64(),
        room.as_secs_f64()
    )));
    let mouth = |track: &Track| match &track.cues {
        Some(cues) => visemes::from_cues(cues, &track.samples, frames),
        None => visemes::from_sound(&track.samples, frames),
    };
    Ok(Take {
        samples: mix(
            &tracks,
            frames * (SAMPLES_PER_SECOND / FRAMES_PER_SECOND) as usize,
        ),
        mouths: tracks.iter().map(mouth).collect(),
        length,
    })
}

/// Plays sound files one after the other; what does not fit is cut.
fn play(
    files: &[Vec<u8>],
    room: Duration,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(Vec<Track>, Duration), Error> {
    let (mut tracks, mut length, mut played) = (Vec::new(), Duration::ZERO, 0);
    for (speaker, bytes) in files.iter().enumerate() {
        let left = room.saturating_sub(length);
        let heard =
            listen::decode(bytes, left, is_cancelled).map_err(|error| error.of_speaker(speaker))?;
        let mut samples = vec![0.0; played];
        samples.extend(heard.samples);
        played = samples.len();
        length += heard.length;
        tracks.push(Track {
            samples,
            cues: None,
        });
    }
    if length > room + Duration::from_millis(40) {
        let last = match files {
            [_] => "the sound file lasts",
            _ => "the sound files last",
        };
        let is = if files.len() == 1 { "is" } else { "are" };
        on_event(Event::Warning(format!(
            "{last} {:.2} s and {is} cut to {:.2} s",
            length.as_secs_f64(),
            room.as_secs_f64()
        )));
    }
    Ok((tracks, length))
}

/// All tracks at once, cut or filled up to `length` samples.
fn mix(tracks: &[Track], length: usize) -> Vec<i16> {
    let mut mixed = vec![0.0; length];
    for track in tracks {
        for (sum, value) in mixed.iter_mut().zip(&track.samples) {
            *sum += value;
        }
    }
    mixed.into_iter().map(to_pcm).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "inside the range after the clamp"
)]
fn to_pcm(value: f32) -> i16 {
    (value * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16
}

//! Sound and video: which tracks a file has, and how long they play.

use std::{fs::File, path::Path, time::Duration};

use symphonia::core::{
    formats::{FormatOptions, FormatReader, Track, TrackType, probe::Hint},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

use super::{LARGEST_MEDIA, kind_of, readable, reason};
use crate::model::CleanText;

/// Checks that `path` has a track of the wanted kind, and says how long it plays where that can be told.
pub(super) fn check_media(path: &Path, wanted: TrackType) -> Result<Option<Duration>, CleanText> {
    let say = |what: &str| CleanText::line(&format!("{} {what}", path.display()));
    readable(path, LARGEST_MEDIA)?;
    let kind = kind_of(path).map_err(|error| say(&reason(&error)))?;
    let file = File::open(path).map_err(|error| say(&reason(&error)))?;
    let probed = symphonia::default::get_probe().probe(
        &Hint::new(),
        MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default()),
        FormatOptions::default(),
        MetadataOptions::default(),
    );
    if let Ok(mut format) = probed
        && let Some(track) = format.first_track(wanted)
    {
        let track = track.clone();
        return Ok(told(&track).or_else(|| counted(format.as_mut(), &track)));
    }
    // Containers that symphonia does not read here, such as WebM, are known by their first bytes alone.
    if wanted == TrackType::Video && kind.mime.starts_with("video/") {
        return Ok(None);
    }
    let (what, use_this) = match wanted {
        TrackType::Audio => ("no sound", "WAV, MP3, FLAC, OGG or M4A"),
        _ => ("no video", "MP4, MOV or WebM"),
    };
    Err(say(&format!(
        "is {} with {what} that can be read; use {use_this}",
        kind.in_words()
    )))
}

/// How long a track plays, as its container says.
fn told(track: &Track) -> Option<Duration> {
    let time = track.time_base?.calc_duration(track.duration?)?;
    let length = Duration::try_from_secs_f64(time.as_secs_f64()).ok()?;
    // A film that comes in fragments has its length in none of its heads.
    (!length.is_zero()).then_some(length)
}

/// How long a track plays, by its packets: there are containers that do not say it, such as MP3 without a head.
fn counted(format: &mut dyn FormatReader, track: &Track) -> Option<Duration> {
    let base = track.time_base?;
    let mut ticks = 0_u64;
    // The end of the file, or where it was cut off: what came before is what plays.
    while let Ok(Some(packet)) = format.next_packet() {
        if packet.track_id == track.id {
            ticks = ticks.saturating_add(packet.dur.get());
        }
    }
    let time = base.calc_duration(ticks.into())?;
    let length = Duration::try_from_secs_f64(time.as_secs_f64()).ok()?;
    (!length.is_zero()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn length(bytes: &[u8], wanted: TrackType) -> Option<Duration> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        check_media(file.path(), wanted).unwrap()
    }

    /// `seconds` of silence, 8,000 samples a second.
    fn wav(seconds: u32) -> Vec<u8> {
        let bytes = seconds * 16_000;
        let head = [
            &b"RIFF"[..],
            &(bytes + 36).to_le_bytes(),
            b"WAVEfmt \x10\0\0\0\x01\0\x01\0",
            &8_000_u32.to_le_bytes(),
            &16_000_u32.to_le_bytes(),
            b"\x02\0\x10\0data",
            &bytes.to_le_bytes(),
        ];
        let mut wav = head.concat();
        wav.resize(wav.len() + bytes as usize, 0);
        wav
    }

    /// `frames` of silence at 44.1 kHz and 128 kbit/s, with nothing before them that says how many.
    fn mp3(frames: usize) -> Vec<u8> {
        let mut frame = vec![0xff, 0xfb, 0x90, 0xc0];
        frame.resize(417, 0);
        frame.repeat(frames)
    }

    #[test]
    fn sound_tells_how_long_it_plays_or_is_counted() {
        let two = Some(Duration::from_secs(2));
        assert_eq!(length(&wav(2), TrackType::Audio), two);
        let played = length(&mp3(100), TrackType::Audio).unwrap();
        let wanted = 100.0 * 1_152.0 / 44_100.0;
        assert!(
            (played.as_secs_f64() - wanted).abs() < 0.06,
            "{played:?}, not {wanted} s"
        );
    }

    #[test]
    fn a_film_that_nothing_here_reads_has_no_length() {
        let webm = b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f not much of a film";
        assert_eq!(length(webm, TrackType::Video), None);
    }
}

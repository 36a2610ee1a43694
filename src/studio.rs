//! The preview engine: a picture and words, or a picture and a sound file, become a lip-synced MP4 on this machine.
//!
//! It is no model: it speaks the script with a formant synthesiser, moves the mouth of the picture through a handful of
//! shapes, blinks, and sways the head a little. It answers, before anything is paid for, whether the script fits the
//! frames, whether the crop is right and whether the whole chain works.
//!
//! ```text
//! picture ─► portrait (crop, face, mouth, eyes) ─┐
//!                                                ├─► animate (frames) ─► H.264 ─┐
//! script ─► speech (samples, word times) ─┐      │                              ├─► encode (MP4)
//! sound file ─► listen (samples) ─────────┴─► visemes (mouth over time)         │
//!                    └──────────────────────────────────────► AAC (own thread) ─┘
//! ```
//!
//! Everything here is synchronous and pure computation: same [`Request`], same bytes.

mod animate;
mod encode;
mod error;
mod face;
mod listen;
mod mark;
mod measured;
mod portrait;
mod speech;
mod visemes;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use self::animate::Animator;
use self::encode::{AccessUnit, Frame, VideoEncoder};
use self::visemes::Pose;
use crate::model::Speech;
pub use error::Error;
pub use listen::MAX_SOUND_BYTES;
pub use measured::Measured;
pub use portrait::{MAX_PICTURE_BYTES, MAX_PICTURE_SIDE, MIN_PICTURE_SIDE};

/// Pictures a second of every video, as at fal (several independent measurements; no first-party text says it).
pub const FRAMES_PER_SECOND: u32 = 25;
/// Samples a second of every video's sound, which is mono.
pub const SAMPLES_PER_SECOND: u32 = 24_000;
/// The most frames of one video: a minute, somewhat more than any of fal's endpoints takes.
pub const MAX_FRAMES: u32 = 1_500;
/// A drawn portrait of nobody, free to use: a PNG of 1024 × 1024 pixels.
pub const SAMPLE_PORTRAIT: &[u8] = include_bytes!("studio/sample-portrait.png");

/// Frames that may wait between a drawing thread and the encoder.
const WAITING_FRAMES: usize = 4;

/// What is to be rendered.
#[derive(Clone, Debug)]
pub struct Request {
    /// The encoded picture (PNG, JPEG or WebP).
    pub picture: Vec<u8>,
    /// What is said.
    pub sound: Sound,
    /// Length of the video in frames, 25 a second. Sound beyond it is cut, silence fills the rest.
    pub num_frames: u32,
    /// Size of the video.
    pub resolution: Resolution,
    /// Decides blinks and sway; the same seed gives the same bytes.
    pub seed: u64,
}

/// Where the sound comes from.
#[derive(Clone, Debug)]
pub enum Sound {
    /// Words to be spoken in one of fal's voices (`Bill`, `Aria`, …), imitated by pitch and pace only.
    Script {
        /// The words.
        text: String,
        /// The voice's name; an unknown one speaks in the neutral voice.
        voice: String,
    },
    /// An encoded sound file (WAV, MP3, FLAC, OGG Vorbis, M4A).
    File(Vec<u8>),
}

/// The two sizes that fal's avatar endpoints offer; the shape follows the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// About 832×480 pixels in all.
    P480,
    /// About 1280×720 pixels in all.
    P720,
}

/// A finished video.
#[derive(Clone, Debug)]
pub struct Video {
    /// The MP4: H.264 and AAC, index at the front.
    pub mp4: Vec<u8>,
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// How long the speech or the sound file lasts before it is cut to the frames.
    pub sound_length: Duration,
}

/// What a render tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something worth a line in the job's log.
    Note(String),
    /// Something the user should look at, such as a script that was cut.
    Warning(String),
    /// Frames drawn so far.
    Frames {
        /// Number of frames drawn.
        done: u32,
        /// Number of frames in all.
        total: u32,
    },
}

/// Renders a video.
///
/// Runs on the calling thread and a few of its own, which end before it returns. `on_event` is called on the calling
/// thread. `is_cancelled` is asked at every frame, from any of the threads.
///
/// # Errors
/// Any [`Error`]: the picture or the sound is not fit for it, or the render was cancelled.
pub fn render(
    request: &Request,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Video, Error> {
    if !(1..=MAX_FRAMES).contains(&request.num_frames) {
        return Err(Error::FrameCount {
            found: request.num_frames,
            max: MAX_FRAMES,
        });
    }
    let picture = portrait::decode(&request.picture)?;
    let (width, height) =
        portrait::video_size((picture.width(), picture.height()), request.resolution);
    on_event(Event::Note(format!(
        "picture {}×{}, cut to {width}×{height}",
        picture.width(),
        picture.height()
    )));
    let picture = portrait::crop(&picture, (width, height));
    let face = face::find(&picture)?;
    on_event(Event::Note(String::from(if face.eyes.is_some() {
        "face found"
    } else {
        "a face was found, but not surely its eyes: it does not blink"
    })));
    if is_cancelled() {
        return Err(Error::Cancelled);
    }

    let take = voice(request, on_event, is_cancelled)?;
    let animator = Animator::new(&picture, face, take.mouth, request.seed);
    let threads = thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .min(8);
    let (pictures, sound) = thread::scope(|scope| {
        let sound = scope.spawn(|| encode::encode_sound(&take.samples, is_cancelled));
        let pictures = draw(
            &animator,
            request.num_frames,
            threads,
            on_event,
            is_cancelled,
        );
        let sound = sound
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (pictures, sound)
    });
    let mp4 = encode::mux((width, height), &pictures?, &sound?)?;
    Ok(Video {
        mp4,
        width,
        height,
        sound_length: take.length,
    })
}

/// How long `text` lasts in `voice` at that voice's own pace.
///
/// It costs a synthesis, some tenths of a second; of a long text only the beginning is spoken, and the rest taken to go on like that.
/// `None` means that nothing on this machine can speak.
#[must_use]
pub fn measure(text: &str, voice: &str) -> Option<Speech> {
    /// Characters that are spoken to measure: more than the longest video has room for.
    const SPOKEN: usize = 1200;
    /// How far fal's own voices may be from ours.
    const MARGIN: f64 = 0.12;
    let all = text.chars().count();
    let (spoken, part) = match text.char_indices().nth(SPOKEN) {
        Some((end, _)) => (&text[..end], ratio(all, SPOKEN)),
        None => (text, 1.0),
    };
    let length = speech::natural_length(spoken, voice)?.mul_f64(part);
    Some(Speech {
        length,
        margin: length.mul_f64(MARGIN),
    })
}

#[expect(clippy::cast_precision_loss, reason = "no text has 2^52 characters")]
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

/// What is heard, and what the mouth does to it.
struct Take {
    /// Exactly as long as the video.
    samples: Vec<i16>,
    /// One pose a frame.
    mouth: Vec<Pose>,
    /// Length before anything was cut.
    length: Duration,
}

/// Speaks the script or reads the sound file.
fn voice(
    request: &Request,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Take, Error> {
    let frames = request.num_frames as usize;
    let room = Duration::from_secs(u64::from(request.num_frames)) / FRAMES_PER_SECOND;
    let (samples, mouth, length) = match &request.sound {
        Sound::Script { text, voice } => {
            let room = room.as_secs_f64();
            let spoken = speech::speak(text, voice, room, on_event, is_cancelled)?;
            let mouth = match &spoken.cues {
                Some(cues) => visemes::from_cues(cues, &spoken.samples, frames),
                None => visemes::from_sound(&spoken.samples, frames),
            };
            (spoken.samples, mouth, spoken.natural)
        }
        Sound::File(bytes) => {
            let heard = listen::decode(bytes, room, is_cancelled)?;
            if heard.length > room + Duration::from_millis(40) {
                on_event(Event::Warning(format!(
                    "the sound file lasts {:.2} s and is cut to {:.2} s",
                    heard.length.as_secs_f64(),
                    room.as_secs_f64()
                )));
            }
            let mouth = visemes::from_sound(&heard.samples, frames);
            (heard.samples, mouth, heard.length)
        }
    };
    on_event(Event::Note(format!(
        "{:.2} s of sound in {:.2} s of video",
        length.as_secs_f64(),
        room.as_secs_f64()
    )));
    let mut samples: Vec<i16> = samples.iter().map(|value| to_pcm(*value)).collect();
    samples.resize(
        frames * (SAMPLES_PER_SECOND / FRAMES_PER_SECOND) as usize,
        0,
    );
    Ok(Take {
        samples,
        mouth,
        length,
    })
}

/// Draws all frames on several threads and codes them in order on this one.
fn draw(
    animator: &Animator,
    num_frames: u32,
    threads: usize,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<AccessUnit>, Error> {
    let mut encoder = VideoEncoder::new()?;
    let total = num_frames as usize;
    thread::scope(|scope| {
        // Each thread draws every n-th frame; reading the channels in turn brings the frames back in order.
        let drawn: Vec<mpsc::Receiver<Frame>> = (0..threads)
            .map(|first| {
                let (sender, receiver) = mpsc::sync_channel(WAITING_FRAMES);
                scope.spawn(move || {
                    for n in (first..total).step_by(threads) {
                        // A closed channel means that the encoder has given up.
                        if is_cancelled() || sender.send(animator.frame(n)).is_err() {
                            return;
                        }
                    }
                });
                receiver
            })
            .collect();
        let mut pictures = Vec::with_capacity(total);
        for done in 0..num_frames {
            let frame = drawn[done as usize % threads].recv();
            if is_cancelled() {
                return Err(Error::Cancelled);
            }
            let frame = frame.map_err(|_| Error::Encode(String::from("a drawing thread ended")))?;
            pictures.push(encoder.encode(&frame)?);
            on_event(Event::Frames {
                done: done + 1,
                total: num_frames,
            });
        }
        Ok(pictures)
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "inside the range after the clamp"
)]
fn to_pcm(value: f32) -> i16 {
    (value * 32_767.0).round().clamp(-32_768.0, 32_767.0) as i16
}

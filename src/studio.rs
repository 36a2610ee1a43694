//! The preview engine: a picture of one or two people, or a video of one, and words or sound files, become a lip-synced
//! MP4 on this machine.
//!
//! It is no model: it speaks the script with a formant synthesiser, moves the mouth of the picture through a handful of
//! shapes, blinks, and sways the head a little. It answers, before anything is paid for, whether the script fits the
//! frames, whether the crop is right and whether the whole chain works.
//!
//! ```text
//! picture ─► portrait (crop) ─► face (mouth, eyes) ───────────────┐
//!                                                                 ├─► animate (frames) ─► H.264 ─┐
//! video ─► footage (frames) ─► reel (a face in each) ─────────────┤
//! scripts ─► speech (samples, phonemes) ─┐          ┌─► visemes ──┘                              ├─► encode (MP4)
//! sound files ─► listen (samples) ───────┴─► dialogue (who is heard when) ───► AAC (own thread) ─┘
//! ```
//!
//! Everything here is synchronous and pure computation: same [`Request`], same bytes.

mod animate;
mod dialogue;
mod encode;
mod error;
mod face;
mod footage;
mod heard;
mod listen;
mod mark;
mod measured;
mod portrait;
mod reel;
mod speech;
mod visemes;

use std::sync::mpsc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use self::animate::Animator;
use self::dialogue::Take;
use self::encode::{AccessUnit, Frame, VideoEncoder};
use self::face::Face;
use self::footage::Footage;
use self::reel::Reel;
use self::visemes::Pose;
pub use crate::model::crop::Resolution;
use crate::model::{Speech, crop};
pub use error::{Error, Part};
pub use footage::{MAX_VIDEO_BYTES, MAX_VIDEO_SIDE};
pub use heard::heard;
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
    /// Where the people are seen.
    pub scene: Scene,
    /// What is said.
    pub sound: Sound,
    /// Length of the video in frames, 25 a second. Sound beyond it is cut, silence fills the rest.
    pub num_frames: u32,
    /// Size of the video.
    pub resolution: Resolution,
    /// Decides blinks and sway; the same seed gives the same bytes.
    pub seed: u64,
}

/// Where the people are seen.
#[derive(Clone, Debug)]
pub enum Scene {
    /// An encoded picture (PNG, JPEG or WebP) of one person.
    Portrait(Vec<u8>),
    /// The same of two people, of whom the left one speaks first.
    Pair(Vec<u8>),
    /// An encoded video (MP4 with H.264) of one person. The mouth is moved, everything else stays as it was filmed;
    /// what is too short goes back and forth at its end.
    Video(Vec<u8>),
}

/// What is said: one person speaks after the other.
#[derive(Clone, Debug)]
pub enum Sound {
    /// Words to be spoken.
    Scripts(Vec<Script>),
    /// Encoded sound files (WAV, MP3, FLAC, OGG Vorbis, M4A).
    Files(Vec<Vec<u8>>),
}

/// One person's words.
#[derive(Clone, Debug)]
pub struct Script {
    /// The words.
    pub text: String,
    /// The name of one of fal's voices (`Bill`, `Aria`, …), imitated by pitch and pace only; an unknown one is neutral.
    pub voice: String,
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
    match &request.scene {
        Scene::Portrait(picture) => of_picture(picture, 1, request, on_event, is_cancelled),
        Scene::Pair(picture) => of_picture(picture, 2, request, on_event, is_cancelled),
        Scene::Video(video) => of_video(video, request, on_event, is_cancelled),
    }
}

/// Lets the people in a picture speak.
fn of_picture(
    picture: &[u8],
    people: usize,
    request: &Request,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Video, Error> {
    let picture = portrait::decode(picture)?;
    let shape = (picture.width(), picture.height());
    let size = crop::video_size(shape, request.resolution);
    on_event(cut("picture", shape, size));
    let picture = portrait::crop(&picture, size);
    let faces = face::find(&picture, people);
    on_event(Event::Note(cast(&faces, people)?.to_owned()));
    if is_cancelled() {
        return Err(Error::Cancelled);
    }
    let mut take = dialogue::record(request, on_event, is_cancelled)?;
    // Whoever says nothing still blinks.
    let silent = vec![Pose::default(); request.num_frames as usize];
    take.mouths.resize(people, silent);
    let mouths = std::mem::take(&mut take.mouths);
    let animator = Animator::new(&picture, &faces, mouths, request.seed);
    let feed = || Ok(());
    let draw = |n: usize, ()| animator.frame(n);
    film(size, &take, request, feed, draw, on_event, is_cancelled)
}

/// Lets the person in a video speak.
fn of_video(
    video: &[u8],
    request: &Request,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Video, Error> {
    let footage = Footage::open(video)?;
    let size = crop::video_size(footage.size(), request.resolution);
    on_event(cut("video", footage.size(), size));
    let needed = f64::from(request.num_frames) / f64::from(FRAMES_PER_SECOND);
    if let Some(length) = footage.length().map(|length| length.as_secs_f64())
        && length < needed - 0.04
    {
        on_event(Event::Note(format!(
            "the video lasts {length:.2} s and goes back and forth at its end to fill {needed:.2} s"
        )));
    }
    let take = dialogue::record(request, on_event, is_cancelled)?;
    let poses = take.mouths.first();
    let pose = |n: usize| poses.map_or_else(Pose::default, |poses| poses[n]);
    let mut reel = Reel::new(footage, size, request.num_frames as usize);
    let feed = move || reel.next();
    let draw = |n: usize, shot| animate::dub(shot, pose(n));
    film(size, &take, request, feed, draw, on_event, is_cancelled)
}

/// What to say of the size.
fn cut(what: &str, (width, height): (u32, u32), size: (u32, u32)) -> Event {
    Event::Note(format!(
        "{what} {width}×{height}, cut to {}×{}",
        size.0, size.1
    ))
}

/// Draws the frames and codes them beside the sound.
fn film<S: Send>(
    size: (u32, u32),
    take: &Take,
    request: &Request,
    feed: impl FnMut() -> Result<S, Error> + Send,
    draw: impl Fn(usize, S) -> Frame + Sync,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Video, Error> {
    let (pictures, sound) = thread::scope(|scope| {
        let sound = scope.spawn(|| encode::encode_sound(&take.samples, is_cancelled));
        let pictures = shoot(request.num_frames, feed, draw, on_event, is_cancelled);
        (pictures, joined(sound))
    });
    let mp4 = encode::mux(size, &pictures?, &sound?)?;
    Ok(Video {
        mp4,
        width: size.0,
        height: size.1,
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

/// What to say of the faces that were found.
fn cast(faces: &[Face], people: usize) -> Result<&'static str, Error> {
    let is_sure = faces.iter().all(|face| face.eyes.is_some());
    match (people, faces.len(), is_sure) {
        (1, 0, _) => Err(Error::NoFace),
        (2, found @ (0 | 1), _) => Err(Error::TooFewFaces { found }),
        (1, _, true) => Ok("face found"),
        (1, _, false) => Ok("a face was found, but not surely its eyes: it does not blink"),
        (_, _, true) => Ok("two faces found, the left one speaks first"),
        (_, _, false) => Ok("two faces were found, but not surely all eyes: not both blink"),
    }
}

/// Draws all frames and codes them in order on this thread.
///
/// `feed` makes ready what each frame is drawn from, in order, on a thread of its own; `draw` draws it, on several.
fn shoot<S: Send>(
    num_frames: u32,
    mut feed: impl FnMut() -> Result<S, Error> + Send,
    draw: impl Fn(usize, S) -> Frame + Sync,
    on_event: &mut (dyn FnMut(Event) + Send),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<AccessUnit>, Error> {
    let mut encoder = VideoEncoder::new()?;
    let total = num_frames as usize;
    let threads = thread::available_parallelism()
        .map_or(2, std::num::NonZero::get)
        .min(8);
    let draw = &draw;
    thread::scope(|scope| {
        // Each thread draws every n-th frame; reading the channels in turn brings the frames back in order.
        let (feeds, drawn): (Vec<_>, Vec<_>) = (0..threads)
            .map(|_| {
                let (feeder, shots) = mpsc::sync_channel::<(usize, S)>(WAITING_FRAMES);
                let (sender, receiver) = mpsc::sync_channel(WAITING_FRAMES);
                scope.spawn(move || {
                    for (n, shot) in shots {
                        // A closed channel means that the encoder has given up.
                        if is_cancelled() || sender.send(draw(n, shot)).is_err() {
                            return;
                        }
                    }
                });
                (feeder, receiver)
            })
            .unzip();
        let feeding = scope.spawn(move || {
            for n in 0..total {
                if is_cancelled() || feeds[n % threads].send((n, feed()?)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        let mut pictures = Vec::with_capacity(total);
        for done in 0..num_frames {
            let frame = drawn[done as usize % threads].recv();
            if is_cancelled() {
                return Err(Error::Cancelled);
            }
            let Ok(frame) = frame else {
                drop(drawn);
                joined(feeding)?;
                return Err(Error::Encode(String::from("a drawing thread ended")));
            };
            pictures.push(encoder.encode(&frame)?);
            on_event(Event::Frames {
                done: done + 1,
                total: num_frames,
            });
        }
        Ok(pictures)
    })
}

/// What a thread came to; its panic goes on here.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

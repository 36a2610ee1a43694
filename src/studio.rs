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

use std::time::Duration;

/// Pictures a second of every video, as at fal (several independent measurements; no first-party text says it).
pub const FRAMES_PER_SECOND: u32 = 25;

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

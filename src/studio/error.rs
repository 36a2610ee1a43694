//! Why a render ends without a video.

/// Why a render ends without a video; every message is one line, fit to show.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The picture's bytes do not decode (`image_load_error` at fal).
    #[error("the picture cannot be read: {reason}")]
    PictureUnreadable {
        /// The decoder's words.
        reason: String,
    },
    /// The picture is in a format that is not read here (`unsupported_image_format`).
    #[error("the picture is in {found}; use PNG, JPEG or WebP")]
    PictureFormat {
        /// What it looks like, such as `GIF format` or `an unknown format`.
        found: String,
    },
    /// The picture has too few pixels (`image_too_small`).
    #[error("the picture is {width}×{height} pixels; it needs at least {min_width}×{min_height}")]
    PictureTooSmall {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Least width in pixels.
        min_width: u32,
        /// Least height in pixels.
        min_height: u32,
    },
    /// The picture has too many pixels (`image_too_large`).
    #[error("the picture is {width}×{height} pixels; at most {max_width}×{max_height} are read")]
    PictureTooLarge {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Greatest width in pixels.
        max_width: u32,
        /// Greatest height in pixels.
        max_height: u32,
    },
    /// A file has too many bytes (`file_too_large`).
    #[error("the {what} has {size_bytes} bytes; at most {max_bytes} are read")]
    FileTooLarge {
        /// `picture` or `sound file`.
        what: &'static str,
        /// Its size.
        size_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// Nothing in the picture looks like a face seen from the front (`face_detection_error`).
    #[error("no face found in the picture; use a portrait seen from the front")]
    NoFace,
    /// The sound file is in no known format or holds no readable sound (`unsupported_audio_format`).
    #[error("the sound file cannot be read: {reason}; use WAV, MP3, FLAC, OGG Vorbis or M4A")]
    SoundUnreadable {
        /// The decoder's words.
        reason: String,
    },
    /// The script holds no words (`sequence_too_short`).
    #[error("the script is empty")]
    EmptyScript,
    /// The number of frames is out of range (`greater_than_equal` or `less_than_equal`).
    #[error("{found} frames cannot be rendered; choose 1 to {max}")]
    FrameCount {
        /// Frames asked for.
        found: u32,
        /// The most that is rendered.
        max: u32,
    },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// An encoder or the muxer failed, which no input should bring about.
    #[error("the video cannot be encoded: {0}")]
    Encode(String),
}

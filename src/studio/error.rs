//! Why a render ends without a video.

/// The part of a request that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The picture of the scene.
    Picture,
    /// The video of the scene.
    Video,
    /// What this speaker says, counted from 0.
    Speech(usize),
    /// The number of frames.
    Length,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Picture => "picture",
            Self::Video => "video",
            Self::Speech(_) => "sound file",
            Self::Length => "number of frames",
        })
    }
}

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
    #[error("the {part} has {size_bytes} bytes; at most {max_bytes} are read")]
    FileTooLarge {
        /// Which file.
        part: Part,
        /// Its size.
        size_bytes: usize,
        /// The limit.
        max_bytes: usize,
    },
    /// Nothing in the picture looks like a face seen from the front (`face_detection_error`).
    #[error("no face found in the picture; use a portrait seen from the front")]
    NoFace,
    /// Two people are to speak, and the picture shows fewer (`face_detection_error`).
    #[error(
        "two faces seen from the front are needed in the picture; {} found",
        if *found == 0 { "none is" } else { "only one is" }
    )]
    TooFewFaces {
        /// 0 or 1.
        found: usize,
    },
    /// The video is no MP4 with H.264 pictures, or cannot be decoded (`unsupported_video_format`).
    #[error("the video cannot be read: {reason}; use an MP4 with H.264 pictures")]
    VideoUnreadable {
        /// The decoder's words.
        reason: String,
    },
    /// Nothing in any frame of the video looks like a face seen from the front (`face_detection_error`).
    #[error("no face found in the video; use one of a person seen from the front")]
    NoFaceInVideo,
    /// The sound file is in no known format or holds no readable sound (`unsupported_audio_format`).
    #[error("the sound file cannot be read: {reason}; use WAV, MP3, FLAC, OGG Vorbis or M4A")]
    SoundUnreadable {
        /// Whose it is, counted from 0.
        speaker: usize,
        /// The decoder's words.
        reason: String,
    },
    /// The script holds no words (`sequence_too_short`).
    #[error("the script is empty")]
    EmptyScript {
        /// Whose it is, counted from 0.
        speaker: usize,
    },
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

impl Error {
    /// The part of the request that has to change; `None` when no part is at fault.
    #[must_use]
    pub const fn part(&self) -> Option<Part> {
        match self {
            Self::PictureUnreadable { .. }
            | Self::PictureFormat { .. }
            | Self::PictureTooSmall { .. }
            | Self::PictureTooLarge { .. }
            | Self::NoFace
            | Self::TooFewFaces { .. } => Some(Part::Picture),
            Self::VideoUnreadable { .. } | Self::NoFaceInVideo => Some(Part::Video),
            Self::FileTooLarge { part, .. } => Some(*part),
            Self::SoundUnreadable { speaker, .. } | Self::EmptyScript { speaker } => {
                Some(Part::Speech(*speaker))
            }
            Self::FrameCount { .. } => Some(Part::Length),
            Self::Cancelled | Self::Encode(_) => None,
        }
    }

    /// The same about another speaker than the first.
    pub(super) fn of_speaker(mut self, number: usize) -> Self {
        match &mut self {
            Self::SoundUnreadable { speaker, .. }
            | Self::EmptyScript { speaker }
            | Self::FileTooLarge {
                part: Part::Speech(speaker),
                ..
            } => *speaker = number,
            _ => {}
        }
        self
    }
}

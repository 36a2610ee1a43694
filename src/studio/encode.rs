//! Puts coded pictures and sound into an MP4 with its index at the front.

mod bits;
mod sound;
mod spectrum;
mod transform;
mod video;

use muxide::api::{AacProfile, AudioCodec, Metadata, MuxerBuilder, VideoCodec};

pub(super) use sound::encode as encode_sound;
pub(super) use video::{AccessUnit, Frame, VideoEncoder};

use super::{Error, FRAMES_PER_SECOND, SAMPLES_PER_SECOND};

/// Title in the file's metadata; players show it.
pub(super) const TITLE: &str = "offline preview by talkdeck, not the model's output";

/// Joins the streams; `sound` holds one ADTS frame per 1,024 samples.
///
/// # Errors
/// [`Error::Encode`] when the streams do not fit together.
pub(super) fn mux(
    size: (u32, u32),
    pictures: &[AccessUnit],
    sound: &[Vec<u8>],
) -> Result<Vec<u8>, Error> {
    let mut mp4 = Vec::new();
    let mut muxer = MuxerBuilder::new(&mut mp4)
        .video(
            VideoCodec::H264,
            size.0,
            size.1,
            f64::from(FRAMES_PER_SECOND),
        )
        .audio(AudioCodec::Aac(AacProfile::Lc), SAMPLES_PER_SECOND, 1)
        .with_metadata(Metadata::new().with_title(TITLE))
        .with_fast_start(true)
        .build()
        .map_err(failed)?;
    for (n, picture) in (0_u32..).zip(pictures) {
        let seconds = f64::from(n) / f64::from(FRAMES_PER_SECOND);
        muxer
            .write_video(seconds, &picture.bytes, picture.is_key)
            .map_err(failed)?;
    }
    for (n, frame) in (0_u32..).zip(sound) {
        let seconds = f64::from(n) * 1024.0 / f64::from(SAMPLES_PER_SECOND);
        muxer.write_audio(seconds, frame).map_err(failed)?;
    }
    muxer.finish().map_err(failed)?;
    Ok(mp4)
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn failed(error: muxide::api::MuxerError) -> Error {
    Error::Encode(error.to_string())
}

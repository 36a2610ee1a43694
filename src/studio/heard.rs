//! How long is spoken in a finished video.

use std::time::Duration;

use super::{SAMPLES_PER_SECOND, listen};

/// Longer videos are not ours.
const LONGEST: Duration = Duration::from_mins(1);
/// Pieces whose loudness is looked at.
const PIECE: usize = SAMPLES_PER_SECOND as usize / 50;
/// A piece is silent below this part of the loudest one.
const SILENT: f32 = 0.02;
/// Speech that ends so close to the end of the video may have been cut off.
const CUT: Duration = Duration::from_millis(150);

/// How long is spoken in the sound of `video`, from its beginning to the last sound; nothing where that cannot be told,
/// because it is silent, cannot be decoded, or may have been cut off at the end.
#[must_use]
pub fn heard(video: &[u8]) -> Option<Duration> {
    let recording = listen::decode(video, LONGEST, &|| false).ok()?;
    let loudness = |piece: &[f32]| {
        let power: f32 = piece.iter().map(|sample| sample * sample).sum();
        #[expect(clippy::cast_precision_loss, reason = "a piece has few samples")]
        let mean = power / piece.len().max(1) as f32;
        mean.sqrt()
    };
    let pieces: Vec<f32> = recording.samples.chunks(PIECE).map(loudness).collect();
    let loudest = pieces.iter().copied().fold(0.0, f32::max);
    let last = pieces
        .iter()
        .rposition(|piece| *piece > loudest * SILENT && *piece > 1e-4)?;
    let heard = Duration::from_secs_f64(
        f64::from(u32::try_from((last + 1) * PIECE).ok()?) / f64::from(SAMPLES_PER_SECOND),
    );
    (heard + CUT <= recording.length.min(LONGEST)).then_some(heard)
}

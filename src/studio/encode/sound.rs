//! AAC-LC by `oxideav-aac`: samples in, ADTS frames out.
//!
//! The encoder computes its transform term by term, which takes about as long as drawing the whole video. So the
//! signal is cut into parts that are coded on several threads. A frame depends on the samples of two hops and on a
//! small state (long or short windows), which a coder that starts a little early picks up by itself: when the first
//! frames of a part are byte for byte what the part before it coded last, both coders are in the same state, and the
//! joined stream equals the one of a single coder. When they are not, the part is coded again by the coder before it.

use oxideav_aac::encoder::{EncoderConfig, StreamEncoder};

use crate::studio::{Error, SAMPLES_PER_SECOND};

/// Samples a frame codes.
pub(in crate::studio) const FRAME_SAMPLES: usize = 1024;
const BITS_PER_SECOND: u32 = 72_000;
/// Frames that two neighbouring parts both code; three hops without a sudden sound bring any two coders together.
const SHARED_FRAMES: usize = 6;
/// Parts shorter than this are not worth a thread.
const MIN_PART_FRAMES: usize = 4 * SHARED_FRAMES;

/// Codes mono samples; frame `n` of the result sounds from sample `1024 × n` on.
///
/// The first frame an AAC encoder makes only warms the decoder up; it is left out, because a player that ignores the
/// container's hint about it would play everything 43 ms late.
///
/// # Errors
/// [`Error::Cancelled`], or [`Error::Encode`].
pub(in crate::studio) fn encode(
    samples: &[i16],
    threads: usize,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Vec<u8>>, Error> {
    let hops: Vec<&[i16]> = samples.chunks(FRAME_SAMPLES).collect();
    let parts = threads.min(hops.len() / MIN_PART_FRAMES).max(1);
    let border = |part: usize| part * hops.len() / parts;

    let coded: Vec<Result<Part, Error>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..parts)
            .map(|part| {
                let hops = &hops;
                let start = if part == 0 {
                    0
                } else {
                    border(part) - SHARED_FRAMES
                };
                let end = border(part + 1);
                scope.spawn(move || {
                    let mut coder = Part::new(start)?;
                    coder.run(hops, end, is_cancelled)?;
                    Ok(coder)
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });

    let mut coded = coded.into_iter();
    let mut whole = coded.next().expect("there is at least one part")?;
    for next in coded {
        let next = next?;
        // The last shared frame tells: equal bytes mean equal samples and equal windows, hence equal state.
        let same = whole.frames.last() == next.frames.get(SHARED_FRAMES - 1);
        if same {
            whole
                .frames
                .extend_from_slice(&next.frames[SHARED_FRAMES..]);
            whole.encoder = next.encoder;
        } else {
            let end = next.start + next.frames.len();
            whole.run(&hops, end, is_cancelled)?;
        }
    }
    let mut frames = whole.frames;
    frames.push(whole.encoder.finish().map_err(failed)?);
    frames.remove(0);
    Ok(frames)
}

/// A stretch of frames and the coder that made them.
struct Part {
    encoder: StreamEncoder,
    start: usize,
    frames: Vec<Vec<u8>>,
}

impl Part {
    fn new(start: usize) -> Result<Self, Error> {
        let mut encoder = StreamEncoder::new(EncoderConfig {
            sample_rate: SAMPLES_PER_SECOND,
            channels: 1,
            bitrate: BITS_PER_SECOND,
        })
        .map_err(failed)?;
        // Noise substitution keeps the loudness of a band but not its wave form: consonants blur.
        encoder.set_pns(false);
        Ok(Self {
            encoder,
            start,
            frames: Vec::new(),
        })
    }

    fn run(
        &mut self,
        hops: &[&[i16]],
        end: usize,
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<(), Error> {
        for hop in &hops[self.start + self.frames.len()..end] {
            if is_cancelled() {
                return Err(Error::Cancelled);
            }
            self.frames
                .push(self.encoder.encode_frame(hop).map_err(failed)?);
        }
        Ok(())
    }
}

fn failed(error: oxideav_aac::Error) -> Error {
    Error::Encode(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Syllables with sudden starts and silences between, so that windows switch all the time.
    fn babble(samples: usize) -> Vec<i16> {
        let mut noise = fastrand::Rng::with_seed(7);
        (0..samples)
            .map(|n| {
                let on = (n / 2_400) % 3 != 0;
                let tone = (f64::from(u32::try_from(n).unwrap()) * 0.05).sin() * 9_000.0;
                #[expect(clippy::cast_possible_truncation, reason = "far below 32,767")]
                let value = (tone + noise.f64() * 2_000.0) as i16;
                if on { value } else { 0 }
            })
            .collect()
    }

    #[test]
    fn parts_coded_side_by_side_join_to_the_very_same_bytes() {
        let samples = babble(80 * FRAME_SAMPLES + 300);
        let alone = encode(&samples, 1, &|| false).unwrap();
        let together = encode(&samples, 3, &|| false).unwrap();
        assert_eq!(alone.len(), 81);
        assert!(alone == together, "the threads changed the bytes");
    }

    #[test]
    fn a_cancelled_encode_stops() {
        let samples = babble(40 * FRAME_SAMPLES);
        assert!(matches!(
            encode(&samples, 2, &|| true),
            Err(Error::Cancelled)
        ));
    }
}

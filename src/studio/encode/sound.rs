//! AAC-LC: samples in, ADTS frames out.
//!
//! The encoder of `oxideav-aac` sums its transform term by term, which takes longer than drawing the whole video; its
//! code tables, taken here, are the larger part of an encoder. What is left out is what a preview can do without:
//! short windows, noise shaping, a fixed bit rate.

use oxideav_aac::swb_offset::long_window_offsets;

use super::bits::Bits;
use super::spectrum;
use super::transform::{LINES, Transform};
use crate::studio::{Error, SAMPLES_PER_SECOND};

/// AAC's number for 24,000 samples a second.
const RATE_INDEX: u8 = 6;
const _: () = assert!(SAMPLES_PER_SECOND == 24_000);
/// Most bytes of one frame of one channel (ISO/IEC 14496-3, 4.5.3).
const MOST_BYTES: usize = 6_144 / 8;
const HEADER_BYTES: usize = 7;

/// Codes mono samples; frame `n` of the result sounds from sample `1024 × n` on.
///
/// The first frame an AAC encoder makes only warms the decoder up; it is left out, because a player that ignores the
/// container's hint about it would play everything 43 ms late.
///
/// # Errors
/// [`Error::Cancelled`], or [`Error::Encode`].
pub(in crate::studio) fn encode(
    samples: &[i16],
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Vec<u8>>, Error> {
    let failed = |error: oxideav_aac::Error| Error::Encode(error.to_string());
    let edges = long_window_offsets(RATE_INDEX).map_err(failed)?;
    let transform = Transform::new();
    let mut hops: Vec<Vec<f32>> = samples
        .chunks(LINES)
        .map(|hop| hop.iter().copied().map(f32::from).collect())
        .collect();
    if let Some(last) = hops.last_mut() {
        last.resize(LINES, 0.0);
    }
    // The last hop fades into silence.
    hops.push(vec![0.0; LINES]);
    let mut frames = Vec::with_capacity(hops.len());
    for pair in hops.windows(2) {
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let lines = transform.run(&pair[0], &pair[1]);
        frames.push(frame(&lines, edges).map_err(failed)?);
    }
    Ok(frames)
}

/// One frame with its header.
fn frame(lines: &[f32], edges: &[u16]) -> Result<Vec<u8>, oxideav_aac::Error> {
    let mut coarser = 0;
    let body = loop {
        let mut bits = Bits::default();
        // One channel, the first of its kind.
        bits.push(0, 3 + 4);
        spectrum::write(&mut bits, &spectrum::round(lines, edges, coarser))?;
        // The end of the frame.
        bits.push(7, 3);
        if bits.bytes() <= MOST_BYTES {
            break bits.into_bytes();
        }
        coarser += 4;
    };
    let mut bits = Bits::default();
    bits.push(0xFFF, 12);
    // MPEG-4, no checksum, low complexity.
    bits.push(0b0001, 4);
    bits.push(0b01, 2);
    bits.push(u32::from(RATE_INDEX), 4);
    bits.push(0, 1);
    // One channel; then four flags that nobody reads.
    bits.push(1, 3);
    bits.push(0, 4);
    let length = u32::try_from(HEADER_BYTES + body.len()).expect("below 6,144 bits");
    bits.push(length, 13);
    // Variable rate, one block.
    bits.push(0x7FF, 11);
    bits.push(0, 2);
    let mut frame = bits.into_bytes();
    frame.extend(body);
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use oxideav_aac::decode::StreamDecoder;

    use super::*;

    /// Syllables of a buzz with overtones and of hiss, with silences between.
    fn babble(samples: u32) -> Vec<i16> {
        let mut noise = fastrand::Rng::with_seed(7);
        (0..samples)
            .map(|n| {
                let wave = |hz: f64| (std::f64::consts::TAU * hz * f64::from(n) / 24_000.0).sin();
                let value = match (n / 2_400) % 4 {
                    0 => 0.0,
                    1 => (noise.f64() - 0.5) * 4_000.0,
                    _ => 6_000.0 * wave(130.0) + 4_000.0 * wave(780.0) + 900.0 * wave(3_100.0),
                };
                #[expect(clippy::cast_possible_truncation, reason = "far below 32,767")]
                let value = value as i16;
                value
            })
            .collect()
    }

    #[test]
    fn what_is_decoded_is_what_was_coded_at_the_same_time() {
        let samples = babble(40 * 1024 + 300);
        let frames = encode(&samples, &|| false).unwrap();
        assert_eq!(frames.len(), 41);
        let heard = decoded(&frames);
        // The very first hop has nothing to overlap with.
        let (mut signal, mut error) = (0.0, 0.0);
        for (sample, heard) in samples.iter().zip(&heard).skip(1024) {
            signal += f64::from(*sample).powi(2);
            error += (f64::from(*sample) - f64::from(*heard)).powi(2);
        }
        let decibels = 10.0 * (signal / error).log10();
        assert!(decibels > 20.0, "{decibels} dB");
        let bytes: usize = frames.iter().map(Vec::len).sum();
        let bits_per_second = bytes * 8 * 24_000 / samples.len();
        assert!(
            (16_000..120_000).contains(&bits_per_second),
            "{bits_per_second}"
        );
        println!("{decibels} {bits_per_second}");
    }

    #[test]
    fn the_loudest_noise_fits_a_frame_and_silence_takes_next_to_nothing() {
        let mut random = fastrand::Rng::with_seed(1);
        let noise: Vec<i16> = (0..4_096).map(|_| random.i16(..)).collect();
        let frames = encode(&noise, &|| false).unwrap();
        assert!(
            frames
                .iter()
                .all(|frame| frame.len() <= MOST_BYTES + HEADER_BYTES)
        );
        assert_eq!(decoded(&frames).len(), 4_096);
        let silence = encode(&[0; 4_096], &|| false).unwrap();
        assert!(silence.iter().all(|frame| frame.len() < 16));
        assert!(decoded(&silence).iter().all(|sample| *sample == 0));
    }

    #[test]
    fn a_cancelled_encode_stops() {
        let result = encode(&babble(40_000), &|| true);
        assert!(matches!(result, Err(Error::Cancelled)));
    }

    /// Decodes with the library's own decoder, which knows nothing of this encoder.
    fn decoded(frames: &[Vec<u8>]) -> Vec<i16> {
        let decoded = StreamDecoder::new().decode_all(&frames.concat()).unwrap();
        decoded.iter().flat_map(|frame| frame.pcm.clone()).collect()
    }
}

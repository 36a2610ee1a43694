//! Decodes a sound file to mono samples at the rate of the video's sound.

use std::io::Cursor;
use std::time::Duration;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error as CodecError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use super::{Error, Part, SAMPLES_PER_SECOND};

/// Most bytes of an encoded sound file.
pub const MAX_SOUND_BYTES: usize = 64 * 1024 * 1024;
/// Rates outside of this are not sound that somebody recorded.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=384_000;
const MAX_CHANNELS: usize = 16;
/// Broken packets in a row after which the file counts as damaged rather than scratched.
const MAX_BROKEN_PACKETS: usize = 200;

/// What a sound file holds.
pub(super) struct Recording {
    /// Mono samples from −1 to 1, 24,000 a second, no more than asked for.
    pub(super) samples: Vec<f32>,
    /// Length of the whole file: what its header says, else counted as far as it was read.
    pub(super) length: Duration,
}

/// Decodes the first `limit` of a sound file.
///
/// No more than `limit` is held in memory, whatever the file claims to be.
///
/// # Errors
/// [`Error::SoundUnreadable`], [`Error::FileTooLarge`], [`Error::Cancelled`].
pub(super) fn decode(
    bytes: &[u8],
    limit: Duration,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Recording, Error> {
    if bytes.len() > MAX_SOUND_BYTES {
        return Err(Error::FileTooLarge {
            part: Part::Speech(0),
            size_bytes: bytes.len(),
            max_bytes: MAX_SOUND_BYTES,
        });
    }
    let stream = MediaSourceStream::new(
        Box::new(Cursor::new(bytes.to_vec())),
        MediaSourceStreamOptions::default(),
    );
    let mut format = symphonia::default::get_probe()
        .probe(
            &Hint::new(),
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|error| unreadable(&error))?;
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| refused("it holds no sound track"))?;
    let id = track.id;
    let promised = track
        .time_base
        .zip(track.duration)
        .and_then(|(base, length)| base.calc_duration(length))
        .and_then(|time| Duration::try_from_secs_f64(time.as_secs_f64()).ok());
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| refused("its codec is unknown"))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(parameters, &AudioDecoderOptions::default())
        .map_err(|error| unreadable(&error))?;

    let mut mono = Mono::default();
    let mut broken = 0;
    loop {
        if is_cancelled() {
            return Err(Error::Cancelled);
        }
        let packet = match format.next_packet() {
            Ok(Some(packet)) if packet.track_id == id => packet,
            Ok(Some(_)) => continue,
            // A new chain begins, or the file was cut off: what was read so far is what there is.
            Ok(None) | Err(CodecError::IoError(_) | CodecError::ResetRequired) => break,
            Err(error) if mono.samples.is_empty() => return Err(unreadable(&error)),
            Err(_) => break,
        };
        match decoder.decode(&packet) {
            Ok(buffer) => {
                broken = 0;
                let goes_on = mono.add(&buffer, limit)?;
                if !goes_on || mono.is_full(limit) && promised.is_some() {
                    break;
                }
            }
            Err(CodecError::DecodeError(_)) if broken < MAX_BROKEN_PACKETS => broken += 1,
            Err(error) if mono.samples.is_empty() => return Err(unreadable(&error)),
            Err(_) => break,
        }
    }
    let Mono {
        samples: mono,
        rate,
        counted,
    } = mono;
    if mono.is_empty() {
        return Err(refused("it holds no samples"));
    }
    let mut samples = resample(&mono, rate);
    samples.truncate(samples_in(limit, SAMPLES_PER_SECOND));
    #[expect(
        clippy::cast_precision_loss,
        reason = "hours of sound are exact in a double"
    )]
    let length =
        promised.unwrap_or_else(|| Duration::from_secs_f64(counted as f64 / f64::from(rate)));
    Ok(Recording { samples, length })
}

/// The beginning of a recording, its channels mixed.
#[derive(Default)]
struct Mono {
    samples: Vec<f32>,
    /// Samples a second; 0 before the first packet.
    rate: u32,
    /// Samples the recording has so far, kept or not.
    counted: u64,
}

impl Mono {
    /// Mixes a packet in as far as there is room; returns whether the next one can follow.
    fn add(&mut self, buffer: &GenericAudioBufferRef, limit: Duration) -> Result<bool, Error> {
        let channels = buffer.spec().channels().count();
        let found = buffer.spec().rate();
        if channels == 0 || channels > MAX_CHANNELS || !RATES.contains(&found) {
            return Err(refused(&format!("{channels} channels at {found} Hz")));
        }
        if self.rate == 0 {
            self.rate = found;
        } else if self.rate != found {
            return Ok(false);
        }
        let mut packet: Vec<f32> = Vec::new();
        buffer.copy_to_vec_interleaved(&mut packet);
        self.counted += (packet.len() / channels) as u64;
        let room = self.wanted(limit).saturating_sub(self.samples.len());
        #[expect(clippy::cast_precision_loss, reason = "at most 16")]
        let share = 1.0 / channels as f32;
        let mixed = packet.chunks_exact(channels).take(room).map(|frame| {
            let mean = frame.iter().sum::<f32>() * share;
            if mean.is_finite() {
                mean.clamp(-1.0, 1.0)
            } else {
                0.0
            }
        });
        self.samples.extend(mixed);
        Ok(true)
    }

    fn is_full(&self, limit: Duration) -> bool {
        self.samples.len() >= self.wanted(limit)
    }

    /// A little more than the limit, so that the filter has something to look at.
    fn wanted(&self, limit: Duration) -> usize {
        samples_in(limit, self.rate).saturating_add(4_096)
    }
}

/// Samples in a time at a rate, rounded up.
pub(super) fn samples_in(time: Duration, rate: u32) -> usize {
    let nanoseconds = time.as_nanos() * u128::from(rate);
    usize::try_from(nanoseconds.div_ceil(1_000_000_000)).unwrap_or(usize::MAX)
}

/// Converts samples at `rate` to the rate of the video's sound by a windowed sinc.
///
/// Going down, the filter also takes out what the lower rate cannot carry.
pub(super) fn resample(samples: &[f32], rate: u32) -> Vec<f32> {
    /// Zero crossings on each side.
    const REACH: f64 = 12.0;
    /// Steps of the table between two input samples.
    const STEPS: f64 = 256.0;
    if rate == SAMPLES_PER_SECOND {
        return samples.to_vec();
    }
    let step = f64::from(rate) / f64::from(SAMPLES_PER_SECOND);
    // Slightly below the limit, for the filter is not infinitely steep.
    let cutoff = 0.95 * (1.0 / step).min(1.0);
    let reach = REACH / cutoff;
    let kernel: Vec<f32> = (0..=to_index(reach * STEPS) + 1)
        .map(|i| {
            let x = from_index(i) / STEPS;
            let phase = std::f64::consts::PI * x * cutoff;
            let sinc = if i == 0 { 1.0 } else { phase.sin() / phase };
            let window = (0.5 + 0.5 * (std::f64::consts::PI * (x / reach).min(1.0)).cos()).powi(2);
            to_single(sinc * window * cutoff)
        })
        .collect();
    let count = to_index(from_index(samples.len()) / step);
    (0..count)
        .map(|n| {
            let at = from_index(n) * step;
            let first = to_index((at - reach).ceil().max(0.0));
            let last = to_index(at + reach).min(samples.len() - 1);
            samples[first..=last]
                .iter()
                .zip(first..)
                .map(|(value, i)| {
                    let distance = ((from_index(i) - at).abs() * STEPS).min(reach * STEPS);
                    let low = to_index(distance);
                    let part = to_single(distance - from_index(low));
                    value * (kernel[low] + (kernel[low + 1] - kernel[low]) * part)
                })
                .sum()
        })
        .collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "indices are not negative and far below the limits"
)]
fn to_index(value: f64) -> usize {
    value as usize
}

#[expect(clippy::cast_precision_loss, reason = "indices are far below 2^52")]
fn from_index(index: usize) -> f64 {
    index as f64
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a sample needs no more precision"
)]
fn to_single(value: f64) -> f32 {
    value as f32
}

fn unreadable(error: &CodecError) -> Error {
    refused(&error.to_string())
}

fn refused(reason: &str) -> Error {
    Error::SoundUnreadable {
        speaker: 0,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(rate: u32, channels: u16, samples: &[i16]) -> Vec<u8> {
        let bytes = u32::try_from(samples.len() * 2).unwrap();
        let mut file = b"RIFF".to_vec();
        file.extend_from_slice(&(36 + bytes).to_le_bytes());
        file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0");
        file.extend_from_slice(&channels.to_le_bytes());
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&(rate * u32::from(channels) * 2).to_le_bytes());
        file.extend_from_slice(&(channels * 2).to_le_bytes());
        file.extend_from_slice(&16_u16.to_le_bytes());
        file.extend_from_slice(b"data");
        file.extend_from_slice(&bytes.to_le_bytes());
        file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        file
    }

    #[expect(clippy::cast_possible_truncation, reason = "a test tone")]
    fn tone(rate: u32, hz: f64, seconds: f64) -> Vec<i16> {
        (0..to_index(f64::from(rate) * seconds))
            .map(|n| {
                let phase = std::f64::consts::TAU * hz * from_index(n) / f64::from(rate);
                (phase.sin() * 16_000.0) as i16
            })
            .collect()
    }

    fn loudness(samples: &[f32]) -> f32 {
        let sum: f32 = samples.iter().map(|value| value * value).sum();
        #[expect(clippy::cast_precision_loss, reason = "a test")]
        let count = samples.len() as f32;
        (sum / count).sqrt()
    }

    #[test]
    fn a_tone_keeps_its_pitch_length_and_loudness_at_any_rate() {
        for rate in [8_000, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000] {
            let file = wav(rate, 1, &tone(rate, 440.0, 1.0));
            let heard = decode(&file, Duration::from_secs(5), &|| false).unwrap();
            assert_eq!(heard.length.as_millis(), 1_000, "{rate}");
            assert!(heard.samples.len().abs_diff(24_000) < 30, "{rate}");
            let crossings = heard
                .samples
                .windows(2)
                .filter(|pair| pair[0] <= 0.0 && pair[1] > 0.0);
            assert!(crossings.count().abs_diff(440) < 4, "{rate}");
            let middle = loudness(&heard.samples[2_000..22_000]);
            assert!((middle - 0.345).abs() < 0.01, "{rate}: {middle}");
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_filtered_out() {
        let file = wav(48_000, 1, &tone(48_000, 17_000.0, 0.5));
        let heard = decode(&file, Duration::from_secs(5), &|| false).unwrap();
        assert!(loudness(&heard.samples) < 0.01);
    }

    #[test]
    fn only_what_fits_the_video_is_kept_but_the_whole_length_is_told() {
        let mono = tone(16_000, 300.0, 4.0);
        let stereo: Vec<i16> = mono.iter().flat_map(|value| [*value, *value]).collect();
        let heard = decode(&wav(16_000, 2, &stereo), Duration::from_secs(1), &|| false).unwrap();
        assert_eq!(heard.samples.len(), 24_000);
        assert_eq!(heard.length, Duration::from_secs(4));
    }

    #[test]
    fn bytes_that_are_no_sound_are_refused() {
        for bytes in [
            &b""[..],
            b"RIFF",
            b"once upon a time there was no sound",
            &[0xFF; 4_000],
        ] {
            let result = decode(bytes, Duration::from_secs(1), &|| false);
            assert!(matches!(result, Err(Error::SoundUnreadable { .. })));
        }
        let empty = wav(24_000, 1, &[]);
        let result = decode(&empty, Duration::from_secs(1), &|| false);
        assert!(matches!(result, Err(Error::SoundUnreadable { .. })));
    }
}

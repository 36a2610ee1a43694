//! The mouth over time: phonemes, or the sound itself, become one pose a frame.
//!
//! A pose is a point between a dozen mouth shapes. Neighbouring shapes run into each other as they do in speech, lips
//! that must close (p, b, m) close, and whatever the phonemes say, the mouth opens no earlier than the sound and no
//! later: its opening follows the loudness of the very samples that are played.

mod shape;

pub(super) use shape::{Cue, Pose, Shape};

use super::{FRAMES_PER_SECOND, SAMPLES_PER_SECOND};

/// Steps a second at which the mouth is computed before it is brought to frames.
const STEPS_PER_SECOND: usize = 200;
const STEP_SAMPLES: usize = SAMPLES_PER_SECOND as usize / STEPS_PER_SECOND;
const STEPS_PER_FRAME: usize = STEPS_PER_SECOND / FRAMES_PER_SECOND as usize;

/// The mouth in every frame, from phonemes and the sound they made.
///
/// Over silence (nothing could speak) the phonemes alone move the mouth.
pub(super) fn from_cues(cues: &[Cue], samples: &[f32], frames: usize) -> Vec<Pose> {
    let steps = frames * STEPS_PER_FRAME;
    let mut shapes = vec![Shape::Rest; steps];
    for cue in cues {
        let (from, to) = (step_at(cue.start).min(steps), step_at(cue.end).min(steps));
        shapes[from..to.max(from)].fill(cue.shape);
    }
    let wanted: Vec<Pose> = shapes.iter().map(|shape| shape.pose()).collect();
    let mut poses = blend(&wanted, 6);
    for (pose, shape) in poses.iter_mut().zip(&shapes) {
        if *shape == Shape::Closed {
            pose.open = 0.0;
        }
    }
    let loudness = Loudness::of(samples, steps);
    if loudness.is_silent() {
        return to_frames(&poses);
    }
    for (pose, level) in poses.iter_mut().zip(&loudness.levels) {
        pose.follow(*level);
    }
    to_frames(&poses)
}

/// The mouth in every frame, from the sound alone: loudness opens it, the colour of the sound shapes it.
pub(super) fn from_sound(samples: &[f32], frames: usize) -> Vec<Pose> {
    let steps = frames * STEPS_PER_FRAME;
    let bands = Bands::of(samples, steps);
    let loudness = Loudness::of(samples, steps);
    let wanted: Vec<Pose> = (0..steps).map(|step| bands.shape(step).pose()).collect();
    let mut poses = blend(&wanted, 5);
    for (pose, level) in poses.iter_mut().zip(&loudness.levels) {
        pose.follow(*level);
    }
    to_frames(&poses)
}

impl Pose {
    /// Opens the mouth no further than this loudness (1 is a loud vowel) allows.
    fn follow(&mut self, level: f32) {
        let voiced = smooth_step(0.015, 0.09, level);
        self.open *= voiced * (0.72 + 0.38 * level.min(1.0));
        let rest = voiced.max(0.0);
        self.width *= rest;
        self.bite *= rest;
    }

    fn mix(self, other: Self, part: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * part;
        Self {
            open: mix(self.open, other.open),
            width: mix(self.width, other.width),
            teeth: mix(self.teeth, other.teeth),
            tongue: mix(self.tongue, other.tongue),
            bite: mix(self.bite, other.bite),
        }
    }
}

/// Runs neighbouring poses into each other over `reach` steps on both sides, without delay.
fn blend(poses: &[Pose], reach: usize) -> Vec<Pose> {
    (0..poses.len())
        .map(|at| {
            let (from, to) = (at.saturating_sub(reach), (at + reach).min(poses.len() - 1));
            let mut sum = Pose::default();
            let mut weights = 0.0;
            for (n, pose) in (from..).zip(&poses[from..=to]) {
                let distance = small(n.abs_diff(at)) / small(reach + 1);
                let weight = (1.0 - distance * distance).powi(2);
                weights += weight;
                sum = sum.mix(*pose, weight / weights);
            }
            sum
        })
        .collect()
}

/// One pose a frame: the mean of its steps, but lips that meet in the middle of a frame are seen to meet.
fn to_frames(poses: &[Pose]) -> Vec<Pose> {
    poses
        .chunks(STEPS_PER_FRAME)
        .map(|steps| {
            let mut mean = Pose::default();
            for (n, pose) in steps.iter().enumerate() {
                mean = mean.mix(*pose, 1.0 / small(n + 1));
            }
            let shut = steps.iter().filter(|pose| pose.open < 0.02).count();
            if 2 * shut >= steps.len() {
                mean.open *= 0.25;
            }
            mean
        })
        .collect()
}

/// How loud the sound is at every step, 1 for a loud vowel.
struct Loudness {
    levels: Vec<f32>,
}

impl Loudness {
    fn of(samples: &[f32], steps: usize) -> Self {
        // A window of 20 ms around the step: long enough for one period of a low voice.
        let reach = 2 * STEP_SAMPLES;
        let mut levels: Vec<f32> = (0..steps)
            .map(|step| {
                let middle = step * STEP_SAMPLES + STEP_SAMPLES / 2;
                let from = middle.saturating_sub(reach).min(samples.len());
                let to = (middle + reach).min(samples.len());
                root_mean_square(&samples[from..to])
            })
            .collect();
        // What this recording calls loud; one click must not make the rest silent.
        let mut heard: Vec<f32> = levels
            .iter()
            .copied()
            .filter(|level| *level > 0.002)
            .collect();
        heard.sort_by(f32::total_cmp);
        let loud = heard.get(heard.len() * 9 / 10).copied().unwrap_or(0.0);
        for level in &mut levels {
            *level = if loud > 0.0 { *level / loud } else { 0.0 };
        }
        Self { levels }
    }

    fn is_silent(&self) -> bool {
        self.levels.iter().all(|level| *level <= 0.0)
    }
}

/// The sound in four bands at every step.
struct Bands {
    /// Loudness below 500 Hz, 500–1,100 Hz, 1,100–2,800 Hz and above.
    steps: Vec<[f32; 4]>,
}

impl Bands {
    fn of(samples: &[f32], steps: usize) -> Self {
        let edges = [500.0, 1_100.0, 2_800.0];
        let lows: Vec<Vec<f32>> = edges.iter().map(|hz| low_pass(samples, *hz)).collect();
        let reach = 2 * STEP_SAMPLES;
        let steps = (0..steps)
            .map(|step| {
                let middle = step * STEP_SAMPLES + STEP_SAMPLES / 2;
                let from = middle.saturating_sub(reach).min(samples.len());
                let to = (middle + reach).min(samples.len());
                let mut sums = [0.0_f32; 4];
                for i in from..to {
                    let [a, b, c] = [lows[0][i], lows[1][i], lows[2][i]];
                    let parts = [a, b - a, c - b, samples[i] - c];
                    for (sum, part) in sums.iter_mut().zip(parts) {
                        *sum += part * part;
                    }
                }
                sums.map(|sum| (sum / small((to - from).max(1))).sqrt())
            })
            .collect();
        Self { steps }
    }

    /// The shape that this colour of sound most often comes from.
    ///
    /// A high first formant is an open mouth; little above it are rounded lips; much above 1.1 kHz are spread ones;
    /// hardly anything but hiss are the teeth.
    fn shape(&self, step: usize) -> Shape {
        let [low, open, front, hiss] = self.steps[step];
        let voiced = low + open + front;
        let all = voiced + hiss;
        if all < 0.003 {
            return Shape::Rest;
        }
        if hiss > 1.3 * voiced {
            return Shape::Hiss;
        }
        if hiss > 0.7 * voiced {
            return if front > low {
                Shape::Hush
            } else {
                Shape::Bite
            };
        }
        let openness = open / (low + open);
        let brightness = front / voiced;
        if openness < 0.10 && brightness < 0.05 {
            // A hum: m, n.
            Shape::Closed
        } else if openness > 0.52 {
            if brightness < 0.14 {
                Shape::Round
            } else {
                Shape::Open
            }
        } else if openness > 0.34 {
            if brightness < 0.12 {
                Shape::Round
            } else {
                Shape::Half
            }
        } else if brightness > 0.24 {
            Shape::Wide
        } else if brightness < 0.10 {
            Shape::Pucker
        } else {
            Shape::Tongue
        }
    }
}

/// A second-order low pass, forwards and backwards, so that nothing is delayed.
fn low_pass(samples: &[f32], hz: f32) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "24,000 is exact")]
    let omega = std::f32::consts::TAU * hz / SAMPLES_PER_SECOND as f32;
    let alpha = omega.sin() * std::f32::consts::FRAC_1_SQRT_2;
    let scale = 1.0 / (1.0 + alpha);
    let b = (1.0 - omega.cos()) / 2.0 * scale;
    let (a1, a2) = (-2.0 * omega.cos() * scale, (1.0 - alpha) * scale);
    let run = |value: f32, state: &mut [f32; 4]| {
        let [x1, x2, y1, y2] = *state;
        let y = b * (value + 2.0 * x1 + x2) - a1 * y1 - a2 * y2;
        *state = [value, x1, y, y1];
        y
    };
    let mut state = [0.0; 4];
    let mut result: Vec<f32> = samples
        .iter()
        .map(|value| run(*value, &mut state))
        .collect();
    state = [0.0; 4];
    for value in result.iter_mut().rev() {
        *value = run(*value, &mut state);
    }
    result
}

fn root_mean_square(samples: &[f32]) -> f32 {
    let sum: f32 = samples.iter().map(|value| value * value).sum();
    (sum / small(samples.len().max(1))).sqrt()
}

fn smooth_step(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "times are not negative and short"
)]
fn step_at(seconds: f64) -> usize {
    (seconds * STEPS_PER_SECOND as f64).round() as usize
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn small(count: usize) -> f32 {
    count as f32
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A steady tone while `is_on`, else silence, for `frames` frames.
    fn sound(frames: usize, is_on: impl Fn(f32) -> bool) -> Vec<f32> {
        (0..frames * STEP_SAMPLES * STEPS_PER_FRAME)
            .map(|n| {
                let seconds = small(n) / small(SAMPLES_PER_SECOND as usize);
                let tone = (seconds * 150.0 * std::f32::consts::TAU).sin() * 0.4
                    + (seconds * 750.0 * std::f32::consts::TAU).sin() * 0.4;
                if is_on(seconds) { tone } else { 0.0 }
            })
            .collect()
    }

    #[test]
    fn english_phonemes_reach_at_least_eight_shapes() {
        let phonemes = [
            "p", "b", "m", "f", "v", "T", "D", "t", "d", "n", "l", "s", "z", "S", "Z", "tS", "dZ",
            "k", "g", "N", "h", "j", "w", "r", "i:", "I", "E", "a", "A:", "V", "0", "O:", "U",
            "u:", "3:", "@", "aI", "aU", "OI", "oU", "eI", "_",
        ];
        let shapes: HashSet<Shape> = phonemes
            .iter()
            .map(|name| Shape::of_phoneme(name).0)
            .collect();
        assert!(shapes.len() >= 12, "{shapes:?}");
    }

    #[test]
    fn lips_meet_at_p_b_and_m_and_open_wide_at_ah() {
        let samples = sound(20, |_| true);
        let mut cues = Vec::new();
        for (name, start) in [
            ("A:", 0.0),
            ("m", 0.3),
            ("A:", 0.4),
            ("b", 0.6),
            ("A:", 0.66),
        ] {
            Cue::push_phoneme(&mut cues, name, start, 0.8);
        }
        let poses = from_cues(&cues, &samples, 20);
        assert!(poses[4].open > 0.7, "{:?}", poses[4]);
        for closed in [8, 15] {
            assert!(
                poses[closed].open < 0.2,
                "frame {closed}: {:?}",
                poses[closed]
            );
        }
    }

    #[test]
    fn whatever_the_phonemes_say_the_mouth_is_shut_where_nothing_sounds() {
        let samples = sound(25, |at| (0.4..0.6).contains(&at));
        let all = [Cue {
            shape: Shape::Open,
            start: 0.0,
            end: 1.0,
        }];
        let poses = from_cues(&all, &samples, 25);
        assert!(poses[..9].iter().all(|pose| pose.open < 0.05));
        assert!(poses[12].open > 0.7);
        assert!(poses[17..].iter().all(|pose| pose.open < 0.05));
    }

    #[test]
    fn a_hiss_shows_the_teeth_and_a_vowel_opens_the_mouth() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut last = 0.0;
        // The difference of neighbouring random values has mostly high tones.
        let hiss: Vec<f32> = (0..24_000)
            .map(|_| {
                let value = random.f32() - 0.5;
                let difference = value - last;
                last = value;
                0.3 * difference
            })
            .collect();
        let pose = from_sound(&hiss, 25)[12];
        assert!(pose.teeth > 0.8 && pose.open < 0.4, "{pose:?}");
        let pose = from_sound(&sound(25, |_| true), 25)[12];
        assert!(pose.open > 0.4, "{pose:?}");
    }

    #[test]
    fn without_any_sound_the_phonemes_alone_move_the_mouth() {
        let mut cues = Vec::new();
        Cue::push_phoneme(&mut cues, "a", 0.2, 0.4);
        let poses = from_cues(&cues, &vec![0.0; 24_000], 25);
        assert!(poses[7].open > 0.7 && poses[2].open < 0.05);
        assert!(
            from_sound(&vec![0.0; 24_000], 25)
                .iter()
                .all(|pose| pose.open <= 0.0)
        );
    }
}

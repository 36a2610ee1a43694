//! Slight movement of the head, and when the eyes blink.

use super::super::FRAMES_PER_SECOND;
use super::super::face::Face;
use super::super::visemes::Pose;
use super::{smooth_step, to_float};

/// Seconds the head takes to start moving: the first frame is the picture itself.
const EASE: f32 = 0.8;

/// Turns and shifts of the head over time, a sum of slow waves.
pub(super) struct Sway {
    /// Phases of the waves, from the seed.
    phases: [f32; 8],
    /// How far the head nods to the words in each frame, 0 to 1.
    nods: Vec<f32>,
    /// Distance of the eyes in pixels, by which movement is measured.
    span: f32,
}

impl Sway {
    pub(super) fn new(seed: u64, span: f32, poses: &[Pose]) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0x5357_4159);
        let phases = std::array::from_fn(|_| random.f32() * std::f32::consts::TAU);
        Self {
            phases,
            nods: smoothed(poses),
            span,
        }
    }

    /// Where the head is in frame `n`.
    pub(super) fn at(&self, n: usize, face: &Face) -> Turn {
        let seconds = to_float(n) / to_float(FRAMES_PER_SECOND as usize);
        let ease = smooth_step(0.0, EASE, seconds);
        let wave = |hertz: f32, phase: usize| {
            (std::f32::consts::TAU * hertz * seconds + self.phases[phase]).sin()
        };
        let shift_x = 0.030 * (wave(0.17, 0) + 0.5 * wave(0.41, 1));
        let shift_y = 0.016 * (wave(0.23, 2) + 0.5 * wave(0.53, 3)) + 0.030 * self.nods[n];
        let angle = 0.011 * (wave(0.13, 4) + 0.4 * wave(0.37, 5));
        let grow = 0.004 * (wave(0.11, 6) + 0.5 * wave(0.29, 7));
        let (sin, cos) = (angle * ease).sin_cos();
        Turn {
            shift: [shift_x * self.span * ease, shift_y * self.span * ease],
            sin,
            cos,
            scale: 1.0 + grow * ease,
            pivot: [face.mouth.x, face.mouth.y + 1.1 * self.span],
        }
    }
}

/// One position of the head.
pub(super) struct Turn {
    shift: [f32; 2],
    sin: f32,
    cos: f32,
    scale: f32,
    pivot: [f32; 2],
}

impl Turn {
    /// Where a point of the frame was in the picture; `weight` tells how much it belongs to the head.
    pub(super) fn undo(&self, x: f32, y: f32, weight: f32) -> (f32, f32) {
        let dx = (x - self.pivot[0] - self.shift[0]) / self.scale;
        let dy = (y - self.pivot[1] - self.shift[1]) / self.scale;
        let back_x = self.pivot[0] + dx * self.cos + dy * self.sin;
        let back_y = self.pivot[1] - dx * self.sin + dy * self.cos;
        (x + (back_x - x) * weight, y + (back_y - y) * weight)
    }
}

/// How far each frame is nodded: the opening of the mouth, far slower than the mouth itself.
fn smoothed(poses: &[Pose]) -> Vec<f32> {
    const REACH: usize = 7;
    (0..poses.len())
        .map(|n| {
            let (from, to) = (n.saturating_sub(REACH), (n + REACH + 1).min(poses.len()));
            let near = &poses[from..to];
            near.iter().map(|pose| pose.open).sum::<f32>() / to_float(near.len())
        })
        .collect()
}

/// The oval in which a head moves: the head with its hair is about 1.5 eye distances wide on each side and 2 high;
/// then it fades into the picture.
struct Reach {
    middle: (f32, f32),
    radii: (f32, f32),
}

impl Reach {
    fn of(face: &Face) -> Self {
        Self {
            middle: face.middle,
            radii: (2.55 * face.span, 2.9 * face.span),
        }
    }

    /// 0 in the middle, 1 at the rim.
    fn distance(&self, x: f32, y: f32) -> f32 {
        let dx = (x - self.middle.0) / self.radii.0;
        let dy = (y - self.middle.1) / self.radii.1;
        (dx * dx + dy * dy).sqrt()
    }
}

/// How much each pixel goes along with the head, and the box (left, top, right, bottom; even) outside of which
/// nothing does. Pixels that are nearer to one of the `others` are theirs: their weight is below 0.
pub(super) fn weights(
    face: &Face,
    others: &[Face],
    width: usize,
    height: usize,
) -> (Vec<f32>, [usize; 4]) {
    let own = Reach::of(face);
    let others: Vec<Reach> = others.iter().map(Reach::of).collect();
    let weights = (0..width * height)
        .map(|at| {
            let (x, y) = (to_float(at % width), to_float(at / width));
            let distance = own.distance(x, y);
            let weight = 1.0 - smooth_step(0.52, 1.0, distance);
            let nearer = |other: &Reach| other.distance(x, y) - distance;
            match others.iter().map(nearer).reduce(f32::min) {
                None => weight,
                Some(lead) if lead < 0.0 => -1.0,
                // Heads side by side stand still where they meet, so that no seam is seen.
                Some(lead) => weight * smooth_step(0.0, 0.25, lead),
            }
        })
        .collect();
    let ((x, y), (rx, ry)) = (own.middle, own.radii);
    let moving = [
        even((x - rx).floor(), width),
        even((y - ry).floor(), height),
        even((x + rx).ceil() + 1.0, width),
        even((y + ry).ceil() + 1.0, height),
    ];
    (weights, moving)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "inside the frame after the clamp"
)]
fn even(value: f32, limit: usize) -> usize {
    value.clamp(0.0, to_float(limit)) as usize & !1
}

/// How far the lids are closed in every frame.
pub(super) struct Blinks {
    closed: Vec<f32>,
}

impl Blinks {
    pub(super) fn new(seed: u64, frames: usize) -> Self {
        /// A blink at 25 frames a second: down in two frames, up in three.
        const BLINK: [f32; 6] = [0.40, 0.92, 1.0, 0.80, 0.45, 0.15];
        let mut random = fastrand::Rng::with_seed(seed ^ 0x424C_494E);
        let mut closed = vec![0.0; frames];
        // People blink every two to six seconds; the first one early, so that a short preview shows it.
        let mut at = 18 + random.usize(0..18);
        while at < frames {
            for (frame, amount) in closed[at..].iter_mut().zip(BLINK) {
                *frame = amount;
            }
            at += 55 + random.usize(0..75);
        }
        Self { closed }
    }

    /// 0 is open, 1 is shut.
    pub(super) fn closed(&self, n: usize) -> f32 {
        self.closed[n]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_heads_share_the_picture_without_a_seam() {
        let face = |x: f32| Face {
            mouth: crate::studio::face::Mouth {
                x,
                y: 120.0,
                half_width: 12.0,
                tilt: 0.0,
                curve: 0.0,
                light: 1.0,
            },
            eyes: None,
            middle: (x, 100.0),
            span: 30.0,
        };
        let (left, right) = (face(80.0), face(160.0));
        let (first, _) = weights(&left, &[right], 240, 200);
        let (second, _) = weights(&right, &[left], 240, 200);
        for at in 0..240 * 200 {
            let (a, b) = (first[at], second[at]);
            assert!(a.max(b) >= 0.0, "somebody's");
            assert!(a.min(b) <= 0.0, "not both's: {a} and {b}");
        }
        let row = |weights: &[f32]| weights[100 * 240..101 * 240].to_vec();
        assert!(row(&first)[80] > 0.99 && row(&second)[160] > 0.99);
        let together: Vec<f32> = row(&first)
            .iter()
            .zip(row(&second))
            .map(|(a, b)| a.max(b))
            .collect();
        assert!(
            together
                .windows(2)
                .all(|pair| (pair[0] - pair[1]).abs() < 0.2)
        );
    }

    #[test]
    fn blinks_come_at_human_intervals_and_depend_on_the_seed() {
        let starts = |seed| {
            let blinks = Blinks::new(seed, 1_000);
            (1..1_000)
                .filter(|n| blinks.closed(*n) > 0.0 && blinks.closed(n - 1) <= 0.0)
                .collect::<Vec<_>>()
        };
        let some = starts(1);
        assert!((8..=18).contains(&some.len()), "{some:?}");
        assert!(some.windows(2).all(|pair| pair[1] - pair[0] >= 50));
        assert_ne!(some, starts(2));
        assert_eq!(some, starts(1));
    }
}

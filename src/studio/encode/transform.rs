//! The transform of AAC (MDCT with 2,048 samples and a sine window), by a fast Fourier transform of 512 points.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

/// Coefficients of a frame.
pub(super) const LINES: usize = 1024;
/// Points of the Fourier transform inside.
const POINTS: usize = LINES / 2;

/// Tables for the transform.
pub(super) struct Transform {
    /// First half of the window; the second one mirrors it.
    window: Vec<f32>,
    /// Turns before and after the Fourier transform.
    turns: Vec<Complex>,
    /// Turns inside of it.
    roots: Vec<Complex>,
}

#[derive(Clone, Copy, Debug)]
struct Complex {
    re: f32,
    im: f32,
}

impl Complex {
    fn turn(angle: f32) -> Self {
        let (im, re) = angle.sin_cos();
        Self { re, im }
    }

    fn times(self, other: Self) -> Self {
        Self {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }
}

impl Transform {
    pub(super) fn new() -> Self {
        Self {
            window: (0..LINES)
                .map(|n| (FRAC_PI_2 * (small(n) + 0.5) / small(LINES)).sin())
                .collect(),
            turns: (0..POINTS)
                .map(|n| Complex::turn(-PI * (8.0 * small(n) + 1.0) / small(8 * LINES)))
                .collect(),
            roots: (0..POINTS / 2)
                .map(|n| Complex::turn(-TAU * small(n) / small(POINTS)))
                .collect(),
        }
    }

    /// The coefficients of two neighbouring hops of 1,024 samples, in the scale AAC expects.
    pub(super) fn run(&self, before: &[f32], now: &[f32]) -> Vec<f32> {
        // The window's quarters a, b (before), c, d (now) fold into (−c reversed − d, a − b reversed).
        let half = LINES / 2;
        let rising = |n: usize| before[n] * self.window[n];
        let falling = |n: usize| now[n] * self.window[LINES - 1 - n];
        let folded = |n: usize| {
            if n < half {
                -falling(half - 1 - n) - falling(half + n)
            } else {
                rising(n - half) - rising(LINES + half - 1 - n)
            }
        };
        let mut points: Vec<Complex> = (0..POINTS)
            .map(|n| {
                let pair = Complex {
                    re: folded(2 * n),
                    im: folded(LINES - 1 - 2 * n),
                };
                pair.times(self.turns[n])
            })
            .collect();
        self.fourier(&mut points);
        let mut lines = vec![0.0; LINES];
        for (n, point) in points.iter().enumerate() {
            let turned = point.times(self.turns[n]);
            lines[2 * n] = 2.0 * turned.re;
            lines[LINES - 1 - 2 * n] = -2.0 * turned.im;
        }
        lines
    }

    /// The discrete Fourier transform, in place: radix 2, decimation in time.
    fn fourier(&self, points: &mut [Complex]) {
        let bits = POINTS.trailing_zeros();
        for n in 0..POINTS {
            let mirrored = n.reverse_bits() >> (usize::BITS - bits);
            if n < mirrored {
                points.swap(n, mirrored);
            }
        }
        let mut length = 2;
        while length <= POINTS {
            let stride = POINTS / length;
            for block in points.chunks_exact_mut(length) {
                let (even, odd) = block.split_at_mut(length / 2);
                for (n, (even, odd)) in even.iter_mut().zip(odd).enumerate() {
                    let turned = odd.times(self.roots[n * stride]);
                    *odd = Complex {
                        re: even.re - turned.re,
                        im: even.im - turned.im,
                    };
                    even.re += turned.re;
                    even.im += turned.im;
                }
            }
            length *= 2;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "at most 4,096")]
fn small(value: usize) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_transform_equals_the_sum_it_stands_for() {
        let mut random = fastrand::Rng::with_seed(5);
        let mut hop = || -> Vec<f32> { (0..LINES).map(|_| random.f32() - 0.5).collect() };
        let (before, now) = (hop(), hop());
        let lines = Transform::new().run(&before, &now);
        let window = |n: f64| (std::f64::consts::PI * (n + 0.5) / 2048.0).sin();
        let numbered = || (0_u32..).map(f64::from).zip(before.iter().chain(&now));
        for k in [0_usize, 1, 2, 37, 511, 512, 513, 1022, 1023] {
            let line = f64::from(u32::try_from(k).unwrap()) + 0.5;
            // ISO/IEC 14496-3, 4.6.11.3.1.
            let sum: f64 = numbered()
                .map(|(n, x)| {
                    let angle = std::f64::consts::TAU / 2048.0 * (n + 512.5) * line;
                    2.0 * f64::from(*x) * window(n) * angle.cos()
                })
                .sum();
            assert!(
                (f64::from(lines[k]) - sum).abs() < 0.002,
                "{k}: {} {sum}",
                lines[k]
            );
        }
    }
}

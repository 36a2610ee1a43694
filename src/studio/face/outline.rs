//! Measures the lips and the eyes of a face that was found, in pixels of the picture.

use super::features::{Axes, Found, Point, line};
use super::survey::{Survey, count};
use super::{Eye, Face, Mouth};

impl Found {
    /// The face in pixels of the whole picture.
    pub(super) fn face(&self, survey: &Survey, is_sure: bool) -> Face {
        let axes = Axes::new(self.left, self.right);
        let span = axes.span;
        let scale = count(survey.factor);
        // The middle of a survey pixel in the picture.
        let full = |value: f32| (value + 0.5) * scale - 0.5;

        let (reach, curve, shift) = lips(survey, &axes, self.mouth_below);
        let (x, y) = axes.at(shift, self.mouth_below);
        let beside = [-0.62, 0.62].map(|u| {
            let (x, y) = axes.at(u, self.mouth_below - 0.2);
            survey.luma(x, y, 0.1 * span, 0.1 * span)
        });
        let light = f32::midpoint(beside[0], beside[1]) / 165.0;
        let (cos, sin) = axes.along;
        let (middle_x, middle_y) = axes.at(0.0, 0.35);
        let eyes = if is_sure { self.eyes(survey) } else { None };
        Face {
            mouth: Mouth {
                x: full(x),
                y: full(y),
                half_width: reach * span * scale,
                tilt: sin.atan2(cos),
                curve,
                light: light.clamp(0.30, 1.05),
            },
            eyes: eyes.map(|eyes| {
                eyes.map(|eye| Eye {
                    x: full(eye.x),
                    y: full(eye.y),
                    half_width: eye.half_width * scale,
                    half_height: eye.half_height * scale,
                })
            }),
            middle: (full(middle_x), full(middle_y)),
            span: span * scale,
        }
    }

    /// The outlines of both eyes in pixels of the survey; `None` when they cannot be told from lids and brows.
    fn eyes(&self, survey: &Survey) -> Option<[Eye; 2]> {
        let rough = Axes::new(self.left, self.right).span;
        let pupils = [self.left, self.right].map(|spot| settle(survey, spot, rough));
        let span = Axes::new(pupils[0], pupils[1]).span;
        if !(0.8..1.2).contains(&(span / rough)) {
            return None;
        }
        let [first, second] = pupils.map(|pupil| opening(survey, pupil, span));
        let (first, second) = (first?, second?);
        // Eyes of one face are open alike.
        if (first.0 - second.0).abs() > 0.07 || (first.1 - second.1).abs() > 0.07 {
            return None;
        }
        let above = f32::midpoint(first.0, second.0);
        let below = f32::midpoint(first.1, second.1);
        Some(pupils.map(|pupil| Eye {
            x: pupil.x,
            y: pupil.y + (below - above) / 2.0 * span,
            half_width: 0.31 * span,
            half_height: f32::midpoint(above, below) * span,
        }))
    }
}

/// How far an eye reaches above and below its pupil, lashes included, in eye distances.
///
/// `None` when the dark goes on, into a brow, a fringe or the rim of glasses.
fn opening(survey: &Survey, pupil: Point, span: f32) -> Option<(f32, f32)> {
    const STEP: f32 = 0.01;
    let row =
        |offset: f32| survey.luma(pupil.x, pupil.y + offset * span, 0.10 * span, 0.015 * span);
    let (dark, skin) = (row(0.0), row(0.32));
    if skin < dark + 12.0 {
        return None;
    }
    let light = dark + 0.66 * (skin - dark);
    let reach = |direction: f32, limit: f32| {
        let mut at = 0.03;
        while row(direction * at) < light {
            at += STEP;
            if at > limit {
                return None;
            }
        }
        Some(at)
    };
    Some((reach(-1.0, 0.22)?, reach(1.0, 0.18)?))
}

/// Moves a spot to the pupil: the darkest small disc near it.
///
/// Lashes and brows are as dark but thin; a whole iris is what they are not.
fn settle(survey: &Survey, point: Point, span: f32) -> Point {
    let mut darkest = (f32::MAX, point);
    for row in -5..=7_i8 {
        for column in -6..=6_i8 {
            let x = point.x + f32::from(column) * 0.025 * span;
            let y = point.y + f32::from(row) * 0.02 * span;
            let disc = survey.luma(x, y, 0.07 * span, 0.045 * span)
                + 0.5 * survey.luma(x, y, 0.035 * span, 0.075 * span);
            if disc < darkest.0 {
                darkest = (disc, Point { x, y, ..point });
            }
        }
    }
    darkest.1
}

/// Half the width of the lips and their sideways shift in eye distances, and the bend of the line between them in half
/// widths (below zero for a smile).
fn lips(survey: &Survey, axes: &Axes, below: f32) -> (f32, f32, f32) {
    const STEP: f32 = 0.04;
    /// The line at `u`: where it runs and how clear it is.
    fn trace(survey: &Survey, axes: &Axes, u: f32, near: f32) -> (f32, f32) {
        (-3..=3_i8)
            .map(|n| {
                let v = near + 0.02 * f32::from(n);
                (v, line(survey, axes, u, v))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .expect("seven places were tried")
    }
    let middle = trace(survey, axes, 0.0, below);
    let mut traced = vec![(0.0, middle.0)];
    let mut ends = [0.0; 2];
    for (end, side) in ends.iter_mut().zip([-1.0, 1.0]) {
        let (mut near, mut u) = (middle.0, 0.0);
        while u < 0.52 {
            u += STEP;
            let (v, clear) = trace(survey, axes, side * u, near);
            if clear < 0.28 * middle.1.max(0.04) {
                break;
            }
            traced.push((side * u, v));
            *end = u;
            near = v;
        }
    }
    let shift = ((ends[1] - ends[0]) / 2.0).clamp(-0.06, 0.06);
    let reach = f32::midpoint(ends[0], ends[1]).clamp(0.30, 0.50);
    // Least squares of v = middle + bend · u².
    let (mut up, mut down) = (0.0, 0.0);
    for (u, v) in &traced {
        let square = (u - shift) * (u - shift);
        up += (v - middle.0) * square;
        down += square * square;
    }
    let bend = if down > 0.0 { up / down } else { 0.0 };
    (reach, (bend * reach).clamp(-0.28, 0.20), shift)
}

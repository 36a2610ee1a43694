//! Measures pairs of dark spots by how much they look like the eyes of a face.

use super::survey::{Survey, count, is_skin};
use super::{Eye, Face, Mouth};

/// Least contrast of an eye with the cheek below it.
const LEAST_CONTRAST: f32 = 0.10;
/// Dark spots kept per size.
const MOST_SPOTS: usize = 70;
/// Smallest distance of the eyes as a share of the picture's shorter side.
const LEAST_SPAN: f32 = 0.045;
/// Places at which a face is compared with the pattern.
const COLUMNS: usize = 15;
const ROWS: usize = 15;

/// Two eyes, a mouth, and how convincing they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// 0 is nothing, 1 a perfect face.
    pub(super) score: f32,
    left: Point,
    right: Point,
    /// Distance of the mouth below the line of the eyes, in eye distances.
    mouth_below: f32,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    x: f32,
    y: f32,
    /// Contrast with what lies below.
    contrast: f32,
}

/// Coordinates of a face: `u` along the line of the eyes, `v` down, both in eye distances from the middle between them.
struct Axes {
    x: f32,
    y: f32,
    along: (f32, f32),
    span: f32,
}

impl Axes {
    fn new(left: Point, right: Point) -> Self {
        let (dx, dy) = (right.x - left.x, right.y - left.y);
        let span = dx.hypot(dy);
        Self {
            x: f32::midpoint(left.x, right.x),
            y: f32::midpoint(left.y, right.y),
            along: (dx / span, dy / span),
            span,
        }
    }

    fn at(&self, u: f32, v: f32) -> (f32, f32) {
        let (cos, sin) = self.along;
        (
            self.x + (u * cos - v * sin) * self.span,
            self.y + (u * sin + v * cos) * self.span,
        )
    }
}

/// The most convincing face of a picture.
pub(super) fn best(survey: &Survey) -> Option<Found> {
    let shorter = count(survey.width.min(survey.height));
    let pattern = Pattern::new();
    let mut best: Option<Found> = None;
    let mut span = (LEAST_SPAN * shorter).max(8.0);
    while span < 0.50 * shorter {
        let spots = dark_spots(survey, span);
        for (n, first) in spots.iter().enumerate() {
            for second in &spots[n + 1..] {
                let (left, right) = if first.x < second.x {
                    (*first, *second)
                } else {
                    (*second, *first)
                };
                let (dx, dy) = (right.x - left.x, right.y - left.y);
                if !(0.88..1.14).contains(&(dx.hypot(dy) / span)) || dy.abs() > 0.32 * dx {
                    continue;
                }
                if let Some(found) = measure(survey, &pattern, left, right)
                    && best.is_none_or(|best| found.score > best.score)
                {
                    best = Some(found);
                }
            }
        }
        span *= 1.18;
    }
    best
}

/// Spots of the size of an eye that are darker than what lies below and beside them.
fn dark_spots(survey: &Survey, span: f32) -> Vec<Point> {
    let step = (span / 14.0).max(1.0);
    let (columns, rows) = (cells(survey.width, step), cells(survey.height, step));
    let contrast: Vec<f32> = (0..columns * rows)
        .map(|at| {
            let (x, y) = (count(at % columns) * step, count(at / columns) * step);
            contrast(survey, x, y, span)
        })
        .collect();
    // Below an eye lies a cheek.
    let over_skin = |column: usize, row: usize| {
        let (x, y) = (count(column) * step, count(row) * step + 0.45 * span);
        survey.is_grey || is_skin(survey.colour(x, y, 0.1 * span))
    };
    let mut spots = Vec::new();
    for row in 1..rows.saturating_sub(1) {
        for column in 1..columns.saturating_sub(1) {
            let at = row * columns + column;
            let here = contrast[at];
            let around = [at - columns, at + columns, at - 1, at + 1];
            let is_top = around.iter().all(|other| contrast[*other] <= here);
            if here >= LEAST_CONTRAST && is_top && over_skin(column, row) {
                spots.push(Point {
                    x: count(column) * step,
                    y: count(row) * step,
                    contrast: here,
                });
            }
        }
    }
    spots.sort_by(|a, b| b.contrast.total_cmp(&a.contrast));
    let mut kept: Vec<Point> = Vec::new();
    for spot in spots {
        let is_new = kept
            .iter()
            .all(|other| (other.x - spot.x).hypot(other.y - spot.y) > 0.16 * span);
        if is_new && kept.len() < MOST_SPOTS {
            kept.push(spot);
        }
    }
    kept
}

fn contrast(survey: &Survey, x: f32, y: f32, span: f32) -> f32 {
    // An iris, or the whole dark of lashes and iris.
    let iris = survey.dark(x, y, 0.075 * span, 0.055 * span);
    let inner = iris.min(survey.dark(x, y, 0.11 * span, 0.065 * span));
    let below = survey.dark(x, y + 0.29 * span, 0.17 * span, 0.09 * span);
    let beside = f32::midpoint(
        survey.dark(x - 0.30 * span, y, 0.06 * span, 0.10 * span),
        survey.dark(x + 0.30 * span, y, 0.06 * span, 0.10 * span),
    );
    let against = |around: f32| (around - inner) / (around.max(inner) + 16.0);
    0.7 * against(below) + 0.3 * against(beside)
}

/// Measures two spots as eyes; `None` when a rule is broken.
fn measure(survey: &Survey, pattern: &Pattern, left: Point, right: Point) -> Option<Found> {
    let axes = Axes::new(left, right);
    let span = axes.span;
    let luma = |u: f32, v: f32, half_width: f32, half_height: f32| {
        let (x, y) = axes.at(u, v);
        survey.dark(x, y, half_width * span, half_height * span)
    };
    let (chin_x, chin_y) = axes.at(0.0, 1.35);
    if !survey.holds(chin_x, chin_y) {
        return None;
    }

    let eyes = left.contrast.min(right.contrast);
    // The bridge of the nose is brighter than the eyes beside it.
    let dark = f32::midpoint(luma(-0.5, 0.0, 0.06, 0.05), luma(0.5, 0.0, 0.06, 0.05));
    let bridge = (luma(0.0, 0.05, 0.09, 0.1) - dark) / (dark + 16.0);
    if bridge < 0.02 {
        return None;
    }

    let (inside, outside) = region(survey, &axes);
    if inside < 0.40 || inside - outside < 0.30 {
        return None;
    }
    let (mouth_below, mouth) = mouth_line(survey, &axes);
    if mouth < 0.02 {
        return None;
    }
    let (likeness, alike) = pattern.compare(survey, &axes);
    if likeness < 0.2 || alike < 0.2 {
        return None;
    }
    let size = (span / (LEAST_SPAN * count(survey.width.min(survey.height)))).log2();
    let score = 0.42 * likeness
        + 0.24 * inside
        + 0.20 * (inside - outside)
        + 0.12 * alike
        + 0.08 * (mouth / 0.20).min(1.0)
        + 0.06 * (eyes / 0.40).min(1.0)
        + 0.035 * size.min(3.0);
    Some(Found {
        score,
        left,
        right,
        mouth_below,
    })
}

/// Where below the eyes the darkest, reddest short line runs, and how clear it is.
fn mouth_line(survey: &Survey, axes: &Axes) -> (f32, f32) {
    let mut best = (1.05, 0.0);
    let mut v = 0.78;
    while v < 1.42 {
        let clear = |from: f32, to: f32| {
            let mut sum = 0.0;
            for n in 0..5_u8 {
                let u = from + (to - from) * f32::from(n) / 4.0;
                sum += line(survey, axes, u, v) + line(survey, axes, -u, v);
            }
            sum / 10.0
        };
        // A line that goes on beyond the corners is a fold, a collar or the shadow of the chin.
        let middle = clear(0.0, 0.26);
        let outside = clear(0.62, 0.85).max(0.0);
        // Most mouths lie about one eye distance below the eyes.
        let usual = 1.0 - 0.9 * (v - 1.08).powi(2) / 0.12;
        let strength = (middle - 0.7 * outside) * usual;
        if strength > best.1 {
            best = (v, strength);
        }
        v += 0.03;
    }
    best
}

/// How clearly a line between lips runs through a point: darker than above and below, and redder.
fn line(survey: &Survey, axes: &Axes, u: f32, v: f32) -> f32 {
    let span = axes.span;
    let (half_width, half_height) = (0.05 * span, 0.03 * span);
    let luma = |v: f32| {
        let (x, y) = axes.at(u, v);
        survey.luma(x, y, half_width, half_height)
    };
    let red = |v: f32| {
        let (x, y) = axes.at(u, v);
        survey.red(x, y, half_width, 2.0 * half_height)
    };
    let around = f32::midpoint(luma(v - 0.14), luma(v + 0.16));
    let darker = (around - luma(v)) / (around + 16.0);
    let redder = (red(v) - red(v - 0.22)).clamp(-10.0, 20.0) / 100.0;
    darker + redder
}

/// How much of the inside of a face, and of what lies beside it, has the colour of its cheeks and nose; 0 to 1.
///
/// The face's own colour is the measure, so any tone and any light will do.
fn region(survey: &Survey, axes: &Axes) -> (f32, f32) {
    let half = 0.10 * axes.span;
    let colour = |(u, v): (f32, f32)| {
        let (x, y) = axes.at(u, v);
        survey.colour(x, y, half)
    };
    let own = [(-0.38, 0.50), (0.38, 0.50), (0.0, 0.30), (0.0, 0.55)].map(colour);
    let own: [f32; 3] =
        std::array::from_fn(|i| own.iter().map(|place| place[i]).sum::<f32>() / 4.0);
    if !survey.is_grey && !is_skin(own) {
        return (0.0, 0.0);
    }
    let alike = |place: (f32, f32)| {
        let found = colour(place);
        let [luma, red, blue] = std::array::from_fn(|i| found[i] - own[i]);
        let luma = luma / (0.30 * own[0] + 12.0);
        (-luma * luma - (red / 9.0).powi(2) - (blue / 9.0).powi(2)).exp()
    };
    let inside = [
        (0.0, -0.62),
        (-0.25, -0.62),
        (0.25, -0.62),
        (-0.50, -0.62),
        (0.50, -0.62),
        (-0.60, 0.40),
        (0.60, 0.40),
        (-0.55, 0.65),
        (0.55, 0.65),
        (-0.42, 0.85),
        (0.42, 0.85),
        (0.0, 0.05),
        (0.0, 0.45),
        (-0.22, 0.40),
        (0.22, 0.40),
    ];
    let outside = [
        (-1.45, -0.30),
        (1.45, -0.30),
        (-1.45, 0.0),
        (1.45, 0.0),
        (-1.45, 0.35),
        (1.45, 0.35),
        (-1.45, 0.7),
        (1.45, 0.7),
        (-1.40, 1.1),
        (1.40, 1.1),
        (-0.9, -1.6),
        (0.9, -1.6),
    ];
    let beside_neck = [(-0.78, 1.75), (0.78, 1.75), (-0.80, 2.05), (0.80, 2.05)];
    let mean = |places: &[(f32, f32)]| {
        places.iter().map(|place| alike(*place)).sum::<f32>() / count(places.len())
    };
    let outside = mean(&outside).max(0.8 * mean(&beside_neck));
    (mean(&inside), outside)
}

/// What every face seen from the front has in common: where it is darker and brighter than its surroundings.
struct Pattern {
    places: Vec<(f32, f32)>,
    /// Mean 0, sum of squares 1.
    values: Vec<f32>,
}

impl Pattern {
    fn new() -> Self {
        let places: Vec<(f32, f32)> = (0..ROWS)
            .flat_map(|row| {
                (0..COLUMNS).map(move |column| {
                    let u = -0.72 + 1.44 * count(column) / count(COLUMNS - 1);
                    let v = -0.55 + 1.50 * count(row) / count(ROWS - 1);
                    (u, v)
                })
            })
            .collect();
        let mut values: Vec<f32> = places.iter().map(|(u, v)| expected(*u, *v)).collect();
        normalise(&mut values);
        Self { places, values }
    }

    /// How much a face looks like the pattern, and how much its left side like its right one; 1 is entirely.
    fn compare(&self, survey: &Survey, axes: &Axes) -> (f32, f32) {
        let span = axes.span;
        let mut found: Vec<f32> = self
            .places
            .iter()
            .map(|(u, v)| {
                let (x, y) = axes.at(*u, *v);
                // Relative to the wider surroundings, so that light from one side does not matter.
                let near = survey.dark(x, y, 0.06 * span, 0.05 * span);
                let around = survey.dark(x, y, 0.45 * span, 0.40 * span);
                (4.0 * (near - around) / (around + 12.0)).tanh()
            })
            .collect();
        normalise(&mut found);
        let likeness = self.values.iter().zip(&found).map(|(a, b)| a * b).sum();
        let alike = found
            .chunks_exact(COLUMNS)
            .flat_map(|row| row.iter().zip(row.iter().rev()))
            .map(|(a, b)| a * b)
            .sum();
        (likeness, alike)
    }
}

/// Brightness to expect at a place of a face, relative to around it.
fn expected(u: f32, v: f32) -> f32 {
    let side = u.abs();
    let spot = |du: f32, dv: f32, width: f32, height: f32| {
        (-(du / width).powi(2) - (dv / height).powi(2)).exp()
    };
    -1.25 * spot(side - 0.50, v, 0.23, 0.13)
        - 0.60 * spot(side - 0.52, v + 0.30, 0.32, 0.11)
        - 0.55 * spot(u, v - 0.72, 0.24, 0.08)
        + 0.40 * spot(side - 0.45, v - 0.42, 0.30, 0.18)
        + 0.35 * spot(side - 0.45, v - 0.85, 0.20, 0.20)
        + 0.50 * spot(u, v - 0.35, 0.14, 0.30)
        + 0.35 * spot(u, v + 0.10, 0.13, 0.30)
        + 0.35 * spot(u, v + 0.60, 0.60, 0.16)
}

/// Brings values to mean 0 and sum of squares 1.
fn normalise(values: &mut [f32]) {
    let mean = values.iter().sum::<f32>() / count(values.len());
    for value in values.iter_mut() {
        *value -= mean;
    }
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    for value in values {
        *value /= norm.max(1e-3);
    }
}

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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn cells(side: usize, step: f32) -> usize {
    (count(side) / step) as usize
}

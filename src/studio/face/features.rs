//! Measures pairs of dark spots by how much they look like the eyes of a face.

use super::likeness::{Pattern, region};
use super::survey::{Survey, count, is_skin};

/// Least contrast of an eye with the cheek below it.
const LEAST_CONTRAST: f32 = 0.10;
/// Dark spots kept per size.
const MOST_SPOTS: usize = 70;
/// Smallest distance of the eyes as a share of the picture's shorter side.
const LEAST_SPAN: f32 = 0.045;

/// Two eyes, a mouth, and how convincing they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// 0 is nothing, 1 a perfect face.
    pub(super) score: f32,
    pub(super) left: Point,
    pub(super) right: Point,
    /// Distance of the mouth below the line of the eyes, in eye distances.
    pub(super) mouth_below: f32,
}

/// A dark spot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
    /// Contrast with what lies below.
    pub(super) contrast: f32,
}

/// Coordinates of a face: `u` along the line of the eyes, `v` down, both in eye distances from the middle between them.
pub(super) struct Axes {
    x: f32,
    y: f32,
    /// Cosine and sine of the turn.
    pub(super) along: (f32, f32),
    pub(super) span: f32,
}

impl Axes {
    pub(super) fn new(left: Point, right: Point) -> Self {
        Self::between((left.x, left.y), (right.x, right.y))
    }

    /// The coordinates of a face with eyes at these points.
    pub(super) fn between(left: (f32, f32), right: (f32, f32)) -> Self {
        let (dx, dy) = (right.0 - left.0, right.1 - left.1);
        let span = dx.hypot(dy);
        Self {
            x: f32::midpoint(left.0, right.0),
            y: f32::midpoint(left.1, right.1),
            along: (dx / span, dy / span),
            span,
        }
    }

    pub(super) fn at(&self, u: f32, v: f32) -> (f32, f32) {
        let (cos, sin) = self.along;
        (
            self.x + (u * cos - v * sin) * self.span,
            self.y + (u * sin + v * cos) * self.span,
        )
    }
}

impl Found {
    /// Whether the other cannot be a second face beside this one: heads are two eye distances wide.
    fn overlaps(&self, other: &Self) -> bool {
        let (one, two) = (
            Axes::new(self.left, self.right),
            Axes::new(other.left, other.right),
        );
        (one.x - two.x).hypot(one.y - two.y) < 1.5 * one.span.max(two.span)
    }
}

/// Everything in a picture that looks like a face, the most convincing first; none overlap.
pub(super) fn best(survey: &Survey) -> Vec<Found> {
    let shorter = count(survey.width.min(survey.height));
    let pattern = Pattern::new();
    let mut best: Vec<Found> = Vec::new();
    let mut span = (LEAST_SPAN * shorter).max(8.0);
    while span < 0.50 * shorter {
        let spots = dark_spots(survey, span);
        for found in pairs(survey, &pattern, &spots, span) {
            let beats = |other: &Found| found.score > other.score || !found.overlaps(other);
            if best.iter().all(beats) {
                best.retain(|other| !found.overlaps(other));
                best.push(found);
            }
        }
        span *= 1.18;
    }
    best.sort_by(|a, b| b.score.total_cmp(&a.score));
    best
}

/// The face whose eyes are about where `last` has them, if one is there.
pub(super) fn near(survey: &Survey, last: &Axes) -> Option<Found> {
    /// How far an eye may have moved, in eye distances.
    const MOVED: f32 = 0.4;
    let span = last.span;
    let is_near = |spot: &Point| {
        let eyes = [-0.5, 0.5].map(|u| last.at(u, 0.0));
        let far = eyes.map(|(x, y)| (x - spot.x).hypot(y - spot.y));
        far.iter().any(|far| *far < MOVED * span)
    };
    let mut spots = dark_spots(survey, span);
    spots.retain(is_near);
    for spot in &mut spots {
        *spot = honed(survey, *spot, span);
    }
    pairs(survey, &Pattern::new(), &spots, span).max_by(|a, b| a.score.total_cmp(&b.score))
}

/// Moves a spot to where its contrast is greatest, finer than the grid on which it was found.
fn honed(survey: &Survey, mut spot: Point, span: f32) -> Point {
    let mut step = (span / 14.0).max(1.0) / 2.0;
    while step >= 0.5 {
        for (dx, dy) in [(-1.0, 0.0), (1.0, 0.0), (0.0, -1.0), (0.0, 1.0)] {
            let (x, y) = (spot.x + dx * step, spot.y + dy * step);
            let contrast = contrast(survey, x, y, span);
            if contrast > spot.contrast {
                spot = Point { x, y, contrast };
            }
        }
        step /= 2.0;
    }
    spot
}

/// The pairs of spots that are about `span` apart and measure up as eyes.
fn pairs(
    survey: &Survey,
    pattern: &Pattern,
    spots: &[Point],
    span: f32,
) -> impl Iterator<Item = Found> {
    let seconds = move |n: usize| spots[n + 1..].iter().map(move |second| (spots[n], *second));
    (0..spots.len())
        .flat_map(seconds)
        .filter_map(move |(first, second)| {
            let (left, right) = if first.x < second.x {
                (first, second)
            } else {
                (second, first)
            };
            let (dx, dy) = (right.x - left.x, right.y - left.y);
            if !(0.88..1.14).contains(&(dx.hypot(dy) / span)) || dy.abs() > 0.32 * dx {
                return None;
            }
            measure(survey, pattern, left, right)
        })
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
pub(super) fn line(survey: &Survey, axes: &Axes, u: f32, v: f32) -> f32 {
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

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
fn cells(side: usize, step: f32) -> usize {
    (count(side) / step) as usize
}

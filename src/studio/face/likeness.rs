//! How much a place of the picture looks like a face: its colours against those around it, its light and dark.

use super::features::Axes;
use super::survey::{Survey, count, is_skin};

/// Places at which a face is compared with the pattern.
const COLUMNS: usize = 15;
const ROWS: usize = 15;

/// How much of the inside of a face, and of what lies beside it, has the colour of its cheeks and nose; 0 to 1.
///
/// The face's own colour is the measure, so any tone and any light will do.
pub(super) fn region(survey: &Survey, axes: &Axes) -> (f32, f32) {
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
pub(super) struct Pattern {
    places: Vec<(f32, f32)>,
    /// Mean 0, sum of squares 1.
    values: Vec<f32>,
}

impl Pattern {
    pub(super) fn new() -> Self {
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
    pub(super) fn compare(&self, survey: &Survey, axes: &Axes) -> (f32, f32) {
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

//! The next number, when one is stepped through.

use crate::catalog::{Field, FieldKind};

/// Steps that a whole range should take at most.
const STEPS: f64 = 100.0;

/// The number after `text`, or before it; nothing where there is none, or `text` is none.
pub(super) fn next(field: &Field, text: &str, forward: bool) -> Option<String> {
    match field.kind {
        FieldKind::Integer { minimum, maximum } => {
            let number: i64 = text.trim().parse().ok()?;
            let next = whole(&field.name, number, forward, minimum, maximum);
            (next != number).then(|| next.to_string())
        }
        FieldKind::Number(limits) => {
            let number: f64 = text
                .trim()
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())?;
            // Without both limits the number itself says how fine it is.
            let step = limits.span().map_or_else(
                || round_step(number.abs() / 10.0),
                |span| round_step(span / 20.0),
            );
            let on_grid = number / step;
            let (below, above) = (
                (on_grid - 1e-9).ceil() - 1.0,
                (on_grid + 1e-9).floor() + 1.0,
            );
            let next = if forward { above } else { below } * step;
            // A step over a limit stops at it, where it is inside.
            let bound = |bound: Option<crate::catalog::Bound>| {
                bound.filter(|bound| bound.inclusive).map(|bound| bound.at)
            };
            let next = match (bound(limits.least), bound(limits.most)) {
                (Some(least), _) if next < least => least,
                (_, Some(most)) if next > most => most,
                _ => next,
            };
            let next = decimals(next, step);
            let moved = next.parse().is_ok_and(|next: f64| {
                limits.hold(next)
                    && if forward {
                        next > number
                    } else {
                        next < number
                    }
            });
            moved.then_some(next)
        }
        _ => None,
    }
}

fn whole(
    name: &str,
    number: i64,
    forward: bool,
    minimum: Option<i64>,
    maximum: Option<i64>,
) -> i64 {
    // The models like 4n + 1 frames.
    let (step, offset) = match (name, minimum, maximum) {
        ("num_frames", ..) => (4, 1),
        (_, Some(least), Some(most)) => (round_whole(most.saturating_sub(least)), 0),
        _ => (1, 0),
    };
    let below = (number - offset).div_euclid(step) * step + offset;
    match (forward, below == number) {
        (true, _) => below.saturating_add(step),
        (false, true) => below.saturating_sub(step),
        (false, false) => below,
    }
    .clamp(minimum.unwrap_or(i64::MIN), maximum.unwrap_or(i64::MAX))
}

/// A power of two: sizes in pixels are mostly multiples of one. Long ranges such as that of a seed go by ones.
fn round_whole(span: i64) -> i64 {
    match span {
        201..=20_000 => 1 << ((span / 100).ilog2()),
        _ => 1,
    }
}

/// 1, 2 or 5 times a power of ten, near `about`.
fn round_step(about: f64) -> f64 {
    let about = about.clamp(1.0 / (STEPS * STEPS), 1e9);
    let power = 10_f64.powf(about.log10().floor());
    let times = match about / power {
        ..1.5 => 1.0,
        ..3.5 => 2.0,
        ..7.5 => 5.0,
        _ => 10.0,
    };
    times * power
}

/// `number` with as many decimals as `step` needs.
fn decimals(number: f64, step: f64) -> String {
    let places = (0..9).find(|places| {
        let scaled = step * 10_f64.powi(*places);
        (scaled - scaled.round()).abs() < 1e-6
    });
    let text = format!(
        "{number:.*}",
        usize::try_from(places.unwrap_or(9)).unwrap_or(0)
    );
    // A limit may be finer than the steps.
    if text
        .parse::<f64>()
        .is_ok_and(|read| (read - number).abs() > step * 1e-6)
    {
        return number.to_string();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalog::{Bound, Limits},
        model::CleanText,
    };

    fn field(kind: FieldKind) -> Field {
        Field {
            name: "n".to_owned(),
            title: CleanText::default(),
            description: CleanText::default(),
            kind,
            required: false,
            nullable: false,
            default: None,
            example: None,
            doubt: None,
        }
    }

    fn walk(field: &Field, from: &str, forward: bool, steps: usize) -> Vec<String> {
        std::iter::successors(next(field, from, forward), |text| {
            next(field, text, forward)
        })
        .take(steps)
        .collect()
    }

    #[test]
    fn a_range_is_walked_in_round_steps_and_ends_at_its_limits() {
        let bound = |at, inclusive| Some(Bound { at, inclusive });
        let strength = field(FieldKind::Number(Limits {
            least: bound(0.0, false),
            most: bound(1.0, true),
        }));
        assert_eq!(
            walk(&strength, "0.83", true, 9),
            ["0.85", "0.90", "0.95", "1.00"]
        );
        assert_eq!(
            walk(&strength, "0.12", false, 9),
            ["0.10", "0.05"],
            "0 is outside"
        );
        let scale = field(FieldKind::Number(Limits {
            least: bound(1.0, true),
            most: bound(20.0, true),
        }));
        assert_eq!(walk(&scale, "7.5", true, 2), ["8", "9"]);
        let free = field(FieldKind::Number(Limits::default()));
        assert_eq!(walk(&free, "0.3", true, 2), ["0.32", "0.34"]);
        assert_eq!(walk(&free, "many", true, 1), Vec::<String>::new());
    }

    #[test]
    fn a_long_range_of_whole_numbers_takes_longer_steps() {
        let integer = |minimum, maximum| field(FieldKind::Integer { minimum, maximum });
        assert_eq!(walk(&integer(Some(1), Some(50)), "49", true, 5), ["50"]);
        assert_eq!(
            walk(&integer(Some(256), Some(4096)), "1000", true, 2),
            ["1024", "1056"]
        );
        assert_eq!(walk(&integer(None, None), "41", false, 1), ["40"]);
    }
}

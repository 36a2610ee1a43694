//! The limits of a number.

use std::fmt;

/// From where to where a number may go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// The lower end.
    pub least: Option<Bound>,
    /// The upper end.
    pub most: Option<Bound>,
}

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// Where it is.
    pub at: f64,
    /// Whether the end itself is inside.
    pub inclusive: bool,
}

impl Limits {
    /// Whether `number` lies within.
    #[must_use]
    pub fn hold(&self, number: f64) -> bool {
        let above = |bound: Bound| number > bound.at || (bound.inclusive && number >= bound.at);
        let below = |bound: Bound| number < bound.at || (bound.inclusive && number <= bound.at);
        number.is_finite() && self.least.is_none_or(above) && self.most.is_none_or(below)
    }

    /// The span, where both ends are known.
    #[must_use]
    pub fn span(&self) -> Option<f64> {
        Some(self.most?.at - self.least?.at)
    }
}

/// `0 to 1`, `above 0`, `at least 1 and below 2`; nothing where there are no limits.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let least = |bound: Bound| {
            let word = if bound.inclusive { "at least" } else { "above" };
            format!("{word} {}", bound.at)
        };
        let most = |bound: Bound| {
            let word = if bound.inclusive { "at most" } else { "below" };
            format!("{word} {}", bound.at)
        };
        let text = match (self.least, self.most) {
            (Some(from), Some(to)) if from.inclusive && to.inclusive => {
                format!("{} to {}", from.at, to.at)
            }
            (Some(from), Some(to)) => format!("{} and {}", least(from), most(to)),
            (Some(from), None) => least(from),
            (None, Some(to)) => most(to),
            (None, None) => String::new(),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn bound(at: f64, inclusive: bool) -> Bound {
        Bound { at, inclusive }
    }

    #[test]
    fn an_exclusive_end_is_outside() {
        let limits = Limits {
            least: Some(bound(0.0, false)),
            most: Some(bound(1.0, true)),
        };
        assert!(!limits.hold(0.0) && limits.hold(0.001) && limits.hold(1.0) && !limits.hold(1.001));
        assert_eq!(limits.to_string(), "above 0 and at most 1");
        assert!(!Limits::default().hold(f64::NAN));
    }
}

//! How fast a voice really speaks, learned from finished videos.

use std::{collections::HashMap, time::Duration};

use super::Speech;

/// Fewest and most times as long as reckoned that is believed: beyond, something else was said.
const BELIEVED: std::ops::RangeInclusive<f64> = 0.5..=2.0;
/// The part of the length that stays uncertain with one take, and with any number of them.
const MARGINS: [f64; 2] = [0.08, 0.04];

/// A script that was spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Take {
    /// How long it was reckoned to be.
    pub reckoned: Duration,
    /// How long it was.
    pub heard: Duration,
}

/// How a voice speaks against what is reckoned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// So many times as long.
    factor: f64,
    /// And so far from that, as a part of it.
    margin: f64,
}

impl Rate {
    /// The rate of a voice that spoke these; `None` where there is nothing to go by.
    #[must_use]
    pub fn of(takes: &[Take]) -> Option<Self> {
        let ratio = |take: &Take| take.heard.as_secs_f64() / take.reckoned.as_secs_f64().max(0.001);
        let mut ratios: Vec<_> = takes.iter().map(ratio).collect();
        ratios.retain(|ratio| BELIEVED.contains(ratio));
        ratios.sort_by(f64::total_cmp);
        // The middle one: a single odd take changes nothing.
        let factor = *ratios.get(ratios.len() / 2)?;
        let from_it = |ratio: &f64| (ratio - factor).abs() / factor;
        let spread = ratios.iter().map(from_it).fold(0.0, f64::max);
        let least = MARGINS[usize::from(ratios.len() > 1)];
        Some(Self {
            factor,
            margin: spread.max(least),
        })
    }
}

/// The rates of voices, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates(HashMap<String, Rate>);

impl Rates {
    /// The rate of `voice`, if anything was learned of it.
    #[must_use]
    pub fn get(&self, voice: &str) -> Option<&Rate> {
        self.0.get(voice)
    }

    /// Whether nothing was learned so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Rate)> for Rates {
    fn from_iter<I: IntoIterator<Item = (String, Rate)>>(rates: I) -> Self {
        Self(rates.into_iter().collect())
    }
}

impl Speech {
    /// What was reckoned, at the rate of the voice that speaks it, where that is known.
    #[must_use]
    pub fn at(self, rate: Option<&Rate>) -> Self {
        rate.map_or(self, |rate| {
            let length = self.length.mul_f64(rate.factor);
            Self {
                length,
                margin: length.mul_f64(rate.margin),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(ratios: &[f64]) -> Vec<Take> {
        let take = |ratio: &f64| Take {
            reckoned: Duration::from_secs(10),
            heard: Duration::from_secs_f64(10.0 * ratio),
        };
        ratios.iter().map(take).collect()
    }

    fn at(ratios: &[f64]) -> Speech {
        let reckoned = Speech {
            length: Duration::from_secs(10),
            margin: Duration::from_millis(1200),
        };
        reckoned.at(Rate::of(&takes(ratios)).as_ref())
    }

    #[test]
    fn the_more_takes_agree_the_surer_is_the_length() {
        assert_eq!(at(&[]).margin, Duration::from_millis(1200));
        let one = at(&[1.1]);
        assert_eq!(one.length, Duration::from_secs(11));
        assert_eq!(one.margin, Duration::from_millis(880));
        let two = at(&[1.1, 1.1]);
        assert_eq!(two.margin, Duration::from_millis(440));
        assert!(
            at(&[0.9, 1.1, 1.3]).margin > Duration::from_secs(1),
            "they disagree"
        );
    }

    #[test]
    fn an_odd_take_is_not_believed() {
        assert_eq!(at(&[1.1, 1.1, 9.0]), at(&[1.1, 1.1]));
        assert_eq!(Rate::of(&takes(&[0.01])), None);
    }
}

//! Amounts in US dollars.

use std::{fmt, iter::Sum, ops::Add};

use serde::{Deserialize, Serialize};

/// An amount in millionths of a US dollar; exact under addition, unlike a float.
///
/// In JSON it is a plain number of dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(i64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From millionths of a dollar.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From dollars, rounded to the nearest millionth. Not a number becomes zero, the rest saturates.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, which is what is documented"
    )]
    pub fn from_dollars(dollars: f64) -> Self {
        Self((dollars * 1e6).round() as i64)
    }

    /// Millionths of a dollar.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// `count` times as much.
    #[must_use]
    pub const fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count as i64))
    }

    /// Dollars.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "amounts beyond 9 billion dollars are not ours"
    )]
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Usd {
    /// Two decimals, as prices are written; an amount below a cent keeps its first digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.dollars();
        let text = if self.0 != 0 && self.0.abs() < 10_000 {
            format!("${dollars:.4}")
        } else {
            format!("${dollars:.2}")
        };
        f.pad(&text)
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Usd {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_dollars)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_exactly_and_print_as_prices() {
        let tenths: Usd = (0..10).map(|_| Usd::from_dollars(0.1)).sum();
        assert_eq!(tenths, Usd::from_dollars(1.0));
        assert_eq!(Usd::from_dollars(1.16).to_string(), "$1.16");
        assert_eq!(Usd::from_dollars(0.0042).to_string(), "$0.0042");
        assert_eq!(Usd::ZERO.to_string(), "$0.00");
        assert_eq!(format!("{:>7}", Usd::from_dollars(1.16)), "  $1.16");
    }
}

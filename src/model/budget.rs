//! What may be spent, and what a wish that goes beyond it is told.

use std::fmt;

use super::Usd;

/// The most that submits may cost by their estimates; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// By one process.
    pub session: Option<Usd>,
    /// In one day of the user's, by all of them together.
    pub day: Option<Usd>,
}

/// What was spent, the jobs included whose submit is out or in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// By this process.
    pub session: Usd,
    /// Today, by all.
    pub day: Usd,
}

/// A submit would go beyond a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverCap {
    /// The word for the cap: session or day.
    pub cap: &'static str,
    /// The cap.
    pub limit: Usd,
    /// What was spent of it.
    pub spent: Usd,
    /// What the submit would cost; `None` is unknown, and counts as too much.
    pub cost: Option<Usd>,
}

impl Budget {
    /// Whether there is a cap at all.
    #[must_use]
    pub const fn is_capped(&self) -> bool {
        self.session.is_some() || self.day.is_some()
    }

    /// The cap that one more submit of `cost` would go beyond, if there is one.
    #[must_use]
    pub fn check(&self, spent: Spent, cost: Option<Usd>) -> Option<OverCap> {
        let caps = [
            ("session", self.session, spent.session),
            ("day", self.day, spent.day),
        ];
        caps.into_iter().find_map(|(cap, limit, spent)| {
            let limit = limit?;
            let fits = cost.is_some_and(|cost| spent + cost <= limit);
            (!fits).then_some(OverCap {
                cap,
                limit,
                spent,
                cost,
            })
        })
    }
}

impl fmt::Display for OverCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cap, limit, spent, ..
        } = self;
        match self.cost {
            Some(cost) => write!(
                f,
                "≈{cost} more would pass the {cap} cap of {limit}, ≈{spent} of it spent"
            ),
            None => write!(
                f,
                "the server has not told its price, and there is a {cap} cap of {limit}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars)
    }

    #[test]
    fn a_cap_may_be_reached_but_not_passed() {
        let budget = Budget {
            session: Some(usd(5.0)),
            day: Some(usd(10.0)),
        };
        let spent = |session, day| Spent {
            session: usd(session),
            day: usd(day),
        };
        assert_eq!(budget.check(spent(4.0, 9.0), Some(usd(1.0))), None);
        let over = |session, day| budget.check(spent(session, day), Some(usd(1.0)));
        assert_eq!(over(4.01, 0.0).unwrap().cap, "session");
        assert_eq!(
            over(0.0, 9.5).unwrap().to_string(),
            "≈$1.00 more would pass the day cap of $10.00, ≈$9.50 of it spent"
        );
    }

    #[test]
    fn an_unknown_price_is_over_every_cap_and_no_cap_is_never_passed() {
        let unknown = Budget {
            session: None,
            day: Some(usd(10.0)),
        };
        assert_eq!(
            unknown.check(Spent::default(), None).unwrap().to_string(),
            "the server has not told its price, and there is a day cap of $10.00"
        );
        assert_eq!(Budget::default().check(Spent::default(), None), None);
    }
}

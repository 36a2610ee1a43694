//! What a second of video costs, and how sure that is.

use crate::model::{Timestamp, Usd};

/// What a second of video costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// For one second at 480p.
    pub unit_price: Usd,
    /// How many times as much at 720p.
    pub factor_720p: f64,
    /// When the server said so; `None` is what shipped with the program.
    pub as_of: Option<Timestamp>,
}

impl Price {
    /// How old it is, in words: `built-in price`, `price of 3 h ago`.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> String {
        let Some(at) = self.as_of else {
            return "built-in price".to_owned();
        };
        // Clocks differ; a price of the future is one of now.
        let minutes = now.duration_since(at).as_secs().max(0) / 60;
        match minutes {
            0 => "price of now".to_owned(),
            1..60 => format!("price of {minutes} min ago"),
            60..2880 => format!("price of {} h ago", minutes / 60),
            _ => format!("price of {} days ago", minutes / 1440),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_price_is_told_in_words() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let age = |seconds: Option<i64>| {
            let price = Price {
                unit_price: Usd::from_dollars(0.2),
                factor_720p: 2.0,
                as_of: seconds.map(|s| Timestamp::from_second(1_800_000_000 - s).unwrap()),
            };
            price.age(now)
        };
        assert_eq!(age(None), "built-in price");
        assert_eq!(age(Some(20)), "price of now");
        assert_eq!(age(Some(-500)), "price of now");
        assert_eq!(age(Some(900)), "price of 15 min ago");
        assert_eq!(age(Some(7300)), "price of 2 h ago");
        assert_eq!(age(Some(400_000)), "price of 4 days ago");
    }
}

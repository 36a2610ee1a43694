//! One draft with several values: a grid of requests.

use serde_json::Value;

use super::{CleanText, SweepId, request::Wish};

/// The most jobs of one sweep: more are a slip of the keys.
pub const MOST_JOBS: usize = 1000;
/// Characters of a text that a job's name takes of a value.
const LABEL_LENGTH: usize = 16;

/// The values that one field takes, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The argument's name.
    pub field: String,
    /// Where it lies in the arguments (see [`super::Arguments::at`]).
    pub pointer: String,
    /// Its values; none twice.
    pub values: Vec<Value>,
}

/// Several values for one or more fields, each combined with each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sweep {
    /// What varies; the last one varies fastest.
    pub axes: Vec<Axis>,
}

/// There would be more than [`MOST_JOBS`] jobs.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{of} make {count} jobs, more than {MOST_JOBS}; take fewer values")]
pub struct TooMany {
    /// `20 × 100 values`.
    of: String,
    /// How many there would be.
    count: usize,
}

impl Sweep {
    /// How many jobs there are.
    ///
    /// # Errors
    /// When there are too many.
    pub fn count(&self) -> Result<usize, TooMany> {
        let lengths = || self.axes.iter().map(|axis| axis.values.len());
        let count = lengths().fold(1, usize::saturating_mul);
        if count <= MOST_JOBS {
            return Ok(count);
        }
        let of = lengths().map(|length| length.to_string());
        Err(TooMany {
            of: format!("{} values", of.collect::<Vec<_>>().join(" × ")),
            count,
        })
    }

    /// A copy of `base` for each combination, called `name` and its values.
    ///
    /// # Errors
    /// When there are too many.
    pub fn wishes(&self, base: &Wish, name: &CleanText) -> Result<Vec<Wish>, TooMany> {
        let count = self.count()?;
        let id = SweepId::random();
        let wish = |number: usize| {
            let mut wish = Wish {
                sweep: Some(id.clone()),
                ..base.clone()
            };
            let (mut rest, mut labels) = (number, Vec::new());
            for axis in self.axes.iter().rev() {
                let value = &axis.values[rest % axis.values.len()];
                rest /= axis.values.len();
                wish.arguments.set_at(&axis.pointer, value.clone());
                if axis.values.len() > 1 {
                    labels.push(label(value));
                }
            }
            labels.reverse();
            wish.name = CleanText::line(format!("{name} {}", labels.join(" ")).trim());
            wish
        };
        Ok((0..count).map(wish).collect())
    }
}

/// A value as a part of a name.
fn label(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    // Of a path or an address, its last part.
    let text = text.trim_end_matches('/');
    let text = text.rsplit_once('/').map_or(text, |(_, last)| last);
    let cut: String = text.chars().take(LABEL_LENGTH).collect();
    cut.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{Arguments, ServerId, request::Consent};

    fn base() -> Wish {
        Wish {
            endpoint: "a/b".parse().unwrap(),
            arguments: Arguments::new(),
            name: CleanText::default(),
            parent: None,
            sweep: None,
            server: ServerId::preview(),
            estimated_cost: None,
            consent: Consent::default(),
        }
    }

    fn axis(field: &str, values: Value) -> Axis {
        Axis {
            field: field.to_owned(),
            pointer: format!("/{field}"),
            values: serde_json::from_value(values).unwrap(),
        }
    }

    #[test]
    fn every_value_meets_every_other_and_the_name_tells_which() {
        let sweep = Sweep {
            axes: vec![
                axis("voice", json!(["Bill", "Aria"])),
                axis("seed", json!([1, 2, 3])),
                axis("resolution", json!(["480p"])),
            ],
        };
        let wishes = sweep.wishes(&base(), &"teaser".into()).unwrap();
        let names: Vec<_> = wishes.iter().map(|wish| wish.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "teaser Bill 1",
                "teaser Bill 2",
                "teaser Bill 3",
                "teaser Aria 1",
                "teaser Aria 2",
                "teaser Aria 3"
            ]
        );
        assert_eq!(
            wishes[4].arguments.to_json(),
            r#"{"resolution":"480p","seed":2,"voice":"Aria"}"#
        );
        assert!(wishes[0].sweep.is_some() && wishes.iter().all(|w| w.sweep == wishes[0].sweep));
    }

    #[test]
    fn a_long_value_is_cut_and_a_path_is_called_by_its_last_part() {
        assert_eq!(label(&json!("/home/me/faces/anna.png")), "anna.png");
        assert_eq!(
            label(&json!("A woman talks to the camera")),
            "A woman talks to"
        );
        assert_eq!(label(&json!(true)), "true");
    }

    #[test]
    fn too_many_are_refused_with_the_figures() {
        let many = |count: i64| axis("seed", (0..count).collect());
        let sweep = Sweep {
            axes: vec![many(20), many(100)],
        };
        assert_eq!(
            sweep.count().unwrap_err().to_string(),
            "20 × 100 values make 2000 jobs, more than 1000; take fewer values"
        );
        assert!(sweep.wishes(&base(), &CleanText::default()).is_err());
    }
}

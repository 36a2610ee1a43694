//! Reads the values of a sweep.

use serde_json::Value;

use super::{Endpoint, Field, FieldKind};
use crate::model::{
    Arguments, Sweep, Usd,
    job::FieldError,
    sweep::{Axis, MOST_JOBS},
};

/// The fields that a price depends on.
const PRICED: [&str; 2] = ["num_frames", "resolution"];
/// What stands for so many random numbers: `random:5`.
const RANDOM: &str = "random:";

impl Endpoint {
    /// Reads the values that the field `name` is to take one after the other: `Bill,Aria`, `1..5`, `random:5`, or `*` for
    /// every option. A comma inside a value is written `\,`.
    ///
    /// # Errors
    /// When there is no such field, a value does not fit it, or there is none.
    pub fn axis(&self, name: &str, text: &str) -> Result<Axis, FieldError> {
        let field = self.known(name)?;
        let mut values: Vec<Value> = Vec::new();
        for part in split(text) {
            for value in self.values_of(field, part.trim())? {
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
        if values.is_empty() {
            let message = format!("no values; it takes {}", field.wanted());
            return Err(FieldError::new(name, message));
        }
        Ok(Axis {
            field: name.to_owned(),
            pointer: self.pointer(name).unwrap_or_else(|| format!("/{name}")),
            values,
        })
    }

    /// What all jobs of a sweep over `arguments` will cost by the catalog's price; `None` where it is unknown.
    #[must_use]
    pub fn estimate_all(&self, arguments: &Arguments, sweep: &Sweep) -> Option<Usd> {
        // Of all fields these alone are priced; the script of a thousand jobs is not looked at.
        let is_priced = |axis: &&Axis| PRICED.contains(&axis.field.as_str());
        let of = |name: &&str| Some(((*name).to_owned(), arguments.get(name)?.clone()));
        let mut costs = vec![PRICED.iter().filter_map(of).collect::<Arguments>()];
        for axis in sweep.axes.iter().filter(is_priced) {
            let with = |arguments: Arguments| {
                let set = |value: &Value| {
                    let mut arguments = arguments.clone();
                    arguments.set_at(&axis.pointer, value.clone());
                    arguments
                };
                axis.values.iter().map(set).collect::<Vec<_>>()
            };
            costs = costs.into_iter().flat_map(with).collect();
        }
        let once: Option<Usd> = costs.iter().map(|these| self.estimate(these)).sum();
        let others = sweep.axes.iter().filter(|axis| !is_priced(axis));
        let times = others.fold(1, |times: u32, axis| {
            times.saturating_mul(u32::try_from(axis.values.len()).unwrap_or(u32::MAX))
        });
        once.map(|cost| cost.times(times))
    }

    fn values_of(&self, field: &Field, part: &str) -> Result<Vec<Value>, FieldError> {
        if part.is_empty() {
            return Ok(Vec::new());
        }
        match &field.kind {
            FieldKind::Choice(options) if part == "*" => Ok(options
                .iter()
                .map(|option| option.as_str().into())
                .collect()),
            FieldKind::Integer { minimum, maximum } => {
                if let Some(count) = part.strip_prefix(RANDOM) {
                    let limits = (minimum.unwrap_or(0), maximum.unwrap_or(i64::from(i32::MAX)));
                    return random(field, count, limits);
                }
                match part.split_once("..") {
                    Some((first, last)) => self.range(field, first, last),
                    None => Ok(vec![self.parse(&field.name, part)?]),
                }
            }
            _ => Ok(vec![self.parse(&field.name, part)?]),
        }
    }

    fn range(&self, field: &Field, first: &str, last: &str) -> Result<Vec<Value>, FieldError> {
        let end = |text: &str| self.parse(&field.name, text);
        let (Some(from), Some(to)) = (end(first)?.as_i64(), end(last)?.as_i64()) else {
            return Err(FieldError::new(
                &field.name,
                "a range is written 1..5, both ends included",
            ));
        };
        check_count(field, from.abs_diff(to).saturating_add(1))?;
        let rising = (from.min(to)..=from.max(to)).map(Value::from);
        Ok(if from <= to {
            rising.collect()
        } else {
            rising.rev().collect()
        })
    }
}

fn random(field: &Field, count: &str, (least, most): (i64, i64)) -> Result<Vec<Value>, FieldError> {
    let count: u64 = count.trim().parse().map_err(|_| {
        FieldError::new(
            &field.name,
            format!("“{RANDOM}{count}” is not {RANDOM} and a number"),
        )
    })?;
    check_count(field, count.min(most.abs_diff(least).saturating_add(1)))?;
    // Negative seeds are legal and surprise everybody.
    let least = if most >= 0 { least.max(0) } else { least };
    let mut drawn: Vec<Value> = Vec::new();
    while (drawn.len() as u64) < count.min(most.abs_diff(least).saturating_add(1)) {
        let value = Value::from(fastrand::i64(least..=most));
        if !drawn.contains(&value) {
            drawn.push(value);
        }
    }
    Ok(drawn)
}

fn check_count(field: &Field, count: u64) -> Result<(), FieldError> {
    if count <= MOST_JOBS as u64 {
        return Ok(());
    }
    Err(FieldError::new(
        &field.name,
        format!("{count} values are more than the {MOST_JOBS} jobs of a sweep"),
    ))
}

/// The parts between commas that are not escaped, unescaped.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if letters.peek() == Some(&',') => {
                letters.next();
                parts.last_mut().expect("never empty").push(',');
            }
            ',' => parts.push(String::new()),
            letter => parts.last_mut().expect("never empty").push(letter),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;

    fn values(name: &str, text: &str) -> Result<Value, String> {
        let axis = Catalog::builtin().first().axis(name, text);
        axis.map(|axis| axis.values.into())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lists_ranges_and_stars_are_read() {
        let cases = [
            ("voice", "Bill, Aria,Bill", json!(["Bill", "Aria"])),
            ("seed", "1..3,9, 2", json!([1, 2, 3, 9])),
            ("seed", "3..1", json!([3, 2, 1])),
            ("resolution", "*", json!(["480p", "720p"])),
            (
                "prompt",
                r"A man\, old,A woman",
                json!(["A man, old", "A woman"]),
            ),
        ];
        for (name, text, want) in cases {
            assert_eq!(values(name, text), Ok(want), "{name}={text}");
        }
    }

    #[test]
    fn random_numbers_are_distinct_and_within_the_limits() {
        let drawn = values("seed", "random:7").unwrap();
        let numbers: std::collections::HashSet<_> = drawn
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_i64().unwrap())
            .collect();
        assert!(numbers.len() == 7 && numbers.iter().all(|n| *n >= 0));
        let frames = values("num_frames", "random:3").unwrap();
        let fits = |n: &Value| (41..=721).contains(&n.as_i64().unwrap());
        assert!(frames.as_array().unwrap().iter().all(fits));
    }

    #[test]
    fn the_cost_of_all_is_the_sum_of_each() {
        let endpoint = Catalog::builtin().first().clone();
        let axis = |name: &str, text: &str| endpoint.axis(name, text).unwrap();
        let sweep = Sweep {
            axes: vec![
                axis("voice", "Bill,Aria"),
                axis("resolution", "480p,720p"),
                axis("num_frames", "145,241"),
                axis("seed", "1..5"),
            ],
        };
        // Ten times 5.8 s and 9.64 s, at 20 cents and at 40.
        assert_eq!(
            endpoint.estimate_all(&endpoint.defaults(), &sweep),
            Some(Usd::from_dollars(10.0 * (5.8 + 9.64) * (0.2 + 0.4)))
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (name, text, part) in [
            ("voice", "Bill,Bob", "Bob"),
            ("num_frames", "41..800", "800"),
            ("seed", "1..x", "x"),
            ("seed", "0..100000", "100001 values"),
            ("seed", "random:x", "random:x"),
            ("seed", " , ", "no values"),
            ("nope", "1", "no such field"),
        ] {
            let said = values(name, text).unwrap_err();
            assert!(said.contains(part) && said.starts_with(name), "{said}");
        }
    }
}

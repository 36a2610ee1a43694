//! The input of one generation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The input object of an endpoint, in the order its fields were given.
///
/// The values are raw: text of the user's or of a past job's. Clean it before it is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Arguments(Map<String, Value>);

impl Arguments {
    /// No arguments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`, if it is given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// The value of `name`, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// The value of `name`, if it is a whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_i64)
    }

    /// Sets `name`; a name that is already there keeps its place.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.0.insert(name.into(), value.into());
    }

    /// Takes `name` out, keeping the order of the others.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.shift_remove(name)
    }

    /// The value at a JSON pointer such as `/camera/zoom` or `/image_urls/0`.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        let mut keys = keys(pointer);
        let first = self.0.get(&keys.next()?)?;
        keys.try_fold(first, |value, key| match value {
            Value::Object(map) => map.get(&key),
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Sets the value at a JSON pointer. Objects on the way are made where there is something else; an item of a list
    /// must be there.
    pub fn set_at(&mut self, pointer: &str, value: impl Into<Value>) {
        let mut keys = keys(pointer);
        let Some(first) = keys.next() else { return };
        let mut place = self.0.entry(first).or_insert(Value::Null);
        for key in keys {
            place = match place {
                Value::Array(items) => {
                    let item = key.parse::<usize>().ok().and_then(|at| items.get_mut(at));
                    let Some(item) = item else { return };
                    item
                }
                other => {
                    if !other.is_object() {
                        *other = Value::Object(Map::new());
                    }
                    let map = other.as_object_mut().expect("it was just made one");
                    map.entry(key).or_insert(Value::Null)
                }
            };
        }
        *place = value.into();
    }

    /// The whole as a JSON object.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether nothing is given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The exact JSON text that goes over the wire.
    #[must_use]
    pub fn to_json(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// JSON with sorted names, equal for equal arguments whatever their order and however a number is written.
    #[must_use]
    pub fn canonical_json(&self) -> String {
        canonical(&Value::Object(self.0.clone())).to_string()
    }
}

impl FromIterator<(String, Value)> for Arguments {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

impl From<Map<String, Value>> for Arguments {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

/// The keys of a JSON pointer (RFC 6901).
fn keys(pointer: &str) -> impl Iterator<Item = String> {
    pointer
        .split('/')
        .skip(1)
        .map(|key| key.replace("~1", "/").replace("~0", "~"))
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<_> = map.iter().collect();
            pairs.sort_by_key(|(name, _)| name.as_str());
            Value::Object(
                pairs
                    .into_iter()
                    .map(|(name, value)| (name.clone(), canonical(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        Value::Number(number) => whole(number).map_or_else(|| value.clone(), Value::from),
        other => other.clone(),
    }
}

/// `145.0` as 145: servers that went through a float give it back so.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the exact range of a float"
    )]
    (float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn arguments(value: Value) -> Arguments {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn canonical_json_ignores_order_and_spelling_of_numbers() {
        let a = arguments(json!({"b": {"y": 1, "x": [2.0]}, "a": 145}));
        let b = arguments(json!({"a": 145.0, "b": {"x": [2], "y": 1}}));
        assert_ne!(a.to_json(), b.to_json());
        assert_eq!(a.canonical_json(), b.canonical_json());
        assert_ne!(
            a.canonical_json(),
            arguments(json!({"a": 146, "b": {"x": [2], "y": 1}})).canonical_json()
        );
    }

    #[test]
    fn setting_again_keeps_the_place() {
        let mut a = arguments(json!({"x": 1, "y": 2}));
        a.set("x", 3);
        assert_eq!(a.to_json(), r#"{"x":3,"y":2}"#);
    }
}

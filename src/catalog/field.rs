//! What fits a field: reading what was typed, checking a value.

use serde_json::{Map, Number, Value};

use super::{Field, FieldKind, MediaKind};
use crate::model::job::FieldError;

/// Choices that a sentence lists.
const MOST_LISTED: usize = 40;
/// Faults that are named of one value; a list may have many of the same.
const MOST_FAULTS: usize = 50;

impl Field {
    /// Its own name inside the object `parent`, or at the top.
    #[must_use]
    pub fn key(&self, parent: Option<&str>) -> &str {
        parent
            .and_then(|parent| self.name.strip_prefix(parent)?.strip_prefix('.'))
            .unwrap_or(&self.name)
    }

    /// What may stand here, in a few words: "41 to 721", "one of Aria, Roger, …".
    #[must_use]
    pub fn wanted(&self) -> String {
        match &self.kind {
            FieldKind::Text { .. } => "text".to_owned(),
            FieldKind::Boolean => "true or false".to_owned(),
            FieldKind::Choice(options) => listed(options.iter().cloned()),
            FieldKind::OneOf(options) => listed(options.iter().map(Value::to_string)),
            FieldKind::Integer { minimum, maximum } => match (minimum, maximum) {
                (Some(minimum), Some(maximum)) => {
                    format!("a whole number from {minimum} to {maximum}")
                }
                (Some(minimum), None) => format!("a whole number of at least {minimum}"),
                (None, Some(maximum)) => format!("a whole number of at most {maximum}"),
                (None, None) => "a whole number".to_owned(),
            },
            FieldKind::Number(limits) => {
                let limits = limits.to_string();
                if limits.is_empty() {
                    "a number".to_owned()
                } else {
                    format!("a number, {limits}")
                }
            }
            FieldKind::File(kind) => {
                let what = match kind {
                    MediaKind::Image => "a picture",
                    MediaKind::Audio => "a sound file",
                    MediaKind::Video => "a video",
                    MediaKind::Other => "a file",
                };
                format!("{what} (a path, a URL or a data URI)")
            }
            FieldKind::List { item, least, most } => {
                let count = match (least, most) {
                    (Some(least), Some(most)) => format!("{least} to {most} "),
                    (Some(least), None) => format!("at least {least} "),
                    (None, Some(most)) => format!("at most {most} "),
                    (None, None) => String::new(),
                };
                format!("a list of {count}items, each {}", item.wanted())
            }
            FieldKind::Object { fields, .. } => {
                let names = fields.iter().map(|field| field.key(Some(&self.name)));
                format!("an object of {}", some_of(names.map(str::to_owned)))
            }
            FieldKind::Json => "JSON".to_owned(),
        }
    }

    /// Reads what a person typed; only the type is looked at.
    ///
    /// A list is one item a line, or a JSON array; objects are JSON.
    ///
    /// # Errors
    /// When it is no value of this kind.
    pub fn read(&self, text: &str) -> Result<Value, FieldError> {
        let trimmed = text.trim();
        if trimmed.is_empty() && self.nullable {
            return Ok(Value::Null);
        }
        let refused = || self.not(&self.name, &format!("“{trimmed}”"));
        match &self.kind {
            FieldKind::Text { .. } => Ok(text.into()),
            FieldKind::Choice(_) | FieldKind::File(_) => Ok(trimmed.into()),
            FieldKind::Integer { .. } => trimmed
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| refused()),
            FieldKind::Number(_) => number(trimmed).map(Value::Number).ok_or_else(refused),
            FieldKind::Boolean => match trimmed {
                "true" | "yes" | "1" => Ok(true.into()),
                "false" | "no" | "0" => Ok(false.into()),
                _ => Err(refused()),
            },
            FieldKind::OneOf(options) => options
                .iter()
                .find(|option| label(option) == trimmed)
                .cloned()
                .ok_or_else(refused),
            FieldKind::List { item, .. } => self.read_list(item, trimmed),
            FieldKind::Object { .. } | FieldKind::Json => {
                serde_json::from_str(trimmed).map_err(|error| self.not_json(&error))
            }
        }
    }

    fn read_list(&self, item: &Field, text: &str) -> Result<Value, FieldError> {
        let array = serde_json::from_str(text);
        if let Ok(array @ Value::Array(_)) = array {
            return Ok(array);
        }
        // What is not one word or number an item is JSON, and its faults are JSON's.
        if !item.is_line() || (text.starts_with('[') && text.ends_with(']')) {
            return match array {
                Ok(other) => Err(self.not(&self.name, &other.to_string())),
                Err(error) => Err(self.not_json(&error)),
            };
        }
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines
            .enumerate()
            .map(|(at, line)| {
                item.read(line)
                    .map_err(|error| FieldError::new(&format!("{}.{at}", self.name), error.message))
            })
            .collect()
    }

    /// Whether a value can stand in one line.
    fn is_line(&self) -> bool {
        !matches!(
            self.kind,
            FieldKind::List { .. } | FieldKind::Object { .. } | FieldKind::Json
        )
    }

    /// `value` as a person types it, so that [`Field::read`] gives it back; a value of another kind as well as can be.
    #[must_use]
    pub fn write(&self, value: &Value) -> String {
        let json = || serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
        match (&self.kind, value) {
            (_, Value::Null) => String::new(),
            (FieldKind::List { item, .. }, Value::Array(items)) => {
                let lines: Vec<_> = items.iter().map(label).collect();
                let lines = lines.join("\n");
                let same = item.is_line() && self.read(&lines).is_ok_and(|read| read == *value);
                if same { lines } else { json() }
            }
            // A text that was meant to be JSON and is none yet is kept as it was typed.
            (FieldKind::Object { .. } | FieldKind::Json, Value::String(text))
                if text.starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_err() =>
            {
                text.clone()
            }
            (FieldKind::Object { .. } | FieldKind::Json, _) => json(),
            (_, Value::String(text)) => text.clone(),
            (_, other) => other.to_string(),
        }
    }

    /// Checks one value.
    ///
    /// # Errors
    /// Names the field, the value and what it may be; the first fault where there are several.
    pub fn check(&self, value: &Value) -> Result<(), FieldError> {
        self.faults(value).into_iter().next().map_or(Ok(()), Err)
    }

    /// Everything that is wrong with a value; what is wrong inside of it is named by its path, such as `loras.0.scale`.
    #[must_use]
    pub fn faults(&self, value: &Value) -> Vec<FieldError> {
        let mut found = Vec::new();
        self.look_at(&self.name, value, &mut found);
        found
    }

    fn look_at(&self, path: &str, value: &Value, found: &mut Vec<FieldError>) {
        if found.len() >= MOST_FAULTS {
            return;
        }
        let fits = match (&self.kind, value) {
            (_, Value::Null) => self.nullable,
            (FieldKind::Text { .. } | FieldKind::File(_), Value::String(text)) => {
                if text.trim().is_empty() && self.required {
                    let why = format!("empty; it takes {}", self.wanted());
                    found.push(FieldError::new(path, why));
                }
                return;
            }
            (FieldKind::Boolean, Value::Bool(_)) | (FieldKind::Json, _) => true,
            (FieldKind::Choice(options), Value::String(text)) => options.contains(text),
            (FieldKind::OneOf(options), value) => options.contains(value),
            (FieldKind::Integer { minimum, maximum }, value) => {
                value.as_i64().is_some_and(|number| {
                    minimum.is_none_or(|least| number >= least)
                        && maximum.is_none_or(|most| number <= most)
                })
            }
            (FieldKind::Number(limits), Value::Number(number)) => {
                number.as_f64().is_some_and(|number| limits.hold(number))
            }
            (FieldKind::List { item, least, most }, Value::Array(items)) => {
                for (at, value) in items.iter().enumerate() {
                    item.look_at(&format!("{path}.{at}"), value, found);
                }
                let count = items.len();
                if least.is_none_or(|least| count >= least) && most.is_none_or(|most| count <= most)
                {
                    return;
                }
                let items = if count == 1 {
                    "1 item"
                } else {
                    &format!("{count} items")
                };
                return found.push(self.not(path, items));
            }
            (FieldKind::Object { fields, open }, Value::Object(map)) => {
                return check_object(fields, *open, Some((&self.name, path)), map, found);
            }
            _ => false,
        };
        if !fits {
            found.push(self.not(path, &shortened(value)));
        }
    }

    fn not(&self, path: &str, value: &str) -> FieldError {
        FieldError::new(path, format!("{value} is not {}", self.wanted()))
    }

    fn not_json(&self, error: &serde_json::Error) -> FieldError {
        FieldError::new(&self.name, format!("not JSON: {error}"))
    }
}

/// Checks an object; `parent` is its name as a field and its path, nothing at the top.
pub(super) fn check_object(
    fields: &[Field],
    open: bool,
    parent: Option<(&str, &str)>,
    map: &Map<String, Value>,
    found: &mut Vec<FieldError>,
) {
    let path_of = |key: &str| match parent {
        Some((_, path)) => format!("{path}.{key}"),
        None => key.to_owned(),
    };
    let key_of = |field: &Field| field.key(parent.map(|(name, _)| name)).to_owned();
    for field in fields {
        let key = key_of(field);
        match map.get(&key) {
            None if !field.required => {}
            Some(value) if !value.is_null() || field.nullable || !field.required => {
                field.look_at(&path_of(&key), value, found);
            }
            _ => found.push(FieldError::new(
                &path_of(&key),
                format!("missing; it takes {}", field.wanted()),
            )),
        }
    }
    if open {
        return;
    }
    let strangers = map
        .keys()
        .filter(|key| !fields.iter().any(|field| key_of(field) == **key));
    for key in strangers.take(MOST_FAULTS) {
        found.push(stranger(&path_of(key), fields.iter().map(key_of)));
    }
}

/// The fault of a name that is not known.
pub(super) fn stranger(path: &str, known: impl Iterator<Item = String>) -> FieldError {
    FieldError::new(path, format!("no such field; there are {}", some_of(known)))
}

/// A number as people write it; whole ones stay whole.
fn number(text: &str) -> Option<Number> {
    text.parse::<i64>()
        .map(Number::from)
        .ok()
        .or_else(|| Number::from_f64(text.parse().ok()?))
}

/// A value as a choice is labelled: texts without their quotes.
#[must_use]
pub fn label(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn shortened(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn listed(options: impl ExactSizeIterator<Item = String>) -> String {
    if options.len() == 1 {
        some_of(options)
    } else {
        format!("one of {}", some_of(options))
    }
}

fn some_of(mut names: impl Iterator<Item = String>) -> String {
    let shown: Vec<_> = names.by_ref().take(MOST_LISTED).collect();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

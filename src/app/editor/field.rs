//! One field of the request editor.

use serde_json::{Map, Value};

use super::{stepping, text_field::TextField};
use crate::{
    app::{message::FileFacts, wording::count},
    catalog::{Field, FieldKind, Limits, label},
    model::{CleanText, job::FieldError},
};

/// Items of a list that its one line begins with.
const SUMMED_UP: usize = 20;

/// A field of the endpoint with what the user put into it.
pub(crate) struct FieldEditor {
    pub(crate) field: Field,
    /// Where its value lies in the arguments.
    pub(crate) pointer: String,
    /// How many objects it is inside of.
    pub(crate) depth: u16,
    pub(crate) content: Content,
    /// Whether being empty means `null` here, not "left out".
    pub(crate) is_null: bool,
    /// Whether the user was here: faults are not shown before.
    pub(crate) touched: bool,
    pub(crate) fault: Option<Fault>,
    /// What the server said about this very value.
    pub(crate) refusal: Option<CleanText>,
    /// What the file is; gone as soon as the path changes.
    pub(crate) finding: Option<Result<FileFacts, CleanText>>,
}

/// What a field holds.
pub(crate) enum Content {
    /// Typed text: also of numbers and paths, of lists and JSON.
    Text(Box<TextField>),
    /// One of a list.
    Choice {
        options: Vec<String>,
        chosen: Option<usize>,
        /// A value that is not on the list, as a past job may have it.
        stray: Option<String>,
    },
    /// An object, whose fields are the rows below.
    Group {
        /// What it has beside them, or what stands in its place.
        rest: Option<Value>,
    },
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A few words, for the room beside the value.
    pub(crate) short: CleanText,
    /// The whole line.
    pub(crate) full: CleanText,
}

impl FieldEditor {
    pub(crate) fn new(field: Field, pointer: String, depth: u16, value: Option<&Value>) -> Self {
        let content = content(&field, value);
        let mut editor = Self {
            is_null: value.is_some_and(Value::is_null),
            field,
            pointer,
            depth,
            content,
            touched: false,
            fault: None,
            refusal: None,
            finding: None,
        };
        editor.is_null &= editor.takes_null();
        editor
    }

    /// The value has changed: whatever was said about the old one is void.
    pub(super) fn changed(&mut self) {
        self.touched = true;
        self.refusal = None;
        self.finding = None;
        self.is_null = self.raw().is_none() && self.takes_null();
    }

    /// Whether emptying it says `null`, because leaving it out would say something else. A seed that is left out is
    /// drawn at the submit.
    fn takes_null(&self) -> bool {
        self.field.nullable
            && (self.field.required || self.field.default.is_some())
            && self.field.name != "seed"
            && !self.is_group()
    }

    /// The value; nothing when it is left out, a fault when the text is none.
    pub(crate) fn value(&self) -> Option<Result<Value, FieldError>> {
        match (&self.content, &self.field.kind) {
            (Content::Group { rest }, _) => rest.clone().map(Ok),
            (
                Content::Choice {
                    chosen: Some(at), ..
                },
                FieldKind::OneOf(options),
            ) => options.get(*at).cloned().map(Ok),
            // A choice that is not on the list, a number out of its limits: kept as they are, the check names them.
            _ => match self.raw() {
                Some(raw) => Some(self.field.read(&raw)),
                None => self.is_null.then_some(Ok(Value::Null)),
            },
        }
    }

    /// The value as text; nothing when there is none.
    pub(crate) fn raw(&self) -> Option<String> {
        match &self.content {
            Content::Text(text) => Some(text.text()).filter(|_| !text.is_blank()),
            Content::Choice {
                options,
                chosen,
                stray,
            } => chosen.map(|at| options[at].clone()).or(stray.clone()),
            Content::Group { .. } => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&TextField> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Choice { .. } | Content::Group { .. } => None,
        }
    }

    pub(crate) fn text_mut(&mut self) -> Option<&mut TextField> {
        match &mut self.content {
            Content::Text(text) => Some(text),
            Content::Choice { .. } | Content::Group { .. } => None,
        }
    }

    /// Whether it is typed in a text area.
    pub(crate) fn is_multiline(&self) -> bool {
        self.is_folded() || matches!(self.field.kind, FieldKind::Text { multiline: true })
    }

    /// Whether its text area opens only while it is typed into.
    pub(crate) fn is_folded(&self) -> bool {
        matches!(self.field.kind, FieldKind::List { .. } | FieldKind::Json)
    }

    /// Whether it is an object with rows of its own below.
    pub(crate) fn is_group(&self) -> bool {
        matches!(self.content, Content::Group { .. })
    }

    pub(super) fn is_needed_group(&self) -> bool {
        self.is_group() && self.field.required && !self.field.nullable
    }

    /// What a folded text says, in one line: how many items, then the items.
    pub(crate) fn summary(&self) -> Option<String> {
        let raw = self.raw()?;
        let line = |text: &str| CleanText::line(text).to_string();
        Some(match self.field.read(&raw) {
            Ok(Value::Array(items)) => {
                let shown: Vec<_> = items.iter().take(SUMMED_UP).map(label).collect();
                let count = count(items.len(), "item");
                if items.is_empty() {
                    return Some(count);
                }
                format!("{count} · {}", line(&shown.join(", ")))
            }
            Ok(value) => line(&value.to_string()),
            Err(_) => line(&raw),
        })
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self.field.kind, FieldKind::File(_))
    }

    /// The path, where the value is one and no address.
    pub(crate) fn path(&self) -> Option<String> {
        let raw = self.raw().filter(|_| self.is_file())?;
        let path = raw.trim();
        let is_address = ["http://", "https://", "data:"]
            .iter()
            .any(|scheme| path.starts_with(scheme));
        (!is_address).then(|| path.to_owned())
    }

    /// The label, as it stands before the value.
    pub(crate) fn label(&self) -> String {
        if self.field.title.is_empty() {
            let key = self.pointer.rsplit('/').next().unwrap_or_default();
            CleanText::line(&key.replace("~1", "/").replace("~0", "~"))
                .as_str()
                .replace('_', " ")
        } else {
            self.field.title.as_str().to_lowercase()
        }
    }

    /// Chooses the next option or the one before, around the end; a number grows or shrinks within its limits.
    /// Returns whether anything changed.
    pub(crate) fn step(&mut self, forward: bool) -> bool {
        if let Content::Text(text) = &mut self.content {
            let next = stepping::next(&self.field, &text.text(), forward);
            return next.is_some_and(|next| {
                text.replace(&next);
                true
            });
        }
        let Content::Choice {
            options,
            chosen,
            stray,
        } = &mut self.content
        else {
            return false;
        };
        let next = match (*chosen, forward) {
            (None, true) => 0,
            (None, false) => options.len() - 1,
            (Some(at), true) => (at + 1) % options.len(),
            (Some(at), false) => (at + options.len() - 1) % options.len(),
        };
        *stray = None;
        chosen.replace(next) != Some(next)
    }

    /// Chooses the next option that begins with `letter`. Returns whether anything changed.
    pub(crate) fn type_ahead(&mut self, letter: char) -> bool {
        let Content::Choice {
            options,
            chosen,
            stray,
        } = &mut self.content
        else {
            return false;
        };
        let begins = |option: &String| {
            option
                .chars()
                .next()
                .is_some_and(|first| first.to_lowercase().eq(letter.to_lowercase()))
        };
        let from = chosen.map_or(0, |at| at + 1);
        let order = (from..options.len()).chain(0..from);
        let Some(found) = order.into_iter().find(|&at| begins(&options[at])) else {
            return false;
        };
        *stray = None;
        chosen.replace(found) != Some(found)
    }

    /// Chooses `option`. Returns whether anything changed.
    pub(crate) fn choose(&mut self, option: usize) -> bool {
        match &mut self.content {
            Content::Choice {
                options,
                chosen,
                stray,
            } if option < options.len() => {
                *stray = None;
                chosen.replace(option) != Some(option)
            }
            _ => false,
        }
    }

    /// Takes a choice back, where there may be none. Returns whether anything changed.
    pub(crate) fn clear_choice(&mut self) -> bool {
        match &mut self.content {
            Content::Choice { chosen, stray, .. }
                if !self.field.required || self.field.nullable =>
            {
                chosen.take().is_some() | stray.take().is_some()
            }
            _ => false,
        }
    }

    /// Words a finding for this field, or for what is inside of it.
    pub(crate) fn fault(&self, error: &FieldError) -> Fault {
        let inside = error
            .name
            .as_str()
            .strip_prefix(CleanText::line(&self.field.name).as_str())
            .and_then(|rest| rest.strip_prefix('.'));
        if let Some(inside) = inside {
            let full = CleanText::from(format!("{}: {}", place_in(inside), error.message));
            let short = full.clone();
            return Fault { short, full };
        }
        let value = self.raw();
        let short = match (&self.field.kind, value) {
            (FieldKind::Object { .. } | FieldKind::List { .. } | FieldKind::Json, Some(_))
            | (FieldKind::Object { .. }, None) => error.message.clone(),
            (_, None) => CleanText::from("missing"),
            (FieldKind::Integer { minimum, maximum }, _) => match (minimum, maximum) {
                (Some(least), Some(most)) => format!("only {least} to {most}").into(),
                (Some(least), None) => format!("at least {least}").into(),
                (None, Some(most)) => format!("at most {most}").into(),
                (None, None) => CleanText::from("not a whole number"),
            },
            (FieldKind::Number(limits), _) if *limits == Limits::default() => {
                CleanText::from("not a number")
            }
            (FieldKind::Number(limits), _) => format!("only {limits}").into(),
            (FieldKind::Choice(_) | FieldKind::OneOf(_) | FieldKind::Boolean, _) => {
                CleanText::from("not one of the choices")
            }
            _ => error.message.clone(),
        };
        let full = if self.raw().is_none() && !self.is_group() {
            format!("missing; it takes {}", self.field.wanted()).into()
        } else {
            error.message.clone()
        };
        Fault { short, full }
    }
}

/// The content for `value`.
fn content(field: &Field, value: Option<&Value>) -> Content {
    let text = value.map(|value| field.write(value)).unwrap_or_default();
    let options = match &field.kind {
        FieldKind::Choice(options) => options.clone(),
        FieldKind::OneOf(options) => options.iter().map(label).collect(),
        FieldKind::Boolean => vec!["true".to_owned(), "false".to_owned()],
        FieldKind::Object { fields, .. } => return group(field, fields, value),
        kind => {
            let multiline = matches!(
                kind,
                FieldKind::Text { multiline: true } | FieldKind::List { .. } | FieldKind::Json
            );
            return Content::Text(Box::new(TextField::new(&text, multiline)));
        }
    };
    let chosen = match (&field.kind, value) {
        // A number and a text may look the same.
        (FieldKind::OneOf(options), Some(value)) => options.iter().position(|of| of == value),
        _ => options.iter().position(|option| *option == text),
    };
    let stray = (chosen.is_none() && !text.is_empty()).then_some(text);
    Content::Choice {
        options,
        chosen,
        stray,
    }
}

/// An object's row: it keeps what its fields do not.
fn group(field: &Field, fields: &[Field], value: Option<&Value>) -> Content {
    let rest = match value {
        Some(Value::Object(map)) => {
            let is_field = |key: &String| {
                fields
                    .iter()
                    .any(|inner| inner.key(Some(&field.name)) == key)
            };
            let rest: Map<_, _> = map
                .iter()
                .filter(|(key, _)| !is_field(key))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            (!rest.is_empty()).then_some(Value::Object(rest))
        }
        Some(Value::Null) | None => None,
        Some(other) => Some(other.clone()),
    };
    Content::Group { rest }
}

/// A path below a field in words: `1.scale` is `item 2, scale`.
fn place_in(path: &str) -> String {
    let words: Vec<_> = path
        .split('.')
        .map(|part| match part.parse::<usize>() {
            Ok(at) => format!("item {}", at.saturating_add(1)),
            Err(_) => part.to_owned(),
        })
        .collect();
    words.join(", ")
}

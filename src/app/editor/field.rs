//! One field of the request editor.

use serde_json::Value;

use super::text_field::TextField;
use crate::{
    app::message::FileFacts,
    catalog::{Endpoint, Field, FieldKind},
    model::{CleanText, job::FieldError},
};

/// A field of the endpoint with what the user put into it.
pub(crate) struct FieldEditor {
    pub(crate) field: Field,
    pub(crate) content: Content,
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
    /// Typed text: also of numbers and paths.
    Text(Box<TextField>),
    /// One of a list.
    Choice {
        options: Vec<String>,
        chosen: Option<usize>,
        /// A value that is not on the list, as a past job may have it.
        stray: Option<String>,
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
    pub(crate) fn new(field: Field, value: Option<&Value>) -> Self {
        let text = match value {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let options = match &field.kind {
            FieldKind::Choice(options) => Some(options.clone()),
            FieldKind::Boolean => Some(vec!["true".to_owned(), "false".to_owned()]),
            _ => None,
        };
        let content = if let Some(options) = options {
            let chosen = options.iter().position(|option| *option == text);
            let stray = (chosen.is_none() && !text.is_empty()).then_some(text);
            Content::Choice {
                options,
                chosen,
                stray,
            }
        } else {
            let multiline = matches!(field.kind, FieldKind::Text { multiline: true });
            Content::Text(Box::new(TextField::new(&text, multiline)))
        };
        Self {
            field,
            content,
            touched: false,
            fault: None,
            refusal: None,
            finding: None,
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
        }
    }

    pub(crate) fn text(&self) -> Option<&TextField> {
        match &self.content {
            Content::Text(text) => Some(text),
            Content::Choice { .. } => None,
        }
    }

    pub(crate) fn text_mut(&mut self) -> Option<&mut TextField> {
        match &mut self.content {
            Content::Text(text) => Some(text),
            Content::Choice { .. } => None,
        }
    }

    pub(crate) fn is_multiline(&self) -> bool {
        matches!(self.field.kind, FieldKind::Text { multiline: true })
    }

    /// Whether it holds the words that are spoken.
    pub(crate) fn is_script(&self, endpoint: &Endpoint) -> bool {
        endpoint
            .script_field()
            .is_some_and(|script| script.name == self.field.name)
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
            CleanText::line(&self.field.name).as_str().replace('_', " ")
        } else {
            self.field.title.as_str().to_lowercase()
        }
    }

    /// Chooses the next option or the one before, around the end; a number grows or shrinks by one within its limits.
    /// Returns whether anything changed.
    pub(crate) fn step(&mut self, forward: bool) -> bool {
        if let FieldKind::Integer { minimum, maximum } = self.field.kind {
            return self.step_number(forward, minimum, maximum);
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

    fn step_number(&mut self, forward: bool, minimum: Option<i64>, maximum: Option<i64>) -> bool {
        let Content::Text(text) = &mut self.content else {
            return false;
        };
        let Ok(number) = text.text().trim().parse::<i64>() else {
            return false;
        };
        let next = number
            .saturating_add(if forward { 1 } else { -1 })
            .clamp(minimum.unwrap_or(i64::MIN), maximum.unwrap_or(i64::MAX));
        if next != number {
            text.replace(&next.to_string());
        }
        next != number
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

    /// Words a finding for this field.
    pub(crate) fn fault(&self, error: &FieldError) -> Fault {
        let value = self.raw();
        let short = match (&self.field.kind, value) {
            (_, None) => CleanText::from("missing"),
            (FieldKind::Integer { minimum, maximum }, _) => match (minimum, maximum) {
                (Some(least), Some(most)) => format!("only {least} to {most}").into(),
                (Some(least), None) => format!("at least {least}").into(),
                (None, Some(most)) => format!("at most {most}").into(),
                (None, None) => CleanText::from("not a whole number"),
            },
            (FieldKind::Choice(_) | FieldKind::Boolean, _) => {
                CleanText::from("not one of the choices")
            }
            _ => error.message.clone(),
        };
        let full = if self.raw().is_none() {
            format!("missing; it takes {}", self.field.wanted()).into()
        } else {
            error.message.clone()
        };
        Fault { short, full }
    }
}

//! Requests that are being written.

use serde_json::{Value, json};

use super::{Arguments, CleanText, EndpointId, JobId, Timestamp};

/// Arguments while they are being edited.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What is to run.
    pub endpoint: EndpointId,
    /// Its input so far; a value that does not fit its field's type is kept as the text that was typed.
    pub arguments: Arguments,
    /// The job's name; empty means that one is made from the script.
    pub name: CleanText,
    /// The job it is a copy of.
    pub parent: Option<JobId>,
}

/// Where a draft is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Slot {
    /// What the editor holds while it has no name.
    #[default]
    Editor,
    /// A draft that the user named.
    Named(CleanText),
    /// Values without a file and a script, to begin others with.
    Template(CleanText),
}

impl Slot {
    /// Its name in the store.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Editor => "editor".to_owned(),
            Self::Named(name) => format!("draft/{name}"),
            Self::Template(name) => format!("template/{name}"),
        }
    }

    /// The slot of this name in the store.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_once('/') {
            Some(("draft", name)) => Some(Self::Named(CleanText::line(name))),
            Some(("template", name)) => Some(Self::Template(CleanText::line(name))),
            _ => (key == "editor").then_some(Self::Editor),
        }
    }

    /// What the user calls it; empty for the editor's own.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Editor => "",
            Self::Named(name) | Self::Template(name) => name.as_str(),
        }
    }
}

/// A draft in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptDraft {
    /// Where.
    pub slot: Slot,
    /// What.
    pub draft: Draft,
    /// When it was last changed; the beginning of time where nobody noted it.
    pub saved_at: Timestamp,
}

impl Draft {
    /// The draft as a file: endpoint, name and arguments, as `job.json` has them too.
    #[must_use]
    pub fn to_object(&self) -> Value {
        json!({ "endpoint": self.endpoint, "name": self.name, "arguments": self.arguments })
    }

    /// Reads a file of a draft or of a job; an object of anything else is the arguments for `endpoint`.
    ///
    /// # Errors
    /// What is wrong with it, in a line.
    pub fn from_object(object: Value, endpoint: &EndpointId) -> Result<Self, String> {
        let Value::Object(mut map) = object else {
            return Err("no JSON object; write {\"name\": value, …}".to_owned());
        };
        let is_whole = map.get("arguments").is_some_and(Value::is_object)
            && map.get("endpoint").is_some_and(Value::is_string);
        if !is_whole {
            return Ok(Self {
                endpoint: endpoint.clone(),
                arguments: map.into(),
                name: CleanText::default(),
                parent: None,
            });
        }
        let named = map["endpoint"].as_str().unwrap_or_default();
        let endpoint = named
            .parse()
            .map_err(|error| format!("“{}”: {error}", CleanText::line(named)))?;
        let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
        let name = CleanText::line(name);
        match map.remove("arguments") {
            Some(Value::Object(arguments)) => Ok(Self {
                endpoint,
                arguments: arguments.into(),
                name,
                parent: None,
            }),
            _ => Err("its arguments are no object".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_found_again_by_its_key() {
        for slot in [
            Slot::Editor,
            Slot::Named("a/b c".into()),
            Slot::Template("x".into()),
        ] {
            assert_eq!(Slot::from_key(&slot.key()), Some(slot));
        }
        assert_eq!(Slot::from_key("later/x"), None);
    }

    #[test]
    fn a_draft_goes_through_a_file_and_plain_arguments_are_taken_too() {
        let here: EndpointId = "a/b".parse().unwrap();
        let draft = Draft {
            endpoint: "c/d".parse().unwrap(),
            arguments: serde_json::from_value(json!({"x": 1})).unwrap(),
            name: "teaser".into(),
            parent: None,
        };
        assert_eq!(Draft::from_object(draft.to_object(), &here), Ok(draft));
        let plain = Draft::from_object(json!({"x": 1, "endpoint": "y"}), &here).unwrap();
        assert_eq!(
            (plain.endpoint, plain.arguments.iter().count()),
            (here.clone(), 2)
        );
        assert!(Draft::from_object(json!([]), &here).is_err());
        let broken = json!({"endpoint": "no", "arguments": {}});
        assert!(
            Draft::from_object(broken, &here)
                .unwrap_err()
                .contains("“no”")
        );
    }
}

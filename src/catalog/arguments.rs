//! Arguments as an endpoint sees them: defaults, completion, checks, the files among them.

use serde_json::{Map, Value};

use super::{
    Endpoint, Field, FieldKind, MediaKind,
    field::{check_object, stranger},
};
use crate::model::{Arguments, job::FieldError};

/// A file that arguments name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileArgument {
    /// The path for people: `image_urls.0`.
    pub name: String,
    /// The path for [`Arguments::at`]: `/image_urls/0`.
    pub pointer: String,
    /// What it must be.
    pub kind: MediaKind,
    /// The path, URL or data URI.
    pub value: String,
}

impl Endpoint {
    /// Every field that has a default, at its default.
    #[must_use]
    pub fn defaults(&self) -> Arguments {
        defaults(&self.fields, None).into()
    }

    /// `given` with the defaults of what is missing, in display order; unknown names stay, at the end.
    #[must_use]
    pub fn complete(&self, given: &Arguments) -> Arguments {
        let mut whole = Arguments::new();
        for field in &self.fields {
            let default = || default_of(field);
            if let Some(value) = given.get(&field.name).cloned().or_else(default) {
                whole.set(&field.name, value);
            }
        }
        for (name, value) in given.iter() {
            if !self.fields.iter().any(|field| field.name == name) {
                whole.set(name, value.clone());
            }
        }
        whole
    }

    /// Reads `text` as a value of the field `name` and checks it.
    ///
    /// # Errors
    /// When there is no such field, or the text is no value that it takes.
    pub fn parse(&self, name: &str, text: &str) -> Result<Value, FieldError> {
        let field = self.known(name)?;
        let value = field.read(text)?;
        field.check(&value)?;
        Ok(value)
    }

    /// Everything that is wrong with `arguments`, in display order; empty means that they may be sent.
    ///
    /// fal itself mostly finds such faults only after a wait in its queue, at the result.
    #[must_use]
    pub fn check(&self, arguments: &Arguments) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_object(&self.fields, true, None, arguments.as_map(), &mut found);
        if !self.open {
            let unknown = arguments
                .iter()
                .filter(|(name, _)| !self.fields.iter().any(|field| field.name == *name))
                .map(|(name, _)| self.unknown(name));
            found.extend(unknown);
        }
        found
    }

    pub(super) fn known(&self, name: &str) -> Result<&Field, FieldError> {
        self.field(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> FieldError {
        let names = self.fields.iter().map(|field| field.name.clone());
        let mut error = stranger(name, names);
        let said = error.message.as_str();
        error.message = said
            .replacen("there are", &format!("{} has", self.id), 1)
            .into();
        error
    }

    /// Sets the field `name`, making the objects around it; no such field sets `name` itself.
    pub fn set(&self, arguments: &mut Arguments, name: &str, value: Value) {
        match self.pointer(name) {
            Some(pointer) => arguments.set_at(&pointer, value),
            None => arguments.set(name, value),
        }
    }

    /// The value of the field `name`.
    #[must_use]
    pub fn value<'a>(&self, arguments: &'a Arguments, name: &str) -> Option<&'a Value> {
        arguments.at(&self.pointer(name)?)
    }

    /// Where the field `name` lies in the arguments.
    #[must_use]
    pub fn pointer(&self, name: &str) -> Option<String> {
        fn walk(fields: &[Field], parent: Option<&str>, above: &str, name: &str) -> Option<String> {
            fields.iter().find_map(|field| {
                let pointer = below(above, field.key(parent));
                match &field.kind {
                    _ if field.name == name => Some(pointer),
                    FieldKind::Object { fields, .. } => {
                        walk(fields, Some(&field.name), &pointer, name)
                    }
                    _ => None,
                }
            })
        }
        walk(&self.fields, None, "", name)
    }

    /// The files that `arguments` name, also inside lists and objects.
    #[must_use]
    pub fn files(&self, arguments: &Arguments) -> Vec<FileArgument> {
        let mut found = Vec::new();
        for field in &self.fields {
            if let Some(value) = arguments.get(&field.name) {
                files(
                    field,
                    &field.name,
                    &below("", &field.name),
                    value,
                    &mut found,
                );
            }
        }
        found
    }
}

fn files(field: &Field, name: &str, pointer: &str, value: &Value, found: &mut Vec<FileArgument>) {
    match (&field.kind, value) {
        (FieldKind::File(kind), Value::String(text)) if !text.is_empty() => {
            found.push(FileArgument {
                name: name.to_owned(),
                pointer: pointer.to_owned(),
                kind: *kind,
                value: text.clone(),
            });
        }
        (FieldKind::List { item, .. }, Value::Array(items)) => {
            for (at, value) in items.iter().enumerate() {
                let (name, pointer) = (format!("{name}.{at}"), format!("{pointer}/{at}"));
                files(item, &name, &pointer, value, found);
            }
        }
        (FieldKind::Object { fields, .. }, Value::Object(map)) => {
            for inner in fields {
                let key = inner.key(Some(&field.name));
                if let Some(value) = map.get(key) {
                    let (name, pointer) = (format!("{name}.{key}"), below(pointer, key));
                    files(inner, &name, &pointer, value, found);
                }
            }
        }
        _ => {}
    }
}

/// `key` below the JSON pointer `above`.
fn below(above: &str, key: &str) -> String {
    format!("{above}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn defaults(fields: &[Field], parent: Option<&str>) -> Map<String, Value> {
    fields
        .iter()
        .filter_map(|field| {
            let key = field.key(parent);
            Some((key.to_owned(), default_of(field)?))
        })
        .collect()
}

/// What stands where nothing was given: the default, or an object that must be there with the defaults of its fields.
fn default_of(field: &Field) -> Option<Value> {
    let inside = || match &field.kind {
        FieldKind::Object { fields, .. } if field.required => {
            Some(defaults(fields, Some(&field.name)))
        }
        _ => None,
    };
    let composed = || inside().filter(|map| !map.is_empty()).map(Value::Object);
    field.default.clone().or_else(composed)
}

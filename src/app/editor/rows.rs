//! The rows of a form: an endpoint's fields, those of objects below their object, and what the endpoint does not know.

use serde_json::Value;

use super::field::FieldEditor;
use crate::{
    catalog::{Endpoint, Field, FieldKind},
    model::{Arguments, CleanText},
};

/// The rows for `arguments`.
pub(super) fn of(endpoint: &Endpoint, arguments: &Arguments) -> Vec<FieldEditor> {
    let mut rows = Vec::new();
    for field in &endpoint.fields {
        add(field, "", None, 0, arguments.get(&field.name), &mut rows);
    }
    // Names that the endpoint does not list are neither lost nor sent unseen: each has a row, and a fault.
    for (name, value) in arguments.iter() {
        if !endpoint.fields.iter().any(|field| field.name == name) {
            let field = Field {
                name: name.to_owned(),
                title: CleanText::line(name),
                description: "The endpoint does not list this name. Emptied, it is gone.".into(),
                kind: FieldKind::Json,
                required: false,
                nullable: false,
                default: None,
                example: None,
            };
            add(&field, "", None, 0, Some(value), &mut rows);
        }
    }
    rows
}

fn add(
    field: &Field,
    above: &str,
    parent: Option<&str>,
    depth: u16,
    value: Option<&Value>,
    rows: &mut Vec<FieldEditor>,
) {
    let key = field.key(parent);
    let pointer = format!("{above}/{}", key.replace('~', "~0").replace('/', "~1"));
    rows.push(FieldEditor::new(
        field.clone(),
        pointer.clone(),
        depth,
        value,
    ));
    if let FieldKind::Object { fields, .. } = &field.kind {
        for inner in fields {
            let value = value.and_then(|value| value.get(inner.key(Some(&field.name))));
            add(inner, &pointer, Some(&field.name), depth + 1, value, rows);
        }
    }
}

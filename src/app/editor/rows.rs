//! The rows of a form: an endpoint's fields, those of objects below their object, and what the endpoint does not know.

use serde_json::Value;

use super::{Editor, OWN_ROWS, field::FieldEditor};
use crate::{
    catalog::{Endpoint, Field, FieldKind},
    model::{Arguments, CleanText, job::FieldError},
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
                doubt: None,
            };
            add(&field, "", None, 0, Some(value), &mut rows);
        }
    }
    rows
}

/// The arguments that `rows` hold, and what is wrong with texts that are no values.
pub(super) fn read(rows: &[FieldEditor]) -> (Arguments, Vec<FieldError>) {
    let mut arguments = Arguments::new();
    let mut faults = Vec::new();
    for field in rows {
        match field.value() {
            Some(Ok(value)) => arguments.set_at(&field.pointer, value),
            // Kept as it is, so that nothing typed is lost.
            Some(Err(fault)) => {
                faults.push(fault);
                arguments.set_at(&field.pointer, field.raw().unwrap_or_default());
            }
            None => {}
        }
    }
    // An object that must be there is, even with nothing in it.
    for field in rows.iter().filter(|field| field.is_needed_group()) {
        let (above, _) = field.pointer.rsplit_once('/').unwrap_or_default();
        let has_parent = above.is_empty() || arguments.at(above).is_some();
        if has_parent && arguments.at(&field.pointer).is_none() {
            arguments.set_at(&field.pointer, serde_json::json!({}));
        }
    }
    (arguments, faults)
}

impl Editor {
    /// Takes over another description of the same endpoint. What is typed stays, with its cursor.
    pub(crate) fn adopt(&mut self, endpoint: Endpoint) {
        if self.endpoint.fields == endpoint.fields && self.endpoint.open == endpoint.open {
            self.endpoint = endpoint;
            return;
        }
        let selected = self.current().map(|field| field.field.name.clone());
        let mut old = std::mem::take(&mut self.fields);
        self.fields = of(&endpoint, &read(&old).0);
        for field in &mut self.fields {
            let same = old
                .iter_mut()
                .find(|old| old.field.name == field.field.name);
            let Some(same) = same else { continue };
            field.touched = same.touched;
            field.refusal = same.refusal.take();
            field.finding = same.finding.take();
            let is_typed = |field: &FieldEditor| (field.text().is_some(), field.is_multiline());
            if is_typed(field) == is_typed(same) {
                std::mem::swap(&mut field.content, &mut same.content);
            }
        }
        self.endpoint = endpoint;
        let place = |name| {
            self.fields
                .iter()
                .position(|field| field.field.name == name)
        };
        match selected.map(place) {
            Some(Some(at)) => self.selected = OWN_ROWS + at,
            Some(None) => {
                // The field that was typed into is gone.
                self.typing = false;
                self.selected = self.selected.min(self.last_row());
            }
            None => {}
        }
        self.gauge.may_have_changed();
        self.refresh();
        self.relayout();
    }
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

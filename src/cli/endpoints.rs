//! `talkdeck endpoints`: what can run, and what it takes.

use serde_json::{Value, json};

use super::{
    Exit, Fault, Output,
    output::{Cell, Tone},
};
use crate::{
    catalog::{Catalog, Endpoint, Field, FieldKind, Price},
    model::{CleanText, Usd},
};

/// Lists all endpoints, or the fields of the one that is named.
pub(super) fn run(
    catalog: &Catalog,
    named: Option<&str>,
    output: &mut Output,
) -> Result<Exit, Fault> {
    match named {
        Some(name) => one(find(catalog, name)?, output)?,
        None => all(catalog, output)?,
    }
    Ok(Exit::Done)
}

/// The endpoint that the user means by `name`.
pub(super) fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Endpoint, Fault> {
    let known = name.parse().ok().and_then(|id| catalog.get(&id));
    known.ok_or_else(|| {
        let hint = catalog.nearest(name).map_or_else(
            || "`talkdeck endpoints` lists what there is".to_owned(),
            |nearest| format!("did you mean {}?", nearest.id),
        );
        Fault::new(Exit::Usage, format!("no endpoint “{name}”; {hint}"))
    })
}

fn all(catalog: &Catalog, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        return catalog
            .endpoints()
            .try_for_each(|endpoint| output.json(&object(endpoint)));
    }
    let row = |endpoint: &Endpoint| {
        vec![
            Cell::new(endpoint.id.as_str()).tone(Tone::Strong),
            Cell::new(endpoint.price.map_or_else(String::new, price)),
            Cell::new(endpoint.title.clone()),
        ]
    };
    let rows: Vec<_> = catalog.endpoints().map(row).collect();
    output.table(&rows)
}

fn one(endpoint: &Endpoint, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        return output.json(&object(endpoint));
    }
    output.line(&[(Tone::Strong, &endpoint.id.as_str().into())])?;
    output.paragraph(0, Tone::Plain, &endpoint.description)?;
    if let Some(of) = endpoint.price {
        output.paragraph(0, Tone::Plain, &price(of).into())?;
    }
    doubt(0, endpoint.price_doubt.as_ref(), output)?;
    for field in &endpoint.fields {
        let need = match default_of(endpoint, field) {
            _ if field.required => "required".to_owned(),
            _ if is_drawn(endpoint, field) => "drawn when left out".to_owned(),
            Some(default) => format!("default {}", plain(default)),
            None => "optional".to_owned(),
        };
        let name = CleanText::line(&format!("{}  ", field.name));
        output.line(&[])?;
        output.line(&[
            (Tone::Strong, &name),
            (Tone::Plain, &field.kind.name().into()),
            (Tone::Dim, &format!(", {need}").into()),
        ])?;
        output.paragraph(4, Tone::Plain, &field.description)?;
        if !matches!(field.kind, FieldKind::Text { .. }) {
            output.paragraph(4, Tone::Dim, &field.wanted().into())?;
        }
        doubt(4, field.doubt.as_ref(), output)?;
    }
    Ok(())
}

/// Why what stands above may be wrong.
fn doubt(indent: usize, why: Option<&CleanText>, output: &mut Output) -> Result<(), Fault> {
    why.map_or(Ok(()), |why| {
        let line = CleanText::line(&format!("not certain: {why}"));
        output.paragraph(indent, Tone::Dim, &line)
    })
}

fn price(price: Price) -> String {
    let large = Usd::from_dollars(price.unit_price.dollars() * price.factor_720p);
    format!("≈ {} a second at 480p, {large} at 720p", price.unit_price)
}

/// A JSON value as it is typed on the command line.
pub(super) fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether talkdeck sends a number of its own where the field is left out.
fn is_drawn(endpoint: &Endpoint, field: &Field) -> bool {
    endpoint
        .seed_field()
        .is_some_and(|seed| seed.name == field.name)
}

/// What a request has where the field is left out: the server's default, as far as it ever comes to it.
fn default_of<'a>(endpoint: &Endpoint, field: &'a Field) -> Option<&'a Value> {
    let default = field.default.as_ref();
    default.filter(|_| !is_drawn(endpoint, field))
}

fn object(endpoint: &Endpoint) -> Value {
    let field_object = |field| field_object(endpoint, field);
    json!({
        "id": endpoint.id,
        "title": endpoint.title,
        "fields": endpoint.fields.iter().map(field_object).collect::<Vec<_>>(),
    })
}

fn field_object(endpoint: &Endpoint, field: &Field) -> Value {
    let (minimum, maximum) = match field.kind {
        FieldKind::Integer { minimum, maximum } => (minimum, maximum),
        _ => (None, None),
    };
    let options = match &field.kind {
        FieldKind::Choice(options) => Some(options),
        _ => None,
    };
    json!({
        "name": field.name,
        "type": field.kind.name(),
        "required": field.required,
        "default": default_of(endpoint, field),
        "minimum": minimum,
        "maximum": maximum,
        "options": options,
        "description": field.description,
    })
}

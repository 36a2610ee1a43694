//! `talkdeck endpoints`: what can run, and what it takes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    Exit, Fault, Output,
    output::{Cell, Tone, notice},
    session::{Context, chosen},
};
use crate::{
    catalog::{Bound, Catalog, Endpoint, Field, FieldKind, Price},
    fal::Client,
    model::{CleanText, EndpointId, Server, Usd},
    tracker::{self, schemas::Schemas},
};

/// How long the server is waited for where the endpoint is known without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The endpoint's name, as the user gave it.
pub(super) fn id(context: &Context, name: &str) -> Result<EndpointId, Fault> {
    name.parse().map_err(|_| {
        let hint = context.catalog.nearest(name).map_or_else(
            || "`talkdeck endpoints` lists what there is".to_owned(),
            |nearest| format!("did you mean {}?", nearest.id),
        );
        Fault::new(Exit::Usage, format!("no endpoint “{name}”; {hint}"))
    })
}

/// The endpoint `id` as `server` describes it now; `None` is the embedded one.
///
/// What the server said within a day counts; with `ask`, an older word is asked for anew. An endpoint that is not known
/// here is asked for in any case.
pub(super) async fn find(
    context: &Context,
    server: Option<&Server>,
    id: &EndpointId,
    ask: bool,
) -> Result<Endpoint, Fault> {
    let Some(server) = server else {
        let known = context.catalog.get(id).cloned();
        return known.ok_or_else(|| {
            let hint = context.catalog.nearest(id.as_str()).map_or_else(
                || "other endpoints run at fal.ai: set FAL_KEY".to_owned(),
                |nearest| format!("did you mean {}?", nearest.id),
            );
            let text = format!("the local preview has no endpoint “{id}”; {hint}");
            Fault::new(Exit::Usage, text)
        });
    };
    let schemas = Schemas::open(Some(&context.config.places.cache));
    let known = |schemas: &Schemas| {
        let catalog = schemas.over(&context.catalog, &server.id);
        catalog.get(id).cloned()
    };
    let is_known = known(&schemas).is_some();
    if ask || !is_known {
        let client = Client::new(server.clone()).map_err(tracker::Error::from)?;
        let asking = schemas.refresh(&client, id, &context.catalog);
        let work = async {
            if is_known {
                // Without an answer, what is known is what there is.
                let asked = timeout(PATIENCE, asking).await;
                if let Ok(Ok(Some(change))) = asked {
                    notice(format!(
                        "talkdeck: {id}: schema changed on the server: {change}"
                    ));
                }
            } else {
                asking.await?;
            }
            Ok(())
        };
        context.unless_interrupted(Box::pin(work)).await?;
    }
    known(&schemas).ok_or_else(|| Fault::new(Exit::Usage, format!("no endpoint “{id}”")))
}

/// Lists all endpoints that are built in.
pub(super) fn all(catalog: &Catalog, output: &mut Output) -> Result<Exit, Fault> {
    if output.is_json() {
        for endpoint in catalog.endpoints() {
            output.json(&object(endpoint))?;
        }
        return Ok(Exit::Done);
    }
    let row = |endpoint: &Endpoint| {
        vec![
            Cell::new(endpoint.id.as_str()).tone(Tone::Strong),
            Cell::new(endpoint.price.map_or_else(String::new, price)),
            Cell::new(endpoint.title.clone()),
        ]
    };
    let rows: Vec<_> = catalog.endpoints().map(row).collect();
    output.table(&rows)?;
    Ok(Exit::Done)
}

/// The fields of the endpoint that is named.
pub(super) async fn one(
    context: &Context,
    named: &str,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let id = id(context, named)?;
    let server = chosen(context)?;
    let endpoint = find(context, server.as_ref(), &id, true).await?;
    describe(&endpoint, output)?;
    Ok(Exit::Done)
}

fn describe(endpoint: &Endpoint, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        return output.json(&object(endpoint));
    }
    output.line(&[(Tone::Strong, &endpoint.id.as_str().into())])?;
    output.paragraph(0, Tone::Plain, &endpoint.description)?;
    if let Some(of) = endpoint.price {
        output.paragraph(0, Tone::Plain, &price(of).into())?;
    }
    doubt(0, endpoint.price_doubt.as_ref(), output)?;
    fields(endpoint, &endpoint.fields, output)
}

fn fields(endpoint: &Endpoint, of: &[Field], output: &mut Output) -> Result<(), Fault> {
    for field in of {
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
        if !matches!(field.kind, FieldKind::Text { .. } | FieldKind::Json) {
            output.paragraph(4, Tone::Dim, &field.wanted().into())?;
        }
        doubt(4, field.doubt.as_ref(), output)?;
        if let FieldKind::Object { fields: inner, .. } = &field.kind {
            fields(endpoint, inner, output)?;
        }
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
    let mut objects = Vec::new();
    field_objects(endpoint, &endpoint.fields, &mut objects);
    json!({
        "id": endpoint.id,
        "title": endpoint.title,
        "fields": objects,
    })
}

/// Fields inside of objects come after their object, named by their path.
fn field_objects(endpoint: &Endpoint, fields: &[Field], objects: &mut Vec<Value>) {
    for field in fields {
        objects.push(field_object(endpoint, field));
        if let FieldKind::Object { fields, .. } = &field.kind {
            field_objects(endpoint, fields, objects);
        }
    }
}

fn field_object(endpoint: &Endpoint, field: &Field) -> Value {
    let (minimum, maximum) = match field.kind {
        FieldKind::Integer { minimum, maximum } => (json!(minimum), json!(maximum)),
        FieldKind::Number(limits) => {
            let end = |bound: Option<Bound>| json!(bound.map(|bound| bound.at));
            (end(limits.least), end(limits.most))
        }
        _ => (Value::Null, Value::Null),
    };
    let options = match &field.kind {
        FieldKind::Choice(options) => json!(options),
        FieldKind::OneOf(options) => json!(options),
        _ => Value::Null,
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

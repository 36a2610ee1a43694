//! Reads an endpoint out of its `OpenAPI` document.

use serde_json::{Map, Value};

use super::{Endpoint, Field, FieldKind, MediaKind, Price};
use crate::model::{CleanText, EndpointId, Usd};

/// The document is not one of an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is no JSON.
    #[error("the OpenAPI document is not JSON")]
    NotJson(#[from] serde_json::Error),
    /// A part that every endpoint has is missing.
    #[error("the OpenAPI document has no {0}")]
    Missing(&'static str),
}

impl Endpoint {
    /// Reads the document that fal publishes for one endpoint.
    ///
    /// The input is found by following the submit path's request body, not by guessing a schema's name.
    ///
    /// # Errors
    /// When `json` is no JSON, names no endpoint, or has no object as the input of its submit path.
    pub fn from_openapi(json: &str) -> Result<Self, Error> {
        let document: Value = serde_json::from_str(json)?;
        let info = &document["info"];
        let id: EndpointId = info["x-fal-metadata"]["endpointId"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .ok_or(Error::Missing(
                "endpoint id (info.x-fal-metadata.endpointId)",
            ))?;
        let body = &document["paths"][format!("/{id}")]["post"]["requestBody"];
        let input = resolve(&document, &body["content"]["application/json"]["schema"]);
        let properties = input["properties"]
            .as_object()
            .ok_or(Error::Missing("input schema at its submit path"))?;
        let required: Vec<&str> = strings(&input["required"]).collect();
        let fields = in_order(properties, &input["x-fal-order-properties"])
            .map(|(name, schema)| field(&document, name, schema, required.contains(&name)))
            .collect();
        let text = |value: &Value| CleanText::line(value.as_str().unwrap_or_default());
        let (title, description, price, price_doubt) = (
            text(&info["title"]),
            text(&info["description"]),
            price(&info["x-talkdeck"]["price"]),
            doubt(&info["x-talkdeck"]["price"]["doubt"]),
        );
        Ok(Self {
            id,
            title,
            description,
            fields,
            price,
            price_doubt,
            document,
        })
    }
}

/// Follows one `$ref` into the document, or the only part of an `allOf`.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix("#/components/schemas/"))
    {
        return &document["components"]["schemas"][name];
    }
    match schema["allOf"].as_array().map(Vec::as_slice) {
        Some([only]) => resolve(document, only),
        _ => schema,
    }
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The properties in the display order: first the listed ones that exist, then the rest.
fn in_order<'a>(
    properties: &'a Map<String, Value>,
    order: &'a Value,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let listed = strings(order).filter_map(|name| properties.get_key_value(name));
    let unlisted = properties
        .iter()
        .filter(|(name, _)| !strings(order).any(|listed| listed == *name));
    listed
        .chain(unlisted)
        .map(|(name, schema)| (name.as_str(), schema))
}

fn field(document: &Value, name: &str, schema: &Value, required: bool) -> Field {
    let (of, nullable) = without_null(resolve(document, schema));
    let text = |key: &str| {
        CleanText::line(
            schema[key]
                .as_str()
                .or_else(|| of[key].as_str())
                .unwrap_or_default(),
        )
    };
    Field {
        name: name.to_owned(),
        title: text("title"),
        description: text("description"),
        kind: kind(name, of),
        required,
        nullable,
        default: schema
            .get("default")
            .filter(|value| !value.is_null())
            .cloned(),
        doubt: doubt(&schema["x-talkdeck-doubt"]),
    }
}

fn doubt(value: &Value) -> Option<CleanText> {
    value.as_str().map(CleanText::line)
}

/// The schema of the value itself, and whether `null` may stand for it.
fn without_null(schema: &Value) -> (&Value, bool) {
    let Some(choices) = schema["anyOf"].as_array() else {
        return (schema, schema["nullable"] == true);
    };
    let is_null = |choice: &&Value| choice["type"] == "null";
    let nullable = choices.iter().any(|choice| is_null(&choice));
    (
        choices
            .iter()
            .find(|choice| !is_null(choice))
            .unwrap_or(schema),
        nullable,
    )
}

fn kind(name: &str, schema: &Value) -> FieldKind {
    if schema["enum"].is_array() {
        return FieldKind::Choice(strings(&schema["enum"]).map(str::to_owned).collect());
    }
    match schema["type"].as_str() {
        Some("integer") => FieldKind::Integer {
            minimum: schema["minimum"].as_i64(),
            maximum: schema["maximum"].as_i64(),
        },
        Some("boolean") => FieldKind::Boolean,
        _ if name.ends_with("image_url") => FieldKind::File(MediaKind::Image),
        _ if name.ends_with("audio_url") => FieldKind::File(MediaKind::Audio),
        _ if name.ends_with("video_url") => FieldKind::File(MediaKind::Video),
        _ => FieldKind::Text {
            multiline: name.ends_with("text_input") || name.ends_with("prompt"),
        },
    }
}

fn price(value: &Value) -> Option<Price> {
    Some(Price {
        unit_price: Usd::from_dollars(value["unit_price"].as_f64()?),
        factor_720p: value["resolution_factor"]["720p"].as_f64().unwrap_or(1.0),
        as_of: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_that_is_none_of_an_endpoint_says_what_is_missing() {
        let said = |json: &str| Endpoint::from_openapi(json).unwrap_err().to_string();
        assert_eq!(said("<html>"), "the OpenAPI document is not JSON");
        assert_eq!(
            said("null"),
            "the OpenAPI document has no endpoint id (info.x-fal-metadata.endpointId)"
        );
        let no_input = r#"{"info":{"x-fal-metadata":{"endpointId":"a/b"}},"paths":{}}"#;
        assert_eq!(
            said(no_input),
            "the OpenAPI document has no input schema at its submit path"
        );
    }

    #[test]
    fn the_display_order_drops_strangers_and_appends_the_unlisted() {
        let json = r##"{
            "info": {"x-fal-metadata": {"endpointId": "a/b"}},
            "components": {"schemas": {"In": {"properties": {
                "late": {"type": "boolean"}, "n": {"anyOf": [{"type": "integer", "minimum": 2}, {"type": "null"}]},
                "image_url": {"type": "string"}
            }, "x-fal-order-properties": ["ghost", "image_url", "n"], "required": ["image_url"]}}},
            "paths": {"/a/b": {"post": {"requestBody": {"content": {"application/json": {"schema":
                {"$ref": "#/components/schemas/In"}}}}}}}
        }"##;
        let endpoint = Endpoint::from_openapi(json).unwrap();
        let seen: Vec<_> = endpoint
            .fields
            .iter()
            .map(|f| (f.name.as_str(), f.kind.clone(), f.required, f.nullable))
            .collect();
        assert_eq!(
            seen,
            [
                ("image_url", FieldKind::File(MediaKind::Image), true, false),
                (
                    "n",
                    FieldKind::Integer {
                        minimum: Some(2),
                        maximum: None
                    },
                    false,
                    true
                ),
                ("late", FieldKind::Boolean, false, false),
            ]
        );
        assert_eq!(endpoint.price, None);
    }
}

//! Reads an endpoint out of its `OpenAPI` document.

mod fields;
mod media;

use std::sync::Arc;

use serde_json::Value;

use super::{Endpoint, Price};
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
    /// It describes another endpoint than was asked for.
    #[error("the OpenAPI document is that of {0}")]
    OfAnother(EndpointId),
    /// There is more of it than a form can have.
    #[error("the OpenAPI document has {0}")]
    TooLarge(&'static str),
}

/// Longer documents are not read; the longest of fal's have a few hundred kilobytes.
const LARGEST: usize = 8 << 20;
/// More fields than this are no form.
const MOST_FIELDS: usize = 1000;

impl Endpoint {
    /// Reads the document that fal publishes for one endpoint.
    ///
    /// The input is found by following the submit path's request body, not by guessing a schema's name. What the
    /// document says beyond what a form can show is left to be written as JSON.
    ///
    /// # Errors
    /// When `json` is no JSON or too large, names no endpoint, or has no object as the input of its submit path.
    pub fn from_openapi(json: &str) -> Result<Self, Error> {
        if json.len() > LARGEST {
            return Err(Error::TooLarge("more than 8 MiB"));
        }
        Self::from_document(serde_json::from_str(json)?)
    }

    /// As [`Endpoint::from_openapi`], from a document that a server gave for `id`: the price that it may carry is not
    /// believed, and what talkdeck knows of the endpoint in people's words stays.
    ///
    /// # Errors
    /// As there, and when the document is of another endpoint.
    pub fn from_server(
        id: &EndpointId,
        document: Value,
        builtin: Option<&Self>,
    ) -> Result<Self, Error> {
        let mut endpoint = Self::from_document(document)?;
        if endpoint.id != *id {
            return Err(Error::OfAnother(endpoint.id));
        }
        endpoint.price = builtin.and_then(|builtin| builtin.price);
        if let Some(builtin) = builtin {
            endpoint.built_in = true;
            endpoint.title = builtin.title.clone();
            endpoint.description = builtin.description.clone();
        }
        Ok(endpoint)
    }

    /// As [`Endpoint::from_openapi`], from JSON that was read already.
    ///
    /// # Errors
    /// As there.
    pub fn from_document(document: Value) -> Result<Self, Error> {
        let info = &document["info"];
        let id: EndpointId = info["x-fal-metadata"]["endpointId"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .ok_or(Error::Missing(
                "endpoint id (info.x-fal-metadata.endpointId)",
            ))?;
        let body = &document["paths"][format!("/{id}")]["post"]["requestBody"];
        let input = &body["content"]["application/json"]["schema"];
        let Some((fields, open)) = fields::read(&document, input, MOST_FIELDS)? else {
            return Err(Error::Missing("input schema at its submit path"));
        };
        let title = match info["title"].as_str() {
            // What fal writes over a document that nobody has named.
            Some(title) if !title.starts_with("Queue OpenAPI for") => fields::line(&info["title"]),
            _ => id.short().into(),
        };
        let (description, price, price_doubt) = (
            fields::line(&info["description"]),
            price(&info["x-talkdeck"]["price"]),
            doubt(&info["x-talkdeck"]["price"]["doubt"]),
        );
        Ok(Self {
            id,
            title,
            description,
            fields,
            open,
            price,
            price_doubt,
            built_in: false,
            document: Arc::new(document),
        })
    }
}

fn doubt(value: &Value) -> Option<CleanText> {
    value.as_str().map(CleanText::line)
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
    use crate::catalog::{FieldKind, MediaKind};

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

    fn document(input: &str) -> String {
        format!(
            r##"{{"info": {{"x-fal-metadata": {{"endpointId": "a/b"}}}}, "components": {{"schemas": {{"In": {input}}}}},
            "paths": {{"/a/b": {{"post": {{"requestBody": {{"content": {{"application/json": {{"schema":
            {{"$ref": "#/components/schemas/In"}}}}}}}}}}}}}}}}"##
        )
    }

    #[test]
    fn a_document_beyond_all_measure_is_one_clear_error_or_a_bounded_form() {
        let said = |json: &str| Endpoint::from_openapi(json).unwrap_err().to_string();
        let padded = format!("{}{}", document("{}"), " ".repeat(10 << 20));
        assert_eq!(said(&padded), "the OpenAPI document has more than 8 MiB");
        let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(said(&nested), "the OpenAPI document is not JSON");
        let many = |count: usize| {
            let names: Vec<_> = (0..count)
                .map(|at| format!(r#""f{at}": {{"type": "string"}}"#))
                .collect();
            format!(
                r#"{{"type": "object", "properties": {{{}}}}}"#,
                names.join(",")
            )
        };
        assert_eq!(
            said(&document(&many(5000))),
            "the OpenAPI document has more input fields than a form can show"
        );
        assert_eq!(
            Endpoint::from_openapi(&document(&many(1000)))
                .unwrap()
                .fields
                .len(),
            1000
        );
        // Each of 900 fields an object of 900 fields: what is beyond the bound is JSON.
        let inner = many(900);
        let wide: Vec<_> = (0..900).map(|at| format!(r#""o{at}": {inner}"#)).collect();
        let wide: String = wide[..8].join(",");
        let endpoint =
            Endpoint::from_openapi(&document(&format!(r#"{{"properties": {{{wide}}}}}"#))).unwrap();
        let objects = endpoint
            .fields
            .iter()
            .filter(|field| field.kind != FieldKind::Json);
        assert_eq!(objects.count(), 1);
    }

    #[test]
    fn objects_inside_too_many_others_are_json() {
        let mut schema = r#"{"type": "integer"}"#.to_owned();
        for _ in 0..20 {
            schema = format!(r#"{{"type": "object", "properties": {{"in": {schema}}}}}"#);
        }
        let endpoint = Endpoint::from_openapi(&document(&schema)).unwrap();
        let mut depth = 0;
        let mut field = &endpoint.fields[0];
        while let FieldKind::Object { fields, .. } = &field.kind {
            (field, depth) = (&fields[0], depth + 1);
        }
        assert_eq!((depth, &field.kind), (4, &FieldKind::Json));
        assert_eq!(field.name, "in.in.in.in.in");
    }

    #[test]
    fn limits_are_read_in_every_way_they_are_written() {
        let kind = |schema: &str| {
            let input = format!(r#"{{"properties": {{"n": {schema}}}}}"#);
            Endpoint::from_openapi(&document(&input))
                .unwrap()
                .fields
                .remove(0)
                .kind
        };
        let integer = |minimum, maximum| FieldKind::Integer { minimum, maximum };
        let cases = [
            (
                r#"{"type": "integer", "exclusiveMinimum": 0, "maximum": 10}"#,
                integer(Some(1), Some(10)),
            ),
            (
                r#"{"type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 9.5}"#,
                integer(Some(1), Some(9)),
            ),
            (
                r#"{"type": "integer", "minimum": 5, "exclusiveMinimum": 1, "exclusiveMaximum": 7}"#,
                integer(Some(5), Some(6)),
            ),
            (
                r#"{"type": "integer", "minimum": "low", "maximum": 1e300}"#,
                integer(None, None),
            ),
            (
                r#"{"type": "integer", "minimum": -9223372036854775808}"#,
                integer(Some(i64::MIN), None),
            ),
        ];
        for (schema, want) in cases {
            assert_eq!(kind(schema), want, "{schema}");
        }
        let FieldKind::Number(limits) =
            kind(r#"{"type": "number", "exclusiveMinimum": 0, "maximum": 1}"#)
        else {
            panic!("a number")
        };
        assert_eq!(limits.to_string(), "above 0 and at most 1");
    }
}

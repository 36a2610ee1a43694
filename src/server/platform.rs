//! The platform below `/v1`, and the endpoints' `OpenAPI` documents.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{
    answer::{self, Answer},
    auth::Denied,
    past,
    routes::{Call, Shared},
};
use crate::{
    catalog::Endpoint,
    fal::wire::{Price, Prices},
};

/// An id list may be this long.
const MOST_IDS: usize = 50;

/// When the built-in documents were compared with fal's; the catalog knows no other date.
const COMPARED_AT: &str = "2026-08-21T00:00:00Z";

pub(super) fn invalid(message: &str) -> Answer {
    answer::platform_error(StatusCode::BAD_REQUEST, "validation_error", message)
}

fn denied(denied: Denied) -> Answer {
    answer::platform_error(
        StatusCode::UNAUTHORIZED,
        "authorization_error",
        denied.message(),
    )
}

/// Answers what is below `/v1`.
pub(super) async fn answer(shared: &Arc<Shared>, call: &Call, segments: &[&str]) -> Answer {
    let known = matches!(
        segments,
        ["meta" | "models"] | ["models", "pricing"] | ["models", "requests", "by-endpoint"]
    );
    if !known || call.method != Method::GET {
        let text = format!("{} {} is not offered here", call.method, call.path);
        return answer::platform_error(StatusCode::NOT_FOUND, "not_found", &text);
    }
    match (segments, shared.guard.check(&call.headers)) {
        // No webhook is ever sent from here.
        (["meta"], _) => answer::ok(&json!({ "webhook_ip_ranges": [] })),
        (["models"], Ok(()) | Err(Denied::Missing)) => models(shared, call),
        (_, Err(reason)) => denied(reason),
        (["models", "pricing"], Ok(())) => prices(shared, call),
        (_, Ok(())) => past::answer(shared, call).await,
    }
}

/// Where a page begins and how long it is, from a cursor that counts; for lists that do not change.
fn page(call: &Call) -> Result<(usize, usize), &'static str> {
    let start = match call.parameter("cursor") {
        None => 0,
        Some(cursor) => cursor.parse().map_err(|_| "cursor is none of ours")?,
    };
    Ok((start, limit(call)?))
}

/// The `limit` parameter.
pub(super) fn limit(call: &Call) -> Result<usize, &'static str> {
    match call.parameter("limit") {
        None => Ok(50),
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=100).contains(limit))
            .ok_or("limit must be a whole number from 1 to 100"),
    }
}

fn models(shared: &Shared, call: &Call) -> Answer {
    let (start, limit) = match page(call) {
        Ok(page) => page,
        Err(message) => return invalid(message),
    };
    let ids = call.list("endpoint_id");
    let text = call.parameter("q").unwrap_or_default().to_lowercase();
    let expands_openapi = call.list("expand").contains(&"openapi-3.0");
    let category =
        |endpoint: &Endpoint| endpoint.document["info"]["x-fal-metadata"]["category"].clone();
    let fits = |endpoint: &&Endpoint| {
        let words = format!(
            "{} {} {}",
            endpoint.id, endpoint.title, endpoint.description
        );
        (ids.is_empty() || ids.contains(&endpoint.id.as_str()))
            && words.to_lowercase().contains(&text)
            && call
                .parameter("category")
                .is_none_or(|wanted| category(endpoint) == wanted)
            && call
                .parameter("status")
                .is_none_or(|wanted| wanted == "active")
    };
    let found: Vec<_> = shared.catalog.endpoints().filter(fits).collect();
    let model = |endpoint: &&Endpoint| {
        let mut model = json!({
            "endpoint_id": endpoint.id,
            "metadata": {
                "display_name": endpoint.title,
                "category": category(endpoint),
                "description": endpoint.description,
                "status": "active",
                "tags": [],
                "updated_at": COMPARED_AT,
                "is_favorited": null,
                "thumbnail_url": "",
                "model_url": endpoint.document["info"]["x-fal-metadata"]["playgroundUrl"],
                "date": COMPARED_AT,
                "highlighted": false,
                "pinned": false,
            },
        });
        if expands_openapi {
            model["openapi"] = document(endpoint, &call.base);
        }
        model
    };
    let models: Vec<_> = found.iter().skip(start).take(limit).map(model).collect();
    let next = start.saturating_add(limit);
    let has_more = next < found.len();
    answer::ok(&json!({
        "models": models,
        "next_cursor": has_more.then(|| next.to_string()),
        "has_more": has_more,
    }))
}

fn prices(shared: &Shared, call: &Call) -> Answer {
    let ids = call.list("endpoint_id");
    if ids.is_empty() || ids.len() > MOST_IDS {
        return invalid("endpoint_id must name 1 to 50 endpoints");
    }
    let mut prices = Vec::new();
    for id in ids {
        let known = shared
            .catalog
            .endpoints()
            .find(|endpoint| endpoint.id.as_str() == id);
        let Some(price) = known.and_then(|endpoint| endpoint.price) else {
            let text = format!("No price of {id} is known");
            return answer::platform_error(StatusCode::NOT_FOUND, "not_found", &text);
        };
        prices.push(Price {
            endpoint_id: id.to_owned(),
            unit_price: price.unit_price.dollars(),
            unit: "seconds".to_owned(),
            currency: "USD".to_owned(),
        });
    }
    answer::ok(&Prices {
        prices,
        next_cursor: None,
        has_more: false,
    })
}

/// Answers what is below `/api/openapi`: the document of one endpoint, `null` with 404 for an unknown one.
pub(super) fn openapi(shared: &Shared, call: &Call, segments: &[&str]) -> Answer {
    if segments != ["queue", "openapi.json"] || call.method != Method::GET {
        return answer::no_such_path(&call.path);
    }
    let wanted = call.parameter("endpoint_id").unwrap_or_default();
    match shared
        .catalog
        .endpoints()
        .find(|endpoint| endpoint.id.as_str() == wanted)
    {
        Some(endpoint) => answer::ok(&document(endpoint, &call.base)),
        None => answer::json(StatusCode::NOT_FOUND, &Value::Null),
    }
}

/// An endpoint's document, naming this server.
fn document(endpoint: &Endpoint, base: &str) -> Value {
    let mut document = Value::clone(&endpoint.document);
    document["servers"] = json!([{ "url": base }]);
    document
}

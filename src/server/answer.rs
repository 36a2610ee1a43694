//! HTTP answers in fal's shapes.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde::Serialize;
use serde_json::json;

use super::{auth::Denied, reply::Reply};
use crate::fal::wire::QueueVerdict;

/// An answer; every handler makes one.
pub(super) type Answer = Response<Body>;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-fal-request-id");
const BILLABLE_UNITS: HeaderName = HeaderName::from_static("x-fal-billable-units");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-fal-error-type");
const TIMEOUT_TYPE: HeaderName = HeaderName::from_static("x-fal-request-timeout-type");

/// JSON with a status.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let bytes = serde_json::to_vec(value).expect("our own types become JSON");
    let mut answer = Response::new(Body::from(bytes));
    *answer.status_mut() = status;
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    answer
}

/// JSON with 200.
pub(super) fn ok(value: &impl Serialize) -> Answer {
    json(StatusCode::OK, value)
}

/// No body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// `{"detail":"…"}`.
pub(super) fn detail(status: StatusCode, text: &str) -> Answer {
    json(status, &json!({ "detail": text }))
}

/// An answer of the queue such as `{"status":"NOT_FOUND"}`.
pub(super) fn verdict(status: StatusCode, word: &str) -> Answer {
    let verdict = QueueVerdict {
        status: Some(word.to_owned()),
    };
    json(status, &verdict)
}

/// There is no such request.
pub(super) fn not_found() -> Answer {
    verdict(StatusCode::NOT_FOUND, "NOT_FOUND")
}

/// The path leads nowhere, or not with this method.
pub(super) fn no_such_path(path: &str) -> Answer {
    detail(StatusCode::NOT_FOUND, &format!("Path {path} not found"))
}

/// The disk refused.
pub(super) fn disk_trouble(error: &std::io::Error) -> Answer {
    let text = format!("The server cannot use its disk: {error}");
    infrastructure(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", &text)
}

/// An error of the infrastructure, its type in the body and in a header.
pub(super) fn infrastructure(status: StatusCode, error_type: &'static str, text: &str) -> Answer {
    let mut answer = json(status, &json!({ "detail": text, "error_type": error_type }));
    answer
        .headers_mut()
        .insert(ERROR_TYPE, HeaderValue::from_static(error_type));
    answer
}

/// A call to the queue with a wrong key or none.
pub(super) fn denied(denied: Denied, application: Option<&str>) -> Answer {
    match (denied, application) {
        (Denied::Missing, Some(application)) => detail(
            StatusCode::UNAUTHORIZED,
            &format!(
                "Cannot access application \"{application}\". Authentication is required to access this application."
            ),
        ),
        _ => detail(StatusCode::UNAUTHORIZED, denied.message()),
    }
}

/// The platform's own shape of an error; the request id is filled in with the header.
pub(super) fn platform_error(status: StatusCode, kind: &str, message: &str) -> Answer {
    let id = uuid::Uuid::new_v4().to_string();
    let error = json!({
        "type": kind,
        "message": message,
        "docs_url": "https://docs.fal.ai/platform-apis",
        "request_id": id,
    });
    with_request_id(json(status, &json!({ "error": error })), &id)
}

/// Adds the `x-fal-request-id` header.
pub(super) fn with_request_id(mut answer: Answer, id: &str) -> Answer {
    if let Ok(value) = HeaderValue::from_str(id) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}

/// The result of a request as its client gets it.
pub(super) fn result(reply: &Reply) -> Answer {
    let status = StatusCode::from_u16(reply.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = json(status, &reply.body);
    let headers = answer.headers_mut();
    if let Some(units) = reply.billable_units
        && let Ok(value) = HeaderValue::from_str(&units.to_string())
    {
        headers.insert(BILLABLE_UNITS, value);
    }
    if let Some(error_type) = &reply.error_type
        && let Ok(value) = HeaderValue::from_str(error_type)
    {
        headers.insert(ERROR_TYPE, value);
        if error_type == "request_timeout" {
            headers.insert(TIMEOUT_TYPE, HeaderValue::from_static("user"));
        }
    }
    answer
}

//! How a request ends: the code and body of its result, and fal's errors as such replies.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fal::wire::Finding;

/// The result of a request, good or bad, as its client gets it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Reply {
    /// The HTTP status.
    pub(super) code: u16,
    /// The JSON; addresses of the server's own files are paths, made absolute when they are served.
    pub(super) body: Value,
    /// What went wrong, for people.
    pub(super) error: Option<String>,
    /// What went wrong, for programs, where it was not the model that failed.
    pub(super) error_type: Option<String>,
    /// The `x-fal-billable-units` header: seconds of video, double at 720p.
    pub(super) billable_units: Option<f64>,
}

/// Larger offending values are left out of a finding; they would only repeat what the client sent.
const LARGEST_INPUT: usize = 4096;

impl Reply {
    /// The model's output.
    pub(super) fn output(body: Value, billable_units: f64) -> Self {
        Self {
            code: 200,
            body,
            error: None,
            error_type: None,
            billable_units: Some(billable_units),
        }
    }

    /// The model refused its input: 422 and what it found.
    pub(super) fn refused(findings: Vec<Finding>) -> Self {
        let lines: Vec<_> = findings.iter().map(in_words).collect();
        Self {
            code: 422,
            body: json!({ "detail": findings.into_iter().map(without_large_input).collect::<Vec<_>>() }),
            error: Some(lines.join("; ")),
            error_type: None,
            billable_units: Some(0.0),
        }
    }

    /// The model broke down: 500.
    pub(super) fn broke_down(reason: &str) -> Self {
        let finding = Finding {
            loc: vec!["body".into()],
            msg: Some(reason.to_owned()),
            kind: Some("internal_server_error".to_owned()),
            ..Finding::default()
        };
        Self {
            code: 500,
            body: json!({ "detail": [finding] }),
            error: Some(reason.to_owned()),
            error_type: None,
            billable_units: None,
        }
    }

    /// The client cancelled it: 499.
    pub(super) fn cancelled() -> Self {
        Self::infrastructure(
            499,
            "client_cancelled",
            "Request was cancelled by the client",
        )
    }

    /// No runner was free before the client's start timeout: 504.
    pub(super) fn not_started_in_time() -> Self {
        Self::infrastructure(
            504,
            "request_timeout",
            "Request did not start before the timeout that the client set",
        )
    }

    /// The server cannot say any more how it ended: 500.
    pub(super) fn lost(reason: &str) -> Self {
        Self::infrastructure(500, "internal_error", reason)
    }

    fn infrastructure(code: u16, error_type: &str, message: &str) -> Self {
        Self {
            code,
            body: json!({ "detail": message, "error_type": error_type }),
            error: Some(message.to_owned()),
            error_type: Some(error_type.to_owned()),
            billable_units: None,
        }
    }
}

fn in_words(finding: &Finding) -> String {
    let field = finding.loc.get(1).and_then(Value::as_str);
    let message = finding.msg.as_deref().unwrap_or("refused");
    field.map_or_else(|| message.to_owned(), |field| format!("{field}: {message}"))
}

fn without_large_input(finding: Finding) -> Finding {
    let is_small = |input: &Value| input.to_string().len() <= LARGEST_INPUT;
    Finding {
        input: finding.input.filter(is_small),
        ..finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_every_field_and_repeats_no_large_value() {
        let finding = |field: &str, input: Value| Finding {
            loc: vec!["body".into(), field.into()],
            msg: Some("Field required".to_owned()),
            kind: Some("missing".to_owned()),
            input: Some(input),
            ..Finding::default()
        };
        let reply = Reply::refused(vec![
            finding("voice", json!({"a": 1})),
            finding("image_url", "x".repeat(LARGEST_INPUT).into()),
        ]);
        assert_eq!(
            reply.error.as_deref(),
            Some("voice: Field required; image_url: Field required")
        );
        assert_eq!(reply.body["detail"][0]["input"], json!({"a": 1}));
        assert_eq!(reply.body["detail"][1].get("input"), None);
        assert_eq!((reply.code, reply.billable_units), (422, Some(0.0)));
    }
}

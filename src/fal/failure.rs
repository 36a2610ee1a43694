//! fal's errors, in whatever shape they come, as one line and the fields they are about.

use crate::model::{CleanText, JobError, Secret, job::FieldError};
use serde_json::Value;

use super::wire::{ErrorBody, Finding};

/// Characters of a message that are kept; a longer one is no message.
const LONGEST_MESSAGE: usize = 2000;
/// Findings that are kept.
const MOST_FIELDS: usize = 50;

/// Takes what must not be shown out of remote text.
#[derive(Clone, Debug)]
pub(super) struct Redactor {
    secrets: Vec<Secret>,
}

impl Redactor {
    pub(super) fn new(key: &Secret) -> Self {
        let whole = key.expose().trim();
        let half = whole.split_once(':').map(|(_, secret)| secret);
        let secrets = [Some(whole), half]
            .into_iter()
            .flatten()
            // What is shorter is no key, and would tear words apart.
            .filter(|secret| secret.len() >= 8)
            .map(Secret::new)
            .collect();
        Self { secrets }
    }

    /// `text` without the key.
    pub(super) fn without_secrets(&self, text: &CleanText) -> String {
        let mut text = text.as_str().to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.expose(), "***");
        }
        text
    }

    /// A whole answer without the key, should the server repeat it: what it says may be stored and shown.
    pub(super) fn body(&self, body: Vec<u8>) -> Vec<u8> {
        let mut text = String::from_utf8_lossy(&body);
        let found = |secret: &&Secret| text.contains(secret.expose());
        if !self.secrets.iter().any(|secret| found(&secret)) {
            return body;
        }
        for secret in &self.secrets {
            text = text.replace(secret.expose(), "***").into();
        }
        text.into_owned().into_bytes()
    }

    /// `raw` on one line, without the key, without the queries of addresses (signed ones are keys, too), cut.
    pub(super) fn line(&self, raw: &str) -> CleanText {
        // Bounded before the work, cleaned first: a key cut in two by an escape sequence comes together only there.
        let start: String = raw.chars().take(4 * LONGEST_MESSAGE).collect();
        let text = self.without_secrets(&CleanText::line(start.trim()));
        let mut text = without_queries(&text);
        if text.chars().count() > LONGEST_MESSAGE {
            text = text.chars().take(LONGEST_MESSAGE).chain(['…']).collect();
        }
        CleanText::line(&text)
    }
}

/// `text` with `?…` for the query of every address in it.
fn without_queries(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        out.push_str(before);
        let end = address
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
            .unwrap_or(address.len());
        let (address, after) = address.split_at(end);
        match address.split_once('?') {
            Some((path, _)) => {
                out.push_str(path);
                out.push_str("?…");
            }
            None => out.push_str(address),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// What `body` says, or `None` when it is not an error of fal's.
///
/// `header` is the value of `X-Fal-Error-Type`.
pub(super) fn job_error(
    body: &ErrorBody,
    status: u16,
    header: Option<&str>,
    redactor: &Redactor,
) -> Option<JobError> {
    let findings = body.findings();
    let findings: Vec<_> = findings
        .iter()
        .filter(|finding| says_something(finding))
        .collect();
    let of_platform = body
        .error
        .as_ref()
        .and_then(|error| error.get("type"))
        .and_then(Value::as_str);
    let verdict = body.status.as_deref().filter(|word| is_verdict(word));
    let of_detail = |name| {
        body.detail
            .as_ref()
            .and_then(|detail| detail.get(name))
            .and_then(Value::as_str)
    };

    let message = if let Some(first) = findings.first() {
        let first = first
            .msg
            .as_deref()
            .or(first.kind.as_deref())
            .unwrap_or_default();
        match findings.len() - 1 {
            0 => first.to_owned(),
            more => format!("{first} (and {more} more)"),
        }
    } else if let Some(text) = body.text().filter(|text| !text.trim().is_empty()) {
        text.to_owned()
    } else if let Some(text) = of_detail("msg").or_else(|| of_detail("message")) {
        text.to_owned()
    } else if let Some(word) = verdict.or(body.error_type.as_deref()) {
        word.to_lowercase().replace('_', " ")
    } else {
        return None;
    };
    let kind = findings
        .first()
        .and_then(|finding| finding.kind.as_deref())
        .or(body.error_type.as_deref())
        .or(header)
        .or(of_platform)
        .map(str::to_owned)
        .or_else(|| verdict.map(str::to_lowercase))
        .unwrap_or_else(|| format!("http_{status}"));
    let fields = findings
        .iter()
        .take(MOST_FIELDS)
        .filter_map(|finding| {
            let name = field_name(&finding.loc)?;
            let message = finding.msg.as_deref().or(finding.kind.as_deref())?;
            Some(FieldError {
                name: redactor.line(&name),
                message: redactor.line(message),
            })
        })
        .collect();
    Some(JobError {
        kind: redactor.line(&kind),
        message: redactor.line(&message),
        fields,
    })
}

/// Other JSON has a `status`, too; the queue's verdicts are words in capitals.
fn is_verdict(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

fn says_something(finding: &Finding) -> bool {
    finding.msg.is_some() || finding.kind.is_some()
}

/// `["body", "field", 0]` as `field.0`; `None` when the body as a whole is meant.
fn field_name(loc: &[Value]) -> Option<String> {
    let inside = match loc.first().and_then(Value::as_str) {
        Some("body" | "query" | "path" | "header") => &loc[1..],
        _ => loc,
    };
    let parts: Vec<_> = inside
        .iter()
        .filter_map(|part| match part {
            Value::String(name) => Some(name.clone()),
            Value::Number(index) => Some(index.to_string()),
            _ => None,
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&Secret::new("key-id:0123456789abcdef"))
    }

    fn read(body: Value, header: Option<&str>) -> Option<JobError> {
        job_error(
            &serde_json::from_value(body).unwrap(),
            422,
            header,
            &redactor(),
        )
    }

    #[test]
    fn all_shapes_become_a_type_and_a_line() {
        let cases = [
            (
                json!({"detail": [{"loc": ["body", "num_frames"], "msg": "too many", "type": "less_than_equal"}]}),
                "less_than_equal",
                "too many",
            ),
            (
                json!({"detail": [{"loc": [], "msg": "one", "type": "a"}, {"msg": "two"}, {"message": "three"}]}),
                "a",
                "one (and 2 more)",
            ),
            (
                json!({"detail": "Request timed out", "error_type": "request_timeout"}),
                "request_timeout",
                "Request timed out",
            ),
            (
                json!({"detail": "Application \"x\" not found"}),
                "http_422",
                "Application \"x\" not found",
            ),
            (
                json!({"detail": {"message": "an object"}}),
                "http_422",
                "an object",
            ),
            (json!({"status": "NOT_FOUND"}), "not_found", "not found"),
            (
                json!({"error_type": "client_cancelled"}),
                "client_cancelled",
                "client cancelled",
            ),
            (
                json!({"error": {"type": "not_found", "message": "no such model"}}),
                "not_found",
                "no such model",
            ),
            (json!({"error": "plain"}), "http_422", "plain"),
        ];
        for (body, kind, message) in cases {
            let error = read(body.clone(), None).unwrap_or_else(|| panic!("{body}"));
            assert_eq!(
                (error.kind.as_str(), error.message.as_str()),
                (kind, message),
                "{body}"
            );
        }
        let error = read(json!({"detail": "no runner"}), Some("runner_disconnected")).unwrap();
        assert_eq!(error.kind.as_str(), "runner_disconnected");
    }

    #[test]
    fn other_json_is_no_error_of_fals() {
        for body in [
            json!({}),
            json!({"message": "Forbidden"}),
            json!({"status": "error"}),
            json!({"status": 404}),
            json!({"detail": []}),
            json!({"detail": ["no finding", {}]}),
            json!({"detail": null}),
            json!({"detail": " "}),
        ] {
            assert_eq!(read(body.clone(), None), None, "{body}");
        }
    }

    #[test]
    fn fields_are_named_by_where_the_finding_points() {
        let error = read(
            json!({"detail": [
                {"loc": ["body", "voice"], "msg": "Field required", "type": "missing"},
                {"loc": ["body", "frames", 0, "x"], "msg": "odd"},
                {"loc": ["body"], "msg": "as a whole"},
                {"loc": ["body", "seed"], "type": "int_parsing"},
            ]}),
            None,
        )
        .unwrap();
        let fields: Vec<_> = error.fields.iter().map(ToString::to_string).collect();
        assert_eq!(
            fields,
            [
                "voice: Field required",
                "frames.0.x: odd",
                "seed: int_parsing"
            ]
        );
    }

    #[test]
    fn a_message_is_one_short_clean_line_without_key_or_signature() {
        let line = |raw: &str| redactor().line(raw).as_str().to_owned();
        assert_eq!(line("a\r\n\u{1b}[31mb\u{202e}"), "a b");
        assert_eq!(line("got key-id:0123456789abcdef!"), "got ***!");
        assert_eq!(line("got 01234567\u{1b}[0m89abcdef!"), "got ***!");
        assert_eq!(
            line("no file at https://x.test/a.png?X-Sig=abc&b=c, 'http://y.test/?t=1' ok?"),
            "no file at https://x.test/a.png?…, 'http://y.test/?…' ok?".replace("?…, '", "?… '")
        );
        assert_eq!(
            line(&"x".repeat(1_000_000)).chars().count(),
            LONGEST_MESSAGE + 1
        );
    }
}

//! The JSON of fal's queue, storage and platform, and nothing else.
//!
//! Every reader takes what a server may send: unknown fields are ignored, known ones may be missing or `null`, and a
//! value of the wrong type counts as missing, because a status that cannot be read must not lose a job. The embedded
//! server writes the same types.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

/// The answer to a submit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Submitted {
    /// `IN_QUEUE`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// The request's name; an answer without one is not an acceptance.
    #[serde(default, deserialize_with = "lenient")]
    pub request_id: Option<String>,
    /// The id of the last attempt after retries inside the queue; mostly the same.
    #[serde(default, deserialize_with = "lenient")]
    pub gateway_request_id: Option<String>,
    /// Where the result will be.
    #[serde(default, deserialize_with = "lenient")]
    pub response_url: Option<String>,
    /// Where the status is.
    #[serde(default, deserialize_with = "lenient")]
    pub status_url: Option<String>,
    /// Cancels the request.
    #[serde(default, deserialize_with = "lenient")]
    pub cancel_url: Option<String>,
    /// Number of requests ahead of this one; 0 is next to start.
    #[serde(default, deserialize_with = "lenient_count")]
    pub queue_position: Option<u32>,
}

/// `IN_QUEUE`: waits for a runner.
pub const IN_QUEUE: &str = "IN_QUEUE";
/// `IN_PROGRESS`: a runner works on it.
pub const IN_PROGRESS: &str = "IN_PROGRESS";
/// `COMPLETED`: it has ended, well or not.
pub const COMPLETED: &str = "COMPLETED";

/// A status, polled or from the stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// [`IN_QUEUE`], [`IN_PROGRESS`], [`COMPLETED`], or a word that fal does not document.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
    /// The request's name.
    #[serde(default, deserialize_with = "lenient")]
    pub request_id: Option<String>,
    /// Number of requests ahead of this one; 0 is next to start. Present only while the status is `IN_QUEUE`.
    #[serde(
        default,
        deserialize_with = "lenient_count",
        skip_serializing_if = "Option::is_none"
    )]
    pub queue_position: Option<u32>,
    /// The log: all of it (or a window of it) when polled, only what is new in the stream.
    #[serde(default, deserialize_with = "lenient_list")]
    pub logs: Option<Vec<LogEntry>>,
    /// Figures about the run.
    #[serde(default, deserialize_with = "lenient")]
    pub metrics: Option<Metrics>,
    /// What went wrong, for people; only on a failed request.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub error: Option<String>,
    /// What went wrong, for programs; only on a failed request.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub error_type: Option<String>,
    /// Where the result will be.
    #[serde(default, deserialize_with = "lenient")]
    pub response_url: Option<String>,
    /// Where the status is.
    #[serde(default, deserialize_with = "lenient")]
    pub status_url: Option<String>,
    /// Cancels the request.
    #[serde(default, deserialize_with = "lenient")]
    pub cancel_url: Option<String>,
}

/// Figures about a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Seconds that the model ran.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub inference_time: Option<f64>,
}

/// One entry of a log; some servers send a plain string instead of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LogEntry {
    /// The text, raw.
    pub message: String,
    /// `STDERR`, `STDOUT`, `ERROR`, `INFO`, `WARN` or `DEBUG`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// `USER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was written; RFC 3339, mostly without a zone, which then means UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

impl LogEntry {
    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::String(message) => Some(Self {
                message,
                ..Self::default()
            }),
            Value::Object(mut entry) => {
                let mut text = |name| match entry.remove(name) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                };
                Some(Self {
                    message: text("message")?,
                    level: text("level"),
                    source: text("source"),
                    timestamp: text("timestamp"),
                })
            }
            _ => None,
        }
    }
}

/// The answer to a cancel, and of unknown requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueVerdict {
    /// `OK`, `CANCELLATION_REQUESTED`, `ALREADY_COMPLETED` or `NOT_FOUND`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
}

/// Asks for a place to upload a file to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitiateUpload {
    /// The file's name, a hint only.
    pub file_name: String,
    /// Its MIME type.
    pub content_type: String,
}

/// Where to upload a file to, and where it will be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InitiatedUpload {
    /// Takes the bytes by PUT, without a key; signed, so it is a secret.
    pub upload_url: String,
    /// Names the file in an endpoint's input.
    pub file_url: String,
}

/// One price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Of which endpoint.
    pub endpoint_id: String,
    /// Per unit, in `currency`.
    pub unit_price: f64,
    /// A free word; `seconds` for the avatar endpoints.
    pub unit: String,
    /// `USD`.
    pub currency: String,
}

/// A page of prices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prices {
    /// The page; entries that cannot be read are left out.
    #[serde(default, deserialize_with = "readable_items")]
    pub prices: Vec<Price>,
    /// Asks for the next page.
    #[serde(default, deserialize_with = "lenient")]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    #[serde(default, deserialize_with = "lenient_flag")]
    pub has_more: bool,
}

/// One past request of the account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestItem {
    /// The request's name.
    pub request_id: String,
    /// What ran.
    #[serde(default, deserialize_with = "lenient")]
    pub endpoint_id: Option<String>,
    /// When it was received; may be in whole seconds.
    #[serde(default, deserialize_with = "lenient")]
    pub sent_at: Option<String>,
    /// When a runner took it.
    #[serde(default, deserialize_with = "lenient")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default, deserialize_with = "lenient")]
    pub ended_at: Option<String>,
    /// The HTTP status of its result.
    #[serde(default, deserialize_with = "lenient")]
    pub status_code: Option<u16>,
    /// Seconds that it ran.
    #[serde(default, deserialize_with = "lenient")]
    pub duration: Option<f64>,
    /// Its input, with `expand=payloads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_input: Option<Value>,
    /// Its output, with `expand=payloads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_output: Option<Value>,
}

/// A page of past requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// The page; entries that cannot be read are left out. An object without it is no list: an empty list would say that
    /// a request is not there.
    #[serde(deserialize_with = "readable_items")]
    pub items: Vec<RequestItem>,
    /// Asks for the next page.
    #[serde(default, deserialize_with = "lenient")]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    #[serde(default, deserialize_with = "lenient_flag")]
    pub has_more: bool,
}

/// An error in any of fal's three shapes (and the platform's fourth).
///
/// A list of findings (`{"detail":[…]}`), a text (`{"detail":"…","error_type":"…"}`), a verdict of the queue
/// (`{"status":"NOT_FOUND"}`), or `{"error":{"type":…,"message":…}}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Text, or a list of [`Finding`]s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// The machine's word.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub error_type: Option<String>,
    /// The queue's verdict.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub status: Option<String>,
    /// The platform's error object, or plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
}

/// One item of a list of findings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Where: `body`, then the field's name, then indices.
    #[serde(default)]
    pub loc: Vec<Value>,
    /// For people.
    #[serde(default, alias = "message", deserialize_with = "lenient")]
    pub msg: Option<String>,
    /// For programs.
    #[serde(default, rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    /// A page that explains it.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub url: Option<String>,
    /// Numbers for the message.
    #[serde(
        default,
        deserialize_with = "lenient",
        skip_serializing_if = "Option::is_none"
    )]
    pub ctx: Option<Map<String, Value>>,
    /// The value that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
}

impl ErrorBody {
    /// The findings of the list shape; items that are none are left out.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        match &self.detail {
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| serde_json::from_value(item.clone()).ok())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// The text of the text shapes.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        let of_platform = || match &self.error {
            Some(Value::String(text)) => Some(text.as_str()),
            Some(error) => error.get("message").and_then(Value::as_str),
            None => None,
        };
        self.detail
            .as_ref()
            .and_then(Value::as_str)
            .or_else(of_platform)
    }
}

/// A page of the platform's list of models.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Models {
    /// The models; what cannot be read is left out.
    #[serde(default, deserialize_with = "readable_items")]
    pub models: Vec<Model>,
    /// The way to the next page.
    #[serde(default, deserialize_with = "lenient")]
    pub next_cursor: Option<String>,
    /// Whether there is one.
    #[serde(default, deserialize_with = "lenient_flag")]
    pub has_more: bool,
}

/// A model of the list.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Model {
    /// The endpoint's name.
    pub endpoint_id: String,
    /// What is said about it; may be missing.
    #[serde(default, deserialize_with = "lenient")]
    pub metadata: Option<ModelMetadata>,
}

/// What the list says about a model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ModelMetadata {
    /// Its title.
    #[serde(default, deserialize_with = "lenient")]
    pub display_name: Option<String>,
    /// What it makes of what.
    #[serde(default, deserialize_with = "lenient")]
    pub category: Option<String>,
    /// `active` or `deprecated`.
    #[serde(default, deserialize_with = "lenient")]
    pub status: Option<String>,
}

/// A value of the right type, or `None` for `null`, a missing one or one of another type.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// A flag; `null` and what is none count as false.
fn lenient_flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    lenient(deserializer).map(Option::unwrap_or_default)
}

/// The items of a list that can be read; none for `null` and for what is no list.
fn readable_items<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items
            .into_iter()
            .filter_map(|item| serde_json::from_value(item).ok())
            .collect(),
        _ => Vec::new(),
    })
}

/// A count, also when written as text or as a float.
fn lenient_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number
            .as_u64()
            .and_then(|count| u32::try_from(count).ok())
            .or_else(|| {
                let float = number
                    .as_f64()
                    .filter(|float| float.fract() == 0.0 && (0.0..4e9).contains(float))?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "whole and in range"
                )]
                Some(float as u32)
            }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// Entries of a log that are read at a time; a job's whole log has no more.
const MOST_ENTRIES: usize = 50_000;

/// The entries that can be read, the last of them where there are too many; `None` for `null` and for what is no list.
fn lenient_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<LogEntry>>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(mut items) => {
            items.drain(..items.len().saturating_sub(MOST_ENTRIES));
            Some(items.into_iter().filter_map(LogEntry::from_value).collect())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(value: Value) -> Status {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_status_survives_nulls_wrong_types_and_unknown_fields() {
        let odd = status(json!({
            "status": "PAUSED", "queue_position": "3", "logs": ["plain text", {"message": "m"}, 7, {"level": "INFO"}],
            "metrics": null, "request_id": 9, "error": null, "brand_new": {"x": []}
        }));
        assert_eq!(odd.status.as_deref(), Some("PAUSED"));
        assert_eq!(odd.queue_position, Some(3));
        let messages: Vec<_> = odd
            .logs
            .unwrap()
            .into_iter()
            .map(|entry| entry.message)
            .collect();
        assert_eq!(messages, ["plain text", "m"]);
        assert_eq!((odd.request_id, odd.metrics, odd.error), (None, None, None));
        assert_eq!(status(json!({})), Status::default());
        assert_eq!(
            status(json!({"queue_position": -1, "logs": "none"})),
            Status::default()
        );
    }

    #[test]
    fn one_unreadable_entry_does_not_spoil_a_page() {
        let page: Requests = serde_json::from_value(json!({
            "items": [{"request_id": "a"}, {"request_id": null}, "none", {"request_id": "b", "sent_at": 7}],
            "next_cursor": null, "has_more": null
        }))
        .unwrap();
        let ids: Vec<_> = page
            .items
            .iter()
            .map(|item| item.request_id.as_str())
            .collect();
        assert_eq!(ids, ["a", "b"]);
        assert!(!page.has_more);
        let none: Prices = serde_json::from_value(json!({"prices": null})).unwrap();
        assert_eq!(none, Prices::default());
    }

    #[test]
    fn all_three_shapes_of_an_error_are_read() {
        let body = |value: Value| -> ErrorBody { serde_json::from_value(value).unwrap() };
        let list = body(json!({"detail": [
            {"loc": ["body", "num_frames"], "msg": "too many", "type": "less_than_equal", "ctx": {"le": 721}, "input": 900},
            {"message": "other spelling"}, "no finding"
        ]}));
        let found = list.findings();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].msg.as_deref(), Some("too many"));
        assert_eq!(found[1].msg.as_deref(), Some("other spelling"));
        assert_eq!(list.text(), None);
        assert_eq!(
            body(json!({"detail": "User is locked."})).text(),
            Some("User is locked.")
        );
        assert_eq!(
            body(json!({"status": "NOT_FOUND"})).status.as_deref(),
            Some("NOT_FOUND")
        );
        assert_eq!(
            body(json!({"error": {"type": "not_found", "message": "no"}})).text(),
            Some("no")
        );
    }
}

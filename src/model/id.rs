//! Names of things: our jobs, fal's requests, endpoints.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::CleanText;

/// Our own name of a job: twelve random hexadecimal digits, made before the first byte is sent.
///
/// The first four mostly tell jobs apart; the screens show those.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// Digits of an id.
    pub const LENGTH: usize = 12;

    /// Draws a new id.
    #[must_use]
    pub fn random() -> Self {
        let mut id = uuid::Uuid::new_v4().simple().to_string();
        id.truncate(Self::LENGTH);
        Self(id)
    }

    /// All digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first four digits, as the screens show them.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..4]
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The text is not a job id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a job id is {} hexadecimal digits", JobId::LENGTH)]
pub struct NotAJobId;

impl FromStr for JobId {
    type Err = NotAJobId;

    fn from_str(text: &str) -> Result<Self, NotAJobId> {
        let fits = text.len() == Self::LENGTH
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned())).ok_or(NotAJobId)
    }
}

impl TryFrom<String> for JobId {
    type Error = NotAJobId;

    fn try_from(text: String) -> Result<Self, NotAJobId> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

/// What the jobs of one sweep have in common: eight random hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct SweepId(String);

impl SweepId {
    /// Draws a new id.
    #[must_use]
    pub fn random() -> Self {
        let mut id = uuid::Uuid::new_v4().simple().to_string();
        id.truncate(8);
        Self(id)
    }

    /// Takes an id as it was stored.
    #[must_use]
    pub const fn from_stored(id: String) -> Self {
        Self(id)
    }

    /// All digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The server's name of a request, kept exactly as it was given (a UUID at fal).
///
/// It prints cleaned; [`RequestId::as_str`] is the raw text for the wire and the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(String);

impl RequestId {
    /// Takes the id as the server wrote it.
    #[must_use]
    pub fn new(raw: impl Into<String>) -> Self {
        Self(raw.into())
    }

    /// The raw text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        CleanText::line(&self.0).fmt(f)
    }
}

/// An endpoint: `owner/alias` with an optional path, such as `fal-ai/infinitalk/single-text`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointId(String);

/// The text is not an endpoint id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "an endpoint is written owner/name or owner/name/path, such as fal-ai/infinitalk/single-text"
)]
pub struct NotAnEndpointId;

impl EndpointId {
    /// The whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follow-up paths use: the owner and the alias, without the path behind them.
    ///
    /// The namespaces `workflows` and `comfy` stand before the owner and stay (fal-js, `utils.ts`).
    #[must_use]
    pub fn app(&self) -> &str {
        let kept = if self.0.starts_with("workflows/") || self.0.starts_with("comfy/") {
            3
        } else {
            2
        };
        let end = self
            .0
            .match_indices('/')
            .nth(kept - 1)
            .map_or(self.0.len(), |(at, _)| at);
        &self.0[..end]
    }

    /// The id without its owner, short enough for a title: `infinitalk/single-text`.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0
            .split_once('/')
            .map_or(self.as_str(), |(_, rest)| rest)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for EndpointId {
    type Err = NotAnEndpointId;

    fn from_str(text: &str) -> Result<Self, NotAnEndpointId> {
        let plain = |segment: &str| {
            !segment.is_empty()
                && segment != "."
                && segment != ".."
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        let text = text.trim();
        let fits = text.len() <= 200 && text.contains('/') && text.split('/').all(plain);
        fits.then(|| Self(text.to_owned())).ok_or(NotAnEndpointId)
    }
}

impl TryFrom<String> for EndpointId {
    type Error = NotAnEndpointId;

    fn try_from(text: String) -> Result<Self, NotAnEndpointId> {
        text.parse()
    }
}

impl From<EndpointId> for String {
    fn from(id: EndpointId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follow_up_paths_keep_owner_and_alias_only() {
        let cases = [
            ("fal-ai/infinitalk/single-text", "fal-ai/infinitalk"),
            ("fal-ai/infinitalk", "fal-ai/infinitalk"),
            ("workflows/me/flow/x", "workflows/me/flow"),
            ("comfy/me/flow", "comfy/me/flow"),
        ];
        for (id, app) in cases {
            assert_eq!(id.parse::<EndpointId>().unwrap().app(), app);
        }
    }

    #[test]
    fn an_endpoint_that_could_leave_its_path_is_refused() {
        for text in [
            "",
            "infinitalk",
            "a//b",
            "../x",
            "a/../b",
            "a/b?x",
            "a/b c",
            "https://fal.run/a/b",
            "a/b\u{1b}",
        ] {
            assert_eq!(text.parse::<EndpointId>(), Err(NotAnEndpointId), "{text:?}");
        }
    }

    #[test]
    fn a_job_id_reads_back_and_nothing_else_does() {
        let id = JobId::random();
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.short().len(), 4);
        for text in ["", "3f2a", "3F2A3F2A3F2A", "../../../etc"] {
            assert_eq!(text.parse::<JobId>(), Err(NotAJobId));
        }
    }
}

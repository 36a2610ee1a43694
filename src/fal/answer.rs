//! A whole answer, and what it means when it is not the one that was hoped for.

use jiff::Timestamp;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::de::DeserializeOwned;

use crate::model::{CleanText, JobError, ServerId};

use super::{
    body,
    error::Error,
    failure::{self, Redactor},
    retry, wire,
};

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) host: String,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as one of the wire's objects.
    pub(super) fn object<T: DeserializeOwned>(&self) -> Result<T, Error> {
        body::object(&self.body).ok_or_else(|| self.not_fals())
    }

    /// What fal says went wrong; `None` when the body is not an error of fal's.
    pub(super) fn job_error(&self, redactor: &Redactor) -> Option<JobError> {
        let body: wire::ErrorBody = body::object(&self.body)?;
        let header = self.header("x-fal-error-type");
        failure::job_error(&body, self.status.as_u16(), header, redactor)
    }

    /// That the answer is not fal's.
    pub(super) fn not_fals(&self) -> Error {
        let status = self.status.as_u16();
        Error::invalid(
            &self.host,
            &format!(
                "not an answer of fal's ({}, status {status})",
                self.looks_like()
            ),
        )
    }

    fn looks_like(&self) -> &'static str {
        let declared = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let start = self.body.trim_ascii_start();
        if start.is_empty() {
            "empty"
        } else if declared.contains("html") || start.starts_with(b"<") {
            "HTML"
        } else if start.starts_with(b"{") || start.starts_with(b"[") {
            if serde_json::from_slice::<serde::de::IgnoredAny>(start).is_ok() {
                "other JSON"
            } else {
                "broken JSON"
            }
        } else {
            "not JSON"
        }
    }

    /// What an answer other than 2xx means; the callers with a rule of their own look at the status first.
    pub(super) fn failure(&self, server: &ServerId, redactor: &Redactor) -> Error {
        let host = self.host.clone();
        let status = self.status.as_u16();
        let error = self.job_error(redactor);
        match (status, error) {
            (401, Some(error)) => Error::Unauthorized {
                server: server.clone(),
                message: error.message,
            },
            (403, Some(error)) if is_lock(&error) => Error::Locked {
                server: server.clone(),
                message: error.message,
            },
            (404, Some(error)) => Error::NotFound {
                host,
                message: error.message,
            },
            (429, _) => Error::RateLimited {
                host,
                wait: retry::asked_for(&self.headers, Timestamp::now()),
            },
            (499, Some(error)) => Error::Refused {
                status,
                error: Box::new(error),
            },
            (408 | 425 | 499 | 500.., error) => Error::Server {
                host,
                status,
                message: error.as_ref().map_or_else(
                    || CleanText::line(&format!("not an answer of fal's ({})", self.looks_like())),
                    |error| error.message.clone(),
                ),
                error: error.map(Box::new),
            },
            (300..400, _) => Error::invalid(
                &host,
                &format!("a redirect (status {status}), which is not followed with the key"),
            ),
            (400..500, Some(error)) => Error::Refused {
                status,
                error: Box::new(error),
            },
            _ => self.not_fals(),
        }
    }
}

/// Whether a 403 is fal's "User is locked".
pub(super) fn is_lock(error: &JobError) -> bool {
    error.message.as_str().to_lowercase().contains("locked")
}

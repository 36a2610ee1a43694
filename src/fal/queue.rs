//! The queue: submit, status, result, cancel.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde_json::{Map, Value};

use crate::model::{CleanText, EndpointId, JobError, RequestId, request::RequestUrls};

use super::{
    answer::{self, Answer},
    body::LARGEST_JSON,
    client::Client,
    error::Error,
    followed::{self, Followed},
    retry, wire,
};

/// What became of the one POST.
#[derive(Debug)]
pub enum SubmitOutcome {
    /// No connection came about; the POST was not sent and may be sent later.
    NotSent(Error),
    /// The server read it and said no; nothing was queued.
    Rejected(Rejection),
    /// The server has it.
    Accepted(Accepted),
    /// It went out, and no answer of fal's came back: the server may have it. It must not be sent again.
    Unknown(Error),
}

/// The server has the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Its name of it.
    pub request_id: RequestId,
    /// Where it says the request is followed; what it left out is rebuilt.
    pub urls: RequestUrls,
    /// Requests ahead of it.
    pub queue_position: Option<u32>,
}

/// Why a server said no to a submit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The key is not known (401).
    Unauthorized {
        /// The server's words.
        message: CleanText,
    },
    /// The account is locked (403), mostly because its balance is used up.
    Locked {
        /// The server's words.
        message: CleanText,
    },
    /// Too many requests (429); the same may be sent again later.
    RateLimited {
        /// What the server asks for, capped at [`retry::LONGEST_WAIT`]; `None` when it names no time.
        wait: Option<Duration>,
        /// The server's words.
        message: CleanText,
    },
    /// The arguments do not fit (400 or 422 with findings).
    Arguments(JobError),
    /// Anything else, such as an unknown endpoint.
    Other {
        /// HTTP status.
        status: u16,
        /// Why.
        error: JobError,
    },
}

/// A result.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultReply {
    /// The endpoint's output.
    pub output: Value,
    /// What the server says it bills, in the endpoint's unit (`x-fal-billable-units`).
    pub billable_units: Option<f64>,
}

/// The answer to a cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReply {
    /// It was taken out of the queue (200 `OK`).
    Cancelled,
    /// It was signalled and may still finish (202).
    Requested,
    /// Too late.
    AlreadyCompleted,
    /// The server knows no such request.
    NotFound,
}

impl Client {
    /// Sends `body` to `endpoint`, once. Nothing in here or below ever sends it a second time.
    ///
    /// The caller has the body on disk, and keeps the outcome before it does anything else.
    pub async fn submit(&self, endpoint: &EndpointId, body: &str) -> SubmitOutcome {
        let url = followed::child(&self.server().hosts.queue, endpoint.as_str().split('/'));
        let request = match self.submit_request(&url) {
            Ok(request) => request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_owned()),
            Err(error) => return SubmitOutcome::NotSent(error),
        };
        match self
            .answer(request, &url, self.timing().submit, LARGEST_JSON)
            .await
        {
            Ok(answer) => self.classify(endpoint, &answer),
            Err(error @ Error::Unreachable { .. }) => SubmitOutcome::NotSent(error),
            Err(error) => SubmitOutcome::Unknown(error),
        }
    }

    fn classify(&self, endpoint: &EndpointId, answer: &Answer) -> SubmitOutcome {
        let status = answer.status.as_u16();
        match status {
            200..300 => match answer.object::<wire::Submitted>() {
                Ok(submitted) => match self.accepted(endpoint, submitted) {
                    Some(accepted) => SubmitOutcome::Accepted(accepted),
                    None => SubmitOutcome::Unknown(Error::invalid(
                        &answer.host,
                        &format!("an answer without a request id (status {status})"),
                    )),
                },
                Err(error) => SubmitOutcome::Unknown(error),
            },
            // The server gave up on reading or answering; it may have queued the request all the same.
            408 | 499 => SubmitOutcome::Unknown(self.failure(answer)),
            400..500 => match answer.job_error(self.redactor()) {
                Some(error) => SubmitOutcome::Rejected(rejection(answer, error)),
                None => SubmitOutcome::Unknown(answer.not_fals()),
            },
            _ => SubmitOutcome::Unknown(self.failure(answer)),
        }
    }

    fn accepted(&self, endpoint: &EndpointId, submitted: wire::Submitted) -> Option<Accepted> {
        let request_id = submitted.request_id.filter(|id| is_request_id(id))?;
        let request_id = RequestId::new(request_id);
        let ours = followed::rebuilt_urls(&self.server().hosts, endpoint, &request_id);
        let given = |url: Option<String>, ours: String| {
            url.filter(|url| !url.is_empty() && url.len() <= 4096)
                .unwrap_or(ours)
        };
        Some(Accepted {
            urls: RequestUrls {
                status: given(submitted.status_url, ours.status),
                response: given(submitted.response_url, ours.response),
                cancel: given(submitted.cancel_url, ours.cancel),
            },
            queue_position: submitted.queue_position,
            request_id,
        })
    }

    /// Asks once how the request stands, with its log.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a request that the server does not know; else as [`Error`] says. It is not repeated in
    /// here: the follower has its own rhythm.
    pub async fn status(&self, at: &Followed) -> Result<wire::Status, Error> {
        let request = self.keyed(Method::GET, at.status())?;
        let answer = self
            .answer(request, at.status(), self.timing().answer, LARGEST_JSON)
            .await?;
        // 202 while it waits or runs, 200 when it has ended (fal docs, "Queue"); older servers always say 200.
        if answer.status.is_success() {
            answer.object()
        } else {
            Err(self.failure(&answer))
        }
    }

    /// Fetches the result; repeated when that may help.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request failed (with the endpoint's own words), [`Error::Gone`] when the result is no
    /// longer kept, [`Error::StillRunning`] when it is too early; else as [`Error`] says. A request that broke on a
    /// runner gives [`Error::Server`] with its `error`, every time.
    pub async fn result(&self, at: &Followed) -> Result<ResultReply, Error> {
        let answer = self.get(at.response(), LARGEST_JSON).await?;
        if answer.status.is_success() {
            let output: Map<String, Value> = answer.object()?;
            let billable_units = answer
                .header("x-fal-billable-units")
                .and_then(|units| units.trim().parse().ok())
                .filter(|units: &f64| units.is_finite() && *units >= 0.0);
            return Ok(ResultReply {
                output: output.into(),
                billable_units,
            });
        }
        let status = answer.status.as_u16();
        let error = answer.job_error(self.redactor());
        let starts = |text: &str| {
            error
                .as_ref()
                .is_some_and(|error| error.message.as_str().starts_with(text))
        };
        match status {
            400 if starts("Request is still in progress") => Err(Error::StillRunning),
            // The app itself has no such path: the request ran and failed (fal, `api/api.py`).
            404 if starts("Path /") => Err(Error::Refused {
                status,
                error: Box::new(error.expect("its text was just read")),
            }),
            404 | 410 => Err(Error::Gone { host: answer.host }),
            _ => Err(self.failure(&answer)),
        }
    }

    /// Asks the server to stop the request. What became of it, only its status tells.
    ///
    /// # Errors
    /// As [`Error`] says; the four answers that fal documents are no errors.
    pub async fn cancel(&self, at: &Followed) -> Result<CancelReply, Error> {
        let url = at.cancel();
        let answer = self
            .repeat(async || {
                let request = self.keyed(Method::PUT, url)?;
                self.answer(request, url, self.timing().answer, LARGEST_JSON)
                    .await
            })
            .await?;
        let verdict: Option<wire::QueueVerdict> = answer.object().ok();
        let word = verdict
            .and_then(|verdict| verdict.status)
            .unwrap_or_default();
        match (answer.status.as_u16(), word.as_str()) {
            (200..300, "OK") => Ok(CancelReply::Cancelled),
            // The published OpenAPI documents declare `{"success": true}` instead.
            (200..300, _) => Ok(CancelReply::Requested),
            (_, "ALREADY_COMPLETED") => Ok(CancelReply::AlreadyCompleted),
            (404, _) if answer.job_error(self.redactor()).is_some() => Ok(CancelReply::NotFound),
            _ => Err(self.failure(&answer)),
        }
    }
}

/// Whether a text can name a request in a path; fal's are UUIDs.
fn is_request_id(id: &str) -> bool {
    (1..=256).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_graphic())
        && !matches!(id, "." | "..")
}

fn rejection(answer: &Answer, error: JobError) -> Rejection {
    match answer.status.as_u16() {
        401 => Rejection::Unauthorized {
            message: error.message,
        },
        403 if answer::is_lock(&error) => Rejection::Locked {
            message: error.message,
        },
        429 => Rejection::RateLimited {
            wait: retry::asked_for(&answer.headers, Timestamp::now()),
            message: error.message,
        },
        422 => Rejection::Arguments(error),
        400 if !error.fields.is_empty() => Rejection::Arguments(error),
        status => Rejection::Other { status, error },
    }
}

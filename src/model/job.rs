//! Our record of one submission.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Arguments, CleanText, EndpointId, JobId, RequestId, ServerId, SweepId, Timestamp, Usd,
    request::Consent, server::KeyFingerprint,
};

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Written down, not meant to be sent.
    Draft,
    /// Waits for a slot, a cap or an unlocked account, visibly.
    QueuedLocally,
    /// Its files are on their way.
    Uploading,
    /// The exact body is on disk and the one POST is out; there is no request id so far.
    Submitting,
    /// The answer to the POST was lost: the server may or may not have the job.
    Unconfirmed {
        /// When the answer was given up.
        since: Timestamp,
    },
    /// Waits for a runner.
    InQueue {
        /// Requests ahead of this one, 0 is next; unknown until the server says.
        position: Option<u32>,
    },
    /// A runner works on it.
    InProgress,
    /// The server is done; result and video are being saved here.
    Saving,
    /// Video and `job.json` are on disk.
    Completed,
    /// Refused or broken; [`Job::error`] says why.
    Failed,
    /// Stopped at the user's request, by the server's own word. It may have been billed.
    Cancelled,
    /// Done at the server, but its result was gone before it could be saved.
    Expired,
}

impl JobState {
    /// The names of all states, in the order of a job's life.
    pub const NAMES: [&str; 12] = [
        "draft",
        "queued-locally",
        "uploading",
        "submitting",
        "unconfirmed",
        "in-queue",
        "in-progress",
        "saving",
        "completed",
        "failed",
        "cancelled",
        "expired",
    ];

    /// The state's name on the command line, in JSON and in the store.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::QueuedLocally => "queued-locally",
            Self::Uploading => "uploading",
            Self::Submitting => "submitting",
            Self::Unconfirmed { .. } => "unconfirmed",
            Self::InQueue { .. } => "in-queue",
            Self::InProgress => "in-progress",
            Self::Saving => "saving",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether the job has ended for good.
    #[must_use]
    pub const fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Failed | Self::Cancelled | Self::Expired
        )
    }

    /// Whether something is under way that will change the job by itself.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !self.is_terminal() && !matches!(self, Self::Draft)
    }

    /// Whether the POST may have reached the server.
    #[must_use]
    pub const fn may_be_sent(&self) -> bool {
        !matches!(self, Self::Draft | Self::QueuedLocally | Self::Uploading)
    }

    /// Moves to `next` unless the job has ended; returns whether it changed.
    ///
    /// Late answers are normal: a status poll may land after a cancel. A job may go back from in-progress to in-queue
    /// (fal docs, "Requests": the queue retries it), but a job that was sent never becomes unsent.
    pub fn advance(&mut self, next: Self) -> bool {
        let unsent_again = self.may_be_sent() && !next.may_be_sent();
        let changed = !self.is_terminal() && !unsent_again && *self != next;
        if changed {
            *self = next;
        }
        changed
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The key of the account that a job was sent with, on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The server.
    pub server: ServerId,
    /// Which key.
    pub key: KeyFingerprint,
}

/// One submission: what was asked, where it stands, what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Our name of it.
    pub id: JobId,
    /// The server's name of it, once the submit was answered.
    pub request_id: Option<RequestId>,
    /// What runs.
    pub endpoint: EndpointId,
    /// What the user calls it.
    pub name: CleanText,
    /// The job that it was edited from.
    pub parent: Option<JobId>,
    /// The sweep that it is one job of.
    pub sweep: Option<SweepId>,
    /// Where it runs, and for whom.
    pub account: Account,
    /// Where it stands.
    pub state: JobState,
    /// A status word that we do not know, shown as it is while the job is followed on.
    pub remote_status: Option<CleanText>,
    /// The user asked for a cancel; the job is followed until the server says what became of it.
    pub cancel_requested: bool,
    /// How far it is, in percent, as its log says.
    pub percent: Option<u8>,
    /// When the user confirmed it.
    pub created_at: Timestamp,
    /// When the server accepted it.
    pub submitted_at: Option<Timestamp>,
    /// When a runner was first seen working on it.
    pub started_at: Option<Timestamp>,
    /// When it ended, here.
    pub completed_at: Option<Timestamp>,
    /// The server's figure, not the time spent here.
    pub inference_time: Option<Duration>,
    /// Our estimate at the time of the submit.
    pub estimated_cost: Option<Usd>,
    /// What one of the endpoint's units cost at the time of the submit.
    pub unit_price: Option<Usd>,
    /// What the server says it billed, in the endpoint's unit.
    pub billed_units: Option<f64>,
    /// What was asked; file fields keep the local path that the user gave.
    pub arguments: Arguments,
    /// The seed was left open and drawn by us.
    pub seed_drawn: bool,
    /// A hash of what was asked, the contents of local files included: equal for equal requests.
    pub request_hash: Option<String>,
    /// What the user agreed to when a cap or a paid twin stood in the way.
    pub consent: Consent,
    /// The server's result.
    pub output: Option<Value>,
    /// What was saved of it.
    pub files: Vec<SavedFile>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// What is going on right now that the state does not tell, such as a retry; one line.
    pub notice: Option<CleanText>,
}

/// What a job costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// By the server's word on the result.
    Billed(Usd),
    /// By the price and the length that was asked for.
    Estimated(Usd),
}

impl fmt::Display for Cost {
    /// An estimate is marked as one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Billed(amount) => f.pad(&amount.to_string()),
            Self::Estimated(amount) => f.pad(&format!("≈{amount}")),
        }
    }
}

/// A file of a result, on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// Its size.
    pub bytes: u64,
}

/// What a saved file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// The generated video.
    Video,
    /// The record of what produced it (`job.json`).
    Job,
    /// Anything else of the output.
    Other,
}

/// Why a job failed, in the server's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// The machine's word for it, such as `face_detection_error`; ours start with `talkdeck_`.
    #[serde(rename = "type")]
    pub kind: CleanText,
    /// One line, fit to show.
    pub message: CleanText,
    /// Which arguments it is about.
    #[serde(default)]
    pub fields: Vec<FieldError>,
}

/// What is wrong with one argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// The argument's name.
    pub name: CleanText,
    /// What is wrong with it, and what it may be.
    pub message: CleanText,
}

impl FieldError {
    /// A finding about `name`.
    #[must_use]
    pub fn new(name: &str, message: impl Into<CleanText>) -> Self {
        Self {
            name: CleanText::line(name),
            message: message.into(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.message)
    }
}

impl Job {
    /// The job as the command line prints it and `job.json` keeps it.
    ///
    /// The names are a contract; unknown values are `null`, times RFC 3339 in UTC.
    #[must_use]
    pub fn to_object(&self) -> Value {
        let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
        let queue_position = match self.state {
            JobState::InQueue { position } => position,
            _ => None,
        };
        json!({
            "id": self.id,
            "request_id": self.request_id,
            "endpoint": self.endpoint,
            "name": self.name,
            "parent": self.parent,
            "sweep": self.sweep,
            "state": self.state.name(),
            "cancel_requested": self.cancel_requested,
            "queue_position": queue_position,
            "created_at": self.created_at.to_string(),
            "submitted_at": time(self.submitted_at),
            "started_at": time(self.started_at),
            "completed_at": time(self.completed_at),
            "inference_time_s": self.inference_time.map(|time| time.as_secs_f64()),
            "estimated_cost_usd": self.estimated_cost,
            "billed_units": self.billed_units,
            "arguments": self.arguments,
            "output": self.output,
            "files": self.files,
            "error": self.error,
        })
    }

    /// What it cost: what the server says it billed where that is known, else our estimate.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        if self.account.server.is_preview() {
            return Some(Cost::Billed(Usd::ZERO));
        }
        let billed = self
            .billed_units
            .zip(self.unit_price)
            .map(|(units, price)| Cost::Billed(Usd::from_dollars(units * price.dollars())));
        billed.or_else(|| self.estimated_cost.map(Cost::Estimated))
    }

    /// The video, once it is saved.
    #[must_use]
    pub fn video(&self) -> Option<&SavedFile> {
        self.files.iter().find(|file| file.kind == FileKind::Video)
    }

    /// How long it has been under way or took: from the submit (or the confirmation) to its end or to `now`.
    #[must_use]
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        let from = self.submitted_at.unwrap_or(self.created_at);
        // A clock set back must not show a negative time.
        self.completed_at
            .unwrap_or(now)
            .duration_since(from)
            .try_into()
            .unwrap_or_default()
    }
}

/// The text names no state.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown state; the states are {}", JobState::NAMES.join(", "))]
pub struct NotAState;

impl FromStr for JobState {
    type Err = NotAState;

    /// Reads a name; what a state carries beside its name is left empty.
    fn from_str(name: &str) -> Result<Self, NotAState> {
        Ok(match name {
            "draft" => Self::Draft,
            "queued-locally" => Self::QueuedLocally,
            "uploading" => Self::Uploading,
            "submitting" => Self::Submitting,
            "unconfirmed" => Self::Unconfirmed {
                since: Timestamp::UNIX_EPOCH,
            },
            "in-queue" => Self::InQueue { position: None },
            "in-progress" => Self::InProgress,
            "saving" => Self::Saving,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            "expired" => Self::Expired,
            _ => return Err(NotAState),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IN_QUEUE: JobState = JobState::InQueue { position: Some(3) };

    #[test]
    fn a_late_status_does_not_revive_an_ended_job() {
        for end in [
            JobState::Completed,
            JobState::Failed,
            JobState::Cancelled,
            JobState::Expired,
        ] {
            let mut state = end.clone();
            assert!(!state.advance(JobState::InProgress));
            assert_eq!(state, end);
        }
    }

    #[test]
    fn a_running_job_may_go_back_to_the_queue() {
        let mut state = JobState::InProgress;
        assert!(state.advance(IN_QUEUE));
        assert_eq!(state, IN_QUEUE);
        assert!(!state.advance(IN_QUEUE), "the same again is no change");
    }

    #[test]
    fn a_job_that_may_have_been_sent_never_becomes_unsent() {
        for sent in [
            JobState::Submitting,
            JobState::Unconfirmed {
                since: Timestamp::UNIX_EPOCH,
            },
            IN_QUEUE,
        ] {
            for unsent in [
                JobState::Draft,
                JobState::QueuedLocally,
                JobState::Uploading,
            ] {
                let mut state = sent.clone();
                assert!(!state.advance(unsent));
                assert_eq!(state, sent);
            }
        }
    }

    #[test]
    fn every_name_reads_back() {
        for name in JobState::NAMES {
            assert_eq!(name.parse::<JobState>().unwrap().name(), name);
        }
        assert_eq!("done".parse::<JobState>(), Err(NotAState));
    }
}

//! What is asked for, and where it is followed.

use serde::{Deserialize, Serialize};

use super::{
    Arguments, CleanText, EndpointId, JobId, RequestId, ServerId, SweepId, Timestamp, Usd,
};

/// How many submits are out at the same time; the others wait in line.
pub const SUBMITS_AT_ONCE: usize = 4;

/// One confirmed wish of the user's: exactly one job comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// What is to run.
    pub endpoint: EndpointId,
    /// Its input; file fields may hold absolute local paths, which are uploaded first.
    pub arguments: Arguments,
    /// The job's name; empty means that one is made from the script.
    pub name: CleanText,
    /// The job it was edited from.
    pub parent: Option<JobId>,
    /// The sweep that it is one job of.
    pub sweep: Option<SweepId>,
    /// Where it goes.
    pub server: ServerId,
    /// What it will cost by our estimate; `None` when the price is unknown.
    pub estimated_cost: Option<Usd>,
    /// What the user has agreed to beforehand.
    pub consent: Consent,
}

/// What the user has explicitly agreed to for one job; it is kept with the job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// It may go beyond a cap.
    pub over_cap: bool,
    /// It may repeat a job that is paid for.
    pub repeat: bool,
    /// Its speech may be cut off by the end of the video.
    pub cut_off: bool,
}

impl Consent {
    /// Everything.
    pub const ALL: Self = Self {
        over_cap: true,
        repeat: true,
        cut_off: true,
    };
}

/// Where a request is followed, as the server said in its answer to the submit.
///
/// The texts are raw: whoever calls one checks its host first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestUrls {
    /// Its status; the stream of it lies at `{status}/stream`.
    pub status: String,
    /// Its result.
    pub response: String,
    /// Cancels it.
    pub cancel: String,
}

/// A request at the server that could be an unconfirmed job's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its name.
    pub id: RequestId,
    /// When the server got it.
    pub sent_at: Option<Timestamp>,
}

/// When a submit is asked about before it goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Each time.
    Always,
    /// Where it costs money.
    #[default]
    Paid,
    /// Never.
    Never,
}

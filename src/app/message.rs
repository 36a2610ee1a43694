//! What happened: the only way anything reaches the state.

use std::time::Duration;

use crossterm::event::KeyEvent;

use super::{action::Action, effect::Written};
use crate::{
    catalog::{Catalog, Listed},
    model::{
        CleanText, Draft, EndpointId, Job, JobId, LogLine, Speech, Timestamp,
        budget::Spent,
        draft::{KeptDraft, Slot},
        job::{FieldError, SavedFile},
        request::{Candidate, Wish},
        speech::Utterance,
    },
};

/// What happened to drafts.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftNews {
    /// All of them, the newest first.
    Listed(Vec<KeptDraft>),
    /// One was kept under a new name.
    Added(Slot),
    /// One was read from a file.
    Imported(Box<Draft>),
    /// One was written to this file.
    Exported(CleanText),
}

/// Something that happened, at the keyboard or outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The user wants something.
    Action(Action),
    /// A key that is bound to nothing where the user is: text, mostly.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// The terminal has another size; zero by zero means unknown.
    Resized {
        /// Width in cells.
        columns: u16,
        /// Height in cells.
        rows: u16,
    },
    /// The time. Comes at [`super::App::clock_interval`], and before the messages that an idle loop wakes up for.
    Clock(Timestamp),
    /// The jobs that the store has, at the start.
    JobsLoaded(Vec<Job>),
    /// A job as the store has it now; also one that another process made.
    JobChanged(Box<Job>),
    /// The record of a job is gone.
    RecordDeleted(JobId),
    /// A job's log has `count` lines now.
    LogsChanged {
        /// Whose log.
        id: JobId,
        /// All lines of it in the store.
        count: u64,
    },
    /// The answer to [`super::Effect::LoadLogs`].
    LogsLoaded {
        /// Whose log.
        id: JobId,
        /// The number of the first of `lines`, counted from 0.
        from: u64,
        /// Consecutive lines.
        lines: Vec<LogLine>,
        /// All lines of it in the store.
        total: u64,
    },
    /// How much of a job's files is at the server.
    UploadProgress {
        /// Whose files.
        id: JobId,
        /// Bytes that are there.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// What was spent today, and by this process.
    Spent(Spent),
    /// The endpoints at the prices that the server asks now.
    Prices(Catalog),
    /// An endpoint is known as the server describes it.
    EndpointLoaded {
        /// Which one.
        id: EndpointId,
        /// All endpoints, that one among them.
        catalog: Catalog,
        /// What is different from before.
        change: Option<CleanText>,
    },
    /// What an endpoint takes cannot be had.
    EndpointMissing {
        /// Which one.
        id: EndpointId,
        /// Why not, in one line.
        reason: CleanText,
    },
    /// The models that the server lists.
    Models(Vec<Listed>),
    /// The same was asked for already, and it is paid for or may yet be; nothing was sent.
    AlreadyHave {
        /// What was wished.
        wishes: Vec<Wish>,
        /// The places of those among them that were asked for already, and the jobs that have them.
        twins: Vec<(usize, Job)>,
    },
    /// The server's list does not say what became of an unconfirmed job: nothing fits, or more than one request.
    Unsettled {
        /// Which job.
        id: JobId,
        /// The requests that could be it.
        candidates: Vec<Candidate>,
    },
    /// News about drafts.
    Drafts(DraftNews),
    /// All of these could be sent; those whose speech will surely be cut off say so in what they agree to.
    Weighed(Vec<Wish>),
    /// The intents are on disk; from here on the tracker looks after the jobs.
    Submitted(Vec<Job>),
    /// A wish did not pass the checks that need the disk, or the server refused its arguments.
    Refused {
        /// What was wished.
        wishes: Vec<Wish>,
        /// What is wrong with it.
        faults: Vec<FieldError>,
    },
    /// Jobs of an earlier run that were never sent; they wait until the user says so.
    HeldFound(Vec<Job>),
    /// The answer to [`super::Effect::ListPaths`].
    PathsListed {
        /// The directory as it was asked for.
        dir: String,
        /// What is in it, in any order.
        entries: Vec<PathEntry>,
    },
    /// The answer to [`super::Effect::InspectFile`].
    FileInspected {
        /// The field that names the file.
        field: String,
        /// The path as it was asked for.
        path: String,
        /// What it is, or why it cannot be used, in one line.
        finding: Result<FileFacts, CleanText>,
    },
    /// The answer to [`super::Effect::LookAtFile`].
    FileLooked {
        /// The path as it was asked for.
        path: String,
        /// What it is, or why it cannot be used, in one line.
        finding: Result<FileFacts, CleanText>,
    },
    /// The answer to [`super::Effect::MeasureSpeech`].
    SpeechMeasured(Vec<(Utterance, Option<Speech>)>),
    /// The user's editor has ended.
    EditorReturned {
        /// What it had.
        what: Written,
        /// The text; nothing when the user gave up.
        text: Option<String>,
    },
    /// fal has locked the account; nothing is sent until the user resumes.
    AccountLocked(CleanText),
    /// The server does not take the key; nothing is sent until it is replaced.
    KeyRefused(CleanText),
    /// Sending goes on.
    OutboxResumed,
    /// Whether the server answers, as the last call to it tells.
    ServerReachable(bool),
    /// Something that concerns no single job went wrong.
    Trouble(CleanText),
    /// The clipboard has it; the text says what.
    Copied(CleanText),
    /// A copy of a job's result was saved where the user is.
    Downloaded {
        /// Whose result.
        id: JobId,
        /// The files.
        files: Vec<SavedFile>,
    },
    /// What was asked for outside could not be done.
    EffectFailed {
        /// What was asked for, as [`super::Effect::name`] says it.
        effect: &'static str,
        /// Why not, in one line.
        reason: CleanText,
    },
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathEntry {
    /// Its name alone.
    pub name: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Its length, of a file.
    pub bytes: u64,
}

impl PathEntry {
    /// A directory of this name.
    #[must_use]
    pub fn dir(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            is_dir: true,
            bytes: 0,
        }
    }
}

/// What a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Its format by content, such as `png`.
    pub format: CleanText,
    /// Width and height in pixels, where it has them.
    pub size: Option<(u32, u32)>,
    /// Whether the picture is turned by its metadata; its size is the one that is seen.
    pub is_turned: bool,
    /// How long it plays, of sound and video, where that can be told.
    pub length: Option<Duration>,
    /// Its length.
    pub bytes: u64,
}

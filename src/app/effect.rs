//! What must be done outside: the only way the state reaches the world.

use crate::{
    catalog::MediaKind,
    model::{
        CleanText, Draft, EndpointId, JobId, RequestId, draft::Slot, request::Wish,
        speech::Utterance,
    },
};

/// Something to do to kept drafts; what comes of it is a [`super::message::DraftNews`].
#[derive(Clone, Debug, PartialEq)]
pub enum DraftTask {
    /// Keep a draft, now.
    Keep {
        /// Where.
        slot: Slot,
        /// What.
        draft: Draft,
    },
    /// Keep a draft under a name that is new: `Added`.
    Add {
        /// Where.
        slot: Slot,
        /// What.
        draft: Draft,
    },
    /// Forget a draft.
    Drop(Slot),
    /// Read the drafts: `Listed`.
    List,
    /// Read a draft from a file: `Imported`.
    Import {
        /// The path as it was typed.
        path: String,
        /// What plain arguments are for.
        endpoint: EndpointId,
    },
    /// Write a draft to a new file: `Exported`.
    Export {
        /// The path as it was typed.
        path: String,
        /// What.
        draft: Draft,
    },
}

/// Something to do outside. Its outcome comes back as a [`super::Message`].
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Check the wishes and make a job of each, or of none: `Submitted`, `AlreadyHave`, `Refused` or `EffectFailed`.
    Submit(Vec<Wish>),
    /// Check the wishes and measure their scripts; nothing is sent: `Weighed` or `Refused`.
    Weigh(Vec<Wish>),
    /// Send a job that was held.
    SendHeld(JobId),
    /// Drop a job that was held; its record becomes a draft or goes.
    DropHeld(JobId),
    /// Ask the server to stop a job.
    Cancel(JobId),
    /// Save a job's result once more.
    Download(JobId),
    /// Ask the server's list of requests about an unconfirmed job, now: `Unsettled` when it cannot tell.
    Settle(JobId),
    /// An unconfirmed job is this request, the user says.
    Confirm {
        /// Which job.
        id: JobId,
        /// Which request of the server's.
        request: RequestId,
    },
    /// An unconfirmed job was never sent, the user says.
    ConfirmNotSent(JobId),
    /// The user agrees to what a job waits for: a cap, or a price that rose.
    Agree(JobId),
    /// Read the key again from where it is configured: `OutboxResumed`.
    ReloadKey,
    /// Ask the server what it asks for: `Prices`.
    LoadPrices,
    /// Ask the server what an endpoint takes, unless that was done within a day: `EndpointLoaded` or `EndpointMissing`.
    LoadEndpoint(EndpointId),
    /// Read the list of models from the cache, and from the server where it is old: `Models`, up to twice.
    LoadModels,
    /// Send what waits for an unlocked account or a new key: `OutboxResumed`.
    ResumeOutbox,
    /// Delete a job's record, never its files: `RecordDeleted`.
    DeleteRecord(JobId),
    /// Read log lines: `LogsLoaded`.
    LoadLogs {
        /// Whose log.
        id: JobId,
        /// The number of the first line wanted, counted from 0; nothing means the newest `limit` lines.
        from: Option<u64>,
        /// At most so many lines.
        limit: usize,
    },
    /// Keep the draft for the next start. Comes with every change: only the newest needs to be written, soon.
    SaveDraft {
        /// Where.
        slot: Slot,
        /// What.
        draft: Draft,
    },
    /// Something to do to kept drafts.
    Drafts(DraftTask),
    /// List a directory as it was typed (`~` means the home directory, empty the current one): `PathsListed`.
    ListPaths {
        /// The directory.
        dir: String,
    },
    /// See what a file is: `FileInspected`.
    InspectFile {
        /// The field that names it.
        field: String,
        /// The path as it was typed.
        path: String,
        /// What it must be.
        kind: MediaKind,
    },
    /// See what a file of the picker is, without reading all of it: `FileLooked`.
    LookAtFile {
        /// The path as it is written.
        path: String,
        /// What it must be.
        kind: MediaKind,
    },
    /// Measure how long words are spoken: `SpeechMeasured`. Only the newest need to be measured.
    MeasureSpeech(Vec<Utterance>),
    /// Let the user write in `$EDITOR`: `EditorReturned`.
    OpenEditor {
        /// What is written.
        what: Written,
        /// The text so far.
        text: String,
    },
    /// Put `text` on the clipboard: `Copied` with `what`.
    Copy {
        /// What it is, for the notice.
        what: &'static str,
        /// The text.
        text: CleanText,
    },
    /// Sum up what was spent: `Spent`.
    LoadSpent,
    /// Stop this process until the shell continues it.
    Suspend,
    /// End the program.
    Quit,
}

/// What is written in `$EDITOR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The text of one field.
    Field(String),
    /// All arguments, as JSON.
    Arguments,
}

impl Effect {
    /// What it does, as a notice names it when it fails.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submit(_) => "submit",
            Self::Weigh(_) => "check",
            Self::SendHeld(_) => "send held job",
            Self::DropHeld(_) => "drop held job",
            Self::Cancel(_) => "cancel",
            Self::Download(_) => "download",
            Self::Settle(_) => "ask about unconfirmed job",
            Self::Confirm { .. } | Self::ConfirmNotSent(_) => "settle unconfirmed job",
            Self::Agree(_) => "agree to the cost",
            Self::ReloadKey => "read the key",
            Self::LoadPrices => "ask for prices",
            Self::LoadEndpoint(_) => "ask about the endpoint",
            Self::LoadModels => "list the models",
            Self::ResumeOutbox => "resume sending",
            Self::DeleteRecord(_) => "delete record",
            Self::LoadLogs { .. } => "read log",
            Self::SaveDraft { .. }
            | Self::Drafts(DraftTask::Keep { .. } | DraftTask::Add { .. }) => "save draft",
            Self::Drafts(DraftTask::Drop(_)) => "delete draft",
            Self::Drafts(DraftTask::List) => "read drafts",
            Self::Drafts(DraftTask::Import { .. }) => "read draft",
            Self::Drafts(DraftTask::Export { .. }) => "write draft",
            Self::ListPaths { .. } => "list files",
            Self::InspectFile { .. } | Self::LookAtFile { .. } => "inspect file",
            Self::MeasureSpeech(_) => "measure speech",
            Self::OpenEditor { .. } => "open editor",
            Self::Copy { .. } => "copy",
            Self::LoadSpent => "sum up costs",
            Self::Suspend => "suspend",
            Self::Quit => "quit",
        }
    }
}

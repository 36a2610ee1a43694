//! Points at which a test may stop a job's task, or a debug build the whole process, as a crash would.

use std::{fmt, sync::Arc};

use crate::store;

/// A point right after a step of the protocol, in the order of a job's life but for the last two. The number is part of
/// its name in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The intent is on disk.
    IntentStored = 1,
    /// The files are uploaded.
    Uploaded = 2,
    /// The exact body is on disk and the job is submitting; nothing was sent.
    SubmitBegun = 3,
    /// The POST was answered, or its answer given up; nothing of that is on disk.
    Answered = 4,
    /// What the answer said is on disk.
    AnswerStored = 5,
    /// The server said that it is done; nothing of that is on disk.
    SeenCompleted = 6,
    /// The result came; it is not on disk.
    ResultFetched = 7,
    /// The result is on disk.
    ResultStored = 8,
    /// A file is downloaded whole, under its temporary name.
    Downloaded = 9,
    /// The file has its final name; the store does not know.
    Renamed = 10,
    /// `job.json` is written; the job is still saving.
    RecordWritten = 11,
    /// The job is completed.
    Completed = 12,
    /// The server's list names the request of an unconfirmed job; nothing of that is on disk.
    FoundInList = 13,
    /// The request that the list named is on disk.
    Adopted = 14,
}

impl Step {
    /// All steps in order.
    pub const ALL: [Self; 14] = [
        Self::IntentStored,
        Self::Uploaded,
        Self::SubmitBegun,
        Self::Answered,
        Self::AnswerStored,
        Self::SeenCompleted,
        Self::ResultFetched,
        Self::ResultStored,
        Self::Downloaded,
        Self::Renamed,
        Self::RecordWritten,
        Self::Completed,
        Self::FoundInList,
        Self::Adopted,
    ];
}

/// Says whether the task that has just done a step goes no further.
#[derive(Clone)]
pub struct CrashHook(Arc<dyn Fn(Step) -> bool + Send + Sync>);

impl CrashHook {
    /// A hook that asks `dies` after each step.
    pub fn new(dies: impl Fn(Step) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(dies))
    }
}

impl fmt::Debug for CrashHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CrashHook")
    }
}

pub(super) struct Crash {
    hook: Option<CrashHook>,
}

impl Crash {
    pub(super) fn new(hook: Option<CrashHook>) -> Self {
        Self { hook }
    }

    /// Never returns when the process, or the job's task, is to have died after `step`.
    pub(super) async fn point(&self, step: Step) {
        store::crash::after(step as u8);
        if self.hook.as_ref().is_some_and(|hook| (hook.0)(step)) {
            std::future::pending::<()>().await;
        }
    }
}

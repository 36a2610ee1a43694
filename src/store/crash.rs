//! Points at which a debug build ends its own process, as a crash would.
//!
//! The tracker numbers the steps of a job's life from 1 on (`tracker::Step`), the store its own from 21 on.

use std::sync::OnceLock;

use rustix::process::{Signal, getpid, kill_process};

/// Names the step, by its number, after which the process is to die.
const VARIABLE: &str = "TALKDECK_CRASH_AFTER";

/// A point right after a step of bringing a database up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The copy of the old database has its name; nothing was changed so far.
    BackupMade = 21,
    /// The statements of a migration have run; they are not committed.
    MigrationRun = 22,
    /// One migration is committed.
    Migrated = 23,
}

/// Ends this process by SIGKILL if it is to die after the step of this `number`.
///
/// A release build cannot be told to.
pub fn after(number: u8) {
    static WANTED: OnceLock<Option<u8>> = OnceLock::new();
    let wanted = || std::env::var(VARIABLE).ok()?.parse().ok();
    if cfg!(debug_assertions) && *WANTED.get_or_init(wanted) == Some(number) {
        // Nothing is flushed and no destructor runs, as in a crash.
        let _ = kill_process(getpid(), Signal::KILL);
        loop {
            // Another thread may be the one that the signal reaches first.
            std::thread::park();
        }
    }
}

//! What can go wrong with the store, by what the user can do about it.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::model::JobId;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be opened, read or written.
    #[error("cannot use {}: {reason}; check that the directory exists and may be written to", path.display())]
    Unavailable {
        /// Which file or directory.
        path: PathBuf,
        /// The system's or SQLite's words.
        reason: String,
    },
    /// The disk or the quota is used up.
    #[error("no space left to write {}; make room and try again", path.display())]
    Full {
        /// Which file.
        path: PathBuf,
    },
    /// Another process has held the lock for too long.
    #[error("{} is held by another process; wait for it or end it", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
    /// The file was written by a talkdeck that is newer than this one.
    #[error("{} has schema {found}, this talkdeck knows {known}; use the newer talkdeck", path.display())]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// The number in the file.
        found: i64,
        /// The newest number known here.
        known: i64,
    },
    /// The file is damaged or not ours. It is never replaced, because it may name requests that were paid for.
    #[error(
        "{} is damaged ({reason}) and left as it is; restore a backup or put it aside, `talkdeck jobs` shows what can be read",
        path.display()
    )]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

impl Error {
    /// The finding behind an error of SQLite's on `path`.
    pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, reason) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path, reason }
            }
            Some(_) => Self::Unavailable { path, reason },
            // Not SQLite's: a value in a row is not what we write there.
            None => Self::Corrupt { path, reason },
        }
    }

    /// The finding behind an error of the file system's on `path`.
    pub(super) fn of_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Self::Full { path }
            }
            _ => Self::Unavailable {
                path,
                reason: error.to_string(),
            },
        }
    }
}

/// Why a name did not lead to one job.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No job has this id, beginning or request id.
    #[error("there is no job “{text}”; `talkdeck jobs` lists them")]
    None {
        /// What was asked for, cleaned.
        text: crate::model::CleanText,
    },
    /// Several jobs begin so.
    #[error("“{text}” could be {}", .ids.iter().map(JobId::as_str).collect::<Vec<_>>().join(", "))]
    Ambiguous {
        /// What was asked for, cleaned.
        text: crate::model::CleanText,
        /// The jobs, newest first.
        ids: Vec<JobId>,
    },
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] Error),
}

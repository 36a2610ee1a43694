//! The jobs, their logs and the drafts on disk.
//!
//! Two SQLite databases in one directory: `talkdeck.db` holds what must never be lost and is synced at every commit,
//! `logs.db` holds log lines and is relaxed, so that a flood of them delays no intent. Every change of a job is a named
//! transition in a transaction of its own; a job that has ended never changes again. Calls block: asynchronous callers
//! put them on a thread for blocking work.

mod backup;
pub mod crash;
mod drafts;
pub mod error;
mod files;
mod jobs;
mod logs;
mod row;
mod salvage;
mod schema;
mod spending;
mod submit;
mod takes;
mod transitions;
mod uploads;

use std::{
    fmt,
    fs::File,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use error::{Error, FindError};
pub(crate) use files::{is_same, is_shared_between_machines, make_dir, sync_dir};
pub use jobs::{Counts, JobQuery, Twin};
pub use row::{OwnerId, WireRecord};
pub use submit::{Begun, Cap};
pub use transitions::Observation;
pub use uploads::{KeptUpload, UploadKey};

/// The file that holds the jobs.
pub const MAIN_FILE: &str = "talkdeck.db";
/// The file that holds the log lines.
pub const LOGS_FILE: &str = "logs.db";
/// The empty file that is touched after every commit, so that other processes can wait for one, and locked by who opens
/// the databases.
pub const CHANGED_FILE: &str = "changed";

/// A handle on the databases of one directory; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    main: Database,
    logs: Database,
    /// Only for looking: rows that cannot be read are left out and counted, instead of being an error.
    unreadable: Option<AtomicUsize>,
}

struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Touched after every commit; `None` where nobody could be told that way.
    changed: Option<Arc<File>>,
}

impl Store {
    /// Opens the store in `dir`, making both as needed and bringing an older schema up to date.
    ///
    /// What is made is for the user alone from the start (0700, 0600). A damaged file is reported and left as it is.
    ///
    /// # Errors
    /// When the directory or a file cannot be used, is damaged, or was written by a newer talkdeck.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let (main, logs) = open_both(dir)?;
        Ok(Self::of(main, logs, None))
    }

    /// Opens the store only to look at it, also where [`Store::open`] refuses to, which is then told.
    ///
    /// What cannot be read is left out; [`Store::unreadable`] counts it.
    ///
    /// # Errors
    /// When there is nothing to read, or it was written by a newer talkdeck.
    pub fn open_to_read(dir: &Path) -> Result<(Self, Option<Error>), Error> {
        let refused = match open_both(dir) {
            Ok((main, logs)) => return Ok((Self::of(main, logs, Some(0)), None)),
            Err(error @ (Error::Corrupt { .. } | Error::Unavailable { .. })) => error,
            Err(error) => return Err(error),
        };
        let of = |path: PathBuf, connection| Database {
            path,
            connection: Mutex::new(connection),
            changed: None,
        };
        let (main, logs) = (dir.join(MAIN_FILE), dir.join(LOGS_FILE));
        let Ok((jobs, unreadable)) = salvage::jobs(&main) else {
            return Err(refused);
        };
        let lines = salvage::logs(&logs)?;
        let store = Self::of(of(main, jobs), of(logs, lines), Some(unreadable));
        Ok((store, Some(refused)))
    }

    fn of(main: Database, logs: Database, unreadable: Option<usize>) -> Self {
        let inner = Inner {
            main,
            logs,
            unreadable: unreadable.map(AtomicUsize::new),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// How often a job was left out so far because it could not be read.
    #[must_use]
    pub fn unreadable(&self) -> usize {
        let count = self.inner.unreadable.as_ref();
        count.map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// Looks a large database through for damage, which takes a while. A small one was looked through when it was opened.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when something is out of place; the database was copied then.
    pub fn check(&self) -> Result<(), Error> {
        let path = &self.main().path;
        if schema::is_large(path) {
            schema::check(path)
        } else {
            Ok(())
        }
    }

    /// Numbers that change when somebody else's connection has changed a job, or a log.
    ///
    /// # Errors
    /// When a database cannot be read.
    pub fn data_version(&self) -> Result<(i64, i64), Error> {
        let of = |database: &Database| {
            database.read(|db| db.query_row("PRAGMA data_version", [], |row| row.get(0)))
        };
        Ok((of(self.main())?, of(self.log_lines())?))
    }

    fn main(&self) -> &Database {
        &self.inner.main
    }

    fn log_lines(&self) -> &Database {
        &self.inner.logs
    }
}

fn open_both(dir: &Path) -> Result<(Database, Database), Error> {
    files::create_dir(dir)?;
    // Two that start at once on an empty directory would otherwise meet each other's half-made files.
    let _opening = files::lock_opening(&dir.join(CHANGED_FILE))?;
    let (main, logs) = (dir.join(MAIN_FILE), dir.join(LOGS_FILE));
    files::refuse_emptied(&main, &logs)?;
    let changed = files::open_changed(&dir.join(CHANGED_FILE)).map(Arc::new);
    let open = |path: PathBuf, migrations, synchronous| {
        let connection = schema::open(&path, migrations, synchronous)?;
        Ok::<_, Error>(Database {
            path,
            connection: Mutex::new(connection),
            changed: changed.clone(),
        })
    };
    let main = open(main, schema::MAIN, schema::Synchronous::Full)?;
    let logs = open(logs, schema::LOGS, schema::Synchronous::Normal)?;
    Ok((main, logs))
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.inner.main.path).finish()
    }
}

impl Database {
    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A panic in between leaves a transaction that its drop has rolled back.
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Error> {
        read(&self.lock()).map_err(|error| Error::of_sqlite(&self.path, &error))
    }

    /// One transaction that takes the write lock at once, so that what was read in it still holds when it writes.
    fn write<T>(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, Error> {
        let mut written = None;
        self.write_if(|db| {
            written = Some(write(db)?);
            Ok(true)
        })?;
        Ok(written.expect("it was run"))
    }

    /// As [`Database::write`]; what was written is taken back unless `write` says that it is to stay.
    fn write_if(
        &self,
        write: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<bool>,
    ) -> Result<(), Error> {
        let run = || {
            let mut connection = self.lock();
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if !write(&transaction)? {
                return transaction.rollback();
            }
            transaction.commit()?;
            if let Some(changed) = &self.changed {
                // Who misses it learns with the next one.
                let _ = changed.set_modified(SystemTime::now());
            }
            Ok(())
        };
        run().map_err(|error| Error::of_sqlite(&self.path, &error))
    }
}

#[cfg(test)]
mod tests;

//! The tables, as numbered migrations that are never edited once released.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::{
    Error, backup,
    crash::{self, Step},
    files,
};

/// How long a call waits for another process to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much a database is worth.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Synchronous {
    /// A commit waits until the disk has it. The file is checked whenever it is opened, and copied before a migration.
    Full,
    /// A commit waits until the system has it.
    Normal,
}

/// Migrations of the job database; the schema's number is how many of them have run.
///
/// Times are milliseconds since 1970 in UTC, amounts millionths of a dollar, structured values JSON.
pub(super) const MAIN: &[&str] = &[
    "
CREATE TABLE jobs (
    seq               INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT NOT NULL UNIQUE,
    request_id        TEXT,
    endpoint          TEXT NOT NULL,
    name              TEXT NOT NULL,
    parent            TEXT,
    server            TEXT NOT NULL,
    key               TEXT NOT NULL,
    state             TEXT NOT NULL,
    unconfirmed_since INTEGER,
    queue_position    INTEGER,
    remote_status     TEXT,
    cancel_requested  INTEGER NOT NULL,
    percent           INTEGER,
    created_at        INTEGER NOT NULL,
    submitted_at      INTEGER,
    started_at        INTEGER,
    completed_at      INTEGER,
    inference_ms      INTEGER,
    estimated_micros  INTEGER,
    billed_units      REAL,
    arguments         TEXT NOT NULL,
    seed_drawn        INTEGER NOT NULL,
    output            TEXT,
    files             TEXT NOT NULL,
    error             TEXT,
    notice            TEXT,
    body              TEXT,
    urls              TEXT,
    owner             TEXT
);
CREATE INDEX jobs_by_time ON jobs (created_at, seq);
CREATE INDEX jobs_by_state ON jobs (state);
CREATE INDEX jobs_by_request ON jobs (request_id) WHERE request_id IS NOT NULL;
CREATE TABLE drafts (
    key       TEXT PRIMARY KEY,
    endpoint  TEXT NOT NULL,
    arguments TEXT NOT NULL,
    name      TEXT NOT NULL,
    parent    TEXT
) WITHOUT ROWID;
",
    "
ALTER TABLE jobs ADD COLUMN unit_micros INTEGER;
ALTER TABLE jobs ADD COLUMN request_hash TEXT;
ALTER TABLE jobs ADD COLUMN over_cap_agreed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN repeat_agreed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN cut_off_agreed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN sender TEXT;
ALTER TABLE jobs ADD COLUMN sent_at INTEGER;
CREATE TABLE deleted_costs (
    at     INTEGER NOT NULL,
    micros INTEGER NOT NULL,
    sender TEXT
);
CREATE INDEX jobs_by_hash ON jobs (request_hash) WHERE request_hash IS NOT NULL;
",
    "
ALTER TABLE jobs ADD COLUMN sweep TEXT;
ALTER TABLE drafts ADD COLUMN saved_at INTEGER NOT NULL DEFAULT 0;
CREATE TABLE takes (
    job         TEXT PRIMARY KEY,
    at          INTEGER NOT NULL,
    voice       TEXT NOT NULL,
    reckoned_ms INTEGER NOT NULL,
    heard_ms    INTEGER
) WITHOUT ROWID;
CREATE TABLE uploads (
    server     TEXT NOT NULL,
    key        TEXT NOT NULL,
    hash       TEXT NOT NULL,
    url        TEXT NOT NULL,
    checked_at INTEGER NOT NULL,
    PRIMARY KEY (server, key, hash)
) WITHOUT ROWID;
",
];

/// Migrations of the log database. Times are microseconds since 1970 in UTC, the precision of fal's own.
pub(super) const LOGS: &[&str] = &["
CREATE TABLE lines (
    job     TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    time    INTEGER NOT NULL,
    level   TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (job, seq)
) WITHOUT ROWID;
"];

/// Opens the database at `path` and runs the migrations that it has not seen.
pub(super) fn open(
    path: &Path,
    migrations: &[&str],
    synchronous: Synchronous,
) -> Result<Connection, Error> {
    files::create_file(path)?;
    let of_sqlite = |error: rusqlite::Error| Error::of_sqlite(path, &error);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    // First of all, and without writing back what the log holds when it is closed, so that nothing at all is changed
    // in a file that is not for us.
    keep_log_at_close(&connection, true).map_err(of_sqlite)?;
    refuse_foreign(&connection, path, migrations)?;
    if synchronous == Synchronous::Full && !is_large(path) {
        refuse_damaged(&connection, path)?;
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let mode = files::JournalMode::for_dir(dir).word();
    // The statement answers with the mode that is now in force.
    connection
        .query_row(&format!("PRAGMA journal_mode = {mode}"), [], |row| {
            row.get::<_, String>(0)
        })
        .map_err(of_sqlite)?;
    let word = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    connection
        .pragma_update(None, "synchronous", word)
        .map_err(of_sqlite)?;
    if synchronous == Synchronous::Full {
        keep_old(&connection, path, migrations)?;
    }
    migrate(&mut connection, migrations).map_err(of_sqlite)?;
    keep_log_at_close(&connection, false).map_err(of_sqlite)?;
    Ok(connection)
}

pub(super) fn connect(path: &Path, access: OpenFlags) -> Result<Connection, Error> {
    let of_sqlite = |error: rusqlite::Error| Error::of_sqlite(path, &error);
    // Without CREATE: a file that vanishes in between is an error, not a fresh start.
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(of_sqlite)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(of_sqlite)?;
    Ok(connection)
}

fn keep_log_at_close(connection: &Connection, keep: bool) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
    Ok(())
}

pub(super) fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let number: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

fn refuse_foreign(connection: &Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let of_sqlite = |error: rusqlite::Error| backup::of_damaged(Error::of_sqlite(path, &error));
    let found = version(connection).map_err(of_sqlite)?;
    if found > migrations.len() {
        return Err(Error::NewerSchema {
            path: path.to_owned(),
            found: i64::try_from(found).unwrap_or(i64::MAX),
            known: i64::try_from(migrations.len()).unwrap_or(i64::MAX),
        });
    }
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(of_sqlite)?;
    if found == 0 && tables > 0 {
        return Err(Error::Corrupt {
            path: path.to_owned(),
            reason: "it is another program's database".to_owned(),
        });
    }
    Ok(())
}

/// Bytes of a database that is looked through at each opening; a larger one would be felt.
const LOOKED_THROUGH: u64 = 4 << 20;

/// Whether the database at `path` is too large to be looked through while somebody waits: see [`check`].
pub(super) fn is_large(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.len() > LOOKED_THROUGH)
}

/// Looks a database through, beside those who work with it.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    refuse_damaged(&connection, path)
}

/// Refuses a file in which SQLite finds something out of place.
fn refuse_damaged(connection: &Connection, path: &Path) -> Result<(), Error> {
    let found = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .map_err(|error| Error::of_sqlite(path, &error))
        .and_then(|finding| match finding.as_str() {
            "ok" => Ok(()),
            // Of several lines the last one says what it is about.
            _ => Err(Error::Corrupt {
                path: path.to_owned(),
                reason: finding.lines().last().unwrap_or_default().to_owned(),
            }),
        });
    found.map_err(backup::of_damaged)
}

/// Copies a database that is about to be migrated; without the copy it is not.
fn keep_old(connection: &Connection, path: &Path, migrations: &[&str]) -> Result<(), Error> {
    let found = version(connection).map_err(|error| Error::of_sqlite(path, &error))?;
    if (1..migrations.len()).contains(&found) {
        backup::before_migration(connection, path, found)?;
        crash::after(Step::BackupMade as u8);
    }
    Ok(())
}

/// Each migration and its number are one transaction: a process killed half-way leaves the old schema.
pub(super) fn migrate(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    while version(connection)? < migrations.len() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have run it while this one waited for the lock.
        let done = version(&transaction)?;
        if let Some(migration) = migrations.get(done) {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(
                None,
                "user_version",
                i64::try_from(done + 1).expect("few"),
            )?;
            crash::after(Step::MigrationRun as u8);
        }
        transaction.commit()?;
        crash::after(Step::Migrated as u8);
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! Migrations that are cut short, by lists of migrations that only tests have.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    process::Command,
};

use super::*;

/// What a talkdeck of some later day would know.
const LATER: &[&str] = &[
    MAIN[0],
    "ALTER TABLE jobs ADD COLUMN later TEXT; UPDATE jobs SET later = 'filled in'; CREATE TABLE more (x);",
    "DROP TABLE more;",
];
/// The directory in which a child process migrates.
const DIR: &str = "TALKDECK_TEST_MIGRATE_IN";
const INSERT: &str = "INSERT INTO jobs (id, endpoint, name, server, key, state, cancel_requested, created_at, arguments,
    seed_drawn, files) VALUES ('3f2a', 'e', 'n', 's', 'k', 'in-queue', 0, 0, '{}', 0, '[]')";

fn old_database(dir: &Path) -> std::path::PathBuf {
    let path = dir.join("talkdeck.db");
    let db = open(&path, &LATER[..1], Synchronous::Full).unwrap();
    db.execute_batch(INSERT).unwrap();
    path
}

/// The files beside the database that are its copies.
fn copies(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut copies: Vec<_> = entries
        .filter(|path| path.to_string_lossy().contains("talkdeck-schema-"))
        .collect();
    copies.sort();
    copies
}

#[test]
fn an_old_database_is_copied_before_it_is_migrated_and_the_copy_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = old_database(dir.path());
    let db = open(&path, LATER, Synchronous::Full).unwrap();
    let filled: String = db
        .query_row("SELECT later FROM jobs", [], |row| row.get(0))
        .unwrap();
    assert_eq!((filled.as_str(), version(&db).unwrap()), ("filled in", 3));
    let [copy] = copies(dir.path()).try_into().unwrap();
    assert_eq!(copy, dir.path().join("talkdeck-schema-1.db"));
    let mode = fs::metadata(&copy).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    drop(open(&path, LATER, Synchronous::Full).unwrap());
    assert_eq!(copies(dir.path()).len(), 1, "nothing was left to migrate");

    // Somebody goes back to the old one, works on it, and comes again: both copies stay.
    let first = fs::read(&copy).unwrap();
    drop(db);
    fs::remove_file(&path).unwrap();
    fs::copy(&copy, &path).unwrap();
    let db = open(&path, &LATER[..1], Synchronous::Full).unwrap();
    db.execute_batch("DELETE FROM jobs").unwrap();
    drop(db);
    drop(open(&path, LATER, Synchronous::Full).unwrap());
    let kept = copies(dir.path());
    assert_eq!(
        kept,
        [dir.path().join("talkdeck-schema-1-2.db"), copy.clone()]
    );
    assert_eq!(fs::read(&copy).unwrap(), first);
}

#[test]
fn what_cannot_be_copied_is_not_migrated() {
    let dir = tempfile::tempdir().unwrap();
    let path = old_database(dir.path());
    let db = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    let nowhere = dir.path().join("no-such-directory/talkdeck.db");
    let error = keep_old(&db, &nowhere, LATER).unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
    assert_eq!(version(&db).unwrap(), 1);
}

#[test]
fn a_migration_that_fails_leaves_the_old_schema() {
    let dir = tempfile::tempdir().unwrap();
    let path = old_database(dir.path());
    let broken = [MAIN[0], "ALTER TABLE jobs ADD COLUMN later TEXT; NONSENSE"];
    assert!(open(&path, &broken, Synchronous::Full).is_err());
    let db = open(&path, &LATER[..1], Synchronous::Full).unwrap();
    assert_eq!(version(&db).unwrap(), 1);
    assert!(db.prepare("SELECT later FROM jobs").is_err());
}

#[test]
fn a_migration_killed_at_any_point_leaves_the_old_schema_or_the_new_and_every_job() {
    for (step, left) in [
        (Step::BackupMade, 1),
        (Step::MigrationRun, 1),
        (Step::Migrated, 2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = old_database(dir.path());
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::schema::tests::a_child_that_migrates"])
            .env("TALKDECK_CRASH_AFTER", (step as u8).to_string())
            .env(DIR, dir.path())
            .output()
            .unwrap();
        assert_eq!(child.status.signal(), Some(9), "{step:?}: {child:?}");

        let db = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        assert_eq!(version(&db).unwrap(), left, "{step:?}");
        let is_new = db.prepare("SELECT later FROM jobs").is_ok();
        let has_more = db.prepare("SELECT x FROM more").is_ok();
        assert_eq!((is_new, has_more), (left == 2, left == 2), "{step:?}");
        drop(db);

        let db = open(&path, LATER, Synchronous::Full).unwrap();
        let jobs: i64 = db
            .query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))
            .unwrap();
        assert_eq!((version(&db).unwrap(), jobs), (3, 1), "{step:?}");
        let oldest = dir.path().join("talkdeck-schema-1.db");
        let copy = connect(&oldest, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_eq!(version(&copy).unwrap(), 1);
        let again = copies(dir.path()).len();
        assert_eq!(
            again, left,
            "{step:?}: one copy of each schema that was left"
        );
    }
}

#[test]
fn a_child_that_migrates() {
    if let Some(dir) = std::env::var_os(DIR) {
        let path = Path::new(&dir).join("talkdeck.db");
        let _ = open(&path, LATER, Synchronous::Full);
    }
}

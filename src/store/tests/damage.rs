//! Databases that a crash, a disk or another hand has spoilt: what can be repaired is, what cannot is left as it is.

use std::path::PathBuf;

use super::*;

/// The bytes of every file in `dir`, by name, but for shared memory and the file that only has a time.
fn bytes_in(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| !path.to_string_lossy().ends_with("-shm") && !path.ends_with(CHANGED_FILE))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// The files of a store with jobs, as a crash leaves them: what was written last is in the write-ahead log.
fn crashed(jobs: usize) -> (tempfile::TempDir, Vec<JobId>) {
    let (dir, store) = open();
    let ids = (0..jobs)
        .map(|number| accepted(&store, &format!("request-{number}")))
        .collect();
    let copy = tempfile::tempdir().unwrap();
    for name in [MAIN_FILE, "talkdeck.db-wal", LOGS_FILE] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    (copy, ids)
}

/// As [`crashed`], with everything written back.
fn settled(jobs: usize) -> (tempfile::TempDir, Vec<u8>) {
    let (dir, _) = crashed(jobs);
    drop(Store::open(dir.path()).unwrap());
    let bytes = fs::read(dir.path().join(MAIN_FILE)).unwrap();
    (dir, bytes)
}

#[test]
fn a_torn_tail_is_repaired_and_costs_nothing_that_was_committed_before_it() {
    let (dir, ids) = crashed(6);
    let log = dir.path().join("talkdeck.db-wal");
    let whole = fs::read(&log).unwrap();
    let mut most = 0;
    for cut in (0..=whole.len()).step_by(1999) {
        fs::write(&log, &whole[..cut]).unwrap();
        let torn = tempfile::tempdir().unwrap();
        for (path, bytes) in bytes_in(dir.path()) {
            fs::write(torn.path().join(path.file_name().unwrap()), bytes).unwrap();
        }
        // Before the first commit there is no table yet, and the log database was made after it.
        let Ok(store) = Store::open(torn.path()) else {
            assert!(cut < whole.len() / 2, "{cut} of {}", whole.len());
            continue;
        };
        let there = ids
            .iter()
            .take_while(|id| store.get(id).unwrap().is_some())
            .count();
        assert!(there >= most, "more of the log holds no fewer jobs");
        assert_eq!(store.list(&JobQuery::default()).unwrap().len(), there);
        most = there;
    }
    assert!(most >= ids.len() - 1, "{most}");
}

#[test]
fn garbage_behind_the_log_is_no_part_of_it() {
    let (dir, ids) = crashed(2);
    let log = dir.path().join("talkdeck.db-wal");
    let mut bytes = fs::read(&log).unwrap();
    bytes.extend([0xa5; 5000]);
    fs::write(&log, bytes).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert!(ids.iter().all(|id| store.get(id).unwrap().is_some()));
}

#[test]
fn a_flipped_byte_is_refused_or_harmless_and_nothing_is_written_over_it() {
    let (_dir, whole) = settled(40);
    let mut refused = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x55;
        let spoilt = tempfile::tempdir().unwrap();
        let path = spoilt.path().join(MAIN_FILE);
        fs::write(&path, &flipped).unwrap();
        match Store::open(spoilt.path()) {
            Ok(store) => drop(store.list(&JobQuery::default())),
            Err(error) => {
                refused += 1;
                assert!(fs::read(&path).unwrap() == flipped, "byte {at}: {error}");
                assert_eq!(error.to_string().lines().count(), 1, "{error}");
            }
        }
        // Whatever can be read, looking at it changes nothing either.
        fs::write(&path, &flipped).unwrap();
        if let Ok((store, _)) = Store::open_to_read(spoilt.path()) {
            drop(store.list(&JobQuery::default()));
        }
    }
    assert!(refused > 3, "{refused} of 150");
}

#[test]
fn a_damaged_database_is_left_as_it_is_copied_once_and_still_read() {
    let (dir, mut bytes) = settled(40);
    let path = dir.path().join(MAIN_FILE);
    // One of the pages with whole jobs is overwritten; the indices have only parts of them.
    let has_jobs = |page: &&mut [u8]| page.windows(11).any(|word| word == b"text_input\"");
    bytes
        .chunks_mut(4096)
        .skip(1)
        .filter(has_jobs)
        .nth(1)
        .unwrap()
        .fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    for _ in 0..2 {
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("talkdeck.db") && text.contains("talkdeck-damaged.db"),
            "{text}"
        );
    }
    let files = bytes_in(dir.path());
    let copies: Vec<_> = files
        .iter()
        .filter(|(path, _)| path.to_string_lossy().contains("damaged"))
        .collect();
    assert_eq!(copies.len(), 1);
    assert!(copies[0].1 == bytes, "the copy is whole");
    assert!(fs::read(&path).unwrap() == bytes, "nothing was changed");

    let (store, refused) = Store::open_to_read(dir.path()).unwrap();
    assert!(refused.is_some());
    let read = store.list(&JobQuery::default()).unwrap().len();
    assert!((1..40).contains(&read), "{read}");
    assert!(store.unreadable() > 0);
    assert!(bytes_in(dir.path()) == files, "looking changes nothing");
}

#[test]
fn what_is_cut_off_or_somebody_elses_is_left_as_it_is() {
    let (_dir, whole) = settled(40);
    let foreign = tempfile::NamedTempFile::new().unwrap();
    Connection::open(foreign.path())
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
        .unwrap();
    let cases = [
        ("cut in a page", whole[..whole.len() - 1500].to_vec()),
        ("cut to its head", whole[..50].to_vec()),
        ("zeros", vec![0; 8192]),
        ("foreign", fs::read(foreign.path()).unwrap()),
        ("text", b"this is no database ".repeat(400)),
    ];
    for (what, bytes) in cases {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(MAIN_FILE);
        fs::write(&path, &bytes).unwrap();
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{what}: {error}");
        assert!(fs::read(&path).unwrap() == bytes, "{what}");
    }
}

#[test]
fn a_newer_schema_in_the_log_alone_is_not_written_back_either() {
    let (dir, _) = crashed(1);
    {
        let db = Connection::open(dir.path().join(MAIN_FILE)).unwrap();
        db.set_db_config(
            rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
            true,
        )
        .unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
    }
    let before = bytes_in(dir.path());
    for _ in 0..2 {
        let error = Store::open(dir.path()).unwrap_err();
        assert!(
            matches!(error, Error::NewerSchema { found: 99, .. }),
            "{error}"
        );
        assert!(Store::open_to_read(dir.path()).is_err());
    }
    assert!(bytes_in(dir.path()) == before, "nothing was changed");
}

#[test]
fn a_row_that_cannot_be_read_does_not_hide_the_others_from_who_only_looks() {
    let (dir, store) = open();
    let good = stored(&store, JobState::QueuedLocally);
    let bad = stored(&store, JobState::QueuedLocally);
    store
        .main()
        .write(|db| {
            db.execute(
                "UPDATE jobs SET arguments = '{' WHERE id = ?1",
                [bad.as_str()],
            )
        })
        .unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    let error = store.list(&JobQuery::default()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    let (store, refused) = Store::open_to_read(dir.path()).unwrap();
    let read = store.list(&JobQuery::default()).unwrap();
    assert_eq!((read.len(), &read[0].id, store.unreadable()), (1, &good, 1));
    assert!(refused.is_none());
}

/// Lets the database grow no further, as a full disk does.
fn fill(store: &Store) {
    let pages: i64 = store
        .main()
        .read(|db| db.query_row("PRAGMA page_count", [], |row| row.get(0)))
        .unwrap();
    store
        .main()
        .read(|db| db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())))
        .unwrap();
}

#[test]
fn on_a_full_disk_an_intent_is_refused_and_what_stands_keeps_its_state() {
    let (_dir, store) = open();
    let old = stored(&store, JobState::QueuedLocally);
    fill(&store);
    let mut refused = None;
    for _ in 0..200 {
        let mut large = job(JobState::QueuedLocally);
        large.arguments.set("text_input", "long ".repeat(2000));
        if let Err(error) = store.insert(&large, None) {
            refused = Some((large.id, error));
            break;
        }
    }
    let (id, error) = refused.expect("the disk is full at last");
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert_eq!(store.get(&id).unwrap(), None, "nothing of it is there");
    // The body that is to be sent finds no room: the job stays unsent.
    let owner = OwnerId::new("me");
    store.claim(&old, Some(&me()), &owner).unwrap();
    let body = "long ".repeat(20_000);
    let key = key();
    let error = store
        .begin_submit(&old, &body, &key, &owner, &Cap::default())
        .unwrap_err();
    assert!(matches!(error, Error::Full { .. }), "{error}");
    assert_eq!(state_of(&store, &old), JobState::QueuedLocally);
}

#[test]
fn damage_in_a_large_database_is_found_by_the_look_that_nobody_waits_for() {
    let (dir, store) = open();
    let mut large = job(JobState::QueuedLocally);
    large
        .arguments
        .set("text_input", "words ".repeat(1_000_000));
    store.insert(&large, None).unwrap();
    for _ in 0..40 {
        accepted(&store, "request");
    }
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert!(store.check().is_ok());
    drop(store);
    let path = dir.path().join(MAIN_FILE);
    let mut bytes = fs::read(&path).unwrap();
    // A page of the long text: its chain leads nowhere.
    let at = bytes.len() / 2 / 4096 * 4096;
    bytes[at..at + 4].fill(0xff);
    fs::write(&path, &bytes).unwrap();
    let store = Store::open(dir.path()).unwrap();
    let error = store.check().unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains("a copy is kept in"), "{error}");
}

//! Rules of the store, on real files.

mod damage;

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use serde_json::{Value, json};

mod life;

use super::*;
use crate::model::{
    Arguments, Budget, CleanText, Draft, Job, JobError, JobId, JobState, Level, LogLine, RequestId,
    ServerId, Timestamp, Usd,
    draft::Slot,
    job::{Account, Cost, FieldError, FileKind, SavedFile},
    log_line::MOST_LINES,
    request::{Consent, RequestUrls},
    server::KeyFingerprint,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn key() -> KeyFingerprint {
    KeyFingerprint::from_stored("0011223344556677".to_owned())
}

fn me() -> OwnerId {
    OwnerId::new("me")
}

fn urls() -> RequestUrls {
    RequestUrls {
        status: "https://queue.fal.run/s".to_owned(),
        response: "https://queue.fal.run/r".to_owned(),
        cancel: "https://queue.fal.run/c".to_owned(),
    }
}

fn job(state: JobState) -> Job {
    Job {
        id: JobId::random(),
        request_id: None,
        endpoint: "fal-ai/infinitalk/single-text".parse().unwrap(),
        name: CleanText::line("anna intro"),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: key(),
        },
        state,
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at: at(0),
        submitted_at: None,
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: Some(Usd::from_dollars(1.16)),
        unit_price: Some(Usd::from_dollars(0.2)),
        billed_units: None,
        arguments: serde_json::from_value::<Arguments>(json!({"text_input": "hi", "seed": 7}))
            .unwrap(),
        seed_drawn: true,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: Vec::new(),
        error: None,
        notice: None,
    }
}

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    (dir, store)
}

fn stored(store: &Store, state: JobState) -> JobId {
    let job = job(state);
    store.insert(&job, Some(&me())).unwrap();
    job.id
}

fn state_of(store: &Store, id: &JobId) -> JobState {
    store.get(id).unwrap().unwrap().state
}

/// Takes a fresh job to in-queue the proper way.
/// Wins the race for a submit, if it can be won.
fn begin(store: &Store, id: &JobId, body: &str, owner: &OwnerId) -> Option<Job> {
    let begun = store
        .begin_submit(id, body, &key(), owner, &Cap::default())
        .unwrap();
    match begun {
        Begun::Won(job) => Some(*job),
        Begun::Lost => None,
        Begun::OverCap(over) => panic!("there is no cap: {over}"),
    }
}

fn accepted(store: &Store, request_id: &str) -> JobId {
    let id = stored(store, JobState::QueuedLocally);
    begin(store, &id, "{}", &me()).unwrap();
    store
        .accept(&id, &RequestId::new(request_id), &urls(), Some(2), at(1))
        .unwrap()
        .unwrap();
    id
}

#[test]
fn many_that_open_a_new_store_at_once_all_get_it() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let go = std::sync::Barrier::new(6);
        let opened: Vec<_> = std::thread::scope(|scope| {
            let open = || {
                go.wait();
                Store::open(dir.path()).map(drop)
            };
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        for outcome in opened {
            outcome.unwrap();
        }
    }
}

#[test]
fn every_field_of_a_job_reads_back() {
    let (_dir, store) = open();
    let mut whole = job(JobState::Unconfirmed { since: at(5) });
    whole.request_id = Some(RequestId::new("r\u{1b}-1"));
    whole.parent = Some(JobId::random());
    whole.remote_status = Some(CleanText::line("PAUSED"));
    whole.cancel_requested = true;
    whole.percent = Some(62);
    whole.submitted_at = Some(at(1));
    whole.started_at = Some(at(2));
    whole.completed_at = Some(at(3));
    whole.inference_time = Some(Duration::from_millis(41_700));
    whole.billed_units = Some(5.8);
    whole.output = Some(json!({"video": {"url": "https://v3.fal.media/x.mp4"}, "seed": null}));
    whole.files = vec![SavedFile {
        path: "/results/a.mp4".into(),
        kind: FileKind::Video,
        bytes: 242_193,
    }];
    whole.error = Some(JobError {
        kind: CleanText::line("face_detection_error"),
        message: CleanText::line("no face found"),
        fields: vec![FieldError::new("image_url", "no face")],
    });
    whole.notice = Some(CleanText::line("retrying in 4 s"));
    store.insert(&whole, None).unwrap();
    assert_eq!(store.get(&whole.id).unwrap(), Some(whole));

    let queued = job(JobState::InQueue { position: Some(3) });
    store.insert(&queued, None).unwrap();
    assert_eq!(store.get(&queued.id).unwrap(), Some(queued));
}

#[test]
fn what_is_made_is_for_the_user_alone() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data");
    let store = Store::open(&dir).unwrap();
    stored(&store, JobState::QueuedLocally);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 2, "both databases are there");
}

#[test]
fn every_commit_of_a_job_waits_for_the_disk_and_logs_do_not() {
    let (_dir, store) = open();
    let synchronous = |database: &Database| {
        database
            .read(|db| db.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0)))
            .unwrap()
    };
    assert_eq!(synchronous(store.main()), 2, "FULL");
    assert_eq!(synchronous(store.log_lines()), 1, "NORMAL");
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let (dir, store) = open();
    stored(&store, JobState::QueuedLocally);
    store
        .main()
        .read(|db| db.pragma_update(None, "user_version", 99))
        .unwrap();
    drop(store);
    let error = Store::open(dir.path()).unwrap_err();
    assert!(
        matches!(error, Error::NewerSchema { found: 99, .. }),
        "{error}"
    );
    let path = dir.path().join(MAIN_FILE);
    let count: i64 = Connection::open(path)
        .unwrap()
        .query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 1);
}

#[test]
fn a_damaged_file_is_reported_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(MAIN_FILE);
    let garbage = "this is no database ".repeat(400);
    fs::write(&path, &garbage).unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
}

#[test]
fn an_emptied_database_and_a_foreign_one_are_refused() {
    let (dir, store) = open();
    drop(store);
    fs::write(dir.path().join(MAIN_FILE), "").unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");

    let dir = tempfile::tempdir().unwrap();
    Connection::open(dir.path().join(MAIN_FILE))
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x)")
        .unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("data")).unwrap_err().to_string();
    assert!(error.contains("file/data"), "{error}");
}

#[test]
fn a_job_is_found_by_a_unique_beginning_or_by_its_request_id() {
    let (_dir, store) = open();
    let mut ids = Vec::new();
    for text in ["aaaa00000001", "aaaa00000002", "bbbb00000001"] {
        let mut job = job(JobState::QueuedLocally);
        job.id = text.parse().unwrap();
        store.insert(&job, Some(&me())).unwrap();
        ids.push(job.id);
    }
    begin(&store, &ids[2], "{}", &me());
    let request = RequestId::new("0B6F-uuid");
    store
        .accept(&ids[2], &request, &urls(), None, at(1))
        .unwrap();
    assert_eq!(store.find(" BBBB ").unwrap().id, ids[2]);
    assert_eq!(store.find("0B6F-uuid").unwrap().id, ids[2]);
    assert!(matches!(store.find("aaaa"), Err(FindError::Ambiguous { ids, .. }) if ids.len() == 2));
    for nothing in ["", "cccc", "%", "\u{1b}[2J"] {
        let error = store.find(nothing).unwrap_err();
        assert!(matches!(error, FindError::None { .. }), "{nothing:?}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
}

#[test]
fn a_list_is_newest_first_filtered_and_paged() {
    let (_dir, store) = open();
    let mut ids = Vec::new();
    for second in 0..6 {
        let mut job = job(if second % 2 == 0 {
            JobState::QueuedLocally
        } else {
            JobState::Draft
        });
        // Two jobs of one moment keep the order in which they were made.
        job.created_at = at(second / 2);
        job.name = CleanText::line(&format!("100% take_{second}"));
        store.insert(&job, None).unwrap();
        ids.insert(0, job.id);
    }
    let list = |query: &JobQuery| -> Vec<JobId> {
        store
            .list(query)
            .unwrap()
            .into_iter()
            .map(|job| job.id)
            .collect()
    };
    assert_eq!(list(&JobQuery::default()), ids);
    let page = JobQuery {
        limit: Some(2),
        before: Some(ids[1].clone()),
        ..JobQuery::default()
    };
    assert_eq!(list(&page), ids[2..4]);
    let drafts = JobQuery {
        states: vec![JobState::Draft],
        ..JobQuery::default()
    };
    assert_eq!(list(&drafts), [&ids[0], &ids[2], &ids[4]].map(Clone::clone));
    for (text, hits) in [
        ("TAKE_5", 1),
        ("0% t", 6),
        ("_", 6),
        ("%%", 0),
        ("text_input", 6),
    ] {
        let query = JobQuery {
            text: Some(text.to_owned()),
            ..JobQuery::default()
        };
        assert_eq!(list(&query).len(), hits, "{text}");
    }
    let counts = store.counts().unwrap();
    assert_eq!((counts.of(&JobState::Draft), counts.total()), (3, 6));
}

#[test]
fn log_lines_are_numbered_within_their_job_and_keep_their_microseconds() {
    let (_dir, store) = open();
    let (a, b) = (JobId::random(), JobId::random());
    let line = |n: i64| {
        LogLine::new(
            Timestamp::from_microsecond(1_790_000_000_123_456 + n).unwrap(),
            Level::Stderr,
            &format!("line {n}"),
        )
    };
    assert_eq!(store.append_logs(&a, &[line(0), line(1)]).unwrap(), 2);
    assert_eq!(store.append_logs(&b, &[line(9)]).unwrap(), 1);
    assert_eq!(store.append_logs(&a, &[line(2)]).unwrap(), 3);
    assert_eq!(store.logs(&a, 1, 10).unwrap(), [line(1), line(2)]);
    assert_eq!(store.logs(&a, 0, 1).unwrap(), [line(0)]);
    assert_eq!(store.log_count(&a).unwrap(), 3);
}

#[test]
fn a_log_keeps_its_first_lines_and_says_that_there_were_more() {
    let (_dir, store) = open();
    let id = JobId::random();
    let line = |n: usize| LogLine::new(Timestamp::UNIX_EPOCH, Level::Info, &format!("line {n}"));
    let lines: Vec<_> = (0..MOST_LINES + 10).map(line).collect();
    let most = MOST_LINES as u64;
    assert_eq!(
        store.append_logs(&id, &lines[..MOST_LINES - 2]).unwrap(),
        most - 2
    );
    assert_eq!(
        store.append_logs(&id, &lines[MOST_LINES - 2..]).unwrap(),
        most
    );
    assert_eq!(store.append_logs(&id, &lines).unwrap(), most);
    assert_eq!(store.log_count(&id).unwrap(), most);
    let end = store.logs(&id, most - 2, 10).unwrap();
    assert_eq!(end[0], line(MOST_LINES - 2));
    assert_eq!(
        end[1].message.as_str(),
        "the log goes on; 50000 lines are kept"
    );
    assert_eq!((end.len(), end[1].level), (2, Level::Warn));
}

#[test]
fn a_draft_reads_back_and_the_next_one_takes_its_place() {
    let (_dir, store) = open();
    let draft = |name: &str| Draft {
        endpoint: "fal-ai/infinitalk/single-text".parse().unwrap(),
        arguments: [("text_input".to_owned(), Value::from("one\ntwo"))]
            .into_iter()
            .collect(),
        name: CleanText::line(name),
        parent: Some(JobId::random()),
    };
    let (first, second) = (draft("first"), draft("second"));
    let named = Slot::Named("teaser".into());
    store.save_draft(&Slot::Editor, &first, at(1)).unwrap();
    store.save_draft(&Slot::Editor, &second, at(2)).unwrap();
    store.save_draft(&named, &first, at(3)).unwrap();
    assert_eq!(store.draft(&Slot::Editor).unwrap(), Some(second));
    let kept = store.drafts().unwrap();
    let slots: Vec<_> = kept.iter().map(|kept| kept.slot.clone()).collect();
    assert_eq!(slots, [named.clone(), Slot::Editor], "the newest first");
    store.delete_draft(&named).unwrap();
    assert_eq!(store.draft(&named).unwrap(), None);
}

#[test]
fn another_connection_changes_the_data_version_and_our_own_does_not() {
    let (dir, store) = open();
    let other = Store::open(dir.path()).unwrap();
    let before = store.data_version().unwrap();
    stored(&store, JobState::QueuedLocally);
    assert_eq!(store.data_version().unwrap(), before);
    stored(&other, JobState::QueuedLocally);
    assert_ne!(store.data_version().unwrap(), before);
}

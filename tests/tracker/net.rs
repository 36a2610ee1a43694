//! The tracker on a bad line: a gate before the small fal breaks, delays and falsifies what goes through it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use talkdeck::{
    model::{
        Job, JobId, JobState, RequestId, ServerId, Timestamp, job::Account, request::RequestUrls,
    },
    server::Gate,
    tracker::{CancelOutcome, Options, Report},
};

use crate::{
    fake_fal::{self, FakeFal, Submit},
    rig::{self, Rig, state_is},
    saved_in, texts, video_of,
};

/// A small fal, the gate before it, and a tracker that knows only the gate.
async fn behind(scenario: &str, change: impl FnOnce(&mut Options)) -> (FakeFal, Gate, Rig) {
    let fal = FakeFal::start().await;
    let gate = Gate::open(scenario.parse().unwrap(), fal.address())
        .await
        .unwrap();
    let mut server = fal.server("id:secret");
    server.hosts = talkdeck::model::server::Hosts::at(gate.url());
    let rig = Rig::in_dir(Arc::new(tempfile::tempdir().unwrap()), server, change);
    (fal, gate, rig)
}

fn fault(on: &str, times: u32, rest: &str) -> String {
    format!("[[fault]]\non = \"{on}\"\ntimes = {times}\n{rest}\n")
}

async fn submit(rig: &Rig) -> Job {
    // Nothing to upload: the submit is the first call.
    let wish = rig::wish(Path::new("https://v3.fal.media/face.png"));
    rig.tracker.submit(wish).await.unwrap()
}

fn says(job: &Job, what: &str) -> bool {
    job.notice
        .as_ref()
        .is_some_and(|notice| notice.as_str().contains(what))
}

#[tokio::test]
async fn an_answer_that_is_lost_on_the_line_is_found_in_the_list_whatever_broke_it() {
    for what in [
        "do = \"reset\"\narrives = true",
        "do = \"hang\"\narrives = true",
        "do = \"html\"\narrives = true",
        "do = \"html\"\ncode = 403\narrives = true",
        "do = \"status\"\ncode = 502\narrives = true",
        "do = \"status\"\ncode = 503\narrives = true",
        "do = \"status\"\ncode = 504\narrives = true",
        "do = \"status\"\ncode = 200\nbody = '{\"request_id\": null}'\narrives = true",
        "do = \"cut\"\nbytes = 0",
        "do = \"cut\"\nbytes = 9",
        "do = \"cut\"\nbytes = 200",
        "do = \"slow\"\nbytes = 1\nseconds = 0.1",
    ] {
        let (fal, _gate, rig) = behind(&fault("submit", 1, what), |_| {}).await;
        let sent = submit(&rig).await;
        rig.job(&sent.id, |job| job.request_id.is_some()).await;
        fal.complete();
        let done = rig.job(&sent.id, state_is("completed")).await;
        assert_eq!((fal.bills(), fal.posts()), (1, 1), "{what}");
        assert_eq!(video_of(&done), fake_fal::VIDEO, "{what}");
    }
}

#[tokio::test]
async fn what_may_have_been_sent_is_not_sent_again_though_it_never_arrived() {
    for what in [
        "do = \"reset\"",
        "do = \"hang\"",
        "do = \"html\"",
        "do = \"status\"\ncode = 502",
        "do = \"status\"\ncode = 503",
        "do = \"status\"\ncode = 504",
    ] {
        let (fal, _gate, rig) = behind(&fault("submit", 1, what), |_| {}).await;
        let sent = submit(&rig).await;
        rig.job(&sent.id, |job| says(job, "does not have it so far"))
            .await;
        rig.job(&sent.id, state_is("unconfirmed")).await;
        assert_eq!((fal.bills(), fal.posts()), (0, 0), "{what}");
    }
}

#[tokio::test]
async fn a_job_that_appears_in_the_list_only_later_is_adopted_by_itself() {
    let scenario = fault("submit", 1, "do = \"hang\"\narrives = true");
    let (fal, _gate, rig) = behind(&scenario, |_| {}).await;
    fal.hide_list(true);
    let sent = submit(&rig).await;
    rig.job(&sent.id, state_is("unconfirmed")).await;
    rig::eventually("the list is asked again and again", || fal.lists() >= 3).await;
    let waiting = rig.job(&sent.id, |job| job.notice.is_some()).await;
    assert_eq!(
        (waiting.state.name(), waiting.request_id),
        ("unconfirmed", None)
    );
    fal.hide_list(false);
    let adopted = rig.job(&sent.id, |job| job.request_id.is_some()).await;
    assert_eq!(adopted.request_id, Some(RequestId::new("request-0")));
    fal.complete();
    rig.job(&sent.id, state_is("completed")).await;
    assert_eq!((fal.bills(), fal.posts()), (1, 1));
}

#[tokio::test]
async fn a_clock_that_was_set_back_hides_no_request_from_us() {
    let (fal, _gate, rig) = behind("", |_| {}).await;
    fal.plan(Submit::BadGateway);
    fal.hide_list(true);
    let sent = submit(&rig).await;
    rig.job(&sent.id, state_is("unconfirmed")).await;
    // As if it had been confirmed tomorrow.
    let tomorrow = sent.created_at + Duration::from_hours(24);
    let db = rusqlite::Connection::open(rig.dir().join(talkdeck::store::MAIN_FILE)).unwrap();
    db.busy_timeout(Duration::from_secs(10)).unwrap();
    db.execute(
        "UPDATE jobs SET created_at = ?1",
        [tomorrow.as_millisecond()],
    )
    .unwrap();
    let moved = rig
        .job(&sent.id, |job| job.created_at > sent.created_at)
        .await;
    assert_eq!(
        moved.elapsed(Timestamp::now()),
        Duration::ZERO,
        "no negative time"
    );
    fal.hide_list(false);
    rig.tracker.settle(&sent.id).await.unwrap();
    rig.job(&sent.id, |job| job.request_id.is_some()).await;
    assert_eq!(fal.posts(), 1);
}

#[tokio::test]
async fn a_server_that_asks_for_time_gets_it_and_is_never_stormed() {
    let in_seven =
        (Timestamp::now() + Duration::from_secs(8)).strftime("%a, %d %b %Y %H:%M:%S GMT");
    let cases = [
        ("7".to_owned(), 7.0),
        ("1.5".to_owned(), 1.5),
        (in_seven.to_string(), 5.0),
        ("0".to_owned(), 0.0),
        ("Sun, 06 Nov 1994 08:49:37 GMT".to_owned(), 0.0),
        ("soon".to_owned(), 0.0),
        ("-7".to_owned(), 0.0),
    ];
    for (after, least) in cases {
        let what = format!(
            "do = \"status\"\ncode = 429\nheaders = {{ retry-after = \"{after}\" }}\nbody = '{{\"detail\": \"queue is full\"}}'"
        );
        let (fal, _gate, rig) = behind(&fault("submit", 4, &what), |_| {}).await;
        let began = Instant::now();
        let sent = submit(&rig).await;
        rig.job(&sent.id, state_is("in-queue")).await;
        // A second of the tracker's takes ten milliseconds here.
        let waited = began.elapsed().as_secs_f64() * 100.0;
        assert!(waited >= 4.0 * least, "{after}: {waited} s");
        assert_eq!((fal.bills(), fal.posts()), (1, 1), "{after}");
    }
}

#[tokio::test]
async fn an_absurd_wait_is_capped_and_shown() {
    for (after, shown) in [
        ("1000000000", "10 min"),
        ("Thu, 31 Dec 2099 23:59:59 GMT", "10 min"),
        ("7", "s"),
    ] {
        let what = format!(
            "do = \"status\"\ncode = 429\nheaders = {{ retry-after = \"{after}\" }}\nbody = '{{\"detail\": \"queue is full\"}}'"
        );
        // Real seconds: the wait must be seen, not sat through.
        let (fal, _gate, rig) = behind(&fault("submit", 0, &what), |options| {
            options.second = Duration::from_secs(1);
        })
        .await;
        let sent = submit(&rig).await;
        let waiting = rig.job(&sent.id, |job| says(job, "trying again in")).await;
        assert_eq!(waiting.state, JobState::QueuedLocally);
        assert!(
            says(&waiting, "queue is full") && says(&waiting, shown),
            "{:?}",
            waiting.notice
        );
        if after == "7" {
            assert!(
                says(&waiting, "in 7 s") || says(&waiting, "in 8 s"),
                "{:?}",
                waiting.notice
            );
        }
        assert_eq!(fal.bills(), 0);
    }
}

#[tokio::test]
async fn nothing_that_goes_wrong_on_the_way_fails_a_job() {
    let weird = [
        "{}",
        "[]",
        "null",
        "{\"status\": null}",
        "{\"status\": 7, \"logs\": {}}",
        "{\"status\": [\"COMPLETED\"]}",
        "{\"status\": \"COMPLETED \"}",
        "{\"status\": \"FAILED\"}",
        "{\"status\": \"\", \"queue_position\": \"three\"}",
        "{\"status\": \"IN_QUEUE\", \"queue_position\": -1, \"metrics\": 3, \"error\": 0}",
        "{\"status\": \"IN_PROGRESS\", \"logs\": [1, null, {\"message\": null}], \"brand_new\": {}}",
    ];
    let words = weird.map(|body| format!("do = \"status\"\ncode = 200\nbody = '{body}'"));
    let faults = [
        "do = \"status\"\ncode = 500",
        "do = \"status\"\ncode = 503\nheaders = { retry-after = \"1\" }",
        "do = \"status\"\ncode = 429",
        "do = \"status\"\ncode = 403\nbody = '{\"detail\": \"User is locked.\"}'",
        "do = \"status\"\ncode = 422\nbody = '{\"detail\": \"odd\"}'",
        "do = \"status\"\ncode = 302\nheaders = { location = \"http://127.0.0.1:9/\" }",
        "do = \"html\"",
        "do = \"reset\"",
        "do = \"hang\"",
        "do = \"cut\"\nbytes = 100",
        "do = \"slow\"\nbytes = 1\nseconds = 0.05",
    ];
    let all = faults.iter().map(ToString::to_string).chain(words);
    for what in all {
        let scenario = fault("stream", 0, &what) + &fault("status", 3, &what);
        let (fal, _gate, rig) = behind(&scenario, |options| {
            options.timing.answer = Duration::from_millis(150);
            options.timing.stream = Duration::from_millis(150);
        })
        .await;
        let sent = submit(&rig).await;
        rig.job(&sent.id, |job| job.request_id.is_some()).await;
        fal.run("one\ntwo");
        rig.log_has(&sent.id, 2).await;
        let running = rig.job(&sent.id, state_is("in-progress")).await;
        assert_eq!(running.error, None, "{what}");
        fal.complete();
        let done = rig.job(&sent.id, state_is("completed")).await;
        assert_eq!(texts(&rig, &done), ["one", "two"], "{what}");
        assert_eq!((fal.bills(), done.notice), (1, None), "{what}");
    }
}

#[tokio::test]
async fn a_stream_that_says_nothing_for_long_does_not_hide_the_end() {
    // Comments come and go, and never a status.
    let comments = ": ping\n\n".repeat(20_000);
    let what = format!(
        "do = \"status\"\ncode = 200\nheaders = {{ content-type = \"text/event-stream\" }}\nbody = '''\n{comments}'''"
    );
    let (fal, _gate, rig) = behind(&fault("stream", 1, &what), |_| {}).await;
    let sent = submit(&rig).await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.complete();
    rig.job(&sent.id, state_is("completed")).await;
    // An open stream of the server itself is not believed to be all there is, either.
    let (fal, _gate, rig) = behind("", |_| {}).await;
    let sent = submit(&rig).await;
    rig.job(&sent.id, state_is("in-queue")).await;
    rig::eventually("it is polled beside the silent stream", || fal.polls() >= 2).await;
}

#[tokio::test]
async fn every_way_for_a_result_to_be_missing_ends_as_what_it_is() {
    let detail = "headers = { content-type = \"application/json\" }\nbody = '{\"detail\": \"the runner broke\"}'";
    // What passes is waited for.
    for passing in [
        format!("do = \"status\"\ncode = 500\n{detail}"),
        "do = \"status\"\ncode = 503".to_owned(),
        "do = \"status\"\ncode = 403\nbody = '{\"detail\": \"User is locked.\"}'".to_owned(),
        "do = \"html\"".to_owned(),
        "do = \"reset\"".to_owned(),
        "do = \"cut\"\nbytes = 150".to_owned(),
        "do = \"status\"\ncode = 200\nbody = 'null'".to_owned(),
    ] {
        let (fal, _gate, rig) = behind(&fault("result", 2, &passing), |_| {}).await;
        let sent = submit(&rig).await;
        fal.complete();
        let done = rig.job(&sent.id, state_is("completed")).await;
        assert_eq!(video_of(&done), fake_fal::VIDEO, "{passing}");
        assert_eq!((fal.bills(), saved_in(&done).len()), (1, 2), "{passing}");
    }
    // What is gone is gone, once the list does not have it either.
    for code in [404, 410] {
        let what = format!("do = \"status\"\ncode = {code}\nbody = '{{\"detail\": \"expired\"}}'");
        let (fal, _gate, rig) = behind(&fault("result", 0, &what), |_| {}).await;
        fal.hide_list(true);
        let sent = submit(&rig).await;
        fal.complete();
        let gone = rig.job(&sent.id, state_is("expired")).await;
        assert_eq!((gone.error, gone.output), (None, None), "{code}");
    }
    // But not while the list cannot be asked, or answers with what is none.
    let gone = fault(
        "result",
        0,
        "do = \"status\"\ncode = 404\nbody = '{\"status\": \"NOT_FOUND\"}'",
    );
    let scenario = gone
        + &fault("list", 1, "do = \"html\"")
        + &fault("list", 3, "do = \"status\"\ncode = 200\nbody = '{}'");
    let (fal, _gate, rig) = behind(&scenario, |_| {}).await;
    let sent = submit(&rig).await;
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(video_of(&done), fake_fal::VIDEO);
    // A refusal names its fields.
    let (fal, _gate, rig) = behind("", |_| {}).await;
    let sent = submit(&rig).await;
    fal.fail(
        422,
        &json!({"detail": [{"loc": ["body", "voice"], "msg": "no such voice", "type": "enum"}]}),
    );
    let error = rig.job(&sent.id, state_is("failed")).await.error.unwrap();
    assert_eq!(
        (error.fields[0].name.as_str(), error.message.as_str()),
        ("voice", "no such voice")
    );
}

#[tokio::test]
async fn a_key_that_is_refused_in_the_middle_stops_every_call_of_every_job() {
    let fal = FakeFal::start().await;
    let mut rig = Rig::start(&fal);
    let mut jobs = Vec::new();
    for _ in 0..6 {
        jobs.push(rig.submit().await);
    }
    for job in &jobs {
        rig.job(&job.id, state_is("in-queue")).await;
    }
    fal.plan(Submit::BadGateway);
    fal.hide_list(true);
    let lost = rig.submit().await;
    rig.job(&lost.id, state_is("unconfirmed")).await;
    fal.accept_key("id:new");
    // Every stream ends; what is asked then is refused.
    fal.drop_streams();
    rig.report(|report| matches!(report, Report::Unauthorized { .. }))
        .await;
    rig::eventually("calls go out and are refused", || fal.refused_keys() > 0).await;
    // Whatever was under way comes in, and then nothing more: a hundred of the tracker's seconds.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let refused = fal.refused_keys();
    assert!(refused <= 8, "each job asks once at most: {refused}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        fal.refused_keys(),
        refused,
        "a refused key is not used again"
    );
    for job in jobs.iter().chain([&lost]) {
        assert!(!rig.store.get(&job.id).unwrap().unwrap().state.is_terminal());
    }
    fal.hide_list(false);
    rig.tracker.add_server(fal.server("id:new")).await.unwrap();
    fal.complete();
    for job in jobs.iter().chain([&lost]) {
        rig.job(&job.id, state_is("completed")).await;
    }
    assert_eq!((fal.bills(), fal.refused_keys()), (7, refused));
}

#[tokio::test]
async fn a_cancel_that_the_server_knows_nothing_of_or_that_races_the_end_claims_nothing() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    // The server does not know it: it is followed on.
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.answer_cancels(404, "NOT_FOUND");
    assert_eq!(
        rig.tracker.cancel(&sent.id).await.unwrap(),
        CancelOutcome::NotFound
    );
    let asked = rig.job(&sent.id, |job| job.cancel_requested).await;
    assert_eq!(asked.state.name(), "in-queue");
    // It was stopped too late: the wish stays to be seen, and so does the video.
    fal.answer_cancels(202, "CANCELLATION_REQUESTED");
    let ((), outcome) = tokio::join!(async { fal.complete() }, rig.tracker.cancel(&sent.id));
    assert!(
        matches!(
            outcome,
            Ok(CancelOutcome::Requested | CancelOutcome::TooLate)
        ),
        "{outcome:?}"
    );
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert!(done.cancel_requested);
    assert_eq!(video_of(&done), fake_fal::VIDEO);
    // It says OK to a job that runs: what became of it, the status tells.
    fal.set_status("IN_QUEUE");
    let sent = rig.submit().await;
    fal.run("started");
    rig.job(&sent.id, state_is("in-progress")).await;
    fal.answer_cancels(200, "OK");
    assert_eq!(
        rig.tracker.cancel(&sent.id).await.unwrap(),
        CancelOutcome::Requested
    );
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(video_of(&done), fake_fal::VIDEO);
    assert_eq!(fal.bills(), 2);
}

/// A job that waits in the server's queue, as an earlier process has left it.
fn waiting_job(rig: &Rig, number: usize, server: &talkdeck::model::Server) -> Job {
    let wish = rig::wish(Path::new("https://v3.fal.media/face.png"));
    let job = Job {
        id: JobId::random(),
        request_id: Some(RequestId::new(format!("request-{number}"))),
        endpoint: wish.endpoint,
        name: format!("take {number}").into(),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: server.fingerprint(),
        },
        state: JobState::InQueue { position: Some(1) },
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at: Timestamp::now(),
        submitted_at: Some(Timestamp::now()),
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: None,
        unit_price: None,
        billed_units: None,
        arguments: wish.arguments,
        seed_drawn: false,
        request_hash: None,
        consent: wish.consent,
        output: None,
        files: Vec::new(),
        error: None,
        notice: None,
    };
    rig.store.insert(&job, None).unwrap();
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_jobs_ask_at_one_bounded_rate_also_after_a_sleep() {
    const JOBS: usize = 200;
    let fal = FakeFal::start().await;
    // A tracker's second is a fifth of one: at most a hundred questions in each of ours.
    let rig = Rig::with(&fal, |options| options.second = Duration::from_millis(200));
    for number in 0..JOBS {
        waiting_job(&rig, number, &fal.server("id:secret"));
    }
    let began = Instant::now();
    rig.tracker.recover().await.unwrap();
    rig::eventually("every job is followed", || fal.streams() as usize >= JOBS).await;
    let most = |asked: usize, since: Instant| {
        // A gap of ten milliseconds between two, and some that are on their way.
        let allowed = since.elapsed().as_millis() / 10 + 20;
        assert!(
            asked as u128 <= allowed,
            "{asked} questions where {allowed} were allowed"
        );
    };
    let asked = || (fal.streams() + fal.polls()) as usize;
    most(asked(), began);
    // The machine wakes up and every connection is dead at once.
    let (before, woken) = (asked(), Instant::now());
    fal.drop_streams();
    rig::eventually("every job is asked for", || fal.polls() as usize >= JOBS).await;
    most(asked() - before, woken);
    // Without streams, each goes on being polled, ever more slowly.
    fal.cut_streams_after(0);
    let (before, polled) = (asked(), Instant::now());
    fal.drop_streams();
    rig::eventually("polling goes on", || asked() >= before + 2 * JOBS).await;
    most(asked() - before, polled);
    rig.tracker.release().await;
}

#[tokio::test]
async fn addresses_elsewhere_are_not_called_and_the_log_of_the_job_says_so() {
    let fal = FakeFal::start().await;
    let elsewhere = FakeFal::start().await;
    let mut rig = Rig::start(&fal);
    let job = waiting_job(&rig, 0, &fal.server("id:secret"));
    let database = rig.dir().join(talkdeck::store::MAIN_FILE);
    let name_addresses = |base: &str| {
        let urls = RequestUrls {
            status: format!("{base}/status"),
            response: base.to_owned(),
            cancel: format!("{base}/cancel"),
        };
        let db = rusqlite::Connection::open(&database).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        let urls = serde_json::to_string(&urls).unwrap();
        db.execute("UPDATE jobs SET urls = ?1", [urls]).unwrap();
    };
    name_addresses("https://queue.fal.run.evil.test/x");
    rig.tracker.recover().await.unwrap();
    let is_told = |report: &Report| matches!(report, Report::Trouble { message } if message.as_str().contains("must not go to"));
    rig.report(is_told).await;
    rig.log_has(&job.id, 1).await;
    rig.tracker.release().await;
    name_addresses(&format!("{}x", elsewhere.url()));
    let rig = rig.beside(&fal);
    // Once in the job's life, however often it is taken up.
    rig.tracker.recover().await.unwrap();
    fal.complete();
    let done = rig.job(&job.id, state_is("completed")).await;
    let told: Vec<_> = texts(&rig, &done);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("followed at the usual ones"), "{told:?}");
    assert_eq!(
        (
            elsewhere.polls(),
            elsewhere.streams(),
            elsewhere.refused_keys()
        ),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn what_a_server_tells_wrong_about_a_video_is_seen_and_measured() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    for (size, kind, want) in [
        (json!(-7), "video/mp4", Some("the server told -7")),
        (
            json!(1_u64 << 40),
            "video/mp4",
            Some("the server told 1099511627776"),
        ),
        (
            json!(fake_fal::VIDEO.len()),
            "image/png",
            Some("is video/mp4; the server told image/png"),
        ),
        (json!("many"), "application/octet-stream", None),
    ] {
        fal.tell_of_the_video(
            json!({"file_size": size, "content_type": kind, "file_name": "../../x"}),
        );
        fal.set_status("IN_QUEUE");
        let sent = rig.submit().await;
        fal.complete();
        let done = rig.job(&sent.id, state_is("completed")).await;
        let told = texts(&rig, &done);
        assert_eq!(told.len(), usize::from(want.is_some()), "{told:?}");
        assert!(
            told.iter().all(|line| line.contains(want.unwrap())),
            "{told:?}"
        );
        let video = done.video().unwrap();
        assert_eq!(video.bytes, fake_fal::VIDEO.len() as u64);
        assert_eq!(video.path.extension().unwrap(), "mp4");
    }
}

#[tokio::test]
async fn no_name_of_the_servers_leads_out_of_the_directory_or_hides_in_it() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let long = "x".repeat(5000);
    for name in [
        "../x",
        "/etc/passwd",
        "..",
        ".",
        "",
        "a\0b",
        long.as_str(),
        "CON",
        "x.",
        "-rf",
        ".foo",
        "a..b",
        "x\u{1b}[2J\u{202e}gpj.exe",
        "C:\\x",
        "x/../../y",
    ] {
        fal.tell_of_the_video(json!({"file_name": name}));
        fal.set_status("IN_QUEUE");
        let sent = rig.submit().await;
        fal.complete();
        let done = rig.job(&sent.id, state_is("completed")).await;
        let video = &done.video().unwrap().path;
        assert_eq!(
            video.file_name().unwrap(),
            "Spend-more-time-with.mp4",
            "{name:?}"
        );
        assert!(
            std::fs::canonicalize(video)
                .unwrap()
                .starts_with(std::fs::canonicalize(rig.results()).unwrap())
        );
        assert_eq!(
            saved_in(&done),
            ["Spend-more-time-with.mp4", "job.json"],
            "{name:?}"
        );
    }
}

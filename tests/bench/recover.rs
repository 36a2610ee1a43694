//! A thousand jobs of a process that has died are taken up: `cargo bench --bench recover`.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use talkdeck::{
    catalog::Catalog,
    model::{
        Job, JobId, JobState, RequestId, Secret, Server, ServerId, Timestamp,
        job::Account,
        request::{Consent, RequestUrls},
        server::Hosts,
    },
    store::{Cap, OwnerId, Store},
    tracker::{Options, Tracker},
};
use url::Url;

const JOBS: usize = 1000;
const RUNS: usize = 15;
/// What the issue asks for.
const MOST: Duration = Duration::from_millis(200);

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // Half of a power user's jobs have ended; and the worst that can be: none has.
    for live in [JOBS / 2, JOBS] {
        let mut times: Vec<_> = (0..RUNS).map(|_| run(&runtime, live)).collect();
        times.sort();
        println!(
            "{JOBS} jobs, {live} of them live: opened and recovered in min {:.1} ms, median {:.1} ms, max {:.1} ms",
            ms(times[0]),
            ms(times[RUNS / 2]),
            ms(times[RUNS - 1])
        );
        assert!(times[RUNS / 2] < MOST, "the median is to be below {MOST:?}");
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn server() -> Server {
    // Nobody listens there: what is measured is what happens before the first call.
    let url = Url::parse("http://127.0.0.1:9/").expect("an address");
    Server {
        id: ServerId::fal(),
        hosts: Hosts::at(&url),
        key: Secret::new("id:secret"),
    }
}

/// How long it takes from the closed files to all live jobs being followed.
fn run(runtime: &tokio::runtime::Runtime, live: usize) -> Duration {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fill(dir.path(), live);
    let began = Instant::now();
    runtime.block_on(async {
        let store = Store::open(dir.path()).expect("a store");
        let mut options = Options::new(
            store,
            Arc::new(Catalog::builtin()),
            dir.path(),
            dir.path().join("results"),
        );
        options.servers = vec![server()];
        let (tracker, _reports) = Tracker::start(options).expect("a tracker");
        let recovered = tracker.recover().await.expect("a recovery");
        let taken = began.elapsed();
        assert_eq!(recovered.followed, live);
        tracker.release().await;
        taken
    })
}

fn fill(dir: &Path, live: usize) {
    let store = Store::open(dir).expect("a store");
    // A name that no living process has.
    let dead = OwnerId::new("0".repeat(32));
    let urls = RequestUrls {
        status: "http://127.0.0.1:9/s".to_owned(),
        response: "http://127.0.0.1:9/r".to_owned(),
        cancel: "http://127.0.0.1:9/c".to_owned(),
    };
    for number in 0..JOBS {
        let job = job();
        store.insert(&job, Some(&dead)).expect("room");
        let body = job.arguments.to_json();
        let key = &job.account.key;
        store
            .begin_submit(&job.id, &body, key, &dead, &Cap::default())
            .expect("room");
        let request = RequestId::new(format!("request-{number}"));
        let now = Timestamp::now();
        store
            .accept(&job.id, &request, &urls, Some(1), now)
            .expect("room");
        if number >= live {
            store.complete(&job.id, &[], now).expect("room");
        }
    }
}

fn job() -> Job {
    let arguments = json!({
        "image_url": "https://v3.fal.media/files/face.png", "voice": "Bill", "seed": 7, "num_frames": 145,
        "text_input": "Spend more time with people who make you feel alive, and less with those who do not. ".repeat(4),
        "prompt": "An elderly man with a white beard talks to the camera, in a quiet room with books.",
    });
    Job {
        id: JobId::random(),
        request_id: None,
        endpoint: Catalog::builtin().first().id.clone(),
        name: "anna intro".into(),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: server().fingerprint(),
        },
        state: JobState::QueuedLocally,
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at: Timestamp::now(),
        submitted_at: None,
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: None,
        unit_price: None,
        billed_units: None,
        arguments: serde_json::from_value(arguments).expect("arguments"),
        seed_drawn: true,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: Vec::new(),
        error: None,
        notice: None,
    }
}

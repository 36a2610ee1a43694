//! What a durable submit takes beside its POST: `cargo bench --bench submit`.
//!
//! The temporary directory has to be on a real disk (`TMPDIR`), or nothing waits for one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, Router, http::Method, routing::any};
use serde_json::json;
use talkdeck::{
    catalog::Catalog,
    fal::{Client, SubmitOutcome},
    model::{
        Secret, Server, ServerId,
        request::{Consent, Wish},
        server::Hosts,
    },
    store::Store,
    tracker::{Options, Report, Reports, Tracker},
};
use tokio::net::TcpListener;
use url::Url;

const RUNS: usize = 200;
/// What the issue asks for.
const MOST_MS: f64 = 15.0;

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench());
}

async fn bench() {
    let server = serve().await;
    let dir = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(dir.path()).expect("a store");
    let catalog = Arc::new(Catalog::builtin());
    let mut options = Options::new(
        store.clone(),
        Arc::clone(&catalog),
        dir.path(),
        dir.path().join("results"),
    );
    options.servers = vec![server.clone()];
    let (tracker, mut reports) = Tracker::start(options).expect("a tracker");
    let client = Client::new(server).expect("a client");
    let (mut durable, mut bare) = (Vec::new(), Vec::new());
    // By turns, so that whatever else the machine does hits both.
    for _ in 0..RUNS {
        durable.push(submit(&tracker, &mut reports, &catalog).await);
        bare.push(post(&client, &catalog).await);
    }
    let (durable, bare) = (median(durable), median(bare));
    let added = durable - bare;
    println!(
        "the POST alone {bare:.2} ms, a durable submit {durable:.2} ms: {added:.2} ms more (medians of {RUNS})"
    );
    assert!(added < MOST_MS, "it is to add less than {MOST_MS} ms");
    tracker.release().await;
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// A server that takes everything at once, and fails it right after.
async fn serve() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let url = Url::parse(&format!("http://{address}/")).expect("an address");
    let at = format!("{url}fal-ai/infinitalk/requests/r");
    let answer = json!({
        "status": "IN_QUEUE", "request_id": "r", "queue_position": 0, "response_url": at,
        "status_url": format!("{at}/status"), "cancel_url": format!("{at}/cancel"),
    });
    let over = json!({"status": "COMPLETED", "error": "enough", "error_type": "bench"});
    let app = Router::new().fallback(any(move |method: Method| {
        let told = if method == Method::POST {
            answer.clone()
        } else {
            over.clone()
        };
        async move { Json(told) }
    }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Server {
        id: ServerId::fal(),
        hosts: Hosts::at(&url),
        key: Secret::new("id:secret"),
    }
}

fn wish(catalog: &Catalog) -> Wish {
    let endpoint = catalog.first();
    let mut arguments = endpoint.defaults();
    arguments.remove("seed");
    arguments.set("image_url", "https://v3.fal.media/files/face.png");
    arguments.set(
        "text_input",
        "Spend more time with people who make you feel alive.",
    );
    Wish {
        estimated_cost: endpoint.estimate(&arguments),
        endpoint: endpoint.id.clone(),
        arguments,
        name: "".into(),
        parent: None,
        sweep: None,
        server: ServerId::fal(),
        consent: Consent {
            repeat: true,
            ..Consent::default()
        },
    }
}

/// From the wish to the request id being on disk.
async fn submit(tracker: &Tracker, reports: &mut Reports, catalog: &Catalog) -> Duration {
    let began = Instant::now();
    let job = tracker.submit(wish(catalog)).await.expect("room");
    let mut taken = None;
    // Its follower must not disturb the next one, so its end is waited for.
    loop {
        for report in reports.next().await {
            let Report::Job(told) = report else { continue };
            if told.id == job.id && told.request_id.is_some() {
                taken.get_or_insert(began.elapsed());
            }
            if told.id == job.id && told.state.is_terminal() {
                return taken.expect("it was sent before it ended");
            }
        }
    }
}

async fn post(client: &Client, catalog: &Catalog) -> Duration {
    let wish = wish(catalog);
    let body = wish.arguments.to_json();
    let began = Instant::now();
    let outcome = client.submit(&wish.endpoint, &body).await;
    assert!(matches!(outcome, SubmitOutcome::Accepted(_)));
    began.elapsed()
}

//! A small fal: takes submits, counts bills, and stands where a test puts it.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use talkdeck::model::{Secret, Server, ServerId, Timestamp, server::Hosts};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use url::Url;

/// What every job gets for a video.
pub(crate) const VIDEO: &[u8] =
    b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2 not much of a video, but whole";

/// What the server does with a submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Submit {
    /// Takes it, and a proxy answers 502.
    BadGateway,
    /// Takes it and never answers.
    Hang,
    /// Does not take it, and a proxy answers 502.
    LoseUnread,
    /// 429 with `Retry-After: 1`.
    RateLimit,
    /// 422 about the frames.
    Invalid,
}

/// What the server does with a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// Announces the whole and closes half-way.
    Short,
    /// 500.
    Broken,
    /// 404.
    Gone,
}

/// Where all requests stand.
#[derive(Clone)]
struct Phase {
    status: String,
    log: Vec<String>,
    /// Status code and body of the result, if it is an error.
    failure: Option<(u16, Value)>,
}

struct Taken {
    id: String,
    body: Value,
}

struct Shared {
    url: Url,
    phase: watch::Sender<Phase>,
    key: Mutex<String>,
    submits: Mutex<VecDeque<Submit>>,
    media: Mutex<VecDeque<Media>>,
    taken: Mutex<Vec<Taken>>,
    cancel_answer: Mutex<(u16, String)>,
    events_of_a_stream: Mutex<Option<usize>>,
    locked: AtomicBool,
    twin: AtomicBool,
    list_hidden: AtomicBool,
    results_forgotten: AtomicBool,
    posts: AtomicU32,
    bills: AtomicU32,
    uploads: AtomicU32,
    streams: AtomicU32,
    polls: AtomicU32,
    downloads: AtomicU32,
    cancels: AtomicU32,
    refused_keys: AtomicU32,
    /// Dollars for a second of video.
    price: Mutex<Option<f64>>,
    price_questions: AtomicU32,
    lists: AtomicU32,
    /// Ends all streams that are open when it counts up.
    dropped: watch::Sender<u32>,
    /// What the result says of its video beside the address.
    told: Mutex<Value>,
}

type Fal = State<Arc<Shared>>;

pub(crate) struct FakeFal {
    shared: Arc<Shared>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl FakeFal {
    /// A server where every request waits in the queue.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            url: Url::parse(&format!("http://{address}/")).unwrap(),
            phase: watch::Sender::new(Phase {
                status: "IN_QUEUE".to_owned(),
                log: Vec::new(),
                failure: None,
            }),
            key: Mutex::new("id:secret".to_owned()),
            submits: Mutex::default(),
            media: Mutex::default(),
            taken: Mutex::default(),
            cancel_answer: Mutex::new((404, "NOT_FOUND".to_owned())),
            events_of_a_stream: Mutex::default(),
            locked: AtomicBool::new(false),
            twin: AtomicBool::new(false),
            list_hidden: AtomicBool::new(false),
            results_forgotten: AtomicBool::new(false),
            posts: AtomicU32::new(0),
            bills: AtomicU32::new(0),
            uploads: AtomicU32::new(0),
            streams: AtomicU32::new(0),
            polls: AtomicU32::new(0),
            downloads: AtomicU32::new(0),
            cancels: AtomicU32::new(0),
            refused_keys: AtomicU32::new(0),
            price: Mutex::new(Some(0.2)),
            price_questions: AtomicU32::new(0),
            lists: AtomicU32::new(0),
            dropped: watch::Sender::new(0),
            told: Mutex::new(json!({"content_type": "application/octet-stream"})),
        });
        let fal = Self {
            shared,
            serving: Mutex::default(),
        };
        fal.serve(listener);
        fal
    }

    fn serve(&self, listener: TcpListener) {
        let app = Router::new()
            .route("/fal-ai/infinitalk/single-text", post(submit))
            .route("/fal-ai/infinitalk/requests/{id}/status", get(status))
            .route(
                "/fal-ai/infinitalk/requests/{id}/status/stream",
                get(status_stream),
            )
            .route("/fal-ai/infinitalk/requests/{id}", get(result))
            .route("/fal-ai/infinitalk/requests/{id}/cancel", put(cancel))
            .route("/storage/upload/initiate", post(initiate))
            .route("/v1/models/requests/by-endpoint", get(list))
            .route("/v1/models/pricing", get(prices))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&self.shared),
                check_key,
            ))
            .route("/put/{name}", put(|_body: Bytes| async { StatusCode::OK }))
            .route("/media/{name}", get(media))
            .with_state(Arc::clone(&self.shared));
        let serving = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        *lock(&self.serving) = Some(serving);
    }

    /// Goes away, connections included; [`FakeFal::restart`] brings it back with everything it knows.
    pub(crate) async fn stop(&self) -> SocketAddr {
        let serving = lock(&self.serving).take().expect("it runs");
        serving.abort();
        let _ = serving.await;
        // Open streams live on in tasks of their own; a change of phase ends them.
        self.shared
            .phase
            .send_modify(|phase| "GONE".clone_into(&mut phase.status));
        let url = &self.shared.url;
        SocketAddr::new("127.0.0.1".parse().unwrap(), url.port().unwrap())
    }

    pub(crate) async fn restart(&self, address: SocketAddr) {
        self.set_status("IN_QUEUE");
        self.serve(TcpListener::bind(address).await.unwrap());
    }

    /// Breaks every stream that is open.
    pub(crate) fn drop_streams(&self) {
        self.shared.dropped.send_modify(|count| *count += 1);
    }

    /// What results say of their video from now on.
    pub(crate) fn tell_of_the_video(&self, told: Value) {
        *lock(&self.shared.told) = told;
    }

    /// How often the list of requests was asked for.
    pub(crate) fn lists(&self) -> u32 {
        self.shared.lists.load(SeqCst)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let port = self.shared.url.port().unwrap();
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    pub(crate) fn url(&self) -> &Url {
        &self.shared.url
    }

    pub(crate) fn server(&self, key: &str) -> Server {
        Server {
            id: ServerId::fal(),
            hosts: Hosts::at(&self.shared.url),
            key: Secret::new(key),
        }
    }

    /// From now on only this key is known.
    pub(crate) fn accept_key(&self, key: &str) {
        key.clone_into(&mut lock(&self.shared.key));
    }

    /// The next submit ends so; those after it are taken.
    pub(crate) fn plan(&self, submit: Submit) {
        lock(&self.shared.submits).push_back(submit);
    }

    pub(crate) fn plan_media(&self, media: Media) {
        lock(&self.shared.media).push_back(media);
    }

    /// What a second of video costs from now on.
    pub(crate) fn ask_for(&self, dollars: f64) {
        *lock(&self.shared.price) = Some(dollars);
    }

    /// Questions about prices are answered 500.
    pub(crate) fn hide_prices(&self) {
        *lock(&self.shared.price) = None;
    }

    pub(crate) fn price_questions(&self) -> u32 {
        self.shared.price_questions.load(SeqCst)
    }

    /// Submits are answered 403, exhausted balance.
    pub(crate) fn lock_account(&self, locked: bool) {
        self.shared.locked.store(locked, SeqCst);
    }

    /// The next request is in the list twice, as if another program had sent the same.
    pub(crate) fn twin_the_next(&self) {
        self.shared.twin.store(true, SeqCst);
    }

    pub(crate) fn hide_list(&self, hidden: bool) {
        self.shared.list_hidden.store(hidden, SeqCst);
    }

    pub(crate) fn forget_results(&self, forgotten: bool) {
        self.shared.results_forgotten.store(forgotten, SeqCst);
    }

    pub(crate) fn cut_streams_after(&self, events: usize) {
        *lock(&self.shared.events_of_a_stream) = Some(events);
    }

    pub(crate) fn answer_cancels(&self, code: u16, word: &str) {
        *lock(&self.shared.cancel_answer) = (code, word.to_owned());
    }

    /// All requests run, with `log` so far.
    pub(crate) fn run(&self, log: &str) {
        self.shared.phase.send_modify(|phase| {
            "IN_PROGRESS".clone_into(&mut phase.status);
            phase.log = log.lines().map(str::to_owned).collect();
        });
    }

    pub(crate) fn set_status(&self, word: &str) {
        self.shared
            .phase
            .send_modify(|phase| word.clone_into(&mut phase.status));
    }

    pub(crate) fn complete(&self) {
        self.shared.phase.send_modify(|phase| {
            "COMPLETED".clone_into(&mut phase.status);
            phase.failure = None;
        });
    }

    pub(crate) fn fail(&self, code: u16, body: &Value) {
        self.shared.phase.send_modify(|phase| {
            "COMPLETED".clone_into(&mut phase.status);
            phase.failure = Some((code, body.clone()));
        });
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        lock(&self.shared.taken)
            .iter()
            .map(|taken| taken.body.clone())
            .collect()
    }

    pub(crate) fn bills(&self) -> u32 {
        self.shared.bills.load(SeqCst)
    }

    pub(crate) fn posts(&self) -> u32 {
        self.shared.posts.load(SeqCst)
    }

    pub(crate) fn uploads(&self) -> u32 {
        self.shared.uploads.load(SeqCst)
    }

    pub(crate) fn streams(&self) -> u32 {
        self.shared.streams.load(SeqCst)
    }

    pub(crate) fn polls(&self) -> u32 {
        self.shared.polls.load(SeqCst)
    }

    pub(crate) fn downloads(&self) -> u32 {
        self.shared.downloads.load(SeqCst)
    }

    pub(crate) fn cancels(&self) -> u32 {
        self.shared.cancels.load(SeqCst)
    }

    pub(crate) fn refused_keys(&self) -> u32 {
        self.shared.refused_keys.load(SeqCst)
    }
}

async fn check_key(State(fal): Fal, headers: HeaderMap, request: Request, next: Next) -> Response {
    let want = format!("Key {}", lock(&fal.key));
    if headers
        .get(header::AUTHORIZATION)
        .and_then(|key| key.to_str().ok())
        == Some(&want)
    {
        return next.run(request).await;
    }
    fal.refused_keys.fetch_add(1, SeqCst);
    if request.method() == "POST" && !request.uri().path().starts_with("/storage") {
        fal.posts.fetch_add(1, SeqCst);
    }
    let words = json!({"detail": "No user found for Key ID and Secret"});
    (StatusCode::UNAUTHORIZED, Json(words)).into_response()
}

fn bad_gateway() -> Response {
    (StatusCode::BAD_GATEWAY, "<html>nginx</html>").into_response()
}

async fn prices(State(fal): Fal, Query(asked): Query<Vec<(String, String)>>) -> Response {
    fal.price_questions.fetch_add(1, SeqCst);
    let Some(price) = *lock(&fal.price) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let of = |endpoint: &str| json!({"endpoint_id": endpoint, "unit_price": price, "unit": "seconds", "currency": "USD"});
    let prices: Vec<_> = asked
        .iter()
        .filter(|(name, _)| name == "endpoint_id")
        .flat_map(|(_, ids)| ids.split(','))
        .map(of)
        .collect();
    Json(json!({"prices": prices, "next_cursor": null, "has_more": false})).into_response()
}

async fn submit(State(fal): Fal, Json(body): Json<Value>) -> Response {
    fal.posts.fetch_add(1, SeqCst);
    if fal.locked.load(SeqCst) {
        let words = json!({"detail": "User is locked. Reason: Exhausted balance."});
        return (StatusCode::FORBIDDEN, Json(words)).into_response();
    }
    let plan = lock(&fal.submits).pop_front();
    match plan {
        Some(Submit::LoseUnread) => return bad_gateway(),
        Some(Submit::RateLimit) => {
            let words = json!({"detail": "Too many requests"});
            let after = [(header::RETRY_AFTER, "1")];
            return (StatusCode::TOO_MANY_REQUESTS, after, Json(words)).into_response();
        }
        Some(Submit::Invalid) => {
            let finding = json!({"loc": ["body", "num_frames"], "msg": "too many", "type": "less_than_equal"});
            let words = json!({"detail": [finding]});
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(words)).into_response();
        }
        Some(Submit::BadGateway | Submit::Hang) | None => {}
    }
    fal.bills.fetch_add(1, SeqCst);
    let id = take(&fal, &body);
    if fal.twin.swap(false, SeqCst) {
        take(&fal, &body);
    }
    match plan {
        Some(Submit::BadGateway) => bad_gateway(),
        Some(Submit::Hang) => std::future::pending().await,
        _ => {
            let at = format!("{}fal-ai/infinitalk/requests/{id}", fal.url);
            Json(json!({
                "status": "IN_QUEUE", "request_id": id, "queue_position": 0, "response_url": at,
                "status_url": format!("{at}/status"), "cancel_url": format!("{at}/cancel"),
            }))
            .into_response()
        }
    }
}

fn take(fal: &Shared, body: &Value) -> String {
    let mut taken = lock(&fal.taken);
    let id = format!("request-{}", taken.len());
    taken.push(Taken {
        id: id.clone(),
        body: body.clone(),
    });
    id
}

/// The status with the log lines from `from` on; each line has its own time.
fn status_object(phase: &Phase, id: &str, from: usize) -> Value {
    let entry = |(n, message): (usize, &String)| json!({"message": message, "level": "INFO", "source": "USER", "timestamp": format!("2026-02-17T10:30:{:02}.123456", n % 60)});
    let logs: Vec<_> = phase.log.iter().enumerate().skip(from).map(entry).collect();
    let mut object = json!({"status": phase.status, "request_id": id, "logs": logs});
    if phase.status == "IN_QUEUE" {
        object["queue_position"] = json!(2);
    }
    if phase.status == "COMPLETED" {
        object["metrics"] = json!({"inference_time": 41.7});
    }
    if let Some((_, body)) = &phase.failure {
        object["error"] = json!("the request failed");
        object["error_type"] = body["error_type"].clone();
    }
    object
}

async fn status(State(fal): Fal, Path(id): Path<String>) -> Response {
    fal.polls.fetch_add(1, SeqCst);
    let phase = fal.phase.borrow().clone();
    Json(status_object(&phase, &id, 0)).into_response()
}

async fn status_stream(State(fal): Fal, Path(id): Path<String>) -> Response {
    let most = lock(&fal.events_of_a_stream).unwrap_or(usize::MAX);
    if most == 0 {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    fal.streams.fetch_add(1, SeqCst);
    let mut phases = fal.phase.subscribe();
    let dropped = fal.dropped.subscribe();
    phases.mark_changed();
    let events = stream::unfold(
        (phases, dropped, 0, id, false),
        |(mut phases, mut dropped, sent, id, over)| async move {
            if over {
                return None;
            }
            tokio::select! {
                changed = phases.changed() => changed.ok()?,
                _ = dropped.changed() => return None,
            }
            let phase = phases.borrow_and_update().clone();
            if phase.status == "GONE" {
                return None;
            }
            let object = status_object(&phase, &id, sent);
            let over = phase.status == "COMPLETED";
            let event = Ok::<_, std::io::Error>(format!("data: {object}\n\n"));
            Some((event, (phases, dropped, phase.log.len(), id, over)))
        },
    );
    let body = Body::from_stream(events.take(most));
    ([(header::CONTENT_TYPE, "text/event-stream")], body).into_response()
}

fn output(fal: &Shared) -> Value {
    let mut video = lock(&fal.told).clone();
    video["url"] = json!(format!("{}media/out.mp4", fal.url));
    json!({"video": video, "seed": 42})
}

async fn result(State(fal): Fal) -> Response {
    if fal.results_forgotten.load(SeqCst) {
        return (StatusCode::NOT_FOUND, Json(json!({"status": "NOT_FOUND"}))).into_response();
    }
    let failure = fal.phase.borrow().failure.clone();
    match failure {
        Some((code, body)) => (StatusCode::from_u16(code).unwrap(), Json(body)).into_response(),
        None => ([("x-fal-billable-units", "5.8")], Json(output(&fal))).into_response(),
    }
}

async fn cancel(State(fal): Fal) -> Response {
    fal.cancels.fetch_add(1, SeqCst);
    let (code, word) = lock(&fal.cancel_answer).clone();
    (
        StatusCode::from_u16(code).unwrap(),
        Json(json!({"status": word})),
    )
        .into_response()
}

async fn initiate(State(fal): Fal) -> Response {
    let number = fal.uploads.fetch_add(1, SeqCst);
    // Long enough that jobs which are submitted together all come to this point.
    tokio::time::sleep(Duration::from_millis(30)).await;
    let upload = format!("{}put/{number}", fal.url);
    let file = format!("{}media/in-{number}.png", fal.url);
    Json(json!({"upload_url": upload, "file_url": file})).into_response()
}

async fn list(State(fal): Fal, Query(asked): Query<HashMap<String, String>>) -> Response {
    fal.lists.fetch_add(1, SeqCst);
    let now = Timestamp::now();
    let is_in_window = asked["start"].parse::<Timestamp>().unwrap() <= now
        && now < asked["end"].parse::<Timestamp>().unwrap();
    let items: Vec<_> = if fal.list_hidden.load(SeqCst) || !is_in_window {
        Vec::new()
    } else {
        lock(&fal.taken)
            .iter()
            .map(|taken| {
                // As fal's own list may: another order, numbers that went through a float, nulls.
                let mut input = taken.body.clone();
                if let Some(seed) = input["seed"].as_i64() {
                    input["seed"] = json!(f64::from(i32::try_from(seed).unwrap()));
                }
                json!({
                    "request_id": taken.id, "endpoint_id": "fal-ai/infinitalk/single-text", "ended_at": null,
                    "sent_at": "2026-11-22T08:00:00Z", "json_input": input, "json_output": output(&fal),
                })
            })
            .collect()
    };
    Json(json!({"items": items, "next_cursor": null, "has_more": false})).into_response()
}

async fn media(State(fal): Fal) -> Response {
    fal.downloads.fetch_add(1, SeqCst);
    let plan = lock(&fal.media).pop_front();
    match plan {
        Some(Media::Gone) => StatusCode::NOT_FOUND.into_response(),
        Some(Media::Broken) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Media::Short) => {
            let half = Bytes::from_static(&VIDEO[..VIDEO.len() / 2]);
            let pieces = [Ok(half), Err(std::io::Error::other("cut"))];
            let length = [(header::CONTENT_LENGTH, VIDEO.len())];
            (
                length.map(|(name, size)| (name, size.to_string())),
                Body::from_stream(stream::iter(pieces)),
            )
                .into_response()
        }
        None => ([(header::CONTENT_TYPE, "application/octet-stream")], VIDEO).into_response(),
    }
}

//! The queue's calls: submit, status, stream, result, cancel.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    answer::{self, Answer},
    disk_thread,
    queue::{Cancelled, Queue, Stand, View},
    reply::Reply,
    routes::{self, Call, Shared},
    stream,
};
use crate::{
    fal::wire::{COMPLETED, IN_PROGRESS, IN_QUEUE, LogEntry, Metrics, Status, Submitted},
    model::{EndpointId, Timestamp},
};

/// Answers what is below `/{endpoint}`.
///
/// Follow-ups are known by their request id alone; the endpoint before it may be whole or cut to owner and alias, as the
/// clients do.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    call: &Call,
    body: Body,
    segments: &[&str],
) -> Answer {
    let follow_up = segments
        .iter()
        .position(|&segment| segment == "requests")
        .filter(|&at| at >= 2);
    let application = segments[..follow_up.unwrap_or(segments.len())].join("/");
    let Ok(endpoint) = application.parse::<EndpointId>() else {
        return answer::no_such_path(&call.path);
    };
    if let Err(denied) = shared.guard.check(&call.headers) {
        return answer::denied(denied, Some(&application));
    }
    let Some(at) = follow_up else {
        return match call.method {
            Method::POST => submit(shared, call, body, endpoint).await,
            _ => answer::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
        };
    };
    let [id, rest @ ..] = &segments[at + 1..] else {
        return answer::no_such_path(&call.path);
    };
    let Ok(id) = Uuid::try_parse(id) else {
        return answer::not_found();
    };
    let answer = match (&call.method, rest) {
        (&Method::GET, [] | ["response"]) => result(shared, call, id).await,
        (&Method::GET, ["status"]) => status(shared, call, id).await,
        (&Method::GET, ["status", "stream"]) => stream::answer(shared, call, id),
        (&Method::PUT, ["cancel"]) => cancel(shared, id).await,
        (_, [] | ["response" | "status" | "cancel"] | ["status", "stream"]) => {
            answer::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        }
        _ => answer::no_such_path(&call.path),
    };
    answer::with_request_id(answer, &id.to_string())
}

async fn submit(shared: &Arc<Shared>, call: &Call, body: Body, endpoint: EndpointId) -> Answer {
    if shared.catalog.get(&endpoint).is_none() {
        let text = format!("Application \"{endpoint}\" not found");
        return answer::detail(StatusCode::NOT_FOUND, &text);
    }
    if let Some(most) = call.parameter("fal_max_queue_length") {
        let Ok(most) = most.parse::<usize>() else {
            let text = "fal_max_queue_length is not a whole number";
            return answer::infrastructure(StatusCode::BAD_REQUEST, "bad_request", text);
        };
        if shared.queue.waiting() > most {
            let text = format!("More than {most} requests are waiting");
            return answer::detail(StatusCode::TOO_MANY_REQUESTS, &text);
        }
    }
    let start_by = match start_limit(call) {
        Ok(start_by) => start_by,
        Err(text) => {
            return answer::infrastructure(StatusCode::BAD_REQUEST, "bad_request", &text);
        }
    };
    let body = match routes::whole(body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let arguments = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(arguments)) => arguments,
        Ok(other) => {
            return not_an_object("dict_type", "Input should be a valid dictionary", &other);
        }
        Err(error) => {
            let reason = format!("JSON decode error: {error}");
            return not_an_object("json_invalid", &reason, &Value::Null);
        }
    };
    let urls = Urls::new(&call.base, &endpoint);
    match disk_thread(shared, move |shared| {
        shared.queue.submit(endpoint, arguments, start_by)
    })
    .await
    {
        Err(error) => answer::disk_trouble(&error),
        Ok((id, position)) => {
            if let Some(start_by) = start_by {
                watch_start(&shared.queue, id, start_by);
            }
            let id_text = id.to_string();
            let submitted = Submitted {
                status: Some(IN_QUEUE.to_owned()),
                request_id: Some(id_text.clone()),
                gateway_request_id: Some(id_text.clone()),
                response_url: Some(urls.response(id)),
                status_url: Some(urls.status(id)),
                cancel_url: Some(urls.cancel(id)),
                queue_position: Some(position),
            };
            answer::with_request_id(answer::ok(&submitted), &id_text)
        }
    }
}

fn not_an_object(kind: &str, message: &str, input: &Value) -> Answer {
    let found = json!({ "loc": ["body"], "msg": message, "type": kind, "input": input });
    answer::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        &json!({ "detail": [found] }),
    )
}

/// The time by which a runner must have begun, if the client sets one.
fn start_limit(call: &Call) -> Result<Option<Timestamp>, String> {
    let names = ["x-fal-request-start-timeout", "x-fal-request-timeout"];
    let Some((name, text)) = names
        .iter()
        .find_map(|name| Some((name, call.header(name)?)))
    else {
        return Ok(None);
    };
    let limit = text
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|seconds| *seconds > 0.1)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|limit| Timestamp::now().checked_add(limit).ok());
    limit
        .map(Some)
        .ok_or_else(|| format!("{name} is not a number of seconds above 0.1"))
}

/// Gives a request up when no runner has taken it by `start_by`.
pub(super) fn watch_start(queue: &Arc<Queue>, id: Uuid, start_by: Timestamp) {
    let queue = Arc::downgrade(queue);
    let left = start_by.duration_since(Timestamp::now());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
        if let Some(queue) = queue.upgrade().filter(|queue| !queue.is_stopping()) {
            tokio::task::spawn_blocking(move || queue.give_up(id, Reply::not_started_in_time()));
        }
    });
}

/// Whether `logs=1` or `logs=true` is asked for.
pub(super) fn wants_logs(call: &Call) -> bool {
    call.parameter("logs")
        .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
}

async fn status(shared: &Arc<Shared>, call: &Call, id: Uuid) -> Answer {
    let Some(view) = shared.queue.view(id, 0) else {
        return answer::not_found();
    };
    let code = match view.stand {
        Stand::Ended { .. } => StatusCode::OK,
        Stand::Waiting { .. } | Stand::Running => StatusCode::ACCEPTED,
    };
    let logs = if wants_logs(call) {
        Some(logs_of(shared, id, &view, 0).await)
    } else {
        None
    };
    answer::json(code, &status_of(&call.base, id, &view, logs))
}

/// The log of a request from line `from` on.
pub(super) async fn logs_of(
    shared: &Arc<Shared>,
    id: Uuid,
    view: &View,
    from: usize,
) -> Vec<LogEntry> {
    match &view.logs {
        Some(logs) => logs.clone(),
        // A log that cannot be read hides neither status nor result.
        None => disk_thread(shared, move |shared| shared.queue.journal().logs(id))
            .await
            .map(|mut logs| logs.split_off(from.min(logs.len())))
            .unwrap_or_default(),
    }
}

/// A status on the wire.
pub(super) fn status_of(base: &str, id: Uuid, view: &View, logs: Option<Vec<LogEntry>>) -> Status {
    let urls = Urls::new(base, &view.endpoint);
    let mut status = Status {
        request_id: Some(id.to_string()),
        logs,
        metrics: Some(Metrics::default()),
        response_url: Some(urls.response(id)),
        status_url: Some(urls.status(id)),
        cancel_url: Some(urls.cancel(id)),
        ..Status::default()
    };
    match &view.stand {
        Stand::Waiting { position } => {
            status.status = Some(IN_QUEUE.to_owned());
            status.queue_position = Some(*position);
        }
        Stand::Running => status.status = Some(IN_PROGRESS.to_owned()),
        Stand::Ended {
            inference_time,
            error,
            error_type,
        } => {
            status.status = Some(COMPLETED.to_owned());
            status.metrics = Some(Metrics {
                inference_time: *inference_time,
            });
            status.error.clone_from(error);
            status.error_type.clone_from(error_type);
        }
    }
    status
}

async fn result(shared: &Arc<Shared>, call: &Call, id: Uuid) -> Answer {
    match shared.queue.view(id, usize::MAX) {
        None => return answer::not_found(),
        Some(View {
            stand: Stand::Ended { .. },
            ..
        }) => {}
        Some(_) => {
            return answer::detail(StatusCode::BAD_REQUEST, "Request is still in progress");
        }
    }
    let base = call.base.clone();
    disk_thread(shared, move |shared| {
        shared
            .queue
            .result(id)
            .map_or_else(answer::not_found, |mut reply| {
                complete_urls(&mut reply.body, &base);
                answer::result(&reply)
            })
    })
    .await
}

/// Makes the path of an output's file an address.
pub(super) fn complete_urls(output: &mut Value, base: &str) {
    if let Some(Value::String(url)) = output.pointer_mut("/video/url")
        && url.starts_with('/')
    {
        url.insert_str(0, base);
    }
}

async fn cancel(shared: &Arc<Shared>, id: Uuid) -> Answer {
    match disk_thread(shared, move |shared| shared.queue.cancel(id)).await {
        Ok(Cancelled::Removed) => answer::verdict(StatusCode::OK, "OK"),
        Ok(Cancelled::Requested) => answer::verdict(StatusCode::ACCEPTED, "CANCELLATION_REQUESTED"),
        Ok(Cancelled::TooLate) => answer::verdict(StatusCode::BAD_REQUEST, "ALREADY_COMPLETED"),
        Ok(Cancelled::Unknown) => answer::not_found(),
        Err(error) => answer::disk_trouble(&error),
    }
}

/// Where the requests of an endpoint are followed.
struct Urls(String);

impl Urls {
    fn new(base: &str, endpoint: &EndpointId) -> Self {
        Self(format!("{base}/{}/requests", endpoint.app()))
    }

    fn response(&self, id: Uuid) -> String {
        format!("{}/{id}", self.0)
    }

    fn status(&self, id: Uuid) -> String {
        format!("{}/{id}/status", self.0)
    }

    fn cancel(&self, id: Uuid) -> String {
        format!("{}/{id}/cancel", self.0)
    }
}

/// An input as it is kept, for the list of requests.
pub(super) fn input_of(shared: &Shared, id: Uuid) -> Option<Map<String, Value>> {
    Some(shared.queue.journal().accepted(id).ok()?.arguments)
}

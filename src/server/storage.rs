//! Uploads: ask for a place, put the bytes there, whole or in parts.
//!
//! The address of a place holds a random token instead of a signature; it lasts an hour, or until the file is whole. A
//! place does not outlive the process: after a restart the client asks for another one.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::{HeaderValue, Method, StatusCode, header},
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::{
    answer::{self, Answer},
    disk, disk_thread,
    files::{About, Incoming},
    routes::{self, Call, Shared},
};
use crate::{
    fal::wire::{InitiateUpload, InitiatedUpload},
    model::Timestamp,
};

/// A file may have this many bytes.
const LARGEST_FILE: u64 = 512 * 1024 * 1024;
/// A place or a token that was asked for may be used this long.
const LIFETIME: Duration = Duration::from_hours(1);
/// A file may have this many parts (as at the object stores behind fal).
const MOST_PARTS: u32 = 10_000;

/// Places that were asked for and are not filled yet.
#[derive(Default)]
pub(super) struct Uploads {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    places: HashMap<Uuid, Place>,
    /// Tokens of the Python client, by which it uploads without a key.
    bearers: HashMap<Uuid, Instant>,
}

#[derive(Clone)]
struct Place {
    id: Uuid,
    about: About,
    since: Instant,
    /// Where parts gather; `None` for a file that comes whole.
    parts: Option<Arc<Parts>>,
}

struct Parts {
    incoming: Incoming,
    /// Size and tag of each part that has come.
    come: Mutex<HashMap<u32, (u64, String)>>,
}

impl Uploads {
    fn open(&self) -> MutexGuard<'_, Open> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.places
            .retain(|_, place| place.since.elapsed() < LIFETIME);
        open.bearers.retain(|_, since| since.elapsed() < LIFETIME);
        open
    }

    fn add(&self, about: About, parts: Option<Parts>) -> (Uuid, Place) {
        let place = Place {
            id: Uuid::new_v4(),
            about,
            since: Instant::now(),
            parts: parts.map(Arc::new),
        };
        let token = Uuid::new_v4();
        self.open().places.insert(token, place.clone());
        (token, place)
    }

    fn place(&self, token: &str) -> Option<(Uuid, Place)> {
        let token = Uuid::try_parse(token).ok()?;
        Some((token, self.open().places.get(&token)?.clone()))
    }

    fn close(&self, token: Uuid) {
        self.open().places.remove(&token);
    }
}

fn parts(shared: &Shared) -> std::io::Result<Parts> {
    Ok(Parts {
        incoming: shared.files.incoming()?,
        come: Mutex::default(),
    })
}

fn no_such_place() -> Answer {
    let text = "This upload address is unknown, used up or expired; ask for another one";
    answer::detail(StatusCode::FORBIDDEN, text)
}

/// Answers what is below `/storage`: as at fal's `rest` host.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    call: &Call,
    body: Body,
    segments: &[&str],
) -> Answer {
    // The token in the address stands for the key here.
    if let ["upload", "place", rest @ ..] = segments {
        let Some((token, place)) = call
            .parameter("token")
            .and_then(|t| shared.uploads.place(t))
        else {
            return no_such_place();
        };
        return match (&call.method, rest) {
            (&Method::PUT, [_]) => receive_whole(shared, body, token, place).await,
            (&Method::PUT, [_, number]) => receive_part(body, &place, number).await,
            (&Method::POST, [_, "complete"]) => complete(shared, body, token, place).await,
            _ => answer::no_such_path(&call.path),
        };
    }
    if call.method != Method::POST {
        return answer::no_such_path(&call.path);
    }
    if let Err(denied) = shared.guard.check(&call.headers) {
        return answer::denied(denied, None);
    }
    match segments {
        ["upload", "initiate"] => initiate(shared, call, body, false).await,
        ["upload", "initiate-multipart"] => initiate(shared, call, body, true).await,
        ["auth", "token"] => bearer(shared, call),
        _ => answer::no_such_path(&call.path),
    }
}

async fn initiate(shared: &Arc<Shared>, call: &Call, body: Body, in_parts: bool) -> Answer {
    let body = match routes::whole(body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let Ok(wish) = serde_json::from_slice::<InitiateUpload>(&body) else {
        let text = "The body must be a JSON object with file_name and content_type";
        return answer::detail(StatusCode::UNPROCESSABLE_ENTITY, text);
    };
    let about = About::new(&wish.file_name, &wish.content_type);
    let gathering = if in_parts {
        match disk_thread(shared, |shared| parts(&shared)).await {
            Ok(parts) => Some(parts),
            Err(error) => return answer::disk_trouble(&error),
        }
    } else {
        None
    };
    let (token, place) = shared.uploads.add(about, gathering);
    answer::ok(&InitiatedUpload {
        upload_url: format!(
            "{}/storage/upload/place/{}?token={}",
            call.base,
            place.id.simple(),
            token.simple()
        ),
        file_url: format!("{}{}", call.base, place.about.path(place.id)),
    })
}

fn bearer(shared: &Shared, call: &Call) -> Answer {
    let token = Uuid::new_v4();
    shared.uploads.open().bearers.insert(token, Instant::now());
    let expires_at = Timestamp::now() + LIFETIME;
    answer::ok(&json!({
        "token": token.simple().to_string(),
        "token_type": "Bearer",
        "base_url": call.base,
        // Python reads an offset, older versions of it no `Z`.
        "expires_at": expires_at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
    }))
}

/// Answers what is below `/files/upload`: the Python client's way, as at fal's CDN.
pub(super) async fn direct(
    shared: &Arc<Shared>,
    call: &Call,
    body: Body,
    segments: &[&str],
) -> Answer {
    let token = call
        .header("authorization")
        .and_then(|text| text.strip_prefix("Bearer "))
        .and_then(|token| Uuid::try_parse(token.trim()).ok());
    if !token.is_some_and(|token| shared.uploads.open().bearers.contains_key(&token)) {
        return answer::detail(
            StatusCode::UNAUTHORIZED,
            "The upload token is missing, unknown or expired",
        );
    }
    let name = call.header("x-fal-file-name").unwrap_or("file");
    let about = About::new(name, call.header("content-type").unwrap_or_default());
    match (&call.method, segments) {
        (&Method::POST, []) => {
            let (token, place) = shared.uploads.add(about, None);
            let url = format!("{}{}", call.base, place.about.path(place.id));
            let answer = receive_whole(shared, body, token, place).await;
            if answer.status().is_success() {
                answer::ok(&json!({ "access_url": url }))
            } else {
                shared.uploads.close(token);
                answer
            }
        }
        (&Method::POST, ["multipart"]) => {
            match disk_thread(shared, |shared| parts(&shared)).await {
                Ok(parts) => {
                    let (token, place) = shared.uploads.add(about, Some(parts));
                    answer::ok(&json!({
                        "access_url": format!("{}{}", call.base, place.about.path(place.id)),
                        "uploadId": token.simple().to_string(),
                    }))
                }
                Err(error) => answer::disk_trouble(&error),
            }
        }
        _ => answer::no_such_path(&call.path),
    }
}

/// Answers `/files/b/{id}/{name}/multipart/{upload id}/…`: the parts of the Python client's uploads.
pub(super) async fn direct_part(
    shared: &Arc<Shared>,
    call: &Call,
    body: Body,
    id: &str,
    segments: &[&str],
) -> Answer {
    let [upload, rest] = segments else {
        return answer::no_such_path(&call.path);
    };
    let Some((token, place)) = shared
        .uploads
        .place(upload)
        .filter(|(_, place)| Uuid::try_parse(id).is_ok_and(|id| id == place.id))
    else {
        return no_such_place();
    };
    match (&call.method, *rest) {
        (&Method::PUT, number) => receive_part(body, &place, number).await,
        (&Method::POST, "complete") => complete(shared, body, token, place).await,
        _ => answer::no_such_path(&call.path),
    }
}

async fn receive_whole(shared: &Arc<Shared>, body: Body, token: Uuid, place: Place) -> Answer {
    if place.parts.is_some() {
        return answer::detail(StatusCode::BAD_REQUEST, "This upload comes in parts");
    }
    let incoming = match disk_thread(shared, |shared| shared.files.incoming()).await {
        Ok(incoming) => incoming,
        Err(error) => return answer::disk_trouble(&error),
    };
    if let Err(answer) = receive(body, &incoming.content(), LARGEST_FILE).await {
        return answer;
    }
    keep(shared, token, place, move |_| Ok(incoming)).await
}

/// Gives a file that is whole its name, and closes its place.
async fn keep(
    shared: &Arc<Shared>,
    token: Uuid,
    place: Place,
    gather: impl FnOnce(&Shared) -> std::io::Result<Incoming> + Send + 'static,
) -> Answer {
    let kept = disk_thread(shared, move |shared| {
        let incoming = gather(&shared)?;
        // Two at once: the second finds the first one's file and fails.
        shared.files.keep(&incoming, place.id, &place.about)
    })
    .await;
    match kept {
        Ok(()) => {
            shared.uploads.close(token);
            answer::ok(&json!({}))
        }
        Err(error) => answer::disk_trouble(&error),
    }
}

async fn receive_part(body: Body, place: &Place, number: &str) -> Answer {
    let number = number
        .parse::<u32>()
        .ok()
        .filter(|n| (1..=MOST_PARTS).contains(n));
    let (Some(number), Some(parts)) = (number, &place.parts) else {
        let text =
            format!("This upload has no such part; parts are numbered from 1 to {MOST_PARTS}");
        return answer::detail(StatusCode::BAD_REQUEST, &text);
    };
    let others: u64 = come(parts)
        .iter()
        .filter(|(other, _)| **other != number)
        .map(|(_, (size, _))| size)
        .sum();
    let room = LARGEST_FILE.saturating_sub(others);
    match receive(body, &parts.incoming.part(number), room).await {
        Err(answer) => answer,
        Ok((size, digest)) => {
            let etag = format!("\"{digest}\"");
            come(parts).insert(number, (size, etag.clone()));
            let mut answer = answer::ok(&json!({ "partNumber": number, "etag": etag }));
            if let Ok(value) = HeaderValue::from_str(&etag) {
                answer.headers_mut().insert(header::ETAG, value);
            }
            answer
        }
    }
}

fn come(parts: &Parts) -> MutexGuard<'_, HashMap<u32, (u64, String)>> {
    parts.come.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Deserialize)]
struct Completed {
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(rename = "partNumber")]
    number: u32,
    etag: String,
}

async fn complete(shared: &Arc<Shared>, body: Body, token: Uuid, place: Place) -> Answer {
    let body = match routes::whole(body).await {
        Ok(body) => body,
        Err(answer) => return answer,
    };
    let (Ok(completed), Some(parts)) = (
        serde_json::from_slice::<Completed>(&body),
        place.parts.clone(),
    ) else {
        let text = "The body must be a JSON object with parts, each with partNumber and etag";
        return answer::detail(StatusCode::UNPROCESSABLE_ENTITY, text);
    };
    let mut numbers: Vec<_> = completed.parts.iter().map(|part| part.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let fits = {
        let come = come(&parts);
        let has_come = |part: &Part| {
            come.get(&part.number)
                .is_some_and(|(_, etag)| etag.trim_matches('"') == part.etag.trim_matches('"'))
        };
        numbers.len() == completed.parts.len()
            && !numbers.is_empty()
            && completed.parts.iter().all(has_come)
    };
    if !fits {
        let text = "The parts named are not the parts that were received";
        return answer::detail(StatusCode::BAD_REQUEST, text);
    }
    // From here on nobody adds parts; a failure on the disk costs the whole upload.
    shared.uploads.close(token);
    keep(
        shared,
        token,
        Place {
            parts: None,
            ..place
        },
        move |shared| {
            parts.incoming.join(&numbers)?;
            let whole = shared.files.incoming()?;
            std::fs::rename(parts.incoming.content(), whole.content())?;
            Ok(whole)
        },
    )
    .await
}

/// Writes a body to a file; returns its size and its digest.
async fn receive(body: Body, path: &Path, room: u64) -> Result<(u64, String), Answer> {
    let trouble = |error: std::io::Error| answer::disk_trouble(&error);
    let mut options = tokio::fs::OpenOptions::from(disk::private());
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .await
        .map_err(trouble)?;
    let mut chunks = body.into_data_stream();
    let (mut size, mut digest) = (0, Sha256::new());
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            let text = format!("The upload broke off: {error}");
            answer::detail(StatusCode::BAD_REQUEST, &text)
        })?;
        size += chunk.len() as u64;
        if size > room {
            let text = format!("A file may have at most {LARGEST_FILE} bytes");
            return Err(answer::detail(StatusCode::PAYLOAD_TOO_LARGE, &text));
        }
        digest.update(&chunk);
        file.write_all(&chunk).await.map_err(trouble)?;
    }
    file.flush().await.map_err(trouble)?;
    let hex = digest
        .finalize()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    Ok((size, hex))
}

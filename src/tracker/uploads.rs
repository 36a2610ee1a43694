//! Uploads of local files: each content once for a server and a key, as long as the server has it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{sync::OnceCell, time::Instant};

use super::{Shared, blocking, inputs, lock, now, place};
use crate::{
    catalog::FileArgument,
    fal::{self, Client},
    model::{Arguments, Job},
    store::UploadKey,
};

/// How long an upload is used again without a look whether it is still there. fal keeps files for days, and what a
/// job is given it fetches within minutes.
const TRUSTED: Duration = Duration::from_hours(1);

/// Uploads of this process, so that a sweep uploads its picture once and asks about it once.
#[derive(Default)]
pub(super) struct Uploads {
    known: Mutex<HashMap<UploadKey, Uploaded>>,
}

#[derive(Clone)]
struct Uploaded {
    since: Instant,
    url: Arc<OnceCell<String>>,
}

impl Uploads {
    fn slot(&self, key: &UploadKey) -> Arc<OnceCell<String>> {
        let mut known = lock(&self.known);
        known.retain(|_, uploaded| uploaded.since.elapsed() < TRUSTED);
        let uploaded = known.entry(key.clone()).or_insert_with(|| Uploaded {
            since: Instant::now(),
            url: Arc::default(),
        });
        Arc::clone(&uploaded.url)
    }
}

/// The address of `path` at the server, where it is uploaded to unless it is there.
pub(super) async fn upload(
    shared: &Arc<Shared>,
    client: &Client,
    job: &Job,
    file: &FileArgument,
    path: &Path,
) -> Result<String, fal::Error> {
    let failed = |source| fal::Error::File {
        path: path.to_owned(),
        source,
    };
    let of: PathBuf = path.to_owned();
    let (hash, kind) = blocking(move || {
        let hash = inputs::content_hash(&of)?;
        Ok((hash, inputs::kind_of(&of)?))
    })
    .await
    .map_err(failed)?;
    tell_change(shared, job, file, path, &hash).await;
    let key = UploadKey {
        server: client.server().hosts.rest.to_string(),
        key: client.server().fingerprint(),
        hash,
    };
    let slot = shared.uploads.slot(&key);
    let url = slot
        .get_or_try_init(|| async {
            let _place = shared.limits.uploads.acquire().await;
            if let Some(url) = still_there(shared, client, &key).await {
                return Ok(url);
            }
            // A name of ours: the path is nobody's business.
            let stem = place::stem(file.name.trim_end_matches("_url"));
            let name = format!("{stem}.{}", kind.extension);
            let (reports, id) = (shared.reports.clone(), job.id.clone());
            let progress = move |sent, total| reports.upload(&id, sent, total);
            let uploaded = client.upload(path, &name, kind.mime, progress).await?;
            keep(shared, key.clone(), uploaded.url.clone()).await;
            Ok(uploaded.url)
        })
        .await?;
    Ok(url.clone())
}

/// Where an earlier upload of the same content is, if the server still has it.
async fn still_there(shared: &Shared, client: &Client, key: &UploadKey) -> Option<String> {
    let of = key.clone();
    // What cannot be read here is uploaded again: that costs time, never money.
    let kept = shared
        .store(move |store| store.upload(&of))
        .await
        .ok()
        .flatten()?;
    let age = now().as_millisecond() - kept.checked_at.as_millisecond();
    // A clock that was set back tells no age.
    let is_trusted = u64::try_from(age).is_ok_and(|age| Duration::from_millis(age) < TRUSTED);
    if is_trusted {
        return Some(kept.url);
    }
    if !client.is_there(&kept.url).await {
        return None;
    }
    keep(shared, key.clone(), kept.url.clone()).await;
    Some(kept.url)
}

async fn keep(shared: &Shared, key: UploadKey, url: String) {
    // Without it the next process uploads the file again, and nothing else.
    let _ = shared
        .store(move |store| store.keep_upload(&key, &url, now()))
        .await;
}

/// Says so when a copy of a job sends another picture than the job did, because the file has changed since.
async fn tell_change(shared: &Shared, job: &Job, file: &FileArgument, path: &Path, hash: &str) {
    let Some(parent) = job.parent.clone() else {
        return;
    };
    let (of, pointer) = (parent.clone(), file.pointer.clone());
    let path_of_parent = file.value.clone();
    let before = shared
        .store(move |store| {
            let Some(before) = store.get(&of)? else {
                return Ok(None);
            };
            // Another path is another picture by the user's own choice.
            let named = before
                .arguments
                .at(&pointer)
                .and_then(|value| value.as_str());
            if named != Some(path_of_parent.as_str()) {
                return Ok(None);
            }
            let body = store.wire(&of)?.and_then(|wire| wire.body);
            let sent: Option<Arguments> = body.and_then(|body| serde_json::from_str(&body).ok());
            let url = sent.as_ref().and_then(|sent| sent.at(&pointer)?.as_str());
            url.map_or(Ok(None), |url| store.uploaded_content(url))
        })
        .await;
    if let Ok(Some(before)) = before
        && before != hash
    {
        shared.reports.trouble(&format!(
            "{}: {} has changed since {} was sent; it is sent as it is now",
            job.id.short(),
            path.display(),
            parent.short(),
        ));
    }
}

//! Brings a finished job home: the result, its files, and the record of what produced them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::{
    Error, Shared, Step, Tracker, blocking, inputs, now, place,
    settle::client_of,
    task::{Next, Retry, Stepped, Turn, in_words},
};
use crate::{
    fal::{self, Client, RequestsQuery},
    model::{
        CleanText, Job, JobError, JobId, JobState, inert_json,
        job::{FileKind, SavedFile},
        request::RequestUrls,
        server,
    },
    store,
};

/// Longest wait between two tries, in seconds.
const LONGEST_WAIT: u64 = 60;
/// Failures of the server in a row before its list of requests is asked for the result instead.
const MOST_FAILURES: u32 = 5;
/// So many answers in a row that a file is gone are believed.
const MOST_GONE: u32 = 3;
/// Files of one result that are saved; no endpoint has so many.
const MOST_FILES: usize = 50;
/// The record beside the files.
const RECORD: &str = "job.json";

/// A file that a result names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remote {
    /// Where in the result it stands, such as `video` or `images.0`.
    field: String,
    url: String,
}

/// Why saving did not get further.
enum Setback {
    Store(store::Error),
    /// A wait may help.
    Later(Error),
    /// The file is gone from the server.
    Gone,
    /// No wait will help.
    Never(JobError),
}

impl From<store::Error> for Setback {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Step 7 of the protocol, for a job that is done at the server.
pub(super) async fn save(
    shared: &Arc<Shared>,
    turn: &Turn,
    job: Job,
    urls: Option<RequestUrls>,
) -> Stepped {
    let Some(client) = shared.servers.to_follow(&job.account, turn).await else {
        return Ok(Next::Look);
    };
    let Some(output) = job.output.clone() else {
        return fetch(shared, turn, &client, &job, urls.as_ref()).await;
    };
    let mut retry = Retry::up_to(LONGEST_WAIT);
    let mut gone = 0;
    loop {
        let saving = async {
            let _place = shared.limits.downloads.acquire().await;
            save_files(shared, &client, &job.id, &output).await
        };
        let setback = match turn.unless_woken(saving).await {
            None => return Ok(Next::Look),
            Some(Ok(())) => return Ok(Next::Look),
            Some(Err(setback)) => setback,
        };
        let id = job.id.clone();
        let why = match setback {
            Setback::Store(error) => return Err(error),
            Setback::Never(error) => {
                fail(shared, &job.id, error).await?;
                return Ok(Next::Look);
            }
            Setback::Gone => {
                gone += 1;
                if gone >= MOST_GONE {
                    shared
                        .change(move |store| store.expired(&id, now()))
                        .await?;
                    return Ok(Next::Look);
                }
                "the server says that the file is gone".to_owned()
            }
            Setback::Later(error) => {
                gone = 0;
                error.to_string()
            }
        };
        if !pause(shared, turn, &job.id, &why, None, &mut retry).await? {
            return Ok(Next::Look);
        }
    }
}

/// Shows `why`, and when it goes on, and waits so long; says whether the wait was whole.
async fn pause(
    shared: &Shared,
    turn: &Turn,
    id: &JobId,
    why: &str,
    asked: Option<Duration>,
    retry: &mut Retry,
) -> Result<bool, store::Error> {
    let wait = asked.unwrap_or_default().as_secs_f64() + 0.5 + retry.next();
    let notice = format!("{why}; trying again in {}", in_words(wait));
    shared.notice(id, Some(notice)).await?;
    Ok(turn.wait(shared.seconds(wait)).await)
}

/// Fetches the result and stores it; a result that is an error ends the job.
async fn fetch(
    shared: &Arc<Shared>,
    turn: &Turn,
    client: &Client,
    job: &Job,
    urls: Option<&RequestUrls>,
) -> Stepped {
    let Some(request_id) = &job.request_id else {
        return super::task::lost_answer(shared, job).await;
    };
    let at = client.follow(&job.endpoint, request_id, urls);
    let mut retry = Retry::up_to(LONGEST_WAIT);
    loop {
        let Some(answer) = turn.unless_woken(client.result(&at)).await else {
            return Ok(Next::Look);
        };
        let error = match answer {
            Ok(reply) => {
                shared.crash.point(Step::ResultFetched).await;
                keep(shared, job, reply.output, reply.billable_units).await?;
                return Ok(Next::Look);
            }
            Err(fal::Error::Refused { status, error }) => {
                let error = if status == 499 { cancelled() } else { *error };
                fail(shared, &job.id, error).await?;
                return Ok(Next::Look);
            }
            Err(fal::Error::Unauthorized { message, .. }) => {
                if shared.servers.refuse_key(client) {
                    shared.reports.unauthorized(message);
                }
                return Ok(Next::Look);
            }
            Err(error) => error,
        };
        let is_gone = matches!(error, fal::Error::Gone { .. } | fal::Error::NotFound { .. });
        let is_stuck =
            matches!(error, fal::Error::Server { .. }) && retry.failures() >= MOST_FAILURES;
        let why = if is_gone || is_stuck {
            match turn.unless_woken(from_list(shared, client, job)).await {
                None => return Ok(Next::Look),
                Some(Ok(Listed::Settled)) => return Ok(Next::Look),
                Some(Ok(Listed::Nothing)) if is_gone => {
                    let id = job.id.clone();
                    shared
                        .change(move |store| store.expired(&id, now()))
                        .await?;
                    return Ok(Next::Look);
                }
                Some(Ok(Listed::Nothing)) => error.to_string(),
                Some(Err(Setback::Store(error))) => return Err(error),
                Some(Err(Setback::Later(error))) => error.to_string(),
                Some(Err(Setback::Gone | Setback::Never(_))) => error.to_string(),
            }
        } else if error.is_transient() {
            error.to_string()
        } else {
            let error = JobError {
                kind: "talkdeck_result".into(),
                message: CleanText::line(&error.to_string()),
                fields: Vec::new(),
            };
            fail(shared, &job.id, error).await?;
            return Ok(Next::Look);
        };
        let asked = match error {
            fal::Error::RateLimited { wait, .. } => wait,
            _ => None,
        };
        if !pause(shared, turn, &job.id, &why, asked, &mut retry).await? {
            return Ok(Next::Look);
        }
    }
}

async fn keep(
    shared: &Shared,
    job: &Job,
    output: Value,
    billed: Option<f64>,
) -> Result<(), store::Error> {
    let id = job.id.clone();
    shared
        .change(move |store| store.store_result(&id, &output, billed))
        .await?;
    shared.crash.point(Step::ResultStored).await;
    Ok(())
}

enum Listed {
    /// The list had the result, or the failure.
    Settled,
    Nothing,
}

/// Asks the list of requests, which keeps results longer than the queue does.
async fn from_list(shared: &Shared, client: &Client, job: &Job) -> Result<Listed, Setback> {
    let query = RequestsQuery {
        endpoint: job.endpoint.clone(),
        start: job.created_at - Duration::from_secs(600),
        end: now() + Duration::from_secs(600),
        request_id: job.request_id.clone(),
    };
    let listed = match client.requests(&query).await {
        Ok(listed) => listed,
        Err(error) if error.is_transient() => return Err(Setback::Later(error.into())),
        // A server without such a list, or a key that may not see it.
        Err(_) => return Ok(Listed::Nothing),
    };
    let ours = job.request_id.as_ref().map(|id| id.as_str());
    let Some(item) = listed
        .into_iter()
        .find(|item| Some(item.request_id.as_str()) == ours)
    else {
        return Ok(Listed::Nothing);
    };
    let output = item.json_output.filter(|output| !output.is_null());
    match (item.status_code, output) {
        (Some(499), _) => fail(shared, &job.id, cancelled()).await?,
        (Some(status @ 400..), output) => {
            let text = output
                .as_ref()
                .and_then(|output| output.get("detail"))
                .and_then(Value::as_str)
                .unwrap_or("the request failed; its words are no longer kept");
            let error = JobError {
                kind: CleanText::line(&format!("http_{status}")),
                message: CleanText::line(text),
                fields: Vec::new(),
            };
            fail(shared, &job.id, error).await?;
        }
        (_, Some(output)) => keep(shared, job, output, None).await?,
        (_, None) => return Ok(Listed::Nothing),
    }
    Ok(Listed::Settled)
}

fn cancelled() -> JobError {
    JobError {
        kind: "client_cancelled".into(),
        message: "cancelled".into(),
        fields: Vec::new(),
    }
}

/// Ends the job with the server's error, which may be that it was cancelled.
pub(super) async fn fail(shared: &Shared, id: &JobId, error: JobError) -> Result<(), store::Error> {
    let id = id.clone();
    shared
        .change(move |store| {
            if error.kind.as_str() == "client_cancelled" {
                store.cancelled(&id, now())
            } else {
                store.fail(&id, &error, now())
            }
        })
        .await?;
    Ok(())
}

/// Everything in `output` that looks like fal's `File`: an object with an address.
fn files_in(output: &Value) -> Vec<Remote> {
    fn walk(value: &Value, field: &str, found: &mut Vec<Remote>) {
        let below = |name: &str| {
            if field.is_empty() {
                name.to_owned()
            } else {
                format!("{field}.{name}")
            }
        };
        match value {
            Value::Object(map) => {
                let url = map.get("url").and_then(Value::as_str);
                if let Some(url) = url.filter(|url| url.starts_with("http")) {
                    if found.iter().all(|known| known.url != url) {
                        found.push(Remote {
                            field: field.to_owned(),
                            url: url.to_owned(),
                        });
                    }
                    return;
                }
                for (name, value) in map {
                    walk(value, &below(name), found);
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    walk(value, &below(&index.to_string()), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(output, "", &mut found);
    found.truncate(MOST_FILES);
    found
}

/// `url`, at the present address of a server of this machine if it was made at an older one.
fn at_home(client: &Client, url: &str) -> String {
    let home = &client.server().hosts.queue;
    match Url::parse(url) {
        Ok(mut moved) if server::is_loopback(home) && server::is_loopback(&moved) => {
            let fits = moved.set_scheme(home.scheme()).is_ok()
                && moved.set_host(home.host_str()).is_ok()
                && moved.set_port(home.port()).is_ok();
            if fits { moved.into() } else { url.to_owned() }
        }
        _ => url.to_owned(),
    }
}

async fn save_files(
    shared: &Arc<Shared>,
    client: &Client,
    id: &JobId,
    output: &Value,
) -> Result<(), Setback> {
    let wanted = id.clone();
    let Some(mut job) = shared.store(move |store| store.get(&wanted)).await? else {
        return Ok(());
    };
    let dir = place::dir_of(&job, &shared.results_dir);
    let remotes = files_in(output);
    // Files are added in order, each right after it was placed: what is there need not be fetched again.
    for (index, remote) in remotes.iter().enumerate().skip(job.files.len()) {
        let tag = format!("{id}-{index}");
        let name = name_of(&job, remote, index);
        let file = download(shared, client, remote, &dir, &name, &tag).await?;
        let wanted = id.clone();
        match shared
            .change(move |store| store.add_file(&wanted, &file))
            .await?
        {
            Some(changed) => job = changed,
            None => return Ok(()),
        }
    }
    job.state = JobState::Completed;
    job.notice = None;
    job.remote_status = None;
    job.completed_at = Some(now());
    let record = write_record(&dir, &job).await.map_err(Setback::Later)?;
    shared.crash.point(Step::RecordWritten).await;
    let wanted = id.clone();
    let mut files = job.files;
    files.push(record);
    let at = job.completed_at.unwrap_or_else(now);
    shared
        .change(move |store| store.complete(&wanted, &files, at))
        .await?;
    shared.crash.point(Step::Completed).await;
    Ok(())
}

/// The video is named like the job; what else there is says what it is.
fn name_of(job: &Job, remote: &Remote, index: usize) -> String {
    let stem = place::stem(job.name.as_str());
    match remote.field.as_str() {
        "video" | "" => stem,
        field => format!("{stem}-{}-{index}", place::stem(&field.replace('.', "-"))),
    }
}

/// Downloads one file to `dir`; when this returns, it is whole, synced, and under a name that nobody had.
async fn download(
    shared: &Shared,
    client: &Client,
    remote: &Remote,
    dir: &Path,
    name: &str,
    tag: &str,
) -> Result<SavedFile, Setback> {
    let file_error = |path: &Path, source| {
        Setback::Later(Error::File {
            path: path.to_owned(),
            source,
        })
    };
    let (target, tag) = (dir.to_owned(), tag.to_owned());
    let (unfinished, file) = blocking(move || {
        place::make_dir(&target)?;
        place::Unfinished::create(&target, &tag)
    })
    .await
    .map_err(|source| file_error(dir, source))?;
    let mut file = tokio::fs::File::from_std(file);
    let url = at_home(client, &remote.url);
    let mut download = client.download(&url, 0).await.map_err(download_failed)?;
    let mut bytes = 0;
    while let Some(piece) = download.stream.next().await {
        let piece = piece.map_err(download_failed)?;
        file.write_all(&piece)
            .await
            .map_err(|source| file_error(unfinished.path(), source))?;
        bytes += piece.len() as u64;
    }
    file.flush()
        .await
        .map_err(|source| file_error(unfinished.path(), source))?;
    let synced = async {
        file.sync_all().await?;
        Ok(file.metadata().await?.len())
    };
    let on_disk = synced
        .await
        .map_err(|source| file_error(unfinished.path(), source))?;
    let wanted = download.length.unwrap_or(bytes).max(1);
    if on_disk != wanted {
        return Err(Setback::Later(Error::Incomplete {
            name: CleanText::line(name),
            got: on_disk,
            wanted,
        }));
    }
    shared.crash.point(Step::Downloaded).await;
    let (stem, hint) = (name.to_owned(), remote.url.clone());
    let is_video_field = remote.field == "video";
    let placed = blocking(move || {
        let kind = inputs::kind_of(unfinished.path())?;
        let extension = match kind.extension {
            "bin" => extension_in(&hint).unwrap_or(if is_video_field { "mp4" } else { "bin" }),
            known => known,
        };
        let path = unfinished.place(&stem, extension)?;
        let is_video = is_video_field || kind.mime.starts_with("video/");
        Ok((path, is_video))
    })
    .await;
    let (path, is_video) = placed.map_err(|source| file_error(dir, source))?;
    shared.crash.point(Step::Renamed).await;
    Ok(SavedFile {
        path,
        kind: if is_video {
            FileKind::Video
        } else {
            FileKind::Other
        },
        bytes,
    })
}

fn download_failed(error: fal::Error) -> Setback {
    match error {
        fal::Error::Gone { .. } => Setback::Gone,
        error if error.is_transient() => Setback::Later(error.into()),
        // A signed address whose time is over, mostly; the result stays, and `download` may be tried again.
        error => Setback::Never(JobError {
            kind: "talkdeck_download".into(),
            message: CleanText::line(&error.to_string()),
            fields: Vec::new(),
        }),
    }
}

/// The extension of an address's path, if it is one that we would write.
fn extension_in(url: &str) -> Option<&'static str> {
    const KNOWN: [&str; 10] = [
        "mp4", "webm", "mov", "wav", "mp3", "png", "jpg", "webp", "gif", "json",
    ];
    let url = Url::parse(url).ok()?;
    let (_, extension) = url.path().rsplit_once('.')?;
    let extension = extension.to_ascii_lowercase();
    KNOWN.into_iter().find(|known| *known == extension)
}

/// Writes what produced the files, last of all: where it is, the directory is whole.
async fn write_record(dir: &Path, job: &Job) -> Result<SavedFile, Error> {
    let object = job.to_object();
    let (dir, tag) = (dir.to_owned(), format!("{}-record", job.id));
    let path = dir.join(RECORD);
    let target = path.clone();
    let written = blocking(move || {
        let mut line = inert_json::to_line(&object)?;
        line.push('\n');
        place::make_dir(&dir)?;
        let (unfinished, mut file) = place::Unfinished::create(&dir, &tag)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        // One that stands there is ours, from before a crash: the directory bears the job's id.
        unfinished.replace(&target)?;
        Ok::<_, std::io::Error>(line.len() as u64)
    })
    .await;
    match written {
        Ok(bytes) => Ok(SavedFile {
            path,
            kind: FileKind::Job,
            bytes,
        }),
        Err(source) => Err(Error::File { path, source }),
    }
}

impl Tracker {
    /// Puts the files of a job's result into `dir`, from this machine where they are still here, else from the server.
    ///
    /// Nothing that exists in `dir` is replaced.
    ///
    /// # Errors
    /// When the job has no result, or a file can neither be copied nor downloaded.
    pub async fn download(&self, id: &JobId, dir: &Path) -> Result<Vec<SavedFile>, Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        let Some(output) = job.output.clone() else {
            return Err(Error::WrongState {
                id: id.clone(),
                state: job.state.name(),
                reason: "it has no result",
            });
        };
        let here: Vec<_> = job
            .files
            .iter()
            .filter(|file| file.kind != FileKind::Job)
            .cloned()
            .collect();
        let mut saved = Vec::new();
        for (index, remote) in files_in(&output).iter().enumerate() {
            let tag = format!("{id}-{index}-{:08x}", fastrand::u32(..));
            if let Some(file) = here.get(index)
                && let Some(copied) = copy(file, dir, &tag).await?
            {
                saved.push(copied);
                continue;
            }
            let client = client_of(shared, &job.account)?;
            let name = name_of(&job, remote, index);
            match download(shared, &client, remote, dir, &name, &tag).await {
                Ok(file) => saved.push(file),
                Err(Setback::Store(error)) => return Err(error.into()),
                Err(Setback::Later(error)) => return Err(error),
                Err(Setback::Gone) => {
                    let host = client.server().id.to_string();
                    return Err(fal::Error::Gone { host }.into());
                }
                Err(Setback::Never(error)) => {
                    let error = Box::new(error);
                    return Err(fal::Error::Refused { status: 403, error }.into());
                }
            }
        }
        Ok(saved)
    }
}

/// A copy of a saved file in `dir`; `None` when it is no longer there whole.
async fn copy(file: &SavedFile, dir: &Path, tag: &str) -> Result<Option<SavedFile>, Error> {
    let (from, target, tag) = (file.clone(), dir.to_owned(), tag.to_owned());
    let copied = blocking(move || {
        if fs::symlink_metadata(&from.path)
            .map(|found| found.len())
            .ok()
            != Some(from.bytes)
        {
            return Ok(None);
        }
        place::make_dir(&target)?;
        let (unfinished, mut to) = place::Unfinished::create(&target, &tag)?;
        std::io::copy(&mut fs::File::open(&from.path)?, &mut to)?;
        to.sync_all()?;
        let text =
            |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).map(str::to_owned);
        let stem = text(from.path.file_stem()).unwrap_or_else(|| "video".to_owned());
        let extension = text(from.path.extension()).unwrap_or_else(|| "bin".to_owned());
        let path: PathBuf = unfinished.place(&stem, &extension)?;
        Ok::<_, std::io::Error>(Some(SavedFile { path, ..from }))
    })
    .await;
    copied.map_err(|source| Error::File {
        path: dir.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_file_of_a_result_is_found_once_wherever_it_stands() {
        let output = json!({
            "video": {"url": "https://v3.fal.media/a.mp4", "file_name": "../x"},
            "images": [{"url": "https://v3.fal.media/1.png"}, {"url": "https://v3.fal.media/a.mp4"}, {"url": 7}],
            "seed": 42, "url": null, "inline": {"url": "data:image/png;base64,AA"},
        });
        let found: Vec<_> = files_in(&output)
            .into_iter()
            .map(|remote| (remote.field, remote.url))
            .collect();
        let want = [
            ("video", "https://v3.fal.media/a.mp4"),
            ("images.0", "https://v3.fal.media/1.png"),
        ];
        assert_eq!(
            found,
            want.map(|(field, url)| (field.to_owned(), url.to_owned()))
        );
        assert_eq!(files_in(&json!("https://x.test/")), []);
    }
}

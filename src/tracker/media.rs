//! The files that a result names: found, downloaded, copied.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures_util::StreamExt;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use url::Url;

use super::{
    Error, Shared, Step, Tracker, blocking, inputs, place, save::Setback, settle::client_of,
};
use crate::{
    fal::{self, Client},
    model::{
        CleanText, Job, JobError, JobId,
        job::{FileKind, SavedFile},
        server,
    },
};

/// Files of one result that are saved; no endpoint has so many.
const MOST_FILES: usize = 50;

/// A file that a result names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    /// Where in the result it stands, such as `video` or `images.0`.
    field: String,
    url: String,
}

/// Everything in `output` that looks like fal's `File`: an object with an address.
pub(super) fn files_in(output: &Value) -> Vec<Remote> {
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

/// The video is named like the job; what else there is says what it is.
pub(super) fn name_of(job: &Job, remote: &Remote, index: usize) -> String {
    let stem = place::stem(job.name.as_str());
    match remote.field.as_str() {
        "video" | "" => stem,
        field => format!("{stem}-{}-{index}", place::stem(&field.replace('.', "-"))),
    }
}

/// Downloads one file to `dir`; when this returns, it is whole, synced, and under a name that nobody had.
pub(super) async fn download(
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
                reason: "it has no result that could be fetched",
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
        let is_whole = fs::symlink_metadata(&from.path)
            .is_ok_and(|found| found.is_file() && found.len() == from.bytes);
        if !is_whole {
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

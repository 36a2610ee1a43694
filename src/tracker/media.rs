//! The files that a result names: found, downloaded, copied.

use std::{
    fs,
    path::{Path, PathBuf},
};

use futures_util::StreamExt;
use serde_json::{Number, Value};
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

/// Characters of a content type that are repeated.
const LONGEST_TYPE: usize = 80;

/// A file that a result names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    /// Where in the result it stands, such as `video` or `images.0`.
    field: String,
    url: String,
    /// What the server says of its length.
    told_bytes: Option<Number>,
    /// What the server says it is.
    told_type: Option<String>,
}

/// Everything in `output` that looks like fal's `File`: an object with an address.
///
/// Other files may be inline, and stay in the output; a video must be one that can be fetched.
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
                let is_file = |url: &&str| url.starts_with("http") || field == "video";
                if let Some(url) = url.filter(is_file) {
                    if found.iter().all(|known| known.url != url) {
                        found.push(Remote {
                            field: field.to_owned(),
                            url: url.to_owned(),
                            told_bytes: map.get("file_size").and_then(Value::as_number).cloned(),
                            told_type: map
                                .get("content_type")
                                .and_then(Value::as_str)
                                .map(str::to_owned),
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

impl Remote {
    /// Where the server's words about the file and the file itself differ; only the file counts.
    fn oddities(&self, name: &str, kind: inputs::Kind, bytes: u64) -> Vec<String> {
        let mut found = Vec::new();
        #[expect(clippy::cast_precision_loss, reason = "no file is that long")]
        if let Some(told) = &self.told_bytes
            && told.as_f64() != Some(bytes as f64)
        {
            found.push(format!("{name} has {bytes} bytes; the server told {told}"));
        }
        let family = |mime: &str| mime.split('/').next().unwrap_or_default().to_lowercase();
        let told = self.told_type.as_deref().unwrap_or_default();
        let told: String = told.chars().take(LONGEST_TYPE).collect();
        // fal calls every file an octet stream.
        let is_told = !told.is_empty() && !told.ends_with("/octet-stream");
        if is_told && family(&told) != family(kind.mime) {
            found.push(format!("{name} is {}; the server told {told}", kind.mime));
        } else if self.field == "video" && family(kind.mime) != "video" {
            found.push(format!("{name} is {}, no video", kind.mime));
        }
        found
    }
}

/// Downloads one file to `dir`; when this returns, it is whole, synced, and under a name that nobody had.
///
/// Also says what the server told wrong about it.
pub(super) async fn download(
    shared: &Shared,
    client: &Client,
    remote: &Remote,
    dir: &Path,
    name: &str,
    tag: &str,
) -> Result<(SavedFile, Vec<String>), Setback> {
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
        Ok((path, is_video, kind))
    })
    .await;
    let (path, is_video, kind) = placed.map_err(|source| file_error(dir, source))?;
    shared.crash.point(Step::Renamed).await;
    let oddities = remote.oddities(name, kind, bytes);
    let file = SavedFile {
        path,
        kind: if is_video {
            FileKind::Video
        } else {
            FileKind::Other
        },
        bytes,
    };
    Ok((file, oddities))
}

fn download_failed(error: fal::Error) -> Setback {
    match error {
        fal::Error::Gone { .. } => Setback::Gone,
        error if error.is_transient() => Setback::Later(error.into()),
        // It is paid for: a refusal of the file's own host may pass, and is shown while it does not.
        error @ fal::Error::Refused { .. } => Setback::Later(error.into()),
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
                Ok((file, _)) => saved.push(file),
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
        let named = |output: &Value| -> Vec<(String, String)> {
            let found = files_in(output).into_iter();
            found.map(|remote| (remote.field, remote.url)).collect()
        };
        let pair = |(field, url): (&str, &str)| (field.to_owned(), url.to_owned());
        let want = [
            ("video", "https://v3.fal.media/a.mp4"),
            ("images.0", "https://v3.fal.media/1.png"),
        ];
        assert_eq!(named(&output), want.map(pair));
        // A video that nobody can fetch is not passed over in silence.
        for url in ["data:video/mp4;base64,AAAA", "file:///etc/passwd", ""] {
            let output = json!({"video": {"url": url}, "poster": {"url": url}});
            assert_eq!(named(&output), [pair(("video", url))]);
        }
        assert_eq!(files_in(&json!("https://x.test/")), []);
    }

    #[test]
    fn what_the_server_tells_wrong_about_a_file_is_said() {
        let mp4 = inputs::Kind {
            mime: "video/mp4",
            extension: "mp4",
        };
        let png = inputs::Kind {
            mime: "image/png",
            extension: "png",
        };
        let said = |file: Value, kind| {
            let found = files_in(&json!({"video": file}));
            found[0].oddities("v", kind, 57).join("; ")
        };
        let url = "https://v3.fal.media/a";
        for right in [
            json!({"url": url}),
            json!({"url": url, "file_size": 57, "content_type": "video/mp4"}),
            json!({"url": url, "file_size": 57.0, "content_type": "application/octet-stream"}),
            json!({"url": url, "file_size": null, "content_type": "Video/quicktime"}),
        ] {
            assert_eq!(said(right, mp4), "");
        }
        for (size, shown) in [
            (json!(242_193), "242193"),
            (json!(-1), "-1"),
            (json!(1e300), "1e+300"),
        ] {
            let told = format!("v has 57 bytes; the server told {shown}");
            assert_eq!(said(json!({"url": url, "file_size": size}), mp4), told);
        }
        let lies = json!({"url": url, "content_type": "image/png"});
        assert_eq!(said(lies, mp4), "v is video/mp4; the server told image/png");
        let other = json!({"url": url, "content_type": "application/octet-stream"});
        assert_eq!(said(other, png), "v is image/png, no video");
    }
}

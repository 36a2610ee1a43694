//! Uploads: a place is asked for with the key, the bytes go there without it.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{StreamExt, TryStreamExt};
use reqwest::{
    Body, Method, Response,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use tokio::{fs::File, io::AsyncReadExt};
use tokio_util::io::ReaderStream;
use url::Url;

use crate::model::{CleanText, JobError};

use super::{
    body::LARGEST_JSON,
    client::{self, Client},
    error::Error,
    followed, wire,
};

/// Bytes that are read from the disk at a time.
const PIECE: usize = 64 << 10;

/// A file that the server has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// Names it in an endpoint's arguments.
    pub url: String,
}

impl Client {
    /// Uploads `file`, streamed from the disk; tried again from the start when that may help.
    ///
    /// `progress` is told bytes sent and bytes in all, from zero again at each try.
    ///
    /// # Errors
    /// [`Error::File`] when the file cannot be read or changes meanwhile, [`Error::UnsafeAddress`] when the server names
    /// a place that is not public; else as [`Error`] says.
    pub async fn upload(
        &self,
        file: &Path,
        file_name: &str,
        content_type: &str,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<Uploaded, Error> {
        let progress: Progress = Arc::new(progress);
        self.repeat(|| self.upload_once(file, file_name, content_type, Arc::clone(&progress)))
            .await
    }

    async fn upload_once(
        &self,
        path: &Path,
        file_name: &str,
        content_type: &str,
        progress: Progress,
    ) -> Result<Uploaded, Error> {
        let failed = |source| Error::File {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).await.map_err(failed)?;
        let size = file.metadata().await.map_err(failed)?.len();
        let place = self.initiate(file_name, content_type).await?;
        let url = Url::parse(&place.upload_url).map_err(|_| {
            Error::invalid(
                &client::host_of(&self.server().hosts.rest),
                "an upload address that is none",
            )
        })?;

        let reading = Arc::new(Reading::new(size, progress));
        let request = self
            .keyless(Method::PUT, &url)?
            .header(CONTENT_TYPE, content_type)
            // Without it the bytes would go out chunked, which signed uploads refuse.
            .header(CONTENT_LENGTH, size)
            .body(reading.body(file));
        let host = client::host_of(&url);
        let answered = self.watch(request, &host, &reading).await;
        // The disk's error explains the connection's.
        if let Some(source) = reading.failure() {
            return Err(failed(source));
        }
        let response = answered?;
        let size_now = tokio::fs::metadata(path).await.map_err(failed)?.len();
        if size_now != size {
            return Err(failed(io::Error::other("it changed during the upload")));
        }
        check(&response, host)?;
        Ok(Uploaded {
            url: place.file_url,
        })
    }

    /// Asks for a place (fal-js, `storage.ts`).
    async fn initiate(
        &self,
        file_name: &str,
        content_type: &str,
    ) -> Result<wire::InitiatedUpload, Error> {
        let mut url = followed::child(&self.server().hosts.rest, ["storage", "upload", "initiate"]);
        url.query_pairs_mut()
            .append_pair("storage_type", "fal-cdn-v3");
        let request = self.keyed(Method::POST, &url)?.json(&wire::InitiateUpload {
            file_name: file_name.to_owned(),
            content_type: content_type.to_owned(),
        });
        let answer = self
            .answer(request, &url, self.timing().answer, LARGEST_JSON)
            .await?;
        if answer.status.is_success() {
            answer.object()
        } else {
            Err(self.failure(&answer))
        }
    }

    /// Sends until the answer is there; gives up when nothing moves for [`super::Timing::transfer`].
    async fn watch(
        &self,
        request: reqwest::RequestBuilder,
        host: &str,
        reading: &Reading,
    ) -> Result<Response, Error> {
        let idle = self.timing().transfer;
        let sending = self.send(request, host, idle);
        tokio::pin!(sending);
        loop {
            let before = reading.sent();
            tokio::select! {
                answered = &mut sending => return answered,
                () = tokio::time::sleep(idle) => if reading.sent() == before {
                    return Err(Error::TimedOut { host: host.to_owned(), after: idle });
                },
            }
        }
    }
}

type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// What the body's stream and its watcher both know.
struct Reading {
    size: u64,
    sent: AtomicU64,
    failure: Mutex<Option<io::Error>>,
    progress: Progress,
}

impl Reading {
    fn new(size: u64, progress: Progress) -> Self {
        progress(0, size);
        Self {
            size,
            sent: AtomicU64::new(0),
            failure: Mutex::new(None),
            progress,
        }
    }

    /// Exactly [`Reading::size`] bytes of `file`, or an error.
    fn body(self: &Arc<Self>, file: File) -> Body {
        let reading = Arc::clone(self);
        let end = Arc::clone(self);
        let pieces = ReaderStream::with_capacity(file.take(self.size), PIECE)
            .inspect_ok(move |piece| {
                let piece = piece.len() as u64;
                let sent = reading.sent.fetch_add(piece, Ordering::Relaxed) + piece;
                (reading.progress)(sent, reading.size);
            })
            .map(move |piece| piece.map_err(|error| end.fail(error)));
        let end = Arc::clone(self);
        let whole = futures_util::stream::once(async move {
            if end.sent() == end.size {
                Ok(tokio_util::bytes::Bytes::new())
            } else {
                Err(end.fail(io::Error::other("it became shorter during the upload")))
            }
        });
        Body::wrap_stream(pieces.chain(whole))
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Keeps `error` for [`Reading::failure`]; the connection gets a stand-in.
    fn fail(&self, error: io::Error) -> io::Error {
        let stand_in = io::Error::from(error.kind());
        *self.failure.lock().expect("nobody panics with it held") = Some(error);
        stand_in
    }

    fn failure(&self) -> Option<io::Error> {
        self.failure
            .lock()
            .expect("nobody panics with it held")
            .take()
    }
}

/// Storage answers with words of its own kind; the status alone tells.
fn check(response: &Response, host: String) -> Result<(), Error> {
    let status = response.status().as_u16();
    match status {
        200..300 => Ok(()),
        408 | 429 | 500.. => Err(Error::Server {
            host,
            status,
            message: CleanText::line("the upload did not go through"),
            error: None,
        }),
        _ => Err(Error::Refused {
            status,
            error: Box::new(JobError {
                kind: CleanText::line("talkdeck_upload_refused"),
                message: CleanText::line(&format!("{host} refused the upload (status {status})")),
                fields: Vec::new(),
            }),
        }),
    }
}

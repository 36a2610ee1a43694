//! Downloads of what a result names: without the key, from public addresses, every hop checked.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use reqwest::{
    Method, Response, StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
        IF_RANGE, LOCATION, RANGE,
    },
};
use tokio_util::bytes::Bytes;
use url::Url;

use crate::model::{CleanText, JobError, Timestamp};

use super::{
    body,
    client::{self, Client},
    error::Error,
    retry,
};

/// Redirects that are followed.
const MOST_HOPS: usize = 5;
/// No video of a minute is larger; a body without end stops here.
const LARGEST_FILE: u64 = 4 << 30;

/// A download that has begun.
pub struct Download {
    /// Where in the file the stream begins: what was asked for, or 0 when the server sends all of it again.
    pub from: u64,
    /// Bytes of the whole file, when the server tells.
    pub length: Option<u64>,
    /// What the server says it is. Not to be relied upon: fal calls its MP4 files `application/octet-stream`.
    pub content_type: Option<CleanText>,
    /// Tells this version of the file from others; for [`Client::resume`].
    pub validator: Option<String>,
    /// The bytes. It ends with an error unless it is as long as was told.
    pub stream: MediaStream,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("from", &self.from)
            .field("length", &self.length)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

/// The bytes of a download.
pub struct MediaStream {
    bytes: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>,
    received: u64,
    expected: Option<u64>,
    ended: bool,
    host: String,
}

impl Client {
    /// Fetches `url` without the key, beginning at byte `from`.
    ///
    /// Whether the server did begin there, [`Download::from`] tells. The call is repeated when that may help; the stream
    /// is not.
    ///
    /// # Errors
    /// [`Error::UnsafeAddress`] when the address, or one it redirects to, is neither public https nor the
    /// server's own; [`Error::Gone`] when there is no such file any more; [`Error::InvalidAnswer`] for a page of HTML and for
    /// a part that was not asked for; else as [`Error`] says.
    pub async fn download(&self, url: &str, from: u64) -> Result<Download, Error> {
        self.begin(url, from, None).await
    }

    /// As [`Client::download`], but from the start when the file is no longer the one that `validator` came with.
    ///
    /// # Errors
    /// As [`Client::download`].
    pub async fn resume(&self, url: &str, from: u64, validator: &str) -> Result<Download, Error> {
        self.begin(url, from, Some(validator)).await
    }

    async fn begin(
        &self,
        url: &str,
        from: u64,
        validator: Option<&str>,
    ) -> Result<Download, Error> {
        let url = Url::parse(url).map_err(|_| Error::UnsafeAddress {
            host: "an address that is none".to_owned(),
        })?;
        let range = range(from, validator);
        self.repeat(|| self.begin_once(&url, from, &range)).await
    }

    /// Whether `url` gives a file, by its first byte; not when nobody answers.
    ///
    /// The key stays here: what only the key opens, an endpoint could not fetch either.
    pub async fn is_there(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        let first = HeaderMap::from_iter([(RANGE, HeaderValue::from_static("bytes=0-0"))]);
        let Ok((_, response)) = self.hop(&url, &first).await else {
            return false;
        };
        let kind = response.headers().get(CONTENT_TYPE);
        let is_page = kind
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| is_page(&CleanText::line(kind)));
        matches!(response.status().as_u16(), 200 | 206) && !is_page
    }

    async fn begin_once(&self, url: &Url, from: u64, range: &HeaderMap) -> Result<Download, Error> {
        let (at, response) = self.hop(url, range).await?;
        // The part lies behind the end: the file is another one, or was whole already. From the start it is then.
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE && from > 0 {
            let (at, response) = self.hop(url, &HeaderMap::new()).await?;
            return self.opened(&at, response, 0);
        }
        self.opened(&at, response, from)
    }

    /// GETs `url` and what it redirects to.
    async fn hop(&self, url: &Url, range: &HeaderMap) -> Result<(Url, Response), Error> {
        let mut url = url.clone();
        for _ in 0..=MOST_HOPS {
            let host = client::host_of(&url);
            let deadline = self.timing().answer;
            let request = self.keyless(Method::GET, &url)?.headers(range.clone());
            let response = tokio::time::timeout(deadline, self.send(request, &host, deadline))
                .await
                .map_err(|_| Error::TimedOut {
                    host: host.clone(),
                    after: deadline,
                })??;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok((url, response));
            }
            url = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok())
                .and_then(|to| url.join(to).ok())
                .ok_or_else(|| Error::invalid(&host, "a redirect to nowhere"))?;
        }
        Err(Error::invalid(&client::host_of(&url), "too many redirects"))
    }

    fn opened(&self, url: &Url, response: Response, from: u64) -> Result<Download, Error> {
        let host = client::host_of(url);
        check(&response, &host)?;
        let headers = response.headers();
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let content_type = text(CONTENT_TYPE).map(|kind| self.redactor().line(kind));
        if content_type.as_ref().is_some_and(is_page) {
            return Err(Error::invalid(&host, "a page of HTML instead of a file"));
        }
        if text(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(Error::invalid(
                &host,
                "a compressed file, which was not asked for",
            ));
        }
        let told = response.content_length();
        let (from, length, expected) = if response.status() == StatusCode::PARTIAL_CONTENT {
            let part = text(CONTENT_RANGE)
                .and_then(Part::parse)
                .filter(|part| part.first == from && from > 0)
                .filter(|part| told.is_none_or(|told| told == part.bytes()))
                .ok_or_else(|| Error::invalid(&host, "another part of the file than asked for"))?;
            (from, part.total, Some(part.bytes()))
        } else {
            (0, told, told)
        };
        if expected.is_some_and(|bytes| bytes > LARGEST_FILE) {
            return Err(Error::invalid(&host, "a file of more than 4 GiB"));
        }
        // A weak one promises nothing about single bytes.
        let validator = text(ETAG)
            .filter(|tag| tag.starts_with('"'))
            .map(str::to_owned);
        let bytes = body::stream(response, &host, self.timing().transfer);
        Ok(Download {
            from,
            length,
            content_type,
            validator,
            stream: MediaStream {
                bytes: Box::pin(bytes),
                received: 0,
                expected,
                ended: false,
                host,
            },
        })
    }
}

impl Stream for MediaStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = std::task::ready!(self.bytes.as_mut().poll_next(context));
        let verdict = match next {
            Some(Ok(piece)) => {
                self.received += piece.len() as u64;
                if self.received <= self.expected.unwrap_or(LARGEST_FILE) {
                    return Poll::Ready(Some(Ok(piece)));
                }
                Some(Err(Error::invalid(&self.host, "more bytes than it told")))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.expected.is_some_and(|bytes| bytes != self.received) => {
                Some(Err(Error::Interrupted {
                    host: self.host.clone(),
                    reason: CleanText::line("fewer bytes than it told"),
                }))
            }
            None => None,
        };
        self.ended = true;
        Poll::Ready(verdict)
    }
}

fn range(from: u64, validator: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if from > 0 {
        let value = HeaderValue::from_str(&format!("bytes={from}-")).expect("digits and dashes");
        headers.insert(RANGE, value);
        if let Some(validator) = validator.and_then(|tag| HeaderValue::from_str(tag).ok()) {
            headers.insert(IF_RANGE, validator);
        }
    }
    headers
}

fn is_page(content_type: &CleanText) -> bool {
    let kind = content_type.as_str().to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml")
}

/// Media hosts answer in words of their own kind; the status alone tells.
fn check(response: &Response, host: &str) -> Result<(), Error> {
    let status = response.status().as_u16();
    let host = host.to_owned();
    match status {
        200 | 206 => Ok(()),
        404 | 410 => Err(Error::Gone { host }),
        429 => Err(Error::RateLimited {
            host,
            wait: retry::asked_for(response.headers(), Timestamp::now()),
        }),
        408 | 425 | 500.. => Err(Error::Server {
            host,
            status,
            message: CleanText::line("the file cannot be had now"),
            error: None,
        }),
        _ => Err(Error::Refused {
            status,
            error: Box::new(JobError {
                kind: CleanText::line("talkdeck_download_refused"),
                message: CleanText::line(&format!("{host} refused the download (status {status})")),
                fields: Vec::new(),
            }),
        }),
    }
}

/// What a `Content-Range` says.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    first: u64,
    last: u64,
    total: Option<u64>,
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.trim().split_once('-')?;
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        let part = Self {
            first: first.parse().ok()?,
            last: last.parse().ok()?,
            total,
        };
        let sane = part.first <= part.last
            && part.last < u64::MAX
            && part.total.is_none_or(|total| part.last < total);
        sane.then_some(part)
    }

    fn bytes(&self) -> u64 {
        self.last - self.first + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_is_read_and_an_impossible_one_is_not() {
        let part = |first, last, total| Some(Part { first, last, total });
        let cases = [
            ("bytes 5-9/10", part(5, 9, Some(10))),
            ("bytes 5-9/*", part(5, 9, None)),
            ("bytes 9-5/10", None),
            ("bytes 5-10/10", None),
            ("bytes */10", None),
            ("items 5-9/10", None),
            ("bytes -1-9/10", None),
            ("bytes 0-18446744073709551615/*", None),
            ("", None),
        ];
        for (text, want) in cases {
            assert_eq!(Part::parse(text), want, "{text}");
        }
    }
}

//! The status stream: server-sent events, each a status with what is new in the log.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, future};
use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use sse_stream::SseByteStream;
use tokio_util::bytes::Bytes;

use super::{
    answer::Answer,
    body::{self, LARGEST_JSON},
    client::{self, Client},
    error::Error,
    followed::Followed,
    wire,
};

/// Statuses as the server sends them. It ends when the server closes, which it does after `COMPLETED`, or after the
/// first error of the connection.
pub struct StatusStream(Pin<Box<dyn Stream<Item = Result<wire::Status, Error>> + Send>>);

impl Stream for StatusStream {
    type Item = Result<wire::Status, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(context)
    }
}

impl std::fmt::Debug for StatusStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StatusStream")
    }
}

impl Client {
    /// Opens the status stream.
    ///
    /// Its statuses carry only what is new in the log, unlike [`Client::status`]. A stream without a byte for
    /// [`Timing::stream`](super::Timing) ends with [`Error::TimedOut`]: the server sends a comment every 15 s.
    ///
    /// # Errors
    /// As [`Client::status`]; [`Error::InvalidAnswer`] also when the answer is no event stream.
    pub async fn stream(&self, at: &Followed) -> Result<StatusStream, Error> {
        let url = at.stream();
        let host = client::host_of(url);
        let deadline = self.timing().answer;
        let accept = (ACCEPT, HeaderValue::from_static("text/event-stream"));
        let request = self
            .keyed(Method::GET, url)?
            .headers(HeaderMap::from_iter([accept]));
        // A timeout of the request would end the stream as a whole; only its head has one.
        let response = tokio::time::timeout(deadline, self.send(request, &host, deadline))
            .await
            .map_err(|_| Error::TimedOut {
                host: host.clone(),
                after: deadline,
            })??;
        let (status, headers) = (response.status(), response.headers().clone());
        let is_stream = headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if status.is_success() && is_stream {
            return Ok(read_statuses(
                body::stream(response, &host, self.timing().stream),
                &host,
            ));
        }
        let body = tokio::time::timeout(
            deadline,
            body::read(response, LARGEST_JSON, &host, deadline),
        )
        .await
        .map_err(|_| Error::TimedOut {
            host: host.clone(),
            after: deadline,
        })??;
        let answer = Answer {
            host,
            status,
            headers,
            body,
        };
        Err(if status.is_success() {
            Error::invalid(&answer.host, "no event stream")
        } else {
            self.failure(&answer)
        })
    }
}

/// Reads statuses from the bytes of an event stream that came from `host`.
///
/// Comments are skipped, an event cut off by the end is dropped, one of more than 8 MiB ends the stream with an error.
pub fn read_statuses(
    bytes: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    host: &str,
) -> StatusStream {
    let host = host.to_owned();
    let since_event = Arc::new(AtomicUsize::new(0));
    let bounded = Bounded {
        bytes: Box::pin(bytes),
        since_event: Arc::clone(&since_event),
        host: host.clone(),
    };
    let statuses = SseByteStream::new(bounded).filter_map(move |event| {
        since_event.store(0, Ordering::Relaxed);
        future::ready(match event {
            Ok(event) => event.data.filter(|data| !data.is_empty()).map(|data| {
                body::object(data.as_bytes())
                    .ok_or_else(|| Error::invalid(&host, "an event that is no status"))
            }),
            Err(sse_stream::Error::Body(error)) => Some(Err(match error.downcast::<Error>() {
                Ok(error) => *error,
                Err(_) => Error::invalid(&host, "a broken event stream"),
            })),
            Err(_) => Some(Err(Error::invalid(
                &host,
                "an event stream that is not UTF-8",
            ))),
        })
    });
    StatusStream(Box::pin(statuses))
}

/// Ends with an error when too much comes without an event in it, since the parser keeps all of that.
struct Bounded<S> {
    bytes: Pin<Box<S>>,
    since_event: Arc<AtomicUsize>,
    host: String,
}

impl<S: Stream<Item = Result<Bytes, Error>>> Stream for Bounded<S> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.bytes.as_mut().poll_next(context);
        if let Poll::Ready(Some(Ok(chunk))) = &next {
            let before = self.since_event.fetch_add(chunk.len(), Ordering::Relaxed);
            if before + chunk.len() > LARGEST_JSON {
                let error = Error::invalid(&self.host, "an event of more than 8 MiB");
                return Poll::Ready(Some(Err(error)));
            }
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    async fn read(chunks: &[&str]) -> Vec<Result<wire::Status, Error>> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::copy_from_slice(chunk.as_bytes())))
            .collect();
        read_statuses(stream::iter(chunks), "host").collect().await
    }

    fn words(read: &[Result<wire::Status, Error>]) -> Vec<String> {
        read.iter()
            .map(|status| match status {
                Ok(status) => status.status.clone().unwrap_or_default(),
                Err(error) => error.to_string(),
            })
            .collect()
    }

    #[tokio::test]
    async fn comments_are_skipped_and_events_may_come_in_pieces() {
        let text = "\u{feff}: hello\n\ndata: {\"status\":\"IN_QUEUE\"}\n\n: ping\n\ndata:{\"status\":\r\ndata:\"COMPLETED\"}\r\n\r\n";
        assert_eq!(words(&read(&[text]).await), ["IN_QUEUE", "COMPLETED"]);
        let bytes: Vec<_> = text
            .as_bytes()
            .chunks(1)
            .map(Bytes::copy_from_slice)
            .map(Ok)
            .collect();
        let one_by_one: Vec<_> = read_statuses(stream::iter(bytes), "host").collect().await;
        assert_eq!(words(&one_by_one), ["IN_QUEUE", "COMPLETED"]);
    }

    #[tokio::test]
    async fn an_event_cut_off_by_the_end_is_dropped() {
        let read = read(&["data: {\"status\":\"IN_QUEUE\"}\n\ndata: {\"status\":\"COMPL"]).await;
        assert_eq!(words(&read), ["IN_QUEUE"]);
    }

    #[tokio::test]
    async fn an_event_that_is_no_status_does_not_end_the_stream() {
        let read =
            read(&["data: [DONE]\n\nid: 7\n\ndata:\n\ndata: {\"status\":\"COMPLETED\"}\n\n"]).await;
        assert_eq!(
            words(&read),
            ["host: an event that is no status", "COMPLETED"]
        );
    }

    #[tokio::test]
    async fn an_event_without_end_is_not_kept_for_ever() {
        let piece = "x".repeat(1 << 20);
        let mut chunks = vec!["data: "];
        chunks.extend(std::iter::repeat_n(piece.as_str(), 100));
        assert_eq!(
            words(&read(&chunks).await),
            ["host: an event of more than 8 MiB"]
        );
    }

    #[tokio::test]
    async fn many_large_events_are_no_large_event() {
        let event = format!("data: {{\"status\":\"{}\"}}\n\n", "x".repeat(1 << 20));
        let read = read(&vec![event.as_str(); 20]).await;
        assert_eq!(read.iter().filter(|status| status.is_ok()).count(), 20);
    }
}

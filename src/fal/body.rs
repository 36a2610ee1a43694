//! Bodies of answers, bounded in size and in silence.

use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use serde::de::DeserializeOwned;
use tokio_util::bytes::Bytes;

use super::error::Error;

/// More JSON than this is no answer of fal's: a status with a long log has a few hundred KiB.
pub(super) const LARGEST_JSON: usize = 8 << 20;

/// The whole body, if it has at most `limit` bytes.
pub(super) async fn read(
    mut response: reqwest::Response,
    limit: usize,
    host: &str,
    after: Duration,
) -> Result<Vec<u8>, Error> {
    let too_large = || Error::TooLarge {
        host: host.to_owned(),
        limit,
    };
    let told = response.content_length().unwrap_or(0);
    if told > limit as u64 {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Error::from_http(&error, host, after))?
    {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The body as it comes; it ends with an error when `idle` passes without a byte.
pub(super) fn stream(
    response: reqwest::Response,
    host: &str,
    idle: Duration,
) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    let host = host.to_owned();
    stream::unfold(Some(response), move |response| {
        let host = host.clone();
        async move {
            let mut response = response?;
            match tokio::time::timeout(idle, response.chunk()).await {
                Ok(Ok(chunk)) => Some((Ok(chunk?), Some(response))),
                Ok(Err(error)) => Some((Err(Error::from_http(&error, &host, idle)), None)),
                Err(_) => Some((Err(Error::TimedOut { host, after: idle }), None)),
            }
        }
    })
    .fuse()
}

/// Reads a JSON object; `None` when it is none.
///
/// Names that come twice and bytes that are not UTF-8 are put up with: they spoil a text, not the job.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    // An object alone: the readers would take a list for their fields in order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(body).ok().or_else(|| {
        let value: serde_json::Value = serde_json::from_str(&String::from_utf8_lossy(body)).ok()?;
        serde_json::from_value(value).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fal::wire::Status;

    #[test]
    fn odd_json_is_read_and_what_is_no_object_is_not() {
        let status =
            |body: &[u8]| object::<Status>(body).map(|read| read.status.unwrap_or_default());
        let cases: [(&[u8], Option<&str>); 9] = [
            (br#" {"status":"IN_QUEUE"}"#, Some("IN_QUEUE")),
            (br#"{"status":"A","status":"B"}"#, Some("B")),
            (b"{\"status\":\"a\xffb\"}", Some("a\u{fffd}b")),
            (b"{}", Some("")),
            (b"[]", None),
            (b"null", None),
            (b"", None),
            (br#"{"status":"IN_QU"#, None),
            (b"<html>", None),
        ];
        for (body, want) in cases {
            assert_eq!(
                status(body).as_deref(),
                want,
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let deep = format!(
            "{{\"logs\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert_eq!(status(deep.as_bytes()), None);
    }
}

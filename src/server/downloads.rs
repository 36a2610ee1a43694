//! Serves files to everybody who knows their address, whole or in part.

use std::{io::SeekFrom, path::PathBuf, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use super::{
    answer::{self, Answer},
    disk_thread,
    files::{About, id_in_path},
    routes::{Call, Shared},
};

/// Answers `GET` and `HEAD` of `/files/b/{id}/{name}`.
pub(super) async fn answer(shared: &Arc<Shared>, call: &Call) -> Answer {
    if !matches!(call.method, Method::GET | Method::HEAD) {
        return answer::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed");
    }
    let Some(id) = id_in_path(&call.path) else {
        return answer::no_such_path(&call.path);
    };
    let found = match disk_thread(shared, move |shared| shared.files.find(id)).await {
        Ok(Some(found)) => found,
        Ok(None) => return answer::detail(StatusCode::NOT_FOUND, "File not found"),
        Err(error) => return answer::disk_trouble(&error),
    };
    // The content under an id never changes, so the id tells versions apart.
    let etag = format!("\"{}\"", id.simple());
    serve(call, found, &etag)
        .await
        .unwrap_or_else(|error| answer::disk_trouble(&error))
}

async fn serve(
    call: &Call,
    (about, content): (About, PathBuf),
    etag: &str,
) -> std::io::Result<Answer> {
    let mut file = tokio::fs::File::open(content).await?;
    let length = file.metadata().await?.len();
    let part = wanted(&call.headers, length, etag);
    let status = match part {
        Part::Unchanged => StatusCode::NOT_MODIFIED,
        Part::Whole => StatusCode::OK,
        Part::Range { .. } => StatusCode::PARTIAL_CONTENT,
        Part::Outside => StatusCode::RANGE_NOT_SATISFIABLE,
    };
    let mut answer = answer::empty(status);
    let headers = answer.headers_mut();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ETAG, etag);
    put(header::ACCEPT_RANGES, "bytes");
    put(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    // What was uploaded as a picture must not become a page of ours.
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let (first, count) = match part {
        Part::Unchanged => return Ok(answer),
        Part::Outside => {
            put(header::CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(answer);
        }
        Part::Whole => (0, length),
        Part::Range { first, last } => {
            put(
                header::CONTENT_RANGE,
                &format!("bytes {first}-{last}/{length}"),
            );
            (first, last - first + 1)
        }
    };
    put(header::CONTENT_TYPE, &about.content_type);
    put(header::CONTENT_LENGTH, &count.to_string());
    if call.method == Method::GET {
        file.seek(SeekFrom::Start(first)).await?;
        *answer.body_mut() =
            Body::from_stream(ReaderStream::with_capacity(file.take(count), 65536));
    }
    Ok(answer)
}

/// Which part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    /// First and last byte, both included.
    Range {
        first: u64,
        last: u64,
    },
    /// The range begins behind the end.
    Outside,
    /// The client has it already.
    Unchanged,
}

fn wanted(headers: &HeaderMap, length: u64, etag: &str) -> Part {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let names_it = |list: &str| {
        list.split(',')
            .any(|tag| matches!(tag.trim(), "*") || tag.trim() == etag)
    };
    if text(header::IF_NONE_MATCH).is_some_and(names_it) {
        return Part::Unchanged;
    }
    let is_same = text(header::IF_RANGE).is_none_or(|tag| tag.trim() == etag);
    text(header::RANGE)
        .filter(|_| is_same)
        .and_then(|range| parse_range(range, length))
        .unwrap_or(Part::Whole)
}

/// One range of bytes; several, or what is none, mean the whole file (RFC 9110, 14.2).
fn parse_range(text: &str, length: u64) -> Option<Part> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = (first.trim(), last.trim());
    if first.is_empty() {
        let count: u64 = last.parse().ok()?;
        return Some(if count == 0 || length == 0 {
            Part::Outside
        } else {
            Part::Range {
                first: length.saturating_sub(count),
                last: length - 1,
            }
        });
    }
    let first: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() {
        u64::MAX
    } else {
        last.parse().ok()?
    };
    if last < first {
        return None;
    }
    Some(if first >= length {
        Part::Outside
    } else {
        Part::Range {
            first,
            last: last.min(length - 1),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let part = |first, last| Some(Part::Range { first, last });
        let cases = [
            ("bytes=0-", part(0, 99)),
            ("bytes=10-19", part(10, 19)),
            ("bytes=90-1000", part(90, 99)),
            ("bytes=-10", part(90, 99)),
            ("bytes=-1000", part(0, 99)),
            ("bytes=100-", Some(Part::Outside)),
            ("bytes=-0", Some(Part::Outside)),
            ("bytes=5-4", None),
            ("bytes=0-1,5-6", None),
            ("lines=0-1", None),
            ("bytes=", None),
        ];
        for (text, want) in cases {
            assert_eq!(parse_range(text, 100), want, "{text}");
        }
        assert_eq!(parse_range("bytes=0-", 0), Some(Part::Outside));
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole_file() {
        let of = |pairs: &[(header::HeaderName, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(name, value.parse().unwrap());
            }
            wanted(&headers, 100, "\"a\"")
        };
        let range = (header::RANGE, "bytes=50-");
        let rest = Part::Range {
            first: 50,
            last: 99,
        };
        assert_eq!(of(&[(header::IF_RANGE, "\"a\""), range.clone()]), rest);
        assert_eq!(of(&[(header::IF_RANGE, "\"b\""), range]), Part::Whole);
        assert_eq!(
            of(&[(header::IF_NONE_MATCH, "\"b\", \"a\"")]),
            Part::Unchanged
        );
        assert_eq!(of(&[]), Part::Whole);
    }
}

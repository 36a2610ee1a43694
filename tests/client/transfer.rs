//! Uploads and downloads: streamed, bounded, without the key, from and to nowhere inside.

use std::{
    io::Write,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::StreamExt;
use talkdeck::fal::{Client, Download, Error, Uploaded, wire};

use super::fake::{Fake, HASTY, KEY, Reply, Seen, assert_silent, client_with, golden};

const SIGNED: &str = "/signed/place?X-Signature=4f2a";

/// Gives out `place` to upload to, and takes what is put there with `put`.
async fn storage(
    place: impl Into<Option<String>>,
    put: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
) -> Fake {
    let place = place.into();
    let own = Arc::new(Mutex::new(String::new()));
    let fake = Fake::start({
        let own = Arc::clone(&own);
        move |seen| match seen.method.as_str() {
            "POST" => {
                let url = place.clone().unwrap_or_else(|| own.lock().unwrap().clone());
                let body = serde_json::json!({"upload_url": url, "file_url": "https://v3.fal.media/files/x/face.png"});
                Reply::json(200, body.to_string())
            }
            _ => put(seen),
        }
    })
    .await;
    *own.lock().unwrap() = fake.at(SIGNED);
    fake
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

async fn upload(client: &Client, path: &Path) -> Result<Uploaded, Error> {
    let uploaded = client
        .upload(path, "face.png", "image/png", |_, _| {})
        .await;
    assert_silent(&uploaded);
    uploaded
}

#[test]
fn the_golden_answer_of_the_storage_is_read() {
    let answer: wire::InitiatedUpload = serde_json::from_str(&golden("upload.json")).unwrap();
    assert!(answer.upload_url.contains("X-Signature") && answer.file_url.ends_with("_face.png"));
}

#[tokio::test]
async fn a_file_is_put_whole_to_the_signed_place_without_the_key() {
    for size in [0, 1, 300_000] {
        let bytes: Vec<u8> = (0..size).map(|n: usize| n.to_le_bytes()[0]).collect();
        let fake = storage(None, |_| Reply::new(200, "", "")).await;
        let told = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&told);
        let uploaded = fake
            .client()
            .upload(
                file(&bytes).path(),
                "face.png",
                "image/png",
                move |sent, total| {
                    record.lock().unwrap().push((sent, total));
                },
            )
            .await
            .unwrap();
        assert_eq!(uploaded.url, "https://v3.fal.media/files/x/face.png");

        let [asked, put] = fake.seen().try_into().unwrap();
        assert_eq!(
            asked.path,
            "/storage/upload/initiate?storage_type=fal-cdn-v3"
        );
        assert_eq!(
            asked.header("authorization"),
            Some(format!("Key {KEY}").as_str())
        );
        assert_eq!(
            asked.body,
            br#"{"file_name":"face.png","content_type":"image/png"}"#
        );
        assert_eq!((put.method.as_str(), put.path.as_str()), ("PUT", SIGNED));
        assert_eq!(put.header("content-type"), Some("image/png"));
        assert_eq!(
            put.header("content-length"),
            Some(size.to_string().as_str())
        );
        assert!(!put.has_key(), "{put:?}");
        assert!(put.body == bytes);

        let told = told.lock().unwrap().clone();
        let total = size as u64;
        assert_eq!(
            (told[0], told[told.len() - 1]),
            ((0, total), (total, total))
        );
        assert!(told.is_sorted());
    }
}

#[tokio::test]
async fn a_place_that_is_not_public_gets_nothing() {
    let other = Fake::always(Reply::new(200, "", "")).await;
    let picture = file(b"picture");
    for place in [
        other.at(SIGNED),
        "http://v3.fal.media/up?X-Signature=4f2a".to_owned(),
        "https://10.0.0.1/up?X-Signature=4f2a".to_owned(),
        "file:///tmp/up".to_owned(),
    ] {
        let fake = storage(place.clone(), |_| Reply::new(200, "", "")).await;
        let error = upload(&fake.client(), picture.path()).await.unwrap_err();
        assert!(
            matches!(error, Error::UnsafeAddress { .. }),
            "{place}: {error}"
        );
        assert_eq!((fake.seen().len(), other.connections()), (1, 0));
    }
    let fake = storage("no address 4f2a".to_owned(), |_| Reply::new(200, "", "")).await;
    let error = upload(&fake.client(), picture.path()).await.unwrap_err();
    assert!(matches!(error, Error::InvalidAnswer { .. }), "{error}");
}

#[tokio::test]
async fn an_upload_is_tried_again_from_the_start_after_passing_trouble() {
    let calls = AtomicUsize::new(0);
    let fake = storage(None, move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::html(503),
        1 => Reply::raw(""),
        _ => Reply::new(201, "", ""),
    })
    .await;
    upload(&fake.client(), file(b"picture").path())
        .await
        .unwrap();
    let methods: Vec<_> = fake.seen().into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["POST", "PUT", "POST", "PUT", "POST", "PUT"]);
}

#[tokio::test]
async fn a_refused_upload_is_final_and_names_no_signature() {
    for status in [302, 400, 403, 413] {
        let fake = storage(None, move |seen| {
            Reply::new(
                status,
                "location: /else\r\n",
                format!("denied: {}", seen.path),
            )
        })
        .await;
        let error = upload(&fake.client(), file(b"picture").path())
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Refused { .. }) && !error.is_transient(),
            "{error:?}"
        );
        assert!(
            error
                .to_string()
                .ends_with(&format!("refused the upload (status {status})"))
        );
        assert_eq!(fake.seen().len(), 2);
    }
    let fake = Fake::always(Reply::json(401, golden("error-unauthorized.json"))).await;
    let error = upload(&fake.client(), file(b"picture").path())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named() {
    let fake = storage(None, |_| Reply::new(200, "", "")).await;
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no such.png");
    let error = upload(&fake.client(), &missing).await.unwrap_err();
    assert!(error.to_string().contains("no such.png: "), "{error}");
    assert_eq!(fake.connections(), 0, "the server is not asked for it");
    let error = upload(&fake.client(), folder.path()).await.unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_not_used() {
    for size in [100_u64, 900_000] {
        let picture = file(&vec![7; 300_000]);
        let path = picture.path().to_owned();
        let fake = Fake::start(move |seen| {
            // Shorter between the look at its size and its bytes, longer after them.
            if seen.method == "PUT" || size < 300_000 {
                resize(&path, size);
            }
            let url = format!("http://{}{SIGNED}", seen.header("host").unwrap());
            let body = serde_json::json!({"upload_url": url, "file_url": "https://v3.fal.media/x"});
            Reply::json(200, body.to_string())
        })
        .await;
        let error = upload(&fake.client(), picture.path()).await.unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{size}: {error:?}");
        assert!(error.to_string().contains("during the upload"), "{error}");
    }
}

fn resize(path: &Path, size: u64) {
    std::fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_len(size)
        .unwrap();
}

#[tokio::test]
async fn an_upload_that_does_not_move_is_given_up() {
    let fake = storage(None, |_| Reply::raw("").hang()).await;
    let client = client_with(
        &fake.url,
        talkdeck::fal::Timing {
            tries: 1,
            answer: super::fake::TIMING.answer,
            ..HASTY
        },
    );
    let error = upload(&client, file(b"picture").path()).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

async fn read(download: Download) -> Result<Vec<u8>, Error> {
    let mut stream = download.stream;
    let mut bytes = Vec::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

async fn download(reply: Reply, from: u64) -> Result<Download, Error> {
    let fake = Fake::always(reply).await;
    let download = fake
        .client()
        .download(&fake.at("/x.mp4?X-Signature=4f2a"), from)
        .await;
    assert!(fake.seen().iter().all(|seen| !seen.has_key()));
    assert_silent(&download.as_ref().err());
    download
}

fn mp4(status: u16, headers: &str, body: &str) -> Reply {
    Reply::new(
        status,
        &format!("content-type: application/octet-stream\r\n{headers}"),
        body,
    )
}

#[tokio::test]
async fn a_download_has_its_length_and_no_key() {
    let got = download(mp4(200, "etag: \"v1\"\r\n", "0123456789"), 0)
        .await
        .unwrap();
    assert_eq!(
        (got.from, got.length, got.validator.as_deref()),
        (0, Some(10), Some("\"v1\""))
    );
    assert_eq!(
        got.content_type.as_ref().unwrap().as_str(),
        "application/octet-stream"
    );
    assert_eq!(read(got).await.unwrap(), b"0123456789");
    // Without a length it ends with the connection.
    let got = download(Reply::raw("HTTP/1.1 200 OK\r\n\r\n0123"), 0)
        .await
        .unwrap();
    assert_eq!((got.length, got.content_type.as_ref()), (None, None));
    assert_eq!(read(got).await.unwrap(), b"0123");
}

#[tokio::test]
async fn a_download_is_taken_up_where_it_broke_off() {
    let fake = Fake::always(mp4(
        206,
        "content-range: bytes 4-9/10\r\netag: W/\"weak\"\r\n",
        "456789",
    ))
    .await;
    let got = fake
        .client()
        .resume(&fake.at("/x.mp4"), 4, "\"v1\"")
        .await
        .unwrap();
    assert_eq!(
        (got.from, got.length, got.validator.as_ref()),
        (4, Some(10), None)
    );
    assert_eq!(read(got).await.unwrap(), b"456789");
    let seen = fake.seen().remove(0);
    assert_eq!(
        (seen.header("range"), seen.header("if-range")),
        (Some("bytes=4-"), Some("\"v1\""))
    );

    let got = download(mp4(200, "", "0123456789"), 4).await.unwrap();
    assert_eq!(got.from, 0, "the server sends all of it");

    let fake = Fake::start(|seen| match seen.header("range") {
        Some(_) => mp4(416, "content-range: bytes */3\r\n", ""),
        None => mp4(200, "", "new"),
    })
    .await;
    let got = fake.client().download(&fake.at("/x.mp4"), 4).await.unwrap();
    assert_eq!((got.from, read(got).await.unwrap()), (0, b"new".to_vec()));
}

#[tokio::test]
async fn another_part_than_asked_for_is_refused() {
    for range in [
        "",
        "content-range: bytes 0-5/10\r\n",
        "content-range: bytes 5-10/11\r\n",
        "content-range: bytes 4-8/10\r\n",
        "content-range: bytes 4-9/8\r\n",
        "content-range: nonsense\r\n",
    ] {
        let error = download(mp4(206, range, "456789"), 4).await.unwrap_err();
        assert!(
            matches!(error, Error::InvalidAnswer { .. }),
            "{range}: {error}"
        );
    }
    let error = download(mp4(206, "content-range: bytes 0-5/6\r\n", "456789"), 0)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("another part of the file than asked for"),
        "{error}"
    );
}

#[tokio::test]
async fn whether_a_file_is_still_there_is_asked_by_one_byte_and_without_the_key() {
    let page = Reply::html(200);
    let part = Reply::new(206, "content-range: bytes 0-0/9\r\n", "x");
    let cases = [
        (part, true),
        // A server that knows no parts begins to send the whole.
        (Reply::new(200, "", "whole"), true),
        (Reply::new(403, "", ""), false),
        (Reply::new(404, "", ""), false),
        (Reply::new(410, "", ""), false),
        (Reply::new(503, "", ""), false),
        (page, false),
        (Reply::raw(""), false),
    ];
    for (reply, want) in cases {
        let fake = Fake::always(reply).await;
        let url = fake.at("/files/face.png");
        assert_eq!(fake.client().is_there(&url).await, want);
        let seen = fake.seen();
        assert_eq!(seen[0].header("range"), Some("bytes=0-0"));
        assert!(seen.iter().all(|seen| !seen.has_key()));
        for elsewhere in ["no address", "http://10.0.0.1/face.png"] {
            assert!(!fake.client().is_there(elsewhere).await);
        }
    }
}

#[tokio::test]
async fn a_file_of_the_wrong_length_ends_with_an_error() {
    let head = "HTTP/1.1 206 Partial\r\ncontent-range: bytes 4-9/10\r\n";
    let chunked = |body: &str| {
        format!(
            "{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        )
    };
    let cases = [
        (
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123"),
            0,
            "broke",
        ),
        (Reply::raw(chunked("4567")), 4, "fewer bytes than it told"),
        (
            Reply::raw(chunked("456789too many")),
            4,
            "more bytes than it told",
        ),
    ];
    for (reply, from, want) in cases {
        let error = read(download(reply, from).await.unwrap())
            .await
            .unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert!(error.is_transient());
    }
    let error = download(
        Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n").hang(),
        0,
    )
    .await
    .unwrap_err();
    assert!(
        error.to_string().ends_with("a file of more than 4 GiB"),
        "{error}"
    );
}

#[tokio::test]
async fn what_is_no_file_is_refused() {
    let cases = [
        (Reply::html(200), "a page of HTML instead of a file"),
        (
            mp4(200, "content-encoding: gzip\r\n", "x"),
            "a compressed file, which was not asked for",
        ),
        (mp4(404, "", ""), "no longer keeps the result"),
        (mp4(410, "", ""), "no longer keeps the result"),
        (
            Reply::json(401, golden("error-unauthorized.json")),
            "refused the download (status 401)",
        ),
        (
            mp4(403, "", "X-Signature"),
            "refused the download (status 403)",
        ),
        (mp4(503, "", ""), "answers 503: the file cannot be had now"),
    ];
    for (reply, want) in cases {
        let error = download(reply, 0).await.unwrap_err();
        assert!(error.to_string().ends_with(want), "{error}");
    }
}

#[tokio::test]
async fn every_hop_of_a_redirect_is_checked() {
    let fake = Fake::start(|seen| match seen.path.as_str() {
        "/a" => Reply::new(302, "location: b\r\n", ""),
        "/b" => Reply::new(308, "location: /c\r\n", ""),
        "/c" => mp4(200, "", "file"),
        "/circle" => Reply::new(302, "location: /circle\r\n", ""),
        "/nowhere" => Reply::new(302, "", ""),
        other => panic!("{other}"),
    })
    .await;
    let client = fake.client();
    let got = client.download(&fake.at("/a"), 0).await.unwrap();
    assert_eq!(read(got).await.unwrap(), b"file");
    assert_eq!(fake.seen().len(), 3);
    for (path, want) in [
        ("/circle", "too many redirects"),
        ("/nowhere", "a redirect to nowhere"),
    ] {
        let error = client.download(&fake.at(path), 0).await.unwrap_err();
        assert!(error.to_string().ends_with(want), "{error}");
    }
    assert_eq!(fake.seen().len(), 3 + 6 + 1);

    let other = Fake::always(mp4(200, "", "inside")).await;
    for to in [
        other.at("/x"),
        "https://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let error = download(Reply::new(302, &format!("location: {to}\r\n"), ""), 0)
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::UnsafeAddress { .. }),
            "{to}: {error}"
        );
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn a_download_that_stands_still_is_given_up() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123";
    let fake = Fake::always(Reply::raw(head).hang()).await;
    let client = client_with(&fake.url, HASTY);
    let got = client.download(&fake.at("/x.mp4"), 0).await.unwrap();
    let error = read(got).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_download_begins_after_passing_trouble() {
    let calls = AtomicUsize::new(0);
    let fake = Fake::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::html(502),
        1 => Reply::new(429, "retry-after: 0\r\n", ""),
        _ => mp4(200, "", "file"),
    })
    .await;
    let got = fake.client().download(&fake.at("/x.mp4"), 0).await.unwrap();
    assert_eq!(read(got).await.unwrap(), b"file");
    assert_eq!(fake.seen().len(), 3);
}

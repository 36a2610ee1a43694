//! Uploads and downloads.

use serde_json::json;

use super::desk::{Desk, Got};

async fn place(desk: &Desk, how: &str) -> (String, String) {
    let path = format!("/storage/upload/{how}?storage_type=fal-cdn-v3");
    let wish = json!({"file_name": "../my face.png", "content_type": "image/png"});
    let place = desk.post(&path, &wish).await.json();
    let url = |name: &str| place[name].as_str().unwrap().to_owned();
    (url("upload_url"), url("file_url"))
}

#[tokio::test]
async fn an_upload_needs_no_key_and_its_address_serves_once() {
    let desk = Desk::with(1).await;
    let (upload, file) = place(&desk, "initiate").await;
    assert!(file.ends_with("/my_face.png"), "{file}");
    let missing = Got::of(desk.http.get(&file)).await;
    assert_eq!(missing.code, 404, "nothing is there before it is whole");

    let put = |body: &'static str| Got::of(desk.http.put(&upload).body(body));
    assert_eq!(put("first").await.code, 200);
    assert_eq!(put("second").await.code, 403);
    let got = Got::of(desk.http.get(&file)).await;
    assert_eq!((got.code, got.body.as_slice()), (200, &b"first"[..]));
    assert_eq!(got.header("content-type"), Some("image/png"));
    assert_eq!(got.header("content-length"), Some("5"));

    let (upload, _) = place(&desk, "initiate").await;
    let forged = upload.split("token=").next().unwrap().to_owned() + "token=0";
    assert_eq!(Got::of(desk.http.put(forged).body("x")).await.code, 403);
    let none = Got::of(desk.http.post(desk.url("/storage/upload/initiate"))).await;
    assert_eq!(
        none.both(),
        (401, json!({"detail": "Authorization header is required"}))
    );
}

#[tokio::test]
async fn parts_are_put_together_in_their_order() {
    let desk = Desk::with(1).await;
    let (upload, file) = place(&desk, "initiate-multipart").await;
    let (path, query) = upload.split_once('?').unwrap();
    let mut parts = Vec::new();
    for (number, body) in [(2, "world"), (1, "nope"), (1, "hello ")] {
        let part = desk.http.put(format!("{path}/{number}?{query}")).body(body);
        let part = Got::of(part).await;
        assert_eq!(
            (part.code, &part.json()["partNumber"]),
            (200, &json!(number))
        );
        assert_eq!(part.header("etag"), part.json()["etag"].as_str());
        parts.push(part.json());
    }
    let complete = async |parts: serde_json::Value| {
        let body = json!({ "parts": parts });
        let call = desk
            .http
            .post(format!("{path}/complete?{query}"))
            .json(&body);
        Got::of(call).await.code
    };
    assert_eq!(
        complete(json!([parts[1], parts[0]])).await,
        400,
        "the etag of a part that was replaced"
    );
    assert_eq!(complete(json!([])).await, 400);
    assert_eq!(complete(json!([{"partNumber": 3, "etag": "x"}])).await, 400);
    assert_eq!(complete(json!([parts[0], parts[2]])).await, 200);
    assert_eq!(complete(json!([parts[0], parts[2]])).await, 403);
    assert_eq!(Got::of(desk.http.get(file)).await.body, b"hello world");
    let zero = Got::of(desk.http.put(format!("{path}/0?{query}")).body("x")).await;
    assert_eq!(zero.code, 403);
}

#[tokio::test]
async fn the_python_clients_way_works_too() {
    let desk = Desk::with(1).await;
    let token = desk
        .post("/storage/auth/token?storage_type=fal-cdn-v3", &json!({}))
        .await
        .json();
    assert_eq!(token["token_type"], "Bearer");
    assert!(token["expires_at"].as_str().unwrap().ends_with("+00:00"));
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let base = token["base_url"].as_str().unwrap();

    let post = |path: &str| {
        let call = desk.http.post(format!("{base}{path}"));
        call.header("authorization", &bearer)
            .header("content-type", "audio/wav")
            .header("x-fal-file-name", "voice.wav")
    };
    let whole = Got::of(post("/files/upload").body("sound")).await.json();
    let got = Got::of(desk.http.get(whole["access_url"].as_str().unwrap())).await;
    assert_eq!(
        (got.body.as_slice(), got.header("content-type")),
        (&b"sound"[..], Some("audio/wav"))
    );

    let large = Got::of(post("/files/upload/multipart")).await.json();
    let (url, id) = (
        large["access_url"].as_str().unwrap(),
        large["uploadId"].as_str().unwrap(),
    );
    let mut parts = Vec::new();
    for (number, body) in [(1, "so"), (2, "und")] {
        let part = Got::of(
            desk.http
                .put(format!("{url}/multipart/{id}/{number}"))
                .body(body),
        )
        .await;
        parts.push(json!({"partNumber": number, "etag": part.header("etag").unwrap()}));
    }
    let complete = desk.http.post(format!("{url}/multipart/{id}/complete"));
    assert_eq!(
        Got::of(complete.json(&json!({ "parts": parts })))
            .await
            .code,
        200
    );
    assert_eq!(Got::of(desk.http.get(url)).await.body, b"sound");

    let stranger = desk.http.post(format!("{base}/files/upload")).body("x");
    assert_eq!(Got::of(stranger).await.code, 401);
}

#[tokio::test]
async fn files_are_served_in_parts_and_only_when_they_changed() {
    let desk = Desk::with(1).await;
    let (upload, file) = place(&desk, "initiate").await;
    Got::of(desk.http.put(upload).body("0123456789")).await;
    let range = async |range: &str| {
        let got = Got::of(desk.http.get(&file).header("range", range)).await;
        let content_range = got.header("content-range").map(str::to_owned);
        (
            got.code,
            content_range,
            String::from_utf8(got.body).unwrap(),
        )
    };
    let part = |text: &str, body: &str| (206, Some(text.to_owned()), body.to_owned());
    assert_eq!(range("bytes=4-").await, part("bytes 4-9/10", "456789"));
    assert_eq!(range("bytes=0-0").await, part("bytes 0-0/10", "0"));
    assert_eq!(range("bytes=-3").await, part("bytes 7-9/10", "789"));
    assert_eq!(
        range("bytes=10-").await,
        (416, Some("bytes */10".to_owned()), String::new())
    );

    let whole = Got::of(desk.http.get(&file)).await;
    let etag = whole.header("etag").unwrap();
    let unchanged = Got::of(desk.http.get(&file).header("if-none-match", etag)).await;
    assert_eq!((unchanged.code, unchanged.body.len()), (304, 0));
    let other = desk
        .http
        .get(&file)
        .header("range", "bytes=4-")
        .header("if-range", "\"old\"");
    assert_eq!(
        Got::of(other).await.code,
        200,
        "a changed file is sent whole"
    );
    let head = Got::of(desk.http.head(&file)).await;
    assert_eq!(
        (head.code, head.header("content-length"), head.body.len()),
        (200, Some("10"), 0)
    );
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let desk = Desk::with(1).await;
    let (upload, file) = place(&desk, "initiate").await;
    let pieces =
        futures_util::stream::iter([Ok("half"), Err(std::io::Error::other("the line dropped"))]);
    let broken = desk
        .http
        .put(&upload)
        .body(reqwest::Body::wrap_stream(pieces))
        .send()
        .await;
    assert!(broken.is_err());
    assert_eq!(Got::of(desk.http.get(&file)).await.code, 404);
    let again = Got::of(desk.http.put(&upload).body("whole")).await;
    assert_eq!(again.code, 200, "the place is still open");
    let left = super::desk::until("the half file is gone", async || {
        let names: Vec<_> = std::fs::read_dir(desk.dir.path().join("files"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        (names.len() == 1).then_some(names)
    });
    assert!(!left.await[0].to_str().unwrap().starts_with('.'));
}

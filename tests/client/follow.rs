//! Status, stream, result and cancel.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::StreamExt;
use serde_json::Value;
use talkdeck::{
    fal::{CancelReply, Client, Error, Followed, log_lines, wire},
    model::{Level, Timestamp, request::RequestUrls},
};

use super::fake::{
    Fake, HASTY, KEY, Reply, assert_silent, client_with, endpoint, golden, request_id,
};

const BASE: &str = "/fal-ai/infinitalk/requests/0b6f3a1e-5c1d-4a50-9a43-2f8f5f0f7a11";

fn followed(client: &Client) -> Followed {
    client.follow(&endpoint(), &request_id(), None)
}

async fn status(reply: Reply) -> Result<wire::Status, Error> {
    let fake = Fake::always(reply).await;
    let client = fake.client();
    let status = client.status(&followed(&client)).await;
    assert_eq!(fake.seen().len(), 1, "a poll is not repeated: {status:?}");
    assert_silent(&status);
    status
}

#[tokio::test]
async fn every_documented_status_is_read_whatever_the_http_status() {
    let read = async |code: u16, name: &str| status(Reply::json(code, golden(name))).await.unwrap();

    let queued = read(202, "status-in-queue.json").await;
    assert_eq!(queued.status.as_deref(), Some(wire::IN_QUEUE));
    assert_eq!((queued.queue_position, queued.logs), (Some(3), None));

    let running = read(202, "status-in-progress.json").await;
    assert_eq!(running.status.as_deref(), Some(wire::IN_PROGRESS));
    let lines = log_lines(&running.logs.unwrap(), Timestamp::UNIX_EPOCH);
    assert_eq!(lines[0].percent(), Some(40));
    assert_eq!(lines[0].level, Level::Stderr);
    assert_eq!(lines[0].time.to_string(), "2026-11-20T09:14:03.120931Z");

    let done = read(200, "status-completed.json").await;
    assert_eq!(done.metrics.unwrap().inference_time, Some(63.21));

    let failed = read(200, "status-failed.json").await;
    assert_eq!(failed.status.as_deref(), Some(wire::COMPLETED));
    assert_eq!(failed.error.as_deref(), Some("Request timed out"));
    assert_eq!(failed.error_type.as_deref(), Some("request_timeout"));

    let unknown = status(Reply::json(200, r#"{"status":"PAUSED","new":1}"#))
        .await
        .unwrap();
    assert_eq!(unknown.status.as_deref(), Some("PAUSED"));
}

#[tokio::test]
async fn a_status_is_asked_for_at_owner_and_alias_with_its_log() {
    let fake = Fake::always(Reply::json(200, golden("status-completed.json"))).await;
    let client = fake.client();
    client.status(&followed(&client)).await.unwrap();
    let seen = fake.seen().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("GET", format!("{BASE}/status?logs=1").as_str())
    );
    assert_eq!(
        seen.header("authorization"),
        Some(format!("Key {KEY}").as_str())
    );
}

#[tokio::test]
async fn a_failed_poll_says_what_is_wrong_in_one_line() {
    let cases = [
        (
            Reply::json(401, golden("error-unauthorized.json")),
            "refused the key: No user found for Key ID and Secret; check FAL_KEY",
            false,
        ),
        (
            Reply::json(403, golden("error-locked.json")),
            "has locked the account: User is locked.",
            false,
        ),
        (
            Reply::json(404, golden("verdict-not-found.json")),
            "does not know it: not found",
            false,
        ),
        (
            Reply::new(429, "retry-after: 7\r\n", "{}"),
            "asks to slow down: wait 7 s",
            true,
        ),
        (
            Reply::json(500, golden("error-infrastructure.json")),
            "answers 500: Runner disconnected",
            true,
        ),
        (
            Reply::html(502),
            "answers 502: not an answer of fal's (HTML)",
            true,
        ),
        (
            Reply::html(200),
            "not an answer of fal's (HTML, status 200)",
            true,
        ),
        (
            Reply::html(404),
            "not an answer of fal's (HTML, status 404)",
            true,
        ),
        (
            Reply::json(200, "{\"status\":"),
            "not an answer of fal's (broken JSON, status 200)",
            true,
        ),
        (
            Reply::json(200, "[]"),
            "not an answer of fal's (other JSON, status 200)",
            true,
        ),
        (
            Reply::json(200, ""),
            "not an answer of fal's (empty, status 200)",
            true,
        ),
        (
            Reply::json(200, "\u{1f}\u{8b}gzip"),
            "not an answer of fal's (not JSON, status 200)",
            true,
        ),
        (
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 500000000\r\n\r\n{").hang(),
            "an answer of more than 8 MiB",
            true,
        ),
        (
            Reply::raw("HTTP/1.1 200 OK\r\n\r\n").then(vec![b'{'; 9 << 20]),
            "an answer of more than 8 MiB",
            true,
        ),
        (
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
            "broke: ",
            true,
        ),
    ];
    for (reply, want, transient) in cases {
        let error = status(reply).await.unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(want) && !text.contains('\n'),
            "{text} is not {want}"
        );
        assert_eq!(error.is_transient(), transient, "{text}");
    }
}

#[tokio::test]
async fn a_poll_that_nobody_answers_ends_at_its_deadline() {
    let fake = Fake::always(Reply::raw("").hang()).await;
    let client = client_with(&fake.url, HASTY);
    let error = client.status(&followed(&client)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no answer from {} within 0.2 s", fake.url.authority())
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_key() {
    let other = Fake::always(Reply::json(200, golden("status-completed.json"))).await;
    for status in [301, 302, 303, 307, 308] {
        let fake = Fake::always(Reply::new(
            status,
            &format!("location: {}\r\n", other.url),
            "",
        ))
        .await;
        let client = fake.client();
        let at = followed(&client);
        let error = client.status(&at).await.unwrap_err();
        assert!(error.to_string().contains("a redirect"), "{error}");
        client.result(&at).await.unwrap_err();
        client.cancel(&at).await.unwrap_err();
        client.stream(&at).await.unwrap_err();
        assert_eq!(other.connections(), 0);
    }
}

#[tokio::test]
async fn addresses_on_another_host_are_never_called() {
    let other = Fake::always(Reply::json(200, golden("status-completed.json"))).await;
    let fake = Fake::always(Reply::json(200, golden("status-completed.json"))).await;
    let client = fake.client();
    for base in [
        other.at("/x"),
        "https://evil.test/x".to_owned(),
        "data:x".to_owned(),
    ] {
        let urls = RequestUrls {
            status: format!("{base}/status"),
            response: base.clone(),
            cancel: format!("{base}/cancel"),
        };
        let at = client.follow(&endpoint(), &request_id(), Some(&urls));
        assert!(at.is_rebuilt());
        assert_eq!(at.is_foreign(), base != other.at("/x"), "{base}");
        client.status(&at).await.unwrap();
        assert_eq!(
            fake.seen().pop().unwrap().path,
            format!("{BASE}/status?logs=1")
        );
    }
    // Not even with what another client, of another server, calls its own.
    let theirs = other.client();
    let at = theirs.follow(&endpoint(), &request_id(), None);
    let error = client.status(&at).await.unwrap_err();
    assert!(matches!(error, Error::ForeignHost { .. }), "{error}");
    assert!(!error.is_transient());
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn the_stream_gives_every_event_and_ends_with_the_connection() {
    let fake = Fake::start(|_| Reply::events().then(golden("status-stream.txt"))).await;
    let client = fake.client();
    let statuses: Vec<_> = client
        .stream(&followed(&client))
        .await
        .unwrap()
        .collect()
        .await;
    let statuses: Vec<_> = statuses.into_iter().map(Result::unwrap).collect();
    let words: Vec<_> = statuses
        .iter()
        .filter_map(|status| status.status.as_deref())
        .collect();
    assert_eq!(
        words,
        ["IN_QUEUE", "IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]
    );
    let messages: Vec<_> = statuses
        .iter()
        .flat_map(|status| status.logs.iter().flatten())
        .map(|entry| entry.message.as_str())
        .collect();
    assert_eq!(messages, ["Loading pipeline", " 40%|####      | 16/40"]);
    let seen = fake.seen().remove(0);
    assert_eq!(seen.path, format!("{BASE}/status/stream?logs=1"));
    assert_eq!(seen.header("accept"), Some("text/event-stream"));
}

#[tokio::test]
async fn a_stream_cut_off_within_an_event_keeps_what_was_whole() {
    let text = golden("status-stream.txt");
    let cut = &text[..text.len() - 20];
    // An orderly end, and one that the length betrays.
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99999\r\n\r\n";
    for (reply, broken) in [
        (Reply::events().then(cut), false),
        (Reply::raw(head).then(cut), true),
    ] {
        let fake = Fake::always(reply).await;
        let client = fake.client();
        let mut statuses: Vec<_> = client
            .stream(&followed(&client))
            .await
            .unwrap()
            .collect()
            .await;
        if broken {
            let error = statuses.pop().unwrap().unwrap_err();
            assert!(matches!(error, Error::Interrupted { .. }), "{error:?}");
        }
        assert_eq!(statuses.len(), 3);
        assert!(statuses.iter().all(Result::is_ok));
    }
}

#[tokio::test]
async fn a_silent_stream_is_given_up_and_a_comment_is_no_silence() {
    let pause = Duration::from_millis(40);
    let mut reply = Reply::events();
    for _ in 0..12 {
        reply = reply.later(pause, ": ping\n\n");
    }
    let reply = reply.then("data: {\"status\":\"IN_QUEUE\"}\n\n").hang();
    let fake = Fake::always(reply).await;
    let timing = talkdeck::fal::Timing {
        stream: Duration::from_millis(400),
        ..HASTY
    };
    let client = client_with(&fake.url, timing);
    let statuses: Vec<_> = client
        .stream(&followed(&client))
        .await
        .unwrap()
        .collect()
        .await;
    // The comments alone took longer than the silence that is allowed.
    assert!(statuses[0].is_ok(), "{statuses:?}");
    assert!(
        matches!(statuses[1], Err(Error::TimedOut { .. })),
        "{statuses:?}"
    );
    assert_eq!(statuses.len(), 2);
}

#[tokio::test]
async fn what_is_no_event_stream_is_told_at_once() {
    let cases = [
        (
            Reply::json(200, golden("status-completed.json")),
            "no event stream",
        ),
        (
            Reply::json(401, golden("error-unauthorized.json")),
            "refused the key",
        ),
        (
            Reply::json(404, golden("verdict-not-found.json")),
            "does not know it",
        ),
        (Reply::html(502), "answers 502"),
    ];
    for (reply, want) in cases {
        let fake = Fake::always(reply).await;
        let client = fake.client();
        let error = client.stream(&followed(&client)).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
        assert_eq!(fake.seen().len(), 1, "a stream is not repeated");
    }
    let fake = Fake::always(Reply::raw("").hang()).await;
    let client = client_with(&fake.url, HASTY);
    let error = client.stream(&followed(&client)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn the_golden_results_come_back_as_they_are() {
    for (name, seed, bytes) in [("1", Some(42), 242_193), ("2", None, 797_478)] {
        let output = golden(&format!("single-text-{name}.output.json"));
        let reply = Reply::new(200, "x-fal-billable-units: 5.8\r\n", &output);
        let fake = Fake::always(reply).await;
        let client = fake.client();
        let result = client.result(&followed(&client)).await.unwrap();
        assert_eq!(
            result.output,
            serde_json::from_str::<Value>(&output).unwrap()
        );
        assert_eq!(result.output.get("seed").and_then(Value::as_i64), seed);
        assert_eq!(result.output["video"]["file_size"], bytes);
        assert_eq!(result.billable_units, Some(5.8));
        assert_eq!(fake.seen()[0].path, BASE);
    }
}

#[tokio::test]
async fn a_bill_that_is_no_number_is_no_bill() {
    for units in ["many", "-1", "inf", "NaN", ""] {
        let reply = Reply::new(200, &format!("x-fal-billable-units: {units}\r\n"), "{}");
        let fake = Fake::always(reply).await;
        let client = fake.client();
        let result = client.result(&followed(&client)).await.unwrap();
        assert_eq!(result.billable_units, None, "{units}");
    }
}

#[tokio::test]
async fn every_way_for_a_result_to_be_missing_is_told_apart() {
    let result = async |reply: Reply| {
        let fake = Fake::always(reply).await;
        let client = fake.client();
        let error = client.result(&followed(&client)).await.unwrap_err();
        assert_silent(&error);
        (error, fake.seen().len())
    };
    let (error, tries) = result(Reply::json(422, golden("error-findings.json"))).await;
    let Error::Refused { status: 422, error } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (error.kind.as_str(), error.fields.len(), tries),
        ("less_than_equal", 3, 1)
    );

    let (error, tries) = result(Reply::json(400, golden("error-in-progress.json"))).await;
    assert!(matches!(error, Error::StillRunning), "{error:?}");
    assert_eq!(tries, 1);

    for reply in [
        Reply::json(404, golden("verdict-not-found.json")),
        Reply::json(404, r#"{"detail":"Request expired"}"#),
        Reply::new(410, "", ""),
    ] {
        let (error, tries) = result(reply).await;
        assert!(matches!(error, Error::Gone { .. }), "{error:?}");
        assert_eq!(tries, 1);
    }

    let (error, _) = result(Reply::json(
        404,
        r#"{"detail":"Path /single-txt not found"}"#,
    ))
    .await;
    assert!(
        matches!(error, Error::Refused { status: 404, .. }),
        "{error:?}"
    );

    let cancelled = r#"{"detail":"Request was cancelled","error_type":"client_cancelled"}"#;
    let (error, _) = result(Reply::json(499, cancelled)).await;
    let Error::Refused { status: 499, error } = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind.as_str(), "client_cancelled");

    let (error, tries) = result(Reply::json(500, golden("error-infrastructure.json"))).await;
    assert_eq!(tries, 3, "a server in trouble is asked again");
    let Error::Server {
        status: 500,
        error: Some(error),
        ..
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind.as_str(), "runner_disconnected");

    let (error, tries) = result(Reply::html(200)).await;
    assert!(matches!(error, Error::InvalidAnswer { .. }), "{error:?}");
    assert_eq!(tries, 1);
}

#[tokio::test]
async fn a_result_is_fetched_again_after_passing_trouble() {
    let calls = AtomicUsize::new(0);
    let fake = Fake::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::new(429, "retry-after: 0\r\n", "{}"),
        1 => Reply::raw(""),
        _ => Reply::json(200, golden("single-text-1.output.json")),
    })
    .await;
    let client = fake.client();
    let result = client.result(&followed(&client)).await.unwrap();
    assert_eq!(result.output["seed"], 42);
    assert_eq!(fake.seen().len(), 3);
}

#[tokio::test]
async fn a_long_pause_is_the_callers_to_decide() {
    let fake = Fake::always(Reply::new(429, "retry-after: 300\r\n", "{}")).await;
    let client = fake.client();
    let error = client.result(&followed(&client)).await.unwrap_err();
    assert!(
        matches!(error, Error::RateLimited { wait: Some(wait), .. } if wait == Duration::from_mins(5))
    );
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_cancel_has_four_answers() {
    let cases = [
        (200, "cancel-ok.json", CancelReply::Cancelled),
        (202, "cancel-requested.json", CancelReply::Requested),
        (200, "cancel-requested.json", CancelReply::Requested),
        (200, "cancel-declared.json", CancelReply::Requested),
        (400, "cancel-too-late.json", CancelReply::AlreadyCompleted),
        (404, "verdict-not-found.json", CancelReply::NotFound),
    ];
    for (status, name, want) in cases {
        let fake = Fake::always(Reply::json(status, golden(name))).await;
        let client = fake.client();
        assert_eq!(
            client.cancel(&followed(&client)).await.unwrap(),
            want,
            "{status} {name}"
        );
        let seen = fake.seen().remove(0);
        assert_eq!(
            (seen.method.as_str(), seen.path),
            ("PUT", format!("{BASE}/cancel"))
        );
        assert!(seen.body.is_empty());
    }
    for (reply, want) in [
        (
            Reply::json(401, golden("error-unauthorized.json")),
            "refused the key",
        ),
        (Reply::html(404), "not an answer of fal's"),
        (Reply::html(503), "answers 503"),
    ] {
        let fake = Fake::always(reply).await;
        let client = fake.client();
        let error = client.cancel(&followed(&client)).await.unwrap_err();
        assert!(error.to_string().contains(want), "{error}");
    }
}

#[tokio::test]
async fn the_calls_can_run_in_tasks_of_their_own() {
    let fake = Fake::always(Reply::json(202, golden("cancel-requested.json"))).await;
    let client = fake.client();
    let at = followed(&client);
    let task = tokio::spawn(async move {
        let cancelled = client.cancel(&at).await;
        let _ = (client.result(&at).await, client.stream(&at).await.is_err());
        let _ = client.download("https://127.0.0.1/x", 0).await;
        let _ = client.pricing(&[]).await;
        let _ = client.upload("/".as_ref(), "x", "y", |_, _| {}).await;
        let _ = client.submit(&endpoint(), "{}").await;
        cancelled
    });
    assert_eq!(task.await.unwrap().unwrap(), CancelReply::Requested);
}

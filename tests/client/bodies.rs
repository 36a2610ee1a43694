//! Answers of 200 that are no answers: bounded, told in one line, and never taken for what they are not.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use talkdeck::{
    fal::{Client, Error, RequestsQuery, SubmitOutcome},
    model::Timestamp,
};

use super::{
    fake::{Fake, Reply, assert_silent, endpoint, request_id},
    proxy,
};

/// More than any call reads, list pages of one item included, and what sockets may hold on top.
const MOST_READ: usize = (64 << 20) + (16 << 20);

fn query() -> RequestsQuery {
    RequestsQuery {
        endpoint: endpoint(),
        start: Timestamp::UNIX_EPOCH,
        end: Timestamp::now(),
        request_id: None,
    }
}

/// What every call makes of an answer.
async fn all_calls(client: &Client) -> Vec<(&'static str, Result<(), Error>)> {
    let at = client.follow(&endpoint(), &request_id(), None);
    let submit = match client.submit(&endpoint(), "{}").await {
        SubmitOutcome::Accepted(_) => Ok(()),
        // Anything else would say that it is known to be unsent.
        SubmitOutcome::Unknown(error) => Err(error),
        other => panic!("{other:?}"),
    };
    let stream = match client.stream(&at).await {
        Ok(mut stream) => loop {
            match stream.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => break Err(error),
                None => break Ok(()),
            }
        },
        Err(error) => Err(error),
    };
    vec![
        ("submit", submit),
        ("status", client.status(&at).await.map(drop)),
        ("stream", stream),
        ("result", client.result(&at).await.map(drop)),
        ("list", client.requests(&query(), |_| true).await.map(drop)),
    ]
}

fn json(body: impl AsRef<[u8]>) -> Reply {
    Reply::json(200, body)
}

#[tokio::test]
async fn what_is_no_answer_is_told_in_one_line_by_every_call() {
    let deep = |open: &str, close: &str| {
        format!(
            "{{\"logs\":{}{}}}",
            open.repeat(100_000),
            close.repeat(100_000)
        )
    };
    let gzip = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    let cases = [
        ("a page", Reply::html(200)),
        (
            "truncated JSON",
            json(r#"{"request_id":"r-1","status":"IN_QU"#),
        ),
        ("a list", json(r#"[{"request_id":"r-1"}]"#)),
        ("null", json("null")),
        ("text", json("\"r-1\"")),
        ("nothing", json("")),
        ("no JSON", json("NaN")),
        ("two objects", json("{}{}")),
        (
            "JSON and more",
            json(r#"{"request_id":"r-1"}<!-- by the proxy -->"#),
        ),
        ("depth", json(deep("[", "]"))),
        ("depth of objects", json(deep("{\"a\":", "}"))),
        ("depth without end", json("[".repeat(100_000))),
        (
            "gzip",
            Reply::new(
                200,
                gzip,
                b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xed\xc1\x01\r\0\0\0",
            ),
        ),
        ("zeros", json([0; 4096])),
        ("not UTF-8", json(b"\xff\xfe{\0}\0")),
    ];
    for (name, reply) in cases {
        let fake = Fake::always(reply).await;
        for (call, outcome) in all_calls(&fake.client()).await {
            let error = outcome.expect_err(&format!("{name} at {call}"));
            let text = error.to_string();
            assert!(error.is_transient(), "{name} at {call}: {text}");
            assert!(
                text.len() < 200 && !text.contains('\n'),
                "{name} at {call}: {text}"
            );
            assert_silent(&error);
        }
        let asked: Vec<_> = fake.seen();
        assert!(
            asked
                .iter()
                .all(|seen| seen.header("accept-encoding").is_none())
        );
    }
}

#[tokio::test]
async fn names_that_come_twice_and_bytes_that_are_no_text_spoil_nothing() {
    let body = b"{\"request_id\":\"old\",\"request_id\":\"r-1\",\"status\":\"IN_QUEUE\",\"logs\":[\"a\xffb\"],\
        \"video\":{\"url\":\"https://v3.fal.media/\xc3(.mp4\"},\"items\":[],\"has_more\":false}";
    let fake = Fake::start(move |seen| {
        if seen.path.contains("/stream") {
            Reply::events().then(b"data: ").then(body).then(b"\n\n")
        } else {
            json(body)
        }
    })
    .await;
    for (call, outcome) in all_calls(&fake.client()).await {
        match call {
            // The rules of event streams leave no room; the poll that follows takes its place.
            "stream" => assert!(outcome.is_err()),
            _ => outcome.unwrap_or_else(|error| panic!("{call}: {error}")),
        }
    }
    let client = fake.client();
    let SubmitOutcome::Accepted(accepted) = client.submit(&endpoint(), "{}").await else {
        panic!("it has an id");
    };
    assert_eq!(
        accepted.request_id.as_str(),
        "r-1",
        "the last one counts, as everywhere"
    );
}

#[tokio::test]
async fn half_a_gigabyte_is_not_read_whatever_it_says_of_its_length() {
    let piece = vec![b'1'; 1 << 16];
    let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), &piece, b"\r\n"].concat();
    let head = |more: &str| {
        Reply::raw(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}\r\n{{\"a\":"
        ))
    };
    let chunked = Reply::raw(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
    );
    let events = Reply::events().then("data: ");
    for (name, reply) in [
        (
            "told",
            head("content-length: 536870912\r\n").times(8192, &piece),
        ),
        ("untold", head("").times(8192, &piece)),
        ("in chunks", chunked.times(8192, &chunk)),
        ("as an event", events.times(8192, &piece)),
    ] {
        let fake = Fake::always(reply).await;
        let client = fake.client();
        for (call, outcome) in all_calls(&client).await {
            let error = outcome.expect_err(&format!("{name} at {call}"));
            assert!(error.is_transient(), "{name} at {call}: {error}");
        }
        // Each connection ends soon after the client has had enough.
        let deadline = Instant::now() + Duration::from_secs(20);
        while fake.open() > 0 {
            assert!(Instant::now() < deadline, "{name}: a connection stays open");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let most = fake.most_sent();
        assert!(most < MOST_READ, "{name}: {most} bytes were taken");
    }
}

#[tokio::test]
async fn smaller_pages_are_asked_for_where_the_inputs_of_others_make_them_too_large() {
    let fake = Fake::start(|seen| {
        if !seen.path.contains("limit=10&") {
            return Reply::json(200, format!("{{\"x\":\"{}\"}}", "y".repeat(9 << 20)));
        }
        if seen.path.contains("cursor=2") {
            json(r#"{"items":[{"request_id":"b"}],"has_more":false}"#)
        } else {
            json(r#"{"items":[{"request_id":"a"},{"request_id":"c"}],"has_more":true,"next_cursor":"2"}"#)
        }
    })
    .await;
    let wanted = |item: &talkdeck::fal::wire::RequestItem| item.request_id != "c";
    let items = fake.client().requests(&query(), wanted).await.unwrap();
    let ids: Vec<_> = items.into_iter().map(|item| item.request_id).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(fake.seen().len(), 3);
}

/// Bytes that the process may take at most for the largest answers that are read; the rest is the test itself.
const MOST_MEMORY_KIB: usize = 700 << 10;

#[tokio::test]
async fn the_worst_answer_that_fits_takes_a_bounded_amount_of_memory() {
    proxy::assert_passed(&proxy::run_in("bodies::inside_memory", String::new()).await);
}

#[tokio::test]
#[ignore = "run by the_worst_answer_that_fits_takes_a_bounded_amount_of_memory in a process of its own"]
async fn inside_memory() {
    let flood = |item: &str| {
        let count = ((8 << 20) - 100) / (item.len() + 1);
        let items = vec![item; count].join(",");
        format!("{{\"status\":\"IN_PROGRESS\",\"logs\":[{items}]}}")
    };
    for item in ["\"\"", "{}", "[]", "0", "{\"message\":\"\"}"] {
        let fake = Fake::always(json(flood(item))).await;
        let client = fake.client();
        let at = client.follow(&endpoint(), &request_id(), None);
        let status = client.status(&at).await.unwrap();
        let lines = client.log_lines(&status.logs.unwrap(), Timestamp::UNIX_EPOCH);
        assert!(lines.len() <= 50_000, "{item}");
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let most: usize = most.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(most < MOST_MEMORY_KIB, "{most} KiB");
}

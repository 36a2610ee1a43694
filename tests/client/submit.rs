//! The POST that costs money: sent once, its outcome told apart.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use talkdeck::{
    fal::{Accepted, Error, Rejection, SubmitOutcome},
    model::request::RequestUrls,
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use url::Url;

use super::fake::{
    Fake, HASTY, KEY, Reply, assert_silent, client, client_with, endpoint, golden, request_id,
};

const BODY: &str = r#"{"prompt":"x"}"#;

async fn outcome(reply: Reply) -> SubmitOutcome {
    let fake = Fake::always(reply).await;
    let outcome = fake.client().submit(&endpoint(), BODY).await;
    assert_eq!(
        (fake.connections(), fake.seen().len()),
        (1, 1),
        "{outcome:?}"
    );
    assert_silent(&outcome);
    outcome
}

#[tokio::test]
async fn the_exact_body_goes_to_the_whole_endpoint_id_with_the_key() {
    let fake = Fake::always(Reply::json(200, golden("submit.json"))).await;
    for name in ["single-text-1.input.json", "single-text-2.input.json"] {
        let body = golden(name);
        let outcome = fake.client().submit(&endpoint(), &body).await;
        let SubmitOutcome::Accepted(accepted) = outcome else {
            panic!("{outcome:?}");
        };
        let base =
            "https://queue.fal.run/fal-ai/infinitalk/requests/0b6f3a1e-5c1d-4a50-9a43-2f8f5f0f7a11";
        assert_eq!(
            accepted,
            Accepted {
                request_id: request_id(),
                urls: RequestUrls {
                    status: format!("{base}/status"),
                    response: base.to_owned(),
                    cancel: format!("{base}/cancel"),
                },
                queue_position: Some(0),
            }
        );
        let seen = fake.seen().pop().unwrap();
        assert_eq!(
            (seen.method.as_str(), seen.path.as_str()),
            ("POST", "/fal-ai/infinitalk/single-text")
        );
        assert_eq!(seen.body, body.as_bytes());
        assert_eq!(seen.header("content-type"), Some("application/json"));
        assert_eq!(
            seen.header("authorization"),
            Some(format!("Key {KEY}").as_str())
        );
        assert_eq!(seen.header("host"), Some(fake.url.authority()));
    }
}

#[tokio::test]
async fn addresses_that_an_acceptance_leaves_out_are_rebuilt() {
    let fake = Fake::always(Reply::json(
        200,
        r#"{"request_id":"r-1","status_url":null,"cancel_url":7,"queue_position":"2"}"#,
    ))
    .await;
    let outcome = fake.client().submit(&endpoint(), BODY).await;
    let SubmitOutcome::Accepted(accepted) = outcome else {
        panic!("{outcome:?}");
    };
    let base = fake.at("/fal-ai/infinitalk/requests/r-1");
    assert_eq!(accepted.queue_position, Some(2));
    assert_eq!(
        accepted.urls,
        RequestUrls {
            status: format!("{base}/status"),
            cancel: format!("{base}/cancel"),
            response: base,
        }
    );
}

#[tokio::test]
async fn a_clear_no_of_fals_is_a_rejection() {
    let rejection = async |status: u16, body: &str| match outcome(Reply::json(status, body)).await {
        SubmitOutcome::Rejected(rejection) => rejection,
        other => panic!("{status} {body}: {other:?}"),
    };
    let golden_rejection = async |status: u16, name: &str| rejection(status, &golden(name)).await;

    let Rejection::Unauthorized { message } =
        golden_rejection(401, "error-unauthorized.json").await
    else {
        panic!()
    };
    assert_eq!(message.as_str(), "No user found for Key ID and Secret");

    let Rejection::Locked { message } = golden_rejection(403, "error-locked.json").await else {
        panic!()
    };
    assert!(
        message
            .as_str()
            .starts_with("User is locked. Reason: Exhausted balance.")
    );

    let Rejection::Other { status: 403, error } = rejection(403, r#"{"detail":"no access"}"#).await
    else {
        panic!()
    };
    assert_eq!(error.message.as_str(), "no access");

    let Rejection::Other { status: 404, error } =
        golden_rejection(404, "error-no-application.json").await
    else {
        panic!()
    };
    assert_eq!(
        error.message.as_str(),
        "Application \"infinitolk\" not found"
    );

    let Rejection::Arguments(error) = golden_rejection(422, "error-findings.json").await else {
        panic!()
    };
    assert_eq!(
        error.message.as_str(),
        "Input should be less than or equal to 721 (and 2 more)"
    );
    let fields: Vec<_> = error
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(fields, ["num_frames", "voice", "image_url"]);
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_the_server_asks() {
    for (header, want) in [
        ("retry-after: 7\r\n", Some(Duration::from_secs(7))),
        ("retry-after: 1000000000\r\n", Some(Duration::from_mins(10))),
        ("retry-after: soon\r\n", None),
        ("", None),
    ] {
        let reply = Reply::new(429, header, r#"{"detail":"queue is full"}"#);
        let outcome = outcome(reply).await;
        let SubmitOutcome::Rejected(Rejection::RateLimited { wait, message }) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(
            (wait, message.as_str()),
            (want, "queue is full"),
            "{header}"
        );
    }
}

#[tokio::test]
async fn whatever_is_no_clear_answer_leaves_the_outcome_unknown() {
    let submit = golden("submit.json");
    let cases = [
        ("408", Reply::json(408, golden("error-infrastructure.json"))),
        (
            "499",
            Reply::json(
                499,
                r#"{"detail":"gone","error_type":"client_disconnected"}"#,
            ),
        ),
        ("500", Reply::json(500, golden("error-infrastructure.json"))),
        ("502", Reply::html(502)),
        ("503", Reply::json(503, golden("error-infrastructure.json"))),
        ("504", Reply::new(504, "", "")),
        ("page", Reply::html(200)),
        ("page with 403", Reply::html(403)),
        (
            "foreign JSON with 403",
            Reply::json(403, r#"{"message":"Forbidden"}"#),
        ),
        ("page with 429", Reply::html(429)),
        ("no content", Reply::new(204, "", "")),
        ("empty", Reply::json(200, "")),
        ("no id", Reply::json(200, r#"{"status":"IN_QUEUE"}"#)),
        ("empty id", Reply::json(200, r#"{"request_id":""}"#)),
        ("impossible id", Reply::json(200, r#"{"request_id":".."}"#)),
        ("list", Reply::json(200, r#"["IN_QUEUE"]"#)),
        (
            "half of it",
            Reply::raw(format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n{submit}"
            )),
        ),
        ("half a head", Reply::raw("HTTP/1.1 200 O")),
        ("noise", Reply::raw("\0\0\0\0 what?\r\n\r\n")),
        ("nothing", Reply::raw("")),
        (
            "too much",
            Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 500000000\r\n\r\n{").hang(),
        ),
        ("see other", Reply::new(303, "location: /elsewhere\r\n", "")),
        (
            "same again elsewhere",
            Reply::new(307, "location: /elsewhere\r\n", ""),
        ),
        (
            "permanently",
            Reply::new(308, "location: /elsewhere\r\n", ""),
        ),
    ];
    for (name, reply) in cases {
        let outcome = outcome(reply).await;
        let SubmitOutcome::Unknown(error) = outcome else {
            panic!("{name}: {outcome:?}");
        };
        assert!(!error.to_string().contains('\n'), "{name}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_leaves_the_outcome_unknown() {
    for reply in [
        Reply::raw("").hang(),
        Reply::raw("HTTP/1.1 200 OK\r\n").hang(),
    ] {
        let fake = Fake::always(reply).await;
        let outcome = client_with(&fake.url, HASTY)
            .submit(&endpoint(), BODY)
            .await;
        assert!(
            matches!(outcome, SubmitOutcome::Unknown(Error::TimedOut { .. })),
            "{outcome:?}"
        );
        assert_eq!((fake.connections(), fake.seen().len()), (1, 1));
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_was_not_sent_to() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let outcome = client(&url).submit(&endpoint(), BODY).await;
    let SubmitOutcome::NotSent(error) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        error.to_string(),
        format!("cannot reach 127.0.0.1:{port}: connection refused")
    );
}

/// When a [`breaking`] server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Break {
    FirstByte,
    Body,
}

/// What arrived on every connection, until each was broken off.
type Arrived = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server that ends every connection at `at`, by a reset or an orderly close.
async fn breaking(at: Break, reset: bool) -> (Url, Arrived) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let arrived = Arrived::default();
    let record = Arc::clone(&arrived);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            let wanted = match at {
                Break::FirstByte => 1,
                Break::Body => usize::MAX,
            };
            let mut piece = [0; 4096];
            while read.len() < wanted && !read.ends_with(BODY.as_bytes()) {
                let size = piece.len().min(wanted - read.len());
                match stream.read(&mut piece[..size]).await {
                    Ok(0) | Err(_) => break,
                    Ok(n) => read.extend_from_slice(&piece[..n]),
                }
            }
            record.lock().unwrap().push(read);
            if reset {
                stream.set_zero_linger().unwrap();
            }
        }
    });
    (url, arrived)
}

#[tokio::test]
async fn a_post_whose_connection_breaks_is_never_sent_again() {
    for at in [Break::FirstByte, Break::Body] {
        for reset in [false, true] {
            let (url, arrived) = breaking(at, reset).await;
            let client = client(&url);
            // Several in a row and at once: each is one connection and one request, whatever became of the others.
            for _ in 0..3 {
                let outcome = client.submit(&endpoint(), BODY).await;
                assert!(
                    matches!(outcome, SubmitOutcome::Unknown(_)),
                    "{at:?} {reset}: {outcome:?}"
                );
            }
            let endpoint = endpoint();
            let together = tokio::join!(
                client.submit(&endpoint, BODY),
                client.submit(&endpoint, BODY),
            );
            assert!(matches!(
                together,
                (SubmitOutcome::Unknown(_), SubmitOutcome::Unknown(_))
            ));
            drop(client);
            let arrived = arrived.lock().unwrap().clone();
            assert_eq!(arrived.len(), 5, "{at:?} {reset}");
            if at == Break::Body {
                assert!(arrived.iter().all(|read| read.starts_with(b"POST ")));
            }
        }
    }
}

#[tokio::test]
async fn a_post_after_an_answered_one_has_a_connection_of_its_own() {
    // The server offers to keep each connection: a client that took it up would find it dead the second time, and
    // the layers below resend exactly then.
    let fake = Fake::always(Reply::json(200, golden("submit.json")).keep()).await;
    let client = fake.client();
    for n in 1..=3 {
        let outcome = client.submit(&endpoint(), BODY).await;
        assert!(matches!(outcome, SubmitOutcome::Accepted(_)), "{outcome:?}");
        assert_eq!((fake.connections(), fake.seen().len()), (n, n));
    }
    // And here it closes without a word.
    let body = golden("submit.json");
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let closing = Fake::always(Reply::raw(whole)).await;
    let client = closing.client();
    for n in 1..=3 {
        client.submit(&endpoint(), BODY).await;
        assert_eq!((closing.connections(), closing.seen().len()), (n, n));
    }
}

#[tokio::test]
async fn a_redirected_post_goes_nowhere_else() {
    let other = Fake::always(Reply::json(200, golden("submit.json"))).await;
    for status in [301, 302, 303, 307, 308] {
        let fake = Fake::always(Reply::new(
            status,
            &format!("location: {}\r\n", other.url),
            "",
        ))
        .await;
        let outcome = fake.client().submit(&endpoint(), BODY).await;
        assert!(
            matches!(outcome, SubmitOutcome::Unknown(Error::InvalidAnswer { .. })),
            "{outcome:?}"
        );
        assert_eq!((fake.seen().len(), other.connections()), (1, 0));
    }
}

#[tokio::test]
async fn remote_words_in_a_rejection_are_inert_and_hold_no_secret() {
    let body = serde_json::json!({
        "detail": format!("\u{1b}]0;x\u{7}bad key {KEY}\r\nsee https://x.test/a?X-Signature=4f2a\u{202e}")
    });
    let outcome = outcome(Reply::json(401, body.to_string())).await;
    let SubmitOutcome::Rejected(Rejection::Unauthorized { message }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(message.as_str(), "bad key *** see https://x.test/a?…");
}

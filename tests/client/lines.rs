//! The line between us and the server: names that lead nowhere, IPv6 alone, captive portals, chains of redirects.

use std::time::Duration;

use talkdeck::fal::{Client, Error, SubmitOutcome};
use tokio::net::TcpListener;
use url::Url;

use super::fake::{Fake, Reply, client, endpoint, golden, request_id};

#[tokio::test]
async fn a_name_that_leads_nowhere_was_not_sent_to() {
    // Longer than a part of a name may be: no name server needs to be asked.
    let url = Url::parse(&format!("https://{}.test/", "a".repeat(64))).unwrap();
    let outcome = client(&url).submit(&endpoint(), "{}").await;
    let SubmitOutcome::NotSent(error) = outcome else {
        panic!("{outcome:?}");
    };
    let text = error.to_string();
    assert!(text.starts_with("cannot reach aaaa"), "{text}");
    assert!(error.is_transient() && error.is_silence());
}

#[tokio::test]
async fn a_server_that_has_ipv6_alone_is_talked_to() {
    let reply = Reply::json(200, golden("submit.json"));
    let fake = Fake::start_on("[::1]:0", move |_| reply.clone()).await;
    assert!(fake.url.as_str().starts_with("http://[::1]:"));
    let outcome = fake.client().submit(&endpoint(), "{}").await;
    assert!(matches!(outcome, SubmitOutcome::Accepted(_)), "{outcome:?}");
    assert_eq!(fake.seen()[0].header("host"), Some(fake.url.authority()));
    // The same machine by IPv4 is another origin, and no place for the key.
    let other = Fake::always(Reply::html(200)).await;
    let theirs = other.client().follow(&endpoint(), &request_id(), None);
    let error = fake.client().status(&theirs).await.unwrap_err();
    assert!(matches!(error, Error::ForeignHost { .. }), "{error}");
    assert_eq!(other.connections(), 0);
}

async fn every_call_fails(client: &Client, want: &str) {
    let at = client.follow(&endpoint(), &request_id(), None);
    let errors = [
        ("status", client.status(&at).await.map(drop)),
        ("stream", client.stream(&at).await.map(drop)),
        ("result", client.result(&at).await.map(drop)),
        ("cancel", client.cancel(&at).await.map(drop)),
        ("pricing", client.pricing(&[endpoint()]).await.map(drop)),
    ];
    for (call, outcome) in errors {
        let error = outcome.expect_err(call);
        assert!(error.to_string().contains(want), "{call}: {error}");
        assert!(error.is_transient(), "{call}: a portal is passed some day");
    }
}

#[tokio::test]
async fn a_captive_portal_is_told_and_gets_the_key_of_nobody() {
    // Its own page in place of every answer.
    let portal = Fake::always(Reply::html(200)).await;
    let client = portal.client();
    let error = client.submit(&endpoint(), "{}").await;
    assert!(matches!(error, SubmitOutcome::Unknown(_)), "{error:?}");
    let at = client.follow(&endpoint(), &request_id(), None);
    let error = client.status(&at).await.unwrap_err();
    assert!(error.to_string().contains("HTML, status 200"), "{error}");
    // A way to its own host.
    let page = Fake::always(Reply::html(200)).await;
    let to = page.at("/login");
    for status in [302, 303, 307, 511] {
        let head = format!("location: {to}\r\n");
        let portal = Fake::always(Reply::new(status, &head, "")).await;
        let want = if status == 511 { "511" } else { "a redirect" };
        every_call_fails(&portal.client(), want).await;
    }
    assert_eq!(page.connections(), 0);
}

#[tokio::test]
async fn a_thousand_hops_are_not_gone() {
    let fake = Fake::start(|seen| {
        let hop: u32 = seen
            .path
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .parse()
            .unwrap_or(0);
        let next = hop + 1;
        if hop >= 1000 {
            return Reply::new(200, "", "the end");
        }
        Reply::new(302, &format!("location: /hop/{next}\r\n"), "")
    })
    .await;
    let client = fake.client();
    let error = client.download(&fake.at("/hop/0"), 0).await.unwrap_err();
    assert!(error.to_string().ends_with("too many redirects"), "{error}");
    assert_eq!(fake.seen().len(), 6, "the first and five more");
    let at = client.follow(&endpoint(), &request_id(), None);
    client.status(&at).await.unwrap_err();
    assert_eq!(fake.seen().len(), 7, "with the key none is followed");
}

#[tokio::test]
async fn no_media_address_leads_inside() {
    let inside = Fake::always(Reply::new(200, "", "secret")).await;
    let fake = Fake::always(Reply::html(404)).await;
    let client = fake.client();
    let port = inside.url.port().unwrap();
    let bad = [
        format!("http://127.0.0.1:{port}/x"),
        format!("https://127.0.0.1:{port}/x"),
        format!("http://localhost:{port}/x"),
        format!("http://[::1]:{port}/x"),
        format!("http://[::ffff:127.0.0.1]:{port}/x"),
        format!("http://0.0.0.0:{port}/x"),
        format!("http://127.1:{port}/x"),
        format!("http://2130706433:{port}/x"),
        format!("http://0x7f.1:{port}/x"),
        "http://v3.fal.media/x".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.1.2.3/x".to_owned(),
        "https://172.16.0.1/x".to_owned(),
        "https://192.168.1.1/x".to_owned(),
        "https://[::ffff:10.0.0.1]/x".to_owned(),
        "https://[fd00::1]/x".to_owned(),
        "https://[64:ff9b::a00:1]/x".to_owned(),
        "https://user:pw@v3.fal.media/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://v3.fal.media/x".to_owned(),
        format!("data:video/mp4;base64,{}", "A".repeat(1 << 20)),
        "javascript:alert(1)".to_owned(),
        "//v3.fal.media/x".to_owned(),
        String::new(),
    ];
    for url in bad {
        let shown: String = url.chars().take(60).collect();
        let error = client.download(&url, 0).await.unwrap_err();
        assert!(
            matches!(error, Error::UnsafeAddress { .. }),
            "{shown}: {error}"
        );
        assert!(
            !error.is_transient() && error.to_string().len() < 200,
            "{shown}: {error}"
        );
    }
    assert_eq!(inside.connections(), 0);
    assert_eq!(fake.connections(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_fetched_from() {
    // The name of this machine is one that its own resolver knows, mostly as a loopback address.
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let fake = Fake::always(Reply::html(404)).await;
    let timing = talkdeck::fal::Timing {
        tries: 1,
        ..super::fake::TIMING
    };
    let client = super::fake::client_with(&fake.url, timing);
    let url = format!("https://{}:{port}/x", name.trim());
    let error = client.download(&url, 0).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("the name leads to no public address") || text.contains("name lookup failed"),
        "{text}"
    );
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err(), "nobody was called");
}

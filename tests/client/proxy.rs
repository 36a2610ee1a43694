//! Proxies of the environment: taken for the world outside, never for this machine.
//!
//! Every case runs in a process of its own, because the environment is one for all tests.

use std::process::{Command, Output};

use talkdeck::{
    fal::{Client, Error, SubmitOutcome, Timing},
    model::{Secret, Server, ServerId, server::Hosts},
};

use super::fake::{Fake, KEY, Reply, TIMING, endpoint, golden};

/// Runs the test `name` of this file with `proxy` for everything.
async fn run(name: &str, proxy: String) -> Output {
    run_in(&format!("proxy::{name}"), proxy).await
}

/// Runs the ignored test `name` of this binary in a process of its own, with `proxy` for everything.
pub(super) async fn run_in(name: &str, proxy: String) -> Output {
    let name = name.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &name, "--ignored", "--nocapture"]);
        for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            command.env(variable, &proxy);
            command.env(variable.to_lowercase(), &proxy);
        }
        // A test that runs as a CGI script would not be given HTTP_PROXY.
        for variable in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
            command.env_remove(variable);
        }
        command.output().unwrap()
    })
    .await
    .unwrap()
}

pub(super) fn assert_passed(output: &Output) {
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn this_machine_is_called_past_every_proxy() {
    let proxy = Fake::always(Reply::html(502)).await;
    assert_passed(&run("inside_local", proxy.url.to_string()).await);
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
#[ignore = "run by this_machine_is_called_past_every_proxy in another environment"]
async fn inside_local() {
    let fake = Fake::always(Reply::json(200, golden("submit.json"))).await;
    let client = fake.client();
    let outcome = client.submit(&endpoint(), "{}").await;
    assert!(matches!(outcome, SubmitOutcome::Accepted(_)), "{outcome:?}");
    client.pricing(&[endpoint()]).await.unwrap();
    client.download(&fake.at("/x.mp4"), 0).await.unwrap();
}

#[tokio::test]
async fn the_world_is_called_through_the_proxy_which_never_sees_the_key() {
    let proxy = Fake::always(Reply::html(403)).await;
    let address = proxy.url.authority().to_owned();
    assert_passed(&run("inside_away", format!("http://{address}")).await);
    let seen = proxy.seen();
    let targets: Vec<_> = seen
        .iter()
        .map(|seen| (seen.method.as_str(), seen.path.as_str()))
        .collect();
    assert_eq!(
        targets,
        [
            ("CONNECT", "queue.fal.run:443"),
            ("CONNECT", "api.fal.ai:443"),
            ("CONNECT", "v3.fal.media:443"),
        ]
    );
    assert!(seen.iter().all(|seen| !seen.has_key()));
}

#[tokio::test]
#[ignore = "run by the_world_is_called_through_the_proxy_which_never_sees_the_key in another environment"]
async fn inside_away() {
    let server = Server {
        id: ServerId::fal(),
        hosts: Hosts::fal(),
        key: Secret::new(KEY),
    };
    let timing = Timing { tries: 1, ..TIMING };
    let client = Client::with_timing(server, timing).unwrap();
    // The tunnel was refused, so nothing reached the server.
    let outcome = client.submit(&endpoint(), "{}").await;
    let SubmitOutcome::NotSent(error @ Error::Unreachable { .. }) = outcome else {
        panic!("{outcome:?}");
    };
    let told = "the proxy refused to connect (the environment names the proxy 127.0.0.1)";
    assert!(error.to_string().ends_with(told), "{error}");
    let error = client.pricing(&[endpoint()]).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    let error = client
        .download("https://v3.fal.media/x.mp4", 0)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    // The proxy itself is an inner host, and no place to fetch from.
    let proxy = std::env::var("HTTPS_PROXY")
        .unwrap()
        .replace("http:", "https:");
    let error = client.download(&proxy, 0).await.unwrap_err();
    assert!(matches!(error, Error::UnsafeAddress { .. }), "{error}");
}

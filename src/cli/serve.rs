//! `talkdeck serve`: the embedded server in the foreground.

use std::{net::SocketAddr, path::Path};

use serde_json::json;

use super::{
    Exit, Fault, Output,
    output::{Tone, notice},
    session::Context,
};
use crate::{
    model::CleanText,
    server::{self, KeyPolicy, Scenario, Server},
};

/// Serves until the command is interrupted; the server's jobs are taken up again at its next start.
pub(super) async fn run(
    context: &Context,
    listen: SocketAddr,
    scenario: Option<&Path>,
    output: &mut Output,
) -> Result<Exit, Fault> {
    if !listen.ip().is_loopback() {
        return Err(Fault::new(
            Exit::Usage,
            format!(
                "--listen {listen}: it takes any key, so it serves this machine only; use 127.0.0.1:PORT and, from \
                 elsewhere, ssh -L"
            ),
        ));
    }
    let scenario = scenario.map(Scenario::read).transpose()?;
    context.config.places.create()?;
    let usual = server::Options::new(context.config.places.serve(), context.catalog.clone());
    let running = Server::start(server::Options {
        listen,
        key: KeyPolicy::Any,
        runners: scenario
            .as_ref()
            .and_then(|scenario| scenario.runners)
            .unwrap_or(usual.runners),
        scenario,
        ..usual
    })
    .await?;
    let url = running.url().as_str().trim_end_matches('/').to_owned();
    if output.is_json() {
        output.json(&json!({ "url": url }))?;
    } else {
        output.line(&[(Tone::Strong, &CleanText::line(&url))])?;
    }
    notice(format!(
        "serving until interrupted; try `talkdeck --server {url} …`, with any FAL_KEY of the form id:secret"
    ));
    let result = context.unless_interrupted(std::future::pending()).await;
    running.stop().await;
    result
}

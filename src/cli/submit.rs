//! `talkdeck submit` and `talkdeck resubmit`: from a command line to a job.

use std::{env, path::Path};

use color_eyre::eyre::WrapErr;
use serde_json::Value;

use super::{
    Exit, Fault, Output,
    args::Request,
    endpoints,
    follow::{Until, follow},
    inputs, job_text,
    output::notice,
    session::{Context, NOT_SENT, Session, chosen},
};
use crate::{
    catalog::Endpoint,
    model::{Arguments, CleanText, Job, JobId, Server, ServerId, request::Wish},
    tracker,
};

/// What a request starts from.
struct Origin<'a> {
    endpoint: &'a Endpoint,
    arguments: Arguments,
    name: CleanText,
    parent: Option<JobId>,
}

/// Sends a new request.
pub(super) async fn submit(
    context: &Context,
    endpoint: &str,
    request: &Request,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let origin = Origin {
        endpoint: endpoints::find(&context.catalog, endpoint)?,
        arguments: Arguments::new(),
        name: CleanText::default(),
        parent: None,
    };
    send(context, origin, request, output).await
}

/// Sends a copy of a job, with changes.
pub(super) async fn resubmit(
    context: &Context,
    job: &str,
    request: &Request,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let job = context.store()?.find(job)?;
    let origin = Origin {
        endpoint: endpoints::find(&context.catalog, job.endpoint.as_str())?,
        arguments: again(&job),
        name: job.name.clone(),
        parent: Some(job.id),
    };
    send(context, origin, request, output).await
}

async fn send(
    context: &Context,
    origin: Origin<'_>,
    request: &Request,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let server = chosen(&context.config)?;
    let wish = wish(context, origin, request, server.as_ref())?;
    let endpoint = context
        .catalog
        .get(&wish.endpoint)
        .expect("the wish was made for an endpoint of the catalog");
    notice(job_text::estimate(
        wish.server.is_preview(),
        wish.estimated_cost,
        endpoint.video_length(&wish.arguments),
    ));
    if request.dry_run {
        return dry_run(&wish, output);
    }
    let store = context.store()?;
    let preview = server.is_none();
    let mut session = Session::open(context, store, vec![server], Some(NOT_SENT)).await?;
    let result = send_and_follow(context, &mut session, wish, request, output).await;
    session.close().await;
    if preview && !request.wait && result.is_ok() {
        notice("the preview renders while a talkdeck runs: `talkdeck watch`, `talkdeck serve` or the dashboard");
    }
    result
}

//! `talkdeck submit` and `talkdeck resubmit`: from a command line to a job.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{
    Exit, Fault, Output,
    args::Request,
    download::directory,
    endpoints,
    follow::{SETTLE, Told, Until, follow},
    inputs, job_text,
    output::notice,
    session::{Context, Patience, Session, blocking, chosen},
};
use crate::{
    catalog::{Endpoint, Field},
    model::{
        Arguments, CleanText, Job, JobId, JobState, Server, ServerId, Timestamp, Usd,
        job::Account,
        request::{Consent, Wish},
        server::KeyFingerprint,
    },
    studio, tracker,
};

/// How long is tried what does not succeed at once.
const PATIENCE: Patience = Patience {
    not_sent: Some(Duration::from_mins(1)),
    unconfirmed: Some(SETTLE),
};

/// How long the server is waited for to tell its prices.
const PRICES: Duration = Duration::from_secs(3);

/// Sends a new request.
pub(super) async fn submit(
    context: &Context,
    endpoint: &str,
    request: &Request,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let wish = Wish {
        endpoint: endpoints::id(context, endpoint)?,
        arguments: Arguments::new(),
        name: CleanText::default(),
        parent: None,
        server: ServerId::preview(),
        estimated_cost: None,
        consent: Consent::default(),
    };
    send(context, wish, request, output).await
}

/// Sends a copy of a job, with changes.
pub(super) async fn resubmit(
    context: &Context,
    job: &str,
    request: &Request,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let wish = tracker::again(&context.store()?.find(job)?);
    send(context, wish, request, output).await
}

async fn send(
    context: &Context,
    wish: Wish,
    request: &Request,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let server = chosen(context)?;
    let endpoint =
        endpoints::find(context, server.as_ref(), &wish.endpoint, !request.dry_run).await?;
    let wish = completed(&endpoint, wish, server.as_ref(), request)?;
    let store = context.store()?;
    let target = request.output.as_deref().map(directory).transpose()?;
    let mut session = Session::open(context, store, PATIENCE)?;
    let plan = Plan {
        wish,
        server,
        wait: request.wait,
        dry_run: request.dry_run,
        target: target.as_deref(),
    };
    // Boxed: it holds the start of a server and a whole life of jobs.
    let work = Box::pin(carry_out(context, &mut session, plan, output));
    let result = context.unless_interrupted(work).await;
    session.close().await;
    result
}

/// `wish` with what the command line says about it; only the command line itself is checked.
fn completed(
    endpoint: &Endpoint,
    mut wish: Wish,
    server: Option<&Server>,
    request: &Request,
) -> Result<Wish, Fault> {
    if let Some(path) = &request.input {
        for (name, value) in inputs::read_file(path)?.iter() {
            wish.arguments.set(name, value.clone());
        }
    }
    wish.arguments = inputs::merge(endpoint, wish.arguments, &request.set)
        .map_err(|faults| Fault::arguments(&faults))?;
    if let Some(name) = &request.name {
        wish.name = CleanText::line(name);
    }
    wish.server = server.map_or_else(ServerId::preview, |server| server.id.clone());
    // What is rendered here costs nothing; anything else is priced when the wish is checked.
    wish.estimated_cost = wish.server.is_preview().then_some(Usd::ZERO);
    if request.force {
        wish.consent = Consent::ALL;
    }
    Ok(wish)
}

/// What is to be done with a wish.
struct Plan<'a> {
    wish: Wish,
    server: Option<Server>,
    wait: bool,
    dry_run: bool,
    target: Option<&'a Path>,
}

async fn carry_out(
    context: &Context,
    session: &mut Session,
    plan: Plan<'_>,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let server = plan.wish.server.clone();
    if !plan.dry_run {
        session.use_server(plan.server.clone()).await?;
        // Without an answer the price is as old as it is said to be.
        let asking = session.tracker.refresh_prices(&server);
        let _ = tokio::time::timeout(PRICES, asking).await;
    }
    let wish = session
        .tracker
        .prepare(plan.wish)
        .await
        .map_err(|faults| Fault::arguments(&faults))?;
    let is_preview = server.is_preview();
    let catalog = session.tracker.catalog(&server);
    let endpoint = catalog.get(&wish.endpoint);
    notice(job_text::estimate(&wish, endpoint));
    let cut_off = cut_off(&wish, endpoint).await?;
    if let Some(cut_off) = &cut_off {
        notice(format!("talkdeck: {cut_off}"));
    }
    if plan.dry_run {
        let seed = endpoint.and_then(Endpoint::seed_field);
        return dry_run(&draft_of(wish, plan.server.as_ref()), seed, output);
    }
    if cut_off.is_some() && !wish.consent.cut_off {
        return Err(Fault::new(
            Exit::Usage,
            "not sent; set num_frames to hold the script, or --force sends it so",
        ));
    }
    let job = session.tracker.submit(wish).await?;
    let mut told = Told::of([job.id.clone()]);
    told.deliver_to(plan.target);
    let until = if plan.wait { Until::Ended } else { Until::Sent };
    let exit = follow(context, session, told, until, output).await?;
    if is_preview && !plan.wait && exit == Exit::Done {
        notice(format!(
            "the preview renders while a talkdeck runs: `talkdeck watch {}`, or the dashboard",
            job.id
        ));
    }
    Ok(exit)
}

/// What the end of the video will cut off of the speech; nothing where that is not sure.
async fn cut_off(wish: &Wish, endpoint: Option<&Endpoint>) -> Result<Option<String>, Fault> {
    let script = endpoint
        .and_then(Endpoint::script_field)
        .and_then(|field| wish.arguments.text(&field.name));
    let video = endpoint.and_then(|endpoint| endpoint.video_length(&wish.arguments));
    let (Some(script), Some(video)) = (script, video) else {
        return Ok(None);
    };
    let voice = wish.arguments.text("voice").unwrap_or_default().to_owned();
    let text = script.to_owned();
    let speech = blocking(move || studio::measure(&text, &voice)).await?;
    Ok(speech.and_then(|speech| speech.cut_off(script, video)))
}

/// What would be sent, as a job that has no id because there is none.
fn dry_run(job: &Job, seed: Option<&Field>, output: &mut Output) -> Result<Exit, Fault> {
    if output.is_json() {
        let mut object = job.to_object();
        object["id"] = Value::Null;
        object["created_at"] = Value::Null;
        output.json(&object)?;
    } else {
        job_text::request(job, seed, output)?;
        notice("nothing was sent");
    }
    Ok(Exit::Done)
}

fn draft_of(wish: Wish, server: Option<&Server>) -> Job {
    Job {
        id: JobId::random(),
        request_id: None,
        endpoint: wish.endpoint,
        name: wish.name,
        parent: wish.parent,
        account: Account {
            server: wish.server,
            key: server.map_or_else(
                || KeyFingerprint::from_stored(String::new()),
                Server::fingerprint,
            ),
        },
        state: JobState::Draft,
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at: Timestamp::now(),
        submitted_at: None,
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: wish.estimated_cost,
        unit_price: None,
        billed_units: None,
        arguments: wish.arguments,
        seed_drawn: false,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: Vec::new(),
        error: None,
        notice: None,
    }
}

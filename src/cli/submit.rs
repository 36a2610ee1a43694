//! `talkdeck submit` and `talkdeck resubmit`: from a command line to a job.

use std::{path::Path, time::Duration};

use serde_json::Value;

use super::{
    Exit, Fault, Output,
    args::Request,
    download::directory,
    endpoints,
    follow::{SETTLE, Told, Until, follow},
    job_text,
    output::notice,
    session::{Context, Patience, Session, blocking, chosen},
    wishes::Wishes,
};
use crate::{
    catalog::{Endpoint, Field},
    model::{
        Arguments, CleanText, Job, JobId, JobState, Server, ServerId, Timestamp,
        job::Account,
        request::{Consent, Wish},
        server::KeyFingerprint,
        speech::Rates,
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
        sweep: None,
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
    let wishes = Wishes::read(&endpoint, &wish, server.as_ref(), request)?;
    let store = context.store()?;
    let target = request.output.as_deref().map(directory).transpose()?;
    let mut session = Session::open(context, store, PATIENCE)?;
    let plan = Plan {
        wishes,
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

/// What is to be done with wishes.
struct Plan<'a> {
    wishes: Wishes,
    server: Option<Server>,
    wait: bool,
    dry_run: bool,
    target: Option<&'a Path>,
}

async fn carry_out(
    context: &Context,
    session: &mut Session,
    mut plan: Plan<'_>,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let server = plan
        .server
        .as_ref()
        .map_or_else(ServerId::preview, |server| server.id.clone());
    if !plan.dry_run {
        session.use_server(plan.server.clone()).await?;
        // Without an answer the price is as old as it is said to be.
        let asking = session.tracker.refresh_prices(&server);
        let _ = tokio::time::timeout(PRICES, asking).await;
    }
    let wishes = std::mem::take(&mut plan.wishes.all);
    let wishes = session
        .tracker
        .prepare_all(wishes)
        .await
        .map_err(|(number, faults)| plan.wishes.fault(number, faults))?;
    let catalog = session.tracker.catalog(&server);
    let endpoint = wishes
        .first()
        .and_then(|wish| catalog.get(&wish.endpoint))
        .cloned();
    notice(job_text::estimate(&wishes, endpoint.as_ref()));
    let rates = if server.is_preview() {
        Rates::default()
    } else {
        session.store.rates()?
    };
    let refused = tell_cut_off(&wishes, endpoint.clone(), rates).await?;
    if plan.dry_run {
        let seed = endpoint.as_ref().and_then(Endpoint::seed_field);
        for wish in wishes {
            dry_run(&draft_of(wish, plan.server.as_ref()), seed, output)?;
        }
        if !output.is_json() {
            notice("nothing was sent");
        }
        return Ok(Exit::Done);
    }
    if refused {
        return Err(Fault::new(
            Exit::Usage,
            "not sent; set num_frames to hold the script, or --force sends it so",
        ));
    }
    let jobs = session.tracker.submit_all(wishes).await?;
    let mut told = Told::of(jobs.iter().map(|job| job.id.clone()));
    told.deliver_to(plan.target);
    let until = if plan.wait { Until::Ended } else { Until::Sent };
    let exit = follow(context, session, told, until, output).await?;
    if server.is_preview() && !plan.wait && exit == Exit::Done {
        let which = match jobs.as_slice() {
            [job] => format!(" {}", job.id),
            _ => String::new(),
        };
        notice(format!(
            "the preview renders while a talkdeck runs: `talkdeck watch{which}`, or the dashboard"
        ));
    }
    Ok(exit)
}

/// Says what the ends of the videos will cut off of the speech, where that is sure; returns whether it stands in the way.
async fn tell_cut_off(
    wishes: &[Wish],
    endpoint: Option<Endpoint>,
    rates: Rates,
) -> Result<bool, Fault> {
    let Some(endpoint) = endpoint else {
        return Ok(false);
    };
    let all = wishes.to_vec();
    let found: Vec<_> = blocking(move || {
        let mut measured = studio::Measured::at(rates);
        let cut_off = |wish: &Wish| {
            let said = endpoint.utterances(&wish.arguments);
            let video = endpoint.video_length(&wish.arguments)?;
            let text = measured.cut_off(&said, video, tracker::inputs::sound_length)?;
            Some((wish.name.clone(), text, wish.consent.cut_off))
        };
        all.iter().filter_map(cut_off).collect()
    })
    .await?;
    for (name, text, _) in &found {
        match wishes {
            [_] => notice(format!("talkdeck: {text}")),
            _ => notice(format!("talkdeck: {name}: {text}")),
        }
    }
    Ok(found.iter().any(|(.., agreed)| !agreed))
}

/// What would be sent, as a job that has no id because there is none.
fn dry_run(job: &Job, seed: Option<&Field>, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        let mut object = job.to_object();
        object["id"] = Value::Null;
        object["created_at"] = Value::Null;
        output.json(&object)?;
    } else {
        job_text::request(job, seed, output)?;
    }
    Ok(())
}

fn draft_of(wish: Wish, server: Option<&Server>) -> Job {
    Job {
        id: JobId::random(),
        request_id: None,
        endpoint: wish.endpoint,
        name: wish.name,
        parent: wish.parent,
        sweep: wish.sweep,
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

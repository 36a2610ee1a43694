//! `talkdeck watch`: follows jobs to their end.

use std::collections::BTreeSet;

use super::{
    Exit, Fault, Output,
    follow::{SETTLE, Told, Until, follow},
    output::notice,
    session::{Context, Patience, Session, server_of},
};
use crate::model::{Job, ServerId};

/// Follows the named jobs, or all that are under way.
pub(super) async fn run(
    context: &Context,
    named: &[String],
    output: &mut Output,
) -> Result<Exit, Fault> {
    let store = context.store()?;
    let jobs: Vec<Job> = if named.is_empty() {
        store.live()?.into_iter().map(|(job, _)| job).collect()
    } else {
        let found = named.iter().map(|text| store.find(text));
        found.collect::<Result<_, _>>()?
    };
    if jobs.is_empty() {
        notice("no job is under way");
        return Ok(Exit::Done);
    }
    let until = if named.is_empty() {
        Until::NoneLive
    } else {
        Until::Ended
    };
    let patience = Patience {
        unconfirmed: Some(SETTLE),
        ..Patience::default()
    };
    let mut session = Session::open(context, store, patience)?;
    let result = context
        .unless_interrupted(async {
            let told = take_up(context, &mut session, &jobs).await?;
            follow(context, &mut session, told, until, output).await
        })
        .await;
    session.close().await;
    result
}

/// Starts to follow `jobs` where no other process does; those that cannot be followed from here are given up.
pub(super) async fn take_up(
    context: &Context,
    session: &mut Session,
    jobs: &[Job],
) -> Result<Told, Fault> {
    let mut told = Told::of(jobs.iter().map(|job| job.id.clone()));
    let live = || jobs.iter().filter(|job| job.state.is_live());
    let servers: BTreeSet<&ServerId> = live().map(|job| &job.account.server).collect();
    for id in servers {
        let of_server: Vec<_> = live().filter(|job| job.account.server == *id).collect();
        use_server(context, session, &of_server, &mut told).await?;
    }
    let held = session.tracker.recover().await?.held;
    give_up_held(&mut told, &held);
    Ok(told)
}

/// Says of jobs whose process has ended before it sent them that they are not waited for.
pub(super) fn give_up_held(told: &mut Told, held: &[Job]) {
    for job in held {
        let id = &job.id;
        let why = format!(
            "{id} was not sent before its talkdeck ended, and is held; `talkdeck resubmit {id}` sends a copy, \
             `talkdeck cancel {id}` drops it"
        );
        told.give_up(id, Exit::Usage, &why);
    }
}

/// Brings in the server that `jobs` have in common.
async fn use_server(
    context: &Context,
    session: &mut Session,
    jobs: &[&Job],
    told: &mut Told,
) -> Result<(), Fault> {
    let Some(first) = jobs.first() else {
        return Ok(());
    };
    let server = match server_of(context, first) {
        Ok(server) => server,
        Err(Fault::Told { exit, lines }) => {
            for (job, line) in jobs
                .iter()
                .flat_map(|job| lines.iter().map(move |line| (job, line)))
            {
                told.give_up(
                    &job.id,
                    exit,
                    &format!("{} is not followed: {line}", job.id),
                );
            }
            return Ok(());
        }
        Err(unexpected) => return Err(unexpected),
    };
    let key = session.use_server(server).await?;
    for job in jobs.iter().filter(|job| job.account.key != key) {
        let server = &job.account.server;
        let why = format!(
            "{} was sent with another key of {server}; set that one to follow it",
            job.id
        );
        told.give_up(&job.id, Exit::Key, &why);
    }
    Ok(())
}

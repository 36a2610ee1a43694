//! `talkdeck watch`: follows jobs to their end.

use super::{
    Exit, Fault, Output,
    follow::{Until, follow},
    output::notice,
    session::{Context, Session},
};
use crate::model::{Job, JobState};

/// Follows the named jobs, or all that are under way.
pub(super) async fn run(context: &Context, named: &[String], output: &mut Output) -> Result<Exit, Fault> {
    let store = context.store()?;
    let (jobs, until) = if named.is_empty() {
        let live = store.live()?.into_iter().map(|(job, _)| job).collect();
        (live, Until::NoneLive)
    } else {
        let found = named.iter().map(|text| store.find(text));
        (found.collect::<Result<Vec<Job>, _>>()?, Until::Ended)
    };
    if jobs.is_empty() {
        notice("no job is under way");
        return Ok(Exit::Done);
    }
    let ids = jobs.iter().map(|job| job.id.clone()).collect();
    let mut session = Session::for_jobs(context, store, &jobs).await?;
    let held = session.tracker.recover().await?.held;
    let result = follow(context, &mut session, ids, until, output).await;
    session.close().await;
    result
}

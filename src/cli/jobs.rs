//! `talkdeck jobs` and `talkdeck show`: what the store knows.

use super::{Exit, Fault, Output, job_text, output::notice};
use crate::{
    model::{JobState, Timestamp},
    store::{JobQuery, Store},
};

/// Lists jobs, newest first.
pub(super) fn list(
    store: &Store,
    states: &[String],
    search: Option<&str>,
    limit: u32,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let is_narrowed = !states.is_empty() || search.is_some();
    let states = states
        .iter()
        .map(|name| name.parse::<JobState>())
        .collect::<Result<_, _>>()
        .map_err(|error| Fault::new(Exit::Usage, error.to_string()))?;
    let jobs = store.list(&JobQuery {
        states,
        text: search.map(str::to_owned),
        limit: Some(limit),
        before: None,
    })?;
    if output.is_json() {
        jobs.iter()
            .try_for_each(|job| output.json(&job.to_object()))?;
    } else if jobs.is_empty() {
        notice(if is_narrowed {
            "no such jobs; `talkdeck jobs` lists all"
        } else {
            "no jobs; `talkdeck submit` makes one"
        });
    } else {
        job_text::table(&jobs, Timestamp::now(), output)?;
    }
    Ok(Exit::Done)
}

/// Shows one job.
pub(super) fn show(store: &Store, job: &str, output: &mut Output) -> Result<Exit, Fault> {
    let job = store.find(job)?;
    if output.is_json() {
        output.json(&job.to_object())?;
    } else {
        job_text::details(&job, Timestamp::now(), output)?;
    }
    Ok(Exit::Done)
}

//! `talkdeck logs`: what a job said.

use std::time::Duration;

use serde_json::json;

use super::{
    Exit, Fault, Output,
    follow::Told,
    output::Tone,
    session::{Context, Patience, Session},
    text,
    watch::{give_up_held, take_up},
};
use crate::{
    model::{CleanText, Job, JobId, Level, LogLine},
    store::Store,
    tracker::Report,
};

/// Lines that are read from the store at once.
const PAGE: u32 = 1000;

/// How often the store is asked for what another process has written.
const LOOK: Duration = Duration::from_millis(400);

/// Prints the log as far as it is known; with `follow` goes on until the job ends.
pub(super) async fn run(
    context: &Context,
    job: &str,
    follow: bool,
    output: &mut Output,
) -> Result<Exit, Fault> {
    if !follow {
        return context.reading(|store| print_all(store, job, output));
    }
    let store = context.store()?;
    let found = store.find(job)?;
    if !found.state.is_live() {
        return print_all(&store, job, output);
    }
    let job = found;
    let mut session = Session::open(context, store, Patience::default())?;
    context.remember(&job.id);
    let result = context
        .unless_interrupted(async {
            let told = take_up(context, &mut session, std::slice::from_ref(&job)).await?;
            match told.ended() {
                Some(given_up) => {
                    print_from(&session.store, &job.id, 0, output)?;
                    Ok(given_up)
                }
                None => follow_to_end(&mut session, &job, told, output).await,
            }
        })
        .await;
    session.close().await;
    result
}

async fn follow_to_end(
    session: &mut Session,
    job: &Job,
    mut told: Told,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let mut printed = 0;
    loop {
        // Asked before the lines, so that the last of them are not missed.
        let live = session
            .store
            .get(&job.id)?
            .is_some_and(|job| job.state.is_live());
        printed = print_from(&session.store, &job.id, printed, output)?;
        if !live || output.is_closed() {
            return Ok(Exit::Done);
        }
        // Its news, or a while in which another process may have written: either way the store is read again.
        let news = tokio::time::timeout(LOOK, session.reports.next()).await;
        for report in news.unwrap_or_default() {
            if let Report::Held(held) = report
                && held.iter().any(|held| held.id == job.id)
            {
                give_up_held(&mut told, &held);
                return Ok(told.ended().unwrap_or(Exit::Usage));
            }
        }
    }
}

fn print_all(store: &Store, job: &str, output: &mut Output) -> Result<Exit, Fault> {
    print_from(store, &store.find(job)?.id, 0, output)?;
    Ok(Exit::Done)
}

/// Prints the lines from number `from` on and returns the number of the next one.
fn print_from(store: &Store, id: &JobId, mut from: u64, output: &mut Output) -> Result<u64, Fault> {
    loop {
        let lines = store.logs(id, from, PAGE)?;
        for line in &lines {
            print(id, line, output)?;
        }
        from += lines.len() as u64;
        if lines.len() < PAGE as usize {
            return Ok(from);
        }
    }
}

fn print(id: &JobId, line: &LogLine, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        return output.json(&json!({
            "job": id,
            "time": line.time.to_string(),
            "level": line.level,
            "message": line.message,
        }));
    }
    let tone = match line.level {
        Level::Error => Tone::Bad,
        Level::Warn => Tone::Warning,
        Level::Debug | Level::Stderr | Level::Stdout => Tone::Dim,
        Level::Info => Tone::Plain,
    };
    let time = CleanText::line(&format!("{} ", text::local_second(line.time)));
    let level = CleanText::line(&format!("{:<7}", line.level));
    output.line(&[
        (Tone::Dim, &time),
        (tone, &level),
        (Tone::Plain, &line.message),
    ])
}

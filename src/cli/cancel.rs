//! `talkdeck cancel`: asks the server, and tells truthfully what came of it.

use std::time::Duration;

use super::{
    Exit, Fault, Output,
    follow::{Told, Until, follow},
    job_text,
    output::notice,
    session::{Context, Patience, Session, server_of},
};
use crate::{
    model::{Job, JobState},
    tracker::CancelOutcome,
};

/// How long the server's last word is waited for once it has taken the wish.
const LAST_WORD: Duration = Duration::from_secs(5);

/// Cancels one job.
pub(super) async fn run(context: &Context, job: &str, output: &mut Output) -> Result<Exit, Fault> {
    let store = context.store()?;
    let job = store.find(job)?;
    if matches!(job.state, JobState::Draft) || job.state.is_terminal() {
        job_text::state_line(&job, output)?;
        if job.state == JobState::Cancelled {
            return Ok(Exit::Done);
        }
        return Err(Fault::new(
            Exit::Usage,
            format!("{} is {}; there is nothing to cancel", job.id, job.state),
        ));
    }
    let mut session = Session::open(context, store, Patience::default())?;
    let result = context
        .unless_interrupted(async {
            if job.state.may_be_sent() {
                session.use_server(server_of(context, &job)?).await?;
                // Where the job's own process is gone, somebody has to hear the server's last word.
                session.tracker.recover().await?;
            }
            cancel(context, &mut session, &job, output).await
        })
        .await;
    session.close().await;
    result
}

async fn cancel(
    context: &Context,
    session: &mut Session,
    job: &Job,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let outcome = session.tracker.cancel(&job.id).await?;
    notice(match outcome {
        CancelOutcome::NeverSent => "it was never sent and will not be",
        CancelOutcome::Cancelled => "the server took it out of its queue",
        CancelOutcome::Requested if job.account.server.is_preview() => "the server was asked",
        CancelOutcome::Requested => {
            "the server was asked; it may run on, and may be billed either way"
        }
        CancelOutcome::TooLate => "too late: it had ended; its result is fetched",
        CancelOutcome::NotFound => "the server does not know the request",
    });
    let following = follow(
        context,
        session,
        Told::of([job.id.clone()]),
        Until::Ended,
        output,
    );
    match tokio::time::timeout(LAST_WORD, following).await {
        // What was asked for is done, whichever way the job has ended.
        Ok(ended) => ended.map(|_| Exit::Done),
        Err(_) => Ok(Exit::Done),
    }
}

//! `talkdeck confirm`: settles a job whose answer was lost.

use super::{
    Exit, Fault, Output, job_text,
    output::notice,
    session::{Context, Patience, Session, server_of},
    text,
};
use crate::{
    model::{Job, JobState, RequestId, request::Candidate},
    tracker::Settlement,
};

/// What the user says became of the job.
#[derive(Clone, Debug)]
pub(super) enum Word {
    /// The server's list is to tell.
    Ask,
    /// It is this request.
    Is(RequestId),
    /// It was never sent.
    NotSent,
}

impl Word {
    pub(super) fn of(request_id: Option<&str>, not_sent: bool) -> Self {
        match request_id {
            Some(id) => Self::Is(RequestId::new(id.trim())),
            None if not_sent => Self::NotSent,
            None => Self::Ask,
        }
    }
}

/// Settles one job.
pub(super) async fn run(
    context: &Context,
    job: &str,
    word: Word,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let store = context.store()?;
    let job = store.find(job)?;
    if !matches!(job.state, JobState::Unconfirmed { .. }) {
        return Err(Fault::new(
            Exit::Usage,
            format!(
                "{} is {}; only an unconfirmed job can be settled, `talkdeck jobs --state unconfirmed` lists them",
                job.id, job.state
            ),
        ));
    }
    let mut session = Session::open(context, store, Patience::default())?;
    let settling = context.unless_interrupted(settle(context, &mut session, &job, word, output));
    let result = settling.await;
    session.close().await;
    result
}

async fn settle(
    context: &Context,
    session: &mut Session,
    job: &Job,
    word: Word,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let tracker = session.tracker.clone();
    match word {
        Word::Is(request) => {
            session.use_server(server_of(context, job)?).await?;
            let adopted = tracker.confirm(&job.id, request).await?;
            job_text::state_line(&adopted, output)?;
            notice(format!("`talkdeck watch {}` follows it", job.id));
            Ok(Exit::Done)
        }
        Word::NotSent => {
            let failed = tracker.confirm_not_sent(&job.id).await?;
            job_text::state_line(&failed, output)?;
            notice(format!("`talkdeck resubmit {}` sends it anew", job.id));
            Ok(Exit::Done)
        }
        Word::Ask => {
            session.use_server(server_of(context, job)?).await?;
            match tracker.settle(&job.id).await? {
                Settlement::Settled(job) => {
                    job_text::state_line(&job, output)?;
                    notice(format!("`talkdeck watch {}` follows it", job.id));
                    Ok(Exit::Done)
                }
                Settlement::Missing => {
                    job_text::state_line(job, output)?;
                    tell_missing(job);
                    Ok(Exit::Unconfirmed)
                }
                Settlement::Several(candidates) => {
                    job_text::state_line(job, output)?;
                    tell_candidates(job, &candidates);
                    Ok(Exit::Unconfirmed)
                }
            }
        }
    }
}

fn tell_missing(job: &Job) {
    let id = &job.id;
    notice(format!(
        "talkdeck: the server's list does not have {id}; if you know that it was never sent: \
         `talkdeck confirm {id} --not-sent`"
    ));
}

fn tell_candidates(job: &Job, candidates: &[Candidate]) {
    let id = &job.id;
    for candidate in candidates {
        let at = candidate
            .sent_at
            .map_or_else(String::new, |at| format!(", received {}", text::local(at)));
        notice(format!("  {}{at}", candidate.id));
    }
    notice(format!(
        "talkdeck: any of these could be {id}; choose with `talkdeck confirm {id} REQUEST_ID`"
    ));
}

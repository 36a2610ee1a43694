//! Follows jobs and prints every change of state: what `submit`, `watch` and `cancel` have in common.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use super::{
    Exit, Fault, Output, job_text,
    output::notice,
    session::{Context, Session, blocking},
};
use crate::{
    model::{Job, JobId, JobState, Timestamp},
    tracker::Report,
};

/// How long an unconfirmed job is tried to be settled.
const SETTLING: Duration = Duration::from_secs(20);

/// How often the store is asked what other processes did.
const LOOK: Duration = Duration::from_millis(400);

/// How far jobs are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The server has answered the submit.
    Sent,
    /// The jobs have ended.
    Ended,
    /// As `Ended`, with every job that comes up on the way.
    NoneLive,
}

/// What was last told of one job.
#[derive(Debug, Default)]
struct Told {
    line: Option<(&'static str, bool)>,
    unconfirmed: Option<Instant>,
    exit: Option<Exit>,
}

/// Follows `ids` and gives the exit code that their ends amount to.
pub(super) async fn follow(
    context: &Context,
    session: &mut Session,
    ids: Vec<JobId>,
    until: Until,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let mut told: BTreeMap<JobId, Told> = BTreeMap::new();
    let mut progress = Progress::new();
    context.remember(ids.iter().cloned());
    for id in ids {
        told.entry(id).or_default();
    }
    loop {
        if until == Until::NoneLive {
            add_new(context, session, &mut told).await?;
        }
        for job in read(session, &told).await? {
            let of = told.get_mut(&job.id).expect("only these were read");
            look_at(&job, of, until, output, &mut progress)?;
        }
        let ended = told.values().all(|of| of.exit.is_some());
        if ended || (until == Until::NoneLive && output.is_closed()) {
            progress.clear();
            return Ok(told
                .values()
                .filter_map(|of| of.exit)
                .fold(Exit::Done, Exit::and));
        }
        let reports = tokio::time::timeout(LOOK, session.reports.next()).await;
        for report in reports.unwrap_or_default() {
            if let Some(fault) = heed(report, &mut progress) {
                return Err(fault);
            }
        }
    }
}

/// Takes in live jobs that have appeared.
async fn add_new(
    context: &Context,
    session: &Session,
    told: &mut BTreeMap<JobId, Told>,
) -> Result<(), Fault> {
    let store = session.store.clone();
    for (job, _) in blocking(move || store.live()).await?? {
        if let std::collections::btree_map::Entry::Vacant(place) = told.entry(job.id.clone()) {
            place.insert(Told::default());
            context.remember([job.id]);
        }
    }
    Ok(())
}

/// The jobs that have not come to their end here, as the store has them now.
async fn read(session: &Session, told: &BTreeMap<JobId, Told>) -> Result<Vec<Job>, Fault> {
    let open: Vec<JobId> = told
        .iter()
        .filter(|(_, of)| of.exit.is_none())
        .map(|(id, _)| id.clone())
        .collect();
    let store = session.store.clone();
    let jobs = blocking(move || {
        open.iter()
            .filter_map(|id| match store.get(id) {
                Ok(Some(job)) => Some(Ok(job)),
                Ok(None) => Some(Err(Fault::new(
                    Exit::Usage,
                    format!("{id}: another talkdeck has deleted this job's record"),
                ))),
                Err(error) => Some(Err(error.into())),
            })
            .collect()
    });
    jobs.await?
}

/// Prints what is new about `job` and decides whether it is done with here.
fn look_at(
    job: &Job,
    told: &mut Told,
    until: Until,
    output: &mut Output,
    progress: &mut Progress,
) -> Result<(), Fault> {
    let line = (job.state.name(), job.cancel_requested);
    if told.line != Some(line) {
        progress.clear();
        job_text::state_line(job, output)?;
        told.line = Some(line);
    }
    if !matches!(job.state, JobState::Unconfirmed { .. }) {
        told.unconfirmed = None;
    }
    told.exit = match &job.state {
        JobState::Completed => Some(Exit::Done),
        JobState::Failed | JobState::Cancelled | JobState::Expired => Some(Exit::JobEnded),
        JobState::Draft => Some(withdrawn(job)),
        JobState::Unconfirmed { .. } => {
            let since = told.unconfirmed.get_or_insert_with(Instant::now);
            (since.elapsed() > SETTLING).then(|| {
                progress.clear();
                notice(format!(
                    "{}: the answer to the submit was lost, and the server's list does not settle it; it is not sent \
                     again; `talkdeck watch {}` looks again",
                    job.id, job.id
                ));
                Exit::Unconfirmed
            })
        }
        JobState::InQueue { .. } | JobState::InProgress | JobState::Saving
            if until == Until::Sent =>
        {
            Some(Exit::Done)
        }
        _ => None,
    };
    if told.exit.is_none() {
        progress.show(job);
    }
    Ok(())
}

/// Why a job has become a draft again: it was certainly not sent.
fn withdrawn(job: &Job) -> Exit {
    let kind = job.error.as_ref().map(|error| error.kind.as_str());
    match kind {
        Some("talkdeck_unauthorized" | "talkdeck_account_locked") => Exit::Key,
        _ => Exit::Unreachable,
    }
}

/// Tells what the tracker reports beside job states; a fault where waiting on makes no sense.
fn heed(report: Report, progress: &mut Progress) -> Option<Fault> {
    match report {
        // The store has it, and it is read from there: another process may be the one that changes it.
        Report::Job(_) | Report::Logs { .. } => None,
        Report::Upload { id, sent, total } => {
            progress.upload(&id, sent, total);
            None
        }
        Report::AccountLocked { message } => Some(Fault::new(
            Exit::Key,
            format!("the account is locked: {message}; top it up at fal.ai, then `talkdeck resubmit`"),
        )),
        Report::Unauthorized { message } => Some(Fault::new(
            Exit::Key,
            format!("the key was refused: {message}; check FAL_KEY"),
        )),
        Report::Trouble { message } => {
            progress.clear();
            notice(format!("talkdeck: {message}"));
            None
        }
    }
}

/// One line on a terminal's standard error that is drawn over and over.
#[derive(Debug)]
struct Progress {
    enabled: bool,
    shown: String,
}

impl Progress {
    fn new() -> Self {
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            enabled: io::stderr().is_terminal() && !dumb,
            shown: String::new(),
        }
    }

    fn show(&mut self, job: &Job) {
        let time = super::text::clock(job.elapsed(Timestamp::now()));
        let notice = job
            .notice
            .as_ref()
            .map_or_else(String::new, |notice| format!("  {notice}"));
        self.draw(format!("{}  {}  {time}{notice}", job.id, job_text::state(job)));
    }

    fn upload(&mut self, id: &JobId, sent: u64, total: u64) {
        use super::text::size;
        self.draw(format!("{id}  uploading, {} of {}", size(sent), size(total)));
    }

    fn draw(&mut self, line: String) {
        if self.enabled && self.shown != line {
            // Cut, because a line that wraps could not be drawn over.
            let _ = write!(io::stderr(), "\r\u{1b}[2K{}", super::text::cut(&line, 78));
            self.shown = line;
        }
    }

    fn clear(&mut self) {
        if !self.shown.is_empty() {
            let _ = write!(io::stderr(), "\r\u{1b}[2K");
            self.shown.clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

//! Follows jobs and prints every change of state: what `submit`, `watch` and `cancel` have in common.
//!
//! The store is what is looked at: another process may be the one that moves a job on. The tracker's reports only say
//! when to look before the next look is due, and what a state does not tell.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    Exit, Fault, Output, job_text,
    output::notice,
    progress::Progress,
    session::{Context, Session, blocking},
    watch::give_up_held,
};
use crate::{
    model::{CleanText, Job, JobError, JobId, JobState},
    tracker::{self, Report},
};

/// How long an unconfirmed job is tried to be settled.
pub(super) const SETTLE: Duration = Duration::from_secs(20);

/// A moment more, for the answer to the last question.
const SETTLING: Duration = SETTLE.saturating_add(Duration::from_secs(2));

/// How often the store is looked at.
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

/// The jobs that are followed, and what was last told of each.
#[derive(Debug, Default)]
pub(super) struct Told {
    jobs: BTreeMap<JobId, One>,
    /// Where the files of a completed job are put as well.
    target: Option<PathBuf>,
    /// The key was refused or the account is locked: what was not sent is not for want of a server.
    blocked: bool,
    /// The key was refused: nothing can be asked any more, and this is why.
    refused: Option<JobError>,
}

#[derive(Debug, Default)]
struct One {
    line: Option<(&'static str, bool)>,
    unconfirmed: Option<Instant>,
    exit: Option<Exit>,
}

impl Told {
    /// Nothing told so far.
    pub(super) fn of(ids: impl IntoIterator<Item = JobId>) -> Self {
        Self {
            jobs: ids.into_iter().map(|id| (id, One::default())).collect(),
            ..Self::default()
        }
    }

    /// Puts the files of completed jobs into `target` as well.
    pub(super) fn deliver_to(&mut self, target: Option<&Path>) {
        self.target = target.map(Path::to_owned);
    }

    /// Says why a job is not followed, if it is one of these.
    pub(super) fn give_up(&mut self, id: &JobId, exit: Exit, why: &str) {
        if let Some(one) = self.jobs.get_mut(id) {
            notice(format!("talkdeck: {why}"));
            one.exit = Some(exit);
        }
    }

    /// The exit code that all ends amount to, once all jobs have come to theirs.
    pub(super) fn ended(&self) -> Option<Exit> {
        self.jobs
            .values()
            .try_fold(Exit::Done, |exit, one| Some(exit.and(one.exit?)))
    }

    fn open(&self) -> Vec<JobId> {
        let open = self.jobs.iter().filter(|(_, one)| one.exit.is_none());
        open.map(|(id, _)| id.clone()).collect()
    }
}

/// Follows the jobs and gives the exit code that their ends amount to.
pub(super) async fn follow(
    context: &Context,
    session: &mut Session,
    mut told: Told,
    until: Until,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let mut progress = Progress::new();
    for id in told.jobs.keys() {
        context.remember(id);
    }
    loop {
        for job in read(session, told.open()).await? {
            let job = deliver(session, &told, job).await?;
            look_at(&job, &mut told, until, output, &mut progress)?;
        }
        if let Some(exit) = told.ended() {
            return Ok(exit);
        }
        // Nobody reads what `watch` prints any more; a submit still has its job to bring home.
        if until == Until::NoneLive && output.is_closed() {
            return Ok(Exit::Done);
        }
        let reports = tokio::time::timeout(LOOK, session.reports.next()).await;
        if until == Until::NoneLive {
            // Before the news are heeded, which may be about a job that is new.
            add_new(context, session, &mut told).await?;
        }
        for report in reports.unwrap_or_default() {
            heed(report, session, &mut told, &mut progress).await?;
        }
    }
}

/// Takes in live jobs that have appeared.
async fn add_new(context: &Context, session: &Session, told: &mut Told) -> Result<(), Fault> {
    let store = session.store.clone();
    for (job, _) in blocking(move || store.live()).await?? {
        if let Entry::Vacant(place) = told.jobs.entry(job.id) {
            context.remember(place.key());
            place.insert(One::default());
        }
    }
    Ok(())
}

/// The jobs `ids`, as the store has them now.
async fn read(session: &Session, ids: Vec<JobId>) -> Result<Vec<Job>, Fault> {
    let store = session.store.clone();
    let job = move |id: &JobId| {
        store.get(id)?.ok_or_else(|| {
            Fault::new(
                Exit::Usage,
                format!("another talkdeck has deleted the record of {id}; its files stay"),
            )
        })
    };
    blocking(move || ids.iter().map(job).collect()).await?
}

/// `job`, with its files in the directory that the user asked for.
async fn deliver(session: &Session, told: &Told, mut job: Job) -> Result<Job, Fault> {
    if let (JobState::Completed, Some(target)) = (&job.state, &told.target) {
        job.files = session.tracker.download(&job.id, target).await?;
    }
    Ok(job)
}

/// Prints what is new about `job` and decides whether it is done with here.
fn look_at(
    job: &Job,
    told: &mut Told,
    until: Until,
    output: &mut Output,
    progress: &mut Progress,
) -> Result<(), Fault> {
    let (blocked, refused) = (told.blocked, told.refused.as_ref());
    let one = told.jobs.entry(job.id.clone()).or_default();
    let line = (job.state.name(), job.cancel_requested);
    if one.line != Some(line) {
        progress.clear();
        job_text::state_line(job, output)?;
        one.line = Some(line);
    }
    one.exit = match job.state {
        JobState::Completed => Some(Exit::Done),
        JobState::Failed | JobState::Cancelled | JobState::Expired => Some(Exit::JobEnded),
        JobState::Draft if blocked => {
            progress.clear();
            // Why, was told with the refusal.
            tell_draft(&job.id, None);
            Some(Exit::Key)
        }
        // The tracker has tried for as long as it was told to.
        JobState::Draft => {
            progress.clear();
            tell_draft(&job.id, job.error.as_ref());
            Some(exit_of_draft(job))
        }
        JobState::Unconfirmed { .. } => {
            let since = *one.unconfirmed.get_or_insert_with(Instant::now);
            (since.elapsed() > SETTLING).then(|| {
                progress.clear();
                tell_unconfirmed(job);
                Exit::Unconfirmed
            })
        }
        JobState::InQueue { .. } | JobState::InProgress | JobState::Saving
            if until == Until::Sent =>
        {
            Some(Exit::Done)
        }
        // Whatever was sent goes on at the server.
        _ => match refused {
            Some(why) => {
                tell_refused(job, why, output)?;
                Some(Exit::Key)
            }
            None => None,
        },
    };
    if !matches!(job.state, JobState::Unconfirmed { .. }) {
        one.unconfirmed = None;
    }
    if one.exit.is_none() {
        progress.show(job);
    }
    Ok(())
}

/// Why the tracker gave a submit up.
fn exit_of_draft(job: &Job) -> Exit {
    match job.error.as_ref().map(|error| error.kind.as_str()) {
        Some(tracker::OVER_CAP) => Exit::OverCap,
        Some(tracker::PRICE_ROSE) => Exit::Usage,
        _ => Exit::Unreachable,
    }
}

fn tell_draft(id: &JobId, why: Option<&JobError>) {
    let (mut reason, mut force) = (String::new(), "");
    if let Some(error) = why {
        reason = format!(": {}", error.message);
        if [tracker::OVER_CAP, tracker::PRICE_ROSE].contains(&error.kind.as_str()) {
            force = " --force";
        }
    }
    notice(format!(
        "talkdeck: not sent{reason}; {id} is kept as a draft, `talkdeck resubmit {id}{force}` sends it"
    ));
}

/// For a script: why the job, which itself is well, is not followed any further. People were told.
fn tell_refused(job: &Job, why: &JobError, output: &mut Output) -> Result<(), Fault> {
    if output.is_json() {
        let error = Some(why.clone());
        let job = job.clone();
        job_text::state_line(&Job { error, ..job }, output)?;
    }
    Ok(())
}

fn tell_unconfirmed(job: &Job) {
    let id = &job.id;
    notice(format!(
        "talkdeck: {id} is unconfirmed: the answer to the submit was lost, and the server's list does not tell what \
         became of it; it is not sent again, `talkdeck watch {id}` asks again"
    ));
}

/// Tells what the tracker reports beside job states.
async fn heed(
    report: Report,
    session: &Session,
    told: &mut Told,
    progress: &mut Progress,
) -> Result<(), Fault> {
    match report {
        // The store has them, and a job's notice says what is not reached.
        Report::Job(_) | Report::Logs { .. } | Report::Reachable { .. } => {}
        Report::Upload { id, sent, total } => progress.upload(&id, sent, total),
        Report::Held(jobs) => {
            progress.clear();
            give_up_held(told, &jobs);
        }
        Report::Trouble { message } => {
            progress.clear();
            notice(format!("talkdeck: {message}"));
        }
        Report::AccountLocked { message, .. } => {
            let way_out =
                "nothing more is sent; see fal.ai/dashboard/billing, then `talkdeck resubmit`";
            let why = refusal("talkdeck_account_locked", message);
            take_back(session, told, &why, way_out, progress).await?;
        }
        Report::Unauthorized { message, .. } => {
            let why = refusal("talkdeck_key_refused", message);
            take_back(session, told, &why, "check FAL_KEY", progress).await?;
            told.refused = Some(why);
        }
    }
    Ok(())
}

fn refusal(kind: &str, message: CleanText) -> JobError {
    JobError {
        kind: kind.into(),
        message,
        fields: Vec::new(),
    }
}

/// Makes drafts of what was not sent: the command line does not wait for a key or an account.
async fn take_back(
    session: &Session,
    told: &mut Told,
    why: &JobError,
    way_out: &str,
    progress: &mut Progress,
) -> Result<(), Fault> {
    progress.clear();
    notice(format!(
        "talkdeck: refused by the server: {}; {way_out}",
        why.message
    ));
    told.blocked = true;
    for id in told.open() {
        session.tracker.withdraw(&id, why.clone()).await?;
    }
    Ok(())
}

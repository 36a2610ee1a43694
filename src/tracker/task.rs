//! The task of a job: looks where the job stands, takes the next step, and again.

use std::{
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Shared, follow, lock, outbox, save, settle};
use crate::{
    fal::retry::Backoff,
    model::{Job, JobId, JobState, request::SUBMITS_AT_ONCE},
    store,
};

/// Whether a step leaves something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The job has moved, or may have: look again.
    Look,
    /// This process has nothing more to do for it.
    Done,
}

pub(super) type Stepped = Result<Next, store::Error>;

/// What a job's task waits with, so that it can be stopped, or told to look at its job again.
pub(super) struct Turn {
    stop: CancellationToken,
    wake: Notify,
    /// Somebody wants the job looked at since the last look.
    asked: AtomicBool,
}

impl Turn {
    /// Makes the task look at its job again, at the next point where it waits.
    fn wake(&self) {
        self.asked.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// What `future` gives, or `None` when the task is woken or stopped first, which drops it.
    pub(super) async fn unless_woken<F: Future>(&self, future: F) -> Option<F::Output> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            () = self.wake.notified() => None,
            value = future => Some(value),
        }
    }

    /// Waits; says whether the time has passed without being woken or stopped.
    pub(super) async fn wait(&self, time: Duration) -> bool {
        self.unless_woken(tokio::time::sleep(time)).await.is_some()
    }
}

/// Seconds between two questions about jobs, however many jobs there are.
const GAP: f64 = 0.05;

/// Spreads calls out: those that come at once, such as after the machine has slept, go one after the other.
#[derive(Default)]
struct Pace {
    /// When the next call may go; `None` before the first.
    due: Mutex<Option<Instant>>,
}

impl Pace {
    async fn turn(&self, gap: Duration) {
        let at = {
            let mut due = lock(&self.due);
            let now = Instant::now();
            let at = due.map_or(now, |due| due.max(now));
            *due = Some(at + gap);
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

/// How many jobs may do the same at once; the others wait in line.
pub(super) struct Limits {
    pace: Pace,
    pub(super) uploads: Semaphore,
    pub(super) submits: Semaphore,
    pub(super) polls: Semaphore,
    pub(super) downloads: Semaphore,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pace: Pace::default(),
            uploads: Semaphore::new(3),
            submits: Semaphore::new(SUBMITS_AT_ONCE),
            polls: Semaphore::new(8),
            downloads: Semaphore::new(3),
        }
    }
}

/// Waits after failures, in seconds, growing up to `cap`, with full jitter.
pub(super) struct Retry {
    backoff: Backoff,
    failures: u32,
}

impl Retry {
    pub(super) const fn up_to(cap: u64) -> Self {
        Self {
            backoff: Backoff {
                base: Duration::from_secs(1),
                cap: Duration::from_secs(cap),
            },
            failures: 0,
        }
    }

    /// The next wait, in seconds.
    pub(super) fn next(&mut self) -> f64 {
        let wait = self.backoff.random_wait(self.failures);
        self.failures = self.failures.saturating_add(1);
        wait.as_secs_f64()
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }
}

/// `4.3` as "4 s" and never "0 s".
pub(super) fn in_words(seconds: f64) -> String {
    let seconds = seconds.round().max(1.0);
    if seconds < 120.0 {
        format!("{seconds} s")
    } else {
        format!("{} min", (seconds / 60.0).round())
    }
}

impl Shared {
    /// Waits until the next question about a job may go out: a rate that holds for all jobs together.
    pub(super) async fn paced(&self) {
        self.limits.pace.turn(self.seconds(GAP)).await;
    }

    /// Starts the job's task, or makes the one that runs look again.
    pub(super) fn drive(self: &Arc<Self>, id: &JobId) {
        let mut running = self.running();
        if let Some(turn) = running.get(id) {
            turn.wake();
            return;
        }
        let active = self.active();
        if active.is_cancelled() {
            return;
        }
        let turn = Arc::new(Turn {
            stop: active,
            wake: Notify::new(),
            asked: AtomicBool::new(false),
        });
        running.insert(id.clone(), Arc::clone(&turn));
        drop(running);
        self.tasks.spawn(run(Arc::clone(self), id.clone(), turn));
    }

    /// Makes the job's task look again, if it has one.
    pub(super) fn wake(&self, id: &JobId) {
        if let Some(turn) = self.running().get(id) {
            turn.wake();
        }
    }
}

async fn run(shared: Arc<Shared>, id: JobId, turn: Arc<Turn>) {
    let mut retry = Retry::up_to(30);
    while !turn.is_stopped() {
        turn.asked.store(false, Ordering::Release);
        match step(&shared, &turn, &id).await {
            Ok(Next::Look) => retry.reset(),
            Ok(Next::Done) => {
                // Under the lock, so that nobody wakes a task that has just decided to end.
                let mut running = shared.running();
                if !turn.asked.load(Ordering::Acquire) {
                    running.remove(&id);
                    return;
                }
            }
            Err(error) => {
                shared.reports.trouble(&error.to_string());
                // Not below a part of a second: a full disk is not a reason to spin.
                turn.wait(shared.seconds(0.5 + retry.next())).await;
            }
        }
    }
    shared.running().remove(&id);
    // Its last call outlasted the time in which this process stood aside.
    shared.drive(&id);
}

async fn step(shared: &Arc<Shared>, turn: &Turn, id: &JobId) -> Stepped {
    let wanted = id.clone();
    let found = shared
        .store(move |store| Ok(store.get(&wanted)?.zip(store.wire(&wanted)?)))
        .await?;
    let Some((job, wire)) = found else {
        return Ok(Next::Done);
    };
    if wire.owner.as_ref() != Some(shared.owners.me()) {
        return Ok(Next::Done);
    }
    match job.state {
        JobState::QueuedLocally | JobState::Uploading => outbox::send(shared, turn, job).await,
        // Its answer is known to nobody: a step that could not be stored was cut short.
        JobState::Submitting => lost_answer(shared, &job).await,
        JobState::Unconfirmed { .. } => settle::wait(shared, turn, job).await,
        JobState::InQueue { .. } | JobState::InProgress => {
            follow::follow(shared, turn, job, wire.urls).await
        }
        JobState::Saving => save::save(shared, turn, job, wire.urls).await,
        JobState::Draft
        | JobState::Completed
        | JobState::Failed
        | JobState::Cancelled
        | JobState::Expired => Ok(Next::Done),
    }
}

pub(super) async fn lost_answer(shared: &Shared, job: &Job) -> Stepped {
    let id = job.id.clone();
    shared
        .change(move |store| store.unconfirmed(&id, super::now()))
        .await?;
    Ok(Next::Look)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_at_once_goes_one_after_the_other_and_what_comes_later_does_not_wait() {
        const GAP: Duration = Duration::from_millis(50);
        let pace = Pace::default();
        let began = Instant::now();
        let turns = (0..200).map(|_| pace.turn(GAP));
        futures_util::future::join_all(turns).await;
        assert_eq!(began.elapsed(), 199 * GAP);
        tokio::time::sleep(Duration::from_secs(9)).await;
        let later = Instant::now();
        pace.turn(GAP).await;
        assert_eq!(later.elapsed(), Duration::ZERO);
    }
}

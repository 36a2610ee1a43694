//! One job's whole life, from the confirmed wish to the video on disk.
//!
//! The dashboard and the subcommands drive the same tracker. It alone writes jobs; whoever shows them mirrors what it
//! reports. Each job has one task that looks where the job stands in the store and takes the next step:
//!
//! ```text
//!  submit ─► queued-locally ─► uploading ─► submitting ─► in-queue ⇄ in-progress ─► saving ─► completed
//!            └──────── outbox ────────────┘      │         └────── follow ──────┘   └ save ┘
//!                                            unconfirmed ─► settle
//! ```
//!
//! Invariant: no second POST after one that was, or may have been, accepted. What a step is about to do is on disk
//! before it does it, so a process may die after any of them.

mod aside;
mod changes;
mod control;
mod crash;
mod elsewhere;
mod follow;
pub mod inputs;
mod log;
mod media;
mod merge;
mod models;
mod outbox;
mod owner;
mod place;
mod prices;
mod recover;
mod reports;
mod rescue;
mod result;
mod save;
pub mod schemas;
mod servers;
mod settle;
mod task;
mod uploads;
mod wish;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use control::CancelOutcome;
pub use crash::{CrashHook, Step};
pub use outbox::{OVER_CAP, PRICE_ROSE};
pub use recover::Recovered;
pub use reports::{Report, Reports};
pub use settle::Settlement;
pub use wish::again;

use crate::{
    catalog::{self, Catalog, Endpoint},
    fal,
    model::{
        Budget, CleanText, EndpointId, Job, JobId, JobState, Server, ServerId, Timestamp,
        budget::Spent, job::FieldError,
    },
    store::{self, Store, Twin},
};

/// How long [`Tracker::release`] waits for answers to submits that are out.
const RELEASE_WAIT: Duration = Duration::from_secs(10);

/// What a tracker works with.
#[derive(Clone)]
pub struct Options {
    /// Where jobs are kept.
    pub store: Store,
    /// What endpoints there are.
    pub catalog: Arc<Catalog>,
    /// The servers to talk to; [`Tracker::add_server`] adds more.
    pub servers: Vec<Server>,
    /// Where the lock files lie, below `owners/`.
    pub data_dir: PathBuf,
    /// Where results are saved, one directory for each job.
    pub results_dir: PathBuf,
    /// How long a submit that could not be sent is tried again, and then, or when a cap stands in its way, becomes a
    /// draft. `None` waits for ever, visibly.
    pub retry_not_sent: Option<Duration>,
    /// What may be spent.
    pub budget: Budget,
    /// Where prices are kept between runs; `None` keeps them nowhere.
    pub cache_dir: Option<PathBuf>,
    /// How long the server's list is asked about a lost answer; `None` is for ever.
    pub settle_for: Option<Duration>,
    /// How long calls may take.
    pub timing: fal::Timing,
    /// How long a second of waiting takes, in every wait of the tracker's own. Tests shorten it.
    pub second: Duration,
    /// Stops a job's task after a step, as if the process had died there. For tests.
    pub crash_hook: Option<CrashHook>,
}

impl Options {
    /// Options without servers, and everything else as it should be.
    #[must_use]
    pub fn new(
        store: Store,
        catalog: Arc<Catalog>,
        data_dir: impl Into<PathBuf>,
        results_dir: impl Into<PathBuf>,
    ) -> Self {
        Self {
            store,
            catalog,
            servers: Vec::new(),
            data_dir: data_dir.into(),
            results_dir: results_dir.into(),
            retry_not_sent: None,
            budget: Budget::default(),
            cache_dir: None,
            settle_for: None,
            timing: fal::Timing::default(),
            second: Duration::from_secs(1),
            crash_hook: None,
        }
    }
}

/// Why the tracker did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be used. Nothing was sent.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The call to the server failed.
    #[error(transparent)]
    Fal(#[from] fal::Error),
    /// The arguments may not be sent.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Arguments(Vec<FieldError>),
    /// No server of that name was given to this process, or it has another key.
    #[error(
        "the job belongs to {server} and a key that is not in use here; start talkdeck with that server and key"
    )]
    OtherAccount {
        /// Whose job it is.
        server: ServerId,
    },
    /// Neither the server nor talkdeck knows the endpoint.
    #[error(
        "{server} has no endpoint “{endpoint}”{}",
        nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"))
    )]
    NoSuchEndpoint {
        /// What was asked for.
        endpoint: EndpointId,
        /// Who was asked.
        server: ServerId,
        /// The known one that is most like it.
        nearest: Option<EndpointId>,
    },
    /// Nothing is known of the endpoint, and the server does not answer.
    #[error("what {endpoint} takes is not known here: {source}")]
    UnknownEndpoint {
        /// Which endpoint.
        endpoint: EndpointId,
        /// Why the server does not tell.
        source: fal::Error,
    },
    /// The server's document of an endpoint is no form.
    #[error("{endpoint}: {source}")]
    Schema {
        /// Which endpoint.
        endpoint: EndpointId,
        /// What is wrong with its document.
        source: catalog::Error,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    NoSuchJob(JobId),
    /// The same was asked for already, and it is paid for or may yet be.
    #[error("{}; nothing was sent", already_have(.0))]
    AlreadyHave(Vec<Twin>),
    /// The job does not stand where this could be done.
    #[error("job {id} is {state}: {reason}")]
    WrongState {
        /// Which job.
        id: JobId,
        /// Where it stands.
        state: &'static str,
        /// Why that does not go together.
        reason: &'static str,
    },
    /// A file of this machine cannot be made, read or written.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// What was downloaded is not what the server announced.
    #[error("the download of {name} is incomplete: {got} of {wanted} bytes; try it again")]
    Incomplete {
        /// Which file.
        name: CleanText,
        /// Bytes that came.
        got: u64,
        /// Bytes that were announced.
        wanted: u64,
    },
}

fn already_have(twins: &[Twin]) -> String {
    let in_doubt = |twin: &Twin| {
        matches!(
            twin.job.state,
            JobState::Submitting | JobState::Unconfirmed { .. }
        )
    };
    let may = if twins.iter().any(in_doubt) {
        "may already"
    } else {
        "already"
    };
    let told = |twin: &Twin| {
        let job = &twin.job;
        format!(
            "job {} “{}” is {}",
            job.id.short(),
            job.name,
            job.state.name()
        )
    };
    match twins {
        [] => String::new(),
        [one] => format!("you {may} have this: {}", told(one)),
        [first, others @ ..] => format!(
            "you {may} have {} of these: {}, and {} more",
            twins.len(),
            told(first),
            others.len()
        ),
    }
}

/// A handle on the tracker; clones share it.
#[derive(Clone)]
pub struct Tracker {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    prices: prices::Prices,
    data_dir: PathBuf,
    results_dir: PathBuf,
    retry_not_sent: Option<Duration>,
    budget: Budget,
    settle_for: Option<Duration>,
    second: Duration,
    crash: crash::Crash,
    rescue: rescue::Rescue,
    owners: owner::Owners,
    servers: servers::Servers,
    uploads: uploads::Uploads,
    limits: task::Limits,
    reports: reports::Sender,
    running: Mutex<HashMap<JobId, Arc<task::Turn>>>,
    /// The held jobs that were told of.
    held_told: Mutex<HashSet<JobId>>,
    mirror_runs: AtomicBool,
    tasks: TaskTracker,
    /// Cancelled for good when the tracker is released.
    stop: CancellationToken,
    /// Cancelled also while this process stands aside; the tasks run under it.
    active: Mutex<CancellationToken>,
}

impl Tracker {
    /// Starts a tracker in the current Tokio runtime. It sends and follows nothing yet.
    ///
    /// # Errors
    /// When the lock file of this process cannot be made, or a server's address or key cannot be used.
    pub fn start(options: Options) -> Result<(Self, Reports), Error> {
        let (reports, receiver) = reports::channel();
        let servers = servers::Servers::new(options.timing);
        for server in options.servers {
            servers.add(server)?;
        }
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            owners: owner::Owners::join(&options.data_dir)?,
            rescue: rescue::Rescue::new(&options.data_dir),
            store: options.store,
            prices: prices::Prices::new(options.catalog, options.cache_dir),
            data_dir: options.data_dir,
            results_dir: options.results_dir,
            retry_not_sent: options.retry_not_sent,
            budget: options.budget,
            settle_for: options.settle_for,
            second: options.second,
            crash: crash::Crash::new(options.crash_hook),
            servers,
            uploads: uploads::Uploads::default(),
            limits: task::Limits::default(),
            reports,
            running: Mutex::default(),
            held_told: Mutex::default(),
            mirror_runs: AtomicBool::new(false),
            tasks: TaskTracker::new(),
            active: Mutex::new(stop.child_token()),
            stop,
        });
        Ok((Self { shared }, receiver))
    }

    /// What was spent today, and by this process.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn spent(&self) -> Result<Spent, Error> {
        let me = self.shared.owners.me().clone();
        let spent = self
            .shared
            .store(move |store| store.spent(start_of_today(), &me));
        Ok(spent.await?)
    }

    /// Adds a server, or replaces the one of the same id: its jobs are followed there, and what waited for a new key
    /// goes on.
    ///
    /// # Errors
    /// When its address or key cannot be used, or the store cannot be read.
    pub async fn add_server(&self, server: Server) -> Result<(), Error> {
        self.shared.servers.add(server)?;
        if self.shared.owners.leads_at_all() {
            let recovered = recover::recover(&self.shared).await?;
            recover::tell_held(&self.shared, recovered);
        }
        Ok(())
    }

    /// Stops all tasks at the next point where nothing can be lost. Jobs go on at the server.
    ///
    /// Waits for answers to submits that are out, at most ten seconds; one that is not there by then is unconfirmed.
    pub async fn release(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        // Past the wait the row says `submitting`, and the next process settles it.
        let _ = tokio::time::timeout(RELEASE_WAIT, self.shared.tasks.wait()).await;
        self.shared.owners.leave();
        self.shared.reports.close();
    }
}

impl fmt::Debug for Tracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("store", &self.shared.store)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Runs `call` on a thread where it may block.
    async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, store::Error> + Send + 'static,
    ) -> Result<T, store::Error> {
        let store = self.store.clone();
        blocking(move || call(&store)).await
    }

    /// A transition: what it changed is reported.
    async fn change(
        &self,
        call: impl FnOnce(&Store) -> Result<Option<Job>, store::Error> + Send + 'static,
    ) -> Result<Option<Job>, store::Error> {
        let changed = self.store(call).await?;
        if let Some(job) = &changed {
            self.reports.job(job.clone());
        }
        Ok(changed)
    }

    async fn job(&self, id: &JobId) -> Result<Job, Error> {
        let wanted = id.clone();
        self.store(move |store| store.get(&wanted))
            .await?
            .ok_or_else(|| Error::NoSuchJob(id.clone()))
    }

    async fn notice(&self, id: &JobId, notice: Option<String>) -> Result<(), store::Error> {
        let (id, notice) = (id.clone(), notice.map(CleanText::from));
        self.change(move |store| store.set_notice(&id, notice))
            .await?;
        Ok(())
    }

    /// Its endpoints at the prices of today; they differ from server to server.
    fn catalog(&self, server: &ServerId) -> Arc<Catalog> {
        self.prices.catalog(server)
    }

    /// What the submit of `job` is held against now.
    fn cap(&self, job: &Job) -> store::Cap {
        let catalog = self.catalog(&job.account.server);
        let endpoint = catalog.get(&job.endpoint);
        store::Cap {
            budget: self.budget,
            today: start_of_today(),
            now: now(),
            price_is_known: endpoint.is_some_and(Endpoint::price_is_told),
        }
    }

    /// `seconds` of waiting, at the tracker's pace.
    fn seconds(&self, seconds: f64) -> Duration {
        self.second.mul_f64(seconds)
    }

    /// What the tasks that run now are stopped by.
    fn active(&self) -> CancellationToken {
        lock(&self.active).clone()
    }

    fn is_active(&self) -> bool {
        !self.active().is_cancelled()
    }

    fn running(&self) -> MutexGuard<'_, HashMap<JobId, Arc<task::Turn>>> {
        lock(&self.running)
    }
}

/// The lock, also after a panic of another holder: nothing here is left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `call` on a thread where it may block, and passes its panic on.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels it, and then nobody is left to wait for the answer.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Midnight, where the user is: caps and sums of a day begin there.
#[must_use]
pub fn start_of_today() -> Timestamp {
    let now = jiff::Zoned::now();
    now.start_of_day()
        .map_or(now.timestamp(), |midnight| midnight.timestamp())
}

/// The present, in the precision of the store.
fn now() -> Timestamp {
    Timestamp::from_millisecond(Timestamp::now().as_millisecond()).expect("the present is in range")
}

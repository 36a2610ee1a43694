//! What a command that talks to a server needs: the store, the tracker, and the embedded server where it is meant.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use color_eyre::eyre::WrapErr;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Exit, Fault, output::notice};
use crate::{
    catalog::Catalog,
    config::{Config, ServerChoice},
    model::{
        Job, JobId, JobState, Server, ServerId,
        server::{Hosts, KeyFingerprint},
    },
    server::{self, Running},
    store::Store,
    tracker::{self, Reports, Tracker},
};

/// What every command is handed: configuration, catalog, and the jobs it has under way.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) catalog: Arc<Catalog>,
    /// Cancelled when the user interrupts.
    pub(super) interrupt: CancellationToken,
    /// The jobs that an interrupt has to tell of.
    under_way: Mutex<BTreeSet<JobId>>,
}

impl Context {
    pub(super) fn new(config: Config, catalog: Catalog) -> Self {
        Self {
            config,
            catalog: Arc::new(catalog),
            interrupt: CancellationToken::new(),
            under_way: Mutex::default(),
        }
    }

    /// What `work` gives, unless the user interrupts it, which drops it.
    pub(super) async fn unless_interrupted<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        tokio::select! {
            result = work => result,
            () = self.interrupt.cancelled() => Err(Fault::Interrupted),
        }
    }

    /// Opens the store, making the directories that are missing.
    pub(super) fn store(&self) -> Result<Store, Fault> {
        self.config.places.create()?;
        Ok(Store::open(&self.config.places.data)?)
    }

    /// Lets `read` look at the store, of which only as much is left as can be read where it is damaged.
    pub(super) fn reading(
        &self,
        read: impl FnOnce(&Store) -> Result<Exit, Fault>,
    ) -> Result<Exit, Fault> {
        let places = &self.config.places;
        if !places.data.exists() {
            places.create()?;
        }
        let (store, refused) = Store::open_to_read(&places.data)?;
        if let Some(error) = refused {
            notice(format!("talkdeck: {error}"));
        }
        let exit = read(&store)?;
        match store.unreadable() {
            0 => {}
            1 => notice("talkdeck: one job cannot be read"),
            count => notice(format!("talkdeck: {count} jobs cannot be read")),
        }
        Ok(exit)
    }

    /// Remembers a job whose id is told when the command is interrupted.
    pub(super) fn remember(&self, id: &JobId) {
        lock(&self.under_way).insert(id.clone());
    }

    /// Says what becomes of the jobs that were under way when the user interrupted.
    pub(super) fn tell_interrupted(&self) {
        let ids = std::mem::take(&mut *lock(&self.under_way));
        let store = self.store();
        for id in ids {
            let job = store.as_ref().ok().and_then(|store| store.get(&id).ok()?);
            match job {
                Some(job) if job.state.is_terminal() => {}
                Some(job) => notice(fate(&job)),
                None => notice(format!("interrupted; the job is {id}")),
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens to `job` when this process ends now.
fn fate(job: &Job) -> String {
    let (id, server) = (&job.id, &job.account.server);
    let request = job
        .request_id
        .as_ref()
        .map_or_else(String::new, |request| format!(", request id {request},"));
    let becomes = match job.state {
        JobState::Draft => "stays a draft".to_owned(),
        JobState::QueuedLocally | JobState::Uploading => {
            "was not sent and is held; the dashboard asks what to do with it".to_owned()
        }
        JobState::Submitting | JobState::Unconfirmed { .. } => {
            "may have been sent; `talkdeck watch` finds out".to_owned()
        }
        _ if server.is_preview() => {
            format!("is rendered on while a talkdeck runs, such as `talkdeck watch {id}`")
        }
        _ => format!("goes on at {server}; `talkdeck watch {id}` follows it"),
    };
    format!("interrupted; {id}{request} {becomes}")
}

/// How long the tracker tries by itself before the matter is left to the user; `None` is for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// With a request that cannot be sent.
    pub(super) not_sent: Option<Duration>,
    /// With the server's list, after the answer to a submit was lost.
    pub(super) unconfirmed: Option<Duration>,
}

/// A running tracker, and the embedded server when this process has it.
pub(super) struct Session {
    pub(super) store: Store,
    pub(super) tracker: Tracker,
    pub(super) reports: Reports,
    pub(super) embedded: Embedded,
}

impl Session {
    /// Starts a tracker without servers.
    pub(super) fn open(context: &Context, store: Store, patience: Patience) -> Result<Self, Fault> {
        let places = &context.config.places;
        let (tracker, reports) = Tracker::start(tracker::Options {
            retry_not_sent: patience.not_sent,
            settle_for: patience.unconfirmed,
            budget: context.config.budget,
            cache_dir: Some(places.cache.clone()),
            ..tracker::Options::new(
                store.clone(),
                context.catalog.clone(),
                &places.data,
                places.results(),
            )
        })?;
        let embedded = Embedded {
            options: server::Options::new(places.server(), context.catalog.clone()),
            tracker: tracker.clone(),
            state: Arc::default(),
        };
        Ok(Self {
            store,
            tracker,
            reports,
            embedded,
        })
    }

    /// Adds `server`, or the embedded one for `None`; returns the fingerprint that its jobs must have to be followed.
    pub(super) async fn use_server(
        &mut self,
        server: Option<Server>,
    ) -> Result<KeyFingerprint, Fault> {
        let server = match server {
            Some(server) => server,
            None => self.embedded.start().await?,
        };
        let key = server.fingerprint();
        self.tracker.add_server(server).await?;
        Ok(key)
    }

    /// Ends cleanly: the tracker lets go of its jobs, then the embedded server stops.
    pub(super) async fn close(self) {
        self.tracker.release().await;
        self.embedded.stop().await;
    }
}

/// The embedded server: started here, or found in another process and taken over when that one ends.
#[derive(Clone)]
pub(super) struct Embedded {
    options: server::Options,
    tracker: Tracker,
    state: Arc<Mutex<EmbeddedState>>,
}

#[derive(Default)]
struct EmbeddedState {
    running: Option<Running>,
    succession: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts it, or finds the one of another process. Call it once.
    pub(super) async fn start(&self) -> Result<Server, Fault> {
        let connection = server::connect_or_start(self.options.clone()).await?;
        let mut state = lock(&self.state);
        if connection.running.is_none() {
            let successor = self.clone();
            // It fails where this process cannot listen; the jobs then wait for the next start, which says why.
            state.succession = Some(tokio::spawn(async move {
                let _ = successor.succeed().await;
            }));
        }
        state.running = connection.running;
        Ok(preview(&connection.url, connection.key))
    }

    /// Waits for the end of the process that has it, and takes its place.
    async fn succeed(&self) -> Result<(), Fault> {
        let running = server::take_over(self.options.clone()).await?;
        let server = preview(running.url(), running.key());
        lock(&self.state).running = Some(running);
        self.tracker.add_server(server).await?;
        Ok(())
    }

    /// Stops it if this process has it.
    pub(super) async fn stop(&self) {
        let (running, succession) = {
            let mut state = lock(&self.state);
            (state.running.take(), state.succession.take())
        };
        if let Some(succession) = succession {
            succession.abort();
        }
        if let Some(running) = running {
            running.stop().await;
        }
    }
}

/// The embedded server at its present address.
fn preview(url: &url::Url, key: crate::model::Secret) -> Server {
    Server {
        id: ServerId::preview(),
        hosts: Hosts::at(url),
        key,
    }
}

/// The server that new requests go to; `None` is the embedded one.
pub(super) fn chosen(context: &Context) -> Result<Option<Server>, Fault> {
    Ok(match context.config.choose_server()? {
        ServerChoice::Fal(server) | ServerChoice::At(server) => Some(server),
        ServerChoice::Preview => None,
    })
}

/// The server that `job` belongs to; `None` is the embedded one.
pub(super) fn server_of(context: &Context, job: &Job) -> Result<Option<Server>, Fault> {
    Ok(context.config.server_of(&job.account.server)?)
}

/// Runs `work` on a thread where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .wrap_err("a piece of work was lost")?)
}

//! What a command that talks to a server needs: the store, the tracker, and the embedded server where it is meant.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use color_eyre::eyre::WrapErr;

use super::{Exit, Fault, output::notice};
use crate::{
    catalog::Catalog,
    config::{Config, ServerChoice},
    model::{Job, JobId, JobState, Server, ServerId, server::Hosts},
    server,
    store::Store,
    tracker::{self, Reports, Tracker},
};

/// What every command is handed: configuration, catalog, and the jobs it has under way.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) catalog: Arc<Catalog>,
    /// The jobs that an interrupt has to tell of.
    under_way: Mutex<Vec<JobId>>,
}

impl Context {
    pub(super) fn new(config: Config, catalog: Catalog) -> Self {
        Self {
            config,
            catalog: Arc::new(catalog),
            under_way: Mutex::default(),
        }
    }

    /// Opens the store, making the directories that are missing.
    pub(super) fn store(&self) -> Result<Store, Fault> {
        self.config.places.create()?;
        Ok(Store::open(&self.config.places.data)?)
    }

    /// Remembers jobs whose ids are printed when the command is interrupted.
    pub(super) fn remember(&self, ids: impl IntoIterator<Item = JobId>) {
        self.under_way().extend(ids);
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, Vec<JobId>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what becomes of the jobs that were under way when the user interrupted.
    pub(super) fn tell_interrupted(&self) {
        let ids: BTreeSet<JobId> = self.under_way().drain(..).collect();
        if ids.is_empty() {
            return;
        }
        let Ok(store) = self.store() else {
            for id in ids {
                notice(format!("interrupted; the job is {id}"));
            }
            return;
        };
        for id in ids {
            match store.get(&id) {
                Ok(Some(job)) if job.state.is_terminal() => {}
                Ok(Some(job)) => notice(fate(&job)),
                Ok(None) | Err(_) => notice(format!("interrupted; the job is {id}")),
            }
        }
    }
}

/// What happens to `job` when this process ends now.
fn fate(job: &Job) -> String {
    let id = &job.id;
    let request = job
        .request_id
        .as_ref()
        .map_or_else(String::new, |request| format!(", request id {request}"));
    let server = &job.account.server;
    let becomes = match job.state {
        JobState::Draft => "stays a draft",
        JobState::QueuedLocally | JobState::Uploading => {
            "was not sent and is held; the dashboard asks what to do with it"
        }
        JobState::Submitting | JobState::Unconfirmed { .. } => {
            "may have been sent; `talkdeck watch` finds out"
        }
        _ if server.is_preview() => "is rendered on when a talkdeck runs; `talkdeck watch` does it",
        _ => return format!("interrupted; {id}{request} goes on at {server}; `talkdeck watch {id}` follows it"),
    };
    format!("interrupted; {id}{request} {becomes}")
}

/// A running tracker, and the embedded server when this process has it.
pub(super) struct Session {
    pub(super) store: Store,
    pub(super) tracker: Tracker,
    pub(super) reports: Reports,
    embedded: Option<server::Running>,
}

impl Session {
    /// Starts the tracker for `choices`; `retry_not_sent` as in [`tracker::Options`].
    pub(super) async fn open(
        context: &Context,
        store: Store,
        choices: Vec<Option<Server>>,
        retry_not_sent: Option<Duration>,
    ) -> Result<Self, Fault> {
        let mut embedded = None;
        let mut servers = Vec::new();
        for choice in choices {
            servers.push(match choice {
                Some(server) => server,
                None => {
                    let (server, running) = start_preview(context).await?;
                    embedded = running;
                    server
                }
            });
        }
        let (tracker, reports) = Tracker::start(tracker::Options {
            store: store.clone(),
            catalog: context.catalog.clone(),
            servers,
            data_dir: context.config.places.data.clone(),
            results_dir: context.config.places.results(),
            retry_not_sent,
        })?;
        Ok(Self {
            store,
            tracker,
            reports,
            embedded,
        })
    }

    /// As [`Session::open`], for the servers that `jobs` belong to.
    pub(super) async fn for_jobs(context: &Context, store: Store, jobs: &[Job]) -> Result<Self, Fault> {
        let ids: BTreeSet<&ServerId> = jobs.iter().map(|job| &job.account.server).collect();
        let servers = ids
            .into_iter()
            .map(|id| context.config.server_of(id))
            .collect::<Result<_, _>>()?;
        Self::open(context, store, servers, Some(NOT_SENT)).await
    }

    /// Ends cleanly: the tracker lets go of its jobs, then the embedded server stops.
    pub(super) async fn close(self) {
        self.tracker.release();
        if let Some(embedded) = self.embedded {
            embedded.stop().await;
        }
    }
}

/// How long a submit that cannot reach its server is tried.
pub(super) const NOT_SENT: Duration = Duration::from_mins(1);

/// The server that new requests go to; `None` is the embedded one.
pub(super) fn chosen(config: &Config) -> Result<Option<Server>, Fault> {
    Ok(match config.choose_server()? {
        ServerChoice::Fal(server) | ServerChoice::At(server) => Some(server),
        ServerChoice::Preview => None,
    })
}

/// Starts the embedded server, or finds the one of another process.
pub(super) async fn start_preview(
    context: &Context,
) -> Result<(Server, Option<server::Running>), Fault> {
    let connection = server::connect_or_start(server_options(
        context,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        server::KeyPolicy::Own,
    ))
    .await?;
    let server = Server {
        id: ServerId::preview(),
        hosts: Hosts::at(&connection.url),
        key: connection.key,
    };
    Ok((server, connection.running))
}

/// The embedded server's options: as many runners as this machine can feed without stalling the rest.
pub(super) fn server_options(
    context: &Context,
    listen: SocketAddr,
    key: server::KeyPolicy,
) -> server::Options {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    server::Options {
        dir: context.config.places.server(),
        listen,
        runners: (cores / 2).max(1),
        key,
        catalog: context.catalog.clone(),
    }
}

/// Runs `work` on the store where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    Ok(tokio::task::spawn_blocking(work)
        .await
        .wrap_err("a piece of work was lost")?)
}

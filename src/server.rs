//! The embedded server: fal's queue, storage and platform on this machine, with the preview engine as the model.
//!
//! ```text
//! HTTP ─► routes ─┬─► requests, stream ─► queue ◄─ runners (threads) ─► engine
//!                 ├─► storage, downloads ─► files ◄──┘ │
//!                 ├─► platform, past ─► queue          └─► journal
//!                 └─► the same again, through the proxy route
//! ```
//!
//! It speaks fal's protocol (`fal-api` §11) except for webhooks and synchronous runs, and makes no requests of its own.
//! A request that was accepted is on disk: it survives every end of the process, and is rendered again when its
//! rendering was cut short. One process serves a folder; [`connect_or_start`] finds that process, [`take_over`] waits for
//! its end.

mod answer;
mod auth;
mod disk;
mod downloads;
mod engine;
mod error;
mod files;
mod findings;
mod gate;
mod inputs;
mod instance;
mod journal;
mod past;
mod platform;
mod queue;
mod reply;
mod requests;
mod routes;
mod runner;
pub mod scenario;
mod storage;
mod stream;

use std::{
    future::IntoFuture,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use axum::Router;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use url::Url;

pub use auth::KeyPolicy;
pub use engine::{Engine, PreviewEngine};
pub use error::Error;
pub use gate::Gate;
pub use scenario::Scenario;

use crate::{catalog::Catalog, model::Secret};
use auth::Guard;
use files::Files;
use instance::{Address, Held};
use journal::Journal;
use queue::Queue;
use routes::Shared;
use runner::Workshop;

/// How a server is to be.
#[derive(Clone)]
pub struct Options {
    /// Its folder; one process at a time serves it.
    pub dir: PathBuf,
    /// Where it listens; port 0 means the port it had last, or any.
    pub listen: SocketAddr,
    /// How many requests are rendered at the same time.
    pub runners: usize,
    /// Which keys it takes.
    pub key: KeyPolicy,
    /// The endpoints it offers.
    pub catalog: Arc<Catalog>,
    /// What renders.
    pub engine: Arc<dyn Engine>,
    /// Which calls go wrong.
    pub scenario: Option<Scenario>,
}

impl Options {
    /// The embedded server's: loopback, two runners, a key of its own, the preview engine.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, catalog: Arc<Catalog>) -> Self {
        Self {
            dir: dir.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            runners: 2,
            key: KeyPolicy::Own,
            catalog,
            engine: Arc::new(PreviewEngine),
            scenario: None,
        }
    }
}

/// Starts servers.
#[derive(Clone, Copy, Debug)]
pub struct Server;

/// A server that runs in this process; dropped, it stops as well, but nobody waits for it.
pub struct Running {
    url: Url,
    key: Secret,
    queue: Arc<Queue>,
    stop: CancellationToken,
    serving: Option<JoinHandle<io::Result<()>>>,
    runners: Vec<thread::JoinHandle<()>>,
    held: Option<Arc<Held>>,
}

/// How to reach the server of a folder.
pub struct Connection {
    /// Its origin.
    pub url: Url,
    /// A key that it takes.
    pub key: Secret,
    /// The server, when it was started here; `None` when it runs in another process.
    pub running: Option<Running>,
}

impl Server {
    /// Starts a server in its folder and takes up what is in its queue.
    ///
    /// # Errors
    /// When another process serves the folder, the disk refuses, or the address cannot be listened on.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(options: Options) -> Result<Running, Error> {
        let dir = options.dir.clone();
        let held = on_disk(move || Held::take(&dir)).await?;
        start_held(options, held).await
    }
}

/// Starts a server in its folder, or finds the one that another process runs there.
///
/// # Errors
/// As [`Server::start`]; [`Error::Unanswered`] when the folder is taken but no server answers within two seconds.
pub async fn connect_or_start(options: Options) -> Result<Connection, Error> {
    const PATIENCE: Duration = Duration::from_secs(2);
    const BETWEEN: Duration = Duration::from_millis(50);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Server::start(options.clone()).await {
            Ok(running) => {
                return Ok(Connection {
                    url: running.url.clone(),
                    key: running.key.clone(),
                    running: Some(running),
                });
            }
            Err(Error::InUse { .. }) => {}
            Err(error) => return Err(error),
        }
        // The other process writes its address soon after it has taken the folder; until then an old one lies there.
        let dir = options.dir.clone();
        if let Some(address) = on_disk(move || Address::read(&dir)).await
            && address.answers().await
        {
            return Ok(Connection {
                url: address.url,
                key: address.key,
                running: None,
            });
        }
        if Instant::now() >= deadline {
            return Err(Error::Unanswered { dir: options.dir });
        }
        tokio::time::sleep(BETWEEN).await;
    }
}

/// Waits until the process that serves the folder has ended, then starts a server there, on the same port if it can.
///
/// Waiting costs nothing: a thread of its own sleeps on the lock, and does not keep the program from ending.
///
/// # Errors
/// As [`Server::start`].
pub async fn take_over(options: Options) -> Result<Running, Error> {
    let (sender, receiver) = oneshot::channel();
    let dir = options.dir.clone();
    thread::Builder::new()
        .name("preview-lock".to_owned())
        // When nobody waits any more, the folder is let go again.
        .spawn(move || drop(sender.send(Held::wait(&dir))))
        .map_err(Error::disk("wait for", &options.dir))?;
    let held = receiver.await.unwrap_or_else(|_| {
        let gone = io::Error::other("the waiting thread ended");
        Err(Error::disk("wait for", &options.dir)(gone))
    })?;
    start_held(options, held).await
}

async fn start_held(options: Options, held: Held) -> Result<Running, Error> {
    let Options {
        dir,
        listen,
        runners,
        key: policy,
        catalog,
        engine,
        scenario,
    } = options;
    let held = Arc::new(held);
    let own = Arc::clone(&held);
    let (key, last_port, queue, files) = on_disk(move || {
        let key = match policy {
            KeyPolicy::Own => own.own_key()?,
            KeyPolicy::Any => Secret::new(auth::ANY),
        };
        let requests = dir.join("requests");
        let queue = Journal::open(requests.clone())
            .and_then(Queue::restore)
            .map_err(Error::disk("read", requests))?;
        let files = dir.join("files");
        let files = Files::open(files.clone()).map_err(Error::disk("read", files))?;
        Ok((key, own.last_port(), Arc::new(queue), files))
    })
    .await?;

    let listener = bind(listen, last_port).await?;
    let address = listener
        .local_addr()
        .map_err(|source| Error::Listen { listen, source })?;
    let url = url_of(address);
    let (own, at, with) = (Arc::clone(&held), url.clone(), key.clone());
    on_disk(move || own.announce(&at, &with)).await?;

    let stop = CancellationToken::new();
    let shared = Arc::new(Shared {
        queue: Arc::clone(&queue),
        files: files.clone(),
        uploads: storage::Uploads::default(),
        catalog: Arc::clone(&catalog),
        guard: match policy {
            KeyPolicy::Own => Guard::Only(key.clone()),
            KeyPolicy::Any => Guard::Any,
        },
        address,
        stop: stop.clone(),
    });
    for (id, start_by) in queue.start_limits() {
        requests::watch_start(&queue, id, start_by);
    }
    let app = Router::new().fallback(routes::handle).with_state(shared);
    let listener = match scenario {
        Some(scenario) => behind_gate(listener, scenario, &stop).await?,
        None => listener,
    };
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(stop.clone().cancelled_owned())
        .into_future();
    let mut running = Running {
        url,
        key,
        queue: Arc::clone(&queue),
        stop,
        serving: Some(tokio::spawn(serving)),
        runners: Vec::new(),
        held: Some(Arc::clone(&held)),
    };
    let workshop = Workshop {
        queue,
        files,
        catalog,
        engine,
        held,
    };
    for number in 1..=runners.max(1) {
        let runner = runner::start(workshop.clone(), number)
            .map_err(Error::disk("start a runner for", &options_dir(&running)))?;
        running.runners.push(runner);
    }
    Ok(running)
}

/// Puts a gate at `listener`, and gives what is listened on behind it.
async fn behind_gate(
    listener: TcpListener,
    scenario: Scenario,
    stop: &CancellationToken,
) -> Result<TcpListener, Error> {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let failed = |source| Error::Listen { listen, source };
    let inner = TcpListener::bind(listen).await.map_err(failed)?;
    let address = inner.local_addr().map_err(failed)?;
    tokio::spawn(gate::watch(listener, address, scenario, stop.clone()));
    Ok(inner)
}

fn options_dir(running: &Running) -> PathBuf {
    running.queue.journal().dir().to_owned()
}

/// Listens; where any port will do, on the last one if it is free, so that addresses that clients hold stay good.
async fn bind(listen: SocketAddr, last_port: Option<u16>) -> Result<TcpListener, Error> {
    if listen.port() == 0
        && let Some(port) = last_port
        && let Ok(listener) = TcpListener::bind((listen.ip(), port)).await
    {
        return Ok(listener);
    }
    TcpListener::bind(listen)
        .await
        .map_err(|source| Error::Listen { listen, source })
}

/// The origin by which this machine reaches an address that is listened on.
fn url_of(address: SocketAddr) -> Url {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let origin = format!("http://{}/", SocketAddr::new(ip, address.port()));
    Url::parse(&origin).expect("an address with a port is an origin")
}

impl Running {
    /// The server's origin.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A key that it takes.
    #[must_use]
    pub fn key(&self) -> Secret {
        self.key.clone()
    }

    /// Stops: accepts nothing more, leaves renderings for the next start, and ends within about a second.
    pub async fn stop(mut self) {
        const PATIENCE: Duration = Duration::from_millis(500);
        self.signal();
        if let Some(mut serving) = self.serving.take()
            && tokio::time::timeout(PATIENCE, &mut serving).await.is_err()
        {
            serving.abort();
        }
        let runners = std::mem::take(&mut self.runners);
        let (sender, receiver) = oneshot::channel();
        // Not on tokio's blocking threads: a rendering that takes its time must not hold the runtime's end up.
        let waiting = thread::Builder::new().spawn(move || {
            for runner in runners {
                // A panic was told when it happened.
                let _ = runner.join();
            }
            let _ = sender.send(());
        });
        if waiting.is_ok() {
            let _ = tokio::time::timeout(PATIENCE, receiver).await;
        }
        // A runner that is still busy has its own share of the lock.
        self.held = None;
    }

    fn signal(&self) {
        self.stop.cancel();
        self.queue.stop();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.signal();
    }
}

/// Runs something that blocks on the disk where it holds nobody up.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down and drops this future next.
            Err(_) => std::future::pending().await,
        },
    }
}

/// [`on_disk`] with what the handlers share.
async fn disk_thread<T: Send + 'static>(
    shared: &Arc<Shared>,
    work: impl FnOnce(Arc<Shared>) -> T + Send + 'static,
) -> T {
    let shared = Arc::clone(shared);
    on_disk(move || work(shared)).await
}

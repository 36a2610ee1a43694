//! A tracker with directories of its own, and ways to wait for what it does.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use talkdeck::{
    catalog::Catalog,
    fal::{Timing, retry::Backoff},
    model::{
        Job, JobId, Server, ServerId, Timestamp, Usd,
        request::{Consent, Wish},
    },
    store::{OwnerId, Store},
    tracker::{CrashHook, Options, Recovered, Report, Reports, Step, Tracker},
};
use tempfile::TempDir;

use crate::fake_fal::FakeFal;

/// Nothing here takes a tenth of this on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) tracker: Tracker,
    pub(crate) store: Store,
    reports: Reports,
    dir: Arc<TempDir>,
}

impl Rig {
    pub(crate) fn start(fal: &FakeFal) -> Self {
        Self::with(fal, |_| {})
    }

    pub(crate) fn with(fal: &FakeFal, change: impl FnOnce(&mut Options)) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::in_dir(dir, fal.server("id:secret"), change)
    }

    /// After a crash that left `dir`.
    pub(crate) fn reopen(fal: &FakeFal, dir: TempDir) -> Self {
        Self::in_dir(Arc::new(dir), fal.server("id:secret"), |_| {})
    }

    /// Another one on the same directories, with connections of its own.
    pub(crate) fn beside(&self, fal: &FakeFal) -> Self {
        self.beside_with(fal.server("id:secret"))
    }

    pub(crate) fn beside_with(&self, server: Server) -> Self {
        Self::in_dir(Arc::clone(&self.dir), server, |_| {})
    }

    pub(crate) fn in_dir(
        dir: Arc<TempDir>,
        server: Server,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let store = Store::open(dir.path()).unwrap();
        let mut options = options(store.clone(), dir.path(), server);
        change(&mut options);
        let (tracker, reports) = Tracker::start(options).unwrap();
        Self {
            tracker,
            store,
            reports,
            dir,
        }
    }

    pub(crate) fn shared_dir(&self) -> Arc<TempDir> {
        Arc::clone(&self.dir)
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.dir().join("results")
    }

    pub(crate) fn picture(&self) -> PathBuf {
        picture_in(self.dir())
    }

    pub(crate) async fn submit(&self) -> Job {
        self.tracker.submit(wish(&self.picture())).await.unwrap()
    }

    pub(crate) fn spent(&self) -> Usd {
        let nobody = OwnerId::new("nobody");
        let spent = self.store.spent(Timestamp::UNIX_EPOCH, &nobody);
        spent.unwrap().day
    }

    /// Waits until the stored job is as wanted.
    pub(crate) async fn job(&self, id: &JobId, wanted: impl Fn(&Job) -> bool) -> Job {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let job = self.store.get(id).unwrap().expect("the job is stored");
            if wanted(&job) {
                return job;
            }
            assert!(Instant::now() < deadline, "in time; it is {job:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the job's log has so many lines.
    pub(crate) async fn log_has(&self, id: &JobId, count: usize) {
        let has = || self.store.log_count(id).unwrap() >= count as u64;
        eventually("the log has come", has).await;
    }

    /// Waits for a report.
    pub(crate) async fn report(&mut self, wanted: impl Fn(&Report) -> bool) {
        let search = async { while !self.reports.next().await.iter().any(&wanted) {} };
        tokio::time::timeout(DEADLINE, search)
            .await
            .expect("a report in time");
    }

    /// Recovers until the job of a crashed runtime, which goes down in its own time, is held or taken over.
    pub(crate) async fn recover_orphans(&self, left: &Job) -> Recovered {
        let owner = || self.store.wire(&left.id).unwrap().unwrap().owner;
        let dead = owner();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let recovered = self.tracker.recover().await.unwrap();
            // After the first look the tracker also takes over by itself.
            if left.state.is_terminal() || !recovered.held.is_empty() || owner() != dead {
                return recovered;
            }
            assert!(Instant::now() < deadline, "in time");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn options(store: Store, dir: &Path, server: Server) -> Options {
    let mut options = Options::new(
        store,
        Arc::new(Catalog::builtin()),
        dir,
        dir.join("results"),
    );
    options.servers = vec![server];
    options.second = Duration::from_millis(10);
    options.timing = Timing {
        // A busy machine must not look like a lost answer.
        submit: Duration::from_secs(2),
        backoff: Backoff {
            base: Duration::from_millis(2),
            cap: Duration::from_millis(10),
        },
        ..Timing::default()
    };
    options
}

fn picture_in(dir: &Path) -> PathBuf {
    let path = dir.join("face.png");
    // Written once: a job that is just uploading it would rightly complain.
    if !path.exists() {
        image::RgbImage::new(8, 8).save(&path).unwrap();
    }
    path
}

/// A wish for the first endpoint, with an open seed.
pub(crate) fn wish(picture: &Path) -> Wish {
    let catalog = Catalog::builtin();
    let endpoint = catalog.first();
    let mut arguments = endpoint.defaults();
    arguments.remove("seed");
    arguments.set("image_url", picture.to_str().unwrap());
    arguments.set(
        "text_input",
        "Spend more time with people who make you feel alive.",
    );
    arguments.set("voice", "Bill");
    arguments.set("prompt", "An elderly man");
    Wish {
        estimated_cost: endpoint.estimate(&arguments),
        endpoint: endpoint.id.clone(),
        arguments,
        name: "".into(),
        parent: None,
        sweep: None,
        server: ServerId::fal(),
        consent: Consent::default(),
    }
}

pub(crate) fn state_is(name: &'static str) -> impl Fn(&Job) -> bool {
    move |job| job.state.name() == name
}

pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Submits a job in a runtime of its own, and takes that runtime down when the job has done `step`.
pub(crate) async fn crash_after(step: Step, fal: &FakeFal, dir: &Path) -> JobId {
    let (reached, deaths) = mpsc::channel();
    let mut options = options(Store::open(dir).unwrap(), dir, fal.server("id:secret"));
    options.crash_hook = Some(CrashHook::new(move |done| {
        let dies = done == step;
        if dies {
            let _ = reached.send(());
        }
        dies
    }));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let wish = wish(&picture_in(dir));
    let (submitted, submits) = tokio::sync::oneshot::channel();
    runtime.spawn(async move {
        let (tracker, _reports) = Tracker::start(options).unwrap();
        let job = tracker.submit(wish).await.unwrap();
        let _ = submitted.send(job.id);
    });
    let id = submits.await.unwrap();
    tokio::task::spawn_blocking(move || deaths.recv_timeout(DEADLINE))
        .await
        .unwrap()
        .unwrap_or_else(|_| panic!("{step:?} is reached"));
    runtime.shutdown_background();
    id
}

//! Random schedules of faults and crashes: whatever goes wrong, nothing is paid for that the user did not confirm, and no
//! request that the server took is lost.
//!
//! Each schedule is one number. Of it come the wishes, what the network does to every call, and when the program dies;
//! it is started again and again, and in the end everything is calm and what is left must be right. A failure names its
//! number: `TALKDECK_SCHEDULE=<number>` runs that one alone. `TALKDECK_SCHEDULES=<count>` runs more of them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, also in what it is built of"
)]

#[path = "schedules/stormy_fal.rs"]
mod stormy_fal;

#[path = "schedules/setting.rs"]
mod setting;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use setting::{away, canonical, directory, in_short, options, picture};
use stormy_fal::{Call, Fault, StormyFal, Taken};
use talkdeck::{
    catalog::Catalog,
    model::{
        Job, JobId, JobState, ServerId,
        request::{Consent, Wish},
    },
    store::{JobQuery, Store},
    tracker::{CrashHook, Step, Tracker},
};
use tokio::{runtime::Runtime, sync::Notify};

/// Schedules of one run, unless the environment says otherwise.
const SCHEDULES: u64 = 2000;
/// How many times as many are run as long as something was never met: on a busy machine lives get less far.
const PATIENCE: u64 = 5;
/// Schedules that run at once; they mostly wait for each other's sockets.
const AT_ONCE: usize = 12;
/// How long a stormy life may last.
const LIFE: Duration = Duration::from_millis(120);
/// How long the calm may take to bring everything home.
const CALM: Duration = Duration::from_mins(1);

/// What the schedules have met, by its name.
type Met = BTreeMap<String, usize>;

#[test]
fn whatever_goes_wrong_nothing_is_paid_twice_and_nothing_is_lost() {
    let only = number("TALKDECK_SCHEDULE");
    let count = number("TALKDECK_SCHEDULES").unwrap_or(SCHEDULES);
    let all = only.is_none() && count >= SCHEDULES;
    let seeds = match only {
        Some(seed) => seed..seed + 1,
        None => 0..count * if all { PATIENCE } else { 1 },
    };
    let servers = Runtime::new().unwrap();
    let (next, met) = (AtomicU64::new(seeds.start), Mutex::new(Met::new()));
    let broken = Mutex::new(Vec::new());
    let is_enough = |run: u64| run >= count && missed(&met.lock().unwrap()).is_empty();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, SeqCst);
                    if !seeds.contains(&seed) || all && is_enough(seed) {
                        return;
                    }
                    match run(seed, &servers) {
                        Ok(of_this) => {
                            let mut all = met.lock().unwrap();
                            for (name, count) in of_this {
                                *all.entry(name).or_default() += count;
                            }
                            *all.entry("schedules".to_owned()).or_default() += 1;
                        }
                        Err(what) => broken.lock().unwrap().push(format!("{seed}: {what}")),
                    }
                }
            });
        }
    });
    let (met, broken) = (met.into_inner().unwrap(), broken.into_inner().unwrap());
    println!("met:");
    for (name, count) in &met {
        println!("{count:>8}  {name}");
    }
    assert!(
        broken.is_empty(),
        "broken schedules:\n{}",
        broken.join("\n")
    );
    let missed = missed(&met);
    assert!(!all || missed.is_empty(), "never met: {missed:?}");
}

/// What has not been met yet.
fn missed(met: &Met) -> Vec<String> {
    everything()
        .filter(|name| !met.contains_key(name))
        .collect()
}

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is no number")),
    )
}

/// What all schedules together must meet.
fn everything() -> impl Iterator<Item = String> {
    let faults = Call::ALL.into_iter().flat_map(|call| {
        call.faults()
            .iter()
            .map(move |fault| fault_name(call, *fault))
    });
    let crashes = Step::ALL.into_iter().map(crash_name);
    let others = [
        "server away",
        "killed at any moment",
        "two processes",
        "held sent",
        "held dropped",
        "cancel",
    ];
    faults.chain(crashes).chain(others.map(str::to_owned))
}

fn fault_name(call: Call, fault: Fault) -> String {
    format!("{call:?} {fault:?}")
}

fn crash_name(step: Step) -> String {
    format!("crash after {step:?}")
}

/// One schedule.
struct Schedule {
    rng: fastrand::Rng,
    fal: StormyFal,
    dir: tempfile::TempDir,
    /// How often the user confirmed something.
    wished: usize,
    /// The jobs that came of it; one whose process died while it was told has no name here.
    confirmed: Vec<JobId>,
    /// Equal bodies are among them, which only the user can tell apart.
    has_twins: bool,
    met: Met,
}

fn run(seed: u64, servers: &Runtime) -> Result<Met, String> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let fal = servers.block_on(StormyFal::start(rng.u64(..)));
    let mut schedule = Schedule {
        has_twins: rng.f64() < 0.1,
        rng,
        fal,
        dir: directory(),
        wished: 0,
        confirmed: Vec::new(),
        met: Met::new(),
    };
    let lives = schedule.rng.usize(1..4);
    for life in 0..lives {
        schedule.stormy_life(life == 0);
    }
    schedule.fal.calm_down();
    // What the dead have sent may still be on its way.
    servers.block_on(schedule.fal.settled());
    schedule.calm_life()?;
    for ((call, fault), count) in schedule.fal.met() {
        *schedule.met.entry(fault_name(call, fault)).or_default() += count;
    }
    schedule.check()?;
    Ok(schedule.met)
}

impl Schedule {
    fn meet(&mut self, what: &str) {
        *self.met.entry(what.to_owned()).or_default() += 1;
    }

    fn wish(&mut self) -> Wish {
        let catalog = Catalog::builtin();
        let endpoint = catalog.first();
        let mut arguments = endpoint.defaults();
        let image = if self.rng.bool() {
            picture(self.dir.path()).to_str().unwrap().to_owned()
        } else {
            "https://v3.fal.media/face.png".to_owned()
        };
        arguments.set("image_url", image);
        arguments.set("text_input", "Hello there.");
        arguments.set("voice", "Bill");
        arguments.set("prompt", "A man");
        if self.has_twins {
            arguments.set("seed", 7);
        } else {
            arguments.remove("seed");
        }
        Wish {
            endpoint: endpoint.id.clone(),
            estimated_cost: endpoint.estimate(&arguments),
            arguments,
            name: "".into(),
            parent: None,
            sweep: None,
            server: ServerId::fal(),
            consent: Consent {
                repeat: self.has_twins,
                ..Consent::default()
            },
        }
    }

    /// The program runs, until it dies or its time is over. Then it is gone as if it had been killed.
    fn stormy_life(&mut self, is_first: bool) {
        let dies_after = (self.rng.f64() < 0.7).then(|| *self.rng.choice(&Step::ALL).unwrap());
        let nth = self.rng.usize(1..3);
        let dead = Arc::new(Notify::new());
        let hook = dies_after.map(|step| {
            let (dead, seen) = (Arc::clone(&dead), AtomicUsize::new(0));
            CrashHook::new(move |at| {
                let dies = at == step && seen.fetch_add(1, SeqCst) + 1 >= nth;
                if dies {
                    dead.notify_one();
                }
                dies
            })
        });
        let is_away = self.rng.f64() < 0.2;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let timeout = Duration::from_millis(25);
        let died = runtime.block_on(async {
            let dir = self.dir.path().to_owned();
            let (server, _held) = if is_away {
                let (server, socket) = away();
                (server, Some(socket))
            } else {
                (self.fal.server(), None)
            };
            let (tracker, _reports) =
                Tracker::start(options(&dir, server.clone(), timeout, hook)).unwrap();
            let beside = (self.rng.f64() < 0.3).then(|| {
                self.meet("two processes");
                let (beside, _) = Tracker::start(options(&dir, server, timeout, None)).unwrap();
                beside
            });
            let work = self.live(&tracker, beside.as_ref(), is_first, is_away);
            tokio::select! {
                biased;
                () = dead.notified() => true,
                () = work => false,
            }
        });
        if let Some(step) = dies_after.filter(|_| died) {
            self.meet(&crash_name(step));
        } else {
            self.meet("killed at any moment");
        }
        // What is on a thread for blocking work is a call of the system's that a kill would not take back either.
        runtime.shutdown_timeout(Duration::from_secs(10));
    }

    async fn live(
        &mut self,
        tracker: &Tracker,
        beside: Option<&Tracker>,
        is_first: bool,
        is_away: bool,
    ) {
        let end = Instant::now() + LIFE.mul_f64(self.rng.f64());
        let mut held: Vec<_> = Vec::new();
        for tracker in std::iter::once(tracker).chain(beside) {
            if let Ok(recovered) = tracker.recover().await {
                held = recovered.held;
            }
        }
        for job in held {
            self.decide(tracker, &job).await;
        }
        if is_first {
            for _ in 0..self.rng.usize(1..4) {
                let wish = self.wish();
                let by = if self.rng.bool() {
                    tracker
                } else {
                    beside.unwrap_or(tracker)
                };
                self.wished += 1;
                let job = by.submit(wish).await.expect("the store takes it");
                self.confirmed.push(job.id);
            }
        }
        if is_away {
            self.meet("server away");
            tokio::time::sleep(Duration::from_millis(self.rng.u64(1..20))).await;
            tracker.add_server(self.fal.server()).await.unwrap();
        }
        while Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(self.rng.u64(1..10))).await;
            for tracker in std::iter::once(tracker).chain(beside) {
                tracker.resume_outbox();
                // As after a key that was refused has been replaced.
                tracker.add_server(self.fal.server()).await.unwrap();
            }
            if self.rng.f64() < 0.05
                && let Some(id) = self.rng.choice(&self.confirmed).cloned()
            {
                self.meet("cancel");
                // It may fail like everything else.
                let _ = tracker.cancel(&id).await;
            }
        }
    }

    async fn decide(&mut self, tracker: &Tracker, job: &Job) {
        match self.rng.u8(0..4) {
            0 | 1 => {
                self.meet("held sent");
                // Another process may have been faster.
                let _ = tracker.send_held(&job.id).await;
            }
            2 => {
                self.meet("held dropped");
                let _ = tracker.drop_held(&job.id).await;
            }
            _ => {}
        }
    }

    /// The program runs undisturbed until everything has come home that can.
    fn calm_life(&mut self) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let outcome = runtime.block_on(async {
            let timeout = Duration::from_secs(20);
            let started =
                Tracker::start(options(self.dir.path(), self.fal.server(), timeout, None));
            let (tracker, _reports) = started.unwrap();
            tracker.recover().await.unwrap();
            let store = Store::open(self.dir.path()).unwrap();
            let deadline = Instant::now() + CALM;
            loop {
                let jobs = store.list(&JobQuery::default()).unwrap();
                let open: Vec<_> = jobs
                    .iter()
                    .filter(|job| !self.is_home(&store, job))
                    .collect();
                if open.is_empty() {
                    return Ok(());
                }
                if Instant::now() > deadline {
                    return Err(format!("not home in time: {open:#?}"));
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        runtime.shutdown_timeout(Duration::from_secs(10));
        outcome
    }

    /// Whether nothing more will come of `job` without the user.
    fn is_home(&self, store: &Store, job: &Job) -> bool {
        match job.state {
            JobState::Draft | JobState::QueuedLocally | JobState::Uploading => true,
            JobState::Unconfirmed { .. } => {
                let body = store.wire(&job.id).unwrap().unwrap().body.unwrap();
                self.has_twins
                    || !self
                        .fal
                        .taken()
                        .iter()
                        .any(|taken| taken.body == canonical(&body))
            }
            _ => job.state.is_terminal(),
        }
    }

    fn check(&self) -> Result<(), String> {
        let store = Store::open(self.dir.path()).unwrap();
        let jobs = store.list(&JobQuery::default()).unwrap();
        let taken = self.fal.taken();
        if taken.len() > self.wished {
            return Err(format!(
                "{} confirmed, {} billed: {taken:#?}",
                self.wished,
                taken.len()
            ));
        }
        let known: HashSet<_> = jobs.iter().map(|job| job.id.clone()).collect();
        if let Some(lost) = self.confirmed.iter().find(|id| !known.contains(id)) {
            return Err(format!("job {lost} is lost"));
        }
        if self.has_twins {
            return Ok(());
        }
        let mut of_body: HashMap<&str, usize> = HashMap::new();
        for Taken { body, .. } in &taken {
            *of_body.entry(body).or_default() += 1;
        }
        if let Some((body, count)) = of_body.iter().find(|(_, count)| **count > 1) {
            return Err(format!("billed {count} times: {body}"));
        }
        let ours: HashSet<_> = jobs
            .iter()
            .filter_map(|job| job.request_id.as_ref())
            .collect();
        for Taken { id, body, .. } in &taken {
            if !ours.iter().any(|known| known.as_str() == id) {
                let jobs: Vec<_> = jobs.iter().map(in_short).collect();
                return Err(format!(
                    "{id} was taken and is not in the store: {body}\nthe store has:\n{}",
                    jobs.join("\n")
                ));
            }
        }
        let unpaid = jobs.iter().find(|job| {
            let is_taken = job.request_id.is_some();
            is_taken && !matches!(job.state, JobState::Completed | JobState::Cancelled)
        });
        match unpaid {
            Some(job) => Err(format!("paid for and not home: {job:#?}")),
            None => Ok(()),
        }
    }
}

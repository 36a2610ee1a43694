//! The real program, killed by SIGKILL after every step and at random moments, and started again: nothing is paid twice,
//! nothing that was paid for is lost.
#![expect(clippy::unwrap_used, reason = "a test's own steps may fail the test")]

#[path = "crash/beside.rs"]
mod beside;
#[path = "crash/disk.rs"]
mod disk;
#[path = "tracker/fake_fal.rs"]
#[expect(dead_code, reason = "shared with the tests of the tracker")]
mod fake_fal;
#[path = "cli/machine.rs"]
#[expect(dead_code, reason = "shared with the tests of the command line")]
mod machine;
#[path = "common/pty.rs"]
#[expect(dead_code, reason = "shared with the tests of the terminal")]
mod pty;
#[path = "crash/suspend.rs"]
mod suspend;
#[path = "crash/sweep.rs"]
mod sweep;

use std::{
    collections::{BTreeMap, HashSet},
    os::unix::process::ExitStatusExt,
    path::Path,
    thread,
    time::Instant,
};

use rustix::process::Signal;
use talkdeck::{
    model::{Job, JobState},
    store::{JobQuery, Store},
    tracker::Step,
};
use tokio::runtime::Runtime;

use fake_fal::{FakeFal, Submit};
use machine::Machine;

/// The variable that tells a debug build after which step to die.
const CRASH_AFTER: &str = "TALKDECK_CRASH_AFTER";

/// Kills at random moments.
const KILLS: usize = 200;
/// How often they are all killed again where too few steps were met.
const ROUNDS: usize = 4;
/// So many machines are killed again and again at the same time.
const LANES: usize = 8;

/// A machine with the key of a server that counts bills; every request is done as soon as it is taken.
fn machine_at(fal: &FakeFal) -> Machine {
    let mut machine = Machine::new();
    machine.set("FAL_KEY", "id:secret");
    machine.set("TALKDECK_SERVER", fal.url().as_str());
    machine.portrait();
    fal.complete();
    machine
}

/// A submit of its own wish that is followed to its end.
fn submit(script: &str) -> Vec<String> {
    let script = format!("text_input={script}");
    let mut args = vec!["submit", "fal-ai/infinitalk/single-text", "--wait"];
    for pair in [
        &script,
        "voice=Bill",
        "prompt=A man talks.",
        "num_frames=41",
        "image_url=portrait.png",
    ] {
        args.extend(["-i", pair]);
    }
    args.into_iter().map(str::to_owned).collect()
}

fn start(machine: &Machine, args: &[String]) -> machine::Running {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    machine.start(&args)
}

fn jobs(machine: &Machine) -> Vec<Job> {
    let store = Store::open(machine.data().as_ref()).unwrap();
    store.list(&JobQuery::default()).unwrap()
}

/// Every request that the server took is a job's, and none was taken for the same wish as another.
fn assert_all_known_and_none_paid_twice(fal: &FakeFal, jobs: &[Job]) {
    let bodies = fal.bodies();
    let scripts: HashSet<_> = bodies
        .iter()
        .map(|body| body["text_input"].to_string())
        .collect();
    assert_eq!(scripts.len(), bodies.len(), "a wish was paid for twice");
    assert_eq!(fal.bills() as usize, bodies.len());
    for number in 0..bodies.len() {
        let id = format!("request-{number}");
        let owners = jobs
            .iter()
            .filter(|job| job.request_id.as_ref().is_some_and(|of| of.as_str() == id));
        assert_eq!(owners.count(), 1, "{id} of {}", bodies.len());
    }
}

fn has_its_video(job: &Job) -> bool {
    let whole = |path: &Path| std::fs::read(path).is_ok_and(|bytes| bytes == fake_fal::VIDEO);
    job.state == JobState::Completed && job.video().is_some_and(|video| whole(&video.path))
}

/// What has its final name is whole.
fn assert_no_half_file(machine: &Machine) {
    fn check(dir: &Path) {
        for entry in std::fs::read_dir(dir).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                check(&path);
            } else if !name.starts_with('.') {
                let bytes = std::fs::read(&path).unwrap();
                let is_whole = bytes == fake_fal::VIDEO || bytes.ends_with(b"}\n");
                assert!(is_whole, "{}", path.display());
            }
        }
    }
    check(&Path::new(&machine.data()).join("results"));
}

#[test]
fn a_process_killed_after_any_step_pays_once_and_loses_no_request() {
    let runtime = Runtime::new().unwrap();
    thread::scope(|scope| {
        for step in Step::ALL {
            let fal = runtime.block_on(FakeFal::start());
            scope.spawn(move || killed_after(step, &fal));
        }
    });
}

fn killed_after(step: Step, fal: &FakeFal) {
    let mut machine = machine_at(fal);
    if matches!(step, Step::FoundInList | Step::Adopted) {
        fal.plan(Submit::BadGateway);
    }
    machine.set(CRASH_AFTER, &(step as u8).to_string());
    let ended = start(&machine, &submit("Good morning.")).end();
    assert_eq!(
        ended.signal(),
        Some(Signal::KILL.as_raw()),
        "{step:?}: {ended}"
    );
    assert!(fal.bills() <= 1, "{step:?}");

    machine.set(CRASH_AFTER, "");
    let ran = machine.run(&["watch"]);
    let jobs = jobs(&machine);
    let [job] = jobs.as_slice() else {
        panic!("{step:?}: one job was wished for: {jobs:#?}");
    };
    let (code, posts, state) = (ran.code, fal.posts(), job.state.name());
    match step {
        // Held: nothing old is sent by itself.
        Step::IntentStored => assert_eq!((code, posts, state), (2, 0, "queued-locally")),
        Step::Uploaded => assert_eq!((code, posts, state), (2, 0, "uploading")),
        // It was not sent, but that nobody can know.
        Step::SubmitBegun => assert_eq!((code, posts, state), (5, 0, "unconfirmed")),
        _ => {
            assert_eq!((code, posts), (0, 1), "{step:?}: {}", ran.stderr);
            assert!(has_its_video(job), "{step:?}: {job:#?}");
        }
    }
    assert_all_known_and_none_paid_twice(fal, &jobs);
}

#[test]
fn a_process_killed_while_it_makes_its_store_begins_again() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    // The statements that make the tables have run; they are committed. More of these steps: `store::schema::tests`.
    for step in ["22", "23"] {
        let mut machine = machine_at(&fal);
        machine.set(CRASH_AFTER, step);
        let ended = start(&machine, &submit(step)).end();
        assert_eq!(ended.signal(), Some(Signal::KILL.as_raw()), "{step}");
        machine.set(CRASH_AFTER, "");
        let ran = start(&machine, &submit(step)).finish();
        assert_eq!(ran.code, 0, "{step}: {}", ran.stderr);
        assert!(has_its_video(&jobs(&machine)[0]), "{step}");
    }
    assert_eq!((fal.posts(), fal.bills()), (2, 2));
}

#[test]
fn a_process_killed_at_any_moment_pays_once_and_loses_no_request() {
    let seed = std::env::var("TALKDECK_SEED").ok();
    let seed = seed.map_or_else(|| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("TALKDECK_SEED={seed}");
    let runtime = Runtime::new().unwrap();
    let mut ends = BTreeMap::<&str, usize>::new();
    // On a busy machine chance may spare the short steps once; not again and again.
    for round in 0..ROUNDS {
        thread::scope(|scope| {
            let lanes: Vec<_> = (0..LANES)
                .map(|lane| {
                    let fal = runtime.block_on(FakeFal::start());
                    let stream = seed.wrapping_add((round * LANES + lane) as u64);
                    let random = fastrand::Rng::with_seed(stream);
                    scope.spawn(move || killed_again_and_again(random, &fal))
                })
                .collect();
            for (state, count) in lanes.into_iter().flat_map(|lane| lane.join().unwrap()) {
                *ends.entry(state).or_default() += count;
            }
        });
        if ends.len() > 3 {
            break;
        }
    }
    println!("where the kills found the youngest job: {ends:?}");
    assert!(ends.values().sum::<usize>() >= KILLS);
    assert!(ends.len() > 3, "the kills fell on different steps");
}

/// Kills one machine's commands; returns how often the youngest job was found in which state.
fn killed_again_and_again(
    mut random: fastrand::Rng,
    fal: &FakeFal,
) -> BTreeMap<&'static str, usize> {
    let machine = machine_at(fal);
    let began = Instant::now();
    let ran = start(&machine, &submit("Nobody disturbs me.")).finish();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut whole = began.elapsed();
    let mut found = BTreeMap::new();
    for number in 0..KILLS / LANES {
        // The answer to some is lost, so that adoption is cut short as well.
        if random.u8(..6) == 0 {
            fal.plan(Submit::BadGateway);
        }
        let mut running = if random.u8(..4) == 0 {
            machine.start(&["watch"])
        } else {
            start(&machine, &submit(&format!("Take number {number}.")))
        };
        // Earlier moments more often: undisturbed it is mostly faster than the first one was.
        thread::sleep(whole.mul_f64(random.f64().powi(2)));
        running.signal(Signal::KILL);
        running.end();
        assert_no_half_file(&machine);
        let youngest = jobs(&machine).remove(0);
        // What was quick enough to end is given less time.
        whole = whole.mul_f64(if youngest.state.is_terminal() {
            0.9
        } else {
            1.05
        });
        *found.entry(youngest.state.name()).or_default() += 1;
    }
    let ran = machine.run(&["watch"]);
    assert!(
        [0, 2, 5].contains(&ran.code),
        "{}: {}",
        ran.code,
        ran.stderr
    );
    let jobs = jobs(&machine);
    assert_all_known_and_none_paid_twice(fal, &jobs);
    for job in jobs.iter().filter(|job| job.request_id.is_some()) {
        assert!(has_its_video(job), "{job:#?}");
    }
    for job in jobs.iter().filter(|job| job.request_id.is_none()) {
        let waits = ["queued-locally", "uploading", "unconfirmed"];
        assert!(waits.contains(&job.state.name()), "{job:#?}");
    }
    found
}

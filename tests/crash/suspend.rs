//! A dashboard that is suspended by `^Z`, in a terminal with a shell that can continue it.

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use talkdeck::store::OwnerId;

use super::*;

/// Runs the dashboard as a job of its own; once it is stopped, waits for the file `go` and continues it.
const SHELL: &str = r#"set -m; "$0"; while [ ! -e go ]; do sleep 0.05; done; fg"#;

/// What a terminal is told when a program takes the whole screen.
const ENTER: &[u8] = b"\x1b[?1049h";

fn owner(machine: &Machine) -> Option<OwnerId> {
    let store = Store::open(machine.data().as_ref()).unwrap();
    let (_, owner) = store.live().unwrap().pop().expect("one job is live");
    owner
}

/// Waits until somebody else than `before` works on the job.
fn taken_over(machine: &Machine, before: Option<&OwnerId>) -> OwnerId {
    let mut now = None;
    eventually("the job is taken over", || {
        now = owner(machine).filter(|owner| Some(owner) != before);
        now.is_some()
    });
    now.unwrap()
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} in time");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_suspended_dashboard_hands_its_job_over_and_goes_on_when_it_is_continued() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = machine_at(&fal);
    fal.set_status("IN_QUEUE");
    let args = submit("Good morning.");
    let args: Vec<_> = args.into_iter().filter(|arg| arg != "--wait").collect();
    assert_eq!(start(&machine, &args).finish().code, 0);
    let submitter = owner(&machine);

    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new("/bin/sh");
    command.args(["-c", SHELL, env!("CARGO_BIN_EXE_talkdeck")]);
    command.env_clear();
    command.cwd(machine.path("."));
    for (name, value) in [
        ("PATH", "/usr/bin:/bin"),
        ("TERM", "xterm-256color"),
        ("HOME", &machine.path("home")),
        ("TALKDECK_DATA_DIR", &machine.data()),
        ("TALKDECK_SERVER", fal.url().as_str()),
        ("FAL_KEY", "id:secret"),
    ] {
        command.env(name, value);
    }
    let mut shell = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut screen = pair.master.try_clone_reader().unwrap();
    let entered = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&entered);
    let drained = thread::spawn(move || {
        let (mut buffer, mut drawn) = ([0; 4096], Vec::<u8>::new());
        while let Ok(length @ 1..) = screen.read(&mut buffer) {
            drawn.extend(&buffer[..length]);
            let enters = drawn.windows(ENTER.len()).filter(|bytes| *bytes == ENTER);
            count.store(enters.count(), Ordering::SeqCst);
        }
    });
    let mut keys = pair.master.take_writer().unwrap();

    let dashboard = taken_over(&machine, submitter.as_ref());
    let mut watcher = machine.start(&["watch"]);
    watcher.wait_for_line(|line| line.contains("in-queue"));
    assert_eq!(owner(&machine).as_ref(), Some(&dashboard), "it leads");
    keys.write_all(b"\x1a").unwrap();
    taken_over(&machine, Some(&dashboard));
    fal.complete();
    let ran = watcher.finish();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let jobs = jobs(&machine);
    assert_all_known_and_none_paid_twice(&fal, &jobs);
    assert!(has_its_video(&jobs[0]));
    assert_eq!((fal.posts(), fal.downloads()), (1, 1));

    machine.file("go", b"");
    // Before it has the terminal again, the keys would be the shell's.
    eventually("the dashboard is back", || {
        entered.load(Ordering::SeqCst) > 1
    });
    keys.write_all(b"\x03\x03").unwrap();
    eventually("the end", || shell.try_wait().unwrap().is_some());
    assert!(shell.wait().unwrap().success());
    drop(keys);
    drained.join().unwrap();
}

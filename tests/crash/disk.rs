//! Disks that are full, broken or blocked: nothing is sent that could not be written down, and what was sent is told.

use std::{fs, path::Path};

use rusqlite::Connection;
use talkdeck::store::MAIN_FILE;

use super::*;

fn as_text(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

fn data(machine: &Machine) -> std::path::PathBuf {
    machine.data().into()
}

/// A machine with a store in which nothing is yet.
fn used_machine_at(fal: &FakeFal) -> Machine {
    let machine = machine_at(fal);
    assert_eq!(machine.run(&["jobs"]).code, 0);
    machine
}

fn sql(machine: &Machine, text: &str) {
    let db = Connection::open(data(machine).join(MAIN_FILE)).unwrap();
    db.execute_batch(text).unwrap();
}

/// Ends a command that waits for room on the disk, once it has told so.
fn end_when_told(mut running: machine::Running) -> machine::Ran {
    let runs = running.runs_when_told(|told| {
        ["cannot use", "cannot be saved", "no space left"]
            .iter()
            .any(|words| told.contains(words))
    });
    if runs {
        running.signal(Signal::INT);
    }
    running.finish()
}

#[test]
fn whichever_write_fails_nothing_is_sent_unwritten_and_no_request_is_lost() {
    let runtime = Runtime::new().unwrap();
    let sent: u32 = thread::scope(|scope| {
        // Blocks of half a kilobyte; the log and its index grow past each of these at another step.
        let limits: Vec<_> = (0..=288).step_by(12).collect();
        let runs: Vec<_> = limits
            .into_iter()
            .map(|blocks| {
                let fal = runtime.block_on(FakeFal::start());
                scope.spawn(move || limited_to(blocks, &fal))
            })
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).sum()
    });
    println!("{sent} of 25 were sent");
    assert!((1..25).contains(&sent), "{sent}");
}

/// No file may grow beyond so many `blocks`; returns the number of bills.
fn limited_to(blocks: u32, fal: &FakeFal) -> u32 {
    let machine = used_machine_at(fal);
    // What was lost cannot be asked for.
    fal.hide_list(true);
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let ran = end_when_told(machine.start_by(&script, &as_text(&submit("Good morning."))));
    if fal.posts() == 0 {
        // Refused, or interrupted while it waited for room for the next step.
        assert!([7, 130].contains(&ran.code), "{blocks}: {}", ran.stderr);
        return 0;
    }
    let ran_again = machine.run(&["watch"]);
    let jobs = jobs(&machine);
    assert_eq!(fal.bills(), 1, "{blocks}");
    assert_all_known_and_none_paid_twice(fal, &jobs);
    assert!(
        has_its_video(&jobs[0]),
        "{blocks}: {}{}{jobs:#?}",
        ran.stderr,
        ran_again.stderr
    );
    1
}

#[test]
fn what_stands_in_the_way_of_the_store_is_told_and_nothing_is_sent() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    for name in ["talkdeck.db", "talkdeck.db-wal", "logs.db", "owners"] {
        let machine = machine_at(&fal);
        fs::create_dir_all(data(&machine)).unwrap();
        let path = data(&machine).join(name);
        if name == "owners" {
            fs::write(&path, "").unwrap();
        } else {
            fs::create_dir(&path).unwrap();
        }
        let ran = start(&machine, &submit("Good morning.")).finish();
        assert_eq!(ran.code, 7, "{name}: {}", ran.stderr);
        assert!(ran.stderr.contains("cannot use"), "{name}: {}", ran.stderr);
    }
    assert_eq!(fal.posts(), 0);
}

/// From now on the store takes no request id, as when the disk fills up behind a submit.
const TAKES_NO_REQUEST: &str =
    "CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN NEW.request_id IS NOT NULL
    BEGIN SELECT RAISE(FAIL, 'the disk is full'); END";

#[test]
fn a_request_id_that_cannot_be_stored_outlives_the_process_in_a_file_beside_the_store() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = used_machine_at(&fal);
    fal.hide_list(true);
    sql(&machine, TAKES_NO_REQUEST);
    let ran = end_when_told(start(&machine, &submit("Good morning.")));
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(ran.stderr.contains("request-0"), "{}", ran.stderr);
    assert!(ran.stderr.contains("noted in unsaved/"), "{}", ran.stderr);
    // It is told for as long as it is not saved, by whoever runs.
    let ran = end_when_told(machine.start(&["watch"]));
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(ran.stderr.contains("request-0"), "{}", ran.stderr);

    sql(&machine, "DROP TRIGGER full");
    let ran = machine.run(&["watch"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        fs::read_dir(data(&machine).join("unsaved"))
            .unwrap()
            .count(),
        0
    );
    assert_all_known_and_none_paid_twice(&fal, &jobs(&machine));
    assert_eq!((fal.posts(), fal.bills()), (1, 1));
}

#[test]
fn a_request_id_that_cannot_even_be_noted_is_told() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = used_machine_at(&fal);
    sql(&machine, TAKES_NO_REQUEST);
    fs::write(data(&machine).join("unsaved"), "in the way").unwrap();
    let ran = end_when_told(start(&machine, &submit("Good morning.")));
    let line = ran
        .stderr
        .lines()
        .find(|line| line.contains("request-0"))
        .unwrap();
    assert!(line.contains("nor noted in unsaved/"), "{line}");
    assert_eq!(fal.bills(), 1);
}

#[test]
fn where_nothing_can_be_printed_the_job_is_stored_all_the_same() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = machine_at(&fal);
    let script = "exec \"$0\" \"$@\" > /dev/full";
    let ran = machine
        .start_by(script, &as_text(&submit("Good morning.")))
        .finish();
    assert_ne!(ran.code, 0);
    let held = fal.posts() == 0;
    let again = machine.run(&["watch"]);
    let jobs = jobs(&machine);
    assert_all_known_and_none_paid_twice(&fal, &jobs);
    assert!(
        held || has_its_video(&jobs[0]),
        "{}{}",
        ran.stderr,
        again.stderr
    );
}

#[test]
fn a_damaged_store_is_read_as_far_as_it_can_be_and_nothing_is_sent() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = machine_at(&fal);
    fal.set_status("IN_QUEUE");
    {
        let args = submit("Good morning.");
        let mut no_wait = as_text(&args);
        no_wait.retain(|arg| *arg != "--wait");
        assert_eq!(machine.run(&no_wait).code, 0);
    }
    // The job's row again and again, so that there is more than one page of them.
    let columns = "request_id, endpoint, name, server, key, state, cancel_requested, created_at, arguments, seed_drawn, files";
    sql(
        &machine,
        &format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
             INSERT INTO jobs (id, {columns}) SELECT printf('%012x', i), {columns} FROM n, jobs"
        ),
    );
    let path = data(&machine).join(MAIN_FILE);
    let mut bytes = fs::read(&path).unwrap();
    // One of the pages with whole jobs; the indices have only parts of them.
    let has_jobs = |page: &&mut [u8]| page.windows(11).any(|word| word == b"text_input\"");
    let pages = bytes.chunks_mut(4096).skip(1);
    pages.filter(has_jobs).nth(1).unwrap().fill(0xa5);
    fs::write(&path, &bytes).unwrap();

    let posts = fal.posts();
    let refused = start(&machine, &submit("Good night.")).finish();
    assert_eq!(
        (refused.code, fal.posts()),
        (7, posts),
        "{}",
        refused.stderr
    );
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    let listed = machine.run(&["jobs", "--limit", "100"]);
    assert_eq!(listed.code, 0, "{}", listed.stderr);
    assert!(
        (1..61).contains(&listed.lines().len()),
        "{}",
        listed.lines().len()
    );
    assert!(listed.stderr.contains("damaged") && listed.stderr.contains("cannot be read"));
    let copy = Path::new(&machine.data()).join("talkdeck-damaged.db");
    assert!(fs::read(copy).unwrap() == bytes && fs::read(&path).unwrap() == bytes);
}

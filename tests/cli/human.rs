//! What people read: the output on a terminal, and output that comes while a job runs.

use std::path::Path;

use serde_json::{Value, json};
use talkdeck::{
    model::{Job, JobError, JobState, ServerId, Timestamp, Usd, job::FieldError},
    store::Store,
};

use crate::{ENDPOINT, machine::Machine, stored_job, submit};

/// What `args` leave on a terminal, after ending with `code`.
fn screen(machine: &Machine, args: &[&str], code: u32) -> String {
    let mut pty = machine.start_in_terminal(args);
    let status = pty.end();
    let text = pty.text();
    assert_eq!(status.exit_code(), code, "{text}");
    text
}

/// The line of `text` that holds `what`.
fn line<'a>(text: &'a str, what: &str) -> &'a str {
    let mut lines = text.lines();
    let found = lines.find(|line| line.contains(what));
    found.unwrap_or_else(|| panic!("no {what:?} in:\n{text}"))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn keep(machine: &Machine, jobs: &[&Job]) {
    let store = Store::open(Path::new(&machine.data())).unwrap();
    for job in jobs {
        store.insert(job, None).unwrap();
    }
}

/// It took 1:03 and $1.16.
fn done() -> Job {
    let mut job = stored_job("teaser", JobState::Completed);
    job.created_at = at(0);
    job.submitted_at = Some(at(2));
    job.completed_at = Some(at(65));
    job.estimated_cost = Some(Usd::from_dollars(1.16));
    job.billed_units = Some(1.0);
    job
}

fn failed(kind: &str, message: &str) -> Job {
    let mut job = stored_job("anna intro", JobState::Failed);
    job.account.server = ServerId::preview();
    job.created_at = at(100);
    job.completed_at = Some(at(107));
    job.error = Some(JobError {
        kind: kind.into(),
        message: message.into(),
        fields: vec![FieldError::new("image_url", "a cat")],
    });
    job
}

#[test]
fn jobs_on_a_terminal_are_a_table_the_newest_first() {
    let machine = Machine::new();
    let nothing = screen(&machine, &["jobs"], 0);
    assert_eq!(nothing.trim_end(), "no jobs; `talkdeck submit` makes one");

    let (done, failed) = (done(), failed("face_detection_error", "no face found"));
    keep(&machine, &[&done, &failed]);
    let text = screen(&machine, &["jobs"], 0);
    let lines: Vec<_> = text.trim_end().lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    let words = |line: &str| {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        words.join(" ")
    };
    assert_eq!(words(lines[0]), "id state time cost created name");
    let row = words(lines[1]);
    assert!(
        row.starts_with(&format!("{} ✗ failed 0:07 free ", failed.id)),
        "{row}"
    );
    assert!(row.contains(" anna intro"), "{row}");
    let row = words(lines[2]);
    assert!(
        row.starts_with(&format!("{} ✓ completed 1:03 ≈$1.16 ", done.id)),
        "{row}"
    );
    assert!(row.ends_with(" teaser"), "{row}");
    let ends = |line: &str, what: &str| line.find(what).unwrap() + what.len();
    assert_eq!(
        ends(lines[1], "0:07"),
        ends(lines[2], "1:03"),
        "numbers are aligned right"
    );

    let none = screen(&machine, &["jobs", "--state", "expired"], 0);
    assert_eq!(none.trim_end(), "no such jobs; `talkdeck jobs` lists all");
}

#[test]
fn show_on_a_terminal_tells_everything_in_words() {
    let machine = Machine::new();
    let job = done();
    keep(&machine, &[&job]);
    let text = screen(&machine, &["show", job.id.as_str()], 0);
    let value = |label: &str| {
        let of = line(&text, label).trim_start();
        let (found, value) = of.split_once(' ').unwrap();
        assert_eq!(found, label, "{text}");
        value.trim().to_owned()
    };
    assert_eq!(value("job"), job.id.as_str());
    assert_eq!(value("state"), "✓ completed");
    assert_eq!(value("name"), "teaser");
    assert_eq!(value("endpoint"), ENDPOINT);
    assert_eq!(value("server"), "fal.ai");
    assert_eq!(value("time"), "1:03");
    assert_eq!(value("cost"), "≈$1.16");
    assert_eq!(value("billed"), "1 unit");
    // The stored text would clear the screen here.
    assert!(value("text_input").ends_with("there."), "{text}");
    assert!(!text.contains('{'), "no JSON:\n{text}");
}

#[test]
fn a_servers_word_for_an_error_is_shown_and_one_of_ours_is_not() {
    let machine = Machine::new();
    let theirs = failed("face_detection_error", "no face found");
    let ours = failed("talkdeck_not_sent", "cannot reach fal.ai");
    keep(&machine, &[&theirs, &ours]);
    let text = screen(&machine, &["show", theirs.id.as_str()], 0);
    assert!(
        line(&text, "face_detection_error").ends_with("  no face found"),
        "{text}"
    );
    assert!(line(&text, "a cat").starts_with("image_url "), "{text}");

    let text = screen(&machine, &["show", ours.id.as_str()], 0);
    assert!(
        line(&text, "cannot reach fal.ai").starts_with("error "),
        "{text}"
    );
    assert!(!text.contains("talkdeck_"), "{text}");
    let object = machine.run(&["show", ours.id.as_str()]).lines();
    assert_eq!(object[0]["error"]["type"], "talkdeck_not_sent");
}

#[test]
fn a_seed_that_is_left_open_is_drawn_by_us_and_never_the_servers_default() {
    let machine = Machine::new();
    let open = submit(&["--dry-run", "--color", "never"]);
    let text = screen(&machine, &open, 0);
    assert!(
        line(&text, "seed").ends_with("  drawn when the request is sent"),
        "{text}"
    );
    assert!(text.contains("nothing was sent"), "{text}");
    let chosen = screen(&machine, &[&open[..], &["-i", "seed=7"]].concat(), 0);
    assert!(line(&chosen, "seed").ends_with("  7"), "{chosen}");
    for more in [&[][..], &["-i", "seed="]] {
        let object = machine.run(&[&open[..], more].concat()).lines();
        assert_eq!(object[0]["arguments"].get("seed"), None, "{more:?}");
    }

    for endpoint in machine.run(&["endpoints"]).lines() {
        let fields = endpoint["fields"].as_array().unwrap();
        let seed = fields.iter().find(|field| field["name"] == "seed").unwrap();
        assert_eq!(seed["default"], Value::Null);
        let says = seed["description"].as_str().unwrap();
        assert!(says.contains("Left empty, talkdeck draws one"), "{says}");
    }
    let mut pty = machine.start_in_terminal(&["endpoints", ENDPOINT]);
    pty.wait_for("acceleration");
    assert!(pty.end().success());
    let text = pty.text();
    assert_eq!(
        line(&text, "seed  ").trim_end(),
        "seed  integer, drawn when left out"
    );
}

#[test]
fn what_is_not_certain_of_an_endpoint_is_told_beside_it() {
    let machine = Machine::new();
    let mut pty = machine.start_in_terminal(&["endpoints", "fal-ai/infinitalk/video-to-video"]);
    pty.wait_for("acceleration");
    assert!(pty.end().success());
    let text = pty.text();
    assert!(
        text.contains("not certain: Nobody tells the price of 720p"),
        "{text}"
    );
}

#[test]
fn a_log_is_followed_while_its_job_runs_and_ends_with_it() {
    let machine = Machine::new();
    let image = format!("image_url={}", machine.portrait());
    let long = submit(&["-i", &image, "-i", "num_frames=721", "--wait"]);
    let mut running = machine.start(&long);
    let job = running.wait_for_line(|line| line.contains("\"in-progress\""));
    let job: Value = serde_json::from_str(&job).unwrap();
    let id = job["id"].as_str().unwrap();

    let mut following = machine.start(&["logs", id, "--follow"]);
    let is_frame = |line: &str| line.contains("frame ");
    let first = following.wait_for_line(is_frame);
    let next = following.wait_for_line(is_frame);
    assert_ne!(first, next);
    let state = machine.run(&["show", id]).lines()[0]["state"].clone();
    assert_eq!(state, json!("in-progress"), "the lines came before the end");

    assert_eq!(machine.run(&["cancel", id]).code, 0);
    assert_eq!(running.finish().code, 1);
    let ran = following.finish();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines = ran.lines();
    assert!(lines.iter().all(|line| line["job"] == id));
    let stored = machine.run(&["logs", id]).lines();
    assert_eq!(lines, stored, "each line once, and none left out");
}

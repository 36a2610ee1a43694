//! The program against its own server on a bad line: `serve --scenario` and `submit --wait`, two processes.

use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use crate::{
    machine::{Machine, Ran, Running},
    states, submit,
};

/// A server that does what a file of `tests/scenarios/` says, and how many requests it has taken.
struct Served {
    machine: Machine,
    serving: Running,
    url: String,
}

impl Served {
    fn start(scenario: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/scenarios")
            .join(scenario)
            .with_extension("toml");
        let machine = Machine::new();
        let mut serving = machine.start(&["serve", "--scenario", file.to_str().unwrap()]);
        let line = serving.wait_for_line(|line| line.contains("url"));
        let line: Value = serde_json::from_str(&line).unwrap();
        Self {
            url: line["url"].as_str().unwrap().to_owned(),
            machine,
            serving,
        }
    }

    /// Requests that the server would bill.
    fn bills(self) -> usize {
        self.serving.signal(Signal::INT);
        assert_eq!(self.serving.finish().code, 130);
        let requests = format!("{}/serve/requests", self.machine.data());
        std::fs::read_dir(requests).unwrap().count()
    }
}

/// Submits to it, and waits for the end.
fn submit_to(served: &Served, machine: &Machine) -> Ran {
    let image = format!("image_url={}", machine.portrait());
    machine.run(&submit(&["-i", &image, "--wait", "--server", &served.url]))
}

fn ends_well_with_one_bill(scenario: &str) -> Ran {
    let (served, machine) = (Served::start(scenario), Machine::new());
    let ran = submit_to(&served, &machine);
    assert_eq!(ran.code, 0, "{scenario}: {}{}", ran.stdout, ran.stderr);
    let last = ran.lines().pop().unwrap();
    assert_eq!(last["state"], "completed", "{scenario}");
    let video = last["files"][0]["path"].as_str().unwrap();
    let bytes = std::fs::read(video).unwrap();
    assert_eq!(&bytes[4..8], b"ftyp", "{scenario}");
    assert_eq!(last["files"][0]["bytes"], bytes.len(), "{scenario}");
    assert_eq!(served.bills(), 1, "{scenario}");
    ran
}

#[test]
fn a_lost_answer_to_the_submit_ends_in_one_bill_and_the_video() {
    for scenario in ["lost-answer", "bad-gateway"] {
        let ran = ends_well_with_one_bill(scenario);
        let states = states(&ran);
        assert!(states.contains(&"unconfirmed".to_owned()), "{states:?}");
    }
}

#[test]
fn a_request_that_may_never_have_arrived_is_not_sent_again_and_exits_5() {
    let (served, machine) = (Served::start("lost-request"), Machine::new());
    let ran = submit_to(&served, &machine);
    assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(states(&ran).last().unwrap(), "unconfirmed");
    assert_eq!(served.bills(), 0);
}

#[test]
fn a_storm_of_errors_after_the_submit_fails_no_job() {
    let ran = ends_well_with_one_bill("storm");
    assert!(!states(&ran).contains(&"failed".to_owned()));
}

#[test]
fn a_stream_that_always_breaks_is_followed_by_polling() {
    ends_well_with_one_bill("cut-stream");
}

#[test]
fn a_server_that_is_asked_too_often_is_waited_for() {
    let ran = ends_well_with_one_bill("slow-down");
    assert!(!states(&ran).contains(&"unconfirmed".to_owned()));
}

#[test]
fn a_video_that_comes_in_part_and_then_slowly_comes_whole() {
    ends_well_with_one_bill("slow-media");
}

#[test]
fn a_scenario_that_is_wrong_says_where_and_serves_nothing() {
    let machine = Machine::new();
    let file = machine.file(
        "odd.toml",
        b"[[fault]]\non = \"submit\"\nwhat = \"reset\"\n",
    );
    for (file, want) in [(file.as_str(), "line 3"), ("missing.toml", "No such file")] {
        let ran = machine.run(&["serve", "--scenario", file]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.contains(want), "{}", ran.stderr);
    }
}

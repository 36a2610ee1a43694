//! Several jobs of one command: sweeps and batches.

use std::{collections::HashSet, fs, path::Path};

use serde_json::{Value, json};

use crate::{
    machine::{Machine, Ran},
    money::{Desk, states},
};

const ENDPOINT: &str = "fal-ai/infinitalk/single-text";

fn set<'a>(ran: &'a [Value], name: &str) -> HashSet<&'a Value> {
    ran.iter().map(|line| &line["arguments"][name]).collect()
}

/// The last line of each job.
fn last_lines(ran: &Ran) -> Vec<Value> {
    let mut last: Vec<Value> = Vec::new();
    for line in ran.lines() {
        last.retain(|known| known["id"] != line["id"]);
        last.push(line);
    }
    last
}

fn submit(machine: &Machine, more: &[&str]) -> Ran {
    let image = format!("image_url={}", machine.portrait());
    let mut args = vec!["submit", ENDPOINT, "-i", &image, "-i", "num_frames=41"];
    for text in ["text_input=Hello there.", "voice=Bill", "prompt=A man"] {
        args.extend(["-i", text]);
    }
    args.extend(more);
    machine.run(&args)
}

#[test]
fn a_sweep_of_20_on_the_embedded_server_finishes_with_20_files() {
    let machine = Machine::new();
    let takes = machine.path("takes");
    let sweep = [
        "--sweep", "voice=*", "--wait", "--output", &takes, "--name", "take",
    ];
    let ran = submit(&machine, &sweep);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("20 jobs: free"), "{}", ran.stderr);
    let jobs = last_lines(&ran);
    assert_eq!(jobs.len(), 20);
    assert!(jobs.iter().all(|job| job["state"] == "completed"));
    assert_eq!(set(&jobs, "voice").len(), 20);
    let sweeps: HashSet<_> = jobs
        .iter()
        .map(|job| job["sweep"].as_str().unwrap())
        .collect();
    assert_eq!(sweeps.len(), 1);
    let names: HashSet<_> = jobs
        .iter()
        .map(|job| job["name"].as_str().unwrap())
        .collect();
    assert!(
        names.len() == 20 && names.contains("take Aria"),
        "{names:?}"
    );
    let videos: HashSet<_> = jobs
        .iter()
        .flat_map(|job| job["files"].as_array().unwrap())
        .filter(|file| file["kind"] == "video")
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(videos.len(), 20);
    for video in videos {
        assert!(Path::new(video).starts_with(&takes));
        assert_eq!(&fs::read(video).unwrap()[4..8], b"ftyp");
    }
}

#[test]
fn a_grid_is_costed_as_a_whole_before_anything_is_sent() {
    let desk = Desk::new();
    let grid = [
        "--sweep",
        "voice=Bill,Aria",
        "--sweep",
        "seed=1..3",
        "--dry-run",
    ];
    let ran = desk.submit("9", &grid);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("6 jobs: ≈ $6.96 ($1.16 each) for 34.80 s of video"),
        "{}",
        ran.stderr
    );
    let lines = ran.lines();
    assert_eq!((lines.len(), set(&lines, "seed").len()), (6, 3));
    assert_eq!(desk.fal.posts(), 0);
}

#[test]
fn the_cap_is_looked_at_before_every_single_one_of_a_sweep() {
    let desk = Desk::new();
    let config = desk.configure("[budget]\nday_usd = 2.5\n");
    let ran = desk.submit("9", &["--sweep", "seed=1..5", "--config", &config]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    let mut ends: Vec<_> = last_lines(&ran)
        .iter()
        .map(|job| job["state"].as_str().unwrap().to_owned())
        .collect();
    ends.sort();
    assert_eq!(ends, ["draft", "draft", "draft", "in-queue", "in-queue"]);
    assert_eq!(desk.fal.bills(), 2);
}

#[test]
fn of_a_sweep_that_repeats_a_paid_job_nothing_is_sent_unasked() {
    let desk = Desk::new();
    assert_eq!(states(&desk.submit("2", &[])).last().unwrap(), "in-queue");
    let sweep = ["--sweep", "seed=1..3"];
    let refused = desk.submit("9", &sweep);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("you already have this"),
        "{}",
        refused.stderr
    );
    assert_eq!(desk.fal.posts(), 1);
    let forced = desk.submit("9", &["--sweep", "seed=1..3", "--force"]);
    assert_eq!((forced.code, desk.fal.bills()), (0, 4), "{}", forced.stderr);
}

#[test]
fn a_batch_is_checked_whole_and_a_fault_names_its_object() {
    let desk = Desk::new();
    let object = |seed: Value| {
        json!({
            "image_url": desk.machine.portrait(), "text_input": "Hello.", "voice": "Bill", "prompt": "A man",
            "seed": seed
        })
    };
    let batch = |seeds: &[Value]| {
        let lines: Vec<_> = seeds
            .iter()
            .map(|seed| object(seed.clone()).to_string())
            .collect();
        desk.machine
            .file("batch.jsonl", lines.join("\n").as_bytes())
    };
    let send = |file: &str, more: &[&str]| {
        let mut args = vec!["submit", ENDPOINT, "--input", file];
        args.extend(more);
        desk.machine.run(&args)
    };
    let broken = send(&batch(&[json!(1), json!("x")]), &[]);
    assert_eq!(broken.code, 2);
    assert!(
        broken.stderr.contains("object 2: seed: "),
        "{}",
        broken.stderr
    );
    assert_eq!(desk.fal.posts(), 0);
    let same = send(&batch(&[json!(1), json!(1)]), &[]);
    assert_eq!((same.code, desk.fal.posts()), (2, 0), "{}", same.stderr);
    let all = send(
        &batch(&[json!(1), json!(2)]),
        &["--sweep", "voice=Bill,Aria"],
    );
    assert_eq!((all.code, desk.fal.bills()), (0, 4), "{}", all.stderr);
    assert!(all.stderr.contains("4 jobs: ≈ $4.64"), "{}", all.stderr);
}

#[test]
fn values_that_do_not_fit_end_with_2_and_are_all_named() {
    let machine = Machine::new();
    let ran = submit(
        &machine,
        &[
            "--sweep",
            "voice=Bob",
            "--sweep",
            "seed",
            "--sweep",
            "seed=1..9999",
        ],
    );
    assert_eq!(ran.code, 2);
    for part in [
        "voice: \"Bob\" is not one of",
        "--sweep NAME=VALUES",
        "9999 values",
    ] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

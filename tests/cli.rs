//! The subcommands as processes: what they print, what they refuse, how they end.
#![expect(clippy::unwrap_used, reason = "a test's own steps may fail the test")]

#[path = "cli/fake.rs"]
mod fake;
#[path = "tracker/fake_fal.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod fal;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/human.rs"]
mod human;
#[path = "cli/machine.rs"]
mod machine;
#[path = "cli/money.rs"]
mod money;
#[path = "common/pty.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod pty;
#[path = "cli/refusals.rs"]
mod refusals;
#[path = "cli/scenarios.rs"]
mod scenarios;
#[path = "cli/sweeps.rs"]
mod sweeps;
#[path = "cli/unknown.rs"]
mod unknown;
#[path = "cli/usage.rs"]
mod usage;

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};
use talkdeck::{
    model::{
        Arguments, Job, JobId, JobState, RequestId, ServerId, Timestamp, job::Account,
        request::Consent, server::KeyFingerprint,
    },
    store::Store,
};

use fake::Fake;
use machine::{Machine, Ran};

const ENDPOINT: &str = "fal-ai/infinitalk/single-text";

const SUBCOMMANDS: [&str; 12] = [
    "submit",
    "resubmit",
    "jobs",
    "show",
    "logs",
    "watch",
    "cancel",
    "confirm",
    "download",
    "endpoints",
    "serve",
    "completions",
];

/// A whole request; `more` overrides it.
fn submit<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["submit", ENDPOINT];
    for pair in [
        "text_input=Good morning to you.",
        "voice=Bill",
        "prompt=A man talks.",
        "num_frames=41",
        "image_url=https://example.org/face.png",
    ] {
        args.extend(["-i", pair]);
    }
    args.extend(more);
    args
}

fn stored_job(name: &str, state: JobState) -> Job {
    let arguments: Arguments = [("text_input".to_owned(), json!("Hello \u{9b}2J there."))]
        .into_iter()
        .collect();
    Job {
        id: JobId::random(),
        request_id: Some(RequestId::new(format!("request-of-{name}"))),
        endpoint: ENDPOINT.parse().unwrap(),
        name: name.into(),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: KeyFingerprint::from_stored("0123456789abcdef".to_owned()),
        },
        state,
        remote_status: None,
        cancel_requested: false,
        percent: None,
        created_at: Timestamp::now(),
        submitted_at: None,
        started_at: None,
        completed_at: None,
        inference_time: None,
        estimated_cost: None,
        unit_price: None,
        billed_units: None,
        arguments,
        seed_drawn: false,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: Vec::new(),
        error: None,
        notice: None,
    }
}

/// The names of the states in the order in which they were printed.
fn states(ran: &Ran) -> Vec<String> {
    ran.lines()
        .iter()
        .map(|job| job["state"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn help_teaches() {
    let machine = Machine::new();
    for (name, args) in [
        ("help", vec!["--help"]),
        ("help_submit", vec!["submit", "--help"]),
    ] {
        let ran = machine.run(&args);
        assert_eq!(ran.code, 0);
        insta::assert_snapshot!(name, ran.stdout);
    }
    let version = machine.run(&["--version"]);
    assert_eq!(
        version.stdout,
        concat!("talkdeck ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn completions_name_every_subcommand() {
    let machine = Machine::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = machine.run(&["completions", shell]).stdout;
        for name in SUBCOMMANDS {
            assert!(script.contains(name), "{shell} {name}");
        }
    }
}

#[test]
fn endpoints_tell_their_fields() {
    let machine = Machine::new();
    let all = machine.run(&["endpoints"]).lines();
    assert_eq!(all[0]["id"], ENDPOINT);
    let one = machine.run(&["endpoints", ENDPOINT]).lines();
    assert_eq!(one, [all[0].clone()]);
    let field = |name: &str| {
        let fields = one[0]["fields"].as_array().unwrap();
        fields
            .iter()
            .find(|field| field["name"] == name)
            .unwrap()
            .clone()
    };
    let frames = field("num_frames");
    assert_eq!(
        (
            &frames["type"],
            &frames["minimum"],
            &frames["maximum"],
            &frames["default"]
        ),
        (&json!("integer"), &json!(41), &json!(721), &json!(145))
    );
    assert_eq!(frames["required"], false);
    assert_eq!(frames["options"], Value::Null);
    assert_eq!(field("voice")["options"].as_array().unwrap().len(), 20);
}

#[test]
fn an_unknown_endpoint_is_refused_with_its_neighbour() {
    let machine = Machine::new();
    let ran = machine.run(&["submit", "fal-ai/infinitalk/single-txt"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains(&format!("did you mean {ENDPOINT}?")),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_stored() {
    let machine = Machine::new();
    let text = machine.file("not-a-picture.png", b"just words");
    let text = format!("image_url={text}");
    let broken = machine.file("broken.json", b"{\"seed\": ");
    let list = machine.file("list.json", b"[1]");
    let cases: [(&[&str], &str); 12] = [
        (
            &["-i", "image_url=nowhere.png"],
            "/nowhere.png does not exist",
        ),
        (&["-i", &text], "/not-a-picture.png is of no kind"),
        (
            &["-i", "num_frames=40"],
            "num_frames: 40 is not a whole number from 41 to 721",
        ),
        (&["-i", "num_frames=many"], "num_frames: “many”"),
        (&["-i", "voice=bill"], "voice: \"bill\" is not one of"),
        (&["-i", "text_input="], "text_input: empty"),
        (
            &["-i", "text_input=@words.txt"],
            "text_input: @ uploads a file",
        ),
        (&["-i", "speed=2"], "speed: no such field"),
        (&["-i", "seed"], "write -i NAME=VALUE"),
        (&["--input", "missing.json"], "--input missing.json: "),
        (&["--input", &broken], "not JSON"),
        (&["--input", &list], "no JSON object"),
    ];
    for (more, want) in cases {
        for dry in [true, false] {
            let mut args = submit(more);
            args.extend(dry.then_some("--dry-run"));
            let ran = machine.run(&args);
            assert_eq!(ran.code, 2, "{more:?}: {}", ran.stderr);
            assert_eq!(ran.stdout, "");
            let told: Vec<_> = ran.stderr.lines().collect();
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].starts_with("talkdeck: ") && told[0].contains(want),
                "{told:?}"
            );
        }
    }
    assert_eq!(machine.run(&["jobs"]).stdout, "");
}

#[test]
fn every_missing_field_is_told_on_its_own_line() {
    let ran = Machine::new().run(&["submit", ENDPOINT]);
    let named: Vec<_> = ran
        .stderr
        .lines()
        .map(|line| line.split(": ").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(named, ["image_url", "text_input", "voice", "prompt"]);
    let ran = Machine::new().run(&["submit", "fal-ai/infinitalk"]);
    let sound = "talkdeck: audio_url: missing; it takes a sound file (a path, a URL or a data URI)";
    assert!(
        ran.stderr.lines().any(|line| line == sound),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_dry_run_shows_the_whole_request_and_its_price_and_sends_nothing() {
    let mut machine = Machine::new();
    let fake = Fake::answering(500, "{}");
    machine.set("FAL_KEY", "id:secret");
    let input = machine.file(
        "in.json",
        br#"{"seed": 1, "num_frames": 145, "image_url": "https://example.org/a.png"}"#,
    );
    let server = fake.url();
    let more = [
        "--input",
        &input,
        "-i",
        "num_frames=145",
        "-i",
        "seed=7",
        "--name",
        "take",
        "--dry-run",
        "--server",
        &server,
    ];
    let ran = machine.run(&submit(&more));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let job = &ran.lines()[0];
    assert_eq!(job["id"], Value::Null);
    assert_eq!(job["state"], "draft");
    assert_eq!(job["name"], "take");
    assert_eq!(job["estimated_cost_usd"], 1.16);
    assert_eq!(
        job["arguments"],
        json!({
            "image_url": "https://example.org/face.png", "text_input": "Good morning to you.", "voice": "Bill",
            "prompt": "A man talks.", "num_frames": 145, "resolution": "480p", "seed": 7, "acceleration": "regular"
        })
    );
    assert!(ran.stderr.contains("≈ $1.16 for 5.80 s"), "{}", ran.stderr);
    assert_eq!(fake.calls(), 0);
    assert_eq!(machine.run(&["jobs"]).stdout, "");
}

#[test]
fn a_submit_is_followed_to_its_video_and_found_again() {
    let machine = Machine::new();
    let picture = machine.portrait();
    let image = format!("image_url={picture}");
    let out = machine.path("takes");
    let ran = machine.run(&submit(&[
        "-i", &image, "--wait", "--output", &out, "--json",
    ]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("free for 1.64 s"), "{}", ran.stderr);

    let jobs = ran.lines();
    let states = states(&ran);
    let last = jobs.last().unwrap();
    assert_eq!(last["state"], "completed", "{states:?}");
    assert!(
        states.windows(2).all(|pair| pair[0] != pair[1]),
        "{states:?}"
    );
    assert!(jobs.iter().all(|job| job["id"] == last["id"]));
    assert_eq!(last["name"], "Good morning to you");
    assert_eq!(last["arguments"]["image_url"], *picture);
    assert_eq!(last["files"].as_array().unwrap().len(), 1);
    let video = last["files"][0]["path"].as_str().unwrap();
    let bytes = fs::read(video).unwrap();
    assert!(video.starts_with(&out), "{video}");
    assert_eq!(last["files"][0]["bytes"], bytes.len());
    assert_eq!(&bytes[4..8], b"ftyp");

    let id = last["id"].as_str().unwrap();
    let request_id = last["request_id"].as_str().unwrap();
    for name in [id, &id[..6], request_id] {
        let shown = machine.run(&["show", name]).lines();
        assert_eq!(shown[0]["id"], id);
        assert_eq!(
            shown[0]["files"].as_array().unwrap().len(),
            2,
            "the video and job.json"
        );
    }
    assert_eq!(machine.run(&["jobs"]).lines().len(), 1);

    let log = machine.run(&["logs", id, "--follow"]).lines();
    assert!(!log.is_empty());
    for line in &log {
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(names, ["job", "time", "level", "message"]);
        assert_eq!(line["job"], id);
        line["time"].as_str().unwrap().parse::<Timestamp>().unwrap();
    }

    let again = machine.path("again");
    let downloaded = machine.run(&["download", id, "--output", &again]).lines();
    let copy = downloaded[0]["files"][0]["path"].as_str().unwrap();
    assert!(copy.starts_with(&again), "{copy}");
    assert_eq!(fs::read(copy).unwrap(), bytes);

    let copy = machine
        .run(&["resubmit", &id[..6], "-i", "voice=Aria", "--dry-run"])
        .lines();
    assert_eq!(copy[0]["parent"], id);
    assert_eq!(copy[0]["arguments"]["voice"], "Aria");
    assert_eq!(copy[0]["arguments"]["image_url"], *picture);
    assert_eq!(
        copy[0]["arguments"]["seed"],
        Value::Null,
        "talkdeck drew it, so it is drawn anew"
    );

    let ran = machine.run(&["cancel", id]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nothing to cancel"), "{}", ran.stderr);
    let ran = machine.run(&["watch"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
}

#[test]
fn what_one_command_leaves_running_another_watches_to_its_end() {
    let machine = Machine::new();
    let image = format!("image_url={}", machine.portrait());
    let ran = machine.run(&submit(&["-i", &image]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("talkdeck watch"), "{}", ran.stderr);
    assert_ne!(states(&ran).last().unwrap(), "completed");

    let ran = machine.run(&["watch"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(states(&ran).last().unwrap(), "completed");
    assert!(
        !ran.lines().last().unwrap()["files"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_running_job_is_cancelled_by_another_process() {
    let machine = Machine::new();
    let image = format!("image_url={}", machine.portrait());
    let long = submit(&["-i", &image, "-i", "num_frames=721"]);
    let submitted = machine.run(&long).lines();
    let id = submitted[0]["id"].as_str().unwrap();
    let ran = machine.run(&["cancel", id]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.lines().last().unwrap()["cancel_requested"], true);
    // On a busy machine the server's last word may take longer than the command waits.
    let ran = machine.run(&["watch", id]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(states(&ran).last().unwrap(), "cancelled");
}

#[test]
fn a_job_that_fails_exits_1_with_the_servers_words() {
    // The embedded server fetches nothing from elsewhere.
    let ran = Machine::new().run(&submit(&["--wait"]));
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let last = ran.lines().last().unwrap().clone();
    assert_eq!(last["state"], "failed");
    assert_eq!(last["error"]["fields"][0]["name"], "image_url", "{last}");
}

#[test]
fn an_interrupt_exits_130_and_tells_the_job() {
    let machine = Machine::new();
    let image = format!("image_url={}", machine.portrait());
    let mut child = machine.start(&submit(&["-i", &image, "-i", "num_frames=721", "--wait"]));
    let line = child.wait_for_line(|line| line.contains("\"in-progress\""));
    let job: Value = serde_json::from_str(&line).unwrap();
    child.signal(Signal::INT);
    let ran = child.finish();
    assert_eq!(ran.code, 130, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(job["id"].as_str().unwrap()),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains(job["request_id"].as_str().unwrap()),
        "{}",
        ran.stderr
    );
    let id = job["id"].as_str().unwrap();
    assert_eq!(
        machine.run(&["show", id]).lines()[0]["state"],
        "in-progress"
    );
}

#[test]
fn a_served_origin_takes_requests_by_server() {
    let machine = Machine::new();
    let mut serving = machine.start(&["serve"]);
    let line = serving.wait_for_line(|line| line.contains("url"));
    let line: Value = serde_json::from_str(&line).unwrap();
    let url = line["url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");

    let client = Machine::new();
    let image = format!("image_url={}", client.portrait());
    let ran = client.run(&submit(&["-i", &image, "--wait", "--server", url]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(states(&ran).last().unwrap(), "completed");
    serving.signal(Signal::INT);
    assert_eq!(serving.finish().code, 130);
}

#[test]
fn a_server_elsewhere_needs_https_and_a_key() {
    let machine = Machine::new();
    let code = |server: &str| {
        machine
            .run(&submit(&["--dry-run", "--server", server]))
            .code
    };
    assert_eq!(code("https://fal.example.org"), 3);
    assert_eq!(code("http://fal.example.org"), 2);
    assert_eq!(code("fal.example.org"), 2);
    assert_eq!(code("http://127.0.0.1:9"), 0);
}

#[test]
fn jobs_are_filtered_and_the_newest_fifty_shown() {
    let machine = Machine::new();
    let store = Store::open(machine.data().as_ref()).unwrap();
    let mut ids = Vec::new();
    for number in 0..60 {
        let state = if number % 2 == 0 {
            JobState::Completed
        } else {
            JobState::Failed
        };
        let job = stored_job(&format!("take {number:02}"), state);
        store.insert(&job, None).unwrap();
        ids.push(job.id);
    }
    let names = |args: &[&str]| -> Vec<String> {
        let ran = machine.run(args);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let name = |job: &Value| job["name"].as_str().unwrap().to_owned();
        ran.lines().iter().map(name).collect()
    };
    let newest = names(&["jobs"]);
    assert_eq!((newest.len(), newest[0].as_str()), (50, "take 59"));
    assert_eq!(names(&["jobs", "--limit", "100"]).len(), 60);
    assert_eq!(names(&["jobs", "--search", "take 07"]), ["take 07"]);
    let failed = names(&["jobs", "--state", "failed", "--limit", "2"]);
    assert_eq!(failed, ["take 59", "take 57"]);
    let both = [
        "jobs",
        "--state",
        "failed",
        "--state",
        "completed",
        "--limit",
        "2",
    ];
    assert_eq!(names(&both), ["take 59", "take 58"]);

    let ran = machine.run(&["jobs"]);
    assert!(ran.stdout.contains(r"\u009b"), "remote text is escaped");
    assert!(!ran.stdout.contains('\u{9b}'));

    // Sixty ids share sixteen first digits.
    let first = |id: &JobId| id.as_str()[..1].to_owned();
    let shared = ids
        .iter()
        .map(first)
        .find(|digit| ids.iter().filter(|id| first(id) == *digit).count() > 1);
    let ran = machine.run(&["show", &shared.unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("give more of the id"), "{}", ran.stderr);
    let ran = machine.run(&["show", "request-of-take 07"]);
    assert_eq!(ran.lines()[0]["name"], "take 07");
}

#[test]
fn a_job_that_nobody_knows_is_one_clear_line() {
    let machine = Machine::new();
    for command in ["show", "logs", "watch", "cancel", "download", "resubmit"] {
        let ran = machine.run(&[command, "zzzz"]);
        assert_eq!(ran.code, 2, "{command}");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("there is no job “zzzz”"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn a_job_of_another_key_is_not_followed_and_exits_3() {
    let mut machine = Machine::new();
    let store = Store::open(machine.data().as_ref()).unwrap();
    let job = stored_job("theirs", JobState::InProgress);
    store.insert(&job, None).unwrap();
    let ran = machine.run(&["watch"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("no key for fal.ai"), "{}", ran.stderr);
    machine.set("FAL_KEY", "other:key");
    let ran = machine.run(&["watch", job.id.as_str()]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("another key"), "{}", ran.stderr);
}

#[test]
fn a_configuration_that_is_wrong_says_where() {
    let machine = Machine::new();
    let config = machine.file(
        "config.toml",
        b"theme = \"default\"\n[wallet]\nday_usd = 1\n",
    );
    let ran = machine.run(&["jobs", "--config", &config]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("line 2") && ran.stderr.contains("wallet"),
        "{}",
        ran.stderr
    );

    machine.file("open-key", b"id:secret");
    let config = machine.file("key.toml", b"key_file = 'open-key'");
    let ran = machine.run(&submit(&["--dry-run", "--config", &config]));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("chmod 600") && !ran.stderr.contains("secret"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_store_that_cannot_be_used_exits_7() {
    let machine = Machine::new();
    let file = machine.file("in-the-way", b"");
    let ran = machine.run(&["jobs", "--data-dir", &file]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    fs::create_dir_all(machine.data()).unwrap();
    fs::write(
        format!("{}/talkdeck.db", machine.data()),
        "not a database, but long enough to be taken for one",
    )
    .unwrap();
    let ran = machine.run(&["jobs"]);
    assert_eq!(ran.code, 7, "{}", ran.stderr);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let machine = Machine::new();
    let store = Store::open(machine.data().as_ref()).unwrap();
    for number in 0..200 {
        let job = stored_job(
            &format!("{number} {}", "long ".repeat(100)),
            JobState::Completed,
        );
        store.insert(&job, None).unwrap();
    }
    for args in [vec!["jobs", "--limit", "1000"], vec!["completions", "bash"]] {
        let ran = machine.run_into_nothing(&args);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}");
    }
}

#[test]
fn the_dashboard_needs_a_terminal() {
    let ran = Machine::new().run(&[]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1);
    assert!(ran.stderr.contains("--json"), "{}", ran.stderr);
}

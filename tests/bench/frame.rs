//! How long a frame takes at 200×60 with 10,000 jobs and a log of 10,000 lines, and how long the state needs between.
//!
//! `cargo bench --bench frame`. Under `cargo test --benches` one short round runs, as a check that it works.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};
use serde_json::json;
use talkdeck::{
    app::{Action, App, Message, ServerBadge, Setup},
    catalog::Catalog,
    model::{
        Arguments, Budget, Draft, Job, JobState, Level, LogLine, ServerId, Timestamp, Usd,
        job::Account,
        request::{Confirm, Consent},
        server::KeyFingerprint,
    },
    tui::{
        keymap::Keymap,
        theme::{Palette, Styles},
        view,
    },
};

const SIZE: (u16, u16) = (200, 60);

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (runs, jobs, lines) = if is_bench {
        (500, 10_000, 10_000)
    } else {
        (3, 100, 100)
    };
    let mut app = deck();
    let load = Instant::now();
    app.update(Message::JobsLoaded((0..jobs).map(job).collect()));
    app.update(Message::Action(Action::FocusJobs));
    let loaded = load.elapsed();
    let id = job(jobs - 1).id;
    let read = Instant::now();
    let all = (0..lines).map(log_line).collect();
    app.update(Message::LogsLoaded {
        id: id.clone(),
        from: 0,
        lines: all,
        total: lines,
    });
    let wrapped = read.elapsed();

    println!("{jobs} jobs, {lines} log lines, {}×{}", SIZE.0, SIZE.1);
    println!("| what | median µs | worst of {runs} µs |");
    println!("|---|---|---|");
    row("take in all jobs (once)", vec![loaded]);
    row("take in and wrap the whole log (once)", vec![wrapped]);

    let styles = Styles::new(&Palette::ansi(), true);
    let mut terminal =
        Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a test backend takes any size");
    let mut draw = |app: &App| {
        let started = Instant::now();
        terminal
            .draw(|frame| view::draw(frame, app, &styles))
            .expect("a test backend never fails");
        started.elapsed()
    };
    row("frame", (0..runs).map(|_| draw(&app)).collect());
    app.update(Message::Action(Action::FocusLog));
    app.update(Message::Action(Action::Top));
    row(
        "frame, log at its start",
        (0..runs).map(|_| draw(&app)).collect(),
    );
    app.update(Message::Action(Action::OpenPalette));
    row(
        "frame, palette open",
        (0..runs).map(|_| draw(&app)).collect(),
    );
    app.update(Message::Action(Action::Back));

    app.update(Message::Action(Action::FocusJobs));
    row(
        "one job changes",
        times(runs, |n| {
            let mut changed = job(n % jobs);
            changed.percent = Some(u8::try_from(n % 100).expect("below 100"));
            app.update(Message::JobChanged(Box::new(changed)));
        }),
    );
    row(
        "one job is new",
        times(runs, |n| {
            app.update(Message::JobChanged(Box::new(job(jobs + n))));
        }),
    );
    row(
        "one log line more, the ring being full",
        times(runs, |n| {
            let from = lines + u64::from(n);
            app.update(Message::LogsLoaded {
                id: id.clone(),
                from,
                lines: vec![log_line(from)],
                total: from + 1,
            });
        }),
    );
    app.update(Message::Action(Action::FilterJobs));
    row(
        "a letter of the filter",
        times(runs.min(50), |n| {
            let code = if n.is_multiple_of(2) {
                KeyCode::Char('4')
            } else {
                KeyCode::Backspace
            };
            app.update(Message::Key(KeyEvent::from(code)));
        }),
    );
    app.update(Message::Action(Action::Back));
    row(
        "another width: all lines wrapped anew",
        times(runs.min(50), |n| {
            let columns = SIZE.0 - u16::try_from(n % 2).expect("0 or 1") * 20;
            app.update(Message::Resized {
                columns,
                rows: SIZE.1,
            });
        }),
    );
}

fn times(runs: u32, mut call: impl FnMut(u32)) -> Vec<Duration> {
    (0..runs)
        .map(|n| {
            let started = Instant::now();
            call(black_box(n));
            started.elapsed()
        })
        .collect()
}

fn row(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let median = times[times.len() / 2].as_micros();
    let worst = times[times.len() - 1].as_micros();
    println!("| {what} | {median} | {worst} |");
}

fn deck() -> App {
    let catalog = Arc::new(Catalog::builtin());
    let draft = Draft {
        endpoint: catalog.first().id.clone(),
        arguments: arguments(),
        name: "".into(),
        parent: None,
    };
    let setup = Setup {
        catalog,
        server: ServerBadge {
            id: ServerId::fal(),
            label: "fal.ai".into(),
            hint: "".into(),
        },
        preview_available: true,
        draft,
        slot: talkdeck::model::draft::Slot::Editor,
        confirm: Confirm::Paid,
        budget: Budget::default(),
        now: Timestamp::from_second(1_800_020_000).expect("a time of this century"),
        time_zone: TimeZone::UTC,
        size: SIZE,
        commands: Keymap::default().commands(),
        notices: vec![],
    };
    App::new(setup).0
}

fn arguments() -> Arguments {
    serde_json::from_value(json!({
        "image_url": "/home/me/face.png",
        "text_input": "Spend more time with people who make you feel alive, and less with people you feel you have to impress.",
        "voice": "Bill", "prompt": "A man talks.", "num_frames": 145, "resolution": "480p", "seed": 42, "acceleration": "regular"
    }))
    .expect("arguments are an object")
}

fn job(number: u32) -> Job {
    let created_at =
        Timestamp::from_second(1_800_000_000 + i64::from(number)).expect("a time of this century");
    let states = [
        JobState::InProgress,
        JobState::Completed,
        JobState::InQueue { position: Some(3) },
        JobState::Failed,
    ];
    Job {
        id: format!("{number:012x}").parse().expect("twelve digits"),
        request_id: None,
        endpoint: "fal-ai/infinitalk/single-text"
            .parse()
            .expect("a constant id"),
        name: format!("take {number} with a rather long name 日本語").into(),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: KeyFingerprint::from_stored("00".to_owned()),
        },
        state: states[number as usize % states.len()].clone(),
        remote_status: None,
        cancel_requested: false,
        percent: Some(62),
        created_at,
        submitted_at: Some(created_at),
        started_at: Some(created_at),
        completed_at: None,
        inference_time: None,
        estimated_cost: Some(Usd::from_dollars(1.16)),
        unit_price: None,
        billed_units: None,
        arguments: arguments(),
        seed_drawn: false,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: vec![],
        error: None,
        notice: None,
    }
}

fn log_line(number: u64) -> LogLine {
    let second = 1_800_000_000 + i64::try_from(number).expect("a few thousand");
    let text = if number.is_multiple_of(5) {
        format!(
            "step {number}: a line that is longer than the pane is wide, so that it has to be wrapped, with 日本語 in it, {}",
            "and more of it ".repeat(8)
        )
    } else {
        format!(" {}%|██████    | {number}/10000", number % 100)
    };
    LogLine::new(
        Timestamp::from_second(second).expect("a time of this century"),
        Level::Stderr,
        &text,
    )
}

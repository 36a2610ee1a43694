//! How long a form of eighty fields takes to open, to change and to draw, and a letter among 1,500 endpoints.
//!
//! `cargo bench --bench forms`. It fails when opening takes 10 ms or a letter 5 ms. Under `cargo test --benches` one
//! short round runs, as a check that it works.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};
use talkdeck::{
    app::{Action, App, Message, ServerBadge, Setup},
    catalog::{Catalog, Endpoint, Listed},
    model::{Budget, Draft, ServerId, Timestamp, request::Confirm},
    tui::{
        keymap::Keymap,
        theme::{Palette, Styles},
        view,
    },
};

const DOCUMENT: &str = include_str!("../openapi/eighty.json");
const SIZE: (u16, u16) = (200, 60);
const MODELS: usize = 1500;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let runs = if is_bench { 500 } else { 3 };
    let endpoint = Endpoint::from_openapi(DOCUMENT).expect("the document is one");
    println!(
        "{} fields, {MODELS} endpoints, {}×{}",
        endpoint.fields.len(),
        SIZE.0,
        SIZE.1
    );
    println!("| what | median µs | worst of {runs} µs |");
    println!("|---|---|---|");
    let read = || black_box(Endpoint::from_openapi(DOCUMENT).expect("the document is one"));
    row("read the document", timed(runs, read));
    let opening = row("open the form", timed(runs, || deck(&endpoint)));

    let mut app = deck(&endpoint);
    let styles = Styles::new(&Palette::ansi(), true);
    let mut terminal =
        Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a test backend takes any size");
    let frames = timed(runs, || {
        terminal
            .draw(|frame| view::draw(frame, &app, &styles))
            .expect("a test backend never fails");
    });
    row("frame", frames);
    app.update(Message::Action(Action::EditField));
    let letters = timed(runs, || {
        app.update(Message::Key(KeyEvent::from(KeyCode::Char('x'))))
    });
    row("a letter into a field", letters);
    app.update(Message::Action(Action::Leave));

    app.update(Message::Models((0..MODELS).map(listed).collect()));
    app.update(Message::Action(Action::ChooseEndpoint));
    let mut searched = Vec::new();
    for _ in 0..runs {
        for letter in ['a', 'v', 't', 'r'] {
            let started = Instant::now();
            app.update(Message::Key(KeyEvent::from(KeyCode::Char(letter))));
            searched.push(started.elapsed());
        }
        for _ in 0..4 {
            let started = Instant::now();
            app.update(Message::Key(KeyEvent::from(KeyCode::Backspace)));
            searched.push(started.elapsed());
        }
    }
    let letter = row("a letter of the search", searched);
    if is_bench {
        assert!(
            opening < Duration::from_millis(10),
            "opening took {opening:?}"
        );
        assert!(
            letter < Duration::from_millis(5),
            "a letter took {letter:?}"
        );
    }
}

/// A dashboard with an empty draft of `endpoint`.
fn deck(endpoint: &Endpoint) -> App {
    let keymap = Keymap::default();
    let (app, _) = App::new(Setup {
        catalog: Arc::new(Catalog::builtin().with(endpoint.clone())),
        server: ServerBadge {
            id: ServerId::fal(),
            label: "fal.ai".into(),
            hint: "".into(),
        },
        preview_available: true,
        draft: Draft {
            endpoint: endpoint.id.clone(),
            arguments: endpoint.defaults(),
            name: "".into(),
            parent: None,
        },
        slot: talkdeck::model::draft::Slot::Editor,
        confirm: Confirm::Paid,
        budget: Budget::default(),
        now: Timestamp::UNIX_EPOCH,
        time_zone: TimeZone::UTC,
        size: SIZE,
        commands: keymap.commands(),
        notices: vec![],
    });
    app
}

/// Names and titles such as fal has.
fn listed(at: usize) -> Listed {
    let owners = ["fal-ai", "bytedance", "veed", "someone-else"];
    let makes = [
        "avatar",
        "lipsync",
        "flux",
        "kling-video",
        "wan",
        "talking-head",
        "upscaler",
    ];
    let (owner, make) = (owners[at % owners.len()], makes[at % makes.len()]);
    Listed {
        id: format!("{owner}/{make}/v{}/model-{at}", at % 5)
            .parse()
            .expect("a plain id"),
        title: format!("{make} number {at}, of a length as titles have it").into(),
        category: "image-to-video".into(),
    }
}

fn timed<T>(runs: usize, mut call: impl FnMut() -> T) -> Vec<Duration> {
    let once = |call: &mut dyn FnMut() -> T| {
        let started = Instant::now();
        black_box(call());
        started.elapsed()
    };
    (0..runs).map(|_| once(&mut call)).collect()
}

/// Prints a row of the table and gives the median.
fn row(what: &str, mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "| {what} | {} | {} |",
        median.as_micros(),
        worst.as_micros()
    );
    median
}

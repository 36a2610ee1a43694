//! How long a letter takes from the keyboard to the painted frame, in a script of 100 KB.
//!
//! `cargo bench --bench typing`. Under `cargo test --benches` one short round runs, as a check that it works.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossterm::event::{KeyCode, KeyEvent};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend};
use talkdeck::{
    app::{Action, App, Message, ServerBadge, Setup},
    catalog::Catalog,
    model::{Budget, Draft, ServerId, Timestamp, draft::Slot, request::Confirm},
    tui::{
        keymap::Keymap,
        theme::{Palette, Styles},
        view,
    },
};

const SIZE: (u16, u16) = (120, 36);
/// Bytes of the script.
const LONG: usize = 100_000;
/// 95 of 100 letters are on the screen within this.
const LIMIT: Duration = Duration::from_millis(4);

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let letters = if is_bench { 500 } else { 20 };
    let words = "Spend more time with people who make you feel alive. ";
    let lines = words.repeat(2) + "\n";
    let wide = "日本語のテキストを話します。 ";
    println!(
        "a letter in a script of {LONG} bytes, {}×{}",
        SIZE.0, SIZE.1
    );
    println!("| script | median µs | p95 µs | worst of {letters} µs |");
    println!("|---|---|---|---|");
    for (what, piece) in [
        ("lines of 100 letters", lines.as_str()),
        ("one line", words),
        ("one line of wide characters", wide),
    ] {
        let p95 = typed(what, &piece.repeat(LONG / piece.len()), letters);
        if is_bench {
            assert!(p95 < LIMIT, "{what}: {p95:?}");
        }
    }
}

/// Types into `script` and prints a row; gives the time that 95 of 100 letters keep.
fn typed(what: &str, script: &str, letters: usize) -> Duration {
    let mut app = deck(script);
    let styles = Styles::new(&Palette::ansi(), true);
    let mut terminal = Terminal::new(TestBackend::new(SIZE.0, SIZE.1)).expect("a screen in memory");
    app.update(Message::Action(Action::EditField));
    let mut times = Vec::with_capacity(letters);
    for letter in "some more words ".chars().cycle().take(letters) {
        let began = Instant::now();
        app.update(Message::Key(KeyEvent::from(KeyCode::Char(letter))));
        terminal
            .draw(|frame| view::draw(frame, &app, &styles))
            .expect("a screen in memory");
        times.push(began.elapsed());
    }
    times.sort_unstable();
    let (median, p95) = (times[letters / 2], times[letters * 95 / 100]);
    println!(
        "| {what} | {} | {} | {} |",
        median.as_micros(),
        p95.as_micros(),
        times[letters - 1].as_micros()
    );
    p95
}

fn deck(script: &str) -> App {
    let catalog = Arc::new(Catalog::builtin());
    let mut arguments = catalog.first().defaults();
    arguments.set("text_input", script);
    let draft = Draft {
        endpoint: catalog.first().id.clone(),
        arguments,
        name: "".into(),
        parent: None,
    };
    let (app, _) = App::new(Setup {
        catalog,
        server: ServerBadge {
            id: ServerId::fal(),
            label: "fal.ai".into(),
            hint: "".into(),
        },
        preview_available: true,
        draft,
        slot: Slot::Editor,
        confirm: Confirm::Paid,
        budget: Budget::default(),
        now: Timestamp::UNIX_EPOCH,
        time_zone: TimeZone::UTC,
        size: SIZE,
        commands: Keymap::default().commands(),
        notices: vec![],
    });
    app
}

//! A deck on a test backend, driven by keys.

use std::{sync::Arc, time::Duration};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, layout::Position};
use serde_json::json;
use talkdeck::{
    app::{App, Effect, Message, ServerBadge, Setup, message::FileFacts},
    catalog::{Catalog, Endpoint},
    model::{
        Arguments, Budget, Draft, Job, JobError, JobState, Level, LogLine, RequestId, ServerId,
        Timestamp, Usd,
        job::{Account, FieldError, FileKind, SavedFile},
        request::{Confirm, Consent},
        server::KeyFingerprint,
    },
    tui::{
        keymap::{Keymap, translate},
        theme::{Palette, Styles},
        view,
    },
};

pub(crate) struct Screen {
    pub(crate) app: App,
    pub(crate) effects: Vec<Effect>,
    keymap: Keymap,
}

pub(crate) fn now() -> Timestamp {
    "2026-11-22T09:15:00Z".parse().unwrap()
}

impl Screen {
    /// A key is there; submits cost money.
    pub(crate) fn at_fal(size: (u16, u16)) -> Self {
        let server = ServerBadge {
            id: ServerId::fal(),
            label: "fal.ai".into(),
            hint: "".into(),
        };
        Self::new(size, server, "~/faces/anna.png")
    }

    /// No key is there; everything is free.
    pub(crate) fn in_preview(size: (u16, u16)) -> Self {
        let server = ServerBadge {
            id: ServerId::preview(),
            label: "local preview".into(),
            hint: "set FAL_KEY for fal.ai".into(),
        };
        Self::new(size, server, "~/.local/share/talkdeck/sample-portrait.png")
    }

    /// An empty draft of an endpoint that is read from its document.
    pub(crate) fn of_document(size: (u16, u16), json: &str) -> Self {
        let endpoint = Endpoint::from_openapi(json).unwrap();
        let mut screen = Self::at_fal(size);
        let draft = Draft {
            endpoint: endpoint.id.clone(),
            arguments: endpoint.defaults(),
            name: "".into(),
            parent: None,
        };
        let (app, effects) = App::new(Setup {
            catalog: Arc::new(Catalog::builtin().with(endpoint)),
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
            now: now(),
            time_zone: TimeZone::UTC,
            size,
            commands: screen.keymap.commands(),
            notices: vec![],
        });
        (screen.app, screen.effects) = (app, effects);
        screen
    }

    fn new(size: (u16, u16), server: ServerBadge, image: &str) -> Self {
        let keymap = Keymap::default();
        let catalog = Arc::new(Catalog::builtin());
        let draft = Draft {
            endpoint: catalog.first().id.clone(),
            arguments: arguments(image),
            name: "".into(),
            parent: None,
        };
        let (app, effects) = App::new(Setup {
            catalog,
            server,
            preview_available: true,
            draft,
            slot: talkdeck::model::draft::Slot::Editor,
            confirm: Confirm::Paid,
            budget: Budget {
                session: None,
                day: Some(Usd::from_dollars(10.0)),
            },
            now: now(),
            time_zone: TimeZone::UTC,
            size,
            commands: keymap.commands(),
            notices: vec![],
        });
        let mut screen = Self {
            app,
            effects,
            keymap,
        };
        let told = "2026-11-22T07:15:00Z".parse().unwrap();
        let builtin = Catalog::builtin();
        let ids: Vec<_> = builtin.endpoints().map(|of| of.id.clone()).collect();
        let priced = builtin.with_prices(
            ids.iter()
                .map(|id| (id, Some(Usd::from_dollars(0.2)), told)),
        );
        screen.tell(Message::Prices(priced));
        let facts = FileFacts {
            format: "png".into(),
            size: Some((1024, 1024)),
            is_turned: false,
            length: None,
            bytes: 312_000,
        };
        screen.tell(Message::FileInspected {
            field: "image_url".to_owned(),
            path: image.to_owned(),
            finding: Ok(facts),
        });
        screen
    }

    pub(crate) fn tell(&mut self, message: Message) -> &mut Self {
        self.effects.extend(self.app.update(message));
        self.measure()
    }

    /// Answers what asks how long the script is spoken.
    fn measure(&mut self) -> &mut Self {
        let asked = self
            .effects
            .iter()
            .position(|effect| matches!(effect, Effect::MeasureSpeech(_)));
        if let Some(at) = asked
            && let Effect::MeasureSpeech(words) = self.effects.remove(at)
        {
            let speech = Some(talkdeck::model::Speech {
                length: Duration::from_millis(4600),
                margin: Duration::from_millis(550),
            });
            let answer = words.into_iter().map(|words| (words, speech));
            self.tell(Message::SpeechMeasured(answer.collect()));
        }
        self
    }

    /// Presses a key written like in the config file.
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        let (modifiers, name) = match key.strip_prefix("ctrl-") {
            Some(name) => (KeyModifiers::CONTROL, name),
            None => (KeyModifiers::NONE, key),
        };
        let code = match name {
            "enter" => KeyCode::Enter,
            "esc" => KeyCode::Esc,
            "tab" => KeyCode::Tab,
            "down" => KeyCode::Down,
            "up" => KeyCode::Up,
            "left" => KeyCode::Left,
            "right" => KeyCode::Right,
            "backspace" => KeyCode::Backspace,
            one => KeyCode::Char(one.chars().next().unwrap()),
        };
        self.press(KeyEvent::new(code, modifiers))
    }

    fn press(&mut self, key: KeyEvent) -> &mut Self {
        for message in translate(&Event::Key(key), &self.app, &self.keymap) {
            self.tell(message);
        }
        self
    }

    pub(crate) fn typed(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.press(KeyEvent::from(KeyCode::Char(c)));
        }
        self
    }

    /// Empties the field that is typed into.
    pub(crate) fn clear_field(&mut self) -> &mut Self {
        for _ in 0..200 {
            self.key("backspace");
        }
        self
    }

    /// Goes to the field with this label.
    pub(crate) fn go_to_field(&mut self, label: &str) -> &mut Self {
        self.key("1");
        for _ in 0..20 {
            self.key("up");
        }
        for _ in 0..20 {
            if self.text().contains(&format!("▸ {label}")) {
                return self;
            }
            self.key("down");
        }
        panic!("no field {label}\n{}", self.text());
    }

    /// Selects the job whose id begins like this.
    pub(crate) fn select(&mut self, id: &str) -> &mut Self {
        self.key("2").key("g");
        for _ in 0..50 {
            if self.text().contains(&format!("▸ {id}")) {
                return self;
            }
            self.key("j");
        }
        panic!("no job {id}\n{}", self.text());
    }

    pub(crate) fn draw(&self, color: bool) -> Buffer {
        self.draw_at(self.app.size(), color).0
    }

    pub(crate) fn draw_at(
        &self,
        (columns, rows): (u16, u16),
        color: bool,
    ) -> (Buffer, Option<Position>) {
        let styles = Styles::new(&Palette::ansi(), color);
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal
            .draw(|frame| view::draw(frame, &self.app, &styles))
            .unwrap();
        let visible = terminal.backend().cursor_visible();
        let cursor = visible.then(|| terminal.get_cursor_position().unwrap());
        (terminal.backend().buffer().clone(), cursor)
    }

    pub(crate) fn text(&self) -> String {
        lines(&self.draw(true))
    }

    /// The screen, and below it where the cursor is and what stands before it.
    pub(crate) fn text_with_cursor(&self) -> String {
        let (buffer, cursor) = self.draw_at(self.app.size(), true);
        let cursor = cursor.expect("a cursor is shown");
        let row = lines(&buffer)
            .lines()
            .nth(usize::from(cursor.y))
            .unwrap()
            .to_owned();
        format!(
            "{}\ncursor: column {}, row {} of {row:?}",
            lines(&buffer),
            cursor.x,
            cursor.y
        )
    }
}

/// The rows of a buffer as text; the cell behind a wide character is not a character.
fn lines(buffer: &Buffer) -> String {
    let area = buffer.area;
    (0..area.height)
        .map(|y| {
            let mut row = String::new();
            let mut x = 0;
            while x < area.width {
                let symbol = buffer[(x, y)].symbol();
                row.push_str(symbol);
                x += u16::try_from(talkdeck::app::text::width(symbol))
                    .unwrap()
                    .max(1);
            }
            row.trim_end().to_owned()
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Where `text` begins on the screen.
pub(crate) fn find(buffer: &Buffer, text: &str) -> (u16, u16) {
    let area = buffer.area;
    for y in 0..area.height {
        for x in 0..area.width {
            let rest: String = (x..area.width).map(|x| buffer[(x, y)].symbol()).collect();
            if rest.starts_with(text) {
                return (x, y);
            }
        }
    }
    panic!("{text} is not on the screen\n{}", lines(buffer));
}

pub(crate) fn arguments(image: &str) -> Arguments {
    serde_json::from_value(json!({
        "image_url": image,
        "text_input": "Spend more time with people who make you feel alive, and less with people you feel you have to impress.",
        "voice": "Bill",
        "prompt": "An elderly man with a white beard sits in a garden and talks to the camera.",
        "num_frames": 145,
        "resolution": "480p",
        "seed": 42,
        "acceleration": "regular",
    }))
    .unwrap()
}

/// A running job whose id begins with the four digits `short`.
pub(crate) fn job(short: &str) -> Job {
    Job {
        id: format!("{short}00000000").parse().unwrap(),
        request_id: Some(RequestId::new("0b6f7c1e-5d0a-4a4e-9f0b-3c1d2e4f5a6b")),
        endpoint: "fal-ai/infinitalk/single-text".parse().unwrap(),
        name: "anna intro".into(),
        parent: None,
        sweep: None,
        account: Account {
            server: ServerId::fal(),
            key: KeyFingerprint::from_stored("00".to_owned()),
        },
        state: JobState::InProgress,
        remote_status: None,
        cancel_requested: false,
        percent: Some(62),
        created_at: "2026-11-22T09:14:15Z".parse().unwrap(),
        submitted_at: Some("2026-11-22T09:14:19Z".parse().unwrap()),
        started_at: Some("2026-11-22T09:14:21Z".parse().unwrap()),
        completed_at: None,
        inference_time: None,
        estimated_cost: Some(Usd::from_dollars(1.16)),
        unit_price: None,
        billed_units: None,
        arguments: arguments("/home/me/faces/anna.png"),
        seed_drawn: false,
        request_hash: None,
        consent: Consent::default(),
        output: None,
        files: vec![],
        error: None,
        notice: None,
    }
}

/// One job in every state, the newest first in the list being the running one.
pub(crate) fn jobs_of_a_day() -> Vec<Job> {
    let minute = |minutes: i64| now() - Duration::from_secs(60 * u64::try_from(minutes).unwrap());
    let of = |id: &str, name: &str, voice: &str, state: JobState, minutes: i64| {
        let mut job = job(id);
        job.name = name.into();
        job.arguments.set("voice", voice);
        job.state = state;
        job.percent = None;
        job.created_at = minute(minutes);
        job.submitted_at = Some(minute(minutes));
        job.started_at = None;
        job
    };
    let mut queued = of(
        "91bc",
        "anna v2",
        "Jessica",
        JobState::InQueue { position: Some(2) },
        1,
    );
    queued.submitted_at = Some("2026-11-22T09:14:48Z".parse().unwrap());
    let mut done = of("7d11", "teaser", "Aria", JobState::Completed, 31);
    done.completed_at = Some(done.created_at + Duration::from_secs(63));
    done.started_at = Some(done.created_at + Duration::from_secs(4));
    done.inference_time = Some(Duration::from_millis(55_210));
    done.billed_units = Some(5.8);
    done.seed_drawn = true;
    done.output = Some(
        json!({"video": {"url": "https://v3.fal.media/files/b/abc/out.mp4", "file_size": 4_650_000, "content_type": "video/mp4"}, "seed": 42}),
    );
    done.files = vec![
        SavedFile {
            path: "/home/me/.local/share/talkdeck/results/2026-11-22/teaser-7d11/teaser.mp4".into(),
            kind: FileKind::Video,
            bytes: 4_650_000,
        },
        SavedFile {
            path: "/home/me/.local/share/talkdeck/results/2026-11-22/teaser-7d11/job.json".into(),
            kind: FileKind::Job,
            bytes: 1_900,
        },
    ];
    let mut failed = of("02c9", "teaser", "Roger", JobState::Failed, 40);
    failed.completed_at = Some(failed.created_at + Duration::from_secs(9));
    failed.error = Some(JobError {
        kind: "face_detection_error".into(),
        message: "no face found".into(),
        fields: vec![FieldError::new(
            "image_url",
            "Could not detect face in the image",
        )],
    });
    let mut long = of("1f00", "", "Charlotte", JobState::Completed, 55);
    long.completed_at = Some(long.created_at + Duration::from_secs(3723));
    long.estimated_cost = Some(Usd::from_dollars(11.54));
    long.arguments.set("num_frames", 721);
    let mut preview = of("c0de", "try out", "Bill", JobState::Completed, 60);
    preview.completed_at = Some(preview.created_at + Duration::from_secs(8));
    preview.account.server = ServerId::preview();
    let mut cancelling = of("ca11", "wrong picture", "Lily", JobState::InProgress, 3);
    cancelling.cancel_requested = true;
    let mut waiting = of("a1d0", "over the cap", "Will", JobState::QueuedLocally, 2);
    waiting.notice = Some("day cap $10.00 reached".into());
    vec![
        job("3f2a"),
        queued,
        waiting,
        cancelling,
        of("5afe", "new set", "River", JobState::Saving, 4),
        of(
            "0bad",
            "night shift",
            "Eric",
            JobState::Unconfirmed { since: minute(5) },
            5,
        ),
        of("0550", "portrait", "Laura", JobState::Uploading, 6),
        of("5e4d", "portrait", "Laura", JobState::Submitting, 7),
        done,
        failed,
        long,
        preview,
        of("dead", "old take", "Brian", JobState::Cancelled, 70),
        of("e0e0", "older take", "Daniel", JobState::Expired, 80),
    ]
}

/// Lines as a model writes them, of every level, some too long for a row.
pub(crate) fn log_lines(count: u64) -> Vec<LogLine> {
    (0..count)
        .map(|n| {
            let time = Timestamp::from_second(1_795_338_843 + i64::try_from(n).unwrap()).unwrap();
            let (level, text) = match n % 8 {
                0 => (Level::Info, "Loading pipeline".to_owned()),
                1 => (Level::Debug, "cache hit".to_owned()),
                5 => (Level::Warn, "the picture is cropped to the middle, because its shape does not fit the video that was asked for".to_owned()),
                7 if n > 30 => (Level::Error, "out of memory, trying again with tiles".to_owned()),
                _ => (Level::Stderr, format!("{:>3}%|██████    | step {n}/{count}", n * 100 / count)),
            };
            LogLine::new(time, level, &text)
        })
        .collect()
}

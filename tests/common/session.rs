//! A whole dashboard with its embedded server, on a screen that a test can read and with keys that it presses.

use std::{
    io,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{Frame, Terminal, backend::TestBackend, layout::Size};
use talkdeck::{
    catalog::Catalog,
    model::{
        Arguments, Budget, CleanText, Draft, Job, Secret, Server, ServerId, request::Confirm,
        server::Hosts,
    },
    server::{self, Engine},
    store::{JobQuery, Store},
    studio,
    tracker::{self, Tracker},
    tui::{
        self, End, Look, Services, Settings, StartPreview,
        outside::{Arrival, Display, Source},
    },
};
use tokio::sync::mpsc;

use crate::puppet::Puppet;

/// What a test waits for at most; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the next start finds: the store, the server's folder, the puppet.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) puppet: Arc<Puppet>,
    pub(crate) budget: Budget,
    /// The key as it is configured now.
    pub(crate) key: Arc<Mutex<&'static str>>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("face.png"), studio::SAMPLE_PORTRAIT).unwrap();
        Self {
            dir,
            puppet: Arc::default(),
            budget: Budget::default(),
            key: Arc::new(Mutex::new("id:secret")),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        Store::open(self.path())
            .unwrap()
            .list(&JobQuery::default())
            .unwrap()
    }

    /// Opens the dashboard without a key.
    pub(crate) fn open(&self) -> Session {
        self.open_at(None)
    }

    /// Opens the dashboard with submits going to `origin`, where they cost money.
    pub(crate) fn open_at(&self, origin: Option<&str>) -> Session {
        let screen = Screen::default();
        let (keys, arrivals) = mpsc::unbounded_channel();
        let (dir, puppet) = (self.path().to_owned(), Arc::clone(&self.puppet));
        let (budget, key) = (self.budget, Arc::clone(&self.key));
        let paid: Option<ReadServer> = origin.map(|origin| {
            let url = url::Url::parse(origin).unwrap();
            let read: ReadServer = Arc::new(move || Server {
                id: ServerId::of_origin(&url),
                hosts: Hosts::at(&url),
                key: Secret::new(*key.lock().unwrap()),
            });
            read
        });
        let display = screen.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            let end = runtime.block_on(run(
                &dir,
                &puppet,
                paid,
                budget,
                display,
                Keys {
                    arrivals,
                    paused: false,
                },
            ));
            runtime.shutdown_timeout(Duration::from_secs(5));
            end
        });
        Session {
            screen,
            keys,
            thread: Some(thread),
        }
    }
}

/// Reads the server and the key as they are configured now.
type ReadServer = Arc<dyn Fn() -> Server + Send + Sync>;

async fn run(
    dir: &Path,
    puppet: &Arc<Puppet>,
    paid: Option<ReadServer>,
    budget: Budget,
    display: Screen,
    keys: Keys,
) -> End {
    let catalog = Arc::new(Catalog::builtin());
    let store = Store::open(dir).unwrap();
    let mut options =
        tracker::Options::new(store.clone(), catalog.clone(), dir, dir.join("results"));
    options.budget = budget;
    options.second = Duration::from_millis(50);
    let (tracker, reports) = Tracker::start(options).unwrap();
    let read = move || paid.as_ref().map(|read| read());
    let server = read();
    let settings = Settings {
        server: server
            .as_ref()
            .map_or_else(ServerId::preview, |server| server.id.clone()),
        draft: draft(&catalog, dir),
        confirm: Confirm::Paid,
        budget,
        time_zone: TimeZone::UTC,
    };
    if let Some(server) = server {
        tracker.add_server(server).await.unwrap();
    }
    let running = Arc::new(Mutex::new(None));
    let mut options = server::Options::new(dir.join("server"), catalog.clone());
    options.engine = Arc::clone(puppet) as Arc<dyn Engine>;
    let start_preview: StartPreview = {
        let running = Arc::clone(&running);
        Arc::new(move || {
            let (options, running) = (options.clone(), Arc::clone(&running));
            Box::pin(async move {
                let connection = server::connect_or_start(options)
                    .await
                    .map_err(|error| CleanText::from(error.to_string()))?;
                *running.lock().unwrap() = connection.running;
                Ok(Server {
                    id: ServerId::preview(),
                    hosts: Hosts::at(&connection.url),
                    key: connection.key,
                })
            })
        })
    };
    let services = Services {
        tracker,
        reports,
        store,
        start_preview,
        reload_server: Arc::new(move || Ok(read())),
        draft_key: "editor".to_owned(),
    };
    let look = Look::new("ansi", dir, &[], true).unwrap();
    let end = tui::run_on(display, keys, look, settings, services)
        .await
        .unwrap();
    let server = running.lock().unwrap().take();
    if let Some(server) = server {
        server.stop().await;
    }
    end
}

/// Runs a dashboard on this process's own terminal, with a task that panics; never returns.
pub(crate) fn run_with_a_panicking_task() {
    let home = Home::new();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (catalog, dir) = (Arc::new(Catalog::builtin()), home.path());
        let store = Store::open(dir).unwrap();
        let options =
            tracker::Options::new(store.clone(), catalog.clone(), dir, dir.join("results"));
        let (tracker, reports) = Tracker::start(options).unwrap();
        let settings = Settings {
            server: ServerId::preview(),
            draft: draft(&catalog, dir),
            confirm: Confirm::Paid,
            budget: Budget::default(),
            time_zone: TimeZone::UTC,
        };
        let services = Services {
            tracker,
            reports,
            store,
            start_preview: Arc::new(|| panic!("a task that panics")),
            reload_server: Arc::new(|| Ok(None)),
            draft_key: "editor".to_owned(),
        };
        let look = Look::new("ansi", dir, &[], true).unwrap();
        tui::run(look, settings, services).await.unwrap();
    });
}

fn draft(catalog: &Catalog, dir: &Path) -> Draft {
    let endpoint = catalog.first();
    let mut arguments: Arguments = endpoint.defaults();
    arguments.set("image_url", dir.join("face.png").to_str().unwrap());
    arguments.set("text_input", "Good morning to all of you.");
    arguments.set("voice", "Bill");
    arguments.set("prompt", "A man talks.");
    Draft {
        endpoint: endpoint.id.clone(),
        arguments,
        name: CleanText::line("intro"),
        parent: None,
    }
}

/// A dashboard that runs.
pub(crate) struct Session {
    screen: Screen,
    keys: mpsc::UnboundedSender<Arrival>,
    thread: Option<JoinHandle<End>>,
}

impl Session {
    /// Presses keys, such as `C-s Tab j`; a word in quotes is typed.
    pub(crate) fn press(&self, keys: &str) {
        for word in keys.split_whitespace() {
            self.send(key(word));
        }
    }

    pub(crate) fn type_text(&self, text: &str) {
        for c in text.chars() {
            self.send(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
        }
    }

    fn send(&self, key: KeyEvent) {
        self.keys
            .send(Arrival::Event(Event::Key(key)))
            .expect("the dashboard runs");
    }

    /// Waits until `text` is on the screen and gives the whole screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(text, |screen| screen.contains(text))
    }

    pub(crate) fn wait_until(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut shown = self.screen.lock();
        loop {
            let text = shown.text();
            if is_there(&text) {
                return text;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never saw {what:?} on\n{text}");
            shown = self.screen.0.drawn.wait_timeout(shown, left).unwrap().0;
        }
    }

    /// Quits, answering the question that comes while something is live.
    pub(crate) fn quit(mut self) -> End {
        self.press("Esc C-c C-c");
        self.end()
    }

    /// Ends as if the process was told to by a signal.
    pub(crate) fn terminate(mut self) -> End {
        self.keys.send(Arrival::Signal(15)).unwrap();
        self.end()
    }

    fn end(&mut self) -> End {
        let thread = self.thread.take().expect("ends once");
        let deadline = Instant::now() + PATIENCE;
        while !thread.is_finished() {
            assert!(
                Instant::now() < deadline,
                "the dashboard does not end:\n{}",
                self.screen.lock().text()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        thread.join().unwrap()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A test that has failed leaves no thread that holds its folder.
        let _ = self.keys.send(Arrival::Signal(15));
    }
}

fn key(word: &str) -> KeyEvent {
    if let Some(letter) = word.strip_prefix("C-") {
        return KeyEvent::new(
            KeyCode::Char(letter.chars().next().unwrap()),
            KeyModifiers::CONTROL,
        );
    }
    let code = match word {
        "Tab" => KeyCode::Tab,
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Down" => KeyCode::Down,
        "Up" => KeyCode::Up,
        "End" => KeyCode::End,
        _ => KeyCode::Char(word.chars().next().unwrap()),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

struct Keys {
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    paused: bool,
}

impl Source for Keys {
    async fn next(&mut self) -> Arrival {
        if self.paused {
            std::future::pending::<()>().await;
        }
        self.arrivals.recv().await.unwrap_or(Arrival::Closed)
    }

    fn pause(&mut self) {
        self.paused = true;
    }

    fn resume(&mut self) {
        self.paused = false;
    }
}

#[derive(Clone, Default)]
struct Screen(Arc<Shown>);

struct Shown {
    terminal: Mutex<Picture>,
    drawn: Condvar,
}

struct Picture(Terminal<TestBackend>);

impl Picture {
    fn text(&self) -> String {
        let buffer = self.0.backend().buffer();
        let rows = buffer.content().chunks(usize::from(buffer.area.width));
        rows.map(|row| {
            row.iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join("\n")
    }
}

impl Default for Shown {
    fn default() -> Self {
        let terminal = Terminal::new(TestBackend::new(120, 36)).unwrap();
        Self {
            terminal: Mutex::new(Picture(terminal)),
            drawn: Condvar::new(),
        }
    }
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, Picture> {
        self.0.terminal.lock().unwrap()
    }
}

impl Display for Screen {
    fn size(&self) -> Size {
        Size {
            width: 120,
            height: 36,
        }
    }

    fn is_ready(&self) -> bool {
        true
    }

    async fn ready(&self) {}

    fn is_gone(&self) -> bool {
        false
    }

    fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.lock().0.draw(render).unwrap();
        self.0.drawn.notify_all();
        Ok(())
    }

    fn copy(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn leave(&mut self) {}

    fn reenter(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! What only a real terminal can tell: the program in a pty.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "common/puppet.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod puppet;
#[path = "common/session.rs"]
#[expect(dead_code, reason = "only what starts a dashboard is used here")]
mod session;

use std::{
    io::{Read, Write},
    num::NonZero,
    path::Path,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// What a test waits for at most; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A program in a terminal.
struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    output: Mutex<Output>,
    changed: Condvar,
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    ended: bool,
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

impl Output {
    fn screen(&self) -> vt100::Parser {
        let mut parser = vt100::Parser::new(size(24), size(80), 0);
        parser.process(&self.bytes);
        parser
    }
}

impl Pty {
    fn start(mut command: CommandBuilder) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env("TERM", "xterm-256color");
        command.env_remove("FAL_KEY");
        command.env_remove("FAL_KEY_ID");
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let seen = Arc::new(Seen::default());
        let (mut reader, of_thread) = (pair.master.try_clone_reader().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // A pty whose other end is gone gives an error instead of an end.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                of_thread
                    .output
                    .lock()
                    .unwrap()
                    .bytes
                    .extend(&buffer[..count]);
                of_thread.changed.notify_all();
            }
            of_thread.output.lock().unwrap().ended = true;
            of_thread.changed.notify_all();
        });
        let keys = pair.master.take_writer().unwrap();
        Self {
            master: pair.master,
            child,
            keys,
            seen,
        }
    }

    fn talkdeck(home: &Path) -> Self {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_talkdeck"));
        command.args(["--data-dir", home.join("data").to_str().unwrap()]);
        command.env("XDG_CONFIG_HOME", home.join("config"));
        Self::start(command)
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
        self.keys.flush().unwrap();
    }

    fn resize(&self, rows: u16, cols: u16) {
        self.master
            .resize(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
    }

    /// Waits until the output is as `is_there` wants it.
    fn wait(&self, what: &str, is_there: impl Fn(&Output) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.seen.output.lock().unwrap();
        while !is_there(&output) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "never saw {what}:\n{}",
                output.screen().screen().contents()
            );
            output = self.seen.changed.wait_timeout(output, left).unwrap().0;
        }
    }

    fn wait_for(&self, text: &str) {
        self.wait(text, |output| {
            output.screen().screen().contents().contains(text)
        });
    }

    fn end(&mut self) -> ExitStatus {
        self.wait("the end of the program", |output| output.ended);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the program does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asserts that the terminal is as it was: main screen, cursor shown, no paste marks, no focus reports.
    fn assert_given_back(&self) {
        let output = self.seen.output.lock().unwrap();
        let parser = output.screen();
        let screen = parser.screen();
        assert!(
            !screen.alternate_screen(),
            "the alternate screen is still on"
        );
        assert!(!screen.hide_cursor(), "the cursor is still hidden");
        assert!(!screen.bracketed_paste(), "pastes are still marked");
        let text = String::from_utf8_lossy(&output.bytes);
        assert!(
            text.rfind("\u{1b}[?1004l") > text.rfind("\u{1b}[?1004h"),
            "focus is still reported"
        );
        let left = text.matches("\u{1b}[?1049l").count();
        assert_eq!(left, 1, "the screen is left once");
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

#[test]
fn the_dashboard_opens_resizes_and_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = Pty::talkdeck(home.path());
    pty.wait_for("local preview");
    pty.resize(12, 40);
    pty.wait("the notice of a small terminal", |output| {
        String::from_utf8_lossy(&output.bytes).contains("60")
    });
    pty.resize(24, 80);
    pty.press(b"\x03");
    pty.press(b"\x03");
    assert!(pty.end().success());
    pty.assert_given_back();
}

#[test]
fn a_signal_gives_the_terminal_back_and_ends_the_program_by_that_signal() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = Pty::talkdeck(home.path());
    pty.wait_for("local preview");
    let pid = pty.child.process_id().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = pty.end();
    assert_eq!(status.signal(), Some("Terminated"), "{status:?}");
    pty.assert_given_back();
}

/// Set for the child of the next test.
const PANICS: &str = "TALKDECK_TEST_PANICS";

#[test]
fn a_panic_in_a_task_ends_the_program_with_a_readable_message() {
    if std::env::var_os(PANICS).is_some() {
        session::run_with_a_panicking_task();
        return;
    }
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    let name = "a_panic_in_a_task_ends_the_program_with_a_readable_message";
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(PANICS, "1");
    let mut pty = Pty::start(command);
    let status = pty.end();
    assert!(!status.success());
    pty.assert_given_back();
    let output = pty.seen.output.lock().unwrap();
    let after = String::from_utf8_lossy(&output.bytes);
    let (_, after) = after.rsplit_once("\u{1b}[?1049l").unwrap();
    assert!(after.contains("a task that panics"), "{after}");
}

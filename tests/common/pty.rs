//! A program in a terminal, as only a pty can tell it from a pipe.

use std::{
    io::{Read, Write},
    num::NonZero,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};

/// What a test waits for at most; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A program in a terminal.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    pub(crate) child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    pub(crate) seen: Arc<Seen>,
}

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) output: Mutex<Output>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Output {
    pub(crate) bytes: Vec<u8>,
    ended: bool,
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).unwrap()
}

impl Output {
    pub(crate) fn screen(&self) -> vt100::Parser {
        let mut parser = vt100::Parser::new(size(24), size(80), 0);
        parser.process(&self.bytes);
        parser
    }
}

impl Pty {
    pub(crate) fn start(mut command: CommandBuilder) -> Self {
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system().openpty(size).unwrap();
        command.env("TERM", "xterm-256color");
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

    pub(crate) fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn resize(&self, rows: u16, cols: u16) {
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
    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&Output) -> bool) {
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

    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(text, |output| {
            output.screen().screen().contents().contains(text)
        });
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        let output = self.seen.output.lock().unwrap();
        output.screen().screen().contents()
    }

    pub(crate) fn end(&mut self) -> ExitStatus {
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
    pub(crate) fn assert_given_back(&self) {
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

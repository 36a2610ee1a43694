//! A home of its own for each test, and the program run in it with a deadline.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use talkdeck::studio::SAMPLE_PORTRAIT;
use tempfile::TempDir;

use crate::pty::Pty;

const PROGRAM: &str = env!("CARGO_BIN_EXE_talkdeck");

/// No command takes longer, on a busy machine, than this.
const DEADLINE: Duration = Duration::from_mins(3);

/// A directory with a home and a data directory in it.
pub(crate) struct Machine {
    dir: TempDir,
    variables: Vec<(String, String)>,
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as JSON lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let read = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
        };
        self.stdout.lines().map(read).collect()
    }
}

impl Machine {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Self {
            dir,
            variables: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// A path in this machine's own directory, which is also where commands run.
    pub(crate) fn path(&self, name: &str) -> String {
        let here = self.dir.path().canonicalize().unwrap();
        here.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn data(&self) -> String {
        self.path("data")
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn portrait(&self) -> String {
        self.file("portrait.png", SAMPLE_PORTRAIT)
    }

    fn environment(&self) -> Vec<(String, String)> {
        let of_all = [
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("HOME", self.path("home")),
            ("TALKDECK_DATA_DIR", self.data()),
        ];
        let of_all = of_all.map(|(name, value)| (name.to_owned(), value));
        of_all.into_iter().chain(self.variables.clone()).collect()
    }

    fn command(&self, args: &[&str]) -> Command {
        self.of(Command::new(PROGRAM), args)
    }

    fn of(&self, mut command: Command, args: &[&str]) -> Command {
        command
            .args(args)
            .env_clear()
            .envs(self.environment())
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Self::spawn(self.command(args))
    }

    /// Runs the program by a shell, in which it is `"$0" "$@"`.
    #[allow(dead_code, reason = "not every program of tests needs it")]
    pub(crate) fn start_by(&self, script: &str, args: &[&str]) -> Running {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script, PROGRAM]);
        Self::spawn(self.of(shell, args))
    }

    fn spawn(mut command: Command) -> Running {
        let mut child = command.spawn().unwrap();
        let (lines, receiver) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                // The test has ended when nobody takes it.
                let _ = lines.send(line.unwrap());
            }
        });
        let errors = BufReader::new(child.stderr.take().unwrap());
        let told = Arc::<Mutex<String>>::default();
        let text = Arc::clone(&told);
        let stderr = thread::spawn(move || {
            for line in errors.lines() {
                let mut text = text.lock().unwrap();
                text.push_str(&line.unwrap());
                text.push('\n');
            }
        });
        Running {
            child,
            lines: receiver,
            read: Vec::new(),
            told,
            stderr: Some(stderr),
            until: Instant::now() + DEADLINE,
        }
    }

    /// Starts a command in a terminal of 24 rows and 80 columns.
    pub(crate) fn start_in_terminal(&self, args: &[&str]) -> Pty {
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(args);
        command.env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.cwd(self.dir.path());
        Pty::start(command)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.start(args).finish()
    }

    /// Runs a command whose standard output nobody reads.
    pub(crate) fn run_into_nothing(&self, args: &[&str]) -> Ran {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = self.command(args).stdout(writer).spawn().unwrap();
        let mut stderr = String::new();
        let mut errors = child.stderr.take().unwrap();
        errors.read_to_string(&mut stderr).unwrap();
        let status = child.wait().unwrap();
        Ran {
            code: status.code().unwrap(),
            stdout: String::new(),
            stderr,
        }
    }
}

/// A command that runs; dropped, it is ended.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    read: Vec<String>,
    told: Arc<Mutex<String>>,
    stderr: Option<JoinHandle<()>>,
    until: Instant,
}

impl Running {
    /// Waits for a line of standard output that `fits`.
    pub(crate) fn wait_for_line(&mut self, fits: impl Fn(&str) -> bool) -> String {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|error| {
                let told = self.told.lock().unwrap();
                panic!("no such line ({error}): {:?}; it told: {told}", self.read)
            });
            self.read.push(line.clone());
            if fits(&line) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until standard error says something that `fits`, or the command ends; says whether it still runs.
    #[allow(dead_code, reason = "not every program of tests needs it")]
    pub(crate) fn runs_when_told(&mut self, fits: impl Fn(&str) -> bool) -> bool {
        while self.child.try_wait().unwrap().is_none() {
            if fits(&self.told.lock().unwrap()) {
                return true;
            }
            assert!(Instant::now() < self.until, "nothing of it was told");
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Standard error to its end.
    fn stderr(&mut self) -> String {
        self.stderr.take().unwrap().join().unwrap();
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// Reads standard output to its end, which comes with the end of the command.
    pub(crate) fn end(&mut self) -> ExitStatus {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.read.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    panic!("still running after {DEADLINE:?}: {:?}", self.read)
                }
            }
        }
        self.child.wait().unwrap()
    }

    pub(crate) fn finish(mut self) -> Ran {
        let status = self.end();
        let mut stdout = self.read.join("\n");
        if !stdout.is_empty() {
            stdout.push('\n');
        }
        Ran {
            code: status.code().expect("not ended by a signal"),
            stdout,
            stderr: self.stderr(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has mostly ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

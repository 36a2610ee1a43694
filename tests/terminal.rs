//! What only a real terminal can tell: the program in a pty.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "common/pty.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod pty;
#[path = "common/puppet.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod puppet;
#[path = "common/session.rs"]
#[expect(dead_code, reason = "only what starts a dashboard is used here")]
mod session;

use std::path::Path;

use portable_pty::CommandBuilder;

use pty::Pty;

fn dashboard(home: &Path) -> Pty {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_talkdeck"));
    command.args(["--data-dir", home.join("data").to_str().unwrap()]);
    command.env("XDG_CONFIG_HOME", home.join("config"));
    for name in talkdeck::model::secret::KEY_VARIABLES {
        command.env_remove(name);
    }
    Pty::start(command)
}

#[test]
fn the_dashboard_opens_resizes_and_gives_the_terminal_back() {
    let home = tempfile::tempdir().unwrap();
    let mut pty = dashboard(home.path());
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
    let mut pty = dashboard(home.path());
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

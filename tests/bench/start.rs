//! From exec to the first frame of the dashboard, in a real pty: `cargo bench --bench start`.

use std::{
    io::Read,
    num::NonZero,
    path::Path,
    time::{Duration, Instant},
};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const RUNS: usize = 15;

/// What is only on the screen once a frame is there.
const IN_THE_FRAME: &str = "Request";

fn main() {
    let home = tempfile::tempdir().expect("a temporary directory");
    // The first start writes the sample portrait and makes the store; what people feel every day is the second.
    let first = start(home.path());
    let mut starts: Vec<_> = (0..RUNS).map(|_| start(home.path())).collect();
    starts.sort();
    println!("very first start: first frame {:.1} ms", ms(first));
    println!(
        "{RUNS} later starts: first frame min {:.1} ms, median {:.1} ms, max {:.1} ms",
        ms(starts[0]),
        ms(starts[RUNS / 2]),
        ms(starts[RUNS - 1])
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Starts the program and ends it again; how long until its first frame was whole.
fn start(home: &Path) -> Duration {
    let size = PtySize {
        rows: 36,
        cols: 120,
        pixel_width: 0,
        pixel_height: 0,
    };
    let pair = native_pty_system().openpty(size).expect("a pty");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_talkdeck"));
    command.args([
        "--data-dir",
        home.join("data").to_str().expect("a plain path"),
    ]);
    command.env("XDG_CONFIG_HOME", home.join("config"));
    command.env("TERM", "xterm-256color");
    command.env_remove("FAL_KEY");
    let mut reader = pair.master.try_clone_reader().expect("a reader");
    let began = Instant::now();
    let mut child = pair
        .slave
        .spawn_command(command)
        .expect("the program starts");
    let cells = |count| NonZero::new(count).expect("not zero");
    let mut parser = vt100::Parser::new(cells(36), cells(120), 0);
    let mut buffer = vec![0; 65536];
    let taken = loop {
        let count = reader
            .read(&mut buffer)
            .expect("the program writes a frame");
        parser.process(&buffer[..count]);
        if parser.screen().contents().contains(IN_THE_FRAME) {
            break began.elapsed();
        }
    };
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    taken
}

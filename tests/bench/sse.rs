//! How fast the status stream is read: bytes of server-sent events to statuses, without a network.
//!
//! `cargo bench --bench sse`. Under `cargo test --benches` one short round runs, as a check that it works.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use talkdeck::fal::{Error, read_statuses, wire};
use tokio_util::bytes::Bytes;

/// As many bytes as one read of a socket mostly gives.
const CHUNK: usize = 16 << 10;

/// A kind of stream.
struct Case {
    name: &'static str,
    /// Log lines in each event.
    lines: usize,
    events: usize,
}

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (runs, scale) = if is_bench { (15, 1) } else { (1, 100) };
    println!(
        "| stream | MB | events | median MB/s | best MB/s | median events/s | best events/s |"
    );
    println!("|---|---|---|---|---|---|---|");
    for case in [
        Case {
            name: "1 log line an event",
            lines: 1,
            events: 40_000,
        },
        Case {
            name: "20 log lines an event",
            lines: 20,
            events: 6_000,
        },
        Case {
            name: "comments only",
            lines: 0,
            events: 1_000_000,
        },
    ] {
        report(&case, runs, scale);
    }
}

fn report(case: &Case, runs: usize, scale: usize) {
    let events = case.events / scale;
    let chunks = chunks(case.lines, events);
    let bytes: usize = chunks.iter().map(Bytes::len).sum();
    let want = if case.lines == 0 { 0 } else { events };
    let mut times: Vec<Duration> = (0..runs).map(|_| time(&chunks, want)).collect();
    times.sort();
    let (best, median) = (times[0], times[runs / 2]);
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let rate = |count: usize, time: Duration| count as f64 / time.as_secs_f64();
    println!(
        "| {} | {:.1} | {events} | {:.0} | {:.0} | {:.0} | {:.0} |",
        case.name,
        rate(bytes, Duration::from_secs(1)) / 1e6,
        rate(bytes, median) / 1e6,
        rate(bytes, best) / 1e6,
        rate(events, median),
        rate(events, best),
    );
}

/// Reads all of it once.
fn time(chunks: &[Bytes], want: usize) -> Duration {
    let chunks: Vec<Result<Bytes, Error>> = chunks.iter().cloned().map(Ok).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing of the system");
    let start = Instant::now();
    let read = runtime.block_on(async {
        read_statuses(stream::iter(chunks), "bench")
            .fold(0, |read, status| {
                let status: wire::Status = status.expect("every event is a status");
                black_box(status);
                std::future::ready(read + 1)
            })
            .await
    });
    let time = start.elapsed();
    assert_eq!(read, want);
    time
}

/// A stream as fal sends it, in chunks that cut events anywhere.
fn chunks(lines: usize, events: usize) -> Vec<Bytes> {
    let mut text = String::new();
    for n in 0..events {
        if lines == 0 {
            text.push_str(": ping\n\n");
            continue;
        }
        let entry = wire::LogEntry {
            message: format!(" {}%|####      | {}/40", n % 100, n % 40),
            level: Some("STDERR".to_owned()),
            source: Some("USER".to_owned()),
            timestamp: Some("2026-11-20T09:14:03.120931".to_owned()),
        };
        let base =
            "https://queue.fal.run/fal-ai/infinitalk/requests/0b6f3a1e-5c1d-4a50-9a43-2f8f5f0f7a11";
        let status = wire::Status {
            status: Some(wire::IN_PROGRESS.to_owned()),
            request_id: Some("0b6f3a1e-5c1d-4a50-9a43-2f8f5f0f7a11".to_owned()),
            logs: Some(vec![entry; lines]),
            response_url: Some(base.to_owned()),
            status_url: Some(format!("{base}/status")),
            cancel_url: Some(format!("{base}/cancel")),
            ..wire::Status::default()
        };
        let json = serde_json::to_string(&status).expect("plain data");
        text.extend(["data: ", &json, "\n\n"]);
    }
    let text = Bytes::from(text);
    (0..text.len())
        .step_by(CHUNK)
        .map(|at| text.slice(at..text.len().min(at + CHUNK)))
        .collect()
}

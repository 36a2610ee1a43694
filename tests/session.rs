//! Whole sessions by keys: the dashboard, its loop and tasks, the tracker, the store and the embedded server.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "tracker/fake_fal.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod fal;
#[path = "session/money.rs"]
mod money;
#[path = "common/puppet.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod puppet;
#[path = "common/session.rs"]
#[expect(dead_code, reason = "each test uses its own part of it")]
mod session;

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use puppet::{MP4, Step};
use session::Home;
use talkdeck::{
    model::{JobState, ServerId},
    studio::{self, Event},
    tui::End,
};

#[test]
fn a_submitted_draft_is_followed_to_the_saved_video() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    deck.press("C-s");
    deck.wait_for("is on its way");
    home.puppet.say("Loading the portrait");
    deck.wait_for("Loading the portrait");
    home.puppet.do_next(Step::Say(Event::Frames {
        done: 58,
        total: 145,
    }));
    deck.wait_for("40 %");
    home.puppet.finish();
    deck.wait_for("1 done");
    deck.press("2 Enter");
    deck.wait_for("intro.mp4");
    let [job] = home.jobs().try_into().unwrap();
    assert_eq!(job.state, JobState::Completed);
    let video = job.video().unwrap();
    assert_eq!(fs::read(&video.path).unwrap(), MP4);
    assert!(video.path.with_file_name("job.json").exists());
    assert_eq!(deck.quit(), End::Quit);
}

#[test]
fn several_jobs_run_and_the_rest_counts_down_in_the_queue() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    // A press while the script is measured is one with the press that waits.
    deck.wait_for("fits");
    deck.press("C-s C-s C-s C-s");
    deck.wait_for("2 running");
    let screen = deck.wait_for("1 ahead");
    assert!(screen.contains("2 queued"), "{screen}");
    home.puppet.finish();
    deck.wait_for("1 done");
    deck.wait_for("1 queued");
    for _ in 0..3 {
        home.puppet.finish();
    }
    deck.wait_for("4 done");
    let ids: std::collections::HashSet<_> =
        home.jobs().into_iter().map(|job| job.request_id).collect();
    assert_eq!(ids.len(), 4, "one request for each wish");
}

#[test]
fn a_late_refusal_is_shown_in_the_servers_words() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    deck.press("C-s");
    deck.wait_for("1 running");
    home.puppet.do_next(Step::Fail(studio::Error::NoFace));
    let screen = deck.wait_for("1 failed");
    assert!(screen.contains("face"), "{screen}");
    let [job] = home.jobs().try_into().unwrap();
    assert_eq!(job.error.unwrap().kind.as_str(), "face_detection_error");
}

#[test]
fn a_cancelled_job_ends_by_the_servers_word() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    deck.press("C-s");
    deck.wait_for("1 running");
    deck.press("2 x y");
    deck.wait_until("cancelled", |screen| {
        screen.contains("cancelled") && screen.contains("0 running")
    });
    let [job] = home.jobs().try_into().unwrap();
    assert!(job.cancel_requested);
    assert_eq!(job.state, JobState::Cancelled);
}

#[test]
fn a_job_that_ran_when_the_program_ended_is_followed_to_its_end_by_the_next_start() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    deck.press("C-s");
    deck.wait_for("1 running");
    assert_eq!(deck.terminate(), End::Signal(15));
    let deck = home.open();
    deck.wait_for("intro");
    home.puppet.finish();
    deck.wait_for("1 done");
    let [job] = home.jobs().try_into().unwrap();
    assert_eq!(job.state, JobState::Completed);
    assert_eq!(fs::read(&job.video().unwrap().path).unwrap(), MP4);
}

#[test]
fn an_edited_copy_is_a_new_job_that_remembers_its_parent() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    home.puppet.finish();
    deck.press("C-s");
    deck.wait_for("1 done");
    let [parent] = home.jobs().try_into().unwrap();
    deck.press("2 e");
    deck.wait_for(&format!("a copy of {}", parent.id.short()));
    // From the first field down to the script.
    deck.press("g");
    deck.wait_until("the script field", |screen| {
        screen.lines().any(|line| line.contains("▸ script")) || {
            deck.press("Down");
            false
        }
    });
    deck.press("Enter End");
    deck.type_text(" Bye.");
    deck.press("Esc");
    home.puppet.finish();
    deck.press("C-s");
    deck.wait_for("2 done");
    let jobs = home.jobs();
    let child = jobs.iter().find(|job| job.id != parent.id).unwrap();
    assert_eq!(child.parent.as_ref(), Some(&parent.id));
    assert_eq!(
        child.arguments.text("text_input"),
        Some("Good morning to all of you. Bye.")
    );
    assert_eq!(child.arguments.text("voice"), Some("Bill"));
}

#[test]
fn a_submit_that_costs_money_asks_first_and_the_preview_key_sends_it_here_for_free() {
    let home = Home::new();
    // Nobody listens there, and nothing may be sent there either.
    let deck = home.open_at(Some("http://127.0.0.1:9/"));
    deck.press("C-s");
    deck.wait_for("Send to");
    deck.press("Esc");
    assert_eq!(home.jobs(), []);
    home.puppet.finish();
    deck.press("C-t");
    deck.wait_for("1 done");
    let [job] = home.jobs().try_into().unwrap();
    assert_eq!(job.account.server, ServerId::preview());
}

/// Takes uploads and submits, and then says nothing more: connections stay open, half an answer comes, nothing ends.
fn hanging_server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let hung = Arc::new(AtomicUsize::new(0));
    let (origin, count) = (url.clone(), Arc::clone(&hung));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, origin, count) = (stream.unwrap(), origin.clone(), Arc::clone(&count));
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap_or(0);
                let head = String::from_utf8_lossy(&head[..read]);
                let whole = |body: &str| {
                    let length = body.len();
                    format!(
                        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                    )
                };
                let answer = match head.split_whitespace().next() {
                    Some("POST") if head.starts_with("POST /storage") => whole(&format!(
                        "{{\"upload_url\":\"{origin}put\",\"file_url\":\"{origin}face.png\"}}"
                    )),
                    Some("POST") => whole("{\"request_id\":\"r-1\"}"),
                    Some("PUT") => whole(""),
                    // By turns nothing at all, half a head, and half a body.
                    _ => match count.fetch_add(1, Ordering::SeqCst) % 3 {
                        0 => String::new(),
                        1 => "HTTP/1.1 200 O".to_owned(),
                        _ => "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"stat".to_owned(),
                    },
                };
                let _ = stream.write_all(answer.as_bytes());
                let _ = std::io::copy(&mut stream, &mut std::io::sink());
            });
        }
    });
    (url, hung)
}

#[test]
fn keys_are_answered_at_once_while_a_server_hangs() {
    let home = Home::new();
    let (url, hung) = hanging_server();
    let deck = home.open_at(Some(&url));
    deck.press("C-s");
    deck.wait_for("Send to");
    deck.press("Enter");
    deck.wait_for("is on its way");
    let deadline = Instant::now() + Duration::from_secs(30);
    while hung.load(Ordering::SeqCst) == 0 || home.jobs()[0].request_id.is_none() {
        assert!(Instant::now() < deadline, "the job is asked for");
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut times = Vec::new();
    for turn in 0..40 {
        let (key, shown) = if turn % 2 == 0 {
            ("2", "╭▸Jobs")
        } else {
            ("1", "╭▸Request")
        };
        let pressed = Instant::now();
        deck.press(key);
        deck.wait_for(shown);
        times.push(pressed.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    assert!(
        median < Duration::from_millis(50),
        "{median:?} of {times:?}"
    );
    let [job] = home.jobs().try_into().unwrap();
    assert!(!job.state.is_terminal(), "{:?}", job.state);
    assert_eq!(job.error, None);
}

#[test]
fn what_is_typed_is_there_again_at_the_next_start() {
    let home = Home::new();
    let deck = home.open();
    deck.wait_for("local preview");
    deck.wait_for("▸ script");
    deck.press("Enter End");
    deck.type_text(" And more.");
    deck.wait_for("And more.");
    assert_eq!(deck.terminate(), End::Signal(15));
    let store = talkdeck::store::Store::open(home.path()).unwrap();
    let kept = store
        .draft(&talkdeck::model::draft::Slot::Editor)
        .unwrap()
        .unwrap();
    assert_eq!(
        kept.arguments.text("text_input"),
        Some("Good morning to all of you. And more.")
    );
}

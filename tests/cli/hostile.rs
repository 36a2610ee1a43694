//! A server whose every word is an attack and repeats our key: nothing of it comes out, and nothing is lost.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    machine::{Machine, Ran},
    pty::Pty,
    submit,
};

const KEY_ID: &str = "d15c0000-visible";
const SECRET: &str = "Tr0ub4dor-and-3-hidden-things";

/// Everything that a terminal acts upon, around a word that says where it comes from.
fn hostile(place: &str) -> String {
    format!(
        "\u{1b}]0;PWNED\u{7}{place}\u{1b}]52;c;UFdORUQ=\u{7}\u{1b}[6n\u{1b}[?1049h\u{1b}[5;41mX\u{9b}5n\u{90}q\u{9c}\
         \u{1b}]8;;http://evil.test\u{1b}\\\u{202e}\u{2066}\u{e0041}\u{200b}\u{feff}\u{ad}\u{7f}\u{8}\u{84}\u{85}\r\n\u{2028}\0\
         {KEY_ID}:{SECRET}\u{1b}"
    )
}

/// Whether a character does anything but show itself.
fn offends(c: char) -> bool {
    let c = c as u32;
    c < 0x20
        || (0x7f..=0x9f).contains(&c)
        || [0xad, 0x61c, 0x180e, 0x200b, 0xfeff].contains(&c)
        || (0x200e..=0x200f).contains(&c)
        || (0x2028..=0x202e).contains(&c)
        || (0x2060..=0x206f).contains(&c)
        || (0xe0000..=0xe007f).contains(&c)
}

fn assert_no_secret(bytes: &[u8], place: &str) {
    let secret = SECRET.as_bytes();
    let found = bytes.windows(secret.len()).any(|window| window == secret);
    assert!(!found, "the key is in {place}");
}

/// That there is nothing but printable text and line ends.
fn assert_inert(text: &str, place: &str) {
    let found = text.chars().find(|&c| offends(c) && c != '\n');
    assert_eq!(found, None, "in {place}: {text:?}");
    assert_no_secret(text.as_bytes(), place);
}

/// That a terminal got text, and no command but those that this program writes itself.
fn assert_own_commands(bytes: &[u8], place: &str) {
    assert_no_secret(bytes, place);
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{place}: {error}"));
    let mut rest = text;
    while let Some(at) = rest.find(|c| offends(c) && !matches!(c, '\r' | '\n')) {
        let command = &rest[at..];
        let shown: String = command.chars().take(40).collect();
        let length = own_command(command);
        rest = &command[length.unwrap_or_else(|| panic!("in {place}: {shown:?}"))..];
    }
}

/// The length of the command that `text` begins with, if it is one of ours.
fn own_command(text: &str) -> Option<usize> {
    if let Some(copy) = text.strip_prefix("\u{1b}]52;c;") {
        let end = copy.find(['\u{7}', '\u{1b}'])?;
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(&copy[..end])
            .ok()?;
        assert_ne!(bytes, b"PWNED");
        assert_inert(std::str::from_utf8(&bytes).ok()?, "the clipboard");
        let ends = if copy[end..].starts_with('\u{7}') {
            1
        } else {
            2
        };
        return Some(text.len() - copy.len() + end + ends);
    }
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| c.is_ascii_alphabetic())?;
    let (given, last) = (&parameters[..end], &parameters[end..=end]);
    let is_known = match last {
        // Colours and weights; never blinking.
        "m" => !given
            .split(';')
            .any(|part| part == "5" && !given.contains("8;5;")),
        "H" | "J" | "K" | "A" | "B" | "C" | "D" | "G" | "X" | "q" => true,
        "h" | "l" => ["?25", "?1049", "?1004", "?2004", "?2026", "?7"].contains(&given),
        _ => false,
    };
    is_known.then_some(2 + end + 1)
}

#[test]
fn the_judge_knows_our_commands_and_no_others() {
    for ours in [
        "\u{1b}[0m",
        "\u{1b}[38;5;7m",
        "\u{1b}[?25h",
        "\u{1b}[3;4H",
        "\u{1b}]52;c;YQ==\u{7}",
    ] {
        assert_eq!(own_command(ours), Some(ours.len()), "{ours:?}");
    }
    for theirs in [
        "\u{1b}]0;x\u{7}",
        "\u{1b}[6n",
        "\u{9b}5n",
        "\u{1b}[5;41m",
        "\u{1b}Pq\u{1b}\\",
        "\u{202e}",
        "\u{7}",
        "\u{1b}[?1000h",
    ] {
        assert_eq!(own_command(theirs), None, "{theirs:?}");
    }
    assert!(hostile("x").chars().any(offends));
}

/// How the server answers submits.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Takes,
    Refuses(u16),
    /// Takes it, and says nothing of use.
    Loses,
}

#[derive(Clone)]
struct Hostile {
    url: String,
    mood: Arc<Mutex<Mood>>,
    fails: Arc<Mutex<bool>>,
    bodies: Arc<Mutex<Vec<Value>>>,
    _runtime: Arc<Runtime>,
}

impl Hostile {
    fn start() -> Self {
        let runtime = Arc::new(Runtime::new().unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            mood: Arc::new(Mutex::new(Mood::Takes)),
            fails: Arc::default(),
            bodies: Arc::default(),
            _runtime: Arc::clone(&runtime),
        };
        let (url, mood, fails, bodies) = (
            server.url.clone(),
            Arc::clone(&server.mood),
            Arc::clone(&server.fails),
            Arc::clone(&server.bodies),
        );
        let answer = move |method: Method, uri: Uri, _: HeaderMap, body: Bytes| {
            let (mood, fails) = (*mood.lock().unwrap(), *fails.lock().unwrap());
            if method == Method::POST && !uri.path().starts_with("/storage") {
                let body = serde_json::from_slice(&body).unwrap();
                bodies.lock().unwrap().push(body);
            }
            let bodies = bodies.lock().unwrap().clone();
            let answer = answer(
                &url,
                method == Method::POST,
                uri.path(),
                mood,
                fails,
                &bodies,
            );
            async move { answer }
        };
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, Router::new().fallback(answer))
                .await
                .unwrap();
        });
        server
    }

    fn be(&self, mood: Mood, fails: bool) {
        *self.mood.lock().unwrap() = mood;
        *self.fails.lock().unwrap() = fails;
    }
}

fn answer(
    url: &str,
    is_post: bool,
    path: &str,
    mood: Mood,
    fails: bool,
    bodies: &[Value],
) -> Response {
    let refusal = |status: u16| {
        let finding = json!({"loc": ["body", hostile("loc")], "msg": hostile("finding"), "type": hostile("type")});
        let words = match status {
            422 => json!({"detail": [finding]}),
            _ => json!({"detail": hostile("detail locked"), "error_type": hostile("type")}),
        };
        (StatusCode::from_u16(status).unwrap(), Json(words)).into_response()
    };
    if path.starts_with("/storage/upload/initiate") {
        let place = format!("{url}/storage/put?{}", "X-Signature=4f2a");
        return Json(json!({"upload_url": place, "file_url": format!("{url}/files/in.png")}))
            .into_response();
    }
    if path.starts_with("/storage") {
        return StatusCode::OK.into_response();
    }
    if path.ends_with("/pricing") {
        return Json(json!({"prices": [{"endpoint_id": hostile("endpoint"), "unit_price": 0.2, "unit": hostile("unit"), "currency": hostile("currency")}],
            "has_more": false})).into_response();
    }
    if path.ends_with("/by-endpoint") {
        // Two that could be it, so that they are listed.
        let items: Vec<_> = bodies.iter().flat_map(|body| [1, 2].map(|n| json!({
            "request_id": format!("{}-{n}", hostile("listed")), "json_input": body, "sent_at": hostile("sent"),
        }))).collect();
        return Json(json!({"items": items, "has_more": false})).into_response();
    }
    if path.starts_with("/media") {
        return (
            [(header::CONTENT_TYPE, "video/mp4")],
            &b"\0\0\0\x18ftypisom a video"[..],
        )
            .into_response();
    }
    if is_post {
        return match mood {
            Mood::Refuses(status) => refusal(status),
            Mood::Loses => Json(json!({"status": hostile("status"), "request_id": hostile("request")})).into_response(),
            Mood::Takes => Json(json!({
                "status": hostile("status"), "request_id": format!("$(id);`id`|{}", bodies.len()), "queue_position": "3",
                "status_url": hostile("https://evil.test/"), "response_url": "https://evil.test/\u{1b}[6n", "cancel_url": hostile("url"),
            })).into_response(),
        };
    }
    let log = json!({"message": hostile("log line") + "|what a log says", "level": hostile("level"), "source": hostile("source"), "timestamp": hostile("time")});
    let mut status = json!({"status": hostile("unheard-of"), "request_id": hostile("request"), "logs": [log, hostile("plain")], "metrics": hostile("metrics")});
    if path.ends_with("/cancel") {
        return refusal(400);
    }
    if path.ends_with("/stream") {
        let mut events = format!("event: {}\ndata: {status}\n\n", "hostile\u{1b}[6n");
        status["status"] = json!("COMPLETED");
        if fails {
            status["error"] = json!(hostile("the error"));
            status["error_type"] = json!(hostile("the type"));
        }
        events.extend(["data: ", &status.to_string(), "\n\n"]);
        return ([(header::CONTENT_TYPE, "text/event-stream")], events).into_response();
    }
    if path.ends_with("/status") {
        return Json(status).into_response();
    }
    if fails {
        return refusal(422);
    }
    let video = json!({"url": format!("{url}/media/%1b%5b6n/../{SECRET}.mp4?sig=4f2a"), "file_name": hostile("../file"),
        "content_type": hostile("image/png"), "file_size": -1});
    Json(json!({"video": video, hostile("name"): hostile("value"), "seed": 7})).into_response()
}

/// All that the program printed, judged.
fn judged(ran: Ran, what: &str) -> Ran {
    assert_inert(&ran.stdout, &format!("stdout of {what}"));
    assert_inert(&ran.stderr, &format!("stderr of {what}"));
    ran
}

/// Every file below `dir`: its name inert, its content without the key, and text as inert as output.
fn assert_files_inert(dir: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().expect("names are text");
        if path.is_dir() {
            count += assert_files_inert(&path);
            continue;
        }
        count += 1;
        assert_inert(name, "a file's name");
        let bytes = fs::read(&path).unwrap();
        assert_no_secret(&bytes, name);
        let is_text = ["json", "log", "toml"]
            .iter()
            .any(|end| name.ends_with(end));
        if is_text && !name.contains("/owners/") {
            assert_inert(std::str::from_utf8(&bytes).unwrap(), name);
        }
    }
    count
}

fn in_terminal(machine: &Machine, args: &[&str]) {
    let mut pty = machine.start_in_terminal(args);
    pty.end();
    let output = pty.seen.output.lock().unwrap();
    assert_own_commands(&output.bytes, &format!("the terminal of {args:?}"));
}

#[test]
fn nothing_that_a_server_says_does_anything_and_the_key_is_in_no_output() {
    let server = Hostile::start();
    let mut machine = Machine::new();
    machine.set("FAL_KEY", &format!("Key {KEY_ID}:{SECRET}\n"));
    machine.set("RUST_BACKTRACE", "1");
    let portrait = fs::read(machine.portrait()).unwrap();
    let picture = machine.file("a\u{1b}]0;PWNED\u{7}\u{202e}\u{9b}6n;$(id).png", &portrait);
    let image = format!("image_url={picture}");
    let (name, prompt) = (
        hostile("name").replace('\0', ""),
        hostile("prompt").replace('\0', ""),
    );
    let (name, prompt) = (
        name.replace(SECRET, "x"),
        format!("prompt={}", prompt.replace(SECRET, "x")),
    );
    let request = [
        "-i",
        &image,
        "-i",
        &prompt,
        "--name",
        &name,
        "--server",
        &server.url,
    ];
    let run = |more: &[&str]| {
        judged(
            machine.run(&submit(&[&request[..], more].concat())),
            "submit",
        )
    };

    // It goes well, it is refused in every way, it fails late, and its answer is lost.
    let ran = run(&["--wait", "--output", &machine.path("takes")]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let done = ran.lines().pop().unwrap();
    let id = done["id"].as_str().unwrap().to_owned();
    for (status, code) in [(422, 1), (401, 3), (403, 3), (404, 1), (400, 1)] {
        server.be(Mood::Refuses(status), false);
        let seed = format!("seed={status}");
        assert_eq!(run(&["-i", &seed, "--wait"]).code, code, "{status}");
    }
    server.be(Mood::Takes, true);
    assert_eq!(run(&["-i", "seed=1", "--wait"]).code, 1);
    server.be(Mood::Loses, false);
    let lost = run(&["-i", "seed=2"]);
    assert_eq!(lost.code, 5, "{}", lost.stderr);
    let lost = lost.lines().pop().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();

    // Whatever shows it again, to a script and to a person.
    server.be(Mood::Takes, false);
    let url = server.url.as_str();
    let again = machine.path("again");
    let commands: Vec<Vec<&str>> = vec![
        vec!["jobs"],
        vec!["show", &id],
        vec!["show", &lost],
        vec!["logs", &id],
        vec!["confirm", &lost, "--server", url],
        vec!["cancel", &lost, "--server", url],
        vec!["download", &id, "--output", &again, "--server", url],
        vec!["resubmit", &id, "--dry-run", "--server", url],
        vec!["show", "\u{1b}[6n"],
        vec!["submit", "a/\u{1b}[6n\u{202e}"],
        vec!["jobs", "--state", "\u{1b}[6n\u{202e}"],
        vec!["jobs", "--config", "\u{1b}[6n\u{202e}.toml"],
        vec!["serve", "--scenario", "\u{1b}[6n\u{202e}.toml"],
    ];
    for command in &commands {
        judged(machine.run(command), &format!("{command:?}"));
        in_terminal(&machine, command);
    }
    let log = machine.run(&["logs", &id]);
    assert!(
        log.stdout.contains("what a log says") && log.stdout.contains("the server told -1"),
        "{}",
        log.stdout
    );

    // The dashboard, with all of that on its screen and on the clipboard.
    dashboard(&machine, url);
    let files = assert_files_inert(Path::new(&machine.data()))
        + assert_files_inert(Path::new(&machine.path("takes")))
        + assert_files_inert(Path::new(&again));
    assert!(files > 5);
}

fn dashboard(machine: &Machine, url: &str) {
    let mut pty: Pty = machine.start_in_terminal(&["--server", url]);
    pty.wait_for("Jobs");
    // List, detail and log of every job, and everything that can be copied of the first and the last.
    pty.press(b"2");
    pty.wait_for("findingX");
    for place in ["g", "G"] {
        pty.press(place.as_bytes());
        for item in 0..3 {
            pty.press(b"y");
            pty.wait_for("Copy from");
            pty.press("\u{1b}[B".repeat(item).as_bytes());
            pty.press(b"\r");
            pty.wait("the end of the menu", |output| {
                !output.screen().screen().contents().contains("Copy from")
            });
        }
        for _ in 0..8 {
            pty.press(b"jk\r2");
            pty.press(if place == "g" { b"j" } else { b"k" });
        }
    }
    pty.press(b"3lww1");
    pty.press(b"?");
    pty.wait_for("suspend talkdeck");
    pty.resize(40, 150);
    pty.press(b"\x03\x03");
    pty.end();
    let output = pty.seen.output.lock().unwrap();
    assert_own_commands(&output.bytes, "the dashboard");
}

#[test]
fn the_editor_gets_its_arguments_and_no_key_and_no_shell_sees_its_path() {
    let mut machine = Machine::new();
    machine.set("FAL_KEY", &format!("{KEY_ID}:{SECRET}"));
    machine.set("FAL_KEY_ID", KEY_ID);
    machine.set("FAL_KEY_SECRET", SECRET);
    let dir = machine.path("tmp; touch pwned; $(touch pwned) `touch pwned` -x 'q\"");
    fs::create_dir(&dir).unwrap();
    machine.set("TMPDIR", &dir);
    let told = machine.path("told");
    let script = format!(
        "#!/bin/sh\n{{ for word; do echo \"<$word>\"; done; env; cat; }} > '{told}.part' < /dev/null\nmv '{told}.part' '{told}'\n"
    );
    let editor = machine.file("editor", script.as_bytes());
    fs::set_permissions(&editor, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    machine.set("VISUAL", &format!("{editor} --flag ;touch pwned"));
    let mut pty = machine.start_in_terminal(&["--server", "http://127.0.0.1:9"]);
    pty.wait_for("script");
    pty.press(b"\x05");
    // The screen is taken a second time, and drawn, before keys are read again.
    pty.wait("the dashboard after the editor", |output| {
        let text = String::from_utf8_lossy(&output.bytes);
        let back = text.split("\u{1b}[?1049h").nth(2);
        Path::new(&told).exists() && back.is_some_and(|back| back.contains("script"))
    });
    pty.press(b"\x03\x03");
    pty.end();
    let told = fs::read_to_string(&told).unwrap();
    let words: Vec<_> = told.lines().filter(|line| line.starts_with('<')).collect();
    assert_eq!(words[..3], ["<--flag>", "<;touch>", "<pwned>"], "{told}");
    assert!(
        words[3].starts_with(&format!("<{dir}/talkdeck-")) && words.len() == 4,
        "{told}"
    );
    assert_no_secret(told.as_bytes(), "the editor's environment");
    assert!(!told.contains("FAL_KEY"), "{told}");
    assert!(!Path::new(&machine.path("pwned")).exists());
}

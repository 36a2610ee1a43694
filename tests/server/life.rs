//! Start, stop, restart, one process per folder.

use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::json;
use talkdeck::{
    catalog::Catalog,
    server::{self, Error, Options, Server},
    studio::SAMPLE_PORTRAIT,
};

use super::desk::{Desk, Got, PATIENCE, SINGLE, good, http, messages, options, status_path, until};

#[tokio::test]
async fn after_a_restart_everything_goes_on_where_it_was() {
    let desk = Desk::with(1).await;
    let done = desk.submit().await;
    desk.puppet.finish();
    desk.until_status(&done, "COMPLETED").await;
    let (before, log) = (
        desk.result(&done).await.json(),
        messages(&desk.status(&done).await),
    );
    let mut ids = Vec::new();
    for seed in 1..=4 {
        let mut body = good();
        body["seed"] = json!(seed);
        ids.push(desk.submit_body(&body).await);
    }
    desk.until_begun(2).await;
    desk.cancel(&ids[2]).await;
    desk.puppet.say("half way");
    until("the note", async || {
        let status = desk.status(&ids[0]).await;
        messages(&status)
            .contains(&"half way".to_owned())
            .then_some(())
    })
    .await;

    let (key, url) = (desk.server.key(), desk.server.url().clone());
    let desk = desk.restart().await;
    assert_eq!(
        (desk.server.key(), desk.server.url()),
        (key, &url),
        "key and port stay"
    );
    assert_eq!(desk.result(&done).await.json(), before);
    assert_eq!(messages(&desk.status(&done).await), log);
    assert_eq!(desk.status(&ids[2]).await["error_type"], "client_cancelled");

    desk.until_begun(1).await;
    assert_eq!(desk.status(&ids[1]).await["queue_position"], 0);
    assert_eq!(desk.status(&ids[3]).await["queue_position"], 1);
    for _ in 0..3 {
        desk.puppet.finish();
    }
    for id in [&ids[0], &ids[1], &ids[3]] {
        desk.until_status(id, "COMPLETED").await;
    }
    let seeds: Vec<_> = desk
        .puppet
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|seen| seen.seed)
        .collect();
    assert_eq!(
        seeds,
        [1, 2, 4],
        "the interrupted one first, then in order of arrival"
    );
    let log = messages(&desk.status(&ids[0]).await);
    let at = |text: &str| log.iter().position(|line| line.starts_with(text));
    let (old, note) = (
        at("half way").unwrap(),
        at("Interrupted when talkdeck ended").unwrap(),
    );
    assert!(old < note, "the log goes on: {log:?}");
    assert_eq!(
        messages(&desk.status(&ids[1]).await)
            .iter()
            .filter(|l| l.starts_with("Interrupted"))
            .count(),
        0
    );
}

#[tokio::test]
async fn a_cancel_that_was_answered_survives_a_restart() {
    let desk = Desk::with(1).await;
    let id = desk.submit().await;
    desk.until_begun(1).await;
    // What a crash between the answer and the end of the rendering leaves behind.
    fs::write(
        desk.dir.path().join("requests").join(&id).join("cancel"),
        "",
    )
    .unwrap();
    let desk = desk.restart().await;
    assert_eq!(desk.status(&id).await["error_type"], "client_cancelled");
    assert_eq!(desk.result(&id).await.code, 499);
    let next = desk.submit().await;
    desk.puppet.finish();
    desk.until_status(&next, "COMPLETED").await;
    assert_eq!(desk.puppet.begun(), 1, "only the new one was rendered");
}

#[tokio::test]
async fn addresses_are_made_for_the_port_of_today() {
    let desk = Desk::with(1).await;
    let id = desk.submit().await;
    desk.puppet.finish();
    desk.until_status(&id, "COMPLETED").await;
    let Desk {
        dir,
        puppet,
        server,
        http,
    } = desk;
    let old = server.url().clone();
    server.stop().await;
    let squatter = std::net::TcpListener::bind(("127.0.0.1", old.port().unwrap())).unwrap();
    let server = Server::start(options(dir.path(), &puppet)).await.unwrap();
    assert_ne!(server.url(), &old);
    let desk = Desk {
        dir,
        puppet,
        server,
        http,
    };
    let output = desk.result(&id).await.json();
    let url = output["video"]["url"].as_str().unwrap();
    assert!(url.starts_with(desk.server.url().as_str()), "{url}");
    assert_eq!(Got::of(desk.http.get(url)).await.code, 200);
    assert!(
        desk.status(&id).await["status_url"]
            .as_str()
            .unwrap()
            .starts_with(desk.server.url().as_str())
    );
    drop(squatter);
}

#[tokio::test]
async fn a_request_whose_files_broke_says_so() {
    let desk = Desk::with(1).await;
    let id = desk.submit().await;
    desk.until_begun(1).await;
    fs::write(
        desk.dir
            .path()
            .join("requests")
            .join(&id)
            .join("request.json"),
        "{",
    )
    .unwrap();
    let desk = desk.restart().await;
    assert_eq!(desk.status(&id).await["error_type"], "internal_error");
    let result = desk.result(&id).await;
    assert_eq!(result.code, 500);
    assert!(
        result.json()["detail"]
            .as_str()
            .unwrap()
            .contains("cannot be read back from disk")
    );
}

#[tokio::test]
async fn stopping_is_quick_whatever_is_going_on() {
    let desk = Desk::with(2).await;
    let ids = [desk.submit().await, desk.submit().await];
    desk.until_begun(2).await;
    let path = format!("/fal-ai/infinitalk/requests/{}/status/stream", ids[0]);
    let mut stream = desk.call("GET", &path).send().await.unwrap();
    stream.chunk().await.unwrap().expect("the state at once");
    let url = desk.url(&status_path(&ids[0]));
    let began = Instant::now();
    desk.server.stop().await;
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    let rest = tokio::time::timeout(PATIENCE, stream.chunk())
        .await
        .expect("the stream ends");
    assert!(!matches!(rest, Ok(Some(chunk)) if chunk.windows(9).any(|part| part == b"COMPLETED")));
    assert!(
        desk.http.get(url).send().await.is_err(),
        "nobody listens any more"
    );
    for id in ids {
        let folder = desk.dir.path().join("requests").join(id);
        assert!(
            !folder.join("result.json").exists(),
            "it will be rendered again"
        );
    }
}

#[tokio::test]
async fn a_second_process_uses_the_first_ones_server() {
    let dir = tempfile::tempdir().unwrap();
    let puppet = Arc::default();
    let first = server::connect_or_start(options(dir.path(), &puppet))
        .await
        .unwrap();
    let running = first.running.expect("nobody was there before");
    let second = server::connect_or_start(options(dir.path(), &puppet))
        .await
        .unwrap();
    assert!(second.running.is_none());
    assert_eq!((&second.url, &second.key), (&first.url, &first.key));
    assert!(matches!(
        Server::start(options(dir.path(), &puppet)).await,
        Err(Error::InUse { .. })
    ));

    let waiting = tokio::spawn(server::take_over(options(dir.path(), &puppet)));
    running.stop().await;
    let heir = tokio::time::timeout(PATIENCE, waiting)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(
        (heir.url(), &heir.key()),
        (&first.url, &first.key),
        "its clients notice nothing"
    );
}

#[tokio::test]
async fn waiting_to_take_over_can_be_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let puppet = Arc::default();
    let first = Server::start(options(dir.path(), &puppet)).await.unwrap();
    let waiting = tokio::spawn(server::take_over(options(dir.path(), &puppet)));
    waiting.abort();
    assert!(waiting.await.is_err());
    first.stop().await;
    until("the folder is free again", async || {
        Server::start(options(dir.path(), &puppet)).await.ok()
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_is_held_without_a_server_is_reported_after_two_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let old = json!({"url": "http://127.0.0.1:1/", "key": "a:b"});
    fs::write(dir.path().join("address"), old.to_string()).unwrap();
    let lock = File::create(dir.path().join("lock")).unwrap();
    lock.lock().unwrap();
    let began = Instant::now();
    let refused = server::connect_or_start(options(dir.path(), &Arc::default())).await;
    assert!(matches!(refused, Err(Error::Unanswered { .. })));
    assert!(
        (2..10).contains(&began.elapsed().as_secs()),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_port_in_use_is_told_in_one_line() {
    let squatter = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path(), &Arc::default());
    options.listen = squatter.local_addr().unwrap();
    let Err(error) = Server::start(options).await else {
        panic!("the port was taken")
    };
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "cannot listen on {}: ",
            squatter.local_addr().unwrap()
        )),
        "{text}"
    );
    assert!(!text.contains('\n'));
}

#[tokio::test]
async fn all_that_is_written_is_private() {
    fn check(path: &std::path::Path) -> usize {
        let mode = fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let is_dir = path.is_dir();
        assert_eq!(
            mode,
            if is_dir { 0o700 } else { 0o600 },
            "{}",
            path.display()
        );
        if !is_dir {
            return 1;
        }
        let inside = fs::read_dir(path).unwrap();
        1 + inside
            .map(|entry| check(&entry.unwrap().path()))
            .sum::<usize>()
    }
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("server");
    let puppet = Arc::default();
    let server = Server::start(options(&dir, &puppet)).await.unwrap();
    let desk = Desk {
        dir: parent,
        puppet,
        server,
        http: http(),
    };
    let id = desk.submit().await;
    desk.puppet.finish();
    desk.until_status(&id, "COMPLETED").await;
    assert!(check(&dir) >= 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_engine_renders_a_request_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options::new(dir.path(), Arc::new(Catalog::builtin()));
    let server = Server::start(options).await.unwrap();
    let desk = Desk {
        dir,
        puppet: Arc::default(),
        server,
        http: http(),
    };
    let wish = json!({"file_name": "face.png", "content_type": "image/png"});
    let place = desk.post("/storage/upload/initiate", &wish).await.json();
    let put = desk
        .http
        .put(place["upload_url"].as_str().unwrap())
        .body(SAMPLE_PORTRAIT);
    assert_eq!(Got::of(put).await.code, 200);
    let input = json!({
        "image_url": place["file_url"], "text_input": "Hello there.", "voice": "Bill", "prompt": "A person talks.",
        "num_frames": 41, "seed": 7
    });
    let id = desk.post(&format!("/{SINGLE}"), &input).await.json()["request_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let deadline = Instant::now() + Duration::from_mins(2);
    let status = loop {
        let status = desk.status(&id).await;
        if status["status"] == "COMPLETED" {
            break status;
        }
        assert!(Instant::now() < deadline, "{status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let log = messages(&status);
    assert!(log.contains(&"frame 41/41".to_owned()), "{log:?}");
    let result = desk.result(&id).await;
    assert_eq!(
        (result.code, result.header("x-fal-billable-units")),
        (200, Some("1.64")),
        "{log:?}"
    );
    let url = result.json()["video"]["url"].as_str().unwrap().to_owned();
    let mp4 = Got::of(desk.http.get(url)).await.body;
    let parsed = re_mp4::Mp4::read_bytes(&mp4).unwrap();
    let frames: Vec<_> = parsed
        .tracks()
        .values()
        .map(|track| track.samples.len())
        .collect();
    assert!(frames.contains(&41), "{frames:?}");
}

//! Submit, status, stream, result, cancel.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};
use talkdeck::{
    fal::wire,
    studio::{Error, Event, Scene},
};

use super::desk::{
    Desk, Got, MP4, PATIENCE, SINGLE, Step, good, messages, names, status_path, until,
};

const INPUT: &str = include_str!("../wire/single-text-1.input.json");
const OUTPUT: &str = include_str!("../wire/single-text-1.output.json");

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn a_real_input_goes_through_and_gives_an_output_of_the_real_shape() {
    let desk = Desk::with(1).await;
    let place = desk
        .post(
            "/storage/upload/initiate?storage_type=fal-cdn-v3",
            &json!({"file_name": "face.jpeg", "content_type": "image/jpeg"}),
        )
        .await
        .json();
    let put = desk
        .http
        .put(place["upload_url"].as_str().unwrap())
        .body("a face");
    assert_eq!(Got::of(put).await.code, 200);
    let mut input = parse(INPUT);
    input["image_url"] = place["file_url"].clone();

    let submitted = desk.post(&format!("/{SINGLE}"), &input).await;
    assert_eq!(submitted.code, 200);
    let body = submitted.json();
    let id = body["request_id"].as_str().unwrap();
    let at = desk.url(&format!("/fal-ai/infinitalk/requests/{id}"));
    assert_eq!(
        body,
        json!({
            "status": "IN_QUEUE", "request_id": id, "gateway_request_id": id, "response_url": at,
            "status_url": format!("{at}/status"), "cancel_url": format!("{at}/cancel"), "queue_position": 0
        })
    );
    assert_eq!(submitted.header("x-fal-request-id"), Some(id));

    desk.puppet.finish();
    let status = desk.until_status(id, "COMPLETED").await;
    assert!(status["metrics"]["inference_time"].as_f64().unwrap() > 0.0);
    let result = desk.result(id).await;
    let (output, real) = (result.json(), parse(OUTPUT));
    assert_eq!(names(&output), names(&real));
    assert_eq!(names(&output["video"]), names(&real["video"]));
    assert_eq!(output["seed"], 42);
    assert_eq!(output["video"]["file_size"], MP4.len());
    assert_eq!(result.header("x-fal-billable-units"), Some("5.8"));
    assert_eq!(result.header("x-fal-request-id"), Some(id));

    let video = desk.http.get(output["video"]["url"].as_str().unwrap());
    let video = Got::of(video).await;
    assert_eq!(
        (video.code, video.body.as_slice()),
        (200, MP4),
        "no key is needed"
    );
    assert_eq!(video.header("content-type"), Some("video/mp4"));
    let seen = desk.puppet.seen.lock().unwrap()[0].clone();
    let Scene::Portrait(picture) = &seen.scene else {
        panic!("one person")
    };
    assert_eq!(
        (picture.as_slice(), seen.num_frames, seen.seed),
        (&b"a face"[..], 145, 42)
    );
}

#[tokio::test]
async fn positions_count_down_as_the_two_runners_take_what_is_ahead() {
    let desk = Desk::with(2).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(desk.submit().await);
    }
    desk.until_begun(2).await;
    let positions = async || {
        let mut seen = Vec::new();
        for id in &ids {
            let status = desk.status(id).await;
            seen.push(status.get("queue_position").and_then(Value::as_u64));
        }
        seen
    };
    assert_eq!(positions().await, [None, None, Some(0), Some(1), Some(2)]);
    let path = format!("{}&x=1", status_path(&ids[4]));
    assert_eq!(desk.get(&path).await.code, 202);
    desk.puppet.finish();
    desk.until_begun(3).await;
    assert_eq!(positions().await, [None, None, None, Some(0), Some(1)]);
    assert_eq!(desk.cancel(&ids[3]).await, (200, json!({"status": "OK"})));
    assert_eq!(positions().await, [None, None, None, None, Some(0)]);
}

#[tokio::test]
async fn a_status_is_202_until_the_end_and_has_logs_only_when_asked() {
    let desk = Desk::with(1).await;
    let (id, next) = (desk.submit().await, desk.submit().await);
    desk.until_begun(1).await;
    let of = async |query: &str| {
        let path = format!("/fal-ai/infinitalk/requests/{id}/status{query}");
        desk.get(&path).await
    };
    for query in ["", "?logs=0", "?logs=false"] {
        let got = of(query).await;
        assert_eq!(
            (got.code, &got.json()["logs"]),
            (202, &Value::Null),
            "{query}"
        );
    }
    for query in ["?logs=1", "?logs=true"] {
        let status = of(query).await.json();
        assert_eq!(
            names(&status),
            [
                "cancel_url",
                "logs",
                "metrics",
                "request_id",
                "response_url",
                "status",
                "status_url"
            ]
        );
        assert_eq!(status["metrics"], json!({}));
        assert_eq!(
            messages(&status)[0],
            "Preview engine, offline: not the model's output"
        );
        assert_eq!(
            names(&status["logs"][0]),
            ["level", "message", "source", "timestamp"]
        );
    }
    assert_eq!(desk.status(&next).await["queue_position"], 0);
    desk.puppet.finish();
    desk.until_status(&id, "COMPLETED").await;
    assert_eq!(of("").await.code, 200);
    let last = messages(&of("?logs=1").await.json()).pop().unwrap();
    assert!(
        last.starts_with("Saved preview-") && last.ends_with(".mp4 (1 kB)"),
        "{last}"
    );
}

#[tokio::test]
async fn progress_comes_as_stderr_lines_and_never_as_a_flood() {
    let desk = Desk::with(1).await;
    let id = desk.submit().await;
    for done in 1..=145 {
        desk.puppet
            .do_next(Step::Say(Event::Frames { done, total: 145 }));
    }
    desk.puppet
        .do_next(Step::Say(Event::Warning("the script is cut".to_owned())));
    desk.puppet.finish();
    let status = desk.until_status(&id, "COMPLETED").await;
    let lines = status["logs"].as_array().unwrap();
    let at = |level: &str| -> Vec<_> {
        let of_level = lines.iter().filter(|line| line["level"] == level);
        of_level
            .map(|line| line["message"].as_str().unwrap())
            .collect()
    };
    assert_eq!(at("WARN"), ["the script is cut"]);
    let progress = at("STDERR");
    assert_eq!(
        (progress[0], progress[progress.len() - 1]),
        ("frame 1/145", "frame 145/145")
    );
    assert!(progress.len() < 100, "{}", progress.len());
}

/// Reads a stream of events to its end; the comments are left out.
async fn events(desk: &Desk, path: &str) -> Vec<wire::Status> {
    let body = Got::of(desk.call("GET", path)).await;
    assert_eq!(
        (body.code, body.header("content-type")),
        (200, Some("text/event-stream"))
    );
    let text = String::from_utf8(body.body).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn stream_path(id: &str) -> String {
    format!("/fal-ai/infinitalk/requests/{id}/status/stream?logs=1")
}

#[tokio::test]
async fn the_stream_tells_the_state_then_each_change_with_new_lines_only_and_ends() {
    let desk = Desk::with(1).await;
    let first = desk.submit().await;
    desk.until_begun(1).await;
    let id = desk.submit().await;
    let path = stream_path(&id);
    let play = async {
        // The first event is there before anything changes.
        let mut waiting = desk.call("GET", &stream_path(&id)).send().await.unwrap();
        let chunk = tokio::time::timeout(PATIENCE, waiting.chunk())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert!(
            chunk.starts_with(br#"data: {"status":"IN_QUEUE""#),
            "{chunk:?}"
        );
        desk.puppet.finish();
        desk.until_status(&first, "COMPLETED").await;
        desk.until_begun(2).await;
        for line in ["one", "two"] {
            desk.puppet.say(line);
            until(line, async || {
                let status = desk.status(&id).await;
                messages(&status).contains(&line.to_owned()).then_some(())
            })
            .await;
        }
        desk.puppet.finish();
    };
    let (seen, ()) =
        tokio::time::timeout(PATIENCE, async { tokio::join!(events(&desk, &path), play) })
            .await
            .expect("the stream ends by itself");

    let mut words: Vec<_> = seen
        .iter()
        .map(|status| status.status.clone().unwrap())
        .collect();
    words.dedup();
    assert_eq!(words, ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]);
    assert_eq!(seen[0].queue_position, Some(0));
    let lines: Vec<_> = seen
        .iter()
        .flat_map(|status| status.logs.clone().unwrap())
        .collect();
    let told = lines
        .iter()
        .map(|line| line.message.clone())
        .collect::<Vec<_>>();
    assert_eq!(
        told,
        messages(&desk.status(&id).await),
        "nothing lost, nothing twice"
    );
    assert!(told.contains(&"one".to_owned()) && told.contains(&"two".to_owned()));

    let again = events(&desk, &path).await;
    assert_eq!(again.len(), 1, "who comes late gets the end at once");
    assert_eq!(again[0].logs.as_ref().unwrap().len(), told.len());
}

#[tokio::test]
async fn bad_arguments_are_accepted_and_refused_at_the_result() {
    let desk = Desk::with(1).await;
    let mut bad = good();
    bad["num_frames"] = json!(900);
    bad.as_object_mut().unwrap().remove("voice");
    let id = desk.submit_body(&bad).await;
    let status = desk.until_status(&id, "COMPLETED").await;
    assert_eq!(
        status["error"],
        "voice: Field required; num_frames: Input should be less than or equal to 721"
    );
    assert_eq!(status.get("error_type"), None);
    let result = desk.result(&id).await;
    assert_eq!(result.code, 422);
    assert_eq!(result.header("x-fal-billable-units"), Some("0"));
    assert_eq!(
        result.json(),
        json!({"detail": [
            {"loc": ["body", "voice"], "msg": "Field required", "type": "missing", "input": bad},
            {"loc": ["body", "num_frames"], "msg": "Input should be less than or equal to 721",
             "type": "less_than_equal", "ctx": {"le": 721}, "input": 900}
        ]})
    );
    assert_eq!(desk.puppet.begun(), 0, "nothing was rendered");
}

#[tokio::test]
async fn what_the_engine_refuses_is_a_422_and_what_breaks_it_a_500() {
    let desk = Desk::with(1).await;
    let cases = [
        (Step::Fail(Error::NoFace), 422, "face_detection_error"),
        (
            Step::Fail(Error::PictureUnreadable {
                reason: "cut short".to_owned(),
            }),
            422,
            "image_load_error",
        ),
        (
            Step::Fail(Error::Encode("why".to_owned())),
            500,
            "internal_server_error",
        ),
        (Step::Panic, 500, "internal_server_error"),
    ];
    for (step, code, kind) in cases {
        let id = desk.submit().await;
        desk.puppet.do_next(step);
        desk.until_status(&id, "COMPLETED").await;
        let result = desk.result(&id).await;
        assert_eq!(
            (result.code, &result.json()["detail"][0]["type"]),
            (code, &json!(kind))
        );
    }
    let mut foreign = good();
    foreign["image_url"] = json!("https://example.test/a.png");
    let id = desk.submit_body(&foreign).await;
    desk.until_status(&id, "COMPLETED").await;
    let found = desk.result(&id).await.json()["detail"][0].clone();
    assert_eq!(found["type"], "file_download_error");
    assert_eq!(found["input"], "https://example.test/a.png");
    assert!(
        found["msg"]
            .as_str()
            .unwrap()
            .contains("makes no requests of its own")
    );
}

#[tokio::test]
async fn cancelling_answers_truly_in_every_state() {
    let desk = Desk::with(1).await;
    let running = desk.submit().await;
    desk.until_begun(1).await;
    let queued = desk.submit().await;

    assert_eq!(desk.cancel(&queued).await, (200, json!({"status": "OK"})));
    assert_eq!(
        desk.cancel(&queued).await,
        (400, json!({"status": "ALREADY_COMPLETED"}))
    );
    let requested = (202, json!({"status": "CANCELLATION_REQUESTED"}));
    assert_eq!(desk.cancel(&running).await, requested);
    for id in [&queued, &running] {
        let status = desk.until_status(id, "COMPLETED").await;
        assert_eq!(status["error_type"], "client_cancelled");
        let result = desk.result(id).await;
        assert_eq!(
            (result.code, &result.json()["error_type"]),
            (499, &json!("client_cancelled"))
        );
        assert_eq!(result.header("x-fal-error-type"), Some("client_cancelled"));
    }
    assert_eq!(desk.puppet.stopped.load(Ordering::SeqCst), 1);
    assert_eq!(desk.cancel(&running).await.0, 400);
    let unknown = uuid::Uuid::new_v4().to_string();
    assert_eq!(
        desk.cancel(&unknown).await,
        (404, json!({"status": "NOT_FOUND"}))
    );

    let id = desk.submit().await;
    desk.puppet.finish();
    desk.until_status(&id, "COMPLETED").await;
    assert_eq!(desk.cancel(&id).await.0, 400);
    assert_eq!(
        desk.result(&id).await.code,
        200,
        "a cancel that comes late changes nothing"
    );
}

#[tokio::test]
async fn follow_ups_work_under_the_whole_id_and_with_a_suffix() {
    let desk = Desk::with(1).await;
    let id = desk.submit().await;
    let early = desk.result(&id).await;
    assert_eq!(
        early.both(),
        (400, json!({"detail": "Request is still in progress"}))
    );
    desk.puppet.finish();
    desk.until_status(&id, "COMPLETED").await;
    for path in [
        format!("/{SINGLE}/requests/{id}"),
        format!("/{SINGLE}/requests/{id}/response"),
        format!("/fal-ai/infinitalk/requests/{id}/response"),
        format!("/{SINGLE}/requests/{id}/status"),
    ] {
        assert_eq!(desk.get(&path).await.code, 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_unknown_is_told_in_fals_words() {
    let desk = Desk::with(1).await;
    let unknown = uuid::Uuid::new_v4();
    for id in [unknown.to_string(), "nonsense".to_owned()] {
        for path in ["", "/status", "/status/stream"] {
            let got = desk
                .get(&format!("/fal-ai/infinitalk/requests/{id}{path}"))
                .await;
            assert_eq!(
                got.both(),
                (404, json!({"status": "NOT_FOUND"})),
                "{id}{path}"
            );
        }
    }
    assert_eq!(
        desk.post("/fal-ai/nothing", &good()).await.both(),
        (
            404,
            json!({"detail": "Application \"fal-ai/nothing\" not found"})
        )
    );
    assert_eq!(desk.get(&format!("/{SINGLE}")).await.code, 405);
    assert_eq!(desk.get("/nowhere").await.code, 404);
    assert!(
        desk.get("/nowhere")
            .await
            .header("x-fal-request-id")
            .is_some()
    );
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused_at_once() {
    let desk = Desk::with(1).await;
    let of = async |body: String| {
        let call = desk.call("POST", &format!("/{SINGLE}")).body(body);
        let got = Got::of(call).await;
        (got.code, got.json()["detail"][0]["type"].clone())
    };
    assert_eq!(of("[1]".to_owned()).await, (422, json!("dict_type")));
    assert_eq!(of("{\"a\":".to_owned()).await, (422, json!("json_invalid")));
    assert_eq!(of(String::new()).await, (422, json!("json_invalid")));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(8 * 1024 * 1024));
    assert_eq!(of(large).await.0, 413);
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(of(deep).await.0, 422);
}

#[tokio::test]
async fn a_start_timeout_gives_up_what_waits_and_a_queue_limit_refuses() {
    let desk = Desk::with(1).await;
    let running = desk.submit().await;
    desk.until_begun(1).await;
    let path = format!("/{SINGLE}");
    let timed = desk
        .call("POST", &path)
        .header("x-fal-request-start-timeout", "0.2")
        .json(&good());
    let id = Got::of(timed).await.json()["request_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let status = desk.until_status(&id, "COMPLETED").await;
    assert_eq!(status["error_type"], "request_timeout");
    let result = desk.result(&id).await;
    assert_eq!(result.code, 504);
    assert_eq!(result.header("x-fal-request-timeout-type"), Some("user"));
    assert_eq!(
        desk.status(&running).await["status"],
        "IN_PROGRESS",
        "what runs is not timed"
    );

    let bad = desk
        .call("POST", &path)
        .header("x-fal-request-timeout", "soon")
        .json(&good());
    assert_eq!(Got::of(bad).await.json()["error_type"], "bad_request");

    desk.submit().await;
    let full = desk
        .post(&format!("{path}?fal_max_queue_length=0"), &good())
        .await;
    assert_eq!(full.code, 429);
    let room = desk
        .post(&format!("{path}?fal_max_queue_length=1"), &good())
        .await;
    assert_eq!(room.code, 200);
}

#[tokio::test]
async fn an_open_seed_is_drawn_and_told() {
    let desk = Desk::with(1).await;
    let mut open = good();
    open["seed"] = Value::Null;
    let id = desk.submit_body(&open).await;
    desk.puppet.finish();
    desk.until_status(&id, "COMPLETED").await;
    let told = desk.result(&id).await.json()["seed"].as_u64().unwrap();
    assert_eq!(desk.puppet.seen.lock().unwrap()[0].seed, told);
}

#[tokio::test]
async fn a_silent_stream_is_kept_alive_by_comments() {
    let desk = Desk::with(1).await;
    let id = desk.submit().await;
    desk.until_begun(1).await;
    let mut stream = desk.call("GET", &stream_path(&id)).send().await.unwrap();
    let patience = PATIENCE + Duration::from_secs(15);
    let comment = tokio::time::timeout(patience, async {
        loop {
            let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
            if chunk.starts_with(b":") {
                return chunk;
            }
        }
    });
    assert_eq!(&comment.await.unwrap()[..], b": ping\n\n");
}

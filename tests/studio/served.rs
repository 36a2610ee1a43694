//! Every built-in endpoint through the embedded server: a request goes in, and its video is taken apart.

use std::sync::{Arc, Once};
use std::time::Instant;

use base64::Engine as _;
use serde_json::{Value, json};
use talkdeck::catalog::Catalog;
use talkdeck::server::{Options, Running, Server};

use super::*;
use painter::mouth_of;
use pair::{lie_within, open, people, scene, syllable};

/// What a test waits for at most; the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(2);
/// The fewest frames that any endpoint renders.
const FRAMES: u32 = 41;

/// A server with the preview engine, and a client to call it with.
struct Place {
    _dir: tempfile::TempDir,
    server: Running,
    http: reqwest::Client,
}

/// What became of a request.
struct Answer {
    code: u16,
    /// What it says it costs, in seconds.
    units: Option<String>,
    body: Value,
    log: Vec<String>,
}

impl Place {
    async fn open() -> Self {
        static TLS: Once = Once::new();
        TLS.call_once(|| {
            let provider = rustls::crypto::ring::default_provider();
            provider.install_default().unwrap();
        });
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(dir.path(), Arc::new(Catalog::builtin()));
        Self {
            _dir: dir,
            server: Server::start(options).await.unwrap(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    async fn call(&self, request: reqwest::RequestBuilder) -> reqwest::Response {
        let key = format!("Key {}", self.server.key().expose());
        request.header("authorization", key).send().await.unwrap()
    }

    async fn get(&self, url: &str) -> reqwest::Response {
        self.call(self.http.get(url)).await
    }

    /// Runs a request to its end.
    async fn run(&self, endpoint: &str, arguments: &Value) -> Answer {
        let url = self.server.url().join(endpoint).unwrap();
        let submitted = self.call(self.http.post(url).json(arguments)).await;
        let accepted: Value = submitted.json().await.unwrap();
        let status_url = format!("{}?logs=1", accepted["status_url"].as_str().unwrap());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            let status: Value = self.get(&status_url).await.json().await.unwrap();
            if status["status"] == "COMPLETED" {
                break status;
            }
            assert!(Instant::now() < deadline, "{endpoint}: {status}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        };
        let message = |line: &Value| line["message"].as_str().unwrap().to_owned();
        let result = self.get(accepted["response_url"].as_str().unwrap()).await;
        let units = result.headers().get("x-fal-billable-units");
        Answer {
            code: result.status().as_u16(),
            units: units.map(|units| units.to_str().unwrap().to_owned()),
            log: status["logs"]
                .as_array()
                .unwrap()
                .iter()
                .map(message)
                .collect(),
            body: result.json().await.unwrap(),
        }
    }

    /// The video of a request that was answered.
    async fn film(&self, answer: &Answer) -> Film {
        assert_eq!(answer.code, 200, "{} {:?}", answer.body, answer.log);
        let url = answer.body["video"]["url"].as_str().unwrap();
        Film::of(&self.get(url).await.bytes().await.unwrap())
    }
}

/// A file as a data URI.
fn inline(bytes: &[u8]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    format!("data:application/octet-stream;base64,{base64}")
}

/// `arguments` with what every endpoint has.
fn whole(mut arguments: Value) -> Value {
    arguments["prompt"] = json!("People talk.");
    arguments["num_frames"] = json!(FRAMES);
    arguments
}

fn two_people() -> (String, [[f64; 4]; 2]) {
    let (Scene::Pair(picture), mouths) = scene(people(), mouth_of) else {
        panic!("two people are a pair")
    };
    (inline(&picture), mouths)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_speaks_a_script_or_a_sound_file_at_every_endpoint_for_one() {
    let place = Place::open().await;
    let image = inline(studio::SAMPLE_PORTRAIT);
    let audio = inline(&syllable());
    for endpoint in ["fal-ai/infinitalk", "fal-ai/ai-avatar"] {
        let arguments = whole(json!({"image_url": image, "audio_url": audio, "seed": 3}));
        let answer = place.run(endpoint, &arguments).await;
        let film = place.film(&answer).await;
        assert_eq!(
            (answer.units.as_deref(), film.pictures.len()),
            (Some("1.64"), 41)
        );
        assert_eq!(answer.body["seed"], 3);
        let open = open(&film, MOUTH);
        assert!(lie_within(&open, 3, 18), "{endpoint}: {open:?}");
    }
    for endpoint in [
        "fal-ai/infinitalk/single-text",
        "fal-ai/ai-avatar/single-text",
    ] {
        let mut arguments =
            whole(json!({"image_url": image, "text_input": "Mama!", "voice": "Bill"}));
        arguments["resolution"] = json!("480p");
        let answer = place.run(endpoint, &arguments).await;
        let film = place.film(&answer).await;
        assert_eq!(
            (answer.units.as_deref(), film.pictures.len()),
            (Some("1.64"), 41)
        );
        if cfg!(feature = "speech") {
            let open = open(&film, MOUTH);
            assert!(lie_within(&open, 3, 25), "{endpoint}: {open:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_in_a_video_speaks_a_sound_file() {
    const ENDPOINT: &str = "fal-ai/infinitalk/video-to-video";
    let place = Place::open().await;
    let arguments = |video: &[u8]| {
        let files = json!({"video_url": inline(video), "audio_url": inline(&syllable())});
        whole(files)
    };
    let answer = place.run(ENDPOINT, &arguments(&dubbed::still())).await;
    let film = place.film(&answer).await;
    assert_eq!(
        (answer.units.as_deref(), film.pictures.len()),
        (Some("1.64"), 41)
    );
    let open = open(&film, dubbed::lips(0));
    assert!(lie_within(&open, 3, 18), "{open:?}");
    for (video, kind) in [
        (studio::SAMPLE_PORTRAIT.to_vec(), "unsupported_video_format"),
        (dubbed::nobody(), "face_detection_error"),
    ] {
        let answer = place.run(ENDPOINT, &arguments(&video)).await;
        assert_eq!(answer.code, 422, "{}", answer.body);
        let found = &answer.body["detail"][0];
        assert_eq!(
            (&found["loc"], &found["type"]),
            (&json!(["body", "video_url"]), &json!(kind))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_speak_one_after_the_other_and_the_second_not_where_only_the_first_is_wanted() {
    let place = Place::open().await;
    let (image, mouths) = two_people();
    let audio = inline(&syllable());
    let multi = json!({"image_url": image, "first_audio_url": audio, "second_audio_url": audio});
    for is_only_first in [false, true] {
        let mut arguments = whole(multi.clone());
        if is_only_first {
            arguments["use_only_first_audio"] = json!(true);
        }
        let answer = place.run("fal-ai/ai-avatar/multi", &arguments).await;
        let film = place.film(&answer).await;
        assert_eq!(
            (answer.units.as_deref(), film.pictures.len()),
            (Some("1.64"), 41)
        );
        let [left, right] = mouths.map(|mouth| open(&film, mouth));
        assert!(lie_within(&left, 3, 18), "{left:?}");
        if is_only_first {
            assert_eq!(right, [0; 0]);
        } else {
            assert!(lie_within(&right, 23, 38), "{right:?}");
        }
    }
    let text = whole(json!({
        "image_url": image, "first_text_input": "Mama!", "second_text_input": "Papa!", "voice2": "Bill"
    }));
    let answer = place.run("fal-ai/ai-avatar/multi-text", &text).await;
    let film = place.film(&answer).await;
    assert_eq!(
        (answer.units.as_deref(), film.pictures.len()),
        (Some("1.64"), 41)
    );
    assert_eq!(answer.body["seed"], 81, "the default");
    if cfg!(feature = "speech") {
        let [left, right] = mouths.map(|mouth| open(&film, mouth));
        assert!(left.len() > 2 && right.len() > 2, "{left:?}, {right:?}");
        assert!(left[left.len() - 1] < right[0], "{left:?}, {right:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_cannot_be_rendered_from_is_found_in_the_field_it_came_from() {
    let place = Place::open().await;
    let (image, _) = two_people();
    let audio = inline(&syllable());
    let noise = inline(b"no sound");
    let cases = [
        (
            json!({"image_url": inline(studio::SAMPLE_PORTRAIT), "first_audio_url": audio}),
            "image_url",
            "face_detection_error",
        ),
        (
            json!({"image_url": image, "first_audio_url": audio, "second_audio_url": noise}),
            "second_audio_url",
            "unsupported_audio_format",
        ),
        (
            json!({"image_url": image, "first_audio_url": noise, "second_audio_url": audio}),
            "first_audio_url",
            "unsupported_audio_format",
        ),
    ];
    for (arguments, field, kind) in cases {
        let answer = place.run("fal-ai/ai-avatar/multi", &whole(arguments)).await;
        assert_eq!(answer.code, 422, "{}", answer.body);
        let found = &answer.body["detail"][0];
        assert_eq!(
            (&found["loc"], &found["type"]),
            (&json!(["body", field]), &json!(kind))
        );
        if field == "image_url" {
            let message = found["msg"].as_str().unwrap();
            assert!(message.starts_with("two faces"), "{message}");
        }
    }
}

//! Keys, prices, the list of requests, documents, browsers and proxies.

use serde_json::{Value, json};
use talkdeck::server::{KeyPolicy, Server};

use super::desk::{Desk, Got, SINGLE, Step, good, names, options, until};

/// Whether two values have the same names and types all the way down; `null` fits everything.
fn assert_same_shape(path: &str, ours: &Value, golden: &Value) {
    match (ours, golden) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(_), Value::Object(golden)) => {
            for (name, golden) in golden {
                let ours = ours
                    .get(name)
                    .unwrap_or_else(|| panic!("{path}.{name} is missing"));
                assert_same_shape(&format!("{path}.{name}"), ours, golden);
            }
        }
        (Value::Array(ours), Value::Array(golden)) => {
            if let (Some(ours), Some(golden)) = (ours.first(), golden.first()) {
                assert_same_shape(&format!("{path}[0]"), ours, golden);
            }
        }
        _ => assert_eq!(
            std::mem::discriminant(ours),
            std::mem::discriminant(golden),
            "{path}: {ours} against {golden}"
        ),
    }
}

#[tokio::test]
async fn every_answer_has_the_shape_of_the_golden_one() {
    let desk = Desk::with(1).await;
    let path = format!("/{SINGLE}");
    let check = |name: &str, (code, want): (u16, u16), ours: &Value| {
        let file = format!("{}/tests/wire/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let golden = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(code, want, "{name}");
        assert_same_shape(name, ours, &golden);
    };
    let check_got = |name: &str, want: u16, got: Got| check(name, (got.code, want), &got.json());

    let first = desk.post(&path, &good()).await;
    let running = first.json()["request_id"].as_str().unwrap().to_owned();
    check_got("submit", 200, first);
    let queued = desk.submit().await;
    desk.until_begun(1).await;
    let at = |id: &str, what: &str| format!("/fal-ai/infinitalk/requests/{id}{what}");
    check_got(
        "status-in-queue",
        202,
        desk.get(&at(&queued, "/status")).await,
    );
    check_got(
        "status-in-progress",
        202,
        desk.get(&at(&running, "/status?logs=1")).await,
    );
    check_got("error-in-progress", 400, desk.result(&running).await);
    for (name, want, id) in [
        ("cancel-ok", 200, &queued),
        ("cancel-too-late", 400, &queued),
        ("cancel-requested", 202, &running),
    ] {
        let (code, body) = desk.cancel(id).await;
        check(name, (code, want), &body);
    }
    desk.until_status(&running, "COMPLETED").await;
    check_got(
        "status-failed",
        200,
        desk.get(&at(&running, "/status")).await,
    );
    check_got("error-infrastructure", 499, desk.result(&running).await);
    let done = desk.submit().await;
    desk.puppet.finish();
    desk.until_status(&done, "COMPLETED").await;
    check_got(
        "status-completed",
        200,
        desk.get(&at(&done, "/status?logs=1")).await,
    );
    let input = include_str!("../wire/single-text-1.input.json");
    let mut long: Value = serde_json::from_str(input).unwrap();
    long["num_frames"] = json!(900);
    let refused = desk.submit_body(&long).await;
    desk.until_status(&refused, "COMPLETED").await;
    check_got("error-findings", 422, desk.result(&refused).await);
    check_got(
        "error-no-application",
        404,
        desk.post("/a/b", &good()).await,
    );
    let unknown = at(&uuid::Uuid::new_v4().to_string(), "/status");
    check_got("verdict-not-found", 404, desk.get(&unknown).await);
    let wrong = desk
        .http
        .get(desk.url(&unknown))
        .header("authorization", "Key a:b");
    check_got("error-unauthorized", 401, Got::of(wrong).await);
    let file = json!({"file_name": "a.png", "content_type": "image/png"});
    check_got(
        "upload",
        200,
        desk.post("/storage/upload/initiate", &file).await,
    );
    let prices = desk
        .get("/v1/models/pricing?endpoint_id=fal-ai/infinitalk")
        .await;
    check_got("prices", 200, prices);
    check_got(
        "error-platform",
        404,
        desk.get("/v1/models/pricing?endpoint_id=a/b").await,
    );
    let list = format!("/v1/models/requests/by-endpoint?endpoint_id={SINGLE}&expand=payloads");
    check_got("requests", 200, desk.get(&list).await);
}

#[tokio::test]
async fn without_the_right_key_nothing_is_told_or_done() {
    let desk = Desk::with(1).await;
    let call = async |method: &str, path: &str, key: Option<&str>| {
        let mut call = desk.http.request(method.parse().unwrap(), desk.url(path));
        if let Some(key) = key {
            call = call.header("authorization", key);
        }
        Got::of(call.json(&good())).await.both()
    };
    let submit = format!("/{SINGLE}");
    let detail = |text: &str| (401, json!({ "detail": text }));
    assert_eq!(
        call("POST", &submit, Some("Key a:b")).await,
        detail("No user found for Key ID and Secret")
    );
    assert_eq!(
        call("POST", &submit, None).await,
        detail(&format!(
            "Cannot access application \"{SINGLE}\". Authentication is required to access this application."
        ))
    );
    let (code, body) = call("POST", &submit, Some("Key ab")).await;
    assert_eq!(code, 401);
    assert!(
        body["detail"]
            .as_str()
            .unwrap()
            .contains("<key_id>:<key_secret>")
    );
    let id = desk.submit().await;
    for (method, what) in [
        ("GET", ""),
        ("GET", "/status"),
        ("GET", "/status/stream"),
        ("PUT", "/cancel"),
    ] {
        let path = format!("/fal-ai/infinitalk/requests/{id}{what}");
        assert_eq!(call(method, &path, Some("Key a:b")).await.0, 401, "{path}");
    }
    for path in [
        "/v1/models/pricing?endpoint_id=x",
        "/v1/models/requests/by-endpoint?endpoint_id=x",
    ] {
        let (code, body) = call("GET", path, None).await;
        assert_eq!(
            (code, &body["error"]["type"]),
            (401, &json!("authorization_error"))
        );
        assert_eq!(
            names(&body["error"]),
            ["docs_url", "message", "request_id", "type"]
        );
    }
    desk.until_begun(1).await;
    assert_eq!(desk.puppet.begun(), 1, "only what had the key was begun");
}

#[tokio::test]
async fn an_open_server_takes_every_well_formed_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path(), &std::sync::Arc::default());
    options.key = KeyPolicy::Any;
    let server = Server::start(options).await.unwrap();
    let code = async |key: &str| {
        let url = server
            .url()
            .join("/v1/models/pricing?endpoint_id=fal-ai/infinitalk")
            .unwrap();
        let call = super::desk::http().get(url).header("authorization", key);
        Got::of(call).await.code
    };
    assert_eq!(code("Key any:thing").await, 200);
    assert_eq!(code(&format!("Key {}", server.key().expose())).await, 200);
    assert_eq!(code("Key anything").await, 401);
}

#[tokio::test]
async fn only_calls_to_our_own_address_are_answered() {
    let desk = Desk::with(1).await;
    let of = async |host: &str| {
        let call = desk.call("GET", "/v1/meta").header("host", host);
        Got::of(call).await.code
    };
    assert_eq!(of("evil.test").await, 403);
    assert_eq!(of("localhost:1").await, 200);
}

#[tokio::test]
async fn the_list_of_requests_has_what_runs_and_pages_through_the_rest() {
    let desk = Desk::with(1).await;
    let mut ended = Vec::new();
    for step in [
        Step::Finish,
        Step::Fail(talkdeck::studio::Error::NoFace),
        Step::Panic,
        Step::Finish,
    ] {
        let id = desk.submit().await;
        desk.puppet.do_next(step);
        desk.until_status(&id, "COMPLETED").await;
        ended.insert(0, id);
    }
    let running = desk.submit().await;
    desk.until_begun(5).await;
    let list = async |query: &str| {
        let path = format!("/v1/models/requests/by-endpoint?endpoint_id={SINGLE}{query}");
        let got = desk.get(&path).await;
        assert_eq!(got.code, 200, "{got:?}");
        got.json()
    };
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["request_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let newest_first: Vec<_> = [vec![running.clone()], ended.clone()].concat();
    let whole = list("").await;
    assert_eq!(ids(&whole), newest_first);
    assert_eq!(
        (&whole["items"][0]["ended_at"], &whole["has_more"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(whole["items"][0].get("json_input"), None);

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for expected in [2, 2, 1] {
        let page = list(&format!("&limit=2{cursor}")).await;
        assert_eq!(ids(&page).len(), expected);
        seen.extend(ids(&page));
        cursor = format!(
            "&cursor={}",
            page["next_cursor"].as_str().unwrap_or_default()
        );
        assert_eq!(page["has_more"], json!(expected == 2));
    }
    assert_eq!(seen, newest_first);

    assert_eq!(
        ids(&list("&status=success").await),
        [ended[0].clone(), ended[3].clone()]
    );
    assert_eq!(ids(&list("&status=user_error").await), [ended[2].clone()]);
    assert_eq!(ids(&list("&status=error").await), [ended[1].clone()]);
    assert_eq!(
        ids(&list(&format!("&request_id={}", ended[2])).await),
        [ended[2].clone()]
    );
    assert!(ids(&list("&start=2999-01-01").await).contains(&running));
    assert!(!ids(&list("&start=2999-01-01").await).contains(&ended[0]));
    assert!(ids(&list("&end=2020-01-01T00:00:00Z").await).is_empty());

    let full = list("&expand=payloads&status=success").await["items"][0].clone();
    assert_eq!(full["json_input"], good());
    let url = full["json_output"]["video"]["url"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(url.starts_with(desk.server.url().as_str()), "{url}");
    assert_eq!(full["status_code"], 200);

    for bad in [
        "&limit=0",
        "&limit=101",
        "&cursor=x",
        "&status=odd",
        "&request_id=1",
        "&start=soon",
    ] {
        let path = format!("/v1/models/requests/by-endpoint?endpoint_id={SINGLE}{bad}");
        let (code, body) = desk.get(&path).await.both();
        assert_eq!(
            (code, &body["error"]["type"]),
            (400, &json!("validation_error")),
            "{bad}"
        );
    }
    assert_eq!(desk.get("/v1/models/requests/by-endpoint").await.code, 400);
}

#[tokio::test]
async fn prices_models_and_documents_come_from_the_catalog() {
    let desk = Desk::with(1).await;
    let prices = async |query: &str| {
        desk.get(&format!("/v1/models/pricing?{query}"))
            .await
            .both()
    };
    let price = |id: &str| json!({"endpoint_id": id, "unit_price": 0.2, "unit": "seconds", "currency": "USD"});
    let both = json!({
        "prices": [price(SINGLE), price("fal-ai/infinitalk")], "next_cursor": null, "has_more": false
    });
    assert_eq!(
        prices(&format!("endpoint_id={SINGLE},fal-ai/infinitalk")).await,
        (200, both.clone())
    );
    assert_eq!(
        prices(&format!(
            "endpoint_id={SINGLE}&endpoint_id=fal-ai%2Finfinitalk"
        ))
        .await,
        (200, both)
    );
    assert_eq!(prices("endpoint_id=a/b").await.0, 404);
    assert_eq!(prices("").await.0, 400);

    let models = Got::of(
        desk.http
            .get(desk.url("/v1/models?expand=openapi-3.0&limit=1")),
    )
    .await
    .json();
    let model = &models["models"][0];
    assert_eq!(
        (&model["endpoint_id"], &models["has_more"]),
        (&json!(SINGLE), &json!(true))
    );
    assert_eq!(
        model["openapi"]["servers"][0]["url"],
        desk.url("/").trim_end_matches('/')
    );
    let next = desk
        .get(&format!(
            "/v1/models?cursor={}",
            models["next_cursor"].as_str().unwrap()
        ))
        .await;
    assert_eq!(next.json()["models"][0]["endpoint_id"], "fal-ai/infinitalk");
    let found = desk.get("/v1/models?q=nothing%20like%20it").await.json();
    assert_eq!(found["models"], json!([]));

    let document = async |id: &str| {
        let path = format!("/api/openapi/queue/openapi.json?endpoint_id={id}");
        Got::of(desk.http.get(desk.url(&path))).await.both()
    };
    let (code, body) = document(SINGLE).await;
    assert_eq!(
        (code, &body["info"]["x-fal-metadata"]["endpointId"]),
        (200, &json!(SINGLE))
    );
    assert_eq!(document("a/b").await, (404, Value::Null));
    let meta = Got::of(desk.http.get(desk.url("/v1/meta"))).await;
    assert_eq!(meta.both(), (200, json!({"webhook_ip_ranges": []})));
}

#[tokio::test]
async fn a_browser_may_call_with_a_key_of_its_own() {
    let desk = Desk::with(1).await;
    let preflight = desk
        .http
        .request("OPTIONS".parse().unwrap(), desk.url(&format!("/{SINGLE}")))
        .header("origin", "https://page.test")
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,x-fal-queue-priority",
        );
    let got = Got::of(preflight).await;
    assert_eq!(got.code, 204);
    assert_eq!(got.header("access-control-allow-origin"), Some("*"));
    assert_eq!(
        got.header("access-control-allow-headers"),
        Some("authorization,x-fal-queue-priority")
    );
    assert!(
        got.header("access-control-allow-methods")
            .unwrap()
            .contains("PUT")
    );
    let answer = desk.get("/v1/models").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn an_unmodified_client_comes_through_the_proxy_route() {
    let desk = Desk::with(1).await;
    let proxied = |method: &str, target: &str| {
        desk.call(method, "/api/fal/proxy")
            .header("x-fal-target-url", target)
    };
    let submit = proxied("POST", &format!("https://queue.fal.run/{SINGLE}")).json(&good());
    let submitted = Got::of(submit).await.json();
    let id = submitted["request_id"].as_str().unwrap();
    desk.puppet.finish();
    until("the end", async || {
        let target = format!("https://queue.fal.run/fal-ai/infinitalk/requests/{id}/status?logs=1");
        let status = Got::of(proxied("GET", &target)).await.json();
        assert!(status["logs"].is_array(), "the target's query counts");
        (status["status"] == "COMPLETED").then_some(())
    })
    .await;
    let target = format!("https://queue.fal.run/fal-ai/infinitalk/requests/{id}");
    assert_eq!(Got::of(proxied("GET", &target)).await.json()["seed"], 42);
    let wish = json!({"file_name": "a.png", "content_type": "image/png"});
    let target = "https://rest.fal.ai/storage/upload/initiate?storage_type=fal-cdn-v3";
    assert_eq!(Got::of(proxied("POST", target).json(&wish)).await.code, 200);
    let none = desk.get("/api/fal/proxy").await;
    assert_eq!(none.both(), (400, json!({"detail": "Invalid request"})));
    let waits = proxied("POST", &format!("https://fal.run/{SINGLE}")).json(&good());
    assert_eq!(
        Got::of(waits).await.code,
        400,
        "synchronous runs are not offered"
    );
}

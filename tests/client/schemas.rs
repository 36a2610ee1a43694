//! Endpoints as the server describes them: fetched without the key, cached, used without a network.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use serde_json::{Value, json};
use talkdeck::{
    catalog::{Catalog, FieldKind},
    fal,
    model::EndpointId,
    tracker::{Error, schemas::Schemas},
};

use super::fake::{Fake, Reply};

fn nested() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/openapi/nested.json");
    std::fs::read_to_string(path).unwrap()
}

fn id(text: &str) -> EndpointId {
    text.parse().unwrap()
}

/// A built-in document whose frames end at 301.
fn shorter() -> String {
    let mut document = Value::clone(&Catalog::builtin().first().document);
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    let input = schemas
        .values_mut()
        .find(|schema| schema["properties"]["num_frames"].is_object())
        .unwrap();
    input["properties"]["num_frames"]["maximum"] = json!(301);
    document["info"]["x-talkdeck"] = json!({"price": {"unit_price": 0.000_001}});
    document.to_string()
}

#[tokio::test]
async fn a_document_is_asked_for_without_the_key_once_a_day_and_kept_for_times_without_a_network() {
    let cache = tempfile::tempdir().unwrap();
    let fake = Fake::always(Reply::json(200, nested())).await;
    let (client, builtin) = (fake.client(), Catalog::builtin());
    let server = client.server().id.clone();
    let camera = id("studio/camera");
    let schemas = Schemas::open(Some(cache.path()));
    for _ in 0..2 {
        let change = schemas.refresh(&client, &camera, &builtin).await.unwrap();
        assert_eq!(change, None, "a first word is no change");
    }
    let seen = fake.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(
        seen[0].path,
        "/api/openapi/queue/openapi.json?endpoint_id=studio%2Fcamera"
    );
    assert!(!seen[0].has_key());
    drop(fake);
    let again = Schemas::open(Some(cache.path()));
    assert_eq!(
        again.refresh(&client, &camera, &builtin).await.unwrap(),
        None
    );
    let catalog = again.over(&builtin, &server);
    let endpoint = catalog.get(&camera).unwrap();
    assert_eq!((endpoint.title.as_str(), endpoint.price), ("Camera", None));
    assert!(
        again
            .over(&builtin, &talkdeck::model::ServerId::preview())
            .get(&camera)
            .is_none()
    );
}

#[tokio::test]
async fn an_endpoint_that_nobody_knows_is_named_with_its_nearest() {
    let fake = Fake::always(Reply::json(404, "null")).await;
    let (client, builtin) = (fake.client(), Catalog::builtin());
    let schemas = Schemas::open(None);
    let misspelt = id("fal-ai/infinitalk/single-txt");
    for _ in 0..2 {
        let asked = schemas.refresh(&client, &misspelt, &builtin).await;
        let error = asked.unwrap_err();
        let Error::NoSuchEndpoint { nearest, .. } = &error else {
            panic!("{error}")
        };
        assert_eq!(nearest, &Some(id("fal-ai/infinitalk/single-text")));
    }
    assert_eq!(fake.seen().len(), 1, "a no counts for a day, too");
    // What is built in stays, whatever this server has.
    let first = builtin.first();
    assert_eq!(
        schemas.refresh(&client, &first.id, &builtin).await.unwrap(),
        None
    );
    assert_eq!(
        schemas.over(&builtin, &client.server().id).get(&first.id),
        Some(first)
    );
}

#[tokio::test]
async fn the_servers_limits_win_over_the_built_in_ones_and_its_price_is_not_believed() {
    let fake = Fake::always(Reply::json(200, shorter())).await;
    let (client, builtin) = (fake.client(), Catalog::builtin());
    let schemas = Schemas::open(None);
    let first = builtin.first();
    let change = schemas.refresh(&client, &first.id, &builtin).await.unwrap();
    assert_eq!(change.unwrap().as_str(), "num_frames now 41–301");
    let now = schemas.over(&builtin, &client.server().id);
    let now = now.get(&first.id).unwrap();
    assert_eq!(now.price, first.price);
    assert_eq!(
        now.field("num_frames").unwrap().kind,
        FieldKind::Integer {
            minimum: Some(41),
            maximum: Some(301)
        }
    );
}

#[tokio::test]
async fn what_is_no_document_is_one_error_and_nothing_known_is_lost() {
    let cases = [
        (Reply::html(200), "not an answer of fal's"),
        (Reply::json(200, "{}"), "has no endpoint id"),
        (
            Reply::json(200, nested().replace("studio/camera", "studio/other")),
            "is that of studio/other",
        ),
        (Reply::json(500, r#"{"detail": "down"}"#), "500"),
    ];
    let builtin = Catalog::builtin();
    for (reply, want) in cases {
        let fake = Fake::always(reply).await;
        let schemas = Schemas::open(None);
        let (client, camera) = (fake.client(), id("studio/camera"));
        let asked = schemas.refresh(&client, &camera, &builtin).await;
        let error = asked.unwrap_err().to_string();
        assert!(
            error.contains(want) && error.contains("studio/camera"),
            "{error}"
        );
        let known = &builtin.first().id;
        assert!(schemas.refresh(&client, known, &builtin).await.is_err());
        assert_eq!(schemas.over(&builtin, &fake.client().server().id), builtin);
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_a_document_that_is_older() {
    let cache = tempfile::tempdir().unwrap();
    let up = Arc::new(AtomicBool::new(true));
    let is_up = Arc::clone(&up);
    let fake = Fake::start(move |_| {
        if is_up.load(SeqCst) {
            Reply::json(200, nested())
        } else {
            Reply::raw("")
        }
    })
    .await;
    let (client, builtin) = (fake.client(), Catalog::builtin());
    let camera = id("studio/camera");
    let unknown = Schemas::open(None)
        .refresh(&client, &camera, &builtin)
        .await;
    assert!(unknown.is_ok());
    Schemas::open(Some(cache.path()))
        .refresh(&client, &camera, &builtin)
        .await
        .unwrap();
    up.store(false, SeqCst);
    // A day later.
    for entry in std::fs::read_dir(cache.path().join("schemas")).unwrap() {
        let path = entry.unwrap().path();
        let mut kept: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        kept["at"] = json!("2020-01-01T00:00:00Z");
        std::fs::write(&path, kept.to_string()).unwrap();
    }
    let old = Schemas::open(Some(cache.path()));
    let error = old.refresh(&client, &camera, &builtin).await.unwrap_err();
    assert!(
        matches!(error, Error::Fal(fal::Error::Interrupted { .. })),
        "{error}"
    );
    assert!(
        old.over(&builtin, &client.server().id)
            .get(&camera)
            .is_some()
    );
    let error = Schemas::open(None)
        .refresh(&client, &camera, &builtin)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("what studio/camera takes is not known here"),
        "{error}"
    );
}

#[tokio::test]
async fn a_torn_cache_is_an_empty_one() {
    let cache = tempfile::tempdir().unwrap();
    let dir = cache.path().join("schemas");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("a.json"), "{torn").unwrap();
    std::fs::create_dir(dir.join("b.json")).unwrap();
    let fake = Fake::always(Reply::json(200, nested())).await;
    let schemas = Schemas::open(Some(cache.path()));
    let builtin = Catalog::builtin();
    schemas
        .refresh(&fake.client(), &id("studio/camera"), &builtin)
        .await
        .unwrap();
    assert_eq!(
        Schemas::open(Some(cache.path()))
            .over(&builtin, &fake.client().server().id)
            .endpoints()
            .count(),
        builtin.endpoints().count() + 1
    );
}

#[tokio::test]
async fn the_list_of_models_is_read_page_by_page() {
    let fake = Fake::start(|seen| {
        let page = if seen.path.contains("cursor=2") {
            json!({"models": [{"endpoint_id": "a/c"}, {"metadata": {}}], "next_cursor": null, "has_more": false})
        } else {
            let metadata = json!({"display_name": "B", "category": "image-to-video", "tags": 7});
            json!({"models": [{"endpoint_id": "a/b", "metadata": metadata}], "next_cursor": "2", "has_more": true})
        };
        Reply::json(200, page.to_string())
    })
    .await;
    let models = fake.client().models().await.unwrap();
    let ids: Vec<_> = models
        .iter()
        .map(|model| model.endpoint_id.as_str())
        .collect();
    assert_eq!(ids, ["a/b", "a/c"]);
    let metadata = models[0].metadata.as_ref().unwrap();
    assert_eq!(metadata.display_name.as_deref(), Some("B"));
    assert_eq!(fake.seen()[0].path, "/v1/models?limit=100&status=active");
}

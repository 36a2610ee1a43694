//! Prices and past requests.

use talkdeck::{
    fal::{Client, Error, RequestsQuery, wire},
    model::{Arguments, EndpointId},
};

use super::fake::{Fake, Reply, assert_silent, endpoint, golden, request_id};

fn query() -> RequestsQuery {
    RequestsQuery {
        endpoint: endpoint(),
        start: "2026-11-20T09:04:00Z".parse().unwrap(),
        end: "2026-11-20T09:24:00Z".parse().unwrap(),
        request_id: None,
    }
}

async fn ids(client: &Client) -> Result<Vec<String>, Error> {
    let items = client.requests(&query(), |_| true).await?;
    Ok(items.into_iter().map(|item| item.request_id).collect())
}

fn cursor(path: &str) -> Option<&str> {
    path.split_once("cursor=").map(|(_, cursor)| cursor)
}

#[tokio::test]
async fn prices_are_asked_for_together() {
    let fake = Fake::always(Reply::json(200, golden("prices.json"))).await;
    let endpoints: Vec<EndpointId> = vec![endpoint(), "fal-ai/infinitalk".parse().unwrap()];
    let prices = fake.client().pricing(&endpoints).await.unwrap();
    assert_eq!(
        prices,
        [wire::Price {
            endpoint_id: "fal-ai/infinitalk".to_owned(),
            unit_price: 0.2,
            unit: "seconds".to_owned(),
            currency: "USD".to_owned(),
        }]
    );
    assert_eq!(
        fake.seen()[0].path,
        "/v1/models/pricing?endpoint_id=fal-ai%2Finfinitalk%2Fsingle-text%2Cfal-ai%2Finfinitalk"
    );
    assert_eq!(fake.client().pricing(&[]).await.unwrap(), []);
    assert_eq!(fake.seen().len(), 1, "no question without a name");
}

#[tokio::test]
async fn an_unknown_endpoint_does_not_hide_the_prices_of_the_others() {
    let fake = Fake::start(|seen| {
        if seen.path.contains("unknown") {
            Reply::json(404, golden("error-platform.json"))
        } else {
            Reply::json(200, golden("prices.json"))
        }
    })
    .await;
    let client = fake.client();
    let endpoints: Vec<EndpointId> = ["fal-ai/unknown", "fal-ai/infinitalk"]
        .map(|id| id.parse().unwrap())
        .to_vec();
    assert_eq!(client.pricing(&endpoints).await.unwrap().len(), 1);
    assert_eq!(client.pricing(&endpoints[..1]).await.unwrap(), []);
    let locked = Fake::always(Reply::json(401, golden("error-unauthorized.json"))).await;
    let error = locked.client().pricing(&endpoints).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
}

#[tokio::test]
async fn past_requests_come_with_the_input_they_can_be_known_by() {
    let fake = Fake::always(Reply::json(200, golden("requests.json"))).await;
    let client = fake.client();
    let items = client.requests(&query(), |_| true).await.unwrap();
    let sent: Arguments = serde_json::from_str(&golden("single-text-1.input.json")).unwrap();
    let found: Arguments = serde_json::from_value(items[0].json_input.clone().unwrap()).unwrap();
    assert_eq!(found.canonical_json(), sent.canonical_json());
    assert_eq!((items.len(), items[0].ended_at.as_deref()), (1, None));
    assert_eq!(
        fake.seen()[0].path,
        "/v1/models/requests/by-endpoint?endpoint_id=fal-ai%2Finfinitalk%2Fsingle-text&start=2026-11-20T09%3A04%3A00Z\
         &end=2026-11-20T09%3A24%3A00Z&limit=100&expand=payloads"
    );
    let one = RequestsQuery {
        request_id: Some(request_id()),
        ..query()
    };
    client.requests(&one, |_| true).await.unwrap();
    assert!(
        fake.seen()[1]
            .path
            .ends_with("&request_id=0b6f3a1e-5c1d-4a50-9a43-2f8f5f0f7a11")
    );
}

#[tokio::test]
async fn all_pages_are_read() {
    let fake = Fake::start(|seen| {
        let page = match cursor(&seen.path) {
            None => r#"{"items":[{"request_id":"a"}],"next_cursor":"2 &x","has_more":true}"#,
            Some("2+%26x") => r#"{"items":[],"next_cursor":"3","has_more":true}"#,
            Some("3") => r#"{"items":[{"request_id":"b"}],"next_cursor":null,"has_more":false}"#,
            Some(other) => panic!("{other}"),
        };
        Reply::json(200, page)
    })
    .await;
    assert_eq!(ids(&fake.client()).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_to_its_end_is_an_error_and_no_shorter_list() {
    let page = |next: &str| {
        format!(r#"{{"items":[{{"request_id":"a"}}],"next_cursor":{next},"has_more":true}}"#)
    };
    let endless = Fake::start(move |seen| {
        let n: usize = cursor(&seen.path).map_or(0, |cursor| cursor.parse().unwrap());
        Reply::json(200, page(&format!("\"{}\"", n + 1)))
    })
    .await;
    let circle = Fake::always(Reply::json(200, page("\"same\""))).await;
    let lost = Fake::always(Reply::json(200, page("null"))).await;
    for (fake, calls) in [(&endless, 100), (&circle, 2), (&lost, 1)] {
        let error = ids(&fake.client()).await.unwrap_err();
        assert!(error.to_string().contains("a list without end"), "{error}");
        assert_eq!(fake.seen().len(), calls);
    }
    let broken = Fake::start(|seen| match cursor(&seen.path) {
        None => Reply::json(
            200,
            r#"{"items":[{"request_id":"a"}],"next_cursor":"2","has_more":true}"#,
        ),
        Some(_) => Reply::html(503),
    })
    .await;
    let error = ids(&broken.client()).await.unwrap_err();
    assert!(
        matches!(error, Error::Server { status: 503, .. }),
        "{error}"
    );
    assert_silent(&error);
}

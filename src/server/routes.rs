//! Which path does what, and what holds for all of them: the host guard, CORS, request ids, the proxy route.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode, Uri, header, request::Parts, uri::Authority,
    },
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    answer::{self, Answer},
    auth::Guard,
    downloads,
    files::Files,
    platform,
    queue::Queue,
    requests, storage,
};
use crate::catalog::Catalog;

/// Bodies of JSON may be this long; a data URI of a picture fits.
const LARGEST_JSON: usize = 8 * 1024 * 1024;

/// What every handler may need.
pub(super) struct Shared {
    pub(super) queue: Arc<Queue>,
    pub(super) files: Files,
    pub(super) uploads: storage::Uploads,
    pub(super) catalog: Arc<Catalog>,
    pub(super) guard: Guard,
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// Cancelled when the server ends; streams end with it.
    pub(super) stop: CancellationToken,
}

/// One call, taken apart.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: HashMap<String, Vec<String>>,
    pub(super) headers: HeaderMap,
    /// `http://host:port` as the caller knows us, without a slash at the end.
    pub(super) base: String,
}

impl Call {
    fn new(parts: Parts, base: String) -> Self {
        Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: query_of(&parts.uri),
            headers: parts.headers,
            base,
        }
    }

    /// The last value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name)?.last().map(String::as_str)
    }

    /// The values of a parameter that may be repeated or hold several, separated by commas.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let values = self.query.get(name).map_or(&[][..], Vec::as_slice);
        let parts = values.iter().flat_map(|value| value.split(','));
        parts
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect()
    }

    /// A header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A whole body, if it is not too long.
///
/// # Errors
/// The answer to give instead.
pub(super) async fn whole(body: Body) -> Result<Bytes, Answer> {
    to_bytes(body, LARGEST_JSON).await.map_err(|_| {
        answer::detail(
            StatusCode::PAYLOAD_TOO_LARGE,
            &format!("The body could not be read or has more than {LARGEST_JSON} bytes"),
        )
    })
}

fn query_of(uri: &Uri) -> HashMap<String, Vec<String>> {
    let mut query: HashMap<String, Vec<String>> = HashMap::new();
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    for (name, value) in pairs.into_owned() {
        query.entry(name).or_default().push(value);
    }
    query
}

/// Answers one request.
pub(super) async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Answer {
    let wanted_headers = request
        .headers()
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
        .cloned();
    let mut answer = if shared.stop.is_cancelled() {
        answer::infrastructure(
            StatusCode::SERVICE_UNAVAILABLE,
            "runner_disconnected",
            "The server is ending",
        )
    } else {
        match host_of(&request, shared.address) {
            Some(host) => {
                let (parts, body) = request.into_parts();
                let call = Call::new(parts, format!("http://{host}"));
                dispatch(&shared, call, body).await
            }
            None => answer::detail(
                StatusCode::FORBIDDEN,
                "This server answers only calls to its own address",
            ),
        }
    };
    let headers = answer.headers_mut();
    if !headers.contains_key(answer::REQUEST_ID) {
        let id = Uuid::new_v4().to_string();
        headers.insert(
            answer::REQUEST_ID,
            HeaderValue::from_str(&id).expect("digits and dashes"),
        );
    }
    allow_browsers(headers, wanted_headers);
    answer
}

/// The host that the caller knows us by, if it is one of ours.
///
/// A web page may make its own name point to this machine and then call us as if we were its server; behind a loopback
/// address only loopback names are therefore answered. Whoever listens on the network has chosen to be found by names.
fn host_of(request: &Request, address: SocketAddr) -> Option<Authority> {
    let named = request.headers().get(header::HOST)?.to_str().ok()?;
    let host: Authority = named.parse().ok()?;
    let is_plain = !named.contains('@');
    let is_ours = |authority: &Authority| {
        let name = authority.host();
        let ip = name
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<IpAddr>();
        match ip {
            Ok(ip) => ip.is_loopback() || ip == address.ip(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    };
    let is_open = !address.ip().is_loopback();
    let is_target_ours = request
        .uri()
        .authority()
        .is_none_or(|target| is_open || is_ours(target));
    (is_plain && (is_open || is_ours(&host)) && is_target_ours).then_some(host)
}

/// Lets web pages of any origin call and read us; without the key they get no further than anybody else.
fn allow_browsers(headers: &mut HeaderMap, wanted: Option<HeaderValue>) {
    let everything = HeaderValue::from_static("*");
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, everything.clone());
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, everything);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, PUT, OPTIONS"),
    );
    // `*` would not cover Authorization: what is asked for is named.
    if let Some(wanted) = wanted {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("600"),
        );
    }
}

/// Where unmodified JS clients send their calls, with the address at fal that they mean in a header.
const PROXY: &str = "/api/fal/proxy";

async fn dispatch(shared: &Arc<Shared>, mut call: Call, body: Body) -> Answer {
    if call.method == Method::OPTIONS {
        return answer::empty(StatusCode::NO_CONTENT);
    }
    if call.path == PROXY {
        let Some(target) = call.header("x-fal-target-url").and_then(proxy_target) else {
            return answer::detail(StatusCode::BAD_REQUEST, "Invalid request");
        };
        target.path().clone_into(&mut call.path);
        call.query = query_of(&target);
    }
    let path = call.path.clone();
    let segments: Vec<_> = path.split('/').skip(1).collect();
    match segments.as_slice() {
        ["v1", rest @ ..] => platform::answer(shared, &call, rest).await,
        ["api", "openapi", rest @ ..] => platform::openapi(shared, &call, rest),
        ["storage", rest @ ..] => storage::answer(shared, &call, body, rest).await,
        ["files", "upload", rest @ ..] => storage::direct(shared, &call, body, rest).await,
        ["files", "b", id, _, "multipart", rest @ ..] => {
            storage::direct_part(shared, &call, body, id, rest).await
        }
        ["files", ..] => downloads::answer(shared, &call).await,
        _ => requests::answer(shared, &call, body, &segments).await,
    }
}

/// The path and query that a proxied call means; its host is fal's and does not matter here.
///
/// `fal.run` itself is refused: a call there waits for the output, which only the queue gives here.
fn proxy_target(text: &str) -> Option<Uri> {
    let target: Uri = text.parse().ok()?;
    let host = target.host()?;
    (host != "fal.run" && target.path() != PROXY).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(address: &str, host: Option<&str>, uri: &str) -> Option<String> {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Body::empty()).unwrap();
        host_of(&request, address.parse().unwrap()).map(|host| host.to_string())
    }

    #[test]
    fn behind_loopback_only_loopback_names_are_answered() {
        let at = "127.0.0.1:4100";
        for good in [
            "127.0.0.1:4100",
            "localhost:4100",
            "LOCALHOST",
            "[::1]:4100",
            "127.0.0.1",
        ] {
            assert_eq!(seen(at, Some(good), "/x").as_deref(), Some(good));
        }
        for bad in [
            "evil.test:4100",
            "10.0.0.1:4100",
            "127.0.0.1.evil.test",
            "me@127.0.0.1",
            "",
        ] {
            assert_eq!(seen(at, Some(bad), "/x"), None, "{bad:?}");
        }
        assert_eq!(seen(at, None, "/x"), None);
        assert_eq!(seen(at, Some("127.0.0.1:4100"), "http://evil.test/x"), None);
    }

    #[test]
    fn on_the_network_every_name_is_answered() {
        assert!(seen("0.0.0.0:4100", Some("box.lan:4100"), "/x").is_some());
    }

    #[test]
    fn a_proxied_call_keeps_path_and_query_and_drops_the_host() {
        let target =
            proxy_target("https://queue.fal.run/fal-ai/x/requests/1/status?logs=1").unwrap();
        assert_eq!(
            (target.path(), target.query()),
            ("/fal-ai/x/requests/1/status", Some("logs=1"))
        );
        for bad in [
            "",
            "/relative",
            "https://fal.run/fal-ai/x",
            "http://h/api/fal/proxy",
        ] {
            assert_eq!(proxy_target(bad), None, "{bad:?}");
        }
    }
}

//! A server with a make-believe engine, and a client to call it with.

use std::{
    path::Path,
    sync::{Arc, Once},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use talkdeck::{
    catalog::Catalog,
    server::{Engine, Options, Running, Server},
};

pub(crate) use crate::puppet::{MP4, Puppet, Step};

/// What every test waits for at most; the machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const SINGLE: &str = "fal-ai/infinitalk/single-text";

/// An HTTP client without proxies.
pub(crate) fn http() -> reqwest::Client {
    static TLS: Once = Once::new();
    TLS.call_once(|| {
        rustls::crypto::ring::default_provider()
            .install_default()
            .unwrap();
    });
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn options(dir: &Path, engine: &Arc<Puppet>) -> Options {
    let mut options = Options::new(dir, Arc::new(Catalog::builtin()));
    options.engine = Arc::clone(engine) as Arc<dyn Engine>;
    options
}

/// A running server and all that belongs to it.
pub(crate) struct Desk {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) puppet: Arc<Puppet>,
    pub(crate) server: Running,
    pub(crate) http: reqwest::Client,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) code: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        Self {
            code: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Code and body at once.
    pub(crate) fn both(&self) -> (u16, Value) {
        (self.code, self.json())
    }
}

impl Desk {
    pub(crate) async fn with(runners: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let puppet = Arc::new(Puppet::default());
        let mut options = options(dir.path(), &puppet);
        options.runners = runners;
        let server = Server::start(options).await.unwrap();
        Self {
            dir,
            puppet,
            server,
            http: http(),
        }
    }

    /// Stops the server and starts one again in the same folder, the engine without memory.
    pub(crate) async fn restart(self) -> Self {
        self.server.stop().await;
        let puppet = Arc::new(Puppet::default());
        let mut options = options(self.dir.path(), &puppet);
        options.runners = 1;
        let server = Server::start(options).await.unwrap();
        Self {
            puppet,
            server,
            ..self
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        if path.starts_with("http") {
            return path.to_owned();
        }
        self.server.url().join(path).unwrap().into()
    }

    pub(crate) fn authorization(&self) -> String {
        format!("Key {}", self.server.key().expose())
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        self.http
            .request(method, self.url(path))
            .header("authorization", self.authorization())
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        Got::of(self.call("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Got {
        Got::of(self.call("POST", path).json(body)).await
    }

    /// Submits a good request; its id.
    pub(crate) async fn submit(&self) -> String {
        self.submit_body(&good()).await
    }

    pub(crate) async fn submit_body(&self, body: &Value) -> String {
        let got = self.post(&format!("/{SINGLE}"), body).await;
        assert_eq!(got.code, 200, "{got:?}");
        got.json()["request_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn status(&self, id: &str) -> Value {
        self.get(&status_path(id)).await.json()
    }

    /// Waits until the status says `word`; the status with its whole log.
    pub(crate) async fn until_status(&self, id: &str, word: &str) -> Value {
        until(&format!("{id} is {word}"), async || {
            let status = self.status(id).await;
            (status["status"] == word).then_some(status)
        })
        .await
    }

    pub(crate) async fn result(&self, id: &str) -> Got {
        self.get(&format!("/fal-ai/infinitalk/requests/{id}")).await
    }

    pub(crate) async fn cancel(&self, id: &str) -> (u16, Value) {
        let path = format!("/fal-ai/infinitalk/requests/{id}/cancel");
        Got::of(self.call("PUT", &path)).await.both()
    }

    /// Waits until the engine has begun so many renderings.
    pub(crate) async fn until_begun(&self, count: usize) {
        until(&format!("{count} renderings"), async || {
            (self.puppet.begun() >= count).then_some(())
        })
        .await;
    }
}

pub(crate) fn status_path(id: &str) -> String {
    format!("/fal-ai/infinitalk/requests/{id}/status?logs=1")
}

/// Arguments that the make-believe engine takes.
pub(crate) fn good() -> Value {
    json!({
        "image_url": "data:image/png;base64,aGVsbG8=", "text_input": "Hello.", "voice": "Bill",
        "prompt": "A man talks.", "num_frames": 145
    })
}

/// Waits until `look` finds something.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The messages of a log on the wire.
pub(crate) fn messages(status: &Value) -> Vec<String> {
    let lines = status["logs"].as_array().unwrap();
    lines
        .iter()
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The names of an object, sorted.
pub(crate) fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<_> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}

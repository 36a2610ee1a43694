//! The client of one server: which HTTP client makes a call, and with what.

use std::{
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{
    Method, RequestBuilder, Response,
    header::{ACCEPT, AUTHORIZATION, HeaderValue},
    redirect,
};
use url::Url;

use crate::model::{
    CleanText, EndpointId, LogLine, RequestId, Server, Timestamp, request::RequestUrls, server,
};

use super::{
    address::{self, PublicOnly},
    answer::Answer,
    body,
    error::Error,
    failure::Redactor,
    followed::Followed,
    log,
    retry::Backoff,
    tls::{self, Protocols},
    wire,
};

/// How long the client waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection: name, TCP, proxy and TLS together.
    pub connect: Duration,
    /// For the whole answer to a submit, the connection included.
    pub submit: Duration,
    /// For the whole answer to any other call.
    pub answer: Duration,
    /// For the next byte of a status stream; the server sends a comment every 15 s.
    pub stream: Duration,
    /// For the next byte of an upload or a download to move.
    pub transfer: Duration,
    /// Between the tries of a call that may be repeated.
    pub backoff: Backoff,
    /// Tries of a call that may be repeated, the first included.
    pub tries: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            submit: Duration::from_mins(1),
            answer: Duration::from_secs(20),
            stream: Duration::from_secs(45),
            transfer: Duration::from_mins(1),
            backoff: Backoff {
                base: Duration::from_millis(500),
                cap: Duration::from_secs(8),
            },
            tries: 4,
        }
    }
}

/// A server may ask for a longer pause than this; then the caller decides, not the retry inside the client.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Talks to one server with one key. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    server: Server,
    timing: Timing,
    authorization: HeaderValue,
    redactor: Redactor,
    clients: Clients,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("server", self.server())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for `server`. Nothing is called and no certificate is read before the first call.
    ///
    /// # Errors
    /// [`Error::Insecure`] when a host that is not on this machine has no https address, [`Error::UnusableKey`] when the
    /// key cannot be written into a header.
    pub fn new(server: Server) -> Result<Self, Error> {
        Self::with_timing(server, Timing::default())
    }

    /// As [`Client::new`], with other waiting times.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_timing(server: Server, timing: Timing) -> Result<Self, Error> {
        let hosts = &server.hosts;
        let urls = [&hosts.queue, &hosts.rest, &hosts.platform, &hosts.openapi];
        for url in urls {
            check_scheme(url)?;
        }
        let tls_at_home = urls
            .iter()
            .any(|url| server::is_loopback(url) && url.scheme() == "https");
        let key = server.key.expose().trim();
        let mut authorization =
            HeaderValue::from_str(&format!("Key {key}")).map_err(|_| Error::UnusableKey)?;
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::UnusableKey);
        }
        authorization.set_sensitive(true);
        let inner = Inner {
            redactor: Redactor::new(&server.key),
            clients: Clients {
                connect: timing.connect,
                tls_at_home,
                submit: Pair::default(),
                keyed: Pair::default(),
                keyless: Pair::default(),
                own: urls
                    .iter()
                    .filter_map(|url| url.host_str().map(str::to_owned))
                    .collect(),
                proxies: OnceLock::new(),
            },
            server,
            timing,
            authorization,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The server that it talks to.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.inner.server
    }

    /// Where `request` is followed: at the addresses of `urls` if the key may go there, else at rebuilt ones.
    #[must_use]
    pub fn follow(
        &self,
        endpoint: &EndpointId,
        request: &RequestId,
        urls: Option<&RequestUrls>,
    ) -> Followed {
        Followed::new(&self.server().hosts, endpoint, request, urls)
    }

    /// Remote words as one line that may be shown: without the key, without the queries of addresses, cut.
    #[must_use]
    pub fn words(&self, raw: &str) -> CleanText {
        self.redactor().line(raw)
    }

    /// As [`log_lines`](super::log_lines), without the key, should the server repeat it.
    #[must_use]
    pub fn log_lines(&self, entries: &[wire::LogEntry], now: Timestamp) -> Vec<LogLine> {
        let mut lines = log::log_lines(entries, now);
        for line in &mut lines {
            let shown = self.redactor().without_secrets(&line.message);
            if shown != line.message.as_str() {
                line.message = CleanText::line(&shown);
            }
        }
        lines
    }

    pub(super) fn timing(&self) -> &Timing {
        &self.inner.timing
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.inner.redactor
    }

    /// The POST that costs money.
    pub(super) fn submit_request(&self, url: &Url) -> Result<RequestBuilder, Error> {
        let client = self.inner.clients.submit(server::is_loopback(url));
        self.with_key(client, Method::POST, url)
    }

    /// A call that carries the key.
    pub(super) fn keyed(&self, method: Method, url: &Url) -> Result<RequestBuilder, Error> {
        let client = self.inner.clients.keyed(server::is_loopback(url));
        self.with_key(client, method, url)
    }

    fn with_key(
        &self,
        client: &reqwest::Client,
        method: Method,
        url: &Url,
    ) -> Result<RequestBuilder, Error> {
        if !self.server().hosts.may_receive_key(url) {
            return Err(Error::ForeignHost { host: host_of(url) });
        }
        check_scheme(url)?;
        Ok(client
            .request(method, url.clone())
            .header(AUTHORIZATION, self.inner.authorization.clone())
            .header(ACCEPT, "application/json"))
    }

    /// A call without the key to an address that a server named: public https, or exactly the server's own origin.
    pub(super) fn keyless(&self, method: Method, url: &Url) -> Result<RequestBuilder, Error> {
        let clients = &self.inner.clients;
        let hosts = &self.server().hosts;
        let own = [&hosts.queue, &hosts.rest, &hosts.platform, &hosts.openapi];
        let is_own =
            hosts.may_receive_key(url) && own.iter().any(|own| own.origin() == url.origin());
        let of_proxy = || {
            let proxies = clients.proxies();
            url.host_str()
                .is_some_and(|host| proxies.iter().any(|proxy| proxy == host))
        };
        if !is_own && (!address::is_public_https(url) || of_proxy()) {
            return Err(Error::UnsafeAddress { host: host_of(url) });
        }
        check_scheme(url)?;
        Ok(clients
            .keyless(server::is_loopback(url))
            .request(method, url.clone()))
    }

    /// Sends and reads the whole answer.
    pub(super) async fn answer(
        &self,
        request: RequestBuilder,
        url: &Url,
        after: Duration,
        limit: usize,
    ) -> Result<Answer, Error> {
        let host = host_of(url);
        let response = self.send(request.timeout(after), &host, after).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body::read(response, limit, &host, after).await?;
        Ok(Answer {
            host,
            status,
            headers,
            body: self.redactor().body(body),
        })
    }

    /// Sends and gives the answer once its head is there.
    pub(super) async fn send(
        &self,
        request: RequestBuilder,
        host: &str,
        after: Duration,
    ) -> Result<Response, Error> {
        let sent = request.send().await;
        sent.map_err(|error| self.explained(Error::from_http(&error, host, after)))
    }

    /// Names the proxy that stands between us and a host that cannot be reached.
    fn explained(&self, error: Error) -> Error {
        let proxies = match &error {
            Error::Unreachable { .. } if !self.server().hosts.is_loopback() => {
                self.inner.clients.proxies()
            }
            _ => &[],
        };
        match (error, proxies.first()) {
            (Error::Unreachable { host, reason }, Some(proxy)) => Error::Unreachable {
                host,
                reason: CleanText::line(&format!(
                    "{reason} (the environment names the proxy {proxy})"
                )),
            },
            (error, _) => error,
        }
    }

    /// GETs `url` with the key, again when that may help.
    pub(super) async fn get(&self, url: &Url, limit: usize) -> Result<Answer, Error> {
        self.repeat(async || {
            let request = self.keyed(Method::GET, url)?;
            let answer = self
                .answer(request, url, self.timing().answer, limit)
                .await?;
            if answer.status.as_u16() == 429 || answer.status.is_server_error() {
                return Err(self.failure(&answer));
            }
            Ok(answer)
        })
        .await
    }

    /// Does `call` again, a few times and ever later, while its error may pass by itself.
    pub(super) async fn repeat<T, F: Future<Output = Result<T, Error>>>(
        &self,
        mut call: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let timing = self.timing();
        let mut attempt = 0;
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let wait = match &error {
                Error::RateLimited {
                    wait: Some(asked), ..
                } if *asked > LONGEST_PAUSE => return Err(error),
                // Jitter on top: all who were turned away at once come back at once otherwise.
                Error::RateLimited {
                    wait: Some(asked), ..
                } => *asked + timing.backoff.random_wait(0),
                Error::Unreachable { .. }
                | Error::Interrupted { .. }
                | Error::TimedOut { .. }
                | Error::RateLimited { .. }
                | Error::Server { .. } => timing.backoff.random_wait(attempt),
                _ => return Err(error),
            };
            attempt += 1;
            if attempt >= timing.tries {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// What an answer other than 2xx means.
    pub(super) fn failure(&self, answer: &Answer) -> Error {
        answer.failure(&self.server().id, self.redactor())
    }
}

/// https everywhere, plain http on this machine only.
fn check_scheme(url: &Url) -> Result<(), Error> {
    let safe = match url.scheme() {
        "https" => url.has_host(),
        "http" => server::is_loopback(url),
        _ => false,
    };
    safe.then_some(())
        .ok_or_else(|| Error::Insecure { host: host_of(url) })
}

/// The host of `url`, with its port when it is not the usual one.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("an address without a host");
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The HTTP clients, each made when it is first needed.
struct Clients {
    connect: Duration,
    /// A host on this machine is called by https.
    tls_at_home: bool,
    submit: Pair,
    keyed: Pair,
    keyless: Pair,
    /// The names of the server's own hosts.
    own: Vec<String>,
    proxies: OnceLock<Vec<String>>,
}

/// One for this machine, without proxies, and one for the rest of the world.
#[derive(Default)]
struct Pair {
    home: OnceLock<reqwest::Client>,
    away: OnceLock<reqwest::Client>,
}

impl Pair {
    fn of(&self, home: bool) -> &OnceLock<reqwest::Client> {
        if home { &self.home } else { &self.away }
    }
}

impl Clients {
    fn submit(&self, home: bool) -> &reqwest::Client {
        self.submit.of(home).get_or_init(|| {
            let builder = self
                .builder(home, Protocols::Http1)
                .http1_only()
                // Both the library and the layer below it send a request again when a kept connection turns out dead.
                // Without kept connections there is none; with `never` nothing else is sent again either.
                .pool_max_idle_per_host(0)
                .retry(reqwest::retry::never());
            build(builder)
        })
    }

    fn keyed(&self, home: bool) -> &reqwest::Client {
        self.keyed.of(home).get_or_init(|| {
            let builder = self
                .builder(home, Protocols::Http2)
                .pool_idle_timeout(Duration::from_mins(1))
                // A connection that died with the network's sleep is noticed by the ping, not by every call in turn.
                .http2_keep_alive_interval(Duration::from_secs(20))
                .http2_keep_alive_timeout(Duration::from_secs(10));
            build(builder)
        })
    }

    fn keyless(&self, home: bool) -> &reqwest::Client {
        self.keyless.of(home).get_or_init(|| {
            let builder = self.builder(home, Protocols::Http1);
            build(if home {
                builder
            } else {
                let chosen = [self.proxies(), &self.own].concat();
                builder.https_only(true).dns_resolver(PublicOnly { chosen })
            })
        })
    }

    fn proxies(&self) -> &[String] {
        self.proxies.get_or_init(address::proxies_of_environment)
    }

    fn builder(&self, home: bool, protocols: Protocols) -> reqwest::ClientBuilder {
        let tls = if home && !self.tls_at_home {
            tls::without_roots()
        } else {
            tls::with_roots(protocols)
        };
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("talkdeck/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(self.connect);
        if home { builder.no_proxy() } else { builder }
    }
}

fn build(builder: reqwest::ClientBuilder) -> reqwest::Client {
    builder
        .build()
        .expect("only a foreign TLS backend or a malformed header fails here, and neither is given")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, ServerId, server::Hosts};

    fn client(origin: &str, key: &str) -> Result<Client, Error> {
        Client::new(Server {
            id: ServerId::fal(),
            hosts: Hosts::at(&Url::parse(origin).unwrap()),
            key: Secret::new(key),
        })
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "http://127.0.0.1:4100/",
            "http://[::1]:9/",
            "https://fal.example/",
        ] {
            assert!(client(good, "id:secret").is_ok(), "{good}");
        }
        for bad in [
            "http://fal.example/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
        ] {
            assert!(
                matches!(client(bad, "id:secret"), Err(Error::Insecure { .. })),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_without_showing_it() {
        assert!(client("https://fal.example/", " id:secret\n").is_ok());
        for key in ["id:sec\nret", "id:sécret", "id:sec ret", "id:\u{7f}"] {
            let error = client("https://fal.example/", key).unwrap_err();
            assert!(matches!(error, Error::UnusableKey), "{key:?}");
            assert!(!format!("{error} {error:?}").contains("id:"));
        }
    }

    #[test]
    fn a_client_does_not_print_its_key() {
        let client = client("https://fal.example/", "id:very-secret").unwrap();
        assert!(!format!("{client:?}").contains("very-secret"));
    }

    #[test]
    fn without_the_key_only_public_https_and_the_servers_own_origin_are_called() {
        let allowed = |origin: &str, url: &str| {
            client(origin, "id:secret")
                .unwrap()
                .keyless(Method::GET, &Url::parse(url).unwrap())
                .is_ok()
        };
        let home = "http://127.0.0.1:4100/";
        assert!(allowed(home, "http://127.0.0.1:4100/files/x.mp4"));
        assert!(allowed(home, "https://v3.fal.media/x.mp4"));
        assert!(!allowed(home, "http://127.0.0.1:4101/files/x.mp4"));
        assert!(!allowed(home, "http://localhost:4100/files/x.mp4"));
        let inside = "https://10.0.0.5/";
        assert!(allowed(inside, "https://10.0.0.5/files/x.mp4"));
        assert!(!allowed(inside, "https://10.0.0.5:8443/files/x.mp4"));
        assert!(!allowed(inside, "https://10.0.0.6/files/x.mp4"));
        let fal = "https://queue.fal.run/";
        assert!(allowed(fal, "https://v3.fal.media/x.mp4"));
        for inner in [
            "http://127.0.0.1:4100/files/x.mp4",
            "https://127.0.0.1/",
            "https://169.254.169.254/latest",
            "http://v3.fal.media/x.mp4",
        ] {
            assert!(!allowed(fal, inner), "{inner}");
        }
    }
}

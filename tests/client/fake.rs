//! A server that answers as it is told, byte for byte, and remembers what it was asked.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use talkdeck::{
    fal::{Client, Timing, retry::Backoff},
    model::{EndpointId, RequestId, Secret, Server, ServerId, server::Hosts},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

/// The key of every client here; no answer, error or keyless request may hold any part of it.
pub(crate) const KEY: &str = "3d0f4c6a-key-id:5ecre7-of-the-key-0123456789";

/// What was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) path: String,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// A header's value; the last one where there are several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().rev().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether any part of the key is in it.
    pub(crate) fn has_key(&self) -> bool {
        let text = format!("{}{}", self.head, String::from_utf8_lossy(&self.body));
        KEY.split(':').any(|part| text.contains(part)) || self.header("authorization").is_some()
    }
}

/// What is answered: pieces with pauses before them, then the end of the connection or of the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// Of a whole answer; it says whether the connection is kept.
    head: Option<String>,
    pieces: Vec<(Duration, Vec<u8>)>,
    /// How often the last piece is sent.
    times: usize,
    end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum End {
    /// The connection is closed.
    #[default]
    Close,
    /// The next request is read from the same connection.
    Keep,
    /// Nothing more comes, and the connection stays.
    Hang,
}

impl Reply {
    /// These bytes, then the end of the connection.
    pub(crate) fn raw(bytes: impl AsRef<[u8]>) -> Self {
        Self::default().then(bytes)
    }

    /// A whole answer.
    pub(crate) fn new(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Whatever\r\n{headers}content-length: {length}\r\n");
        Self {
            head: Some(head),
            ..Self::raw(body)
        }
    }

    /// A whole answer in JSON.
    pub(crate) fn json(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self::new(status, "content-type: application/json\r\n", body)
    }

    /// A page, as proxies and captive portals give.
    pub(crate) fn html(status: u16) -> Self {
        let page = "<html><body><h1>nginx</h1></body></html>";
        Self::new(status, "content-type: text/html\r\n", page)
    }

    /// The head of an event stream, which ends with the connection.
    pub(crate) fn events() -> Self {
        Self::raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
    }

    /// Further bytes.
    pub(crate) fn then(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.pieces.push((Duration::ZERO, bytes.as_ref().to_vec()));
        self
    }

    /// Further bytes, so often: what no test wants to hold in memory.
    pub(crate) fn times(mut self, times: usize, bytes: impl AsRef<[u8]>) -> Self {
        self.times = times - 1;
        self.then(bytes)
    }

    /// Further bytes after a pause.
    pub(crate) fn later(mut self, pause: Duration, bytes: impl AsRef<[u8]>) -> Self {
        self.pieces.push((pause, bytes.as_ref().to_vec()));
        self
    }

    /// Keeps the connection for another request.
    pub(crate) fn keep(mut self) -> Self {
        self.end = End::Keep;
        self
    }

    /// Keeps the connection and says nothing more.
    pub(crate) fn hang(mut self) -> Self {
        self.end = End::Hang;
        self
    }
}

/// A server on a free port of this machine; it ends with its value.
pub(crate) struct Fake {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
    open: Arc<AtomicUsize>,
    most_sent: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    /// Answers each request with what `answer` makes of it.
    pub(crate) async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_on("127.0.0.1:0", answer).await
    }

    /// As [`Fake::start`], listening elsewhere on this machine.
    pub(crate) async fn start_on(
        at: &str,
        answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(at).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, most_sent) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let answer = Arc::new(answer);
        let task = tokio::spawn({
            let (seen, connections) = (Arc::clone(&seen), Arc::clone(&connections));
            let (open, most_sent) = (Arc::clone(&open), Arc::clone(&most_sent));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    *connections.lock().unwrap() += 1;
                    open.fetch_add(1, Ordering::SeqCst);
                    let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                    let (open, most_sent) = (Arc::clone(&open), Arc::clone(&most_sent));
                    tokio::spawn(async move {
                        let sent = AtomicUsize::new(0);
                        converse(stream, seen, answer, &sent).await;
                        most_sent.fetch_max(sent.into_inner(), Ordering::SeqCst);
                        open.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
        });
        Self {
            url: Url::parse(&format!("http://{address}/")).unwrap(),
            seen,
            connections,
            open,
            most_sent,
            task,
        }
    }

    /// Gives the same answer to everything.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_| reply.clone()).await
    }

    /// The requests that came in whole so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The connections that were made so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// The connections that are being answered.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The most bytes of a body that went over one connection that has ended.
    pub(crate) fn most_sent(&self) -> usize {
        self.most_sent.load(Ordering::SeqCst)
    }

    /// The address of `path` here.
    pub(crate) fn at(&self, path: &str) -> String {
        self.url.join(path).unwrap().into()
    }

    /// A client for which this is the whole of fal.
    pub(crate) fn client(&self) -> Client {
        client(&self.url)
    }
}

async fn converse(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen) -> Reply>,
    sent: &AtomicUsize,
) {
    while let Some(request) = read_request(&mut stream).await {
        let reply = answer(&request);
        seen.lock().unwrap().push(request);
        if let Some(head) = &reply.head {
            let connection = if reply.end == End::Close {
                "close"
            } else {
                "keep-alive"
            };
            let head = format!("{head}connection: {connection}\r\n\r\n");
            if stream.write_all(head.as_bytes()).await.is_err() {
                return;
            }
        }
        let last = reply.pieces.last().into_iter().cycle().take(reply.times);
        for (pause, piece) in reply.pieces.iter().chain(last) {
            tokio::time::sleep(*pause).await;
            if stream.write_all(piece).await.is_err() {
                return;
            }
            sent.fetch_add(piece.len(), Ordering::SeqCst);
        }
        match reply.end {
            End::Close => {
                // Closing with bytes unread resets the connection, which may overtake the answer.
                let _ = stream.shutdown().await;
                return;
            }
            End::Keep => {}
            End::Hang => std::future::pending().await,
        }
    }
}

/// Reads one request with its body, `None` when there is none any more.
async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut read = Vec::new();
    let end = loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).unwrap();
    let mut words = head.split_whitespace();
    let mut request = Seen {
        method: words.next()?.to_owned(),
        path: words.next()?.to_owned(),
        head: head.clone(),
        body: read.split_off(end),
    };
    assert_eq!(
        request.header("transfer-encoding"),
        None,
        "bodies have a length"
    );
    let length: usize = request
        .header("content-length")
        .map_or(0, |length| length.parse().unwrap());
    while request.body.len() < length {
        if stream.read_buf(&mut request.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(request)
}

/// Patient with answers, quick with retries.
pub(crate) const TIMING: Timing = Timing {
    connect: Duration::from_secs(10),
    submit: Duration::from_secs(10),
    answer: Duration::from_secs(10),
    stream: Duration::from_secs(10),
    transfer: Duration::from_secs(10),
    backoff: Backoff {
        base: Duration::from_millis(1),
        cap: Duration::from_millis(5),
    },
    tries: 3,
};

/// For calls that nothing will ever answer.
pub(crate) const HASTY: Timing = Timing {
    connect: Duration::from_millis(200),
    submit: Duration::from_millis(200),
    answer: Duration::from_millis(200),
    stream: Duration::from_millis(200),
    transfer: Duration::from_millis(200),
    ..TIMING
};

pub(crate) fn client(url: &Url) -> Client {
    client_with(url, TIMING)
}

pub(crate) fn client_with(url: &Url, timing: Timing) -> Client {
    let server = Server {
        id: ServerId::of_origin(url),
        hosts: Hosts::at(url),
        key: Secret::new(KEY),
    };
    Client::with_timing(server, timing).unwrap()
}

/// The endpoint of the golden payloads.
pub(crate) fn endpoint() -> EndpointId {
    "fal-ai/infinitalk/single-text".parse().unwrap()
}

/// The request of the golden payloads.
pub(crate) fn request_id() -> RequestId {
    RequestId::new("0b6f3a1e-5c1d-4a50-9a43-2f8f5f0f7a11")
}

/// A payload of `tests/wire/`.
pub(crate) fn golden(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// That nothing of the key, nor of a signature, is in what an error prints.
pub(crate) fn assert_silent(printed: &impl std::fmt::Debug) {
    let text = format!("{printed:?}");
    for secret in KEY.split(':').chain(["X-Signature", "4f2a"]) {
        assert!(!text.contains(secret), "{text}");
    }
}

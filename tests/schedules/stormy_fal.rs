//! A fal on raw sockets, so that it can break off wherever a network can, and that knows whom it would bill.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::{Value, json};
use talkdeck::model::{Arguments, Secret, Server, ServerId, server::Hosts};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use url::Url;

const VIDEO: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2 not much of a video, but whole";

/// The first line of a connection that asks for nothing.
const LAST: &str = "the last one";

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Call {
    Submit,
    Initiate,
    Put,
    Status,
    Stream,
    Result,
    Cancel,
    List,
    Media,
}

/// How it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// Closed before anything is read.
    ClosedUnread,
    /// Reset after the first byte.
    ResetAtFirstByte,
    /// Read whole, not acted upon, reset.
    LostAndReset,
    /// Read whole, not acted upon, 502.
    LostBadGateway,
    /// Read whole, not acted upon, no answer ever.
    LostAndSilent,
    /// Acted upon, then reset.
    DoneAndReset,
    /// Acted upon, and a proxy says 502.
    DoneBadGateway,
    /// Acted upon, no answer ever.
    DoneAndSilent,
    /// Acted upon, and the answer breaks off.
    DoneAnswerTorn,
    /// Acted upon, and a portal answers 200 with a page.
    DonePage,
    /// 429.
    RateLimited,
    /// 403, the account.
    Locked,
    /// 401.
    KeyRefused,
    /// 422.
    Invalid,
    /// 404.
    NotFound,
}

use Fault::*;

impl Call {
    pub(crate) const ALL: [Self; 9] = [
        Self::Submit,
        Self::Initiate,
        Self::Put,
        Self::Status,
        Self::Stream,
        Self::Result,
        Self::Cancel,
        Self::List,
        Self::Media,
    ];

    /// The faults that this call can meet.
    pub(crate) const fn faults(self) -> &'static [Fault] {
        match self {
            Self::Submit => &[
                ClosedUnread,
                ResetAtFirstByte,
                LostAndReset,
                LostBadGateway,
                LostAndSilent,
                DoneAndReset,
                DoneBadGateway,
                DoneAndSilent,
                DoneAnswerTorn,
                DonePage,
                RateLimited,
                Locked,
                KeyRefused,
                Invalid,
            ],
            Self::Initiate => &[
                ClosedUnread,
                LostAndReset,
                LostBadGateway,
                RateLimited,
                DonePage,
            ],
            Self::Put => &[ClosedUnread, ResetAtFirstByte, LostBadGateway, DoneAndReset],
            Self::Status | Self::Stream => &[
                ClosedUnread,
                LostAndReset,
                LostBadGateway,
                LostAndSilent,
                DoneAnswerTorn,
                DonePage,
                RateLimited,
            ],
            Self::Result => &[
                ClosedUnread,
                LostBadGateway,
                LostAndSilent,
                DoneAnswerTorn,
                DonePage,
                NotFound,
            ],
            Self::Cancel => &[ClosedUnread, LostBadGateway, DoneAndReset],
            Self::List => &[
                ClosedUnread,
                LostBadGateway,
                LostAndSilent,
                DoneAnswerTorn,
                DonePage,
            ],
            Self::Media => &[ClosedUnread, LostBadGateway, DoneAnswerTorn],
        }
    }
}

impl Fault {
    const fn acts(self) -> bool {
        matches!(
            self,
            DoneAndReset | DoneBadGateway | DoneAndSilent | DoneAnswerTorn | DonePage
        )
    }
}

/// A request that the server took, and bills.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) id: String,
    /// Its body, in the one form in which equal bodies are equal.
    pub(crate) body: String,
    input: Value,
    /// How often its status was asked for.
    asked: usize,
}

struct Shared {
    url: Url,
    calm: AtomicBool,
    /// Connections that are being served.
    open: AtomicUsize,
    rng: Mutex<fastrand::Rng>,
    taken: Mutex<Vec<Taken>>,
    met: Mutex<HashMap<(Call, Fault), usize>>,
}

/// The server, as long as the value lives.
pub(crate) struct StormyFal {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Drop for StormyFal {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

impl StormyFal {
    pub(crate) async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            url: Url::parse(&format!("http://{address}/")).unwrap(),
            calm: AtomicBool::new(false),
            open: AtomicUsize::new(0),
            rng: Mutex::new(fastrand::Rng::with_seed(seed)),
            taken: Mutex::default(),
            met: Mutex::default(),
        });
        let of_loop = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that has gone is no trouble of the server's.
                let shared = Arc::clone(&of_loop);
                shared.open.fetch_add(1, SeqCst);
                tokio::spawn(async move {
                    drop(Arc::clone(&shared).serve(stream).await);
                    shared.open.fetch_sub(1, SeqCst);
                });
            }
        });
        Self { shared, serving }
    }

    pub(crate) fn server(&self) -> Server {
        Server {
            id: ServerId::fal(),
            hosts: Hosts::at(&self.shared.url),
            key: Secret::new("id:secret"),
        }
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn calm_down(&self) {
        self.shared.calm.store(true, SeqCst);
    }

    /// Waits until all that has been sent to it is acted upon: connections are accepted in the order in which they came.
    pub(crate) async fn settled(&self) {
        let addresses = self.shared.url.socket_addrs(|| None).unwrap();
        let mut last = TcpStream::connect(&*addresses).await.unwrap();
        last.write_all(format!("{LAST}\n").as_bytes())
            .await
            .unwrap();
        // Closed: all that came before are counted.
        drop(last.read(&mut [0; 1]).await);
        while self.shared.open.load(SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn taken(&self) -> Vec<Taken> {
        lock(&self.shared.taken).clone()
    }

    pub(crate) fn met(&self) -> HashMap<(Call, Fault), usize> {
        lock(&self.shared.met).clone()
    }
}

struct Asked {
    call: Call,
    /// The request id in the path, where there is one.
    id: String,
    body: Vec<u8>,
}

impl Shared {
    fn fault(&self, call: Call) -> Option<Fault> {
        if self.calm.load(SeqCst) {
            return None;
        }
        let mut rng = lock(&self.rng);
        // Submits are what it is about.
        let often = if call == Call::Submit { 0.6 } else { 0.25 };
        let fault = (rng.f64() < often).then(|| *rng.choice(call.faults()).unwrap())?;
        *lock(&self.met).entry((call, fault)).or_default() += 1;
        Some(fault)
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) -> io::Result<()> {
        let mut head = vec![0; 1];
        // What is asked decides what goes wrong, so the first line is peeked at.
        let line = peek_line(&stream).await?;
        if line == LAST {
            return Ok(());
        }
        let (call, id) = call_of(&line);
        let fault = self.fault(call);
        if fault == Some(ClosedUnread) {
            return Ok(());
        }
        stream.read_exact(&mut head).await?;
        if fault == Some(ResetAtFirstByte) {
            return reset(&stream);
        }
        let body = read_rest(&mut stream, head).await?;
        let asked = Asked { call, id, body };
        let Some(fault) = fault else {
            let (code, answer) = self.act(&asked);
            return answer_with(&mut stream, code, &answer, usize::MAX).await;
        };
        let done = fault.acts().then(|| self.act(&asked));
        match fault {
            LostAndReset | DoneAndReset | ClosedUnread | ResetAtFirstByte => reset(&stream),
            LostBadGateway | DoneBadGateway => {
                answer_with(&mut stream, 502, b"<html>bad gateway</html>", usize::MAX).await
            }
            LostAndSilent | DoneAndSilent => {
                // Until the client gives up.
                let mut nothing = [0; 64];
                while stream.read(&mut nothing).await? > 0 {}
                Ok(())
            }
            DoneAnswerTorn => {
                let (code, answer) = done.expect("it was done");
                answer_with(&mut stream, code, &answer, answer.len() / 2).await
            }
            DonePage => {
                answer_with(&mut stream, 200, b"<html>please log in</html>", usize::MAX).await
            }
            RateLimited => {
                answer_with(&mut stream, 429, br#"{"detail": "slow down"}"#, usize::MAX).await
            }
            Locked => {
                let words = br#"{"detail": "User is locked. Reason: Exhausted balance."}"#;
                answer_with(&mut stream, 403, words, usize::MAX).await
            }
            KeyRefused => {
                answer_with(
                    &mut stream,
                    401,
                    br#"{"detail": "no such key"}"#,
                    usize::MAX,
                )
                .await
            }
            Invalid => {
                let words = br#"{"detail": [{"loc": ["body", "prompt"], "msg": "no", "type": "value_error"}]}"#;
                answer_with(&mut stream, 422, words, usize::MAX).await
            }
            NotFound => {
                answer_with(&mut stream, 404, br#"{"detail": "not found"}"#, usize::MAX).await
            }
        }
    }

    /// Does what is asked; the answer's code and body.
    fn act(&self, asked: &Asked) -> (u16, Vec<u8>) {
        let json = |value: &Value| (200, value.to_string().into_bytes());
        match asked.call {
            Call::Submit => {
                let input: Value = serde_json::from_slice(&asked.body).unwrap();
                let arguments: Arguments = serde_json::from_value(input.clone()).unwrap();
                let mut taken = lock(&self.taken);
                let id = format!("request-{}", taken.len());
                taken.push(Taken {
                    id: id.clone(),
                    body: arguments.canonical_json(),
                    input,
                    asked: 0,
                });
                let at = format!("{}fal-ai/infinitalk/requests/{id}", self.url);
                json(&json!({
                    "request_id": id, "status": "IN_QUEUE", "queue_position": 1, "response_url": at,
                    "status_url": format!("{at}/status"), "cancel_url": format!("{at}/cancel"),
                }))
            }
            Call::Initiate => json(&json!({
                "upload_url": format!("{}put/face.png", self.url), "file_url": format!("{}media/face.png", self.url),
            })),
            Call::Put => (200, Vec::new()),
            Call::Status => json(&self.status(&asked.id)),
            Call::Stream => {
                let events: Vec<_> = (0..3)
                    .map(|_| format!("data: {}\n\n", self.status(&asked.id)))
                    .collect();
                (200, events.concat().into_bytes())
            }
            Call::Result => json(&self.output()),
            Call::Cancel => (400, br#"{"status": "ALREADY_COMPLETED"}"#.to_vec()),
            Call::List => {
                let item = |taken: &Taken| {
                    json!({
                        "request_id": taken.id, "endpoint_id": "fal-ai/infinitalk/single-text", "ended_at": null,
                        "sent_at": "2026-11-22T08:00:00Z", "json_input": taken.input, "json_output": self.output(),
                    })
                };
                let items: Vec<_> = lock(&self.taken).iter().map(item).collect();
                json(&json!({"items": items, "next_cursor": null, "has_more": false}))
            }
            Call::Media => (200, VIDEO.to_vec()),
        }
    }

    fn output(&self) -> Value {
        json!({"video": {"url": format!("{}media/out.mp4", self.url)}, "seed": 42})
    }

    /// Queued, running, completed: one step with each question.
    fn status(&self, id: &str) -> Value {
        let mut taken = lock(&self.taken);
        let Some(taken) = taken.iter_mut().find(|taken| taken.id == id) else {
            return json!({"status": "IN_QUEUE", "request_id": id});
        };
        taken.asked += 1;
        let line = json!({"message": "half", "level": "INFO", "timestamp": "2026-11-22T08:00:01Z"});
        match taken.asked {
            1 => json!({"status": "IN_QUEUE", "request_id": id, "queue_position": 0}),
            2 => json!({"status": "IN_PROGRESS", "request_id": id, "logs": [line]}),
            _ => json!({"status": "COMPLETED", "request_id": id, "logs": [line]}),
        }
    }
}

/// The request line, without taking it off the socket.
async fn peek_line(stream: &TcpStream) -> io::Result<String> {
    let mut buffer = [0; 1024];
    loop {
        let seen = stream.peek(&mut buffer).await?;
        if seen == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = buffer[..seen].iter().position(|byte| *byte == b'\n') {
            return Ok(String::from_utf8_lossy(&buffer[..end]).into_owned());
        }
        // The rest of the line is on its way.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn call_of(line: &str) -> (Call, String) {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let path = target.split('?').next().unwrap_or("");
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let id = parts
        .iter()
        .position(|part| *part == "requests")
        .and_then(|at| parts.get(at + 1))
        .map_or_else(String::new, |id| (*id).to_owned());
    let call = match (method, parts.as_slice()) {
        ("POST", [.., "initiate"]) => Call::Initiate,
        ("POST", _) => Call::Submit,
        ("PUT", [.., "cancel"]) => Call::Cancel,
        ("PUT", _) => Call::Put,
        (_, [.., "by-endpoint"]) => Call::List,
        (_, [.., "status"]) => Call::Status,
        (_, [.., "stream"]) => Call::Stream,
        (_, ["media", ..]) => Call::Media,
        _ => Call::Result,
    };
    (call, id)
}

/// Reads the rest of the head and the body, of which it returns the latter.
async fn read_rest(stream: &mut TcpStream, mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut buffer = [0; 4096];
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head.map(|at| at + 4) {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
                .unwrap_or(0);
            if bytes.len() >= head + length {
                return Ok(bytes[head..head + length].to_vec());
            }
        }
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

/// Announces `body` and sends at most `limit` bytes of it.
async fn answer_with(
    stream: &mut TcpStream,
    code: u16,
    body: &[u8],
    limit: usize,
) -> io::Result<()> {
    let kind = match body.first() {
        Some(b'<') => "text/html",
        Some(b'd') => "text/event-stream",
        Some(b'\0') => "application/octet-stream",
        _ => "application/json",
    };
    let head = format!(
        "HTTP/1.1 {code} Whatever\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body[..body.len().min(limit)]).await?;
    stream.shutdown().await
}

/// Makes the connection end as in a crash, not with a goodbye, as soon as it is dropped.
fn reset(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

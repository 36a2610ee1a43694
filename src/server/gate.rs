//! A door in front of a server of this machine, where calls go wrong as a scenario says.
//!
//! It works on the bytes of the connections: that is where a line breaks. Each call has a connection of its own.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::{
    Scenario,
    scenario::{Fate, Plan},
};

/// No head of a request is longer.
const LONGEST_HEAD: usize = 64 << 10;

/// An open door; it closes with its value.
pub struct Gate {
    url: Url,
    _open: DropGuard,
}

impl Gate {
    /// Opens a door on a free port of this machine to the server at `inner`.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn open(scenario: Scenario, inner: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = super::url_of(listener.local_addr()?);
        let stop = CancellationToken::new();
        tokio::spawn(watch(listener, inner, scenario, stop.clone()));
        Ok(Self {
            url,
            _open: stop.drop_guard(),
        })
    }

    /// Its origin.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }
}

/// Lets calls through to `inner` until `stop`.
pub(super) async fn watch(
    listener: TcpListener,
    inner: SocketAddr,
    scenario: Scenario,
    stop: CancellationToken,
) {
    let plan = Arc::new(Plan::new(scenario));
    let accepting = async {
        loop {
            // What cannot be accepted is no reason to close the door for the others.
            let Ok((client, _)) = listener.accept().await else {
                continue;
            };
            let (plan, stop) = (Arc::clone(&plan), stop.clone());
            tokio::spawn(stop.run_until_cancelled_owned(async move {
                // A client that goes away in the middle is no trouble of ours.
                let _ = pass(client, inner, &plan).await;
            }));
        }
    };
    stop.run_until_cancelled(accepting).await;
}

/// One call.
async fn pass(mut client: TcpStream, inner: SocketAddr, plan: &Plan) -> io::Result<()> {
    let Some(request) = Request::read(&mut client).await? else {
        return Ok(());
    };
    let Some(fault) = plan.next(&request.method, &request.target) else {
        let mut server = request.send(&mut client, inner).await?;
        return relay(&mut server, &mut client).await;
    };
    let fate = fault.fate();
    let passes = matches!(fate, Fate::Slow { .. } | Fate::Cut { .. });
    let mut server = None;
    if passes || fault.arrives == Some(true) {
        let sent = request.send(&mut client, inner).await?;
        // Its first byte says that the server has acted.
        sent.readable().await?;
        server = Some(sent);
    } else if fate != Fate::Reset {
        let mut rest = (&mut client).take(request.missing());
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    }
    match (fate, server) {
        (Fate::Reset, _) => client.set_zero_linger(),
        (Fate::Hang, _) => gone(&mut client).await,
        (Fate::Answer(text), _) => {
            client.write_all(text.as_bytes()).await?;
            client.shutdown().await
        }
        (Fate::Slow { bytes, pause }, Some(mut server)) => {
            let mut piece = vec![0; bytes];
            loop {
                let read = server.read(&mut piece).await?;
                if read == 0 {
                    return client.shutdown().await;
                }
                tokio::time::sleep(pause).await;
                client.write_all(&piece[..read]).await?;
            }
        }
        (Fate::Cut { bytes }, Some(server)) => {
            let mut part = server.take(bytes as u64);
            tokio::io::copy(&mut part, &mut client).await?;
            client.shutdown().await
        }
        (Fate::Slow { .. } | Fate::Cut { .. }, None) => Ok(()),
    }
}

/// The whole answer, or until the client goes.
async fn relay(server: &mut TcpStream, client: &mut TcpStream) -> io::Result<()> {
    let (mut reader, mut writer) = client.split();
    let mut byte = [0];
    tokio::select! {
        copied = tokio::io::copy(server, &mut writer) => {
            copied?;
            writer.shutdown().await
        }
        _ = reader.read(&mut byte) => Ok(()),
    }
}

async fn gone(client: &mut TcpStream) -> io::Result<()> {
    let mut piece = [0; 1024];
    while client.read(&mut piece).await? > 0 {}
    Ok(())
}

/// A request whose head has come, and perhaps some of its body.
struct Request {
    method: String,
    target: String,
    head: String,
    body: Vec<u8>,
    length: u64,
}

impl Request {
    async fn read(client: &mut TcpStream) -> io::Result<Option<Self>> {
        let mut read = Vec::new();
        let end = loop {
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if read.len() > LONGEST_HEAD || client.read_buf(&mut read).await? == 0 {
                return Ok(None);
            }
        };
        let body = read.split_off(end);
        let Ok(head) = String::from_utf8(read) else {
            return Ok(None);
        };
        let mut words = head.split_whitespace();
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Ok(None);
        };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse().ok())?
        });
        Ok(Some(Self {
            method: method.to_owned(),
            target: target.to_owned(),
            length: length.unwrap_or(0),
            body,
            head,
        }))
    }

    /// Bytes of the body that have not come so far.
    fn missing(&self) -> u64 {
        self.length.saturating_sub(self.body.len() as u64)
    }

    /// Hands it to the server, which is told that nothing more comes over this connection.
    async fn send(&self, client: &mut TcpStream, inner: SocketAddr) -> io::Result<TcpStream> {
        let mut server = TcpStream::connect(inner).await?;
        let mut lines = self.head.split_inclusive("\r\n");
        let first = lines.next().unwrap_or_default();
        let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
        let rest: String = lines.filter(is_kept).collect();
        let head = format!("{first}connection: close\r\n{rest}");
        server.write_all(head.as_bytes()).await?;
        server.write_all(&self.body).await?;
        let mut rest = client.take(self.missing());
        tokio::io::copy(&mut rest, &mut server).await?;
        Ok(server)
    }
}

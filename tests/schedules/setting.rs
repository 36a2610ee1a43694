//! What a schedule starts with: its place on disk, its servers, what it is patient about.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use talkdeck::{
    catalog::Catalog,
    fal::{Timing, retry::Backoff},
    model::{Arguments, Job, Server, ServerId, server::Hosts},
    store::Store,
    tracker::{CrashHook, Options},
};
use tokio::net::TcpSocket;

/// In memory where that is possible: what is tested is the order of things, not the disk.
pub(crate) fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

pub(crate) fn options(
    dir: &Path,
    server: Server,
    timeout: Duration,
    hook: Option<CrashHook>,
) -> Options {
    let store = Store::open(dir).unwrap();
    let mut options = Options::new(
        store,
        Arc::new(Catalog::builtin()),
        dir,
        dir.join("results"),
    );
    options.servers = vec![server];
    options.second = Duration::from_millis(1);
    options.crash_hook = hook;
    options.timing = Timing {
        connect: timeout,
        submit: timeout,
        answer: timeout,
        stream: timeout,
        transfer: timeout,
        backoff: Backoff {
            base: Duration::from_millis(1),
            cap: Duration::from_millis(3),
        },
        tries: 2,
    };
    options
}

/// A server that is not there. Its port is taken and nobody listens on it, as long as the socket lives: a free one might
/// become the port of another schedule's server.
pub(crate) fn away() -> (Server, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let server = Server {
        id: ServerId::fal(),
        hosts: Hosts::at(&url.parse().unwrap()),
        key: talkdeck::model::Secret::new("id:secret"),
    };
    (server, socket)
}

/// What a failed schedule shows of a job.
pub(crate) fn in_short(job: &Job) -> String {
    format!(
        "{} {:?} {:?} {} {:?}",
        job.id,
        job.state,
        job.request_id,
        job.arguments.canonical_json(),
        job.error
    )
}

pub(crate) fn canonical(body: &str) -> String {
    let arguments: Arguments = serde_json::from_str(body).unwrap();
    arguments.canonical_json()
}

pub(crate) fn picture(dir: &Path) -> PathBuf {
    let path = dir.join("face.png");
    if !path.exists() {
        image::RgbImage::new(8, 8).save(&path).unwrap();
    }
    path
}

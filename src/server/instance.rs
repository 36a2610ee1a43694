//! One process per folder: the lock, the key, and the address by which a second process finds the first one's server.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use url::Url;
use uuid::Uuid;

use super::{Error, disk};
use crate::model::Secret;

/// The folder, held by this process for as long as the value lives.
#[derive(Debug)]
pub(super) struct Held {
    /// Closing it lets the lock go, also when the process is killed.
    _lock: File,
    dir: PathBuf,
}

fn open_lock(dir: &Path) -> Result<File, Error> {
    disk::create_dir(dir).map_err(Error::disk("create", dir))?;
    let path = dir.join("lock");
    disk::private()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(Error::disk("open", &path))
}

impl Held {
    /// Takes the folder if nobody else has it.
    pub(super) fn take(dir: &Path) -> Result<Self, Error> {
        let lock = open_lock(dir)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self::new(lock, dir)),
            Err(TryLockError::WouldBlock) => Err(Error::InUse { dir: dir.into() }),
            Err(TryLockError::Error(source)) => Err(Error::disk("lock", dir.join("lock"))(source)),
        }
    }

    /// Takes the folder as soon as nobody else has it; blocks the thread until then, without waking up.
    pub(super) fn wait(dir: &Path) -> Result<Self, Error> {
        let lock = open_lock(dir)?;
        lock.lock().map_err(Error::disk("lock", dir.join("lock")))?;
        Ok(Self::new(lock, dir))
    }

    fn new(lock: File, dir: &Path) -> Self {
        Self {
            _lock: lock,
            dir: dir.into(),
        }
    }

    /// The folder's own key, drawn at the first start.
    pub(super) fn own_key(&self) -> Result<Secret, Error> {
        let path = self.dir.join("key");
        match fs::read_to_string(&path) {
            Ok(text) if super::auth::is_well_formed(text.trim()) => {
                return Ok(Secret::new(text.trim()));
            }
            // An empty or broken file is of no use to anybody.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::disk("read", path)(error)),
        }
        let key = format!(
            "{}:{}{}",
            Uuid::new_v4(),
            Uuid::new_v4().simple(),
            Uuid::new_v4().simple()
        );
        disk::write_atomic(&path, key.as_bytes()).map_err(Error::disk("write", path))?;
        Ok(Secret::new(key))
    }

    /// The port that the folder's server had last, so that addresses that clients hold stay good.
    pub(super) fn last_port(&self) -> Option<u16> {
        Address::read(&self.dir)?.url.port()
    }

    /// Tells other processes where the server is.
    pub(super) fn announce(&self, url: &Url, key: &Secret) -> Result<(), Error> {
        let path = self.dir.join("address");
        let stored = StoredAddress {
            url: url.to_string(),
            key: key.expose().to_owned(),
        };
        disk::write_json(&path, &stored).map_err(Error::disk("write", path))
    }
}

#[derive(Serialize, Deserialize)]
struct StoredAddress {
    url: String,
    key: String,
}

/// Where a folder's server is, or was.
pub(super) struct Address {
    pub(super) url: Url,
    pub(super) key: Secret,
}

impl Address {
    /// What the last server of the folder left; `None` also for what cannot be read.
    pub(super) fn read(dir: &Path) -> Option<Self> {
        let stored: StoredAddress = disk::read_json(&dir.join("address")).ok()??;
        Some(Self {
            url: Url::parse(&stored.url).ok()?,
            key: Secret::new(stored.key),
        })
    }

    /// Whether a server answers there that takes the key.
    ///
    /// Written by hand, because an HTTP client would bring TLS and proxies along for one request to this machine.
    pub(super) async fn answers(&self) -> bool {
        const PATIENCE: Duration = Duration::from_millis(500);
        tokio::time::timeout(PATIENCE, self.asks())
            .await
            .is_ok_and(|answer| answer.unwrap_or(false))
    }

    async fn asks(&self) -> io::Result<bool> {
        let at: SocketAddr = *self
            .url
            .socket_addrs(|| None)?
            .first()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let mut connection = TcpStream::connect(at).await?;
        let request = format!(
            "GET /v1/models/requests/by-endpoint?endpoint_id=talkdeck/any&limit=1 HTTP/1.1\r\nhost: {at}\r\n\
             authorization: Key {}\r\nconnection: close\r\n\r\n",
            self.key.expose()
        );
        connection.write_all(request.as_bytes()).await?;
        let mut start = [0; 12];
        connection.read_exact(&mut start).await?;
        Ok(start == *b"HTTP/1.1 200")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_a_folder_and_the_next_gets_it_when_it_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let first = Held::take(dir.path()).unwrap();
        assert!(matches!(Held::take(dir.path()), Err(Error::InUse { .. })));
        drop(first);
        Held::wait(dir.path()).unwrap();
    }

    #[test]
    fn the_own_key_lasts_and_a_broken_one_is_drawn_anew() {
        let dir = tempfile::tempdir().unwrap();
        let held = Held::take(dir.path()).unwrap();
        let key = held.own_key().unwrap();
        assert!(super::super::auth::is_well_formed(key.expose()));
        assert_eq!(held.own_key().unwrap(), key);
        fs::write(dir.path().join("key"), "").unwrap();
        assert_ne!(held.own_key().unwrap(), key);
    }
}

//! Endpoints as servers describe them now: asked for once a day, kept in the cache in between and for times without a
//! network.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Error, blocking, inputs, lock, now, place, prices::is_fresh};
use crate::{
    catalog::{Catalog, Endpoint},
    fal::Client,
    model::{CleanText, EndpointId, ServerId, Timestamp},
};

/// The directory in the cache directory.
const DIR: &str = "schemas";
/// Larger than any that we have written.
const LARGEST: u64 = 16 << 20;
/// Documents that are kept; the oldest go first.
const MOST_FILES: usize = 50;

/// The documents that servers gave.
#[derive(Clone)]
pub struct Schemas {
    dir: Option<PathBuf>,
    known: Arc<Mutex<HashMap<(ServerId, EndpointId), Kept>>>,
}

/// What a server said about an endpoint, and when.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    server: ServerId,
    endpoint: EndpointId,
    at: Timestamp,
    /// The document; `None` when the server has no such endpoint.
    document: Option<Value>,
}

impl Schemas {
    /// Reads what `cache` has; what cannot be read there is missing.
    #[must_use]
    pub fn open(cache: Option<&Path>) -> Self {
        let dir = cache.map(|cache| cache.join(DIR));
        let known = dir.as_deref().map(read_all).unwrap_or_default();
        Self {
            dir,
            known: Arc::new(Mutex::new(known)),
        }
    }

    /// The servers that something is known of.
    pub(super) fn servers(&self) -> BTreeSet<ServerId> {
        let known = lock(&self.known);
        known.keys().map(|(server, _)| server.clone()).collect()
    }

    /// `builtin` with what `server` says of its endpoints in their place.
    #[must_use]
    pub fn over(&self, builtin: &Catalog, server: &ServerId) -> Catalog {
        let known = lock(&self.known);
        let mut of_server: Vec<_> = known
            .values()
            .filter(|kept| kept.server == *server)
            .collect();
        of_server.sort_by(|a, b| a.endpoint.cmp(&b.endpoint));
        of_server
            .into_iter()
            .filter_map(|kept| {
                let document = kept.document.clone()?;
                let builtin = builtin.get(&kept.endpoint);
                Endpoint::from_server(&kept.endpoint, document, builtin).ok()
            })
            .fold(builtin.clone(), Catalog::with)
    }

    /// Asks the server of `client` about `endpoint` unless that was done within a day. Says what is different from what
    /// was in use before.
    ///
    /// # Errors
    /// [`Error::NoSuchEndpoint`] when nobody knows it, [`Error::Schema`] when the document is no form, and whatever keeps
    /// the server from answering.
    pub async fn refresh(
        &self,
        client: &Client,
        endpoint: &EndpointId,
        builtin: &Catalog,
    ) -> Result<Option<CleanText>, Error> {
        let server = &client.server().id;
        let no_such = || no_such(builtin, server, endpoint);
        let known = lock(&self.known)
            .get(&(server.clone(), endpoint.clone()))
            .cloned();
        let ours = builtin.get(endpoint);
        if let Some(kept) = known.as_ref().filter(|kept| is_fresh(kept.at)) {
            return if kept.document.is_none() && ours.is_none() {
                Err(no_such())
            } else {
                Ok(None)
            };
        }
        let before = known.and_then(|kept| kept.document);
        let is_known = before.is_some() || ours.is_some();
        let asked = client.openapi(endpoint).await;
        let document = asked.map_err(|source| {
            if is_known {
                return Error::Fal(source);
            }
            Error::UnknownEndpoint {
                endpoint: endpoint.clone(),
                source,
            }
        })?;
        let read = |document: &Value| {
            Endpoint::from_server(endpoint, document.clone(), ours).map_err(|source| {
                Error::Schema {
                    endpoint: endpoint.clone(),
                    source,
                }
            })
        };
        let now_there = document.as_ref().map(read).transpose()?;
        let before = before.and_then(|document| read(&document).ok());
        let change = now_there
            .as_ref()
            .zip(before.as_ref().or(ours))
            .and_then(|(now, before)| now.changes_since(before));
        let is_missing = document.is_none() && ours.is_none();
        self.keep(Kept {
            server: server.clone(),
            endpoint: endpoint.clone(),
            at: now(),
            document,
        })
        .await;
        if is_missing {
            Err(no_such())
        } else {
            Ok(change)
        }
    }

    async fn keep(&self, kept: Kept) {
        let key = (kept.server.clone(), kept.endpoint.clone());
        lock(&self.known).insert(key, kept.clone());
        if let Some(dir) = self.dir.clone() {
            // A cache that cannot be written costs one question a day.
            let _ = blocking(move || write(&dir, &kept)).await;
        }
    }
}

/// That `endpoint` is none, and which may have been meant.
pub(super) fn no_such(builtin: &Catalog, server: &ServerId, endpoint: &EndpointId) -> Error {
    Error::NoSuchEndpoint {
        endpoint: endpoint.clone(),
        server: server.clone(),
        nearest: builtin
            .nearest(endpoint.as_str())
            .map(|near| near.id.clone()),
    }
}

fn read_all(dir: &Path) -> HashMap<(ServerId, EndpointId), Kept> {
    files(dir)
        .into_iter()
        .filter(|(_, file)| file.len() <= LARGEST)
        .filter_map(|(path, _)| {
            let kept: Kept = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
            Some(((kept.server.clone(), kept.endpoint.clone()), kept))
        })
        .collect()
}

/// The plain files of `dir`, the newest first.
fn files(dir: &Path) -> Vec<(PathBuf, fs::Metadata)> {
    let mut found: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let file = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((entry.path(), file))
        })
        .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    found.sort_by_key(|(_, file)| std::cmp::Reverse(file.modified().ok()));
    found
}

fn write(dir: &Path, kept: &Kept) -> io::Result<()> {
    place::make_dir(dir)?;
    // A name of ours: ids and addresses have characters that names of files have not.
    let digest = Sha256::digest(format!("{}\n{}", kept.server, kept.endpoint));
    let name = inputs::hex(&digest[..12]);
    let (unfinished, mut file) = place::Unfinished::create(dir, &name)?;
    io::Write::write_all(&mut file, &serde_json::to_vec(kept)?)?;
    unfinished.replace(&dir.join(format!("{name}.json")))?;
    for (path, _) in files(dir).into_iter().skip(MOST_FILES) {
        fs::remove_file(path)?;
    }
    Ok(())
}

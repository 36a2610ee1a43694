//! The last resort when a request is at the server and the store cannot take its id: a small file beside it.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Shared, blocking, now};
use crate::{
    fal::Accepted,
    model::{JobId, RequestId, request::RequestUrls},
    store,
};

pub(super) struct Rescue {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Note {
    job: JobId,
    request_id: RequestId,
    urls: RequestUrls,
}

impl Rescue {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            dir: data_dir.join("unsaved"),
        }
    }

    /// Writes the answer to a submit down, if that much room is left; says whether it was.
    pub(super) async fn keep(&self, id: &JobId, accepted: &Accepted) -> bool {
        let path = self.dir.join(format!("{id}.json"));
        let note = Note {
            job: id.clone(),
            request_id: accepted.request_id.clone(),
            urls: accepted.urls.clone(),
        };
        blocking(move || write(&path, &note).is_ok()).await
    }

    /// Forgets the note of a job whose answer the store has taken in the end.
    pub(super) async fn forget(&self, id: &JobId) {
        let path = self.dir.join(format!("{id}.json"));
        // One that stays is taken up again, which changes nothing.
        blocking(move || drop(fs::remove_file(path))).await;
    }

    /// Gives the store what it could not take before.
    pub(super) async fn take_up(&self, shared: &Arc<Shared>) -> Result<(), store::Error> {
        let dir = self.dir.clone();
        for (path, note) in blocking(move || read_all(&dir)).await {
            shared
                .change(move |store| {
                    store.accept(&note.job, &note.request_id, &note.urls, None, now())
                })
                .await?;
            blocking(move || drop(fs::remove_file(path))).await;
        }
        Ok(())
    }
}

fn write(path: &Path, note: &Note) -> std::io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&serde_json::to_vec(note)?)?;
    file.sync_all()
}

/// Notes that can be read; a torn one stays where it is, for a person to look at.
fn read_all(dir: &Path) -> Vec<(PathBuf, Note)> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let path = entry.path();
            let note = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((path, note))
        })
        .collect()
}

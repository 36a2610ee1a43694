//! The last resort when a request is at the server and the store cannot take its id: a small file beside it.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
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

    /// Writes the answer to a submit down, if that much room is left.
    pub(super) async fn keep(&self, id: &JobId, accepted: &Accepted) -> io::Result<()> {
        let path = self.dir.join(format!("{id}.json"));
        let note = Note {
            job: id.clone(),
            request_id: accepted.request_id.clone(),
            urls: accepted.urls.clone(),
        };
        blocking(move || write(&path, &note)).await
    }

    /// Forgets the note of a job whose answer the store has taken in the end.
    pub(super) async fn forget(&self, id: &JobId) {
        let path = self.dir.join(format!("{id}.json"));
        // One that stays is taken up again, which changes nothing.
        blocking(move || drop(fs::remove_file(path))).await;
    }

    /// Gives the store what it could not take before; what it still cannot is told and stays.
    pub(super) async fn take_up(&self, shared: &Arc<Shared>) {
        let dir = self.dir.clone();
        for (path, note) in blocking(move || read_all(&dir)).await {
            let (job, request_id) = (note.job.clone(), note.request_id.clone());
            let taken = shared.change(move |store| {
                store.accept(&note.job, &note.request_id, &note.urls, None, now())
            });
            match taken.await {
                Ok(_) if has(shared, &job, &request_id).await => {
                    blocking(move || drop(fs::remove_file(path))).await;
                }
                // The row is gone, as after a database was put aside: the note is all that is left of the request.
                Ok(_) => shared.reports.trouble(&format!(
                    "{} names request {request_id} of job {job}, which this store does not have; it is kept",
                    path.display()
                )),
                Err(error) => shared
                    .reports
                    .trouble(&unsaved(&job, &request_id, &error, &Ok(()))),
            }
        }
    }
}

/// Whether the store knows the request as the job's.
async fn has(shared: &Shared, job: &JobId, request: &RequestId) -> bool {
    let wanted = job.clone();
    let stored = shared.store(move |store| store.get(&wanted)).await;
    stored.is_ok_and(|job| job.is_some_and(|job| job.request_id.as_ref() == Some(request)))
}

/// What is told of a request that the store could not take, `noted` in a file or not.
pub(super) fn unsaved(
    job: &JobId,
    request_id: &RequestId,
    error: &store::Error,
    noted: &io::Result<()>,
) -> String {
    let noted = match noted {
        Ok(()) => "noted in unsaved/ until it can".to_owned(),
        Err(error) => format!("nor noted in unsaved/: {error}; write it down"),
    };
    format!(
        "job {job} is request {request_id} at the server, which cannot be saved: {error} ({noted})"
    )
}

fn write(path: &Path, note: &Note) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    store::make_dir(dir)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&serde_json::to_vec(note)?)?;
    file.sync_all()?;
    // The name has to last through a power cut as well.
    store::sync_dir(dir)
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

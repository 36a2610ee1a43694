//! Brings a finished job home: the result, its files, and the record of what produced them.

use std::{io::Write, path::Path, sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    Error, Shared, Step, blocking, media, now, place, result,
    task::{Next, Retry, Stepped, Turn, in_words},
};
use crate::{
    fal::Client,
    model::{
        Job, JobError, JobId, JobState, inert_json,
        job::{FileKind, SavedFile},
        request::RequestUrls,
    },
    store,
};

/// Longest wait between two tries, in seconds.
pub(super) const LONGEST_WAIT: u64 = 60;
/// So many answers in a row that a file is gone are believed.
const MOST_GONE: u32 = 3;
/// The record beside the files.
const RECORD: &str = "job.json";

/// Why saving did not get further.
pub(super) enum Setback {
    Store(store::Error),
    /// A wait may help.
    Later(Error),
    /// The file is gone from the server.
    Gone,
    /// No wait will help.
    Never(JobError),
}

impl From<store::Error> for Setback {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// Step 7 of the protocol, for a job that is done at the server.
pub(super) async fn save(
    shared: &Arc<Shared>,
    turn: &Turn,
    job: Job,
    urls: Option<RequestUrls>,
) -> Stepped {
    let Some(client) = shared.servers.to_follow(&job.account, turn).await else {
        return Ok(Next::Look);
    };
    let Some(output) = job.output.clone() else {
        return result::fetch(shared, turn, &client, &job, urls.as_ref()).await;
    };
    let mut retry = Retry::up_to(LONGEST_WAIT);
    let mut gone = 0;
    loop {
        let saving = async {
            let _place = shared.limits.downloads.acquire().await;
            save_files(shared, &client, &job.id, &output).await
        };
        let setback = match turn.unless_woken(saving).await {
            None | Some(Ok(())) => return Ok(Next::Look),
            Some(Err(setback)) => setback,
        };
        let id = job.id.clone();
        let why = match setback {
            Setback::Store(error) => return Err(error),
            Setback::Never(error) => {
                result::fail(shared, &job.id, error).await?;
                return Ok(Next::Look);
            }
            Setback::Gone => {
                gone += 1;
                if gone >= MOST_GONE {
                    shared
                        .change(move |store| store.expired(&id, now()))
                        .await?;
                    return Ok(Next::Look);
                }
                "the server says that the file is gone".to_owned()
            }
            Setback::Later(error) => {
                gone = 0;
                error.to_string()
            }
        };
        if !pause(shared, turn, &job.id, &why, None, &mut retry).await? {
            return Ok(Next::Look);
        }
    }
}

/// Shows `why`, and when it goes on, and waits so long; says whether the wait was whole.
pub(super) async fn pause(
    shared: &Shared,
    turn: &Turn,
    id: &JobId,
    why: &str,
    asked: Option<Duration>,
    retry: &mut Retry,
) -> Result<bool, store::Error> {
    let wait = asked.unwrap_or_default().as_secs_f64() + 0.5 + retry.next();
    let notice = format!("{why}; trying again in {}", in_words(wait));
    shared.notice(id, Some(notice)).await?;
    Ok(turn.wait(shared.seconds(wait)).await)
}

async fn save_files(
    shared: &Arc<Shared>,
    client: &Client,
    id: &JobId,
    output: &Value,
) -> Result<(), Setback> {
    let wanted = id.clone();
    let Some(mut job) = shared.store(move |store| store.get(&wanted)).await? else {
        return Ok(());
    };
    let dir = place::dir_of(&job, &shared.results_dir);
    let remotes = media::files_in(output);
    // Files are added in order, each right after it was placed: what is there need not be fetched again.
    for (index, remote) in remotes.iter().enumerate().skip(job.files.len()) {
        let tag = format!("{id}-{index}");
        let name = media::name_of(&job, remote, index);
        let (file, oddities) = media::download(shared, client, remote, &dir, &name, &tag).await?;
        for oddity in oddities {
            shared.remark(id, &oddity).await;
        }
        let wanted = id.clone();
        match shared
            .change(move |store| store.add_file(&wanted, &file))
            .await?
        {
            Some(changed) => job = changed,
            None => return Ok(()),
        }
    }
    job.state = JobState::Completed;
    job.notice = None;
    job.remote_status = None;
    job.completed_at = Some(now());
    let record = write_record(&dir, &job).await.map_err(Setback::Later)?;
    shared.crash.point(Step::RecordWritten).await;
    let wanted = id.clone();
    let mut files = job.files;
    files.push(record);
    let at = job.completed_at.unwrap_or_else(now);
    shared
        .change(move |store| store.complete(&wanted, &files, at))
        .await?;
    shared.crash.point(Step::Completed).await;
    Ok(())
}

/// Writes what produced the files, last of all: where it is, the directory is whole.
async fn write_record(dir: &Path, job: &Job) -> Result<SavedFile, Error> {
    let object = job.to_object();
    let (dir, tag) = (dir.to_owned(), format!("{}-record", job.id));
    let path = dir.join(RECORD);
    let target = path.clone();
    let written = blocking(move || {
        let mut line = inert_json::to_line(&object)?;
        line.push('\n');
        place::make_dir(&dir)?;
        let (unfinished, mut file) = place::Unfinished::create(&dir, &tag)?;
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        // One that stands there is ours, from before a crash: the directory bears the job's id.
        unfinished.replace(&target)?;
        Ok::<_, std::io::Error>(line.len() as u64)
    })
    .await;
    match written {
        Ok(bytes) => Ok(SavedFile {
            path,
            kind: FileKind::Job,
            bytes,
        }),
        Err(source) => Err(Error::File { path, source }),
    }
}

//! `talkdeck download`: a job's result in a directory of the user's choice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    Exit, Fault, Output, job_text,
    session::{Context, Patience, Session, server_of},
};
use crate::model::{Job, job::FileKind};

/// Puts the files into `target`, or the current directory; they are copied where they are still here.
pub(super) async fn run(
    context: &Context,
    job: &str,
    target: Option<&Path>,
    output: &mut Output,
) -> Result<Exit, Fault> {
    let store = context.store()?;
    let mut job = store.find(job)?;
    let target = directory(target.unwrap_or(Path::new(".")))?;
    let mut session = Session::open(context, store, Patience::default())?;
    let saved = context
        .unless_interrupted(async {
            if !is_here(&job) && job.output.is_some() {
                session.use_server(server_of(context, &job)?).await?;
            }
            Ok::<_, Fault>(session.tracker.download(&job.id, &target).await?)
        })
        .await;
    session.close().await;
    job.files = saved?;
    job_text::state_line(&job, output)?;
    Ok(Exit::Done)
}

/// Whether every file of the result is still on this machine, whole.
fn is_here(job: &Job) -> bool {
    let mut files = job
        .files
        .iter()
        .filter(|file| file.kind != FileKind::Job)
        .peekable();
    let whole = |path: &Path, bytes| fs::metadata(path).is_ok_and(|found| found.len() == bytes);
    files.peek().is_some() && files.all(|file| whole(&file.path, file.bytes))
}

/// The directory to put files into, made if it is missing; told before anything is sent that would fill it.
pub(super) fn directory(path: &Path) -> Result<PathBuf, Fault> {
    fs::create_dir_all(path)
        .and_then(|()| path.canonicalize())
        .map_err(|error| {
            Fault::new(
                Exit::Usage,
                format!(
                    "--output {}: {error}; name a directory that can be written to",
                    path.display()
                ),
            )
        })
}

//! Mirrors what other processes do to the same store, and takes over when one of them dies.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use tokio_util::sync::CancellationToken;

use super::{Shared, changes::Changes, recover};
use crate::{
    model::{Job, JobId},
    store,
};

/// Seconds between two looks at least: a flood of log lines elsewhere is no flood here.
const REST: f64 = 0.2;
/// Seconds between two looks where the system does not tell of changes, and after a look that failed.
const POLL: f64 = 1.0;

/// Starts to watch; once is enough.
pub(super) fn watch(shared: &Arc<Shared>) {
    if shared.mirror_runs.swap(true, Ordering::AcqRel) {
        return;
    }
    let (active, tracker) = (shared.active(), Arc::clone(shared));
    shared.tasks.spawn(async move {
        mirror(&tracker, &active).await;
        tracker.mirror_runs.store(false, Ordering::Release);
        // Its last look outlasted the time in which this process stood aside.
        if tracker.is_active() {
            watch(&tracker);
        }
    });
}

/// What is known of the others.
#[derive(Default)]
struct Others {
    /// Live jobs that are not ours, and how many lines their logs have.
    jobs: HashMap<JobId, (Job, u64)>,
    version: Option<(i64, i64)>,
}

async fn mirror(shared: &Arc<Shared>, active: &CancellationToken) {
    let changes = Changes::of(&shared.data_dir);
    let mut others = Others::default();
    loop {
        // Never cut short: what it claims must be known before this process stands aside.
        let looked = look(shared, &mut others).await;
        let wait = async {
            tokio::time::sleep(shared.seconds(REST)).await;
            if let Err(error) = looked {
                shared.reports.trouble(&error.to_string());
                others.version = None;
                tokio::time::sleep(shared.seconds(POLL)).await;
            } else {
                changes.next(shared.seconds(POLL)).await;
            }
        };
        if active.run_until_cancelled(wait).await.is_none() {
            return;
        }
    }
}

/// Reports what has changed of the jobs that are live elsewhere, and adopts those that nobody follows.
async fn look(shared: &Arc<Shared>, others: &mut Others) -> Result<(), store::Error> {
    let version = shared.store(store::Store::data_version).await?;
    if others.version.replace(version) == Some(version) {
        return Ok(());
    }
    let me = shared.owners.me().clone();
    let jobs = shared
        .store(move |store| {
            let mut live = store.live()?;
            live.retain(|(_, owner)| owner.as_ref() != Some(&me));
            let counted = live.into_iter().map(|(job, _)| {
                let lines = store.log_count(&job.id)?;
                Ok((job.id.clone(), (job, lines)))
            });
            counted.collect()
        })
        .await?;
    let before = std::mem::replace(&mut others.jobs, jobs);
    report(shared, &before, &others.jobs).await?;
    let recovered = recover::adopt(shared).await?;
    recover::tell_held(shared, recovered);
    Ok(())
}

async fn report(
    shared: &Arc<Shared>,
    before: &HashMap<JobId, (Job, u64)>,
    jobs: &HashMap<JobId, (Job, u64)>,
) -> Result<(), store::Error> {
    // What is no longer in the list has ended, was taken back, or has become ours, which is reported anyway.
    for id in before.keys().filter(|id| !jobs.contains_key(*id)) {
        let wanted = id.clone();
        let last = shared
            .store(move |store| Ok(store.get(&wanted)?.zip(Some(store.log_count(&wanted)?))))
            .await?;
        if let Some((job, lines)) = last {
            shared.reports.logs(id, lines);
            shared.reports.job(job);
        }
    }
    for (id, (job, lines)) in jobs {
        let known = before.get(id);
        if known.is_none_or(|(known, _)| known != job) {
            shared.reports.job(job.clone());
        }
        if known.is_none_or(|(_, known)| known != lines) {
            shared.reports.logs(id, *lines);
        }
    }
    Ok(())
}

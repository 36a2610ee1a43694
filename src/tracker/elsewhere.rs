//! Mirrors what other processes do to the same store, and takes over when one of them dies.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{Shared, blocking, recover};
use crate::{
    model::{Job, JobId},
    store::{self, OwnerId},
};

/// Seconds between looks while a job is live in another process.
const BUSY: f64 = 1.0;
/// Seconds between looks while none is.
const IDLE: f64 = 15.0;

/// Starts to watch; once is enough.
pub(super) fn watch(shared: &Arc<Shared>) {
    if shared
        .mirror_runs
        .swap(true, std::sync::atomic::Ordering::AcqRel)
    {
        return;
    }
    let (stop, tracker) = (shared.stop.clone(), Arc::clone(shared));
    shared.tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = mirror(&tracker) => {}
        }
    });
}

/// What is known of the others.
#[derive(Default)]
struct Others {
    /// Live jobs that are not ours.
    jobs: HashMap<JobId, Job>,
    /// Whose they are.
    owners: HashSet<OwnerId>,
    /// Those of the owners who lived at the last look.
    alive: HashSet<OwnerId>,
    version: Option<(i64, i64)>,
}

async fn mirror(shared: &Arc<Shared>) {
    let mut others = Others::default();
    loop {
        if let Err(error) = look(shared, &mut others).await {
            shared.reports.trouble(&error.to_string());
        }
        let pause = if others.alive.is_empty() { IDLE } else { BUSY };
        tokio::time::sleep(shared.seconds(pause)).await;
    }
}

/// Reports what has changed of the jobs that are live elsewhere, and adopts those whose process has died.
async fn look(shared: &Arc<Shared>, others: &mut Others) -> Result<(), store::Error> {
    let version = shared.store(store::Store::data_version).await?;
    let has_changed = others.version.replace(version) != Some(version);
    if has_changed {
        let me = shared.owners.me().clone();
        let mut live = shared.store(store::Store::live).await?;
        live.retain(|(_, owner)| owner.as_ref() != Some(&me));
        others.owners = live.iter().filter_map(|(_, owner)| owner.clone()).collect();
        let jobs = live
            .into_iter()
            .map(|(job, _)| (job.id.clone(), job))
            .collect();
        let before = std::mem::replace(&mut others.jobs, jobs);
        report(shared, &before, &others.jobs).await?;
    }
    let (tracker, owners) = (Arc::clone(shared), others.owners.clone());
    let alive: HashSet<_> = blocking(move || {
        let is_alive = |owner: &OwnerId| tracker.owners.is_alive(owner);
        owners.into_iter().filter(is_alive).collect()
    })
    .await;
    let has_died = others.alive.iter().any(|owner| !alive.contains(owner));
    others.alive = alive;
    if has_changed || has_died {
        recover::adopt(shared).await?;
    }
    Ok(())
}

async fn report(
    shared: &Arc<Shared>,
    before: &HashMap<JobId, Job>,
    jobs: &HashMap<JobId, Job>,
) -> Result<(), store::Error> {
    // What is no longer in the list has ended, was taken back, or has become ours, which is reported anyway.
    for id in before.keys().filter(|id| !jobs.contains_key(*id)) {
        let id = id.clone();
        if let Some(job) = shared.store(move |store| store.get(&id)).await? {
            shared.reports.job(job);
        }
    }
    for (id, job) in jobs {
        if before.get(id) != Some(job) {
            shared.reports.job(job.clone());
        }
        // Lines are in a database of their own, so they may be new although the job is not.
        let wanted = id.clone();
        let count = shared.store(move |store| store.log_count(&wanted)).await?;
        shared.reports.logs(id, count);
    }
    Ok(())
}

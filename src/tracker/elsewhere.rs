//! Mirrors what other processes do to the same store, and takes over when one of them dies.

use std::{collections::HashMap, sync::Arc};

use super::{Shared, recover};
use crate::{
    model::{Job, JobId},
    store,
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

async fn mirror(shared: &Arc<Shared>) {
    let mut known = HashMap::new();
    let mut version = None;
    loop {
        match look(shared, &mut known, &mut version).await {
            Ok(()) => {}
            Err(error) => shared.reports.trouble(&error.to_string()),
        }
        let pause = if known.is_empty() { IDLE } else { BUSY };
        tokio::time::sleep(shared.seconds(pause)).await;
    }
}

/// Reports what has changed of the jobs that are live elsewhere, and adopts those whose process has died.
async fn look(
    shared: &Arc<Shared>,
    known: &mut HashMap<JobId, Job>,
    version: &mut Option<i64>,
) -> Result<(), store::Error> {
    let now = shared.store(store::Store::data_version).await?;
    if version.replace(now) != Some(now) {
        let me = shared.owners.me().clone();
        let live = shared.store(store::Store::live).await?;
        let mut still: HashMap<_, _> = live
            .into_iter()
            .filter(|(_, owner)| owner.as_ref() != Some(&me))
            .map(|(job, _)| (job.id.clone(), job))
            .collect();
        // What is no longer in that list has ended, was taken back, or has become ours, which is reported anyway.
        for id in known.keys().filter(|id| !still.contains_key(*id)) {
            let id = id.clone();
            if let Some(job) = shared.store(move |store| store.get(&id)).await? {
                shared.reports.job(job);
            }
        }
        for (id, job) in &still {
            if known.get(id) != Some(job) {
                shared.reports.job(job.clone());
                let wanted = id.clone();
                let count = shared.store(move |store| store.log_count(&wanted)).await?;
                shared.reports.logs(id, count);
            }
        }
        std::mem::swap(known, &mut still);
    }
    if !known.is_empty() {
        recover::adopt(shared).await?;
    }
    Ok(())
}

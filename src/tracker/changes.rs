//! Tells when another process may have changed the store: by file events, or by the clock where those do not come.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use crate::store;

pub(super) struct Changes {
    happened: Arc<Notify>,
    /// `None` on network file systems, which do not tell what other machines do, and where the system has no watch left.
    watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// Listens to what is written to the store in `dir`, from now on.
    pub(super) fn of(dir: &Path) -> Self {
        let happened = Arc::<Notify>::default();
        let watcher = if store::is_shared_between_machines(dir) {
            None
        } else {
            watch(dir, Arc::clone(&happened)).ok()
        };
        Self { happened, watcher }
    }

    /// Waits for the next change, which may have come since the last call, or for a moment when it has to be looked for.
    pub(super) async fn next(&self, poll: Duration) {
        match self.watcher {
            Some(_) => self.happened.notified().await,
            None => tokio::time::sleep(poll).await,
        }
    }
}

fn watch(dir: &Path, happened: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    // The one file that every commit touches, and not the databases: their last write comes before the commit can be
    // seen, and each commit writes many times.
    let path = dir.join(store::CHANGED_FILE);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        // To open and to close it is no change. Events that were lost may have been one.
        let is_access = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
        if !is_access {
            happened.notify_one();
        }
    })?;
    watcher.watch(&path, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[tokio::test(start_paused = true)]
    async fn where_nobody_tells_of_changes_they_are_looked_for() {
        let changes = Changes {
            happened: Arc::default(),
            watcher: None,
        };
        let began = tokio::time::Instant::now();
        changes.next(Duration::from_secs(1)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_commit_of_another_handle_is_told_and_silence_costs_no_look() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let changes = Changes::of(dir.path());
        assert!(changes.watcher.is_some());
        store
            .append_logs(&crate::model::JobId::random(), &[])
            .unwrap();
        let told = changes.next(Duration::ZERO);
        tokio::time::timeout(Duration::from_secs(30), told)
            .await
            .expect("told in time");
        // With nothing to do the clock runs ahead: a wait that has an end of its own would end.
        tokio::time::pause();
        for _ in 0..10 {
            let day = tokio::time::timeout(Duration::from_hours(24), changes.next(Duration::ZERO));
            if day.await.is_err() {
                return;
            }
        }
        panic!("it goes on although nothing is written");
    }
}

//! Leaves the stage for as long as the process is suspended, so that another one can follow the jobs meanwhile.

use tokio::time::timeout;

use super::{Error, RELEASE_WAIT, Recovered, Tracker, lock};
use crate::store::Store;

impl Tracker {
    /// Stops following, and gives what is followed here and the lead to whoever else runs. Jobs that were not sent stay
    /// this process's own: nobody else asks for them, and nobody sends them.
    ///
    /// Waits for answers to submits that are out, at most ten seconds. [`Tracker::step_in`] undoes it.
    pub async fn step_aside(&self) {
        let shared = &self.shared;
        shared.active().cancel();
        shared.tasks.close();
        // Past the wait the answer is read when the process goes on, unless the server has hung up by then.
        let _ = timeout(RELEASE_WAIT, shared.tasks.wait()).await;
        let me = shared.owners.me().clone();
        if let Err(error) = shared.store(move |store| store.let_go(&me)).await {
            shared.reports.trouble(&error.to_string());
        }
        shared.owners.step_back();
    }

    /// Goes on after [`Tracker::step_aside`]: own jobs are taken up again, and those that nobody else has taken over.
    ///
    /// # Errors
    /// When the store or the lock files cannot be used.
    pub async fn step_in(&self) -> Result<Recovered, Error> {
        let shared = &self.shared;
        shared.tasks.reopen();
        *lock(&shared.active) = shared.stop.child_token();
        let me = shared.owners.me().clone();
        let live = shared.store(Store::live).await?;
        for (job, _) in live.iter().filter(|(_, owner)| owner.as_ref() == Some(&me)) {
            shared.drive(&job.id);
        }
        self.recover().await
    }
}

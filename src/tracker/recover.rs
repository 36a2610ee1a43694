//! Jobs that other processes left behind.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Weak},
};

use tokio::runtime::Handle;

use super::{Error, Shared, Tracker, blocking, elsewhere, lock};
use crate::{
    model::{Job, JobId, JobState, job::Account},
    store::{self, OwnerId},
};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recovered {
    /// Jobs that this process follows from now on.
    pub followed: usize,
    /// Jobs that were confirmed but never sent; nothing happens to them before [`Tracker::send_held`] or
    /// [`Tracker::drop_held`].
    pub held: Vec<Job>,
}

impl Tracker {
    /// Takes up what dead processes left: jobs at a server are followed, lost answers looked for, unsent jobs held.
    ///
    /// Only one process does so for each account. Another one waits in line for it, and meanwhile reports what the
    /// others do. Jobs of a server or key that is not in use here are left alone and say so.
    ///
    /// # Errors
    /// When the store or the lock files cannot be used.
    pub async fn recover(&self) -> Result<Recovered, Error> {
        let recovered = recover(&self.shared).await?;
        untold(&self.shared, &recovered);
        Ok(recovered)
    }

    /// Sends a held job after all.
    ///
    /// # Errors
    /// When it is not held, or its server and key are not in use here.
    pub async fn send_held(&self, id: &JobId) -> Result<(), Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        let server = &job.account.server;
        // Never with another key: another account would pay, or learn of the job.
        if shared.servers.account(server) != Some(job.account.clone()) {
            return Err(Error::OtherAccount {
                server: server.clone(),
            });
        }
        let owner = held_by(shared, &job).await?;
        if !claim(shared, id, owner).await? {
            return Err(not_held(&job));
        }
        shared.drive(id);
        Ok(())
    }

    /// Makes a draft of a held job: it is not sent, and nothing of it is lost.
    ///
    /// # Errors
    /// When it is not held.
    pub async fn drop_held(&self, id: &JobId) -> Result<(), Error> {
        let shared = &self.shared;
        let job = shared.job(id).await?;
        let owner = held_by(shared, &job).await?;
        if !claim(shared, id, owner).await? {
            return Err(not_held(&job));
        }
        let (id, me) = (id.clone(), shared.owners.me().clone());
        shared
            .change(move |store| store.withdraw(&id, &me, None))
            .await?;
        Ok(())
    }
}

/// The dead owner of a held job.
async fn held_by(shared: &Arc<Shared>, job: &Job) -> Result<Option<OwnerId>, Error> {
    let unsent = matches!(job.state, JobState::QueuedLocally | JobState::Uploading);
    let id = job.id.clone();
    let owner = shared
        .store(move |store| store.wire(&id))
        .await?
        .and_then(|wire| wire.owner);
    if !unsent || !is_orphan(shared, owner.clone()).await {
        return Err(not_held(job));
    }
    Ok(owner)
}

fn not_held(job: &Job) -> Error {
    Error::WrongState {
        id: job.id.clone(),
        state: job.state.name(),
        reason: "only what an ended talkdeck left unsent is held, and another one may have taken it up",
    }
}

pub(super) async fn recover(shared: &Arc<Shared>) -> Result<Recovered, Error> {
    shared.rescue.take_up(shared).await;
    for account in shared.servers.accounts() {
        line_up(shared, account).await?;
    }
    let recovered = adopt(shared).await?;
    elsewhere::watch(shared);
    Ok(recovered)
}

async fn line_up(shared: &Arc<Shared>, account: Account) -> Result<(), Error> {
    let (later, keeper, of) = (Later::of(shared), Arc::clone(shared), account.clone());
    let won = move |file| {
        let Some(shared) = later.shared.upgrade() else {
            return;
        };
        if shared.is_active() {
            shared.owners.lead(&of, file);
            later.adopt();
        } else {
            shared.owners.leave_line(&of);
        }
    };
    blocking(move || keeper.owners.line_up(&account, won)).await
}

/// A way for a thread that has waited to make the tracker look for orphans, if it is still there.
struct Later {
    shared: Weak<Shared>,
    runtime: Handle,
}

impl Later {
    fn of(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::downgrade(shared),
            runtime: Handle::current(),
        }
    }

    fn adopt(self) {
        let Some(shared) = self.shared.upgrade().filter(|shared| shared.is_active()) else {
            return;
        };
        let looked = Arc::clone(&shared);
        let look = async move {
            match adopt(&looked).await {
                Ok(recovered) => tell_held(&looked, recovered),
                Err(error) => looked.reports.trouble(&error.to_string()),
            }
        };
        shared.tasks.spawn_on(look, &self.runtime);
    }
}

/// Follows what is orphaned and ours to follow; tells what is orphaned and held. Of every process that is still at work
/// on a job, the end is awaited.
pub(super) async fn adopt(shared: &Arc<Shared>) -> Result<Recovered, store::Error> {
    let mut recovered = Recovered::default();
    let (mut orphaned, mut ours) = (HashMap::new(), Vec::new());
    for (job, owner) in shared.store(store::Store::live).await? {
        let is_orphan = match orphaned.get(&owner) {
            Some(known) => *known,
            None => *orphaned
                .entry(owner.clone())
                .or_insert(is_orphan(shared, owner.clone()).await),
        };
        if !is_orphan {
            continue;
        }
        if matches!(job.state, JobState::QueuedLocally | JobState::Uploading) {
            recovered.held.push(job);
        } else if shared.servers.client(&job.account).is_none() {
            let server = &job.account.server;
            let notice =
                format!("belongs to {server} with a key that is not in use here; not followed");
            shared.notice(&job.id, Some(notice)).await?;
        } else if shared.owners.leads(&job.account) {
            ours.push((job, owner));
        }
    }
    if ours.is_empty() || !shared.is_active() {
        return Ok(recovered);
    }
    // All in one transaction: each waits for the disk.
    let me = shared.owners.me().clone();
    let wanted: Vec<_> = ours
        .iter()
        .map(|(job, owner)| (job.id.clone(), owner.clone()))
        .collect();
    let claimed = shared
        .store(move |store| store.claim_all(&wanted, &me))
        .await?;
    for (job, _) in ours.iter().filter(|(job, _)| claimed.contains(&job.id)) {
        // The job's own task finds out that the answer to its submit is lost.
        shared.drive(&job.id);
        recovered.followed += 1;
    }
    Ok(recovered)
}

/// Reports the held jobs that were not told of so far.
pub(super) fn tell_held(shared: &Shared, recovered: Recovered) {
    let fresh = untold(shared, &recovered);
    let held: Vec<_> = recovered
        .held
        .into_iter()
        .filter(|job| fresh.contains(&job.id))
        .collect();
    if !held.is_empty() {
        shared.reports.held(held);
    }
}

/// Which of the held jobs are news; from now on none of them is.
fn untold(shared: &Shared, recovered: &Recovered) -> HashSet<JobId> {
    let held: HashSet<_> = recovered.held.iter().map(|job| job.id.clone()).collect();
    let mut told = lock(&shared.held_told);
    let fresh = held.difference(&told).cloned().collect();
    *told = held;
    fresh
}

/// Whether nobody is left who works on a job of `owner`'s; where somebody is, this looks again once that one has ended.
async fn is_orphan(shared: &Arc<Shared>, owner: Option<OwnerId>) -> bool {
    let Some(owner) = owner else {
        return true;
    };
    if owner == *shared.owners.me() {
        return false;
    }
    let (later, shared) = (Later::of(shared), Arc::clone(shared));
    blocking(move || {
        let is_alive = shared.owners.is_alive(&owner);
        if is_alive {
            shared.owners.when_gone(&owner, move || later.adopt());
        }
        !is_alive
    })
    .await
}

async fn claim(shared: &Shared, id: &JobId, old: Option<OwnerId>) -> Result<bool, store::Error> {
    let (id, me) = (id.clone(), shared.owners.me().clone());
    shared
        .store(move |store| store.claim(&id, old.as_ref(), &me))
        .await
}

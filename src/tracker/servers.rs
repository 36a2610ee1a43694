//! The servers in use, and what stands between them and us: a locked account, a refused key.

use std::{collections::HashMap, sync::Mutex};

use tokio::sync::watch;

use super::{Shared, lock, task::Turn};
use crate::{
    fal::{self, Client, Timing},
    model::{Server, ServerId, job::Account},
};

pub(super) struct Servers {
    timing: Timing,
    known: Mutex<HashMap<ServerId, Known>>,
    /// Counts changes, so that whoever waits looks again.
    changed: watch::Sender<u64>,
}

struct Known {
    client: Client,
    /// Sends wait.
    locked: bool,
    /// Every call with the key waits.
    refused: bool,
}

impl Servers {
    pub(super) fn new(timing: Timing) -> Self {
        Self {
            timing,
            known: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    pub(super) fn add(&self, server: Server) -> Result<(), fal::Error> {
        let id = server.id.clone();
        let known = Known {
            client: Client::with_timing(server, self.timing)?,
            locked: false,
            refused: false,
        };
        lock(&self.known).insert(id, known);
        self.changed.send_modify(|count| *count += 1);
        Ok(())
    }

    /// The accounts that this process can act for.
    pub(super) fn accounts(&self) -> Vec<Account> {
        lock(&self.known)
            .values()
            .map(|known| account_of(&known.client))
            .collect()
    }

    /// The account that a job sent to `server` now would belong to.
    pub(super) fn account(&self, server: &ServerId) -> Option<Account> {
        lock(&self.known)
            .get(server)
            .map(|known| account_of(&known.client))
    }

    /// The client for jobs of `account`, whatever stands in its way.
    pub(super) fn client(&self, account: &Account) -> Option<Client> {
        lock(&self.known)
            .get(&account.server)
            .map(|known| known.client.clone())
            .filter(|client| account_of(client) == *account)
    }

    /// The client for jobs of `account`, once its key is not refused; `None` when the turn is woken or ends first.
    pub(super) async fn to_follow(&self, account: &Account, turn: &Turn) -> Option<Client> {
        self.wait(turn, || {
            let known = lock(&self.known);
            let known = known.get(&account.server).filter(|known| !known.refused)?;
            Some(known.client.clone()).filter(|client| account_of(client) == *account)
        })
        .await
    }

    /// The client to send a new job to `server` with, once neither its key is refused nor its account locked.
    pub(super) async fn to_send(&self, server: &ServerId, turn: &Turn) -> Option<Client> {
        self.wait(turn, || {
            lock(&self.known)
                .get(server)
                .filter(|known| !known.refused && !known.locked)
                .map(|known| known.client.clone())
        })
        .await
    }

    async fn wait(&self, turn: &Turn, look: impl Fn() -> Option<Client>) -> Option<Client> {
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(client) = look() {
                return Some(client);
            }
            turn.unless_woken(changed.changed()).await?.ok()?;
        }
    }

    /// Marks the account of `client` as locked; says whether that is news.
    pub(super) fn lock_account(&self, client: &Client) -> bool {
        self.mark(client, |known| !std::mem::replace(&mut known.locked, true))
    }

    /// Marks the key of `client` as refused; says whether that is news.
    pub(super) fn refuse_key(&self, client: &Client) -> bool {
        self.mark(client, |known| !std::mem::replace(&mut known.refused, true))
    }

    /// An answer to an old key says nothing about the one that has taken its place.
    fn mark(&self, client: &Client, mark: impl FnOnce(&mut Known) -> bool) -> bool {
        let server = client.server();
        lock(&self.known)
            .get_mut(&server.id)
            .filter(|known| known.client.server().key == server.key)
            .is_some_and(mark)
    }

    /// Lets sends go on that waited for a locked account.
    pub(super) fn unlock(&self) {
        for known in lock(&self.known).values_mut() {
            known.locked = false;
        }
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Shared {
    /// Stops all calls with the key of `client` if `error` says that it is refused; says whether it does.
    pub(super) fn refuses(&self, client: &Client, error: &fal::Error) -> bool {
        let fal::Error::Unauthorized { message, .. } = error else {
            return false;
        };
        if self.servers.refuse_key(client) {
            self.reports
                .unauthorized(&client.server().id, message.clone());
        }
        true
    }
}

pub(super) fn account_of(client: &Client) -> Account {
    let server = client.server();
    Account {
        server: server.id.clone(),
        key: server.fingerprint(),
    }
}

//! Who is alive and who leads, by locks that the system drops when a process dies.
//!
//! Each process holds a lock on a file of its own as long as it lives; its jobs carry the file's name. For each account
//! there is one more lock: who holds it follows the jobs that dead processes left. It never decides who may send.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use sha2::{Digest, Sha256};

use super::{Error, inputs::hex, lock};
use crate::{model::job::Account, store::OwnerId};

/// Digits of an owner's name.
const LENGTH: usize = 32;
/// When to look again at an owner whose lock cannot be waited for, as on some network file systems.
const LATER: Duration = Duration::from_secs(15);

pub(super) struct Owners {
    dir: PathBuf,
    me: OwnerId,
    /// Locked as long as it is here.
    mine: Mutex<Option<File>>,
    leads: Mutex<HashMap<String, Place>>,
    /// The owners for whose end a thread waits.
    awaited: Arc<Mutex<HashSet<OwnerId>>>,
}

/// Where this process stands in the line for the lead of one account.
enum Place {
    /// A thread waits for the lock.
    Waiting,
    /// The lock is ours as long as the file is here.
    Leading { _lock: File },
}

impl Owners {
    /// Makes this process known in `data_dir/owners`.
    pub(super) fn join(data_dir: &Path) -> Result<Self, Error> {
        let dir = data_dir.join("owners");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|source| failed(&dir, source))?;
        loop {
            let name = uuid::Uuid::new_v4().simple().to_string();
            let path = dir.join(format!("{name}.lock"));
            let file = open(&path).map_err(|source| failed(&path, source))?;
            file.lock().map_err(|source| failed(&path, source))?;
            // Between the making and the locking, another process may have taken it for a dead one's and removed it.
            if is_still(&path, &file) {
                return Ok(Self {
                    dir,
                    me: OwnerId::new(name),
                    mine: Mutex::new(Some(file)),
                    leads: Mutex::default(),
                    awaited: Arc::default(),
                });
            }
        }
    }

    pub(super) fn me(&self) -> &OwnerId {
        &self.me
    }

    /// Whether the process that `owner` names still runs; when that cannot be told, it does.
    pub(super) fn is_alive(&self, owner: &OwnerId) -> bool {
        if *owner == self.me {
            return true;
        }
        let Some(path) = self.path_of(owner) else {
            return false;
        };
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) => return error.kind() != io::ErrorKind::NotFound,
        };
        match file.try_lock() {
            // Removed while it is locked, so that nobody locks a file that is about to vanish.
            Ok(()) => fs::remove_file(&path).is_err(),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        }
    }

    /// Calls `then` once the process that `owner` names has ended; asked again meanwhile, this does nothing.
    ///
    /// A thread waits for its lock: nobody wakes up before that.
    pub(super) fn when_gone(&self, owner: &OwnerId, then: impl FnOnce() + Send + 'static) {
        let Some(path) = self.path_of(owner) else {
            return;
        };
        if !lock(&self.awaited).insert(owner.clone()) {
            return;
        }
        let (awaited, name) = (Arc::clone(&self.awaited), owner.clone());
        // No runtime thread: this one may wait for days, and must not hold up the end of the process.
        let waiter = thread::Builder::new().name("owner".to_owned());
        let started = waiter.spawn(move || {
            wait_for_end(&path);
            lock(&awaited).remove(&name);
            then();
        });
        if started.is_err() {
            lock(&self.awaited).remove(owner);
        }
    }

    fn path_of(&self, owner: &OwnerId) -> Option<PathBuf> {
        // The name comes from a file that other hands may have edited.
        let name = owner.as_str();
        let is_name = name.len() == LENGTH && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_name.then(|| self.dir.join(format!("{name}.lock")))
    }

    /// Whether this process has taken part in the question who leads.
    pub(super) fn leads_at_all(&self) -> bool {
        !lock(&self.leads).is_empty()
    }

    pub(super) fn leads(&self, account: &Account) -> bool {
        matches!(
            lock(&self.leads).get(&lead_name(account)),
            Some(Place::Leading { .. })
        )
    }

    /// Takes the lead of `account` if it is free; else waits for it on a thread and then calls `won`.
    ///
    /// `won` gets the lock and hands it to [`Owners::lead`], unless nobody is there any more.
    pub(super) fn line_up(
        &self,
        account: &Account,
        won: impl FnOnce(File) + Send + 'static,
    ) -> Result<(), Error> {
        let name = lead_name(account);
        let mut leads = lock(&self.leads);
        if leads.contains_key(&name) {
            return Ok(());
        }
        let path = self.dir.join(&name);
        let file = open(&path).map_err(|source| failed(&path, source))?;
        match file.try_lock() {
            Ok(()) => {
                leads.insert(name, Place::Leading { _lock: file });
            }
            Err(TryLockError::WouldBlock) => {
                leads.insert(name, Place::Waiting);
                // No runtime thread: this one may wait for days, and must not hold up the end of the process.
                thread::Builder::new()
                    .name("lead".to_owned())
                    .spawn(move || {
                        if file.lock().is_ok() {
                            won(file);
                        }
                    })
                    .map_err(|source| failed(&path, source))?;
            }
            Err(TryLockError::Error(source)) => return Err(failed(&path, source)),
        }
        Ok(())
    }

    /// Keeps the lead that a waiting thread has won.
    pub(super) fn lead(&self, account: &Account, lock_file: File) {
        lock(&self.leads).insert(lead_name(account), Place::Leading { _lock: lock_file });
    }

    /// Gives up every lead, and stays alive.
    pub(super) fn step_back(&self) {
        // A thread that waits goes on; what it wins is refused while this process stands back.
        lock(&self.leads).retain(|_, place| matches!(place, Place::Waiting));
    }

    /// Forgets that a thread waits for the lead of `account`: it has won, and was not heeded.
    pub(super) fn leave_line(&self, account: &Account) {
        lock(&self.leads).remove(&lead_name(account));
    }

    /// Gives up every lock: this process is as good as gone.
    pub(super) fn leave(&self) {
        lock(&self.leads).clear();
        if let Some(file) = lock(&self.mine).take() {
            // A left-over file is harmless; the next one who asks removes it.
            let _ = fs::remove_file(self.dir.join(format!("{}.lock", self.me.as_str())));
            drop(file);
        }
    }
}

impl Drop for Owners {
    fn drop(&mut self) {
        self.leave();
    }
}

fn lead_name(account: &Account) -> String {
    let server = Sha256::digest(account.server.as_str().as_bytes());
    let server = hex(&server[..4]);
    let key: String = account
        .key
        .as_str()
        .chars()
        .filter(char::is_ascii_hexdigit)
        .collect();
    format!("lead-{server}-{key}.lock")
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Returns when the process that holds the lock at `path` has ended, or when it is time to look again.
fn wait_for_end(path: &Path) {
    // One that is not there has ended.
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return;
    };
    loop {
        match file.lock() {
            // As in `is_alive`; the next one in line finds it gone, which says the same.
            Ok(()) => return drop(fs::remove_file(path)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return thread::sleep(LATER),
        }
    }
}

fn is_still(path: &Path, file: &File) -> bool {
    match (fs::metadata(path), file.metadata()) {
        (Ok(there), Ok(here)) => (there.dev(), there.ino()) == (here.dev(), here.ino()),
        _ => false,
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;
    use crate::model::{Secret, ServerId, server::KeyFingerprint};

    fn account(key: &str) -> Account {
        Account {
            server: ServerId::fal(),
            key: KeyFingerprint::of(&Secret::new(key)),
        }
    }

    #[test]
    fn an_owner_is_alive_until_it_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (
            Owners::join(dir.path()).unwrap(),
            Owners::join(dir.path()).unwrap(),
        );
        assert!(a.is_alive(a.me()) && a.is_alive(b.me()));
        let gone = b.me().clone();
        drop(b);
        assert!(!a.is_alive(&gone));
        for nobody in ["", "../owners/x", "f00", &"z".repeat(LENGTH)] {
            assert!(!a.is_alive(&OwnerId::new(nobody)), "{nobody}");
        }
    }

    #[test]
    fn a_file_left_by_a_crash_means_dead_and_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let owners = Owners::join(dir.path()).unwrap();
        let crashed = "0".repeat(LENGTH);
        let path = dir.path().join("owners").join(format!("{crashed}.lock"));
        fs::write(&path, "").unwrap();
        assert!(!owners.is_alive(&OwnerId::new(crashed)));
        assert!(!path.exists());
    }

    #[test]
    fn one_leads_an_account_and_the_next_in_line_follows_when_it_goes() {
        let dir = tempfile::tempdir().unwrap();
        let (first, second) = (
            Owners::join(dir.path()).unwrap(),
            Owners::join(dir.path()).unwrap(),
        );
        let never = |_| panic!("the lead was free");
        first.line_up(&account("a"), never).unwrap();
        assert!(first.leads(&account("a")) && !first.leads(&account("b")));
        second.line_up(&account("b"), never).unwrap();
        assert!(
            second.leads(&account("b")),
            "another account has its own lead"
        );

        let (won, wins) = mpsc::channel();
        second
            .line_up(&account("a"), move |file| won.send(file).unwrap())
            .unwrap();
        assert!(!second.leads(&account("a")));
        assert!(wins.try_recv().is_err());
        drop(first);
        let file = wins.recv_timeout(Duration::from_secs(10)).unwrap();
        second.lead(&account("a"), file);
        assert!(second.leads(&account("a")));
    }
}

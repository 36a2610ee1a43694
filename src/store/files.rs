//! Makes the directory and the files before SQLite sees them, for the user alone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::{Duration, Instant},
};

use super::Error;

/// Makes `dir` as [`make_dir`] does.
pub(super) fn create_dir(dir: &Path) -> Result<(), Error> {
    make_dir(dir).map_err(|error| Error::of_io(dir, &error))
}

/// Makes `dir` and what is missing above it, 0700, and makes that last through a power cut. One that exists stays as it
/// is.
pub(crate) fn make_dir(dir: &Path) -> io::Result<()> {
    let missing = dir.ancestors().take_while(|dir| !dir.exists()).count();
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    for parent in dir.ancestors().skip(1).take(missing) {
        sync_dir(parent)?;
    }
    Ok(())
}

/// Waits until the disk has the names in `dir`.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    // The parent of a relative name.
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    File::open(dir)?.sync_all()
}

/// Makes an empty file, 0600, unless there is one. SQLite gives `-wal` and `-shm` the mode of the main file.
pub(super) fn create_file(path: &Path) -> Result<(), Error> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::of_io(path, &error)),
    }
}

/// Opens the file whose time tells of commits; `None` on network file systems, where it would only cost time.
pub(super) fn open_changed(path: &Path) -> Option<File> {
    if is_shared_between_machines(path.parent()?) {
        return None;
    }
    create_file(path).ok()?;
    OpenOptions::new().write(true).open(path).ok()
}

/// How long one process waits for another that makes the databases or brings them up to date.
const OPENING: Duration = Duration::from_secs(30);

/// Waits until no other process is opening the store; the file that comes back keeps others waiting while it lives.
///
/// `None` where the file cannot be made or locked: whether there is anything to be used, SQLite says better.
pub(super) fn lock_opening(path: &Path) -> Result<Option<File>, Error> {
    let deadline = Instant::now() + OPENING;
    let Some(file) = create_file(path)
        .ok()
        .and_then(|()| OpenOptions::new().write(true).open(path).ok())
    else {
        return Ok(None);
    };
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(_)) => return Ok(None),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Busy {
                    path: path.with_file_name(super::MAIN_FILE),
                });
            }
        }
    }
}

/// Refuses a job database that has lost everything.
///
/// SQLite takes an empty file for a new database. The log database is only ever made after the job database was
/// filled, so an empty one beside it has been emptied by something else.
pub(super) fn refuse_emptied(main: &Path, logs: &Path) -> Result<(), Error> {
    let is_there =
        |path: &Path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
    let wal = main.with_extension("db-wal");
    if !is_there(main) && (is_there(&wal) || is_there(logs)) {
        return Err(Error::Corrupt {
            path: main.to_owned(),
            reason: "it is empty or missing, although there are remains of jobs beside it"
                .to_owned(),
        });
    }
    Ok(())
}

/// Whether `b` is a plain file with the same bytes as `a`.
pub(crate) fn is_same(a: &Path, b: &Path) -> io::Result<bool> {
    // Neither a link nor a device is looked into.
    let there = fs::symlink_metadata(b)?;
    if !there.is_file() || there.len() != fs::metadata(a)?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (
        io::BufReader::new(File::open(a)?).bytes(),
        io::BufReader::new(File::open(b)?).bytes(),
    );
    loop {
        match (a.next().transpose()?, b.next().transpose()?) {
            (None, None) => return Ok(true),
            (x, y) if x == y => {}
            _ => return Ok(false),
        }
    }
}

/// How SQLite protects a transaction on the file system that holds the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JournalMode {
    /// Readers and a writer do not wait for each other; needs shared memory, so every process on one machine.
    WriteAhead,
    /// Safe wherever file locks work.
    Rollback,
}

impl JournalMode {
    /// The word for `PRAGMA journal_mode`.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::WriteAhead => "wal",
            Self::Rollback => "delete",
        }
    }

    /// The one place that decides the mode of a database in `dir`.
    pub(super) fn for_dir(dir: &Path) -> Self {
        if is_shared_between_machines(dir) {
            Self::Rollback
        } else {
            Self::WriteAhead
        }
    }
}

/// Whether `dir` lies on a network file system, where the shared memory of the write-ahead log does not work
/// (SQLite documentation, "Write-Ahead Logging", "all processes must be on the same host").
#[cfg(target_os = "linux")]
pub(crate) fn is_shared_between_machines(dir: &Path) -> bool {
    rustix::fs::statfs(dir).is_ok_and(|system| {
        // The kernel's field is a machine word; the numbers are 32 bits wide.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only the low 32 bits carry the number"
        )]
        is_network(system.f_type as u32)
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn is_shared_between_machines(_dir: &Path) -> bool {
    false
}

/// By type numbers from `statfs(2)` and `linux/magic.h`: NFS, SMB, CIFS, SMB2, 9P, AFS, Coda, Ceph, FUSE (sshfs).
#[cfg(target_os = "linux")]
const fn is_network(kind: u32) -> bool {
    matches!(
        kind,
        0x6969
            | 0x517b
            | 0xff53_4d42
            | 0xfe53_4d42
            | 0x0102_1997
            | 0x5346_414f
            | 0x7375_7245
            | 0x00c3_6400
            | 0x6573_5546
    )
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_network_file_system_is_told_from_a_disk() {
        for (name, kind) in [("NFS", 0x6969), ("SMB2", 0xfe53_4d42), ("9P", 0x0102_1997)] {
            assert!(is_network(kind), "{name}");
        }
        for (name, kind) in [
            ("ext4", 0xef53),
            ("tmpfs", 0x0102_1994),
            ("btrfs", 0x9123_683e),
        ] {
            assert!(!is_network(kind), "{name}");
        }
        assert!(!is_shared_between_machines(Path::new("/proc")));
    }
}

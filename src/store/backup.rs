//! Copies of a job database: before it is migrated, and once it is found damaged. None is ever replaced or removed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::Connection;
use tempfile::NamedTempFile;

use super::{Error, files};

/// Keeps the database that `connection` has open at `path` beside it, as it is with its old `schema`.
pub(super) fn before_migration(
    connection: &Connection,
    path: &Path,
    schema: usize,
) -> Result<(), Error> {
    let of_io = |error: io::Error| Error::of_io(path, &error);
    let copy = begin(path).map_err(of_io)?;
    // Whole whatever others write meanwhile, and with what the write-ahead log holds.
    let target = copy.path().to_string_lossy();
    connection
        .execute("VACUUM INTO ?1", [target])
        .map_err(|error| Error::of_sqlite(path, &error))?;
    place(copy, path, &format!("schema-{schema}")).map_err(of_io)?;
    Ok(())
}

/// `error`, after a copy of the file that it calls damaged was made; it then says where that is.
pub(super) fn of_damaged(error: Error) -> Error {
    let Error::Corrupt { path, reason } = error else {
        return error;
    };
    // Where no copy can be made, the file itself stays as it is all the same.
    let reason = match copy_damaged(&path) {
        Ok(copy) => format!("{reason}; a copy is kept in {}", copy.display()),
        Err(_) => reason,
    };
    Error::Corrupt { path, reason }
}

fn copy_damaged(path: &Path) -> io::Result<PathBuf> {
    let mut copy = begin(path)?;
    io::copy(&mut fs::File::open(path)?, &mut copy)?;
    let placed = place(copy, path, "damaged")?;
    // What was written last may be in the write-ahead log alone.
    let (log, log_placed) = (with_wal(path), with_wal(&placed));
    let has_log = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
    if has_log && !log_placed.exists() {
        let mut copy = begin(path)?;
        io::copy(&mut fs::File::open(log)?, &mut copy)?;
        copy.as_file().sync_all()?;
        copy.persist_noclobber(log_placed)?;
    }
    Ok(placed)
}

fn with_wal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// An empty file beside `path`, 0600, that vanishes unless it is placed.
fn begin(path: &Path) -> io::Result<NamedTempFile> {
    let dir = path.parent().unwrap_or(Path::new("."));
    tempfile::Builder::new()
        .prefix(".talkdeck-backup-")
        .tempfile_in(dir)
}

/// Gives a copy its name, or the next free one, and makes that last through a power cut.
///
/// Where the same copy stands already, as after a crash right behind it, that one is taken.
fn place(mut copy: NamedTempFile, path: &Path, what: &str) -> io::Result<PathBuf> {
    copy.as_file().sync_all()?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    for number in 1.. {
        let name = if number == 1 {
            format!("{stem}-{what}.db")
        } else {
            format!("{stem}-{what}-{number}.db")
        };
        let target = path.with_file_name(name);
        copy = match copy.persist_noclobber(&target) {
            Ok(_) => {
                files::sync_dir(path.parent().unwrap_or(Path::new(".")))?;
                return Ok(target);
            }
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => failed.file,
            Err(failed) => return Err(failed.error),
        };
        if files::is_same(copy.path(), &target)? {
            return Ok(target);
        }
    }
    unreachable!("there are more numbers than files")
}

//! Paths as people type them, and what lies there.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
};

use crate::{
    app::message::PathEntry,
    model::{CleanText, Draft, EndpointId},
    tracker::inputs,
};

/// Entries of one directory that are offered; nobody picks from more.
const MOST_ENTRIES: usize = 5_000;

/// A longer file is no draft, or holds a picture that is better named by its path.
const LONGEST_DRAFT: u64 = 64 << 20;

/// The path that `typed` means: `~` is the home directory, anything relative starts at the current one.
pub(super) fn expand(typed: &str) -> PathBuf {
    inputs::local_path(typed).unwrap_or_else(|| PathBuf::from(typed))
}

/// Reads a draft from the file `typed`; plain arguments are for `endpoint`.
pub(super) fn read_draft(typed: &str, endpoint: &EndpointId) -> Result<Draft, CleanText> {
    let path = expand(typed);
    let say = |why: String| CleanText::line(&format!("{}: {why}", path.display()));
    let length = fs::metadata(&path)
        .map_err(|error| say(error.to_string()))?
        .len();
    if length > LONGEST_DRAFT {
        return Err(say("longer than 64 MiB; it is no draft".to_owned()));
    }
    let text = fs::read_to_string(&path).map_err(|error| say(error.to_string()))?;
    let object = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| say(format!("not JSON: {error}")))?;
    Draft::from_object(object, endpoint).map_err(say)
}

/// Writes a draft to the file `typed`, which must be new; returns where that is.
pub(super) fn write_draft(typed: &str, draft: &Draft) -> Result<CleanText, CleanText> {
    let path = expand(typed);
    let say = |error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => "it is there already; take another name".to_owned(),
            _ => error.to_string(),
        };
        CleanText::line(&format!("{}: {why}", path.display()))
    };
    let text = serde_json::to_string_pretty(&draft.to_object()).expect("plain data");
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(say)?;
    file.write_all(format!("{text}\n").as_bytes())
        .map_err(say)?;
    Ok(CleanText::line(&path.to_string_lossy()))
}

/// What the directory `typed` holds; nothing when it cannot be read.
pub(super) fn list(typed: &str) -> Vec<PathEntry> {
    let dir = expand(if typed.is_empty() { "." } else { typed });
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let entry = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        // Follows a link: one to a directory is walked into.
        let data = fs::metadata(entry.path()).ok();
        Some(PathEntry {
            name,
            is_dir: data.as_ref().is_some_and(fs::Metadata::is_dir),
            bytes: data.map_or(0, |data| data.len()),
        })
    };
    entries
        .filter_map(Result::ok)
        .take(MOST_ENTRIES)
        .filter_map(entry)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lists_its_files_and_one_that_is_not_there_lists_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("face.png"), b"x").unwrap();
        fs::create_dir(dir.path().join("old")).unwrap();
        let mut found = list(dir.path().to_str().unwrap());
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let seen: Vec<_> = found
            .iter()
            .map(|entry| (entry.name.as_str(), entry.is_dir))
            .collect();
        assert_eq!(seen, [("face.png", false), ("old", true)]);
        assert!(list("/nowhere/at/all").is_empty());
    }

    #[test]
    fn typed_paths_become_absolute() {
        assert!(expand("face.png").is_absolute());
        assert!(
            !expand("~/face.png").to_string_lossy().contains('~')
                || std::env::var_os("HOME").is_none()
        );
    }
}

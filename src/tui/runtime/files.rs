//! Paths as people type them, and what lies there.

use std::{fs, path::PathBuf};

use crate::{app::message::PathEntry, tracker::inputs};

/// Entries of one directory that are offered; nobody picks from more.
const MOST_ENTRIES: usize = 5_000;

/// The path that `typed` means: `~` is the home directory, anything relative starts at the current one.
pub(super) fn expand(typed: &str) -> PathBuf {
    inputs::local_path(typed).unwrap_or_else(|| PathBuf::from(typed))
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
        let is_dir = fs::metadata(entry.path()).is_ok_and(|data| data.is_dir());
        Some(PathEntry { name, is_dir })
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

//! The file picker: one directory, what its files are, and what the video would keep of a picture.

use std::collections::{HashMap, HashSet};

use crossterm::event::{KeyCode, KeyEvent};

use super::{
    App, Effect,
    editor::{field::FieldEditor, paths, text_field::TextField},
    geometry::Pane,
    message::{FileFacts, PathEntry},
    modal::Modal,
};
use crate::{catalog::MediaKind, model::CleanText};

/// Files that are looked at at the same time; a directory on a slow disk must not take all threads.
const MOST_LOOKS: usize = 3;
/// Rows of the box beside the list: its frame, the directory, the filter, what is said of the selected file.
const OTHER_ROWS: u16 = 6;
/// Rows of the list at most.
const MOST_ROWS: usize = 20;

/// A directory to pick a file from.
pub(crate) struct FilePick {
    /// The field that gets the path.
    field: String,
    pub(crate) label: String,
    kind: MediaKind,
    /// The directory as it is written, with its slash; empty for the current one.
    pub(crate) dir: String,
    pub(crate) filter: TextField,
    /// What is in it, sorted; nothing while it is read.
    entries: Option<Vec<PathEntry>>,
    /// The places in `entries` that fit the filter.
    shown: Vec<usize>,
    pub(crate) selected: usize,
    pub(crate) top: usize,
    /// What was found out about files of this directory, by name.
    known: HashMap<String, Result<FileFacts, CleanText>>,
    /// Paths that are being looked at.
    asked: HashSet<String>,
    /// The name that is to be selected once the directory is read.
    wanted: Option<String>,
    /// The name that is to be taken once it is known what it is.
    taken: Option<String>,
}

/// What came of a key.
pub(crate) enum Picked {
    /// Goes on.
    Nothing,
    /// This directory must be read.
    List(String),
    /// This path goes into the field of this name.
    File { field: String, path: String },
}

impl FilePick {
    fn new(field: &FieldEditor, kind: MediaKind, path: &str) -> Self {
        let (dir, name) = paths::split(path);
        Self {
            field: field.field.name.clone(),
            label: field.label(),
            kind,
            dir: dir.to_owned(),
            filter: TextField::new("", false),
            entries: None,
            shown: Vec::new(),
            selected: 0,
            top: 0,
            known: HashMap::new(),
            asked: HashSet::new(),
            wanted: Some(name.to_owned()),
            taken: None,
        }
    }

    /// The rows of the list: everything that fits the filter.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &PathEntry> {
        let entries = self.entries.as_deref().unwrap_or_default();
        self.shown.iter().filter_map(|&at| entries.get(at))
    }

    pub(crate) fn len(&self) -> usize {
        self.shown.len()
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.entries.is_none()
    }

    pub(crate) fn current(&self) -> Option<&PathEntry> {
        self.rows().nth(self.selected)
    }

    pub(crate) fn facts(&self, entry: &PathEntry) -> Option<&FileFacts> {
        self.known.get(&entry.name)?.as_ref().ok()
    }

    /// Why a file cannot be taken, as far as that is known.
    pub(crate) fn refusal(&self, entry: &PathEntry) -> Option<CleanText> {
        if entry.is_dir {
            return None;
        }
        if CleanText::line(&entry.name).as_str() != entry.name {
            return Some("its name cannot be written in a field; rename it".into());
        }
        if !paths::is_kind(&entry.name, self.kind) && !self.was_looked_at(entry) {
            return Some(format!("not known as {}", self.kind_in_words()).into());
        }
        self.known.get(&entry.name)?.as_ref().err().cloned()
    }

    pub(crate) fn was_looked_at(&self, entry: &PathEntry) -> bool {
        self.known.contains_key(&entry.name)
    }

    pub(crate) const fn kind_in_words(&self) -> &'static str {
        match self.kind {
            MediaKind::Image => "a picture",
            MediaKind::Audio => "sound",
            MediaKind::Video => "a video",
            MediaKind::Other => "a file",
        }
    }

    /// The directory was read.
    fn listed(&mut self, mut entries: Vec<PathEntry>) {
        entries.sort_by_cached_key(|entry| (!entry.is_dir, entry.name.to_lowercase()));
        if self.dir != "/" {
            entries.insert(0, PathEntry::dir(".."));
        }
        self.entries = Some(entries);
        self.narrow();
        if let Some(name) = self.wanted.take() {
            let at = self.rows().position(|entry| entry.name == name);
            self.selected = at.unwrap_or(0);
        }
    }

    /// The filter's text has changed.
    fn narrow(&mut self) {
        let filter = self.filter.text().to_lowercase();
        let fits = |entry: &PathEntry| match entry.name.as_str() {
            ".." => filter.is_empty(),
            name if name.starts_with('.') && !filter.starts_with('.') => false,
            name => name.to_lowercase().contains(&filter),
        };
        let entries = self.entries.as_deref().unwrap_or_default();
        self.shown = (0..entries.len())
            .filter(|&at| fits(&entries[at]))
            .collect();
        self.selected = 0;
        self.top = 0;
    }

    pub(crate) fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
        self.taken = None;
    }

    fn keep_in_sight(&mut self, rows: usize) {
        self.top = self
            .top
            .min(self.selected)
            .max((self.selected + 1).saturating_sub(rows));
    }

    fn key(&mut self, key: KeyEvent) -> Picked {
        self.taken = None;
        let is_empty = self.filter.text().is_empty();
        match key.code {
            KeyCode::Left | KeyCode::Backspace if is_empty => return self.up(),
            KeyCode::Right => {
                return match self.current() {
                    Some(entry) if entry.is_dir => self.take(),
                    _ => Picked::Nothing,
                };
            }
            _ => {}
        }
        if self.filter.key(key, usize::MAX) {
            return self.filtered();
        }
        Picked::Nothing
    }

    /// The filter was typed on: a path in it goes there.
    fn filtered(&mut self) -> Picked {
        let text = self.filter.text();
        if !text.ends_with('/') {
            self.narrow();
            return Picked::Nothing;
        }
        let dir = if text.starts_with('/') || text.starts_with("~/") {
            text
        } else {
            format!("{}{text}", self.dir)
        };
        self.open(dir, None)
    }

    fn up(&mut self) -> Picked {
        let dir = self.dir.trim_end_matches('/');
        let (above, name) = match dir {
            "" if self.dir.is_empty() => ("../".to_owned(), ""),
            // Nothing is above the root.
            "" => return Picked::Nothing,
            "~" => ("~/../".to_owned(), ""),
            _ if dir == ".." || dir.ends_with("/..") => (format!("{dir}/../"), ""),
            _ => {
                let (above, name) = paths::split(dir);
                (above.to_owned(), name)
            }
        };
        let name = name.to_owned();
        self.open(above, Some(name))
    }

    fn open(&mut self, dir: String, wanted: Option<String>) -> Picked {
        self.dir.clone_from(&dir);
        self.filter.replace("");
        self.entries = None;
        self.shown.clear();
        self.known.clear();
        (self.selected, self.top, self.wanted) = (0, 0, wanted);
        Picked::List(dir)
    }

    /// Opens the selected directory or takes the selected file.
    fn take(&mut self) -> Picked {
        let Some(entry) = self.current().cloned() else {
            return Picked::Nothing;
        };
        if entry.name == ".." {
            return self.up();
        }
        if entry.is_dir {
            return self.open(format!("{}{}/", self.dir, entry.name), None);
        }
        if self.facts(&entry).is_some() {
            return Picked::File {
                field: self.field.clone(),
                path: self.path(&entry.name),
            };
        }
        // One that was not looked at so far is taken as soon as it was, unless the user goes on.
        self.taken = Some(entry.name);
        Picked::Nothing
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.dir)
    }

    /// What is to be looked at now: files in sight, the selected one first, a few at a time.
    fn looks(&mut self, rows: usize) -> Vec<Effect> {
        self.keep_in_sight(rows);
        let in_sight = self.rows().skip(self.top).take(rows);
        let wanted: Vec<String> = self
            .current()
            .into_iter()
            .chain(in_sight)
            .filter(|entry| !entry.is_dir && !self.known.contains_key(&entry.name))
            .map(|entry| self.path(&entry.name))
            .collect();
        let mut effects = Vec::new();
        for path in wanted {
            if self.asked.len() >= MOST_LOOKS {
                break;
            }
            if self.asked.insert(path.clone()) {
                let kind = self.kind;
                effects.push(Effect::LookAtFile { path, kind });
            }
        }
        effects
    }

    /// A file was looked at; one of another directory is none of this one's.
    fn looked(&mut self, path: &str, finding: Result<FileFacts, CleanText>) -> Picked {
        self.asked.remove(path);
        let (dir, name) = paths::split(path);
        if dir != self.dir {
            return Picked::Nothing;
        }
        let is_taken = finding.is_ok() && self.taken.as_deref() == Some(name);
        self.known.insert(name.to_owned(), finding);
        if is_taken {
            self.take()
        } else {
            Picked::Nothing
        }
    }
}

impl App {
    /// Lists the directory of the file field that is selected, else of the first one.
    pub(super) fn pick_file(&mut self) -> Vec<Effect> {
        let mut effects = self.go_to(Pane::Request);
        let Some((field, kind)) = self.editor.select_file() else {
            return effects;
        };
        let path = field.path().unwrap_or_default();
        let path = if path.is_empty() {
            self.last_dir.clone()
        } else {
            path
        };
        let pick = FilePick::new(field, kind, &path);
        effects.push(Effect::ListPaths {
            dir: pick.dir.clone(),
        });
        self.modals.push(Modal::Files(Box::new(pick)));
        effects
    }

    /// Rows of the file picker's list.
    pub(crate) fn file_rows(&self) -> usize {
        usize::from(self.size.1.saturating_sub(2 + OTHER_ROWS)).clamp(1, MOST_ROWS)
    }

    pub(super) fn files_mut(&mut self) -> Option<&mut FilePick> {
        match self.modals.last_mut() {
            Some(Modal::Files(pick)) => Some(pick),
            _ => None,
        }
    }

    /// A directory was read: for the picker on top, or for the field that is typed into.
    pub(super) fn paths_listed(&mut self, dir: String, entries: Vec<PathEntry>) -> Vec<Effect> {
        match self.files_mut() {
            Some(pick) if pick.dir == dir && pick.is_reading() => {
                pick.listed(entries);
                vec![]
            }
            Some(_) => vec![],
            None => self.editor.paths_listed(dir, entries),
        }
    }

    pub(super) fn file_looked(
        &mut self,
        path: &str,
        finding: Result<FileFacts, CleanText>,
    ) -> Vec<Effect> {
        self.in_files(|pick| pick.looked(path, finding))
    }

    pub(super) fn file_key(&mut self, key: KeyEvent) -> Vec<Effect> {
        self.in_files(|pick| pick.key(key))
    }

    pub(super) fn file_pasted(&mut self, text: &str) -> Vec<Effect> {
        self.in_files(|pick| {
            pick.filter.paste(text);
            pick.filtered()
        })
    }

    pub(super) fn take_file(&mut self) -> Vec<Effect> {
        self.in_files(FilePick::take)
    }

    fn in_files(&mut self, act: impl FnOnce(&mut FilePick) -> Picked) -> Vec<Effect> {
        match self.files_mut().map_or(Picked::Nothing, act) {
            Picked::Nothing => vec![],
            Picked::List(dir) => vec![Effect::ListPaths { dir }],
            Picked::File { field, path } => {
                self.modals.pop();
                paths::split(&path).0.clone_into(&mut self.last_dir);
                self.editor.set_file(&field, &path)
            }
        }
    }

    /// What of the picker's directory is to be looked at now.
    pub(super) fn file_looks(&mut self) -> Vec<Effect> {
        let rows = self.file_rows();
        self.files_mut()
            .map_or_else(Vec::new, |pick| pick.looks(rows))
    }
}

#[cfg(test)]
mod tests;

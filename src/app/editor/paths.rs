//! Completion of paths.

use crate::{app::message::PathEntry, catalog::MediaKind, model::CleanText};

/// What completing the path in a file field knows so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The directory that was listed, as it was typed, and what is in it.
    listed: Option<(String, Vec<PathEntry>)>,
    /// The directory that was asked for.
    asked: Option<String>,
    /// What fits, sorted; the popup shows these.
    pub(crate) candidates: Vec<PathEntry>,
    pub(crate) selected: usize,
}

/// What came of a `Tab`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Completed {
    /// The directory must be listed first.
    List(String),
    /// The path goes on like this.
    Path(String),
    /// Several fit; the popup shows them.
    Choose,
    /// Nothing fits.
    Nothing,
}

impl Completion {
    pub(crate) fn is_open(&self) -> bool {
        !self.candidates.is_empty()
    }

    pub(crate) fn close(&mut self) {
        self.candidates.clear();
        self.selected = 0;
        self.asked = None;
    }

    /// A `Tab` at the end of `path`.
    pub(crate) fn complete(&mut self, path: &str, kind: MediaKind) -> Completed {
        let (dir, prefix) = split(path);
        if self.is_open() {
            // A second Tab takes what is selected.
            return self.accept(path);
        }
        let Some((_, entries)) = self.listed.as_ref().filter(|(listed, _)| listed == dir) else {
            self.asked = Some(dir.to_owned());
            return Completed::List(dir.to_owned());
        };
        let fitting = fitting(entries, prefix, kind);
        match fitting.as_slice() {
            [] => Completed::Nothing,
            [only] => Completed::Path(format!("{dir}{}", whole(only))),
            several => {
                let common = common_start(several);
                self.candidates = fitting;
                self.selected = 0;
                if common.len() > prefix.len() {
                    Completed::Path(format!("{dir}{common}"))
                } else {
                    Completed::Choose
                }
            }
        }
    }

    /// Takes the selected candidate.
    pub(crate) fn accept(&mut self, path: &str) -> Completed {
        let (dir, _) = split(path);
        match self.candidates.get(self.selected) {
            Some(entry) => {
                let path = format!("{dir}{}", whole(entry));
                self.close();
                Completed::Path(path)
            }
            None => Completed::Nothing,
        }
    }

    /// A listing came; returns whether it was waited for.
    pub(crate) fn listed(&mut self, dir: String, entries: Vec<PathEntry>) -> bool {
        let waited = self.asked.as_ref() == Some(&dir);
        if waited {
            self.asked = None;
        }
        self.listed = Some((dir, entries));
        waited
    }

    /// The path was typed on: the popup shows what still fits.
    pub(crate) fn narrow(&mut self, path: &str, kind: MediaKind) {
        if !self.is_open() {
            return;
        }
        let (dir, prefix) = split(path);
        match &self.listed {
            Some((listed, entries)) if listed == dir => {
                self.candidates = fitting(entries, prefix, kind);
                self.selected = self.selected.min(self.candidates.len().saturating_sub(1));
            }
            _ => self.close(),
        }
    }

    pub(crate) fn step(&mut self, down: bool) {
        let count = self.candidates.len();
        if count > 0 {
            self.selected = (self.selected + if down { 1 } else { count - 1 }) % count;
        }
    }
}

/// The directory with its slash, and the start of a name.
pub(crate) fn split(path: &str) -> (&str, &str) {
    path.split_at(path.rfind('/').map_or(0, |at| at + 1))
}

fn whole(entry: &PathEntry) -> String {
    format!("{}{}", entry.name, if entry.is_dir { "/" } else { "" })
}

/// Directories and files of the wanted kind whose names begin with `prefix`; files of any kind where none is of it.
///
/// A name that could not be shown as it is cannot be typed either and is left out.
fn fitting(entries: &[PathEntry], prefix: &str, kind: MediaKind) -> Vec<PathEntry> {
    let begins = |entry: &&PathEntry| {
        entry.name.starts_with(prefix)
            && (prefix.starts_with('.') || !entry.name.starts_with('.'))
            && CleanText::line(&entry.name).as_str() == entry.name
    };
    let mut found: Vec<_> = entries.iter().filter(begins).cloned().collect();
    if found
        .iter()
        .any(|entry| !entry.is_dir && is_kind(&entry.name, kind))
    {
        found.retain(|entry| entry.is_dir || is_kind(&entry.name, kind));
    }
    found.sort_by(|a, b| b.is_dir.cmp(&a.is_dir).then_with(|| a.name.cmp(&b.name)));
    found
}

pub(crate) fn is_kind(name: &str, kind: MediaKind) -> bool {
    let endings: &[&str] = match kind {
        MediaKind::Image => &["png", "jpg", "jpeg", "webp"],
        MediaKind::Audio => &["wav", "mp3", "ogg", "flac", "m4a", "aac"],
        MediaKind::Video => &["mp4", "mov", "webm", "mkv"],
        MediaKind::Other => return true,
    };
    name.rsplit_once('.').is_some_and(|(_, ending)| {
        endings
            .iter()
            .any(|known| known.eq_ignore_ascii_case(ending))
    })
}

fn common_start(entries: &[PathEntry]) -> String {
    let mut common = entries[0].name.clone();
    for entry in entries {
        let same = common
            .char_indices()
            .zip(entry.name.chars())
            .find(|((_, a), b)| a != b)
            .map_or(common.len().min(entry.name.len()), |((at, _), _)| at);
        common.truncate(same);
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> PathEntry {
        PathEntry {
            name: name.trim_end_matches('/').to_owned(),
            is_dir: name.ends_with('/'),
            bytes: 0,
        }
    }

    fn listed(dir: &str, names: &[&str]) -> Completion {
        let mut completion = Completion::default();
        completion.listed(
            dir.to_owned(),
            names.iter().map(|name| entry(name)).collect(),
        );
        completion
    }

    fn complete(completion: &mut Completion, path: &str) -> Completed {
        completion.complete(path, MediaKind::Image)
    }

    #[test]
    fn an_unknown_directory_is_listed_first() {
        let mut completion = Completion::default();
        assert_eq!(
            complete(&mut completion, "~/fa"),
            Completed::List("~/".into())
        );
        assert!(completion.listed("~/".into(), vec![entry("faces/")]));
        assert_eq!(
            complete(&mut completion, "~/fa"),
            Completed::Path("~/faces/".into())
        );
    }

    #[test]
    fn several_names_are_completed_as_far_as_they_agree_and_then_offered() {
        let mut completion = listed("", &["anna-1.png", "anna-2.png", "notes.txt", "annex/"]);
        assert_eq!(
            complete(&mut completion, "a"),
            Completed::Path("ann".into())
        );
        let names: Vec<_> = completion
            .candidates
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        assert_eq!(names, ["annex", "anna-1.png", "anna-2.png"]);
        completion.step(true);
        assert_eq!(
            complete(&mut completion, "ann"),
            Completed::Path("anna-1.png".into())
        );
        assert!(!completion.is_open());
    }

    #[test]
    fn hidden_files_and_names_that_cannot_be_shown_stay_out() {
        let mut completion = listed("", &[".hidden.png", "evil\u{1b}[2J.png", "good.png"]);
        assert_eq!(
            complete(&mut completion, ""),
            Completed::Path("good.png".into())
        );
        assert_eq!(
            complete(&mut completion, ".h"),
            Completed::Path(".hidden.png".into())
        );
        assert_eq!(complete(&mut completion, "x"), Completed::Nothing);
    }

    #[test]
    fn typing_on_narrows_what_is_offered() {
        let mut completion = listed("d/", &["ab.png", "ac.png"]);
        assert_eq!(complete(&mut completion, "d/a"), Completed::Choose);
        completion.narrow("d/ac", MediaKind::Image);
        assert_eq!(completion.candidates.len(), 1);
        completion.narrow("e/ac", MediaKind::Image);
        assert!(!completion.is_open());
    }
}

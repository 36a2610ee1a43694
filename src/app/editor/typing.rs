//! Typing into a field: keys, text, paths.

use crossterm::event::{KeyCode, KeyEvent};

use super::{Editor, OWN_ROWS, field::FieldEditor, pasted, paths::Completed};
use crate::{
    app::{
        Effect,
        message::{FileFacts, PathEntry},
    },
    catalog::{FieldKind, MediaKind},
    model::CleanText,
};

impl Editor {
    /// A key while typing.
    pub(crate) fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        if self.completion.is_open() {
            match key.code {
                KeyCode::Down | KeyCode::Up => {
                    self.completion.step(key.code == KeyCode::Down);
                    return vec![];
                }
                KeyCode::Enter => return self.accept_path(),
                _ => {}
            }
        }
        let width = self.wrap_width();
        let is_multiline = self.current().is_some_and(FieldEditor::is_multiline);
        match key.code {
            KeyCode::Enter if !is_multiline => return self.stop_typing(),
            KeyCode::Up | KeyCode::Down if !is_multiline => {
                return self.move_on(key.code == KeyCode::Down);
            }
            _ => {}
        }
        let changed = self.current_text().is_some_and(|text| text.key(key, width));
        self.after_typing(changed)
    }

    /// Ends typing and goes to the next field or the one before.
    pub(crate) fn move_on(&mut self, down: bool) -> Vec<Effect> {
        let effects = self.stop_typing();
        self.select(if down {
            self.selected + 1
        } else {
            self.selected.saturating_sub(1)
        });
        effects
    }

    pub(crate) fn paste(&mut self, raw: &str) -> Vec<Effect> {
        let is_file = self.current().is_some_and(FieldEditor::is_file);
        let Some(text) = self.current_text() else {
            return vec![];
        };
        let changed = if is_file {
            let path = pasted::path(raw);
            if pasted::is_whole(&path) {
                text.replace(&path);
                true
            } else {
                text.paste(&path)
            }
        } else {
            text.paste(raw)
        };
        self.after_typing(changed)
    }

    pub(crate) fn undo_typing(&mut self, back: bool) -> Vec<Effect> {
        let changed = self
            .current_text()
            .is_some_and(|text| if back { text.undo() } else { text.redo() });
        self.after_typing(changed)
    }

    /// What `$EDITOR` gave back for `field`.
    pub(crate) fn set_text(&mut self, field: &str, text: &str) -> Vec<Effect> {
        let before = self.draft();
        let at = self.fields.iter().position(|f| f.field.name == field);
        let Some(at) = at else { return vec![] };
        let Some(area) = self.fields[at].text_mut() else {
            return vec![];
        };
        // Editors end a file with a line feed that nobody typed.
        area.replace(text.strip_suffix('\n').unwrap_or(text));
        if !self.typing {
            self.remember(before);
        }
        self.changed(at)
    }

    pub(super) fn after_typing(&mut self, changed: bool) -> Vec<Effect> {
        if !changed {
            self.keep_in_sight();
            return vec![];
        }
        if let Some((path, FieldKind::File(kind))) = self.typed_path() {
            self.completion.narrow(&path, kind);
        }
        self.changed(self.selected.wrapping_sub(OWN_ROWS))
    }

    // ---- paths ----

    fn typed_path(&self) -> Option<(String, FieldKind)> {
        let field = self.current().filter(|field| field.is_file())?;
        Some((field.text()?.text(), field.field.kind.clone()))
    }

    /// A `Tab` while typing: completes a path; nothing in another field.
    pub(crate) fn complete(&mut self) -> Option<Vec<Effect>> {
        let (path, FieldKind::File(kind)) = self.typed_path()? else {
            return None;
        };
        let completed = self.completion.complete(&path, kind);
        Some(self.completed(completed))
    }

    /// Goes to a file field: the one that is selected, else the first one.
    pub(crate) fn select_file(&mut self) -> Option<(&FieldEditor, MediaKind)> {
        if !self.current().is_some_and(FieldEditor::is_file) {
            let at = self.fields.iter().position(FieldEditor::is_file)?;
            self.select(at + OWN_ROWS);
        }
        let field = self.current()?;
        match field.field.kind {
            FieldKind::File(kind) => Some((field, kind)),
            _ => None,
        }
    }

    /// Puts the path that was picked into `field`.
    pub(crate) fn set_file(&mut self, field: &str, path: &str) -> Vec<Effect> {
        let mut effects = self.set_text(field, path);
        effects.extend(self.inspections());
        effects
    }

    fn accept_path(&mut self) -> Vec<Effect> {
        let Some((path, _)) = self.typed_path() else {
            return vec![];
        };
        let completed = self.completion.accept(&path);
        self.completed(completed)
    }

    fn completed(&mut self, completed: Completed) -> Vec<Effect> {
        match completed {
            Completed::List(dir) => vec![Effect::ListPaths { dir }],
            Completed::Path(path) => {
                if let Some(text) = self.current_text() {
                    text.replace(&path);
                }
                let mut effects = self.after_typing(true);
                if !path.ends_with('/') && !self.completion.is_open() {
                    effects.extend(self.inspections());
                }
                effects
            }
            Completed::Choose | Completed::Nothing => vec![],
        }
    }

    /// A directory was listed.
    pub(crate) fn paths_listed(&mut self, dir: String, entries: Vec<PathEntry>) -> Vec<Effect> {
        let waited = self.completion.listed(dir, entries);
        if waited && self.typing {
            self.complete().unwrap_or_default()
        } else {
            vec![]
        }
    }

    /// A file was looked at; too late when the path is another one by now.
    pub(crate) fn inspected(
        &mut self,
        field: &str,
        path: &str,
        finding: Result<FileFacts, CleanText>,
    ) -> Vec<Effect> {
        let now = self
            .fields
            .iter_mut()
            .find(|f| f.field.name == field && f.path().as_deref() == Some(path));
        if let Some(now) = now {
            // A draft that was loaded names its missing file at once: nobody else would.
            now.touched |= finding.is_err();
            now.finding = Some(finding);
            self.refresh();
            return self.follow_sound();
        }
        vec![]
    }
}

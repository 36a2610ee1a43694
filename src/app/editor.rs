//! The request editor: one draft, field by field.

pub(crate) mod field;
pub(crate) mod form;
pub(crate) mod paths;
pub(crate) mod speech;
pub(crate) mod text_field;

mod cut;
mod faults;
mod origin;
mod pasted;
mod rows;
mod stepping;
mod typing;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;

use self::{
    field::{Content, FieldEditor},
    form::{Form, Shape},
    paths::Completion,
    speech::Gauge,
    text_field::TextField,
};
use super::{Effect, effect::DraftTask, geometry};
use crate::{
    catalog::{Catalog, Endpoint, FieldKind},
    model::{Arguments, CleanText, Draft, JobId, Usd, draft::Slot, job::FieldError},
};

/// Drafts that undo can go back to.
const UNDO_STEPS: usize = 50;

/// Rows above the endpoint's own fields: the endpoint, the name.
pub(crate) const OWN_ROWS: usize = 2;

/// Columns before the value: marker, label, gap.
pub(crate) const LABEL: u16 = 12;
pub(crate) const VALUE: u16 = 2 + LABEL + 1;

/// The draft and where the user is in it.
pub(crate) struct Editor {
    pub(crate) endpoint: Endpoint,
    /// Where the draft is kept.
    pub(crate) slot: Slot,
    pub(crate) name: TextField,
    pub(crate) fields: Vec<FieldEditor>,
    /// All arguments as they were last written by hand, where that is no JSON.
    pub(crate) raw: Option<String>,
    /// A fault that belongs to no row.
    unplaced: Option<FieldError>,
    pub(crate) parent: Option<JobId>,
    /// What the parent was asked for, where that is known.
    pub(crate) origin: Option<Arguments>,
    /// The row: 0 the endpoint, 1 the name, then the fields.
    pub(crate) selected: usize,
    pub(crate) typing: bool,
    pub(crate) completion: Completion,
    gauge: Gauge,
    pub(crate) form: Form,
    /// The first row of the form in sight.
    pub(crate) top: u16,
    size: Rect,
    past: Vec<Draft>,
    future: Vec<Draft>,
    /// The draft when typing into a field began.
    before_typing: Option<Draft>,
    /// The draft as it was loaded or last sent.
    kept: Draft,
}

impl Editor {
    /// An editor for `draft`, and the effects that look at its files.
    pub(crate) fn new(endpoint: Endpoint, draft: &Draft) -> (Self, Vec<Effect>) {
        let mut editor = Self {
            name: TextField::new(draft.name.as_str(), false),
            fields: rows::of(&endpoint, &draft.arguments),
            raw: None,
            unplaced: None,
            endpoint,
            slot: Slot::default(),
            parent: draft.parent.clone(),
            origin: None,
            selected: OWN_ROWS,
            typing: false,
            completion: Completion::default(),
            gauge: Gauge::default(),
            form: form::lay_out(&[], 0, None),
            top: 0,
            size: Rect::ZERO,
            past: Vec::new(),
            future: Vec::new(),
            before_typing: None,
            kept: draft.clone(),
        };
        editor.kept = editor.draft();
        // What is written most often comes first.
        if let Some(script) = editor.endpoint.script_field() {
            let at = editor
                .fields
                .iter()
                .position(|field| field.field.name == script.name);
            editor.selected = OWN_ROWS + at.unwrap_or(0);
        }
        editor.refresh();
        editor.gauge.may_have_changed();
        editor.look_at_frames();
        let effects = editor.inspections();
        (editor, effects)
    }

    /// What would be sent; a value that does not fit its field is its text.
    pub(crate) fn draft(&self) -> Draft {
        Draft {
            endpoint: self.endpoint.id.clone(),
            arguments: self.read().0,
            name: CleanText::line(self.name.text().trim()),
            parent: self.parent.clone(),
        }
    }

    /// The arguments, and what is wrong with texts that are no values.
    fn read(&self) -> (Arguments, Vec<FieldError>) {
        rows::read(&self.fields)
    }

    /// Whether the draft differs from what was loaded or last sent.
    pub(crate) fn is_unsent(&self) -> bool {
        self.draft() != self.kept
    }

    /// `draft` has been sent.
    pub(crate) fn sent(&mut self, draft: Draft) {
        self.kept = draft;
    }

    /// What the draft would cost at fal.
    pub(crate) fn estimate(&self) -> Option<Usd> {
        self.endpoint.estimate(&self.read().0)
    }

    /// Takes over what the catalog says about the price now.
    pub(crate) fn reprice(&mut self, catalog: &Catalog) {
        if let Some(endpoint) = catalog.get(&self.endpoint.id) {
            self.endpoint.price = endpoint.price;
        }
    }

    // ---- changes ----

    /// What follows every change of a field's value.
    fn changed(&mut self, at: usize) -> Vec<Effect> {
        if let Some(field) = self.fields.get_mut(at) {
            field.changed();
        }
        self.frames_chosen(at);
        self.gauge.may_have_changed();
        self.refresh();
        self.keep_in_sight();
        vec![self.save()]
    }

    /// Remembers `before` for undo, if anything changed since.
    fn remember(&mut self, before: Draft) {
        if before != self.draft() {
            self.past.push(before);
            if self.past.len() > UNDO_STEPS {
                self.past.remove(0);
            }
            self.future.clear();
        }
    }

    /// Puts another draft in; undo brings the old one back.
    pub(crate) fn replace(&mut self, endpoint: Endpoint, draft: &Draft) -> Vec<Effect> {
        self.stop_typing();
        let before = self.draft();
        self.load(endpoint, draft);
        self.raw = None;
        self.remember(before);
        self.kept = self.draft();
        self.after_load()
    }

    /// Goes on with another draft; what was changed in this one stays with it.
    pub(crate) fn open(&mut self, slot: Slot, endpoint: Endpoint, draft: &Draft) -> Vec<Effect> {
        self.stop_typing();
        self.load(endpoint, draft);
        self.slot = slot;
        self.past.clear();
        self.future.clear();
        self.kept = self.draft();
        self.after_load()
    }

    /// Keeps the draft soon.
    fn save(&self) -> Effect {
        Effect::SaveDraft {
            slot: self.slot.clone(),
            draft: self.draft(),
        }
    }

    /// Keeps the draft now.
    pub(crate) fn keep(&self) -> Effect {
        Effect::Drafts(DraftTask::Keep {
            slot: self.slot.clone(),
            draft: self.draft(),
        })
    }

    /// Puts other arguments into the same draft.
    pub(crate) fn rewrite(&mut self, draft: &Draft) -> Vec<Effect> {
        let before = self.draft();
        self.load(self.endpoint.clone(), draft);
        self.remember(before);
        self.after_load()
    }

    fn load(&mut self, endpoint: Endpoint, draft: &Draft) {
        self.fields = rows::of(&endpoint, &draft.arguments);
        self.endpoint = endpoint;
        self.name = TextField::new(draft.name.as_str(), false);
        self.parent.clone_from(&draft.parent);
        self.completion = Completion::default();
        self.gauge.may_have_changed();
        self.look_at_frames();
        self.selected = self.selected.min(self.last_row());
        self.refresh();
        self.relayout();
    }

    fn after_load(&self) -> Vec<Effect> {
        let mut effects = vec![self.save()];
        effects.extend(self.inspections());
        effects
    }

    /// Changes the endpoint; fields of the same name keep their values.
    pub(crate) fn switch(&mut self, endpoint: Endpoint) -> Vec<Effect> {
        let before = self.draft();
        if before.endpoint == endpoint.id {
            return vec![];
        }
        let mut arguments = endpoint.defaults();
        for (name, value) in before.arguments.iter() {
            if endpoint.fields.iter().any(|field| field.name == name) {
                arguments.set(name, value.clone());
            }
        }
        // An optional field that was emptied, such as an open seed, stays empty.
        for field in self.fields.iter().filter(|field| field.depth == 0) {
            if before.arguments.get(&field.field.name).is_none() {
                arguments.remove(&field.field.name);
            }
        }
        let draft = Draft {
            endpoint: endpoint.id.clone(),
            arguments,
            ..before.clone()
        };
        self.load(endpoint, &draft);
        self.remember(before);
        self.after_load()
    }

    /// Takes back or makes again a change between fields. `find` looks endpoints up.
    pub(crate) fn travel(
        &mut self,
        back: bool,
        find: impl Fn(&Draft) -> Option<Endpoint>,
    ) -> Vec<Effect> {
        let now = self.draft();
        let (from, to) = if back {
            (&mut self.past, &mut self.future)
        } else {
            (&mut self.future, &mut self.past)
        };
        let Some(draft) = from.pop() else {
            return vec![];
        };
        to.push(now);
        let Some(endpoint) = find(&draft) else {
            return vec![];
        };
        self.load(endpoint, &draft);
        // What is taken back is not done again by itself.
        self.frames_stay();
        self.after_load()
    }

    /// Whether there is something to take back.
    pub(crate) fn can_undo(&self) -> bool {
        self.typing || !self.past.is_empty()
    }

    // ---- moving between fields ----

    pub(crate) fn last_row(&self) -> usize {
        OWN_ROWS + self.fields.len() - 1
    }

    pub(crate) fn select(&mut self, row: usize) {
        self.selected = row.min(self.last_row());
        self.relayout();
    }

    /// The field that is selected, if it is one of the endpoint's.
    pub(crate) fn current(&self) -> Option<&FieldEditor> {
        self.fields.get(self.selected.checked_sub(OWN_ROWS)?)
    }

    fn current_mut(&mut self) -> Option<&mut FieldEditor> {
        self.fields.get_mut(self.selected.checked_sub(OWN_ROWS)?)
    }

    fn current_text(&mut self) -> Option<&mut TextField> {
        if self.selected == 1 {
            return Some(&mut self.name);
        }
        self.current_mut().and_then(FieldEditor::text_mut)
    }

    /// Begins to type into the selected field; returns whether it takes text.
    pub(crate) fn start_typing(&mut self) -> bool {
        if self.current_text().is_none() {
            return false;
        }
        self.typing = true;
        self.before_typing = Some(self.draft());
        self.relayout();
        true
    }

    /// Ends typing; the field counts as visited, a file is looked at.
    pub(crate) fn stop_typing(&mut self) -> Vec<Effect> {
        if !self.typing {
            return vec![];
        }
        self.typing = false;
        self.completion.close();
        if let Some(field) = self.current_mut() {
            field.touched = true;
        }
        if let Some(before) = self.before_typing.take() {
            self.remember(before);
        }
        self.relayout();
        self.inspections()
    }

    /// Looks at every file that was not looked at.
    fn inspections(&self) -> Vec<Effect> {
        let unseen = |field: &&FieldEditor| field.finding.is_none();
        self.fields
            .iter()
            .filter(unseen)
            .filter_map(|field| {
                let FieldKind::File(kind) = field.field.kind else {
                    return None;
                };
                Some(Effect::InspectFile {
                    field: field.field.name.clone(),
                    path: field.path()?,
                    kind,
                })
            })
            .collect()
    }

    /// Steps the selected choice or number.
    pub(crate) fn step(&mut self, forward: bool) -> Vec<Effect> {
        let before = self.draft();
        let changed = self.current_mut().is_some_and(|field| field.step(forward));
        self.after_step(before, changed)
    }

    /// A letter between fields chooses the next option that begins with it; a choice that may be left open is taken
    /// back by the keys that delete.
    pub(crate) fn key_at_choice(&mut self, key: KeyEvent) -> Vec<Effect> {
        let before = self.draft();
        let changed = self.current_mut().is_some_and(|field| match key.code {
            KeyCode::Char(letter) => field.type_ahead(letter),
            KeyCode::Backspace | KeyCode::Delete => field.clear_choice(),
            _ => false,
        });
        self.after_step(before, changed)
    }

    /// Takes option `option` of the selected choice.
    pub(crate) fn choose(&mut self, option: usize) -> Vec<Effect> {
        let before = self.draft();
        let changed = self.current_mut().is_some_and(|field| field.choose(option));
        self.after_step(before, changed)
    }

    fn after_step(&mut self, before: Draft, changed: bool) -> Vec<Effect> {
        if !changed {
            return vec![];
        }
        self.remember(before);
        self.changed(self.selected.saturating_sub(OWN_ROWS))
    }

    /// The options of the selected choice and which one is chosen.
    pub(crate) fn options(&self) -> Option<(&[String], usize)> {
        match &self.current()?.content {
            Content::Choice {
                options, chosen, ..
            } => Some((options, chosen.unwrap_or(0))),
            Content::Text(_) | Content::Group { .. } => None,
        }
    }

    // ---- layout ----

    /// The pane has another size.
    pub(crate) fn resize(&mut self, pane: Rect) {
        let size = geometry::inside(pane);
        if self.size != size {
            self.size = size;
            self.relayout();
        }
    }

    /// Cells of a value.
    pub(crate) fn value_width(&self) -> u16 {
        self.size.width.saturating_sub(VALUE + 1)
    }

    /// Cells of a row of text; one less than the value has, for the cursor behind the last character.
    pub(crate) fn wrap_width(&self) -> usize {
        usize::from(self.value_width().saturating_sub(1))
    }

    fn relayout(&mut self) {
        let shapes: Vec<Shape> = [Shape::Short; OWN_ROWS]
            .into_iter()
            .chain(self.fields.iter().map(|field| {
                if field.is_folded() {
                    Shape::Folded
                } else if field.is_multiline() {
                    Shape::Text
                } else if field.is_file() {
                    Shape::File
                } else {
                    Shape::Short
                }
            }))
            .collect();
        let typing = self.typing.then_some(self.selected);
        self.form = form::lay_out(&shapes, self.size.height, typing);
        self.keep_in_sight();
    }

    fn keep_in_sight(&mut self) {
        self.top = self.form.scrolled(self.selected, self.top);
        let (width, selected) = (self.wrap_width(), self.selected);
        let Some(place) = self.form.places.get(selected).copied() else {
            return;
        };
        if self.typing
            && selected >= OWN_ROWS
            && let Some(text) = self.current_text()
        {
            text.keep_in_sight(width, usize::from(place.rows));
        }
    }
}

#[cfg(test)]
mod tests;

//! What lies over the panes: opening, answering, leaving.

use super::{
    App, Effect, Prompt, Purpose,
    action::{Action, Command, Context},
    editor::{field::FieldEditor, text_field::TextField},
    geometry::Pane,
    modal::{Chosen, Entry, Modal, Outcome, Pick},
};
use crate::{
    catalog::Language,
    model::{CleanText, JobId, inert_json},
};

impl App {
    pub(super) fn edit_field(&mut self) -> Vec<Effect> {
        if self.editor.selected == 0 {
            return self.open_endpoints();
        }
        if let Some((options, chosen)) = self.editor.options() {
            let entries = options
                .iter()
                .enumerate()
                .map(|(at, option)| Entry {
                    label: CleanText::line(option),
                    aside: CleanText::default(),
                    chosen: Chosen::Option(at),
                })
                .collect();
            let title = self
                .editor
                .current()
                .map_or_else(String::new, FieldEditor::label);
            self.modals
                .push(Modal::Pick(Box::new(Pick::new(title, entries, chosen))));
            return vec![];
        }
        if self.editor.current().is_some_and(FieldEditor::is_group) {
            // An object is edited by the rows below it.
            self.editor.select(self.editor.selected + 1);
            return vec![];
        }
        self.editor.start_typing();
        vec![]
    }

    /// Offers the draft for a shell, curl, JavaScript and Python.
    pub(super) fn copy_draft_menu(&mut self) -> Vec<Effect> {
        let arguments = self.editor.draft().arguments;
        let mut entries = Vec::new();
        let mut offer = |what: &'static str, text: String| {
            let first = text.lines().next().unwrap_or_default().to_owned();
            entries.push(Entry {
                label: what.into(),
                aside: super::text::cut(&first, 44).into_owned().into(),
                chosen: Chosen::Copy(what, CleanText::multiline(&text)),
            });
        };
        for language in Language::ALL {
            offer(
                language.name(),
                self.editor.endpoint.snippet(&arguments, language),
            );
        }
        if let Ok(json) = inert_json::to_line(&arguments) {
            offer("arguments as JSON", json);
        }
        self.modals.push(Modal::Pick(Box::new(Pick::new(
            "Copy the request",
            entries,
            0,
        ))));
        vec![]
    }

    pub(super) fn open_palette(&mut self) -> Vec<Effect> {
        let mut entries: Vec<Entry> = Vec::new();
        // What is nearest to where the user is comes first.
        let own = self.contexts()[0];
        let order = |command: &&Command| {
            let of = command.context;
            (of != own, of != Context::Deck, of == Context::Anywhere)
        };
        let mut commands: Vec<&Command> = self.commands.iter().collect();
        commands.sort_by_key(order);
        for command in commands {
            let chosen = Chosen::Act(command.action);
            let fits = matches!(
                command.context,
                Context::Anywhere
                    | Context::Deck
                    | Context::Browse
                    | Context::Jobs
                    | Context::Log
                    | Context::Form
            ) && !matches!(
                command.action,
                Action::OpenPalette | Action::Interrupt | Action::Up | Action::Down
            );
            if fits
                && self.is_available(command.action)
                && !entries.iter().any(|entry| entry.chosen == chosen)
            {
                entries.push(Entry {
                    label: command.description.into(),
                    aside: command.keys.as_str().into(),
                    chosen,
                });
            }
        }
        self.modals
            .push(Modal::Pick(Box::new(Pick::new("Commands", entries, 0))));
        vec![]
    }

    pub(super) fn accept(&mut self) -> Vec<Effect> {
        match self.modals.last() {
            Some(Modal::Ask(ask)) => {
                let outcome = ask.answers[ask.selected].outcome.clone();
                self.modals.pop();
                self.settle_question(outcome)
            }
            Some(Modal::Pick(pick)) => {
                let Some(chosen) = pick.current().map(|entry| entry.chosen.clone()) else {
                    return vec![];
                };
                self.modals.pop();
                self.choose(chosen)
            }
            Some(Modal::Files(_)) => self.take_file(),
            Some(Modal::Sweep(_)) => self.submit_sweep(),
            Some(Modal::Line(_)) => self.take_line(),
            Some(Modal::Help(_) | Modal::Diff(_)) => {
                self.modals.pop();
                vec![]
            }
            None => {
                self.prompt = None;
                vec![]
            }
        }
    }

    fn choose(&mut self, chosen: Chosen) -> Vec<Effect> {
        match chosen {
            Chosen::Act(action) => self.act(action),
            Chosen::Option(option) => self.editor.choose(option),
            Chosen::Endpoint(id) => self.choose_endpoint(id),
            Chosen::Copy(what, text) => vec![Effect::Copy { what, text }],
            Chosen::Confirm(id, request) => vec![Effect::Confirm { id, request }],
            Chosen::OpenDraft(slot, draft) => self.open_draft(slot, &draft),
            Chosen::DropDraft(slot) => self.ask_drop_draft(slot),
            Chosen::AskLine(purpose) => self.ask_line(purpose),
            Chosen::AskNotSent(id) => self.ask_not_sent(&id),
            Chosen::Nothing => vec![],
        }
    }

    pub(super) fn settle_question(&mut self, outcome: Outcome) -> Vec<Effect> {
        let release = |app: &mut Self, ids: &[JobId]| {
            for id in ids {
                app.jobs.release(id);
            }
        };
        match outcome {
            Outcome::Nothing => vec![],
            Outcome::Send(wishes) => self.send(wishes),
            Outcome::Cancel(ids) => ids.into_iter().map(Effect::Cancel).collect(),
            Outcome::Delete(id) => vec![Effect::DeleteRecord(id)],
            Outcome::SendHeld(ids) => {
                release(self, &ids);
                ids.into_iter().map(Effect::SendHeld).collect()
            }
            Outcome::DropHeld(ids) => {
                release(self, &ids);
                ids.into_iter().map(Effect::DropHeld).collect()
            }
            Outcome::Replace(draft) => self.replace_draft(&draft),
            Outcome::DropDraft(slot) => self.drop_draft(slot),
            Outcome::Agree(id) => vec![Effect::Agree(id)],
            Outcome::NotSent(id) => vec![Effect::ConfirmNotSent(id)],
            Outcome::Show(id) => self.show_job(&id),
            Outcome::Resume => self.resume_outbox(),
            Outcome::Quit => vec![Effect::Quit],
        }
    }

    /// Leaves what is on top, one thing at a time.
    pub(super) fn back(&mut self) -> Vec<Effect> {
        if self.modals.pop().is_some() {
            return vec![];
        }
        if let Some(prompt) = self.prompt.take() {
            match prompt.purpose {
                Purpose::Filter => self.jobs.set_filter(&prompt.before),
                Purpose::Search => self.log.search(&prompt.before),
            }
            return vec![];
        }
        if self.editor.typing {
            if self.editor.completion.is_open() {
                self.editor.completion.close();
                return vec![];
            }
            return self.editor.stop_typing();
        }
        if self.notices.dismiss() {
            return vec![];
        }
        match self.focus {
            Pane::Lower if self.detail_open => {
                self.detail_open = false;
                self.focus = Pane::Jobs;
            }
            Pane::Lower if !self.log.needle().is_empty() => self.log.search(""),
            Pane::Jobs if !self.jobs.filter().is_empty() => self.jobs.set_filter(""),
            _ if self.zoomed => self.zoomed = false,
            _ if self.detail_open => self.detail_open = false,
            _ => {}
        }
        vec![]
    }

    // ---- prompts ----

    pub(super) fn open_prompt(&mut self, purpose: Purpose) -> Vec<Effect> {
        let before = match purpose {
            Purpose::Filter => {
                self.focus = Pane::Jobs;
                self.jobs.filter().to_owned()
            }
            Purpose::Search => self.log.needle().to_owned(),
        };
        self.prompt = Some(Prompt {
            purpose,
            text: TextField::new(&before, false),
            before,
        });
        self.editor.stop_typing()
    }

    pub(super) fn prompt_changed(&mut self) {
        let Some(prompt) = &self.prompt else { return };
        let text = prompt.text.text();
        match prompt.purpose {
            Purpose::Filter => self.jobs.set_filter(&text),
            Purpose::Search => {
                self.log.search(&text);
                if !text.is_empty() {
                    self.log.nearest_match();
                }
            }
        }
    }
}

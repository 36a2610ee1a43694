//! What each message does.

use crossterm::event::{KeyCode, KeyEvent};

use super::{
    App, Effect, Gate, Message, Purpose,
    action::{Action, Context},
    effect::Written,
    geometry::{self, Pane, inside},
    jobs,
    modal::Modal,
    notice::Tone,
};
use crate::model::{CleanText, Job, JobId, JobState, job::SavedFile};

impl App {
    /// Takes in what happened; returns what must be done.
    pub fn update(&mut self, message: Message) -> Vec<Effect> {
        let mut effects = self.take(message);
        effects.extend(self.settle());
        effects
    }

    fn take(&mut self, message: Message) -> Vec<Effect> {
        if matches!(
            message,
            Message::Action(_) | Message::Key(_) | Message::Paste(_)
        ) {
            self.notices.pass();
        }
        match message {
            Message::Action(action) => {
                let was_interrupted = std::mem::take(&mut self.interrupted);
                if action == Action::Interrupt {
                    return self.interrupt(was_interrupted);
                }
                self.act(action)
            }
            Message::Key(key) => {
                self.interrupted = false;
                self.key(key)
            }
            Message::Paste(text) => self.paste(&text),
            Message::Resized { columns, rows } => {
                self.size = if columns == 0 || rows == 0 {
                    geometry::UNKNOWN
                } else {
                    (columns, rows)
                };
                vec![]
            }
            report => self.report(report),
        }
    }

    /// News from outside.
    fn report(&mut self, message: Message) -> Vec<Effect> {
        match message {
            Message::Clock(now) => {
                self.now = now;
                self.detail_stale |= self.jobs.has_timers();
                vec![]
            }
            Message::JobsLoaded(jobs) => {
                self.jobs.load(jobs);
                self.detail_stale = true;
                self.find_origin();
                vec![]
            }
            Message::JobChanged(job) => self.job_changed(*job),
            Message::RecordDeleted(id) => self.record_deleted(&id),
            Message::LogsChanged { id, count } => self.log.grown(&id, count),
            Message::LogsLoaded {
                id,
                from,
                lines,
                total,
            } => self.log.loaded(&id, from, lines, total),
            Message::UploadProgress { id, sent, total } => {
                self.jobs.set_upload(id, sent, total);
                vec![]
            }
            Message::Spent(spent) => {
                self.spent = Some(spent);
                vec![]
            }
            Message::Prices(catalog) => {
                self.reprice(catalog);
                vec![]
            }
            Message::EndpointLoaded {
                id,
                catalog,
                change,
            } => self.endpoint_loaded(&id, catalog, change),
            Message::EndpointMissing { id, reason } => self.endpoint_missing(&id, &reason),
            Message::Models(models) => self.models_listed(models),
            Message::AlreadyHave { wishes, twins } => self.already_have(wishes, &twins),
            Message::Unsettled { id, candidates } => self.unsettled(&id, &candidates),
            Message::Weighed(wishes) => self.weighed(wishes),
            Message::Submitted(jobs) => self.submitted(jobs),
            Message::Refused { wishes, faults } => self.refused(&wishes, &faults),
            Message::HeldFound(jobs) => self.held_found(jobs),
            Message::PathsListed { dir, entries } => self.paths_listed(dir, entries),
            Message::FileLooked { path, finding } => self.file_looked(&path, finding),
            Message::FileInspected {
                field,
                path,
                finding,
            } => self.editor.inspected(&field, &path, finding),
            Message::SpeechMeasured(known) => {
                self.editor.measured(known);
                self.submit_once_measured()
            }
            Message::EditorReturned { what, text } => match (what, text) {
                (Written::Field(field), Some(text)) => self.editor.set_text(&field, &text),
                (Written::Arguments, Some(text)) => self.take_raw(text),
                (_, None) => vec![],
            },
            Message::AccountLocked(reason) => self.shut(Gate::AccountLocked, reason),
            Message::KeyRefused(reason) => self.shut(Gate::KeyRefused, reason),
            Message::OutboxResumed => {
                self.gate = Gate::Open;
                self.notices.tell(Tone::Done, "sending goes on");
                vec![]
            }
            Message::ServerReachable(reachable) => {
                self.reachable = reachable;
                vec![]
            }
            Message::Trouble(text) => {
                self.notices.warn(Tone::Warning, text);
                vec![]
            }
            Message::Copied(what) => {
                self.notices.tell(Tone::Done, format!("{what} copied"));
                vec![]
            }
            Message::Downloaded { id, files } => self.downloaded(&id, &files),
            Message::EffectFailed { effect, reason } => self.failed(effect, &reason),
            Message::Drafts(news) => self.report_on_drafts(news),
            // These come from the keyboard.
            Message::Action(_) | Message::Key(_) | Message::Paste(_) | Message::Resized { .. } => {
                vec![]
            }
        }
    }

    /// What follows from whatever has changed: sizes, the log of another job, the detail.
    fn settle(&mut self) -> Vec<Effect> {
        self.bring_up();
        let areas = self.geometry();
        if let Some(area) = areas.request {
            self.editor.resize(area);
        }
        if let Some(area) = areas.jobs {
            let prompt = matches!(&self.prompt, Some(prompt) if prompt.purpose == Purpose::Filter);
            let height = usize::from(inside(area).height);
            self.jobs.resize(height.saturating_sub(usize::from(prompt)));
        }
        if let Some(area) = areas.lower {
            let area = inside(area);
            // One column of air on either side.
            let width = usize::from(area.width.saturating_sub(2));
            let prompt = matches!(&self.prompt, Some(prompt) if prompt.purpose == Purpose::Search);
            let height = usize::from(area.height) - usize::from(prompt && area.height > 0);
            self.log.resize(width, height);
            self.detail_stale |= self.detail.resize(width, usize::from(area.height));
        }
        let selected = self.jobs.selected_id().cloned();
        self.detail_stale |= self.detail.id != selected;
        if self.detail_open && self.detail_stale {
            match self.jobs.selected() {
                Some(job) => self.detail.show(job, &self.catalog, self.now, &self.zone),
                None => self.detail_open = false,
            }
            self.detail_stale = false;
        }
        let mut effects = self.log.turn_to(selected);
        effects.extend(self.editor.measure());
        effects.extend(self.file_looks());
        effects
    }

    // ---- reports ----

    fn record_deleted(&mut self, id: &JobId) -> Vec<Effect> {
        self.jobs.remove(id);
        self.detail_stale = true;
        let text = format!("record {} deleted; its files stay", id.short());
        self.notices.tell(Tone::Done, text);
        vec![]
    }

    fn downloaded(&mut self, id: &JobId, files: &[SavedFile]) -> Vec<Effect> {
        let where_to = files.first().map_or_else(
            || "nothing to save".to_owned(),
            |file| format!("saved as {}", file.path.display()),
        );
        self.notices
            .tell(Tone::Done, format!("{}: {where_to}", id.short()));
        vec![]
    }

    fn job_changed(&mut self, job: Job) -> Vec<Effect> {
        self.detail_stale |= self.jobs.selected_id() == Some(&job.id);
        let before = self.jobs.get(&job.id).map(|known| known.state.name());
        // What is to be paid changes with the state, and only at a server that takes money.
        let moved = before != Some(job.state.name());
        let counts = moved && !job.account.server.is_preview();
        // A job that had ended before this start is no news.
        if moved && before.is_some() {
            self.tell_end(&job);
        }
        self.jobs.apply(job);
        self.refresh_quit_question();
        if counts {
            vec![Effect::LoadSpent]
        } else {
            vec![]
        }
    }

    /// Says that a job has ended, and where its video is.
    fn tell_end(&mut self, job: &Job) {
        let who = format!("{} {}", job.id.short(), jobs::name(job));
        match (&job.state, job.video()) {
            (JobState::Completed, Some(video)) => {
                let path = video.path.display();
                self.notices
                    .tell(Tone::Done, format!("{who} saved: {path}"));
            }
            (JobState::Completed, None) => {
                self.notices.tell(Tone::Done, format!("{who} is done"));
            }
            (JobState::Failed, _) => {
                let reason = job
                    .error
                    .as_ref()
                    .map_or("no reason given", |error| error.message.as_str());
                self.notices
                    .warn(Tone::Failed, format!("{who} failed: {reason}"));
            }
            (JobState::Unconfirmed { .. }, _) => {
                let key = self.keys_of(Action::SettleJob);
                let text = format!(
                    "{who}: the answer to the submit was lost; the server's list is asked · {key} settles it"
                );
                self.notices.warn(Tone::Warning, text);
            }
            _ => {}
        }
    }

    fn failed(&mut self, effect: &str, reason: &CleanText) -> Vec<Effect> {
        match effect {
            "submit" => self.sending = None,
            "read log" => self.log.not_answered(),
            _ => {}
        }
        self.notices
            .warn(Tone::Failed, format!("{effect}: {reason}"));
        vec![]
    }

    // ---- keys ----

    /// A key that is bound to nothing here.
    fn key(&mut self, key: KeyEvent) -> Vec<Effect> {
        match self.modals.last_mut() {
            Some(Modal::Ask(ask)) => {
                let outcome = match key.code {
                    KeyCode::Char(letter) => {
                        ask.by_letter(letter).map(|answer| answer.outcome.clone())
                    }
                    _ => None,
                };
                return match outcome {
                    Some(outcome) => {
                        self.modals.pop();
                        self.settle_question(outcome)
                    }
                    None => vec![],
                };
            }
            Some(Modal::Pick(pick)) => {
                if pick.filter.key(key, usize::MAX) {
                    pick.narrow();
                }
                return vec![];
            }
            Some(Modal::Files(_)) => return self.file_key(key),
            Some(Modal::Sweep(form)) => {
                if form
                    .current_text()
                    .is_some_and(|text| text.key(key, usize::MAX))
                {
                    form.read();
                }
                return vec![];
            }
            Some(Modal::Line(form)) => {
                form.text.key(key, usize::MAX);
                return vec![];
            }
            Some(Modal::Help(_) | Modal::Diff(_)) => return vec![],
            None => {}
        }
        if let Some(prompt) = &mut self.prompt {
            if prompt.text.key(key, usize::MAX) {
                self.prompt_changed();
            }
            return vec![];
        }
        match self.contexts()[0] {
            Context::Typing => self.editor.key(key),
            Context::Form if self.editor.options().is_some() => self.editor.key_at_choice(key),
            Context::Form => {
                if matches!(key.code, KeyCode::Char(_)) {
                    let edit = self.keys_of(Action::EditField);
                    let text = format!("{edit} edits the field");
                    self.notices.tell(Tone::Plain, text);
                }
                vec![]
            }
            _ => vec![],
        }
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(pick) = self.pick_mut() {
            pick.filter.paste(text);
            pick.narrow();
            return vec![];
        }
        if self.files_mut().is_some() {
            return self.file_pasted(text);
        }
        if let Some(Modal::Line(form)) = self.modals.last_mut() {
            form.text.paste(text);
            return vec![];
        }
        if let Some(Modal::Sweep(form)) = self.modals.last_mut() {
            if let Some(field) = form.current_text() {
                field.paste(text);
                form.read();
            }
            return vec![];
        }
        if !self.modals.is_empty() {
            return vec![];
        }
        if let Some(prompt) = &mut self.prompt {
            prompt.text.paste(text);
            self.prompt_changed();
            return vec![];
        }
        // Text that is pasted at a field is meant for it.
        if self.focus == Pane::Request && (self.editor.typing || self.editor.start_typing()) {
            return self.editor.paste(text);
        }
        vec![]
    }
}

#[cfg(test)]
mod tests;

//! What each message does.

use crossterm::event::{KeyCode, KeyEvent};

use super::{
    App, Effect, Gate, Message, Prompt, Purpose,
    action::{Action, Command, Context},
    defaults,
    editor::text_field::TextField,
    geometry::{self, Pane, inside},
    jobs,
    modal::{Chosen, Entry, Help, Modal, Outcome, Pick},
    notice::Tone,
};
use crate::model::{CleanText, Draft, Job, JobId, JobState};

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
            Message::Clock(now) => {
                self.now = now;
                self.detail_stale |= self.jobs.has_timers();
                vec![]
            }
            Message::JobsLoaded(jobs) => {
                self.jobs.load(jobs);
                self.detail_stale = true;
                vec![]
            }
            Message::JobChanged(job) => self.job_changed(*job),
            Message::RecordDeleted(id) => {
                self.jobs.remove(&id);
                self.detail_stale = true;
                self.notices.tell(
                    Tone::Done,
                    format!("record {} deleted; its files stay", id.short()),
                );
                vec![]
            }
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
            Message::Spent { today } => {
                self.spent_today = Some(today);
                vec![]
            }
            Message::Submitted(job) => self.submitted(*job),
            Message::Refused { wish, faults } => self.refused(&wish, &faults),
            Message::HeldFound(jobs) => self.held_found(jobs),
            Message::PathsListed { dir, entries } => self.editor.paths_listed(dir, entries),
            Message::FileInspected {
                field,
                path,
                finding,
            } => {
                self.editor.inspected(&field, &path, finding);
                vec![]
            }
            Message::EditorReturned { field, text } => match text {
                Some(text) => self.editor.set_text(&field, &text),
                None => vec![],
            },
            Message::AccountLocked(reason) => {
                self.shut(Gate::AccountLocked, "account locked", &reason)
            }
            Message::KeyRefused(reason) => self.shut(Gate::KeyRefused, "key refused", &reason),
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
            Message::Downloaded { id, files } => {
                let where_to = files.first().map_or_else(
                    || "nothing to save".to_owned(),
                    |file| format!("saved as {}", file.path.display()),
                );
                self.notices
                    .tell(Tone::Done, format!("{}: {where_to}", id.short()));
                vec![]
            }
            Message::EffectFailed { effect, reason } => self.failed(effect, &reason),
        }
    }

    /// What follows from whatever has changed: sizes, the log of another job, the detail.
    fn settle(&mut self) -> Vec<Effect> {
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
        self.log.turn_to(selected)
    }

    // ---- reports ----

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
                    .tell(Tone::Failed, format!("{who} failed: {reason}"));
            }
            _ => {}
        }
    }

    fn shut(&mut self, gate: Gate, what: &str, reason: &CleanText) -> Vec<Effect> {
        self.gate = gate;
        let key = self.keys_of(Action::ResumeOutbox);
        let way_out = format!("{what}, nothing is sent · {key} resumes · {reason}");
        self.notices.warn(Tone::Failed, way_out);
        vec![]
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
            Some(Modal::Help(_)) => return vec![],
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
            Context::Form => self.editor.type_ahead(key),
            _ => vec![],
        }
    }

    fn paste(&mut self, text: &str) -> Vec<Effect> {
        if let Some(pick) = self.pick_mut() {
            pick.filter.paste(text);
            pick.narrow();
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

    // ---- actions ----

    pub(super) fn act(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Submit => self.submit_draft(false),
            Action::TryInPreview => self.submit_draft(true),
            Action::OpenPalette => self.open_palette(),
            Action::OpenHelp => {
                self.modals.push(Modal::Help(Help::default()));
                vec![]
            }
            Action::Quit => self.quit(),
            Action::Interrupt => self.interrupt(false),
            Action::Suspend => vec![Effect::Suspend],
            Action::ToggleZoom => {
                self.zoomed = !self.zoomed;
                vec![]
            }
            Action::NextPane => self.go_to(self.focus.step(true)),
            Action::PreviousPane => self.go_to(self.focus.step(false)),
            Action::FocusRequest => self.go_to(Pane::Request),
            Action::FocusJobs => self.go_to(Pane::Jobs),
            Action::FocusLog => self.go_to(Pane::Lower),
            Action::Back | Action::Leave => self.back(),
            Action::Accept => self.accept(),
            Action::NextAnswer | Action::PreviousAnswer => {
                if let Some(Modal::Ask(ask)) = self.modals.last_mut() {
                    ask.step(action == Action::NextAnswer);
                }
                vec![]
            }
            Action::Down => self.move_by(1),
            Action::Up => self.move_by(-1),
            Action::Top => self.move_to_end(false),
            Action::Bottom => self.move_to_end(true),
            Action::HalfPageDown => self.half_page(true),
            Action::HalfPageUp => self.half_page(false),
            Action::OpenDetail
            | Action::EditJob
            | Action::ResubmitJob
            | Action::CancelJob
            | Action::DownloadJob
            | Action::CopyFromJob
            | Action::DeleteJob
            | Action::SendHeld
            | Action::SettleJob => self.act_on_job(action),
            Action::FilterJobs => self.open_prompt(Purpose::Filter),
            Action::ResumeOutbox => vec![Effect::ResumeOutbox],
            Action::ToggleFollow
            | Action::SearchLog
            | Action::NextMatch
            | Action::PreviousMatch
            | Action::CycleLevel
            | Action::ToggleWrap
            | Action::CopyLine => self.act_on_log(action),
            Action::EditField
            | Action::NextValue
            | Action::PreviousValue
            | Action::Undo
            | Action::Redo
            | Action::OpenEditor
            | Action::PickFile
            | Action::ChooseEndpoint
            | Action::NewDraft
            | Action::Complete
            | Action::PreviousField => self.act_on_draft(action),
        }
    }

    fn act_on_log(&mut self, action: Action) -> Vec<Effect> {
        self.detail_open = false;
        match action {
            Action::ToggleFollow => self.log.toggle_follow(),
            Action::SearchLog => {
                self.go_to(Pane::Lower);
                return self.open_prompt(Purpose::Search);
            }
            Action::NextMatch | Action::PreviousMatch => {
                if !self.log.next_match(action == Action::NextMatch) {
                    self.notices.tell(Tone::Warning, "nothing found");
                }
            }
            Action::CycleLevel => self.log.cycle_level(),
            Action::ToggleWrap => self.log.toggle_wrap(),
            _ => {
                let line = self.log.cursor().and_then(|cursor| self.log.line(cursor));
                if let Some(line) = line {
                    return vec![Effect::Copy {
                        what: "log line",
                        text: line.message.clone(),
                    }];
                }
            }
        }
        vec![]
    }

    fn act_on_draft(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::EditField => self.edit_field(),
            Action::NextValue => self.editor.step(true),
            Action::PreviousValue => self.editor.step(false),
            Action::Undo | Action::Redo if self.editor.typing => {
                self.editor.undo_typing(action == Action::Undo)
            }
            Action::Undo | Action::Redo => {
                let catalog = self.catalog.clone();
                let find = |draft: &Draft| catalog.get(&draft.endpoint).cloned();
                self.editor.travel(action == Action::Undo, find)
            }
            Action::OpenEditor => {
                let text = self
                    .editor
                    .current()
                    .and_then(|field| Some((field.field.name.clone(), field.text()?.text())));
                match text {
                    Some((field, text)) => vec![Effect::OpenEditor { field, text }],
                    None => {
                        self.notices.tell(Tone::Warning, "this field takes no text");
                        vec![]
                    }
                }
            }
            Action::PickFile => {
                let mut effects = self.go_to(Pane::Request);
                effects.extend(self.editor.pick_file());
                effects
            }
            Action::ChooseEndpoint => self.open_endpoints(),
            Action::NewDraft => {
                let draft = defaults(&self.editor.endpoint);
                self.load_draft(draft)
            }
            Action::Complete => match self.editor.complete() {
                Some(effects) => effects,
                None => self.editor.move_on(true),
            },
            _ => self.editor.move_on(false),
        }
    }

    /// Goes to a pane; what was typed is kept.
    pub(super) fn go_to(&mut self, pane: Pane) -> Vec<Effect> {
        self.focus = pane;
        self.editor.stop_typing()
    }

    fn edit_field(&mut self) -> Vec<Effect> {
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
                .map_or_else(String::new, super::editor::field::FieldEditor::label);
            self.modals
                .push(Modal::Pick(Pick::new(title, entries, chosen)));
            return vec![];
        }
        self.editor.start_typing();
        vec![]
    }

    fn open_endpoints(&mut self) -> Vec<Effect> {
        let entries: Vec<_> = self
            .catalog
            .endpoints()
            .map(|endpoint| Entry {
                label: CleanText::line(endpoint.id.as_str()),
                aside: endpoint.title.clone(),
                chosen: Chosen::Endpoint(endpoint.id.clone()),
            })
            .collect();
        let chosen = self
            .catalog
            .endpoints()
            .position(|endpoint| endpoint.id == self.editor.endpoint.id)
            .unwrap_or(0);
        self.modals
            .push(Modal::Pick(Pick::new("Endpoint", entries, chosen)));
        vec![]
    }

    fn open_palette(&mut self) -> Vec<Effect> {
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
            .push(Modal::Pick(Pick::new("Commands", entries, 0)));
        vec![]
    }

    fn accept(&mut self) -> Vec<Effect> {
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
            Some(Modal::Help(_)) => {
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
            Chosen::Endpoint(id) => match self.catalog.get(&id).cloned() {
                Some(endpoint) => self.editor.switch(endpoint),
                None => vec![],
            },
            Chosen::Copy(what, text) => vec![Effect::Copy { what, text }],
        }
    }

    fn settle_question(&mut self, outcome: Outcome) -> Vec<Effect> {
        let release = |app: &mut Self, ids: &[JobId]| {
            for id in ids {
                app.jobs.release(id);
            }
        };
        match outcome {
            Outcome::Nothing => vec![],
            Outcome::Send(wish) => self.send(*wish),
            Outcome::Cancel(id) => vec![Effect::Cancel(id)],
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
            Outcome::Quit => vec![Effect::Quit],
        }
    }

    /// Leaves what is on top, one thing at a time.
    fn back(&mut self) -> Vec<Effect> {
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

    fn open_prompt(&mut self, purpose: Purpose) -> Vec<Effect> {
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

    fn prompt_changed(&mut self) {
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

    // ---- moving ----

    fn move_by(&mut self, rows: isize) -> Vec<Effect> {
        match self.modals.last_mut() {
            Some(Modal::Pick(pick)) => pick.step(rows),
            Some(Modal::Help(_)) => self.scroll_help(rows),
            Some(Modal::Ask(_)) => {}
            None => match self.focus {
                Pane::Request => {
                    let row = self.editor.selected.saturating_add_signed(rows);
                    self.editor.select(row);
                }
                Pane::Jobs => self.jobs.step(rows),
                Pane::Lower if self.detail_open => self.detail.scroll(rows),
                Pane::Lower => self.log.step(rows),
            },
        }
        vec![]
    }

    fn move_to_end(&mut self, bottom: bool) -> Vec<Effect> {
        let far = if bottom { isize::MAX } else { isize::MIN };
        match (self.modals.last_mut(), self.focus) {
            (Some(Modal::Help(_)), _) => self.scroll_help(far),
            (Some(Modal::Pick(pick)), _) => pick.step(far),
            (None, Pane::Jobs) => self.jobs.step(far),
            (None, Pane::Lower) if self.detail_open => self.detail.scroll(far),
            (None, Pane::Lower) if bottom => self.log.to_bottom(),
            (None, Pane::Lower) => self.log.to_top(),
            _ => {}
        }
        vec![]
    }

    fn half_page(&mut self, down: bool) -> Vec<Effect> {
        let signed = |rows: usize| {
            let rows = isize::try_from(rows.div_ceil(2)).unwrap_or(1);
            if down { rows } else { -rows }
        };
        match (self.modals.last_mut(), self.focus) {
            (Some(Modal::Help(_)), _) => {
                let rows = signed(self.help_height());
                self.scroll_help(rows);
            }
            (Some(Modal::Pick(pick)), _) => pick.step(signed(super::modal::PICK_ROWS)),
            (None, Pane::Jobs) => self.jobs.step(signed(self.jobs.height())),
            (None, Pane::Lower) if self.detail_open => self.detail.half_page(down),
            (None, Pane::Lower) => self.log.half_page(down),
            _ => {}
        }
        vec![]
    }

    /// Rows of the help in sight.
    pub(crate) fn help_height(&self) -> usize {
        usize::from(self.size.1.saturating_sub(6)).max(1)
    }

    fn scroll_help(&mut self, rows: isize) {
        let last = Help::rows(&self.commands)
            .len()
            .saturating_sub(self.help_height());
        if let Some(Modal::Help(help)) = self.modals.last_mut() {
            help.top = help.top.saturating_add_signed(rows).min(last);
        }
    }
}

#[cfg(test)]
mod tests;

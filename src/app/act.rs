//! What each action does.

use super::{
    App, Effect, Purpose,
    action::Action,
    effect::{DraftTask, Written},
    geometry::Pane,
    modal::{Help, Modal, PICK_ROWS},
    notice::Tone,
};
use crate::model::Draft;

impl App {
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
            Action::Sweep => self.open_sweep(),
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
            Action::MarkJob => {
                self.jobs.mark();
                vec![]
            }
            Action::CompareJobs => self.compare(),
            Action::FoldSweep => {
                self.jobs.fold();
                vec![]
            }
            Action::FilterJobs => self.open_prompt(Purpose::Filter),
            Action::ResumeOutbox => self.resume_outbox(),
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
            | Action::EditRaw
            | Action::PickFile
            | Action::FitFrames
            | Action::SplitScript
            | Action::NewSeed
            | Action::CopyDraft
            | Action::ChooseEndpoint
            | Action::OpenDrafts
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
                let effects = self.editor.travel(action == Action::Undo, find);
                self.find_origin();
                effects
            }
            Action::OpenEditor => {
                let text = self
                    .editor
                    .current()
                    .and_then(|field| Some((field.field.name.clone(), field.text()?.text())));
                if let Some((field, text)) = text {
                    let what = Written::Field(field);
                    return vec![Effect::OpenEditor { what, text }];
                }
                self.notices.tell(Tone::Warning, "this field takes no text");
                vec![]
            }
            Action::EditRaw => self.edit_raw(),
            Action::PickFile => self.pick_file(),
            Action::FitFrames => self.fit_frames(),
            Action::SplitScript => self.split_script(),
            Action::NewSeed => self.editor.new_seed(self.now),
            Action::CopyDraft => self.copy_draft_menu(),
            Action::ChooseEndpoint => self.open_endpoints(),
            Action::OpenDrafts => {
                self.editor.stop_typing();
                vec![Effect::Drafts(DraftTask::List)]
            }
            Action::NewDraft => self.new_draft(),
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

    // ---- moving ----

    fn move_by(&mut self, rows: isize) -> Vec<Effect> {
        match self.modals.last_mut() {
            Some(Modal::Pick(pick)) => pick.step(rows),
            Some(Modal::Files(pick)) => pick.step(rows),
            Some(Modal::Help(_)) => self.scroll_help(rows),
            Some(Modal::Diff(diff)) => diff.scroll(rows),
            Some(Modal::Sweep(form)) => form.step(rows),
            Some(Modal::Ask(_) | Modal::Line(_)) => {}
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
            (Some(Modal::Diff(diff)), _) => diff.scroll(far),
            (Some(Modal::Pick(pick)), _) => pick.step(far),
            (Some(Modal::Files(pick)), _) => pick.step(far),
            (None, Pane::Jobs) => self.jobs.step(far),
            (None, Pane::Lower) if self.detail_open => self.detail.scroll(far),
            (None, Pane::Lower) if bottom => self.log.go_to_bottom(),
            (None, Pane::Lower) => self.log.go_to_top(),
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
            (Some(Modal::Pick(pick)), _) => pick.step(signed(PICK_ROWS)),
            (Some(Modal::Files(pick)), _) => pick.step(signed(PICK_ROWS)),
            (Some(Modal::Diff(diff)), _) => diff.scroll(signed(PICK_ROWS)),
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

//! The dashboard's state: `Message` in, `Effect`s out, nothing else.
//!
//! Only [`App::update`] changes anything here. It never awaits, does no I/O and reads no clock; the time comes in
//! messages. The views read [`App`] and change nothing. Which part gets a key is decided here ([`App::contexts`]), never
//! by what was drawn.

pub mod action;
pub mod effect;
pub mod geometry;
pub mod message;
pub mod notice;
pub mod text;
pub mod wording;

mod act;
pub(crate) mod detail;
pub(crate) mod diff;
pub(crate) mod drafts;
pub(crate) mod editor;
mod endpoints;
pub(crate) mod files;
mod fuzzy;
pub(crate) mod jobs;
pub(crate) mod logs;
pub(crate) mod modal;
mod on_job;
mod overlay;
mod raw;
mod settle;
mod spending;
mod split;
mod submit;
pub(crate) mod sweep;
mod update;

use std::{sync::Arc, time::Duration};

use jiff::tz::TimeZone;

pub use self::{
    action::{Action, Command, Context},
    effect::Effect,
    message::Message,
};
use self::{
    detail::Detail,
    editor::{Editor, text_field::TextField},
    endpoints::Wanted,
    geometry::{Geometry, Pane},
    jobs::Jobs,
    logs::Log,
    modal::{Ask, Modal, Pick},
    notice::{Notices, Tone},
};
use crate::{
    catalog::{Catalog, Endpoint, Listed},
    model::{
        Budget, CleanText, Draft, ServerId, Timestamp, budget::Spent, draft::Slot,
        request::Confirm, speech::Verdict,
    },
};

/// How often the time is wanted while something on the screen counts.
const TICK: Duration = Duration::from_secs(1);

/// The server that a submit goes to, as the header shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerBadge {
    /// Its lasting name; that of the preview makes everything free.
    pub id: ServerId,
    /// What the header calls it, such as `fal.ai` or `local preview`.
    pub label: CleanText,
    /// What to do to get another one, such as `set FAL_KEY for fal.ai`; may be empty.
    pub hint: CleanText,
}

/// What the state begins with.
pub struct Setup {
    /// The endpoints.
    pub catalog: Arc<Catalog>,
    /// Where submits go.
    pub server: ServerBadge,
    /// Whether the preview engine can be started on request.
    pub preview_available: bool,
    /// What the editor holds first.
    pub draft: Draft,
    /// Where that is kept.
    pub slot: Slot,
    /// When to ask before sending.
    pub confirm: Confirm,
    /// What may be spent.
    pub budget: Budget,
    /// The time.
    pub now: Timestamp,
    /// Where the user is; times are shown as they are there.
    pub time_zone: TimeZone,
    /// Columns and rows; zero by zero means unknown.
    pub size: (u16, u16),
    /// All rows of the key table (`tui::keymap`), for help, hints and the palette.
    pub commands: Vec<Command>,
    /// What went wrong before the screen was there.
    pub notices: Vec<CleanText>,
}

/// Why nothing is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gate {
    #[default]
    Open,
    AccountLocked,
    KeyRefused,
}

/// A line that is being typed at the foot of a list.
pub(crate) struct Prompt {
    pub(crate) purpose: Purpose,
    pub(crate) text: TextField,
    /// What was there before, for `Esc`.
    before: String,
}

/// What a prompt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Filter,
    Search,
}

/// The whole state of the dashboard.
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of the user's and facts from outside, independent of each other"
)]
pub struct App {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) server: ServerBadge,
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    pub(crate) commands: Arc<[Command]>,
    preview_available: bool,
    confirm: Confirm,
    pub(crate) budget: Budget,
    size: (u16, u16),
    pub(crate) focus: Pane,
    pub(crate) zoomed: bool,
    /// Whether the lower pane shows the detail instead of the log.
    pub(crate) detail_open: bool,
    pub(crate) editor: Editor,
    pub(crate) jobs: Jobs,
    pub(crate) log: Log,
    pub(crate) detail: Detail,
    /// Whether the detail must be written anew.
    detail_stale: bool,
    pub(crate) modals: Vec<Modal>,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) notices: Notices,
    pub(crate) spent: Option<Spent>,
    pub(crate) reachable: bool,
    pub(crate) gate: Gate,
    /// The next `^C` quits.
    interrupted: bool,
    /// The draft that was handed over and not answered yet.
    sending: Option<Draft>,
    /// A submit that waits for the length of its script; whether it goes to the preview engine.
    waits_for_measure: Option<bool>,
    /// Questions that nobody asked for, until nothing else is being answered or typed.
    later: Vec<Ask>,
    /// The draft that the user was told is cut off; sent once more, it goes out.
    told_cut_off: Option<Draft>,
    /// What was typed for the last sweep, by field.
    sweep_typed: Vec<(String, String)>,
    /// The directory that a file was last picked from.
    last_dir: String,
    /// What the server lists beside the catalog.
    models: Vec<Listed>,
    /// What the endpoint is for that is being asked for.
    wanted: Option<Wanted>,
}

impl App {
    /// The state at the start, and what must be done first.
    ///
    /// A draft for an endpoint that is not in the catalog gives way to an empty one until the server has described it.
    #[must_use]
    pub fn new(setup: Setup) -> (Self, Vec<Effect>) {
        let known = setup.catalog.get(&setup.draft.endpoint);
        let endpoint = known.unwrap_or_else(|| setup.catalog.first()).clone();
        let (draft, unknown) = if known.is_some() {
            (setup.draft, None)
        } else {
            (defaults(&endpoint), Some(setup.draft))
        };
        let (mut editor, mut effects) = Editor::new(endpoint, &draft);
        editor.slot = setup.slot;
        let mut app = Self {
            catalog: setup.catalog,
            server: setup.server,
            zone: setup.time_zone,
            now: setup.now,
            commands: setup.commands.into(),
            preview_available: setup.preview_available,
            confirm: setup.confirm,
            budget: setup.budget,
            size: (0, 0),
            focus: Pane::Request,
            zoomed: false,
            detail_open: false,
            editor,
            jobs: Jobs::default(),
            log: Log::default(),
            detail: Detail::default(),
            detail_stale: false,
            modals: Vec::new(),
            prompt: None,
            notices: Notices::default(),
            spent: None,
            reachable: true,
            gate: Gate::default(),
            interrupted: false,
            sending: None,
            waits_for_measure: None,
            later: Vec::new(),
            told_cut_off: None,
            sweep_typed: Vec::new(),
            last_dir: String::new(),
            models: Vec::new(),
            wanted: None,
        };
        for notice in setup.notices {
            app.notices.warn(Tone::Warning, notice);
        }
        effects.extend([Effect::LoadSpent, Effect::LoadPrices]);
        effects.extend(match unknown {
            Some(draft) => app.want(Wanted::Load(Box::new(draft))),
            None => app.refresh_endpoint().into_iter().collect(),
        });
        effects.extend(app.update(Message::Resized {
            columns: setup.size.0,
            rows: setup.size.1,
        }));
        (app, effects)
    }

    /// The size that is drawn for: columns and rows, never zero.
    #[must_use]
    pub const fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Whether the terminal is too small for anything but a notice.
    #[must_use]
    pub const fn is_too_small(&self) -> bool {
        self.size.0 < geometry::LEAST.0 || self.size.1 < geometry::LEAST.1
    }

    /// Where the panes lie now.
    #[must_use]
    pub fn geometry(&self) -> Geometry {
        Geometry::of(self.size, self.focus, self.zoomed)
    }

    /// How often [`Message::Clock`] is wanted; never while nothing counts, so that idle is silent.
    #[must_use]
    pub const fn clock_interval(&self) -> Option<Duration> {
        if self.jobs.has_timers() {
            Some(TICK)
        } else {
            None
        }
    }

    /// Where a key counts now, the most particular context first.
    #[must_use]
    pub fn contexts(&self) -> &'static [Context] {
        let first = match self.modals.last() {
            Some(Modal::Ask(_)) => Context::Question,
            Some(Modal::Pick(_) | Modal::Files(_)) => Context::Menu,
            Some(Modal::Sweep(_)) => Context::Grid,
            Some(Modal::Line(_)) => Context::Prompt,
            Some(Modal::Help(_) | Modal::Diff(_)) => Context::Reader,
            None if self.prompt.is_some() => Context::Prompt,
            None => match self.focus {
                Pane::Request if self.editor.typing => Context::Typing,
                Pane::Request => Context::Form,
                Pane::Jobs => Context::Jobs,
                Pane::Lower if self.detail_open => Context::List,
                Pane::Lower => Context::Log,
            },
        };
        Context::STACKS
            .into_iter()
            .find(|stack| stack[0] == first)
            .expect("every first context leads a stack")
    }

    /// Whether `action` would do something now; hints and the palette leave the others out.
    #[must_use]
    pub fn is_available(&self, action: Action) -> bool {
        let job = self.jobs.selected();
        if let Some(group) = self.jobs.selected_group()
            && let Some(available) = self.is_available_for(action, &group)
        {
            return available;
        }
        match action {
            Action::OpenDetail => job.is_some() && !(self.detail_open && self.focus == Pane::Lower),
            Action::CopyFromJob | Action::ResubmitJob | Action::EditJob | Action::MarkJob => {
                job.is_some()
            }
            Action::CancelJob => job.is_some_and(|job| self.can_cancel(job)),
            Action::DownloadJob => job.is_some_and(on_job::can_download),
            Action::DeleteJob => job.is_some_and(on_job::can_delete),
            Action::SendHeld => {
                job.is_some_and(|job| self.jobs.is_held(&job.id) || self.waits_for_consent(job))
            }
            Action::SettleJob => job.is_some_and(on_job::is_unconfirmed),
            Action::CompareJobs => self.pair().is_some(),
            Action::NewSeed => self.editor.endpoint.seed_field().is_some(),
            Action::FoldSweep => job.is_some_and(|job| job.sweep.is_some()),
            Action::FilterJobs => self.jobs.len() > 0,
            Action::ResumeOutbox => self.gate != Gate::Open,
            Action::NextMatch | Action::PreviousMatch => !self.log.needle().is_empty(),
            Action::CopyLine | Action::SearchLog => self.log.rows_len() > 0,
            Action::TryInPreview => {
                // The preview engine has what is built in.
                self.preview_available
                    && !self.server.id.is_preview()
                    && self.editor.endpoint.built_in
            }
            Action::Undo => self.editor.can_undo(),
            Action::OpenEditor => self
                .editor
                .current()
                .is_some_and(|field| field.text().is_some()),
            Action::PickFile => self
                .editor
                .fields
                .iter()
                .any(editor::field::FieldEditor::is_file),
            Action::SplitScript => self.can_split(),
            Action::FitFrames => {
                self.editor.speech().is_some() && self.editor.verdict() != Some(Verdict::Fits)
            }
            Action::NextValue | Action::PreviousValue => self.editor.options().is_some(),
            Action::Back => {
                !self.modals.is_empty()
                    || self.prompt.is_some()
                    || self.notices.stays()
                    || self.zoomed
                    || self.detail_open
                    || !self.jobs.filter().is_empty()
                    || !self.log.needle().is_empty()
            }
            _ => true,
        }
    }

    /// The keys of `action`, as people write them.
    pub(crate) fn keys_of(&self, action: Action) -> &str {
        self.commands
            .iter()
            .find(|command| command.action == action)
            .map_or("", |command| command.keys.split(' ').next().unwrap_or(""))
    }

    /// The list on top, if one is.
    pub(crate) fn pick_mut(&mut self) -> Option<&mut Pick> {
        match self.modals.last_mut() {
            Some(Modal::Pick(pick)) => Some(pick),
            _ => None,
        }
    }
}

/// An empty draft for `endpoint`.
pub(crate) fn defaults(endpoint: &Endpoint) -> Draft {
    Draft {
        endpoint: endpoint.id.clone(),
        arguments: endpoint.defaults(),
        name: CleanText::default(),
        parent: None,
    }
}

#[cfg(test)]
pub(crate) mod testing;

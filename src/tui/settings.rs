//! What the dashboard is told before it starts.

use std::{env, io, path::Path};

use jiff::tz::TimeZone;

use super::{
    keymap::{self, Keymap},
    runtime::Services,
    theme::{self, Palette, Styles},
};
use crate::{
    app::{ServerBadge, Setup},
    model::{Budget, Draft, ServerId, Timestamp, draft::Slot, request::Confirm},
};

/// The dashboard cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured theme cannot be had.
    #[error(transparent)]
    Theme(#[from] theme::Error),
    /// The configured keys cannot be had.
    #[error(transparent)]
    Keys(#[from] keymap::Error),
    /// The terminal cannot be used.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// How it looks and which keys it has.
#[derive(Debug)]
pub struct Look {
    pub(super) keymap: Keymap,
    pub(super) styles: Styles,
}

impl Look {
    /// Loads the theme `theme` (a file in `themes` or a built-in one) and rebinds `keys`; without `color` only
    /// attributes tell things apart.
    ///
    /// # Errors
    /// When the theme or a key cannot be had.
    pub fn new(
        theme: &str,
        themes: &Path,
        keys: &[(String, String)],
        color: bool,
    ) -> Result<Self, Error> {
        let color_term = env::var("COLORTERM").ok();
        let palette = Palette::load(theme, themes, color_term.as_deref())?;
        Ok(Self {
            keymap: Keymap::with(keys)?,
            styles: Styles::new(&palette, color),
        })
    }
}

/// What the dashboard begins with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where submits go.
    pub server: ServerId,
    /// What the editor holds first.
    pub draft: Draft,
    /// Where that is kept.
    pub slot: Slot,
    /// When to ask before sending.
    pub confirm: Confirm,
    /// What may be spent.
    pub budget: Budget,
    /// Where the user is.
    pub time_zone: TimeZone,
}

impl Settings {
    pub(super) fn setup(self, look: &Look, services: &Services) -> Setup {
        let (label, hint) = if self.server.is_preview() {
            ("local preview", "set FAL_KEY for fal.ai")
        } else {
            (self.server.as_str(), "")
        };
        Setup {
            catalog: services.tracker.catalog(&self.server),
            server: ServerBadge {
                label: label.into(),
                hint: hint.into(),
                id: self.server.clone(),
            },
            preview_available: true,
            draft: self.draft,
            slot: self.slot,
            confirm: self.confirm,
            budget: self.budget,
            now: Timestamp::now(),
            time_zone: self.time_zone,
            size: (0, 0),
            commands: look.keymap.commands(),
            notices: Vec::new(),
        }
    }
}

//! One-line notices, and what they mean.

use std::collections::VecDeque;

use crate::model::CleanText;

/// What a piece of text means; the theme gives it a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing in particular.
    Plain,
    /// Secondary.
    Dim,
    /// A heading.
    Strong,
    /// Something is under way.
    Running,
    /// It worked.
    Done,
    /// It did not.
    Failed,
    /// To be looked at.
    Warning,
    /// Money.
    Money,
}

/// A line that tells what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it means.
    pub tone: Tone,
    /// The line.
    pub text: CleanText,
}

/// What is to be told: troubles stay until they are dismissed, the rest until the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notices {
    troubles: VecDeque<Notice>,
    passing: Option<Notice>,
}

/// Troubles that are kept; of more only the newest.
const MOST: usize = 20;

impl Notices {
    /// Tells something in passing.
    pub(crate) fn tell(&mut self, tone: Tone, text: impl Into<CleanText>) {
        self.passing = Some(Notice {
            tone,
            text: text.into(),
        });
    }

    /// Tells of a trouble. The same trouble twice is one.
    pub(crate) fn warn(&mut self, tone: Tone, text: impl Into<CleanText>) {
        let notice = Notice {
            tone,
            text: text.into(),
        };
        // News of a trouble are newer than what was told in passing.
        self.passing = None;
        self.troubles.retain(|known| *known != notice);
        self.troubles.push_back(notice);
        if self.troubles.len() > MOST {
            self.troubles.pop_front();
        }
    }

    /// What to show, and how many troubles wait behind it.
    ///
    /// What was just asked for is told first: it is gone with the next thing, the troubles are not.
    pub(crate) fn current(&self) -> Option<(&Notice, usize)> {
        match &self.passing {
            Some(passing) => Some((passing, self.troubles.len())),
            None => Some((self.troubles.back()?, self.troubles.len() - 1)),
        }
    }

    /// Whether the one that is shown stays until it is dismissed.
    pub(crate) fn stays(&self) -> bool {
        self.passing.is_none() && !self.troubles.is_empty()
    }

    /// Takes away what is told in passing.
    pub(crate) fn pass(&mut self) {
        self.passing = None;
    }

    /// Takes away what is shown; returns whether there was anything.
    pub(crate) fn dismiss(&mut self) -> bool {
        self.passing.take().is_some() || self.troubles.pop_back().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(notices: &Notices) -> Option<(&str, usize)> {
        notices
            .current()
            .map(|(notice, more)| (notice.text.as_str(), more))
    }

    #[test]
    fn troubles_stay_until_they_are_dismissed_one_by_one() {
        let mut notices = Notices::default();
        notices.warn(Tone::Failed, "first");
        notices.warn(Tone::Failed, "second");
        notices.tell(Tone::Done, "copied");
        assert_eq!(shown(&notices), Some(("copied", 2)));
        notices.pass();
        assert_eq!(shown(&notices), Some(("second", 1)));
        assert!(notices.dismiss());
        assert_eq!(shown(&notices), Some(("first", 0)));
        assert!(notices.dismiss());
        assert!(!notices.dismiss());
    }

    #[test]
    fn a_trouble_is_told_before_what_was_told_in_passing() {
        let mut notices = Notices::default();
        notices.tell(Tone::Done, "saved");
        notices.warn(Tone::Failed, "the disk is full");
        assert_eq!(shown(&notices), Some(("the disk is full", 0)));
    }

    #[test]
    fn the_same_trouble_again_is_not_told_twice() {
        let mut notices = Notices::default();
        for _ in 0..3 {
            notices.warn(Tone::Warning, "no connection");
        }
        assert_eq!(shown(&notices), Some(("no connection", 0)));
    }
}

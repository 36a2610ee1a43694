//! What may lie over the panes: questions, lists, help. They form a stack; only the top one gets keys.

use super::{
    action::{Action, Command, Context},
    diff::Diff,
    drafts::{LineForm, LinePurpose},
    editor::text_field::TextField,
    files::FilePick,
    fuzzy::Fuzzy,
    notice::Tone,
    sweep::SweepForm,
};
use crate::model::{CleanText, Draft, EndpointId, JobId, RequestId, draft::Slot, request::Wish};

/// One thing over the panes.
pub(crate) enum Modal {
    /// A question with answers.
    Ask(Ask),
    /// A list to choose from.
    Pick(Box<Pick>),
    /// Values for several jobs.
    Sweep(Box<SweepForm>),
    /// What differs between two jobs.
    Diff(Box<Diff>),
    /// A file to choose.
    Files(Box<FilePick>),
    /// A line that is asked for.
    Line(Box<LineForm>),
    /// All keys.
    Help(Help),
}

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ask {
    pub(crate) title: CleanText,
    pub(crate) lines: Vec<(Tone, CleanText)>,
    pub(crate) answers: Vec<Answer>,
    /// The answer that `Enter` gives.
    pub(crate) selected: usize,
    /// It came up by itself, maybe under typing hands: letters answer nothing.
    pub(crate) is_unasked: bool,
}

/// One answer of a question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// The letter that gives it at once.
    pub(crate) key: char,
    pub(crate) label: &'static str,
    pub(crate) outcome: Outcome,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Nothing,
    Send(Vec<Wish>),
    Cancel(Vec<JobId>),
    Delete(JobId),
    SendHeld(Vec<JobId>),
    DropHeld(Vec<JobId>),
    Replace(Box<Draft>),
    DropDraft(Slot),
    Agree(JobId),
    NotSent(JobId),
    Show(JobId),
    Resume,
    Quit,
}

impl Ask {
    /// A question that is answered with `yes`, or with nothing.
    pub(crate) fn yes_or_no(
        title: impl Into<CleanText>,
        lines: Vec<(Tone, CleanText)>,
        yes: Answer,
        no: &'static str,
    ) -> Self {
        let no = Answer {
            key: 'n',
            label: no,
            outcome: Outcome::Nothing,
        };
        Self {
            title: title.into(),
            lines,
            answers: vec![yes, no],
            selected: 0,
            is_unasked: false,
        }
    }

    pub(crate) fn step(&mut self, forward: bool) {
        let count = self.answers.len();
        self.selected = (self.selected + if forward { 1 } else { count - 1 }) % count;
    }

    /// The answer that the letter gives.
    pub(crate) fn by_letter(&self, letter: char) -> Option<&Answer> {
        self.answers
            .iter()
            .find(|answer| !self.is_unasked && answer.key == letter)
    }
}

/// A list that narrows while typing.
pub(crate) struct Pick {
    pub(crate) title: CleanText,
    pub(crate) filter: TextField,
    pub(crate) entries: Vec<Entry>,
    /// The entries that contain the filter's text.
    pub(crate) shown: Vec<usize>,
    /// The place among `shown`.
    pub(crate) selected: usize,
    /// The first place in sight.
    pub(crate) top: usize,
    /// Of a list of endpoints: how they are searched, and whether the last entry is the id that was typed.
    fuzzy: Option<Box<Fuzzy>>,
    has_typed: bool,
}

/// One row of a list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) label: CleanText,
    /// Stands at the right, dim: a key, a hint.
    pub(crate) aside: CleanText,
    pub(crate) chosen: Chosen,
}

/// What choosing an entry does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Chosen {
    Act(Action),
    Option(usize),
    Endpoint(EndpointId),
    Copy(&'static str, CleanText),
    Confirm(JobId, RequestId),
    AskNotSent(JobId),
    OpenDraft(Slot, Box<Draft>),
    DropDraft(Slot),
    AskLine(LinePurpose),
    Nothing,
}

/// Rows of a list in sight.
pub(crate) const PICK_ROWS: usize = 12;

impl Pick {
    pub(crate) fn new(title: impl Into<CleanText>, entries: Vec<Entry>, selected: usize) -> Self {
        let mut pick = Self {
            title: title.into(),
            filter: TextField::new("", false),
            shown: (0..entries.len()).collect(),
            entries,
            selected,
            top: 0,
            fuzzy: None,
            has_typed: false,
        };
        pick.keep_in_sight();
        pick
    }

    /// A list of endpoints: letters narrow it wherever they stand, and an id that is not on it can be typed.
    pub(crate) fn of_endpoints(entries: Vec<Entry>, selected: usize) -> Self {
        let fuzzy = Fuzzy::new(entries.iter().map(searched));
        Self {
            fuzzy: Some(Box::new(fuzzy)),
            ..Self::new("Endpoint", entries, selected)
        }
    }

    pub(crate) const fn is_of_endpoints(&self) -> bool {
        self.fuzzy.is_some()
    }

    /// Puts other endpoints in; what is selected stays so where it is among them.
    pub(crate) fn renew(&mut self, entries: Vec<Entry>) {
        let chosen = self.current().map(|entry| entry.chosen.clone());
        self.fuzzy = Some(Box::new(Fuzzy::new(entries.iter().map(searched))));
        self.entries = entries;
        self.has_typed = false;
        self.narrow();
        let place = self
            .shown
            .iter()
            .position(|&at| Some(&self.entries[at].chosen) == chosen.as_ref());
        self.selected = place.unwrap_or(0);
        self.keep_in_sight();
    }

    fn search(&mut self) {
        let filter = self.filter.text();
        if std::mem::take(&mut self.has_typed) {
            self.entries.pop();
        }
        if let Some(fuzzy) = &mut self.fuzzy {
            self.shown = fuzzy.search(&filter);
        }
        let Ok(id) = filter.parse::<EndpointId>() else {
            return;
        };
        let chosen = Chosen::Endpoint(id);
        if self.entries.iter().all(|entry| entry.chosen != chosen) {
            self.shown.push(self.entries.len());
            self.entries.push(Entry {
                label: filter.trim().into(),
                aside: "use this id".into(),
                chosen,
            });
            self.has_typed = true;
        }
    }

    /// The filter's text has changed. Words may come in any order.
    pub(crate) fn narrow(&mut self) {
        if self.is_of_endpoints() {
            self.search();
            self.selected = 0;
            self.keep_in_sight();
            return;
        }
        let filter = self.filter.text().to_lowercase();
        let fits = |entry: &Entry| {
            let label = entry.label.as_str().to_lowercase();
            filter.split_whitespace().all(|word| label.contains(word))
        };
        self.shown = (0..self.entries.len())
            .filter(|&at| fits(&self.entries[at]))
            .collect();
        // What begins with the filter is what was meant.
        self.shown.sort_by_key(|&at| {
            !self.entries[at]
                .label
                .as_str()
                .to_lowercase()
                .starts_with(filter.trim())
        });
        self.selected = 0;
        self.keep_in_sight();
    }

    pub(crate) fn current(&self) -> Option<&Entry> {
        self.entries.get(*self.shown.get(self.selected)?)
    }

    pub(crate) fn step(&mut self, by: isize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.selected.saturating_add_signed(by).min(last);
        self.keep_in_sight();
    }

    fn keep_in_sight(&mut self) {
        self.top = self
            .top
            .min(self.selected)
            .max((self.selected + 1).saturating_sub(PICK_ROWS));
    }
}

/// What is searched of an endpoint.
fn searched(entry: &Entry) -> String {
    format!("{} {}", entry.label, entry.aside)
}

/// All keys, by context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Help {
    pub(crate) top: usize,
}

/// A line of the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HelpRow<'a> {
    Heading(&'static str),
    Key(&'a Command),
    Space,
}

impl Help {
    /// The lines of the help: a heading for each context that has keys, then its keys.
    pub(crate) fn rows(commands: &[Command]) -> Vec<HelpRow<'_>> {
        let mut rows = Vec::new();
        for context in Context::ALL {
            let mut of_context = commands
                .iter()
                .filter(|command| command.context == context && !command.keys.is_empty())
                .peekable();
            if of_context.peek().is_none() {
                continue;
            }
            if !rows.is_empty() {
                rows.push(HelpRow::Space);
            }
            rows.push(HelpRow::Heading(context.title()));
            rows.extend(of_context.map(HelpRow::Key));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(labels: &[&str]) -> Pick {
        let entries = labels
            .iter()
            .enumerate()
            .map(|(at, label)| Entry {
                label: (*label).into(),
                aside: CleanText::default(),
                chosen: Chosen::Option(at),
            })
            .collect();
        Pick::new("Voice", entries, 0)
    }

    fn shown(pick: &Pick) -> Vec<&str> {
        pick.shown
            .iter()
            .map(|&at| pick.entries[at].label.as_str())
            .collect()
    }

    #[test]
    fn a_list_narrows_to_what_contains_every_word_and_puts_beginnings_first() {
        let mut pick = pick(&["cancel the job", "edit the job", "job list: filter"]);
        pick.filter.paste("JOB");
        pick.narrow();
        assert_eq!(
            shown(&pick),
            ["job list: filter", "cancel the job", "edit the job"]
        );
        pick.filter.replace("job edit");
        pick.narrow();
        assert_eq!(shown(&pick), ["edit the job"]);
        pick.filter.replace("nothing");
        pick.narrow();
        assert_eq!(pick.current(), None);
    }

    #[test]
    fn the_selected_row_stays_in_sight() {
        let labels: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        let mut pick = pick(&labels.iter().map(String::as_str).collect::<Vec<_>>());
        pick.step(100);
        assert_eq!((pick.selected, pick.top), (29, 18));
        pick.step(-20);
        assert_eq!((pick.selected, pick.top), (9, 9));
    }
}

//! The log of the selected job: the newest lines in a ring, wrapped, filtered and searched as they come.

use std::{collections::VecDeque, ops::Range};

use super::{Effect, text};
use crate::model::{JobId, Level, LogLine};

mod moving;

/// Lines that the screen keeps; the store has them all.
pub(crate) const CAP: usize = 10_000;

/// Lines that are asked for at once.
const BATCH: usize = 1_000;

/// Columns before a message: time, gap, level, gap.
pub(crate) const PREFIX: usize = 16;

/// Which levels are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Show {
    #[default]
    All,
    NoDebug,
    Warnings,
    Errors,
}

impl Show {
    const fn next(self) -> Self {
        match self {
            Self::All => Self::NoDebug,
            Self::NoDebug => Self::Warnings,
            Self::Warnings => Self::Errors,
            Self::Errors => Self::All,
        }
    }

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::All => "all levels",
            Self::NoDebug => "no debug",
            Self::Warnings => "warnings",
            Self::Errors => "errors",
        }
    }

    const fn shows(self, level: Level) -> bool {
        match self {
            Self::All => true,
            Self::NoDebug => !matches!(level, Level::Debug),
            Self::Warnings => matches!(level, Level::Warn | Level::Error),
            Self::Errors => matches!(level, Level::Error),
        }
    }
}

/// A row of the pane: a part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogRow {
    /// The number of the line.
    pub(crate) line: u64,
    /// The part of its message.
    pub(crate) bytes: Range<usize>,
}

/// The log pane.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "switches of the user's and facts about the answers, independent of each other"
)]
pub(crate) struct Log {
    id: Option<JobId>,
    /// The number of the first line that is kept.
    first: u64,
    lines: VecDeque<LogLine>,
    /// Lines in the store, as far as is known.
    total: u64,
    /// Whether an answer is awaited, perhaps still one about another job: there is never more than one question out.
    asking: bool,
    /// Whether the last answer had no line that was missing.
    asked_in_vain: bool,
    /// Whether the first answer came.
    loaded: bool,
    rows: VecDeque<LogRow>,
    width: usize,
    height: usize,
    pub(crate) top: usize,
    pub(crate) follow: bool,
    pub(crate) wraps: bool,
    pub(crate) show: Show,
    /// The line that the user is at.
    cursor: Option<u64>,
    /// Rows' lines that came since following stopped.
    pub(crate) unseen: usize,
    needle: String,
    /// The numbers of the lines that contain the needle, rising.
    matches: VecDeque<u64>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            id: None,
            first: 0,
            lines: VecDeque::new(),
            total: 0,
            asking: false,
            asked_in_vain: false,
            loaded: false,
            rows: VecDeque::new(),
            width: 60,
            height: 1,
            top: 0,
            follow: true,
            wraps: true,
            show: Show::All,
            cursor: None,
            unseen: 0,
            needle: String::new(),
            matches: VecDeque::new(),
        }
    }
}

impl Log {
    pub(crate) const fn id(&self) -> Option<&JobId> {
        self.id.as_ref()
    }

    pub(crate) const fn total(&self) -> u64 {
        self.total
    }

    pub(crate) const fn is_loaded(&self) -> bool {
        self.loaded
    }

    pub(crate) fn rows_in_sight(&self) -> impl Iterator<Item = (&LogRow, &LogLine)> {
        self.rows
            .iter()
            .skip(self.top)
            .take(self.height)
            .filter_map(|row| Some((row, self.line(row.line)?)))
    }

    pub(crate) fn line(&self, number: u64) -> Option<&LogLine> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.lines.get(at)
    }

    pub(crate) fn rows_len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn needle(&self) -> &str {
        &self.needle
    }

    /// Which of the matches the cursor is at, from 1, and how many there are.
    pub(crate) fn match_position(&self) -> (usize, usize) {
        let at = self
            .cursor
            .and_then(|cursor| self.matches.binary_search(&cursor).ok())
            .map_or(0, |at| at + 1);
        (at, self.matches.len())
    }

    /// The line that the user is at; the last one while following.
    pub(crate) fn cursor(&self) -> Option<u64> {
        if self.follow {
            return self.rows.back().map(|row| row.line);
        }
        self.cursor
    }

    // ---- what the store says ----

    /// Turns to another job's log.
    pub(crate) fn turn_to(&mut self, id: Option<JobId>) -> Vec<Effect> {
        if self.id == id {
            return vec![];
        }
        *self = Self {
            width: self.width,
            height: self.height,
            wraps: self.wraps,
            show: self.show,
            asking: self.asking,
            id,
            ..Self::default()
        };
        if self.asking { vec![] } else { self.ask(None) }
    }

    /// The question that was out will not be answered.
    pub(crate) fn not_answered(&mut self) {
        self.asking = false;
    }

    fn ask(&mut self, from: Option<u64>) -> Vec<Effect> {
        let Some(id) = self.id.clone() else {
            return vec![];
        };
        self.asking = true;
        let limit = if from.is_some() { BATCH } else { CAP };
        vec![Effect::LoadLogs { id, from, limit }]
    }

    fn end(&self) -> u64 {
        self.first + self.lines.len() as u64
    }

    /// The store has more lines.
    pub(crate) fn grown(&mut self, id: &JobId, count: u64) -> Vec<Effect> {
        if self.id.as_ref() != Some(id) {
            return vec![];
        }
        self.total = self.total.max(count);
        self.go_on()
    }

    /// Asks for what is missing, once at a time.
    fn go_on(&mut self) -> Vec<Effect> {
        if self.asking || self.total <= self.end() {
            return vec![];
        }
        // Far behind: only the newest lines would be kept anyway.
        let behind = self.total - self.end();
        self.ask((behind <= CAP as u64 && self.loaded).then_some(self.end()))
    }

    /// Lines came.
    pub(crate) fn loaded(
        &mut self,
        id: &JobId,
        from: u64,
        lines: Vec<LogLine>,
        total: u64,
    ) -> Vec<Effect> {
        self.asking = false;
        if self.id.as_ref() != Some(id) {
            // The user has gone on to another job meanwhile.
            return self.ask(None);
        }
        self.total = self.total.max(total);
        if from > self.end() || !self.loaded {
            // A gap: what is before it would look as if nothing was missing.
            self.lines.clear();
            self.first = from;
            self.rows.clear();
            self.matches.clear();
            self.top = 0;
        }
        self.loaded = true;
        let known = usize::try_from(self.end() - from).unwrap_or(usize::MAX);
        let has_news = lines.len() > known;
        for line in lines.into_iter().skip(known) {
            self.push(line);
        }
        self.settle();
        if has_news {
            self.asked_in_vain = false;
        } else if self.asked_in_vain {
            // The store has no more, whatever was told: asking on would never end.
            self.total = total;
        } else {
            // The answer may be older than the news of more lines.
            self.asked_in_vain = self.total > self.end();
        }
        self.go_on()
    }

    fn push(&mut self, line: LogLine) {
        if self.lines.len() == CAP {
            self.lines.pop_front();
            self.first += 1;
            while self.rows.front().is_some_and(|row| row.line < self.first) {
                self.rows.pop_front();
                self.top = self.top.saturating_sub(1);
            }
            while self.matches.front().is_some_and(|&line| line < self.first) {
                self.matches.pop_front();
            }
        }
        let number = self.end();
        self.lines.push_back(line);
        let shown = self.lay_out(number);
        if shown && !self.follow {
            self.unseen += 1;
        }
    }

    /// Makes the rows of a line, if its level is shown.
    fn lay_out(&mut self, number: u64) -> bool {
        let Some(line) = self.line(number) else {
            return false;
        };
        if !self.show.shows(line.level) {
            return false;
        }
        let message = line.message.as_str();
        let matches = !text::find_all(message, &self.needle).is_empty();
        if self.wraps {
            let width = self.width.saturating_sub(PREFIX).max(8);
            let rows = text::wrap(message, width);
            self.rows.extend(rows.into_iter().map(|bytes| LogRow {
                line: number,
                bytes,
            }));
        } else {
            let bytes = 0..message.len();
            self.rows.push_back(LogRow {
                line: number,
                bytes,
            });
        }
        if matches {
            self.matches.push_back(number);
        }
        true
    }

    /// Makes all rows anew, the line at the top staying there.
    fn lay_out_all(&mut self) {
        let at_top = self.rows.get(self.top).map(|row| row.line);
        self.rows.clear();
        self.matches.clear();
        for number in self.first..self.end() {
            self.lay_out(number);
        }
        if let Some(line) = at_top {
            self.top = self.first_row(line);
        }
        if let Some(cursor) = self.cursor {
            let row = self.first_row(cursor);
            self.cursor = self.rows.get(row).or(self.rows.back()).map(|row| row.line);
        }
        self.settle();
    }

    /// The first row of `line`, or of the next line that is shown.
    fn first_row(&self, line: u64) -> usize {
        self.rows.partition_point(|row| row.line < line)
    }

    /// Keeps the window inside the rows, and at their end while following.
    fn settle(&mut self) {
        let last = self.rows.len().saturating_sub(self.height);
        self.top = if self.follow {
            last
        } else {
            self.top.min(last)
        };
        if let Some(cursor) = self.cursor {
            self.cursor = Some(cursor.max(self.first));
        }
    }
}

#[cfg(test)]
mod tests;

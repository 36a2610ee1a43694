//! Moving about in the log, and searching it.

use std::collections::VecDeque;

use super::Log;
use crate::app::text;

impl Log {
    pub(crate) fn resize(&mut self, width: usize, height: usize) {
        if self.width != width {
            self.width = width;
            self.height = height;
            self.lay_out_all();
        } else if self.height != height {
            self.height = height;
            self.settle();
            if !self.follow {
                self.show_cursor();
            }
        }
    }

    pub(crate) fn toggle_follow(&mut self) {
        if self.follow {
            self.stop_following();
        } else {
            self.follow();
        }
    }

    fn follow(&mut self) {
        self.follow = true;
        self.unseen = 0;
        self.cursor = None;
        self.settle();
    }

    fn stop_following(&mut self) {
        if self.follow {
            self.cursor = self.cursor();
            self.follow = false;
            self.unseen = 0;
        }
    }

    pub(crate) fn toggle_wrap(&mut self) {
        self.wraps = !self.wraps;
        self.lay_out_all();
    }

    pub(crate) fn cycle_level(&mut self) {
        self.show = self.show.next();
        self.lay_out_all();
    }

    /// Moves by lines: down is positive.
    pub(crate) fn step(&mut self, lines: isize) {
        if self.follow && lines > 0 {
            return;
        }
        self.stop_following();
        let Some(cursor) = self.cursor else { return };
        let row = self.first_row(cursor);
        let mut at = row;
        for _ in 0..lines.unsigned_abs() {
            let next = if lines > 0 {
                let line = self.rows.get(at).map_or(u64::MAX, |row| row.line);
                self.first_row(line.saturating_add(1))
            } else {
                match at.checked_sub(1).and_then(|before| self.rows.get(before)) {
                    Some(before) => self.first_row(before.line),
                    None => at,
                }
            };
            if next >= self.rows.len() {
                break;
            }
            at = next;
        }
        self.cursor = self.rows.get(at).map(|row| row.line);
        self.show_cursor();
    }

    pub(crate) fn half_page(&mut self, down: bool) {
        let lines = isize::try_from(self.height.div_ceil(2)).unwrap_or(1);
        self.step(if down { lines } else { -lines });
    }

    pub(crate) fn go_to_top(&mut self) {
        self.stop_following();
        self.cursor = self.rows.front().map(|row| row.line);
        self.show_cursor();
    }

    pub(crate) fn go_to_bottom(&mut self) {
        self.follow();
    }

    fn show_cursor(&mut self) {
        let Some(cursor) = self.cursor else { return };
        let first = self.first_row(cursor);
        let end = self.first_row(cursor + 1).max(first + 1);
        self.top = self.top.max(end.saturating_sub(self.height)).min(first);
        self.settle();
        if end == self.rows.len() {
            self.unseen = 0;
        }
    }

    /// Looks for `needle` from the line the user is at, upwards while following. Empty ends the search.
    pub(crate) fn search(&mut self, needle: &str) {
        if self.needle == needle {
            return;
        }
        needle.clone_into(&mut self.needle);
        self.matches = if needle.is_empty() {
            VecDeque::new()
        } else {
            let mut numbers: Vec<u64> = self.rows.iter().map(|row| row.line).collect();
            numbers.dedup();
            numbers
                .into_iter()
                .filter(|&number| {
                    self.line(number).is_some_and(|line| {
                        !text::find_all(line.message.as_str(), needle).is_empty()
                    })
                })
                .collect()
        };
    }

    /// Goes to the next match or the one before, around the end; returns whether there is any.
    pub(crate) fn next_match(&mut self, forward: bool) -> bool {
        let Some(cursor) = self.cursor() else {
            return false;
        };
        let after = self.matches.partition_point(|&line| line <= cursor);
        let before = self.matches.partition_point(|&line| line < cursor);
        let found = if forward {
            self.matches.get(after).or(self.matches.front())
        } else {
            before
                .checked_sub(1)
                .and_then(|at| self.matches.get(at))
                .or(self.matches.back())
        };
        let Some(&found) = found else { return false };
        self.stop_following();
        self.cursor = Some(found);
        self.show_cursor();
        true
    }

    /// Goes to the match that is nearest to where the user is: the one at or before it, else the next.
    pub(crate) fn nearest_match(&mut self) -> bool {
        let at_one = self
            .cursor()
            .is_some_and(|cursor| self.matches.binary_search(&cursor).is_ok());
        if at_one {
            self.stop_following();
            self.show_cursor();
            return true;
        }
        self.next_match(false)
    }
}

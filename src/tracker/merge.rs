//! Puts the pieces of a log together: nothing lost, nothing twice.
//!
//! A poll brings the whole log or a moving window of it, the stream what is new, and a new stream may begin with what
//! an old one has brought. A line has no number, so lines are counted: what a source has shown n times by now must be
//! there n times.

use std::collections::HashMap;

use crate::model::LogLine;

#[derive(Default)]
pub(super) struct Merge {
    /// How often each line is in the store, or about to be.
    known: HashMap<LogLine, u32>,
    /// How often each line came over the present stream.
    of_stream: HashMap<LogLine, u32>,
    /// All that came over the present stream, in order.
    stream: Vec<LogLine>,
}

impl Merge {
    /// A merge that continues `stored`.
    pub(super) fn new(stored: Vec<LogLine>) -> Self {
        let mut merge = Self::default();
        for line in stored {
            *merge.known.entry(line).or_default() += 1;
        }
        merge
    }

    /// What is new in the lines of a poll, in their order.
    pub(super) fn polled(&mut self, lines: Vec<LogLine>) -> Vec<LogLine> {
        let mut seen = HashMap::new();
        self.fresh(lines, &mut seen)
    }

    /// A new stream has begun.
    pub(super) fn reconnected(&mut self) {
        self.of_stream.clear();
        self.stream.clear();
    }

    /// What is new in the lines of one event of the stream, in their order.
    pub(super) fn streamed(&mut self, lines: Vec<LogLine>) -> Vec<LogLine> {
        // fal's stream brings what is new (fal-js, `queue.ts`, appends it), but no text of fal's promises it: an event
        // that begins with everything before it is the whole log once more.
        let is_whole =
            lines.len() > 1 && !self.stream.is_empty() && lines.starts_with(&self.stream);
        if is_whole {
            self.reconnected();
        }
        self.stream.extend_from_slice(&lines);
        let mut seen = std::mem::take(&mut self.of_stream);
        let fresh = self.fresh(lines, &mut seen);
        self.of_stream = seen;
        fresh
    }

    fn fresh(&mut self, lines: Vec<LogLine>, seen: &mut HashMap<LogLine, u32>) -> Vec<LogLine> {
        let mut fresh = Vec::new();
        for line in lines {
            let shown = seen.entry(line.clone()).or_default();
            *shown += 1;
            let known = self.known.entry(line.clone()).or_default();
            if *shown > *known {
                *known = *shown;
                fresh.push(line);
            }
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Level, Timestamp};

    /// `a1` is text `a` at second 1.
    fn lines(names: &str) -> Vec<LogLine> {
        names
            .split_whitespace()
            .map(|name| {
                let second = name[1..].parse().unwrap();
                LogLine::new(
                    Timestamp::from_second(second).unwrap(),
                    Level::Info,
                    &name[..1],
                )
            })
            .collect()
    }

    #[test]
    fn a_growing_poll_adds_what_is_new() {
        let mut merge = Merge::default();
        assert_eq!(merge.polled(lines("a1 b2")), lines("a1 b2"));
        assert_eq!(merge.polled(lines("a1 b2 c3")), lines("c3"));
        assert_eq!(merge.polled(lines("a1 b2 c3")), []);
        assert_eq!(merge.polled(Vec::new()), []);
    }

    #[test]
    fn a_moving_window_adds_what_is_new() {
        let mut merge = Merge::default();
        merge.polled(lines("a1 b2 c3"));
        assert_eq!(merge.polled(lines("b2 c3 d4 e5")), lines("d4 e5"));
        assert_eq!(merge.polled(lines("f6")), lines("f6"));
    }

    #[test]
    fn the_same_text_twice_at_one_time_stays_twice() {
        let mut merge = Merge::default();
        assert_eq!(merge.polled(lines("a1 a1")), lines("a1 a1"));
        assert_eq!(merge.polled(lines("a1 a1 a1")), lines("a1"));
        let mut merge = Merge::default();
        assert_eq!(merge.streamed(lines("a1")), lines("a1"));
        assert_eq!(merge.streamed(lines("a1")), lines("a1"));
        assert_eq!(merge.polled(lines("a1 a1")), []);
    }

    #[test]
    fn a_reordered_poll_with_an_older_line_adds_only_that() {
        let mut merge = Merge::default();
        merge.polled(lines("a1 c3"));
        assert_eq!(merge.polled(lines("c3 b2 a1")), lines("b2"));
    }

    #[test]
    fn polling_and_streaming_in_turn_lose_nothing_and_repeat_nothing() {
        let mut merge = Merge::default();
        assert_eq!(merge.streamed(lines("a1")), lines("a1"));
        assert_eq!(merge.streamed(lines("b2 b2")), lines("b2 b2"));
        assert_eq!(merge.polled(lines("a1 b2 b2 c3")), lines("c3"));
        merge.reconnected();
        // The new stream begins with the state so far.
        assert_eq!(merge.streamed(lines("a1 b2 b2 c3")), []);
        assert_eq!(merge.streamed(lines("d4")), lines("d4"));
        merge.reconnected();
        // Or with what is new since.
        assert_eq!(merge.streamed(lines("e5")), lines("e5"));
        assert_eq!(merge.polled(lines("a1 b2 b2 c3 d4 e5")), []);
    }

    #[test]
    fn a_stream_that_repeats_the_whole_log_adds_what_is_new() {
        let mut merge = Merge::default();
        assert_eq!(merge.streamed(lines("a1")), lines("a1"));
        assert_eq!(merge.streamed(lines("a1 b2")), lines("b2"));
        assert_eq!(merge.streamed(lines("a1 b2")), []);
        assert_eq!(merge.streamed(lines("a1 b2 c3")), lines("c3"));
    }

    #[test]
    fn a_restart_continues_with_what_is_stored() {
        let mut merge = Merge::new(lines("a1 a1 b2"));
        assert_eq!(merge.polled(lines("a1 a1 b2 c3")), lines("c3"));
        assert_eq!(merge.streamed(lines("a1 a1 a1")), lines("a1"));
    }
}

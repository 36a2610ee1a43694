//! Puts the pieces of a log together: nothing lost, nothing twice.
//!
//! A poll brings the whole log or a moving window of it, the stream what is new, and a new stream may begin with what
//! an old one has brought. A line has no number, so lines are counted: what a source has shown n times by now must be
//! there n times.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use crate::model::{LogLine, log_line::MOST_LINES};

/// Stands for a line: logs are long, and nobody who does not know the seed can make two lines equal.
type Hash = u64;

#[derive(Default)]
pub(super) struct Merge {
    seed: RandomState,
    /// How often each line is in the store, or about to be.
    known: HashMap<Hash, u32>,
    /// All lines in the store, or about to be.
    count: usize,
    /// How often each line came over the present stream.
    of_stream: HashMap<Hash, u32>,
    /// All that came over the present stream, in order.
    stream: Vec<Hash>,
}

impl Merge {
    /// Goes on after `lines`, which are stored.
    pub(super) fn stored(&mut self, lines: &[LogLine]) {
        for line in lines {
            let hash = self.seed.hash_one(line);
            *self.known.entry(hash).or_default() += 1;
        }
        self.count += lines.len();
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
        let hashes: Vec<_> = lines.iter().map(|line| self.seed.hash_one(line)).collect();
        let is_whole =
            hashes.len() > 1 && !self.stream.is_empty() && hashes.starts_with(&self.stream);
        if is_whole {
            self.reconnected();
        }
        let room = MOST_LINES.saturating_sub(self.stream.len());
        self.stream.extend(hashes.into_iter().take(room));
        let mut seen = std::mem::take(&mut self.of_stream);
        let fresh = self.fresh(lines, &mut seen);
        self.of_stream = seen;
        fresh
    }

    fn fresh(&mut self, lines: Vec<LogLine>, seen: &mut HashMap<Hash, u32>) -> Vec<LogLine> {
        let mut fresh = Vec::new();
        for line in lines {
            // The store has no room for more, so nothing more need be told apart.
            if self.count >= MOST_LINES {
                break;
            }
            let hash = self.seed.hash_one(&line);
            let shown = seen.entry(hash).or_default();
            *shown += 1;
            let known = self.known.entry(hash).or_default();
            if *shown > *known {
                *known = *shown;
                self.count += 1;
                fresh.push(line);
            }
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use proptest::{
        prelude::*,
        test_runner::{Config, TestRunner},
    };

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
        let mut merge = Merge::default();
        merge.stored(&lines("a1 a1 b2"));
        assert_eq!(merge.polled(lines("a1 a1 b2 c3")), lines("c3"));
        assert_eq!(merge.streamed(lines("a1 a1 a1")), lines("a1"));
    }

    /// What a server does with its log while it is followed.
    #[derive(Clone, Debug)]
    enum Turn {
        /// So many lines more, which may all be equal.
        Grows(Vec<u8>),
        /// A poll shows a part of the log, in another order perhaps.
        Polled {
            from: usize,
            len: usize,
            backwards: bool,
        },
        /// The stream brings what is new since its last event, or all there is.
        Streamed { whole: bool },
        /// A new stream begins with what is new, or with all there is.
        Reconnected { whole: bool },
        /// The program is started again.
        Restarted,
    }

    fn turn() -> impl Strategy<Value = Turn> {
        prop_oneof![
            4 => prop::collection::vec(0_u8..4, 1..5).prop_map(Turn::Grows),
            3 => (0_usize..20, 0_usize..20, any::<bool>())
                .prop_map(|(from, len, backwards)| Turn::Polled { from, len, backwards }),
            3 => any::<bool>().prop_map(|whole| Turn::Streamed { whole }),
            1 => any::<bool>().prop_map(|whole| Turn::Reconnected { whole }),
            1 => Just(Turn::Restarted),
        ]
    }

    fn counted(lines: &[LogLine]) -> HashMap<LogLine, usize> {
        let mut counts = HashMap::new();
        for line in lines {
            *counts.entry(line.clone()).or_default() += 1;
        }
        counts
    }

    /// Whatever a server shows of its log: no line is stored more often than it was written, and once the whole log was
    /// shown every line is stored as often as it was written.
    #[test]
    fn no_line_is_lost_and_none_comes_twice_whatever_is_shown_of_the_log() {
        let config = Config {
            failure_persistence: None,
            ..Config::with_cases(2000)
        };
        TestRunner::new(config)
            .run(&prop::collection::vec(turn(), 1..30), |turns| {
                // Four texts at the same few seconds: clocks that skew, and equal lines, are the rule.
                let (mut log, mut stored): (Vec<LogLine>, Vec<LogLine>) = (vec![], vec![]);
                let mut merge = Merge::default();
                // Where in the log the present stream began, and how far it has come.
                let (mut start, mut streamed) = (0, 0);
                for turn in turns {
                    let fresh = match turn {
                        Turn::Grows(texts) => {
                            let names: Vec<_> =
                                texts.iter().map(|n| format!("{n}{}", n % 2)).collect();
                            log.extend(lines(&names.join(" ")));
                            continue;
                        }
                        Turn::Polled {
                            from,
                            len,
                            backwards,
                        } => {
                            let from = from.min(log.len());
                            let mut shown = log[from..(from + len).min(log.len())].to_vec();
                            if backwards {
                                shown.reverse();
                            }
                            merge.polled(shown)
                        }
                        Turn::Streamed { whole } => {
                            // What is new comes line by line: whether several lines are the whole log again, which begins
                            // as the new ones do, or one line is a log of one line again, nobody can tell.
                            let new = log[streamed..].to_vec();
                            streamed = log.len();
                            if whole && log.len() > start + 1 {
                                merge.streamed(log[start..].to_vec())
                            } else {
                                new.into_iter()
                                    .flat_map(|line| merge.streamed(vec![line]))
                                    .collect()
                            }
                        }
                        Turn::Reconnected { whole } => {
                            merge.reconnected();
                            start = if whole { 0 } else { log.len() };
                            streamed = start;
                            continue;
                        }
                        Turn::Restarted => {
                            merge = Merge::default();
                            merge.stored(&stored);
                            (start, streamed) = (0, 0);
                            continue;
                        }
                    };
                    stored.extend(fresh);
                    let (have, were) = (counted(&stored), counted(&log));
                    for (line, count) in have {
                        prop_assert!(count <= were[&line], "{} {count}", line.message);
                    }
                }
                stored.extend(merge.polled(log.clone()));
                prop_assert_eq!(counted(&stored), counted(&log));
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_log_that_is_full_takes_nothing_more_and_needs_no_more_memory() {
        let mut merge = Merge::default();
        let line = |n: usize| {
            let time = Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
            LogLine::new(time, Level::Info, "x")
        };
        let flood: Vec<_> = (0..MOST_LINES + 1000).map(line).collect();
        assert_eq!(merge.polled(flood.clone()).len(), MOST_LINES);
        assert_eq!(merge.streamed(flood), []);
        assert_eq!(merge.streamed(vec![line(1 << 30)]), []);
        assert!(merge.known.len() <= MOST_LINES && merge.stream.len() <= MOST_LINES);
    }
}

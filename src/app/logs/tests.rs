//! The log pane, without a screen.

use super::*;
use crate::{app::testing::id, model::Timestamp};

fn line(text: &str) -> LogLine {
    LogLine::new(Timestamp::UNIX_EPOCH, Level::Info, text)
}

fn lines(range: Range<u64>) -> Vec<LogLine> {
    range.map(|n| line(&format!("line {n}"))).collect()
}

/// A log of `count` lines in a window of ten.
fn log(count: u64) -> Log {
    let mut log = Log::default();
    log.resize(60, 10);
    log.turn_to(Some(id(1)));
    log.loaded(&id(1), 0, lines(0..count), count);
    log
}

fn in_sight(log: &Log) -> Vec<&str> {
    log.rows_in_sight()
        .map(|(row, line)| &line.message.as_str()[row.bytes.clone()])
        .collect()
}

#[test]
fn it_follows_the_newest_line() {
    let mut log = log(30);
    assert_eq!(in_sight(&log).last(), Some(&"line 29"));
    log.grown(&id(1), 31);
    log.loaded(&id(1), 30, lines(30..31), 31);
    assert_eq!(in_sight(&log).last(), Some(&"line 30"));
}

#[test]
fn going_up_stops_following_and_counts_what_is_new() {
    let mut log = log(30);
    log.step(-1);
    assert!(!log.follow);
    let before = in_sight(&log).join("\n");
    log.loaded(&id(1), 30, lines(30..42), 42);
    assert_eq!(in_sight(&log).join("\n"), before, "nothing moves");
    assert_eq!(log.unseen, 12);
    log.toggle_follow();
    assert_eq!(log.unseen, 0);
    assert_eq!(in_sight(&log).last(), Some(&"line 41"));
}

#[test]
fn one_question_is_out_at_a_time() {
    let mut log = Log::default();
    assert_eq!(log.turn_to(Some(id(1))).len(), 1);
    assert_eq!(
        log.turn_to(Some(id(2))),
        [],
        "the answer about 1 is awaited"
    );
    assert_eq!(log.turn_to(Some(id(3))), []);
    let effects = log.loaded(&id(1), 0, lines(0..5), 5);
    assert_eq!(
        effects,
        [Effect::LoadLogs {
            id: id(3),
            from: None,
            limit: CAP
        }]
    );
    assert_eq!(log.rows_len(), 0, "another job's lines are not shown");
}

#[test]
fn what_came_meanwhile_is_asked_for_once_and_from_where_it_ends() {
    let mut log = log(10);
    assert_eq!(
        log.grown(&id(1), 12),
        [Effect::LoadLogs {
            id: id(1),
            from: Some(10),
            limit: BATCH
        }]
    );
    assert_eq!(log.grown(&id(1), 15), []);
    assert_eq!(
        log.loaded(&id(1), 10, lines(10..12), 12),
        [Effect::LoadLogs {
            id: id(1),
            from: Some(12),
            limit: BATCH
        }]
    );
}

#[test]
fn lines_that_are_there_are_not_taken_twice_and_a_gap_starts_anew() {
    let mut log = log(10);
    log.loaded(&id(1), 8, lines(8..12), 12);
    assert_eq!(log.rows_len(), 12);
    log.loaded(&id(1), 50, lines(50..52), 52);
    assert_eq!(in_sight(&log), ["line 50", "line 51"]);
}

#[test]
fn an_answer_without_news_does_not_ask_for_ever() {
    let mut log = log(10);
    log.grown(&id(1), 20);
    assert_eq!(
        log.loaded(&id(1), 10, vec![], 10).len(),
        1,
        "it may be older than the news"
    );
    assert_eq!(log.loaded(&id(1), 10, vec![], 10), []);
    assert_eq!(
        log.grown(&id(1), 21).len(),
        1,
        "real news are asked for again"
    );
}

#[test]
fn the_ring_keeps_the_newest_lines() {
    let cap = u64::try_from(CAP).unwrap();
    let mut log = log(cap);
    log.go_to_top();
    log.loaded(&id(1), cap, lines(cap..cap + 5), cap + 5);
    assert_eq!(log.rows_len(), CAP);
    assert_eq!(in_sight(&log)[0], "line 5");
    assert!(log.line(4).is_none());
}

#[test]
fn long_lines_wrap_or_are_one_row() {
    let mut log = log(0);
    let words = "word ".repeat(30);
    log.loaded(&id(1), 0, vec![line(&words)], 1);
    assert!(log.rows_len() > 1);
    assert_eq!(in_sight(&log).concat(), words.trim_end());
    log.toggle_wrap();
    assert_eq!(log.rows_len(), 1);
}

#[test]
fn levels_are_left_out_step_by_step() {
    let mut log = log(0);
    let levels = [
        Level::Debug,
        Level::Info,
        Level::Stderr,
        Level::Warn,
        Level::Error,
    ];
    let all = levels.map(|level| LogLine::new(Timestamp::UNIX_EPOCH, level, level.as_str()));
    log.loaded(&id(1), 0, all.into(), 5);
    let mut counts = vec![log.rows_len()];
    for _ in 0..4 {
        log.cycle_level();
        counts.push(log.rows_len());
    }
    assert_eq!(counts, [5, 4, 2, 1, 5]);
}

#[test]
fn a_search_goes_to_the_nearest_match_above_and_around() {
    let mut log = log(100);
    log.search("LINE 1");
    assert_eq!(log.match_position().1, 11, "1 and 10 to 19");
    assert!(log.nearest_match());
    assert_eq!(log.cursor(), Some(19));
    assert!(log.next_match(true));
    assert_eq!(log.cursor(), Some(1), "around the end");
    assert!(log.next_match(false));
    assert_eq!(log.cursor(), Some(19));
    assert!(in_sight(&log).contains(&"line 19"));
    log.search("nothing");
    assert!(!log.next_match(true));
}

#[test]
fn new_lines_are_searched_as_they_come() {
    let mut log = log(10);
    log.search("line 1");
    log.loaded(&id(1), 10, lines(10..20), 20);
    assert_eq!(log.match_position().1, 11);
}

#[test]
fn the_line_that_the_user_is_at_survives_a_new_width() {
    let mut log = log(0);
    let text = "a rather long line of the log that wraps ".repeat(3);
    log.loaded(&id(1), 0, vec![line(&text); 40], 40);
    log.step(-20);
    let cursor = log.cursor();
    for width in [30, 200, 45] {
        log.resize(width, 10);
        assert_eq!(log.cursor(), cursor);
    }
}

#[test]
fn the_end_and_the_start_are_reached() {
    let mut log = log(50);
    log.go_to_top();
    assert_eq!(in_sight(&log)[0], "line 0");
    log.half_page(true);
    assert_eq!(log.cursor(), Some(5));
    log.go_to_bottom();
    assert!(log.follow);
}

//! The wire's log entries as log lines.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::model::{Level, LogLine};

use super::wire::LogEntry;

/// Bytes of a message that are kept.
const LONGEST_MESSAGE: usize = 64 << 10;

/// One line for each entry, in order.
///
/// A time without a zone is UTC; a missing or unreadable one is `now`. A message of more than 64 KiB is cut and says so.
#[must_use]
pub fn log_lines(entries: &[LogEntry], now: Timestamp) -> Vec<LogLine> {
    entries.iter().map(|entry| log_line(entry, now)).collect()
}

fn log_line(entry: &LogEntry, now: Timestamp) -> LogLine {
    let time = entry.timestamp.as_deref().and_then(time).unwrap_or(now);
    let level = entry.level.as_deref().map_or(Level::Info, Level::from_wire);
    let line = LogLine::new(time, level, &entry.message);
    let text = line.message.as_str();
    if text.len() <= LONGEST_MESSAGE {
        return line;
    }
    let kept = &text[..text.floor_char_boundary(LONGEST_MESSAGE)];
    let cut = text.len() - kept.len();
    LogLine::new(time, level, &format!("{kept}… ({cut} bytes cut)"))
}

fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_without_a_zone_is_utc_and_garbage_is_now() {
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let cases = [
            (
                Some("2026-02-17T10:30:01.123456"),
                "2026-02-17T10:30:01.123456Z",
            ),
            (Some("2026-02-17 10:30:01"), "2026-02-17T10:30:01Z"),
            (Some("2026-02-17T10:30:01Z"), "2026-02-17T10:30:01Z"),
            (Some(" 2026-02-17T12:30:01+02:00 "), "2026-02-17T10:30:01Z"),
            (Some("yesterday"), "2030-01-01T00:00:00Z"),
            (Some(""), "2030-01-01T00:00:00Z"),
            (Some("999999-99-99T99:99:99"), "2030-01-01T00:00:00Z"),
            (None, "2030-01-01T00:00:00Z"),
        ];
        for (text, want) in cases {
            let entry = LogEntry {
                message: "m".to_owned(),
                timestamp: text.map(str::to_owned),
                ..LogEntry::default()
            };
            assert_eq!(
                log_lines(&[entry], now)[0].time.to_string(),
                want,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_flood_in_one_message_is_cut_and_says_so() {
        let entry = |message: String| LogEntry {
            message,
            level: Some("STDERR".to_owned()),
            ..LogEntry::default()
        };
        let entries = [entry("ü".repeat(100_000)), entry("ü".repeat(100))];
        let lines = log_lines(&entries, Timestamp::UNIX_EPOCH);
        let cut = lines[0].message.as_str();
        assert!(
            cut.ends_with("ü… (134464 bytes cut)"),
            "{}",
            &cut[cut.len() - 40..]
        );
        assert!(cut.len() < LONGEST_MESSAGE + 40);
        assert_eq!(lines[1].message.as_str(), entries[1].message);
        assert_eq!(lines[0].level, Level::Stderr);
    }
}

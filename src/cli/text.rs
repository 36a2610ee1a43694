//! Text in columns: widths as a terminal counts them, cutting, wrapping, times.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `room` columns, ending in `…` where something is missing; no character is cut in half.
pub(super) fn cut(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        used += cluster.width();
        if used + 1 > room {
            break;
        }
        kept.push_str(cluster);
    }
    kept.push('…');
    kept
}

/// `text` in lines of at most `room` columns, broken between words; a longer word is broken anywhere.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split_word_bounds() {
            if width(&line) + width(word.trim_end()) > room && !line.is_empty() {
                lines.push(line.trim_end().to_owned());
                line = String::new();
            }
            if line.is_empty() && word.trim().is_empty() {
                continue;
            }
            for cluster in word.graphemes(true) {
                if width(&line) + cluster.width() > room && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(cluster);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// `0:41`, `12:05`, `1:02:03`.
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Day and minute in local time.
pub(super) fn local(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

/// The second of the day in local time.
pub(super) fn local_second(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system())
        .strftime("%H:%M:%S")
        .to_string()
}

/// `812 bytes`, `1.4 MB`.
pub(super) fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let of = |unit: f64| bytes as f64 / unit;
    match bytes {
        1 => "1 byte".to_owned(),
        0..1000 => format!("{bytes} bytes"),
        1000..1_000_000 => format!("{:.1} kB", of(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", of(1e6)),
        _ => format!("{:.1} GB", of(1e9)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(cut("日本語です", 10), "日本語です");
        assert_eq!(cut("日本語です", 6), "日本…");
        assert_eq!(cut("日本語です", 5), "日本…");
        assert_eq!(cut("plain", 4), "pla…");
        assert_eq!(
            cut("👩\u{200d}👩\u{200d}👧 family", 4),
            "👩\u{200d}👩\u{200d}👧 …"
        );
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij kl", 4), ["abcd", "efgh", "ij", "kl"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert!(
            wrap(&"日本 ".repeat(20), 11)
                .iter()
                .all(|line| width(line) <= 11)
        );
    }

    #[test]
    fn times_and_sizes_have_one_form() {
        assert_eq!(clock(Duration::from_secs(41)), "0:41");
        assert_eq!(clock(Duration::from_secs(3723)), "1:02:03");
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(812), "812 bytes");
        assert_eq!(size(1_420_000), "1.4 MB");
    }
}

//! The one sanitiser, and the type that only it can make.
//!
//! Text from servers, files and imports may carry terminal commands. [`CleanText`] is the only text that views, titles,
//! logs and human output accept, so a byte that means something to a terminal cannot reach one.

#[cfg(test)]
mod properties;

use std::fmt;

use serde::{Deserialize, Serialize};

/// At most so many marks without a width may follow each other; more is an attack on the layout, not a language.
const MAX_COMBINING: usize = 8;

/// Text in which every character is safe to print.
///
/// Free of C0 and C1 controls, DEL, escape sequences, direction overrides, tag characters and invisible formatting.
/// Only [`CleanText::multiline`] keeps line feeds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct CleanText(String);

impl CleanText {
    /// Cleans `raw` to a single line; line ends and tabs become a space.
    #[must_use]
    pub fn line(raw: &str) -> Self {
        Self(clean(raw, Lines::Join))
    }

    /// Cleans `raw` and keeps its line feeds; a tab becomes a space, CR LF becomes LF.
    #[must_use]
    pub fn multiline(raw: &str) -> Self {
        Self(clean(raw, Lines::Keep))
    }

    /// Cleans bytes of any encoding to a single line; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn from_bytes(raw: &[u8]) -> Self {
        Self::line(&String::from_utf8_lossy(raw))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds `other`; two clean texts make a clean text.
    #[must_use]
    pub fn join(mut self, other: &Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

impl fmt::Display for CleanText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for CleanText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for CleanText {
    fn from(raw: &str) -> Self {
        Self::line(raw)
    }
}

impl From<String> for CleanText {
    fn from(raw: String) -> Self {
        Self::line(&raw)
    }
}

impl<'de> Deserialize<'de> for CleanText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Whatever was stored is cleaned again: a file may have been edited by other hands.
        String::deserialize(deserializer).map(|raw| Self::multiline(&raw))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Lines {
    Join,
    Keep,
}

fn clean(raw: &str, lines: Lines) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut combining = 0;
    let mut chars = raw.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_control_sequence(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push(if lines == Lines::Keep { '\n' } else { ' ' });
            }
            '\t' => out.push(' '),
            c if c.is_control() || is_invisible(c) => {}
            c if is_mark(c) => {
                combining += 1;
                // A mark with nothing before it would land on our own border.
                if combining <= MAX_COMBINING
                    && out
                        .chars()
                        .next_back()
                        .is_some_and(|before| !before.is_whitespace())
                {
                    out.push(c);
                }
                continue;
            }
            c => out.push(c),
        }
        combining = 0;
    }
    out
}

/// Skips what follows an ESC: a control sequence, a string, or one character with its intermediates.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_control_sequence(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(&c) if ('\u{20}'..='\u{7e}').contains(&c) => {
            while chars
                .next_if(|c| ('\u{20}'..='\u{2f}').contains(c))
                .is_some()
            {}
            let _ = chars.next_if(|c| ('\u{30}'..='\u{7e}').contains(c));
        }
        _ => {}
    }
}

/// Skips the parameters and the final byte of a CSI sequence.
fn skip_control_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while chars
        .next_if(|c| ('\u{20}'..='\u{3f}').contains(c))
        .is_some()
    {}
    let _ = chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// Skips an OSC, DCS, SOS, PM or APC string up to its terminator.
///
/// One that is never terminated ends at the line: the rest of the text must not vanish with it.
fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(&c) = chars.peek() {
        if matches!(c, '\n' | '\r') {
            return;
        }
        chars.next();
        match c {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                let _ = chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// Characters that show nothing but change what is shown: direction marks, tags, zero-width and other format characters.
///
/// U+200C and U+200D stay: Persian, Indic scripts and emoji families need them, and they are counted as marks.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Characters without a width of their own that join what stands before them.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}') || unicode_width::UnicodeWidthChar::width(c) == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_leave_nothing_behind() {
        let cases = [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}Pq#0\u{1b}\\after", "after"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{9d}52;c;AAAA\u{9c}x", "x"),
            ("\u{1b}(Bx", "x"),
            ("\u{1b}", ""),
            ("a\u{1b}]0;never closed\nb", "a b"),
            ("bell\u{7}del\u{7f}null\0c1\u{80}", "belldelnullc1"),
        ];
        for (raw, want) in cases {
            assert_eq!(CleanText::line(raw).as_str(), want, "{raw:?}");
        }
    }

    #[test]
    fn direction_overrides_tags_and_zero_width_characters_go() {
        let raw = "a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{e0041}f\u{200f}g";
        assert_eq!(CleanText::line(raw).as_str(), "abcdefg");
    }

    #[test]
    fn languages_and_emoji_stay_whole() {
        for text in [
            "naïve café",
            "日本語",
            "می\u{200c}خواهم",
            "👩\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}",
            "e\u{301}",
        ] {
            assert_eq!(CleanText::line(text).as_str(), text);
        }
    }

    #[test]
    fn a_flood_of_marks_is_cut_and_a_leading_mark_dropped() {
        let flood = format!("e{}", "\u{301}".repeat(500));
        assert_eq!(
            CleanText::line(&flood).as_str().chars().count(),
            1 + MAX_COMBINING
        );
        assert_eq!(CleanText::line("\u{301}x").as_str(), "x");
    }

    #[test]
    fn only_multiline_keeps_line_feeds() {
        assert_eq!(CleanText::multiline("a\r\nb\tc\rd").as_str(), "a\nb c\nd");
        assert_eq!(CleanText::line("a\r\nb\tc\rd").as_str(), "a b c d");
    }

    #[test]
    fn what_is_clean_stays_as_it_is() {
        let once = CleanText::multiline("x\u{1b}[1m \u{202e}y\nz");
        assert_eq!(CleanText::multiline(once.as_str()), once);
    }
}

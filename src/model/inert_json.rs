//! JSON that is safe to print on a terminal.
//!
//! JSON itself only escapes what is below U+0020; DEL, C1 controls, direction overrides and tag characters would reach
//! the terminal as they are. Here they are written as `\u` escapes, which every JSON reader turns back.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::clean_text::is_invisible;

/// `value` as one line of JSON without a character that a terminal could act upon.
///
/// # Errors
/// As [`serde_json::to_string`]: when `value` cannot be written as JSON, such as a map with keys that are no text.
pub fn to_line(value: &impl Serialize) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, Inert,
    ))?;
    Ok(String::from_utf8(bytes).expect("JSON is written as UTF-8"))
}

struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(is_active) {
            let (plain, from) = rest.split_at(at);
            CompactFormatter.write_string_fragment(writer, plain)?;
            let mut chars = from.chars();
            let c = chars.next().expect("found just there");
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

fn is_active(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || is_invisible(c)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_printed_and_all_of_it_reads_back() {
        let value = json!({"a\u{202e}": "x\u{7f}\u{9b}2J\u{1b}[0m\u{e0041}\u{2066} \"ü日\" \\"});
        let line = to_line(&value).unwrap();
        assert!(line.chars().all(|c| !is_active(c)), "{line}");
        assert!(
            line.contains(r"\u202e") && line.contains(r"\u009b") && line.contains(r"\udb40\udc41"),
            "{line}"
        );
        assert!(line.contains("ü日"));
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}

//! What a job said while it ran.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CleanText, Timestamp};

/// Lines of a job's log that are kept; the last of them says that there were more.
pub const MOST_LINES: usize = 50_000;

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogLine {
    /// When the server wrote it.
    pub time: Timestamp,
    /// How much it matters, or where it came from.
    pub level: Level,
    /// The text; of a progress bar that redraws itself the last state.
    pub message: CleanText,
}

impl LogLine {
    /// A line made of the server's raw text.
    ///
    /// Progress bars redraw with a carriage return; what stood before the last one is not kept.
    #[must_use]
    pub fn new(time: Timestamp, level: Level, raw: &str) -> Self {
        let raw = raw.trim_end_matches(['\r', '\n']);
        let last = raw
            .rsplit('\r')
            .find(|part| !part.trim().is_empty())
            .unwrap_or("");
        Self {
            time,
            level,
            message: CleanText::line(last.trim_end()),
        }
    }

    /// The progress that the line tells, in percent, if it tells one.
    ///
    /// Understood are `25/40` and `62%`, as progress bars and the preview engine write them.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        fraction(self.message.as_str()).or_else(|| percentage(self.message.as_str()))
    }
}

/// The level of a log line, as fal names it (JS client, `types/common.ts`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Written to the runner's error stream; progress bars among them.
    Stderr,
    /// Written to the runner's output.
    Stdout,
    /// Something went wrong.
    Error,
    /// Something to know.
    Info,
    /// Something to look at.
    Warn,
    /// Detail.
    Debug,
}

impl Level {
    /// Reads fal's word; an unknown one is [`Level::Info`].
    #[must_use]
    pub fn from_wire(word: &str) -> Self {
        match word.to_ascii_uppercase().as_str() {
            "STDERR" => Self::Stderr,
            "STDOUT" => Self::Stdout,
            "ERROR" | "CRITICAL" | "FATAL" => Self::Error,
            "WARN" | "WARNING" => Self::Warn,
            "DEBUG" | "TRACE" => Self::Debug,
            _ => Self::Info,
        }
    }

    /// The word on the screen and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stderr => "stderr",
            Self::Stdout => "stdout",
            Self::Error => "error",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// `done/total` with both whole, done ≤ total and a total worth a bar.
fn fraction(text: &str) -> Option<u8> {
    let number = |digits: &str| digits.parse::<u32>().ok();
    text.match_indices('/').find_map(|(at, _)| {
        let before = &text[..at];
        let done = &before[before.trim_end_matches(|c: char| c.is_ascii_digit()).len()..];
        let after = &text[at + 1..];
        let total =
            &after[..after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len()];
        let (done, total) = (number(done)?, number(total)?);
        // 24/7 and 1/2 are prose more often than progress.
        (total > 2 && done <= total).then(|| {
            u8::try_from(u64::from(done) * 100 / u64::from(total))
                .expect("a part of a hundred is at most 100")
        })
    })
}

fn percentage(text: &str) -> Option<u8> {
    let (before, _) = text.split_once('%')?;
    let before = before.trim_end();
    let number = &before[before
        .trim_end_matches(|c: char| c.is_ascii_digit() || c == '.')
        .len()..];
    let whole = number.split('.').next()?;
    whole.parse::<u8>().ok().filter(|&percent| percent <= 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(raw: &str) -> LogLine {
        LogLine::new(Timestamp::UNIX_EPOCH, Level::Info, raw)
    }

    #[test]
    fn of_a_progress_bar_the_last_state_stays() {
        assert_eq!(
            line("\r 10%|█    |\r 62%|███  | 25/40\r\n")
                .message
                .as_str(),
            " 62%|███  | 25/40"
        );
        assert_eq!(line("\r").message.as_str(), "");
    }

    #[test]
    fn progress_is_read_from_fractions_and_percentages() {
        let cases = [
            ("62%|██████    | 25/40", Some(62)),
            ("frame 145/145", Some(100)),
            ("frame 0/145", Some(0)),
            (" 40 % done", Some(40)),
            ("99.9%", Some(99)),
            ("open 24/7", None),
            ("see /tmp/x/y", None),
            ("250%", None),
            ("Loading pipeline", None),
        ];
        for (text, want) in cases {
            assert_eq!(line(text).percent(), want, "{text}");
        }
    }
}

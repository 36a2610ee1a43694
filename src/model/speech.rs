//! How long a script is spoken, and whether that fits a video.

mod rate;
mod split;

use std::{fmt, iter::Sum, ops::Add, time::Duration};

pub use rate::{Rate, Rates, Take};
pub use split::split;

use super::{CleanText, frames::FRAMES_PER_SECOND};

/// Silence that a video wants beside its speech: a last word that ends with the picture sounds cut.
const BREATH: Duration = Duration::from_millis(300);

/// How long a script lasts, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speech {
    /// The best guess.
    pub length: Duration,
    /// It is hardly more than so much longer or shorter.
    pub margin: Duration,
}

/// What one person of a video says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Utterance {
    /// Words that the server speaks.
    Words {
        /// The words.
        script: String,
        /// The voice's name; may be empty.
        voice: String,
    },
    /// A sound file: a path, an address or a data URI.
    Sound(String),
}

/// Whether a speech fits into a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// With room to spare.
    Fits,
    /// It may or may not.
    Tight,
    /// Surely not: its end is cut off.
    CutOff,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::Tight => "tight",
            Self::CutOff => "cut off",
        }
    }
}

impl Speech {
    /// A sound file of this length: what its container says may be a frame of sound off.
    #[must_use]
    pub const fn of_sound(length: Duration) -> Self {
        Self {
            length,
            margin: Duration::from_millis(50),
        }
    }

    /// Whether it fits into `video`.
    #[must_use]
    pub fn verdict(&self, video: Duration) -> Verdict {
        if self.length + self.margin <= video {
            Verdict::Fits
        } else if self.length.saturating_sub(self.margin) <= video {
            Verdict::Tight
        } else {
            Verdict::CutOff
        }
    }

    /// The fewest frames that surely hold it, of the form 4n + 1 that the models like.
    #[must_use]
    pub fn frames(&self) -> u32 {
        let wanted = (self.length + self.margin + BREATH).as_millis();
        let frames = (wanted * u128::from(FRAMES_PER_SECOND)).div_ceil(1000);
        let frames = u32::try_from(frames).unwrap_or(u32::MAX - 4);
        frames.saturating_sub(1).div_ceil(4) * 4 + 1
    }

    /// What is lost of `script` in `video`, in a line; nothing unless that is sure.
    #[must_use]
    pub fn cut_off(&self, script: &str, video: Duration) -> Option<String> {
        if self.verdict(video) != Verdict::CutOff {
            return None;
        }
        let after = self.last_heard(script, video).map_or_else(
            || "before its first word ends".to_owned(),
            |words| format!("after “…{}”", CleanText::line(words)),
        );
        Some(format!(
            "the speech takes {self}, the video {:.2} s: cut off {after}",
            video.as_secs_f64()
        ))
    }

    /// The last word of `script` that is heard before `video` ends, with what stands right before it; nothing where not
    /// even the first word is.
    ///
    /// Words are taken to be as long as they are written.
    #[must_use]
    pub fn last_heard<'a>(&self, script: &'a str, video: Duration) -> Option<&'a str> {
        const WORDS: usize = 3;
        let spoken = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
        let all = spoken(script).max(1);
        let share = video.as_secs_f64() / self.length.as_secs_f64().max(0.001);
        let mut starts = Vec::new();
        let (mut end, mut heard) = (None, 0);
        for word in script.split_whitespace() {
            heard += spoken(word);
            #[expect(clippy::cast_precision_loss, reason = "no script has 2^52 letters")]
            let part = heard as f64 / all as f64;
            if part > share {
                break;
            }
            // The word is a part of the script, so its place in it is a difference of addresses.
            let start = word.as_ptr().addr() - script.as_ptr().addr();
            starts.push(start);
            end = Some(start + word.len());
        }
        let first = starts.len().checked_sub(WORDS.min(starts.len()))?;
        script.get(*starts.get(first)?..end?)
    }
}

/// What is lost of `utterances`, which take `speech` together, in `video`, in a line; nothing unless that is sure.
#[must_use]
pub fn cut_off(utterances: &[Utterance], speech: Speech, video: Duration) -> Option<String> {
    match utterances {
        [Utterance::Words { script, .. }] => speech.cut_off(script, video),
        _ if speech.verdict(video) != Verdict::CutOff => None,
        _ => {
            let what = match utterances {
                [_] => "the sound takes",
                _ => "both together take",
            };
            Some(format!(
                "{what} {speech}, the video {:.2} s: its end is cut off",
                video.as_secs_f64()
            ))
        }
    }
}

impl Add for Speech {
    type Output = Self;

    /// One after the other.
    fn add(self, other: Self) -> Self {
        Self {
            length: self.length + other.length,
            margin: self.margin + other.margin,
        }
    }
}

impl Sum for Speech {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        let nothing = Self {
            length: Duration::ZERO,
            margin: Duration::ZERO,
        };
        all.fold(nothing, Add::add)
    }
}

impl fmt::Display for Speech {
    /// `≈5.3 s ±0.6`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!(
            "≈{:.1} s ±{:.1}",
            self.length.as_secs_f64(),
            self.margin.as_secs_f64()
        );
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::frames::duration_of;

    fn speech(length: f64, margin: f64) -> Speech {
        Speech {
            length: Duration::from_secs_f64(length),
            margin: Duration::from_secs_f64(margin),
        }
    }

    #[test]
    fn a_verdict_is_sure_only_beyond_the_margin() {
        let video = Duration::from_millis(5800);
        for (length, want) in [
            (5.0, Verdict::Fits),
            (5.2, Verdict::Fits),
            (5.3, Verdict::Tight),
            (6.4, Verdict::Tight),
            (6.5, Verdict::CutOff),
        ] {
            assert_eq!(speech(length, 0.6).verdict(video), want, "{length}");
        }
    }

    #[test]
    fn the_frames_that_hold_it_are_four_n_plus_one_and_enough() {
        for (length, want) in [(1.0, 37), (5.0, 137), (5.1, 141), (26.0, 661)] {
            let of = speech(length, 0.1);
            assert_eq!(of.frames(), want, "{length}");
            assert_eq!(of.verdict(duration_of(of.frames())), Verdict::Fits);
        }
    }

    #[test]
    fn the_last_words_that_are_heard_are_named() {
        let script = "Spend more time with people who make you feel alive.";
        let of = speech(10.0, 1.0);
        let heard = |seconds: f64| of.last_heard(script, Duration::from_secs_f64(seconds));
        assert_eq!(heard(5.0), Some("more time with"));
        assert_eq!(heard(2.5), Some("Spend more"));
        assert_eq!(heard(0.5), None);
        assert_eq!(heard(20.0), Some("you feel alive."));
        assert_eq!(
            of.last_heard("日本語のテキスト", Duration::from_secs(1)),
            None
        );
        assert_eq!(speech(0.0, 0.0).last_heard("", Duration::ZERO), None);
    }
}

//! A script that is too long for one video, in parts that are not.

use std::{ops::Range, time::Duration};

use unicode_segmentation::UnicodeSegmentation;

use super::{BREATH, Speech};

/// The parts of `script`, which takes `speech` as a whole, so that each surely fits into a video of `longest`.
///
/// They end where sentences do; a sentence that is too long by itself is broken between words. Each comes with its share
/// of the length: words are taken to be as long as they are written.
#[must_use]
pub fn split<'a>(script: &'a str, speech: &Speech, longest: Duration) -> Vec<(&'a str, Speech)> {
    let all = letters(script).max(1);
    let share = |range: &Range<usize>| speech.part(letters(&script[range.clone()]), all);
    let fits = |range: &Range<usize>| {
        let share = share(range);
        share.length + share.margin + BREATH <= longest
    };
    let sentence = |(start, text): (usize, &str)| start..start + text.len();
    let words = |range: Range<usize>| -> Vec<Range<usize>> {
        let text = &script[range.clone()];
        let word = |(start, word): (usize, &str)| {
            let start = range.start + start;
            start..start + word.len()
        };
        text.split_word_bound_indices().map(word).collect()
    };
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for range in script.split_sentence_bound_indices().map(sentence) {
        if fits(&range) {
            pieces.push(range);
        } else {
            pieces.extend(words(range));
        }
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    for piece in pieces {
        match parts.last_mut() {
            Some(part) if fits(&(part.start..piece.end)) => part.end = piece.end,
            _ => parts.push(piece),
        }
    }
    parts
        .into_iter()
        .map(|range| (script[range.clone()].trim(), share(&range)))
        .filter(|(text, _)| !text.is_empty())
        .collect()
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

impl Speech {
    /// The share of `letters` of `all`.
    fn part(&self, letters: usize, all: usize) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "no script has 2^52 letters")]
        let share = letters as f64 / all as f64;
        Self {
            length: self.length.mul_f64(share),
            margin: self.margin.mul_f64(share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(script: &str, seconds: f64, longest: f64) -> Vec<String> {
        let speech = Speech {
            length: Duration::from_secs_f64(seconds),
            margin: Duration::ZERO,
        };
        let parts = split(script, &speech, Duration::from_secs_f64(longest));
        for (text, speech) in &parts {
            assert!(
                speech.length.as_secs_f64() + 0.3 <= longest + 1e-9 || !text.contains(' '),
                "{text}: {speech}"
            );
        }
        parts.into_iter().map(|(text, _)| text.to_owned()).collect()
    }

    #[test]
    fn parts_end_with_sentences_and_nothing_is_lost() {
        let script = "One two three. Four five six! Seven eight nine? Ten eleven twelve.";
        let found = parts(script, 20.0, 12.0);
        assert_eq!(
            found,
            [
                "One two three. Four five six!",
                "Seven eight nine? Ten eleven twelve."
            ]
        );
        assert_eq!(found.join(" "), script);
        assert_eq!(parts(script, 20.0, 30.0), [script]);
    }

    #[test]
    fn a_sentence_that_is_too_long_is_broken_between_words() {
        let script = "word ".repeat(40);
        let found = parts(script.trim(), 40.0, 11.0);
        assert!(found.len() >= 4, "{found:?}");
        assert!(
            found
                .iter()
                .all(|part| part.split(' ').all(|word| word == "word"))
        );
        assert_eq!(found.join(" "), script.trim());
    }

    #[test]
    fn other_scripts_have_sentences_too() {
        let found = parts("これは文です。これも文です。", 20.0, 11.0);
        assert_eq!(found, ["これは文です。", "これも文です。"]);
        assert_eq!(parts("", 1.0, 10.0), Vec::<String>::new());
    }
}

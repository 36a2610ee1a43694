//! Mouth movements for a text when there is nothing to speak it with: the lips follow its letters over silence.

use super::Utterance;
use crate::studio::SAMPLES_PER_SECOND;
use crate::studio::listen::samples_in;
use crate::studio::visemes::Cue;

/// Moves the lips to the letters of `text`, `pace` times as fast as calm speech.
pub(super) fn mime(text: &str, words_per_minute: u32, pace: f64) -> Utterance {
    // Calm English speech is about 170 words a minute of 4.7 letters and a space each.
    let letter = 0.062 * 170.0 / f64::from(words_per_minute) / pace;
    let mut at = 0.0;
    let mut cues = Vec::new();
    let mut word_starts = Vec::new();
    let mut in_word = false;
    for character in text.chars() {
        if character.is_alphanumeric() {
            if !in_word {
                word_starts.push(at);
            }
            in_word = true;
            let vowel = matches!(
                character.to_ascii_lowercase(),
                'a' | 'e' | 'i' | 'o' | 'u' | 'y'
            );
            let length = if vowel { 1.25 * letter } else { letter };
            Cue::push_phoneme(&mut cues, phoneme(character), at, at + length);
            at += length;
        } else if matches!(character, '.' | '!' | '?' | ',' | ';' | ':') {
            in_word = false;
            at += 3.0 * letter;
        } else if character.is_whitespace() {
            in_word = false;
            at += 0.5 * letter;
        }
    }
    let end = cues.last().map_or(0.0, |cue: &Cue| cue.end);
    let length = std::time::Duration::from_secs_f64(end);
    Utterance {
        samples: vec![0.0; samples_in(length, SAMPLES_PER_SECOND)],
        cues: Some(cues),
        word_starts,
    }
}

/// The phoneme a letter most often stands for; letters of other scripts take turns by their code.
fn phoneme(letter: char) -> &'static str {
    match letter.to_ascii_lowercase() {
        'a' => "a",
        'b' | 'm' | 'p' => "m",
        'c' | 'g' | 'k' | 'q' | 'x' | 'h' => "k",
        'd' | 'l' | 'n' | 't' => "t",
        'e' => "E",
        'f' | 'v' => "f",
        'i' | 'y' | 'j' => "i:",
        'o' => "oU",
        'r' => "r",
        's' | 'z' => "s",
        'u' | 'w' => "u:",
        other => ["a", "m", "i:", "t", "oU", "k"][other as usize % 6],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lips_move_to_every_word_over_silence() {
        let mimed = mime("Hello, big world.", 170, 1.0);
        assert_eq!(mimed.word_starts.len(), 3);
        assert!(mimed.samples.iter().all(|sample| *sample == 0.0));
        assert!((19_200..38_400).contains(&mimed.samples.len()));
        let twice = mime("Hello, big world.", 170, 2.0);
        assert!(twice.samples.len().abs_diff(mimed.samples.len() / 2) < 100);
    }

    #[test]
    fn scripts_without_latin_letters_move_the_lips_as_well() {
        let mimed = mime("Привет, мир", 170, 1.0);
        assert!(mimed.cues.unwrap().len() >= 9);
    }
}

//! What a job is called that was given no name.

use super::Endpoint;
use crate::model::{Arguments, CleanText};

/// Words of the script that a name is made of.
const NAME_WORDS: usize = 4;
/// Characters that a made name may have.
const NAME_LENGTH: usize = 32;

impl Endpoint {
    /// A name of the first words of what is said or, where nothing is, of the scene.
    #[must_use]
    pub fn name_for(&self, arguments: &Arguments) -> CleanText {
        let script = self
            .script_field()
            .and_then(|field| arguments.text(&field.name))
            .or_else(|| arguments.text("prompt"))
            .unwrap_or_default();
        let script = CleanText::line(script);
        let mut name = String::new();
        for word in script.as_str().split_whitespace().take(NAME_WORDS) {
            if !name.is_empty() && name.chars().count() + 1 + word.chars().count() > NAME_LENGTH {
                break;
            }
            if !name.is_empty() {
                name.push(' ');
            }
            name.push_str(word);
        }
        // Scripts without spaces have words of any length.
        let name: String = name.chars().take(NAME_LENGTH).collect();
        let name = name.trim_end_matches(|c: char| c.is_ascii_punctuation());
        if name.is_empty() {
            CleanText::line(self.id.short())
        } else {
            CleanText::line(name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;

    fn name(script: &str) -> CleanText {
        let mut arguments = Arguments::new();
        arguments.set("text_input", script);
        Catalog::builtin().first().name_for(&arguments)
    }

    #[test]
    fn a_job_without_a_name_is_named_by_the_first_words_of_its_script() {
        let cases = [
            ("Spend more time with people who", "Spend more time with"),
            ("Hello, world!", "Hello, world"),
            ("  a\nb  c ", "a b c"),
            ("\u{1b}[2J", "infinitalk/single-text"),
            ("…", "…"),
        ];
        for (script, want) in cases {
            assert_eq!(name(script).as_str(), want, "{script:?}");
        }
        assert_eq!(
            name(&"日".repeat(500)).as_str().chars().count(),
            NAME_LENGTH
        );
    }
}

//! Fuzzy search: letters in their order, wherever they stand.

use nucleo_matcher::{
    Config, Matcher, Utf32String,
    pattern::{CaseMatching, Normalization, Pattern},
};

/// Texts that are searched.
pub(crate) struct Fuzzy {
    matcher: Matcher,
    texts: Vec<Utf32String>,
}

impl Fuzzy {
    pub(crate) fn new(texts: impl Iterator<Item = String>) -> Self {
        Self {
            // Ids are paths: a letter behind a slash begins a word.
            matcher: Matcher::new(Config::DEFAULT.match_paths()),
            texts: texts.map(Utf32String::from).collect(),
        }
    }

    /// The texts that fit `filter`, the best first; among equals those that come first.
    pub(crate) fn search(&mut self, filter: &str) -> Vec<usize> {
        let pattern = Pattern::parse(filter, CaseMatching::Ignore, Normalization::Smart);
        let mut found: Vec<_> = self
            .texts
            .iter()
            .enumerate()
            .filter_map(|(at, text)| Some((pattern.score(text.slice(..), &mut self.matcher)?, at)))
            .collect();
        found.sort_by_key(|&(score, at)| (std::cmp::Reverse(score), at));
        found.into_iter().map(|(_, at)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_are_enough_and_the_closest_comes_first() {
        let texts = [
            "fal-ai/flux/dev",
            "fal-ai/infinitalk/single-text",
            "x/y in fine talk",
        ];
        let mut fuzzy = Fuzzy::new(texts.iter().map(|text| (*text).to_owned()));
        assert_eq!(fuzzy.search("infin"), [1, 2]);
        assert_eq!(fuzzy.search("inftalk single"), [1]);
        assert_eq!(fuzzy.search("FLUX"), [0]);
        assert_eq!(fuzzy.search(""), [0, 1, 2]);
        assert_eq!(fuzzy.search("zzz"), Vec::<usize>::new());
    }
}

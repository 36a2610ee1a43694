//! The lengths of many scripts, each spoken once.

use std::collections::HashMap;

use crate::model::{Speech, speech::Spoken};

/// Scripts that were measured, by their words and voice.
#[derive(Debug, Default)]
pub struct Measured {
    known: HashMap<(String, String), Option<Speech>>,
}

impl Measured {
    /// What the end of its video cuts off of `spoken`, in a line; nothing unless that is sure.
    pub fn cut_off(&mut self, spoken: &Spoken<'_>) -> Option<String> {
        let script = (spoken.script.to_owned(), spoken.voice.to_owned());
        let speech = *self
            .known
            .entry(script)
            .or_insert_with_key(|(text, voice)| super::measure(text, voice));
        speech?.cut_off(spoken.script, spoken.video)
    }
}

//! The lengths of many speeches, each measured once.

use std::{collections::HashMap, time::Duration};

use crate::model::{
    Speech,
    speech::{self, Rates, Utterance},
};

/// What was measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// What was learned of the voices.
    rates: Rates,
    known: HashMap<Utterance, Option<Speech>>,
}

impl Measured {
    /// Nothing so far; voices speak at these rates, others as reckoned.
    #[must_use]
    pub fn at(rates: Rates) -> Self {
        Self {
            rates,
            known: HashMap::new(),
        }
    }

    /// How long `utterances` take one after the other; `None` where one of them cannot be measured. `sound` tells the
    /// length of a sound file.
    pub fn length(
        &mut self,
        utterances: &[Utterance],
        sound: impl Fn(&str) -> Option<Duration>,
    ) -> Option<Speech> {
        let rates = &self.rates;
        let one = |utterance: &Utterance| {
            *self
                .known
                .entry(utterance.clone())
                .or_insert_with(|| match utterance {
                    Utterance::Words { script, voice } => {
                        super::measure(script, voice).map(|speech| speech.at(rates.get(voice)))
                    }
                    Utterance::Sound(file) => sound(file).map(Speech::of_sound),
                })
        };
        utterances.iter().map(one).sum()
    }

    /// What the end of `video` cuts off of `utterances`, in a line; nothing unless that is sure.
    pub fn cut_off(
        &mut self,
        utterances: &[Utterance],
        video: Duration,
        sound: impl Fn(&str) -> Option<Duration>,
    ) -> Option<String> {
        if utterances.is_empty() {
            return None;
        }
        let length = self.length(utterances, sound)?;
        speech::cut_off(utterances, length, video)
    }
}

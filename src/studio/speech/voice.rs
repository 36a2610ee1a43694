//! fal's voice names, imitated by pitch, pace and the size of the throat.

/// How a voice is spoken here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Voice {
    /// Lowest pitch of a sentence in Hz.
    pub(super) pitch_hz: u32,
    /// How far the melody rises, in percent of the usual.
    pub(super) melody_percent: u32,
    /// Pace in words a minute.
    pub(super) words_per_minute: u32,
    /// Formants in percent of a large man's: a smaller throat sounds higher.
    pub(super) formant_percent: i32,
    /// Unsteadiness of the pitch; 0 is a machine.
    pub(super) flutter: u8,
    /// British rather than American English.
    pub(super) british: bool,
}

/// Settings for each of fal's names.
///
/// Nobody is imitated: the names only have to sound different from each other, and a man's name like a man.
const VOICES: [(&str, Voice); 20] = [
    ("Aria", voice(148, 120, 172, 114, 3, false)),
    ("Roger", voice(76, 95, 165, 98, 3, false)),
    ("Sarah", voice(138, 100, 165, 112, 2, false)),
    ("Laura", voice(156, 135, 178, 116, 4, false)),
    ("Charlie", voice(90, 120, 175, 102, 3, true)),
    ("George", voice(70, 90, 156, 97, 3, true)),
    ("Callum", voice(80, 80, 160, 100, 5, true)),
    ("River", voice(112, 90, 166, 107, 2, false)),
    ("Liam", voice(96, 110, 180, 103, 2, false)),
    ("Charlotte", voice(140, 115, 160, 113, 3, true)),
    ("Alice", voice(152, 105, 162, 115, 2, true)),
    ("Matilda", voice(132, 110, 158, 111, 3, false)),
    ("Will", voice(100, 130, 184, 104, 4, false)),
    ("Jessica", voice(162, 140, 186, 118, 4, false)),
    ("Eric", voice(84, 85, 168, 99, 2, false)),
    ("Chris", voice(92, 105, 174, 101, 3, false)),
    ("Brian", voice(64, 80, 158, 95, 2, false)),
    ("Daniel", voice(78, 90, 170, 98, 2, true)),
    ("Lily", voice(168, 110, 164, 119, 3, true)),
    ("Bill", voice(66, 75, 148, 96, 8, false)),
];

/// What an unknown name speaks with.
const NEUTRAL: Voice = voice(104, 100, 170, 105, 3, false);

const fn voice(
    pitch_hz: u32,
    melody_percent: u32,
    words_per_minute: u32,
    formant_percent: i32,
    flutter: u8,
    british: bool,
) -> Voice {
    Voice {
        pitch_hz,
        melody_percent,
        words_per_minute,
        formant_percent,
        flutter,
        british,
    }
}

impl Voice {
    /// The settings for a name, in any case; `None` for a name fal does not have.
    pub(super) fn named(name: &str) -> Option<Self> {
        VOICES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))
            .map(|(_, voice)| *voice)
    }

    /// The settings for a name; an unknown one speaks with the neutral voice.
    pub(super) fn or_neutral(name: &str) -> Self {
        Self::named(name).unwrap_or(NEUTRAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_names_share_pitch_pace_and_throat() {
        for (i, (name, voice)) in VOICES.iter().enumerate() {
            for (other_name, other) in &VOICES[i + 1..] {
                assert_ne!(voice, other, "{name} and {other_name}");
                let near = voice.british == other.british
                    && voice.pitch_hz.abs_diff(other.pitch_hz) < 3
                    && voice.words_per_minute.abs_diff(other.words_per_minute) < 8;
                assert!(!near, "{name} and {other_name} sound alike");
            }
        }
    }

    #[test]
    fn a_name_is_found_in_any_case_and_an_unknown_one_is_neutral() {
        assert_eq!(Voice::named(" bill "), Voice::named("Bill"));
        assert!(Voice::named("Bill").is_some());
        assert_eq!(Voice::named("Nobody"), None);
        assert_eq!(Voice::or_neutral("Nobody"), NEUTRAL);
    }
}

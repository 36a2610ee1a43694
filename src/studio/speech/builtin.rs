//! Speech by the `espeak-ng` crate: samples, the time of every word, the phonemes inside it.

use std::path::{Path, PathBuf};

use espeak_ng::synthesize::setlengths::speed_duration_factor;
use espeak_ng::translate::select_phoneme_table;
use espeak_ng::{
    PhonemeCode, PhonemeData, Synthesizer, Translator, VoiceParams, install_bundled_languages,
    voices,
};

use super::{Utterance, Voice};
use crate::studio::listen;
use crate::studio::visemes::Cue;

/// Samples a second that the synthesiser makes.
const ENGINE_RATE: u32 = 22_050;
/// The engine's codes for the gaps between clauses and between words; each starts a new word.
const END_OF_CLAUSE: u8 = 0;
const END_OF_WORD: u8 = 15;

/// The engine, ready to speak.
///
/// It reads its tables from files, some hundred of them, so they are laid out in a folder of this value's own, which
/// goes with it.
pub(super) struct Speaker {
    folder: DataFolder,
}

impl Speaker {
    /// Lays the tables out.
    ///
    /// # Errors
    /// One line saying what failed.
    pub(super) fn new() -> Result<Self, String> {
        match DataFolder::new() {
            Ok(folder) => Ok(Self { folder }),
            Err(error) => Err(format!(
                "no room for the tables of the speech engine: {error}"
            )),
        }
    }

    /// Speaks `text`, `pace` times as fast as the voice's own pace.
    ///
    /// # Errors
    /// One line saying what failed.
    pub(super) fn say(&self, text: &str, voice: Voice, pace: f64) -> Result<Utterance, String> {
        say(&self.folder, text, voice, pace)
    }
}

fn say(folder: &DataFolder, text: &str, voice: Voice, pace: f64) -> Result<Utterance, String> {
    let language = if voice.british { "en" } else { "en-us" };
    let told = |error: espeak_ng::Error| error.to_string();

    let translator = Translator::new(language, Some(&folder.path)).map_err(told)?;
    let mut data = PhonemeData::load(&folder.path).map_err(told)?;
    select_phoneme_table(&mut data, &folder.path, language).map_err(told)?;
    let codes = translator.translate_to_codes(text).map_err(told)?;
    let synthesizer = Synthesizer::new(parameters(&folder.path, language, voice, pace));
    let (samples, words, _) = synthesizer
        .synthesize_codes_with_marks(&codes, &data)
        .map_err(told)?;

    let starts: Vec<f64> = words.iter().copied().map(seconds).collect();
    let cues = spread(&synthesizer, &codes, &data, &starts, &samples);
    let samples: Vec<f32> = samples
        .iter()
        .map(|value| f32::from(*value) / 32_768.0)
        .collect();
    Ok(Utterance {
        samples: listen::resample(&samples, ENGINE_RATE),
        cues: Some(cues),
        word_starts: starts,
    })
}

/// What the synthesiser needs to know for a voice at a pace.
fn parameters(folder: &Path, language: &str, voice: Voice, pace: f64) -> VoiceParams {
    // The engine counts speed in percent of its own normal length.
    let speed = 100.0 / speed_duration_factor(voice.words_per_minute) * pace;
    // Five and more are beyond what a voice can do; the lowest formant is left alone, it carries the vowel.
    let mut formants = [voice.formant_percent; 7];
    formants[0] = 100 + (voice.formant_percent - 100) / 2;
    let melody = f64::from(voice.melody_percent) / 100.0;
    let default = VoiceParams::default();
    let stress_lengths = voices::voice_stress_length(folder, language)
        .and_then(|lengths| lengths.get(..8).map(<[i32]>::to_vec))
        .map(|lengths| std::array::from_fn(|i| u32::try_from(lengths[i]).unwrap_or(0)));
    VoiceParams {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 20 and 800 after the clamp"
        )]
        speed_percent: speed.round().clamp(20.0, 800.0) as u32,
        pitch_hz: voice.pitch_hz,
        // A higher voice also rises further in Hz.
        pitch_range_units: default.pitch_range_units * melody * f64::from(voice.pitch_hz) / 80.0,
        stress_lengths,
        intonation_group: voices::voice_intonation(folder, language).map_or(1, usize::from),
        formant_freq_pct: formants,
        flutter: i32::from(voice.flutter),
        // The pause after the last word would count as speech.
        no_final_pause: true,
        user_rate_wpm: voice.words_per_minute,
        ..default
    }
}

/// Lays the phonemes of every word into the word's exact time.
///
/// The engine tells when a word starts but not when a phoneme does; the lengths it gives for phonemes are right
/// relative to each other.
fn spread(
    synthesizer: &Synthesizer,
    codes: &[PhonemeCode],
    data: &PhonemeData,
    starts: &[f64],
    samples: &[i16],
) -> Vec<Cue> {
    let mut cues = Vec::new();
    let words =
        codes.split(|code| code.is_boundary && matches!(code.code, END_OF_CLAUSE | END_OF_WORD));
    for (n, word) in words.enumerate() {
        let Some(&start) = starts.get(n) else { break };
        let limit = starts
            .get(n + 1)
            .copied()
            .unwrap_or_else(|| seconds(samples.len()));
        let end = last_sound(samples, start, limit);
        let phonemes = synthesizer.mbrola_phonemes(word, data);
        let total: u32 = phonemes.iter().map(|phoneme| phoneme.duration_ms).sum();
        if total == 0 || end <= start {
            continue;
        }
        let scale = (end - start) / f64::from(total);
        let mut at = start;
        for (i, phoneme) in phonemes.iter().enumerate() {
            let until = at + f64::from(phoneme.duration_ms) * scale;
            // A gap inside a word is the closed phase of the stop that follows.
            let name = match (phoneme.mnemonic.as_str(), phonemes.get(i + 1)) {
                ("_", Some(next)) => next.mnemonic.as_str(),
                (name, _) => name,
            };
            Cue::push_phoneme(&mut cues, name, at, until);
            at = until;
        }
    }
    cues
}

/// Where the sound between two times dies away, in seconds.
fn last_sound(samples: &[i16], start: f64, limit: f64) -> f64 {
    const SILENT: u16 = 160;
    let from = sample_at(start).min(samples.len());
    let to = sample_at(limit).clamp(from, samples.len());
    let last = samples[from..to]
        .iter()
        .rposition(|value| value.unsigned_abs() > SILENT);
    last.map_or(start, |last| seconds(from + last + 1))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "hours of sound are exact in a double"
)]
fn seconds(sample: usize) -> f64 {
    sample as f64 / f64::from(ENGINE_RATE)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are not negative and short"
)]
fn sample_at(seconds: f64) -> usize {
    (seconds * f64::from(ENGINE_RATE)).round() as usize
}

/// A folder with the engine's tables that nobody else can read or foresee; removed when dropped.
struct DataFolder {
    path: PathBuf,
}

impl DataFolder {
    fn new() -> std::io::Result<Self> {
        let name = format!("talkdeck-speech-{}", uuid::Uuid::new_v4().simple());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        // From here on the folder goes whatever happens.
        let folder = Self { path };
        install_bundled_languages(&folder.path, &["en"])?;
        Ok(folder)
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        // A folder that cannot be removed is left to the system's own cleaning; the speech is not affected.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

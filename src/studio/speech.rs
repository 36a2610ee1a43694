//! Speaks scripts, one after the other, so that they fit the video, with the engine that is there.
//!
//! In this order: the engine built in (feature `speech`), an installed `espeak-ng` program, else silence over which
//! the lips follow the letters. Speech that is too long is spoken faster, up to 1.6 times, everybody alike; what still
//! does not fit is cut after the last whole word, with a warning.

#[cfg(feature = "speech")]
mod builtin;
mod program;
mod rhythm;
mod voice;

use std::time::Duration;

use self::voice::Voice;
use super::dialogue::Track;
use super::visemes::Cue;
use super::{Error, Event, SAMPLES_PER_SECOND, Script};

/// Fastest pace, relative to the voice's own; beyond it words blur.
const MAX_PACE: f64 = 1.6;
/// Silence before the first word where there is room, in seconds; a mouth that speaks in the first frame looks cut.
const LEAD: f64 = 0.16;

/// Silence between two people, in seconds.
const PAUSE: f64 = 0.28;

/// Scripts, spoken to fit.
pub(super) struct Spoken {
    /// What each person says; none of it lies beyond the end of the video.
    pub(super) tracks: Vec<Track>,
    /// How long the scripts take at the voices' own pace.
    pub(super) natural: Duration,
}

/// What an engine made of a text.
struct Utterance {
    samples: Vec<f32>,
    cues: Option<Vec<Cue>>,
    /// When each spoken word starts, in seconds; empty when the engine does not tell.
    word_starts: Vec<f64>,
}

/// How a text is spoken on this machine.
enum Engine {
    #[cfg(feature = "speech")]
    Builtin(builtin::Speaker),
    Program,
    Mime,
}

/// One person's script on its way to be spoken.
struct Line {
    /// In one line.
    text: String,
    voice: Voice,
    engine: Engine,
    take: Utterance,
}

/// Speaks `scripts` in turn so that they last no longer than `room` seconds together.
///
/// # Errors
/// [`Error::EmptyScript`], [`Error::Cancelled`].
pub(super) fn speak(
    scripts: &[Script],
    room: f64,
    on_event: &mut dyn FnMut(Event),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Spoken, Error> {
    let mut lines = Vec::new();
    for (speaker, script) in scripts.iter().enumerate() {
        let line = Line::of(script, on_event, is_cancelled);
        lines.push(line.map_err(|error| error.of_speaker(speaker))?);
    }
    let natural = whole(&lines);
    let mut pace = 1.0;
    // Pauses and some consonants do not shrink with the pace, so it takes more than one step.
    while whole(&lines) > room && pace < MAX_PACE {
        pace = (pace * whole(&lines) / room * 1.005).clamp(pace * 1.01, MAX_PACE);
        for line in &mut lines {
            line.say(pace, is_cancelled)?;
        }
    }
    if whole(&lines) > room {
        on_event(Event::Warning(cut_all(&mut lines, room, natural)));
    } else if pace > 1.0 {
        let [last, are] = match &lines[..] {
            [_] => ["the script lasts", "is"],
            _ => ["the scripts last", "are"],
        };
        on_event(Event::Note(format!(
            "{last} {natural:.1} s and {are} spoken {pace:.2} times as fast to fit {room:.2} s"
        )));
    }
    let mut start = LEAD.min(room - whole(&lines)).max(0.0);
    let track = |Line { mut take, .. }| {
        let end = start + length(&take);
        shift(&mut take, start);
        level(&mut take.samples);
        start = end + PAUSE;
        Track {
            samples: take.samples,
            cues: take.cues,
        }
    };
    Ok(Spoken {
        tracks: lines.into_iter().map(track).collect(),
        natural: Duration::from_secs_f64(natural),
    })
}

impl Line {
    /// Speaks a script at its voice's own pace.
    fn of(
        script: &Script,
        on_event: &mut dyn FnMut(Event),
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, Error> {
        let text = plain(&script.text);
        if !text.chars().any(char::is_alphanumeric) {
            return Err(Error::EmptyScript { speaker: 0 });
        }
        let voice = Voice::or_neutral(&script.voice);
        if Voice::named(&script.voice).is_none() {
            on_event(Event::Note(format!(
                "the preview has no voice {:?} and uses a neutral one",
                script.voice
            )));
        }
        if foreign(&text) {
            on_event(Event::Warning(String::from(
                "the preview speaks English only; this script will sound wrong here, not at fal",
            )));
        }
        let (engine, take) = first_take(&text, voice, on_event, is_cancelled)?;
        Ok(Self {
            text,
            voice,
            engine,
            take,
        })
    }

    /// Speaks it again at another pace, if that can be done.
    fn say(&mut self, pace: f64, is_cancelled: &(dyn Fn() -> bool + Sync)) -> Result<(), Error> {
        if let Ok(take) = say(&self.engine, &self.text, self.voice, pace, is_cancelled)? {
            self.take = take;
        }
        Ok(())
    }
}

/// Seconds that all lines take with the pauses between them.
fn whole(lines: &[Line]) -> f64 {
    let spoken: f64 = lines.iter().map(|line| length(&line.take)).sum();
    spoken + PAUSE * count(lines.len().saturating_sub(1))
}

/// How long `text` lasts at the voice's own pace; `None` when nothing here can speak.
pub(super) fn natural_length(text: &str, voice_name: &str) -> Option<Duration> {
    let text = plain(text);
    if !text.chars().any(char::is_alphanumeric) {
        return Some(Duration::ZERO);
    }
    let (engine, take) =
        first_take(&text, Voice::or_neutral(voice_name), &mut |_| (), &|| false).ok()?;
    (!matches!(engine, Engine::Mime)).then(|| Duration::from_secs_f64(length(&take)))
}

/// Finds the first engine that speaks the text at its own pace.
fn first_take(
    text: &str,
    voice: Voice,
    on_event: &mut dyn FnMut(Event),
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(Engine, Utterance), Error> {
    let engines: Vec<Result<Engine, String>> = vec![
        #[cfg(feature = "speech")]
        builtin::Speaker::new().map(Engine::Builtin),
        Ok(Engine::Program),
    ];
    let mut reasons = Vec::new();
    for engine in engines {
        let engine = match engine {
            Ok(engine) => engine,
            Err(reason) => {
                reasons.push(reason);
                continue;
            }
        };
        match say(&engine, text, voice, 1.0, is_cancelled)? {
            Ok(take) if length(&take) > 0.0 => return Ok((engine, take)),
            Ok(_) => reasons.push(String::from("no sound came out")),
            Err(reason) => reasons.push(reason),
        }
    }
    on_event(Event::Warning(format!(
        "nothing here can speak this script ({}); the lips move to its letters over silence",
        reasons.join("; ")
    )));
    let take = rhythm::mime(text, voice.words_per_minute, 1.0);
    Ok((Engine::Mime, take))
}

fn say(
    engine: &Engine,
    text: &str,
    voice: Voice,
    pace: f64,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Result<Utterance, String>, Error> {
    if is_cancelled() {
        return Err(Error::Cancelled);
    }
    match engine {
        #[cfg(feature = "speech")]
        Engine::Builtin(speaker) => Ok(speaker.say(text, voice, pace).map(trimmed)),
        Engine::Program => Ok(program::say(text, voice, pace, is_cancelled)?.map(trimmed)),
        Engine::Mime => Ok(Ok(rhythm::mime(text, voice.words_per_minute, pace))),
    }
}

/// Makes one line of the text and takes out what an engine would read as a command.
fn plain(text: &str) -> String {
    text.split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether most letters are not Latin.
fn foreign(text: &str) -> bool {
    let letters = text.chars().filter(|letter| letter.is_alphabetic());
    let (latin, other): (Vec<char>, Vec<char>) = letters.partition(|letter| *letter < '\u{250}');
    other.len() > latin.len()
}

/// Takes the silence off the end.
fn trimmed(mut take: Utterance) -> Utterance {
    const SILENT: f32 = 0.004;
    let last = take.samples.iter().rposition(|value| value.abs() > SILENT);
    take.samples.truncate(last.map_or(0, |last| last + 1));
    take
}

#[expect(
    clippy::cast_precision_loss,
    reason = "hours of sound are exact in a double"
)]
fn length(take: &Utterance) -> f64 {
    take.samples.len() as f64 / f64::from(SAMPLES_PER_SECOND)
}

/// Cuts the lines where the video ends and tells what is lost.
fn cut_all(lines: &mut [Line], room: f64, natural: f64) -> String {
    let is_one = lines.len() == 1;
    let mut left = room;
    let mut lost = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let [it, its] = if is_one {
            ["it", "its"].map(str::to_owned)
        } else {
            ["", "’s"].map(|case| format!("script {number}{case}"))
        };
        let needed = length(&line.take);
        if left <= 0.0 {
            line.take.samples.clear();
            line.take.cues = line.take.cues.take().map(|_| Vec::new());
            lost.push(format!("{it} is not heard"));
        } else if needed > left {
            lost.push(match cut(&mut line.take, &line.text, left) {
                Some(place) => format!("{it} is cut {place}"),
                None => format!("not even {its} first word fits"),
            });
        }
        left -= needed + PAUSE;
    }
    let [they_last, do_not] = if is_one {
        ["the script lasts", "does not"]
    } else {
        ["the scripts last", "do not"]
    };
    let frames = floor((natural * f64::from(super::FRAMES_PER_SECOND)).ceil());
    format!(
        "{they_last} {natural:.1} s and {do_not} fit {room:.2} s even {MAX_PACE} times as fast: {}; \
         {frames} frames would hold it",
        lost.join(", ")
    )
}

/// Cuts after the last word that fits `room` seconds and tells which one that is; `None` when none does.
fn cut(take: &mut Utterance, text: &str, room: f64) -> Option<String> {
    // A word ends where the next one starts.
    let fitting = take
        .word_starts
        .iter()
        .skip(1)
        .filter(|start| **start <= room)
        .count();
    let end = match take.word_starts.get(fitting) {
        Some(next) if fitting > 0 => next.min(room),
        _ => room,
    };
    let words: Vec<&str> = text
        .split(' ')
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let total = words.len();
    let said = if take.word_starts.len() == total {
        fitting
    } else {
        // Numbers and abbreviations are several words when spoken: the share of the time has to do.
        let share = end / length(take) * count(total);
        floor(share)
    };
    let samples = floor(end * f64::from(SAMPLES_PER_SECOND));
    take.samples.truncate(samples);
    fade(&mut take.samples);
    if let Some(cues) = &mut take.cues {
        cues.retain(|cue| cue.start < end);
    }
    let last = words.get(said.checked_sub(1)?)?;
    Some(format!("after “{last}” (word {said} of {total})"))
}

/// Puts silence before the first word.
fn shift(take: &mut Utterance, lead: f64) {
    let silence = floor(lead * f64::from(SAMPLES_PER_SECOND));
    take.samples.splice(0..0, std::iter::repeat_n(0.0, silence));
    for cue in take.cues.iter_mut().flatten() {
        cue.start += lead;
        cue.end += lead;
    }
}

/// Brings speech to one loudness, whatever voice and engine.
fn level(samples: &mut [f32]) {
    let peak = samples
        .iter()
        .fold(0.0_f32, |peak, value| peak.max(value.abs()));
    if peak > 0.0 {
        for value in samples {
            *value *= 0.8 / peak;
        }
    }
}

/// Softens a cut.
fn fade(samples: &mut [f32]) {
    let count = (samples.len()).min(480);
    let start = samples.len() - count;
    for (n, value) in samples[start..].iter_mut().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "at most 480")]
        let part = n as f32 / count as f32;
        *value *= 1.0 - part;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of samples, frames and words"
)]
fn floor(value: f64) -> usize {
    value.max(0.0) as usize
}

#[expect(clippy::cast_precision_loss, reason = "a count of words")]
fn count(value: usize) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(seconds: f64, word_starts: &[f64]) -> Utterance {
        Utterance {
            samples: vec![0.5; floor(seconds * f64::from(SAMPLES_PER_SECOND))],
            cues: None,
            word_starts: word_starts.to_vec(),
        }
    }

    #[test]
    fn a_cut_falls_after_the_last_whole_word_and_names_it() {
        let mut long = take(2.0, &[0.0, 0.5, 1.1, 1.6]);
        let place = cut(&mut long, "never say never again", 1.2);
        assert_eq!(place.as_deref(), Some("after “say” (word 2 of 4)"));
        assert_eq!(long.samples.len(), 26_400);
        assert!(long.samples[26_399].abs() < 0.01, "the cut is soft");
    }

    #[test]
    fn a_single_word_longer_than_the_room_is_cut_inside() {
        let mut long = take(2.0, &[0.0]);
        let place = cut(&mut long, "antidisestablishmentarianism", 0.5);
        assert_eq!(place, None);
        assert_eq!(long.samples.len(), 12_000);
    }

    #[test]
    fn control_characters_and_line_breaks_become_spaces() {
        assert_eq!(plain("one\u{1}20S\r\n two\t"), "one 20S two");
    }

    #[test]
    fn foreign_scripts_are_noticed() {
        assert!(foreign("Привет, мир"));
        assert!(!foreign("Voilà, the naïve café"));
        assert!(!foreign("123"));
    }

    #[test]
    fn a_script_without_words_is_refused() {
        let scripts = ["Hello.", " … "].map(|text| script(text, "Bill"));
        let result = speak(&scripts, 2.0, &mut |_| (), &|| false);
        assert!(matches!(result, Err(Error::EmptyScript { speaker: 1 })));
    }

    fn script(text: &str, voice: &str) -> Script {
        Script {
            text: text.to_owned(),
            voice: voice.to_owned(),
        }
    }

    #[test]
    fn what_is_lost_of_two_scripts_is_told_of_each() {
        let line = |seconds: f64, word_starts: &[f64]| Line {
            text: "never say never again".to_owned(),
            voice: Voice::or_neutral("Bill"),
            engine: Engine::Mime,
            take: take(seconds, word_starts),
        };
        let starts = [0.0, 0.5, 1.1, 1.6];
        let told = |room: f64| {
            let mut lines = [line(2.0, &starts), line(2.0, &starts)];
            let told = cut_all(&mut lines, room, 6.0);
            assert!(length(&lines[0].take) + length(&lines[1].take) <= room);
            assert!(
                told.starts_with("the scripts last 6.0 s and do not fit"),
                "{told}"
            );
            assert!(told.ends_with("150 frames would hold it"), "{told}");
            told
        };
        let late = told(3.5);
        assert!(
            late.contains("fast: script 2 is cut after “say” (word 2 of 4);"),
            "{late}"
        );
        let early = told(1.2);
        let both = "script 1 is cut after “say” (word 2 of 4), script 2 is not heard";
        assert!(early.contains(both), "{early}");
    }

    #[cfg(feature = "speech")]
    mod with_engine {
        use super::*;

        /// A single script, spoken, and its natural length.
        fn spoken(text: &str, voice: &str, room: f64) -> (Track, Duration, Vec<Event>) {
            let mut events = Vec::new();
            let scripts = [script(text, voice)];
            let spoken = speak(&scripts, room, &mut |event| events.push(event), &|| false);
            let mut spoken = spoken.unwrap();
            (spoken.tracks.remove(0), spoken.natural, events)
        }

        /// The usual pitch in Hz: the middle one of many stretches, by the lag at which each repeats itself best.
        fn pitch(samples: &[f32]) -> u32 {
            const STRETCH: usize = 1_600;
            // Without the overtones that shape the vowels.
            let mut smooth = samples.to_vec();
            for _ in 0..2 {
                smooth = smooth
                    .windows(44)
                    .map(|part| part.iter().sum::<f32>())
                    .collect();
            }
            let likeness = |part: &[f32], lag: usize| -> f32 {
                let pairs = || part[..STRETCH - 400].iter().zip(&part[lag..]);
                let (product, powers) = pairs().fold((0.0, 0.0), |(product, powers), (a, b)| {
                    (product + a * b, powers + a * a + b * b)
                });
                2.0 * product / powers
            };
            let mut found: Vec<u32> = smooth
                .windows(STRETCH)
                .step_by(480)
                .filter_map(|part| {
                    let all: Vec<f32> = (70..400).map(|lag| likeness(part, lag)).collect();
                    let best = all.iter().copied().fold(0.0, f32::max);
                    // The first peak: twice the period repeats itself as well.
                    let first = all.windows(3).position(|near| {
                        near[1] > 0.92 * best && near[1] >= near[0] && near[1] >= near[2]
                    });
                    let first = u32::try_from(first.filter(|_| best > 0.8)? + 71).unwrap();
                    Some(24_000 / first)
                })
                .collect();
            found.sort_unstable();
            found[found.len() / 2]
        }

        #[test]
        fn voices_differ_in_pitch_and_pace() {
            let text = "A warm and sunny afternoon by the river.";
            let (bill, bills, _) = spoken(text, "Bill", 9.0);
            let (lily, _, _) = spoken(text, "Lily", 9.0);
            let (_, jessicas, _) = spoken(text, "Jessica", 9.0);
            let (low, high) = (pitch(&bill.samples), pitch(&lily.samples));
            assert!((60..150).contains(&low), "Bill {low} Hz");
            assert!((170..320).contains(&high), "Lily {high} Hz");
            assert!(bills > jessicas + Duration::from_millis(150));
        }

        #[test]
        fn phonemes_follow_each_other_within_the_sound() {
            let (spoken, _, _) = spoken("Seven big ships, moving slowly.", "Aria", 9.0);
            let cues = spoken.cues.unwrap();
            assert!(cues.len() > 20);
            assert!(
                cues.windows(2)
                    .all(|pair| pair[0].end <= pair[1].start + 1e-6)
            );
            let end = count(spoken.samples.len()) / f64::from(SAMPLES_PER_SECOND);
            assert!(cues.last().unwrap().end <= end + 0.05);
            assert!((cues[0].start - LEAD).abs() < 0.05);
        }

        #[test]
        fn an_unknown_voice_speaks_neutrally_and_says_so() {
            let (_, _, events) = spoken("Hello.", "Nobody", 3.0);
            assert!(matches!(&events[0], Event::Note(line) if line.contains("Nobody")));
        }

        #[test]
        fn the_length_told_is_the_length_spoken() {
            let told = natural_length("Hello there.", "Bill").unwrap();
            let (_, natural, _) = spoken("Hello there.", "Bill", 5.0);
            assert_eq!(told, natural);
            assert_eq!(natural_length(" ", "Bill"), Some(Duration::ZERO));
        }

        #[test]
        fn numbers_and_abbreviations_are_spoken() {
            let (_, natural, events) =
                spoken("In 2026, Dr. Who paid $1.50 for 3 apples.", "Eric", 9.0);
            assert!(events.is_empty(), "{events:?}");
            assert!(natural > Duration::from_secs(2));
        }

        #[test]
        fn people_speak_in_turn_and_all_of_them_faster_where_there_is_little_room() {
            let scripts = [
                script("How are you this morning?", "Sarah"),
                script("Very well, thank you.", "Roger"),
            ];
            let spoken = |room: f64| {
                let mut events = Vec::new();
                let spoken = speak(&scripts, room, &mut |event| events.push(event), &|| false);
                (spoken.unwrap(), events)
            };
            let first_heard = |track: &Track| track.samples.iter().position(|value| *value != 0.0);
            let (easy, events) = spoken(9.0);
            assert_eq!(events, []);
            let [first, second] = &easy.tracks[..] else {
                panic!("two people, two tracks")
            };
            let pause = first_heard(second).unwrap() - first.samples.len();
            assert!(pause.abs_diff(floor(PAUSE * 24_000.0)) < 200, "{pause}");

            let room = easy.natural.as_secs_f64() * 0.8;
            let (hasty, events) = spoken(room);
            assert!(
                matches!(&events[..], [Event::Note(line)] if line.contains("are spoken 1.")),
                "{events:?}"
            );
            let end = hasty.tracks[1].samples.len();
            assert!(end <= floor(room * 24_000.0) + 1, "{end}");
            assert!(hasty.tracks[0].samples.len() < first.samples.len());
        }
    }
}

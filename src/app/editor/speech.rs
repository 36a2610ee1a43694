//! How long what is said takes, and whether the frames hold it.

use std::time::Duration;

use super::Editor;
use crate::{
    app::Effect,
    catalog::FieldKind,
    model::{
        Arguments, Speech,
        speech::{self, Utterance, Verdict},
    },
};

/// The field that tells how long the video is.
const FRAMES: &str = "num_frames";

/// What is known of the lengths.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// What is said may have changed.
    stale: bool,
    /// What is said, in speaking order, and the fields of it.
    said: Vec<(String, Utterance)>,
    /// Words that were asked about last.
    asked: Vec<Utterance>,
    /// The last answer. Nothing on this machine may be able to speak.
    known: Vec<(Utterance, Option<Speech>)>,
    /// The frames were set by hand, or are those of a draft that was loaded.
    frames_are_chosen: bool,
}

impl Gauge {
    pub(super) const fn may_have_changed(&mut self) {
        self.stale = true;
    }
}

impl Editor {
    /// Looks at what is said anew; asks for the length of words that are new.
    pub(crate) fn measure(&mut self) -> Option<Effect> {
        if !std::mem::take(&mut self.gauge.stale) {
            return None;
        }
        let arguments = self.read().0;
        let fields = self.endpoint.heard(&arguments);
        let names = fields.iter().map(|speaker| speaker.speech.name.clone());
        self.gauge.said = names.zip(self.endpoint.utterances(&arguments)).collect();
        let is_open = |utterance: &Utterance| matches!(utterance, Utterance::Words { script, .. } if !script.trim().is_empty());
        let words = self.gauge.said.iter().map(|(_, said)| said);
        let words: Vec<_> = words.filter(|said| is_open(said)).cloned().collect();
        if words == self.gauge.asked {
            return None;
        }
        self.gauge.asked.clone_from(&words);
        if words.is_empty() {
            self.gauge.known.clear();
            return None;
        }
        Some(Effect::MeasureSpeech(words))
    }

    pub(crate) fn measured(&mut self, known: Vec<(Utterance, Option<Speech>)>) {
        self.gauge.known = known;
    }

    /// Whether the present words are still being measured.
    pub(crate) fn is_measuring(&self) -> bool {
        let known = self.gauge.known.iter().map(|(words, _)| words);
        !known.eq(&self.gauge.asked)
    }

    /// What is said by all together: while somebody types, it is the length of a moment ago.
    pub(crate) fn speech(&self) -> Option<Speech> {
        let mut words = self.gauge.known.iter().map(|(_, speech)| *speech);
        let mut one = |(field, said): &(String, Utterance)| match said {
            Utterance::Words { script, .. } if script.trim().is_empty() => None,
            Utterance::Words { .. } => words.next().flatten(),
            Utterance::Sound(_) => self.sound_length(field).map(Speech::of_sound),
        };
        let all: Option<Vec<_>> = self.gauge.said.iter().map(&mut one).collect();
        let all = all.filter(|all| !all.is_empty())?;
        Some(all.into_iter().sum())
    }

    /// How long the sound file in `field` is, as far as it was looked at.
    fn sound_length(&self, field: &str) -> Option<Duration> {
        let field = self.fields.iter().find(|f| f.field.name == field)?;
        field.finding.as_ref()?.as_ref().ok()?.length
    }

    /// What is said, in speaking order.
    pub(crate) fn said(&self) -> Vec<Utterance> {
        self.gauge
            .said
            .iter()
            .map(|(_, said)| said.clone())
            .collect()
    }

    /// Whether `field` holds what is said.
    pub(crate) fn is_said(&self, field: &str) -> bool {
        self.gauge.said.iter().any(|(name, _)| name == field)
    }

    /// How many people speak.
    pub(crate) fn speakers(&self) -> usize {
        self.gauge.said.len()
    }

    /// How long the video will be.
    pub(crate) fn video(&self) -> Option<Duration> {
        // The frames alone: this is asked for at every frame of the screen, and scripts are long.
        let frames = self
            .fields
            .iter()
            .find(|field| field.field.name == FRAMES)?
            .raw()
            .and_then(|raw| raw.trim().parse::<i64>().ok());
        let mut arguments = Arguments::new();
        if let Some(frames) = frames {
            arguments.set(FRAMES, frames);
        }
        self.endpoint.video_length(&arguments)
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        Some(self.speech()?.verdict(self.video()?))
    }

    /// What is lost of what is said, in a line; nothing when it is not surely too long.
    pub(crate) fn cut_off(&self) -> Option<String> {
        let (speech, video) = (self.speech()?, self.video()?);
        if speech.verdict(video) != Verdict::CutOff {
            return None;
        }
        speech::cut_off(&self.said(), speech, video)
    }

    /// Sets the frames so that they hold what is said; says why not where they cannot.
    pub(crate) fn fit_frames(&mut self) -> Result<Vec<Effect>, String> {
        let Some(speech) = self.speech() else {
            return Err("how long it is spoken is not known here".to_owned());
        };
        let Some((at, least, most)) = self.frames_field() else {
            return Err("this endpoint takes no frames".to_owned());
        };
        let wanted = i64::from(speech.frames()).max(least);
        let effects = self.set_frames(at, wanted.min(most));
        if wanted > most {
            return Err(format!(
                "it takes {speech}, more than the {most} frames that the endpoint makes; split it"
            ));
        }
        Ok(effects)
    }

    /// The frames of a sound file that was chosen just now: it tells its length, so nobody has to count. Frames that
    /// somebody chose stay.
    pub(super) fn follow_sound(&mut self) -> Vec<Effect> {
        let is_sound = |(_, said): &(String, Utterance)| matches!(said, Utterance::Sound(_));
        if self.gauge.frames_are_chosen || !self.gauge.said.iter().all(is_sound) {
            return vec![];
        }
        let (Some(speech), Some((at, least, most))) = (self.speech(), self.frames_field()) else {
            return vec![];
        };
        let wanted = i64::from(speech.frames()).clamp(least, most);
        if self.fields[at].raw() == Some(wanted.to_string()) {
            return vec![];
        }
        let effects = self.set_frames(at, wanted);
        self.gauge.frames_are_chosen = false;
        effects
    }

    /// From now on the frames are the user's own.
    pub(super) fn frames_chosen(&mut self, field: usize) {
        self.gauge.frames_are_chosen |= self
            .fields
            .get(field)
            .is_some_and(|field| field.field.name == FRAMES);
    }

    /// No file changes the frames from now on.
    pub(super) const fn frames_stay(&mut self) {
        self.gauge.frames_are_chosen = true;
    }

    /// Whether the frames of a draft that is loaded are somebody's choice.
    pub(super) fn look_at_frames(&mut self) {
        let frames = |field: &&super::FieldEditor| field.field.name == FRAMES;
        self.gauge.frames_are_chosen = self.fields.iter().find(frames).is_some_and(|field| {
            let default = field.field.default.as_ref().map(ToString::to_string);
            field.raw() != default
        });
    }

    fn frames_field(&self) -> Option<(usize, i64, i64)> {
        self.fields.iter().enumerate().find_map(|(at, field)| {
            match (field.field.name.as_str(), &field.field.kind) {
                (FRAMES, FieldKind::Integer { minimum, maximum }) => {
                    Some((at, minimum.unwrap_or(1), maximum.unwrap_or(i64::MAX)))
                }
                _ => None,
            }
        })
    }

    fn set_frames(&mut self, at: usize, frames: i64) -> Vec<Effect> {
        let before = self.draft();
        if let Some(text) = self.fields[at].text_mut() {
            text.replace(&frames.to_string());
        }
        self.remember(before);
        self.changed(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            Action, App, Message,
            message::FileFacts,
            testing::{act, app, app_that_measures, notice},
        },
        model::{ServerId, request::Confirm},
    };

    fn speech(seconds: f64) -> Speech {
        Speech {
            length: Duration::from_secs_f64(seconds),
            margin: Duration::from_millis(500),
        }
    }

    /// An app that has just been told how long its script is.
    fn told(seconds: f64) -> App {
        let mut app = app();
        tell(&mut app, seconds);
        app
    }

    fn tell(app: &mut App, seconds: f64) -> Vec<Effect> {
        let asked = app.editor.gauge.asked.clone().into_iter();
        let answer = asked.map(|words| (words, Some(speech(seconds))));
        app.update(Message::SpeechMeasured(answer.collect()))
    }

    fn submits(effects: &[Effect]) -> Option<bool> {
        effects.iter().find_map(|effect| match effect {
            Effect::Submit(wishes) => Some(wishes[0].consent.cut_off),
            _ => None,
        })
    }

    #[test]
    fn a_script_that_surely_does_not_fit_is_sent_at_the_second_wish_and_that_is_kept() {
        let mut app = told(9.0);
        let first = act(&mut app, Action::TryInPreview);
        assert_eq!(submits(&first), None);
        assert!(notice(&app).contains("cut off after"), "{}", notice(&app));
        let second = act(&mut app, Action::TryInPreview);
        assert_eq!(submits(&second), Some(true));
    }

    #[test]
    fn a_script_that_fits_or_may_fit_goes_out_at_once() {
        for seconds in [2.0, 5.9] {
            let mut app = told(seconds);
            let effects = act(&mut app, Action::TryInPreview);
            assert_eq!(submits(&effects), Some(false), "{seconds}");
        }
    }

    #[test]
    fn a_change_between_the_two_wishes_is_another_wish() {
        let mut app = told(9.0);
        act(&mut app, Action::TryInPreview);
        app.editor
            .set_text("text_input", "Another long script altogether.");
        tell(&mut app, 9.0);
        assert_eq!(submits(&act(&mut app, Action::TryInPreview)), None);
    }

    #[test]
    fn a_wish_waits_for_the_measure_that_is_under_way() {
        let (mut app, effects) = app_that_measures(ServerId::preview(), Confirm::Paid);
        assert!(matches!(effects.last(), Some(Effect::MeasureSpeech(_))));
        assert_eq!(submits(&act(&mut app, Action::TryInPreview)), None);
        assert_eq!(submits(&tell(&mut app, 2.0)), Some(false));
        assert_eq!(submits(&tell(&mut app, 2.0)), None, "once");
    }

    #[test]
    fn one_key_sets_the_frames_that_hold_the_script() {
        let mut app = told(9.0);
        act(&mut app, Action::FitFrames);
        assert_eq!(
            app.editor.draft().arguments.integer("num_frames"),
            Some(245)
        );
        assert_eq!(app.editor.verdict(), Some(Verdict::Fits));
        act(&mut app, Action::Undo);
        assert_eq!(
            app.editor.draft().arguments.integer("num_frames"),
            Some(145)
        );
        tell(&mut app, 60.0);
        act(&mut app, Action::FitFrames);
        assert!(
            notice(&app).contains("more than the 721 frames"),
            "{}",
            notice(&app)
        );
    }

    #[test]
    fn the_same_script_is_measured_once() {
        let mut app = app();
        assert_eq!(app.editor.measure(), None);
        app.editor.gauge.may_have_changed();
        assert_eq!(app.editor.measure(), None, "it is the same");
        app.editor.set_text("text_input", "Another one.");
        assert!(matches!(
            app.editor.measure(),
            Some(Effect::MeasureSpeech(_))
        ));
    }

    /// A deck with a draft for a picture and a sound file.
    fn with_sound() -> App {
        let mut app = app();
        let id = "fal-ai/infinitalk".parse().unwrap();
        let endpoint = app.catalog.get(&id).unwrap().clone();
        app.editor.switch(endpoint);
        app.editor.set_text("audio_url", "talk.wav");
        app.update(Message::Clock(app.now));
        app
    }

    fn inspected(app: &mut App, seconds: f64) -> Vec<Effect> {
        app.update(Message::FileInspected {
            field: "audio_url".to_owned(),
            path: "talk.wav".to_owned(),
            finding: Ok(FileFacts {
                format: "wav".into(),
                size: None,
                length: Some(Duration::from_secs_f64(seconds)),
                is_turned: false,
                bytes: 200_000,
            }),
        })
    }

    fn frames(app: &App) -> Option<i64> {
        app.editor.draft().arguments.integer("num_frames")
    }

    #[test]
    fn a_sound_file_sets_the_frames_and_undo_brings_the_old_ones_back() {
        let mut app = with_sound();
        inspected(&mut app, 9.0);
        assert_eq!(frames(&app), Some(237));
        assert_eq!(app.editor.verdict(), Some(Verdict::Fits));
        act(&mut app, Action::Undo);
        inspected(&mut app, 9.0);
        assert_eq!(frames(&app), Some(145));
        assert!(app.editor.cut_off().unwrap().starts_with("the sound takes"));
    }

    #[test]
    fn frames_that_somebody_chose_stay() {
        let mut app = with_sound();
        app.editor.set_text("num_frames", "200");
        inspected(&mut app, 9.0);
        assert_eq!(frames(&app), Some(200));
        assert_eq!(app.editor.verdict(), Some(Verdict::CutOff));
        act(&mut app, Action::FitFrames);
        assert_eq!(frames(&app), Some(237));
    }

    #[test]
    fn two_people_take_as_long_as_both_together() {
        let mut app = app();
        let id = "fal-ai/ai-avatar/multi-text".parse().unwrap();
        let endpoint = app.catalog.get(&id).unwrap().clone();
        app.editor.switch(endpoint);
        app.editor.set_text("first_text_input", "Good morning.");
        app.editor.set_text("second_text_input", "Good evening.");
        let Some(Effect::MeasureSpeech(words)) = app.editor.measure() else {
            panic!("they are new");
        };
        assert_eq!(words.len(), 2);
        let answer = words.into_iter().map(|words| (words, Some(speech(3.0))));
        app.update(Message::SpeechMeasured(answer.collect()));
        assert_eq!(app.editor.speech().unwrap().length, Duration::from_secs(6));
    }
}

//! How long the script is spoken, and whether the frames hold it.

use std::time::Duration;

use super::Editor;
use crate::{
    app::Effect,
    catalog::FieldKind,
    model::{Arguments, Speech, speech::Verdict},
};

/// What is known of the script's length.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    /// The script or the voice may have changed.
    stale: bool,
    /// The script and the voice that were asked about last.
    asked: Option<Script>,
    /// The last answer, and what it is about. Nothing on this machine may be able to speak.
    known: Option<(Script, Option<Speech>)>,
}

/// Words, and whose voice says them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The words.
    pub text: String,
    /// The voice's name; may be empty.
    pub voice: String,
}

impl Gauge {
    pub(super) const fn may_have_changed(&mut self) {
        self.stale = true;
    }
}

impl Editor {
    /// Asks for the length of a script that is new.
    pub(crate) fn measure(&mut self) -> Option<Effect> {
        if !std::mem::take(&mut self.gauge.stale) {
            return None;
        }
        let script = self.script();
        if script == self.gauge.asked {
            return None;
        }
        self.gauge.asked.clone_from(&script);
        if script.is_none() {
            self.gauge.known = None;
        }
        script.map(Effect::MeasureSpeech)
    }

    fn script(&self) -> Option<Script> {
        let name = &self.endpoint.script_field()?.name;
        let value = |name: &str| {
            let field = self.fields.iter().find(|field| field.field.name == name)?;
            field.raw()
        };
        Some(Script {
            text: value(name)?,
            voice: value("voice").unwrap_or_default(),
        })
    }

    pub(crate) fn measured(&mut self, script: Script, speech: Option<Speech>) {
        self.gauge.known = Some((script, speech));
    }

    /// Whether the present script is still being measured.
    pub(crate) fn is_measuring(&self) -> bool {
        let known = self.gauge.known.as_ref().map(|(script, _)| script);
        self.gauge.asked.as_ref() != known
    }

    /// The last that was measured: while somebody types, it is the length of a moment ago.
    pub(crate) fn speech(&self) -> Option<Speech> {
        self.gauge.known.as_ref()?.1
    }

    /// How long the video will be.
    pub(crate) fn video(&self) -> Option<Duration> {
        // The frames alone: this is asked for at every frame of the screen, and scripts are long.
        let frames = self
            .fields
            .iter()
            .find(|field| field.field.name == "num_frames")?
            .raw()
            .and_then(|raw| raw.trim().parse::<i64>().ok());
        let mut arguments = Arguments::new();
        if let Some(frames) = frames {
            arguments.set("num_frames", frames);
        }
        self.endpoint.video_length(&arguments)
    }

    pub(crate) fn verdict(&self) -> Option<Verdict> {
        Some(self.speech()?.verdict(self.video()?))
    }

    /// What is lost of the script, in a line; nothing when it is not surely too long.
    pub(crate) fn cut_off(&self) -> Option<String> {
        let (script, speech) = self.gauge.known.as_ref()?;
        (*speech)?.cut_off(&script.text, self.video()?)
    }

    /// Sets the frames so that they hold the script; says why not where they cannot.
    pub(crate) fn fit_frames(&mut self) -> Result<Vec<Effect>, String> {
        let Some(speech) = self.speech() else {
            return Err("the length of the script is not known here".to_owned());
        };
        let found = self.fields.iter().enumerate().find_map(|(at, field)| {
            match (field.field.name.as_str(), &field.field.kind) {
                ("num_frames", FieldKind::Integer { minimum, maximum }) => {
                    Some((at, minimum.unwrap_or(1), maximum.unwrap_or(i64::MAX)))
                }
                _ => None,
            }
        });
        let Some((at, least, most)) = found else {
            return Err("this endpoint takes no frames".to_owned());
        };
        let wanted = i64::from(speech.frames()).max(least);
        let before = self.draft();
        if let Some(text) = self.fields[at].text_mut() {
            text.replace(&wanted.min(most).to_string());
        }
        self.remember(before);
        let effects = self.changed(at);
        if wanted > most {
            return Err(format!(
                "the script takes {speech}, more than the {most} frames that the endpoint makes; split it"
            ));
        }
        Ok(effects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            Action, App, Message,
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
        let script = app.editor.script().unwrap();
        app.update(Message::SpeechMeasured {
            script,
            speech: Some(speech(seconds)),
        })
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
}

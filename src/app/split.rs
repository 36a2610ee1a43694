//! A script that is longer than a video can be, as several jobs.

use super::{App, Effect, action::Action, notice::Tone};
use crate::{
    catalog::FieldKind,
    model::{CleanText, SweepId, frames, speech, speech::Utterance},
};

impl App {
    /// Sets the frames so that they hold what is said; what no video of the endpoint holds is offered in parts.
    pub(super) fn fit_frames(&mut self) -> Vec<Effect> {
        match self.editor.fit_frames() {
            Ok(effects) => effects,
            Err(why) if self.parts().is_some() => {
                self.notices.tell(Tone::Warning, why);
                self.split_script()
            }
            Err(why) => {
                self.notices.tell(Tone::Warning, why);
                vec![]
            }
        }
    }

    /// The script in parts that each fit into the longest video of the endpoint, where it takes more than one.
    fn parts(&self) -> Option<Vec<(String, u32)>> {
        let editor = &self.editor;
        let said = editor.said();
        let [Utterance::Words { script, .. }] = said.as_slice() else {
            return None;
        };
        let FieldKind::Integer {
            minimum,
            maximum: Some(most),
        } = editor.endpoint.field("num_frames")?.kind
        else {
            return None;
        };
        let most = u32::try_from(most).ok()?;
        let least = u32::try_from(minimum.unwrap_or(1)).unwrap_or(1);
        let speech = editor.speech()?;
        let parts = speech::split(script, &speech, frames::duration_of(most));
        let frames = |(text, speech): (&str, crate::model::Speech)| {
            (text.to_owned(), speech.frames().clamp(least, most))
        };
        (parts.len() > 1).then(|| parts.into_iter().map(frames).collect())
    }

    /// Offers the parts as jobs: they are checked and measured, and asked about with their costs.
    pub(super) fn split_script(&mut self) -> Vec<Effect> {
        let (Some(parts), Some(field)) = (self.parts(), self.editor.endpoint.script_field()) else {
            self.notices
                .tell(Tone::Warning, "the script fits into one video");
            return vec![];
        };
        let script_field = field.name.clone();
        let draft = self.editor.draft();
        let base = self.wish(&draft, self.server.id.clone());
        let name = if draft.name.is_empty() {
            self.editor.endpoint.name_for(&draft.arguments)
        } else {
            draft.name
        };
        let (sweep, count) = (SweepId::random(), parts.len());
        let wish = |(at, (text, frames)): (usize, (String, u32))| {
            let mut wish = base.clone();
            wish.arguments.set(&script_field, text);
            wish.arguments.set("num_frames", frames);
            wish.name = CleanText::line(&format!("{name} {} of {count}", at + 1));
            wish.sweep = Some(sweep.clone());
            if !wish.server.is_preview() {
                wish.estimated_cost = self.editor.endpoint.estimate(&wish.arguments);
            }
            wish
        };
        let wishes = parts.into_iter().enumerate().map(wish).collect();
        vec![Effect::Weigh(wishes)]
    }

    /// Whether the script is longer than the longest video of the endpoint.
    pub(super) fn can_split(&self) -> bool {
        self.parts().is_some()
    }

    /// How `^S` words the way out of a script that is cut off.
    pub(super) fn way_out_of_cut(&self) -> String {
        let fit = self.keys_of(Action::FitFrames);
        if self.can_split() {
            format!("{fit} splits it at sentence ends")
        } else {
            format!("{fit} sets the frames")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        app::{
            Message,
            testing::{act, app, question, text},
        },
        model::Speech,
    };

    /// A deck whose script takes a minute.
    fn long() -> App {
        let mut app = app();
        let script = "Spend more time with people who make you feel alive. ".repeat(20);
        app.editor.set_text("text_input", script.trim());
        let Some(Effect::MeasureSpeech(words)) = app.editor.measure() else {
            panic!("it is new");
        };
        let speech = Speech {
            length: Duration::from_mins(1),
            margin: Duration::from_secs(6),
        };
        let answer = words.into_iter().map(|words| (words, Some(speech)));
        app.update(Message::SpeechMeasured(answer.collect()));
        app
    }

    #[test]
    fn a_script_that_no_video_holds_is_offered_in_parts_each_costed() {
        let mut app = long();
        let effects = act(&mut app, Action::FitFrames);
        let [Effect::Weigh(wishes)] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(wishes.len(), 3);
        let all: Vec<_> = wishes
            .iter()
            .map(|wish| wish.arguments.text("text_input").unwrap())
            .collect();
        assert_eq!(
            Some(all.join(" ").as_str()),
            app.editor.draft().arguments.text("text_input")
        );
        for (at, wish) in wishes.iter().enumerate() {
            assert!(
                wish.arguments
                    .text("text_input")
                    .unwrap()
                    .ends_with("alive.")
            );
            let frames = wish.arguments.integer("num_frames").unwrap();
            assert!((41..=721).contains(&frames) && frames % 4 == 1, "{frames}");
            assert!(wish.estimated_cost.is_some() && wish.sweep == wishes[0].sweep);
            assert!(wish.name.as_str().ends_with(&format!("{} of 3", at + 1)));
        }
        let wishes = wishes.clone();
        app.update(Message::Weighed(wishes));
        assert!(text(question(&app)).contains("Send 3 jobs"));
    }

    #[test]
    fn a_script_that_fits_is_not_split() {
        let mut app = app();
        assert!(!app.can_split());
        assert_eq!(app.split_script(), []);
    }
}

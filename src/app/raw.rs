//! All arguments as JSON, written in `$EDITOR`.

use serde_json::Value;

use super::{App, Effect, action::Action, effect::Written, notice::Tone};
use crate::model::Draft;

impl App {
    /// Opens the arguments as JSON; a text that was no JSON is offered again.
    pub(super) fn edit_raw(&mut self) -> Vec<Effect> {
        let mut effects = self.editor.stop_typing();
        let text = self.editor.raw.clone().unwrap_or_else(|| {
            let arguments = self.editor.draft().arguments;
            serde_json::to_string_pretty(&arguments).unwrap_or_else(|_| arguments.to_json())
        });
        effects.push(Effect::OpenEditor {
            what: Written::Arguments,
            text,
        });
        effects
    }

    /// What `$EDITOR` gave back. Names that the endpoint does not know stay, each in a row of its own.
    pub(super) fn take_raw(&mut self, text: String) -> Vec<Effect> {
        let refused = match serde_json::from_str(&text) {
            Ok(Value::Object(map)) => {
                self.editor.raw = None;
                let draft = Draft {
                    arguments: map.into(),
                    ..self.editor.draft()
                };
                let effects = self.editor.rewrite(&draft);
                if let Err((count, first)) = self.editor.check_all() {
                    let more = if count > 1 {
                        format!(" · {} more", count - 1)
                    } else {
                        String::new()
                    };
                    self.notices.tell(Tone::Warning, format!("{first}{more}"));
                }
                return effects;
            }
            Ok(_) => "the arguments are one JSON object, {\"name\": value, …}".to_owned(),
            Err(error) => format!("not JSON: {error}"),
        };
        self.editor.raw = Some(text);
        let again = match self.keys_of(Action::EditRaw) {
            "" => format!("raw in {}", self.keys_of(Action::OpenPalette)),
            keys => keys.to_owned(),
        };
        let text = format!("not taken · {refused} · {again} opens it again");
        self.notices.warn(Tone::Failed, text);
        vec![]
    }
}

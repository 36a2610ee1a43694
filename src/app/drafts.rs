//! Many drafts: named ones, templates, files.

use super::{
    App, Effect,
    action::Action,
    defaults,
    editor::text_field::TextField,
    effect::DraftTask,
    geometry::Pane,
    message::DraftNews,
    modal::{Answer, Chosen, Entry, Modal, Outcome, Pick},
    notice::Tone,
    wording::ago,
};
use crate::{
    catalog::{Endpoint, FieldKind},
    model::{
        CleanText, Draft,
        draft::{KeptDraft, Slot},
    },
};

/// A line that is asked for.
pub(crate) struct LineForm {
    pub(crate) title: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) text: TextField,
    purpose: LinePurpose,
}

/// What the line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinePurpose {
    NameDraft,
    NameTemplate,
    Import,
    Export,
}

impl LinePurpose {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NameDraft => ("Keep the draft as", "a name; the draft goes on under it"),
            Self::NameTemplate => (
                "Keep a template as",
                "a name; files and scripts are left out",
            ),
            Self::Import => (
                "Read a draft from",
                "a path: a draft, a job.json or plain arguments",
            ),
            Self::Export => (
                "Write the draft to",
                "a path of a new file, such as ~/teaser.json",
            ),
        }
    }
}

impl App {
    pub(super) fn report_on_drafts(&mut self, news: DraftNews) -> Vec<Effect> {
        match news {
            DraftNews::Listed(kept) => self.list_drafts(&kept),
            DraftNews::Added(slot) => self.draft_added(slot),
            DraftNews::Imported(draft) => self.load_draft(*draft),
            DraftNews::Exported(path) => {
                self.notices.tell(Tone::Done, format!("written to {path}"));
                vec![]
            }
        }
    }

    fn list_drafts(&mut self, kept: &[KeptDraft]) -> Vec<Effect> {
        let entry = |label: &str, aside: String, chosen| Entry {
            label: CleanText::line(label),
            aside: aside.into(),
            chosen,
        };
        let mut entries = Vec::new();
        for KeptDraft {
            slot,
            draft,
            saved_at,
        } in kept
        {
            let is_here = *slot == self.editor.slot;
            let (label, kind) = match slot {
                Slot::Editor => ("draft without a name".to_owned(), ""),
                Slot::Named(name) => (name.to_string(), ""),
                Slot::Template(name) => (name.to_string(), "template · "),
            };
            let age = if is_here {
                "open".to_owned()
            } else {
                ago(*saved_at, self.now)
            };
            let aside = format!("{kind}{} · {age}", draft.endpoint.short());
            entries.push(entry(
                &label,
                aside,
                Chosen::OpenDraft(slot.clone(), Box::new(draft.clone())),
            ));
        }
        let line = |label, purpose| entry(label, String::new(), Chosen::AskLine(purpose));
        entries.push(entry(
            "＋ begin anew with the defaults",
            String::new(),
            Chosen::Act(Action::NewDraft),
        ));
        entries.push(line(
            "＋ keep this draft under a name…",
            LinePurpose::NameDraft,
        ));
        entries.push(line(
            "＋ keep its values as a template…",
            LinePurpose::NameTemplate,
        ));
        entries.push(line("＋ read one from a JSON file…", LinePurpose::Import));
        entries.push(line(
            "＋ write this one to a JSON file…",
            LinePurpose::Export,
        ));
        for KeptDraft { slot, .. } in kept {
            if *slot != Slot::Editor {
                let label = format!("－ delete “{}”", slot.name());
                entries.push(entry(
                    &label,
                    String::new(),
                    Chosen::DropDraft(slot.clone()),
                ));
            }
        }
        self.modals
            .push(Modal::Pick(Box::new(Pick::new("Drafts", entries, 0))));
        vec![]
    }

    /// Opens what is kept in `slot`; of a template the values are taken, beside the files and scripts that are here.
    pub(super) fn open_draft(&mut self, slot: Slot, draft: &Draft) -> Vec<Effect> {
        let Some(endpoint) = self.catalog.get(&draft.endpoint).cloned() else {
            let text = format!("{} is not in the catalog", draft.endpoint);
            self.notices.tell(Tone::Warning, text);
            return vec![];
        };
        self.focus = Pane::Request;
        if let Slot::Template(name) = &slot {
            let draft = with_own(&endpoint, &self.editor.draft(), draft);
            let effects = self.editor.replace(endpoint, &draft);
            let key = self.keys_of(Action::Undo);
            let text = format!("values of “{name}” · {key} brings the ones before back");
            self.notices.tell(Tone::Done, text);
            return effects;
        }
        // What was typed last may not be on disk so far.
        let mut effects = vec![self.editor.keep()];
        effects.extend(self.editor.open(slot, endpoint, draft));
        self.find_origin();
        effects
    }

    pub(super) fn ask_line(&mut self, purpose: LinePurpose) -> Vec<Effect> {
        let (title, hint) = purpose.words();
        let text = match purpose {
            LinePurpose::NameDraft => self.editor.draft().name.to_string(),
            _ => String::new(),
        };
        self.modals.push(Modal::Line(Box::new(LineForm {
            title,
            hint,
            text: TextField::new(&text, false),
            purpose,
        })));
        vec![]
    }

    /// The line is done.
    pub(super) fn take_line(&mut self) -> Vec<Effect> {
        let Some(Modal::Line(form)) = self.modals.last() else {
            return vec![];
        };
        let (purpose, text) = (form.purpose, CleanText::line(form.text.text().trim()));
        if text.is_empty() {
            return vec![];
        }
        self.modals.pop();
        let draft = self.editor.draft();
        match purpose {
            LinePurpose::NameDraft => {
                let slot = Slot::Named(text);
                let effect = Effect::Drafts(DraftTask::Add { slot, draft });
                vec![effect]
            }
            LinePurpose::NameTemplate => {
                let slot = Slot::Template(text);
                let draft = without_own(&self.editor.endpoint, draft);
                vec![Effect::Drafts(DraftTask::Add { slot, draft })]
            }
            LinePurpose::Import => vec![Effect::Drafts(DraftTask::Import {
                path: text.to_string(),
                endpoint: draft.endpoint,
            })],
            LinePurpose::Export => vec![Effect::Drafts(DraftTask::Export {
                path: text.to_string(),
                draft,
            })],
        }
    }

    /// A draft was added under a name; whoever named one goes on with it.
    fn draft_added(&mut self, slot: Slot) -> Vec<Effect> {
        let text = match &slot {
            Slot::Template(name) => format!("template “{name}” kept"),
            _ => format!("draft “{}” kept; it goes on under this name", slot.name()),
        };
        self.notices.tell(Tone::Done, text);
        if matches!(slot, Slot::Named(_)) {
            // What was without a name has one now.
            let was = std::mem::replace(&mut self.editor.slot, slot);
            if was == Slot::Editor {
                return vec![Effect::Drafts(DraftTask::Drop(was))];
            }
        }
        vec![]
    }

    pub(super) fn ask_drop_draft(&mut self, slot: Slot) -> Vec<Effect> {
        let lines = vec![(
            Tone::Plain,
            "Jobs that were made from it stay as they are.".into(),
        )];
        let title = format!("Delete “{}”?", slot.name());
        let yes = Answer {
            key: 'y',
            label: "delete it",
            outcome: Outcome::DropDraft(slot),
        };
        self.ask_safely(title, lines, yes, "keep it");
        vec![]
    }

    pub(super) fn drop_draft(&mut self, slot: Slot) -> Vec<Effect> {
        let mut effects = Vec::new();
        if slot == self.editor.slot {
            // What is open goes on without a name.
            self.editor.slot = Slot::Editor;
            effects.push(self.editor.keep());
        }
        effects.push(Effect::Drafts(DraftTask::Drop(slot)));
        effects
    }

    /// Begins anew: where the open draft has a name, it is kept under it.
    pub(super) fn new_draft(&mut self) -> Vec<Effect> {
        let draft = defaults(&self.editor.endpoint);
        if self.editor.slot == Slot::Editor {
            return self.load_draft(draft);
        }
        self.open_draft(Slot::Editor, &draft)
    }
}

/// Whether a field is of one request alone: a file or the words.
fn is_own(endpoint: &Endpoint, name: &str) -> bool {
    endpoint.field(name).is_some_and(|field| {
        matches!(field.kind, FieldKind::File(_)) || field.name.ends_with("text_input")
    })
}

fn without_own(endpoint: &Endpoint, mut draft: Draft) -> Draft {
    for field in &endpoint.fields {
        if is_own(endpoint, &field.name) {
            draft.arguments.remove(&field.name);
        }
    }
    Draft {
        name: CleanText::default(),
        parent: None,
        ..draft
    }
}

/// The values of `template` with the files and words of `draft`.
fn with_own(endpoint: &Endpoint, draft: &Draft, template: &Draft) -> Draft {
    let mut arguments = template.arguments.clone();
    for (name, value) in draft.arguments.iter() {
        if is_own(endpoint, name) {
            arguments.set(name, value.clone());
        }
    }
    Draft {
        endpoint: template.endpoint.clone(),
        arguments,
        name: draft.name.clone(),
        parent: draft.parent.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;
    use crate::{
        app::{
            Message,
            testing::{act, app, draft, notice, press, question, type_text},
        },
        model::Timestamp,
    };

    fn kept(slot: Slot, voice: &str) -> KeptDraft {
        let mut draft = draft();
        draft.arguments.set("voice", voice);
        KeptDraft {
            slot,
            draft,
            saved_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn voice(app: &App) -> String {
        let arguments = app.editor.draft().arguments;
        arguments.text("voice").unwrap().to_owned()
    }

    /// Opens the list with `kept` in it and takes the entry that contains `text`.
    fn choose(app: &mut App, kept: Vec<KeptDraft>, text: &str) -> Vec<Effect> {
        assert_eq!(
            act(app, Action::OpenDrafts),
            [Effect::Drafts(DraftTask::List)]
        );
        app.update(Message::Drafts(DraftNews::Listed(kept)));
        type_text(app, text);
        act(app, Action::Accept)
    }

    #[test]
    fn a_draft_that_is_named_goes_on_under_its_name() {
        let mut app = app();
        choose(&mut app, vec![], "under a name");
        type_text(&mut app, "teaser");
        let effects = act(&mut app, Action::Accept);
        let slot = Slot::Named("teaser".into());
        let [Effect::Drafts(DraftTask::Add { slot: added, .. })] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(*added, slot);
        app.update(Message::Drafts(DraftNews::Added(slot.clone())));
        app.focus = Pane::Request;
        let effects = app.editor.set_text("text_input", "Another one.");
        assert!(
            matches!(&effects[0], Effect::SaveDraft { slot: saved, .. } if *saved == slot),
            "{effects:?}"
        );
    }

    #[test]
    fn another_draft_is_opened_and_the_one_before_is_written_first() {
        let mut app = app();
        app.editor.set_text("text_input", "Not on disk so far.");
        let teaser = kept(Slot::Named("teaser".into()), "Aria");
        let effects = choose(&mut app, vec![teaser], "teaser");
        let Effect::Drafts(DraftTask::Keep { slot, draft }) = &effects[0] else {
            panic!("{effects:?}");
        };
        assert_eq!(*slot, Slot::Editor);
        assert_eq!(
            draft.arguments.text("text_input"),
            Some("Not on disk so far.")
        );
        assert_eq!(voice(&app), "Aria");
        assert!(!app.editor.can_undo(), "undo does not mix two drafts");
    }

    #[test]
    fn a_template_brings_its_values_and_leaves_file_and_words() {
        let mut app = app();
        app.editor.set_text("text_input", "My own words.");
        let mut template = kept(Slot::Template("calm".into()), "Aria");
        template.draft = without_own(&app.editor.endpoint, template.draft);
        assert_eq!(template.draft.arguments.get("image_url"), None);
        choose(&mut app, vec![template], "calm");
        assert_eq!(voice(&app), "Aria");
        let draft = app.editor.draft();
        assert_eq!(draft.arguments.text("text_input"), Some("My own words."));
        assert_eq!(draft.arguments.text("image_url"), Some("face.png"));
        act(&mut app, Action::Undo);
        assert_eq!(voice(&app), "Bill");
    }

    #[test]
    fn deleting_asks_and_what_is_open_goes_on_without_a_name() {
        let mut app = app();
        let slot = Slot::Named("teaser".into());
        app.editor.slot = slot.clone();
        let effects = choose(&mut app, vec![kept(slot.clone(), "Aria")], "delete");
        assert_eq!(effects, []);
        assert_eq!(question(&app).selected, 1);
        let effects = press(&mut app, KeyCode::Char('y'));
        assert!(
            matches!(&effects[0], Effect::Drafts(DraftTask::Keep { slot, .. }) if *slot == Slot::Editor)
        );
        assert_eq!(effects[1], Effect::Drafts(DraftTask::Drop(slot)));
    }

    #[test]
    fn files_are_read_and_written_where_the_user_says() {
        let mut app = app();
        choose(&mut app, vec![], "write this one");
        type_text(&mut app, "~/x.json");
        let effects = act(&mut app, Action::Accept);
        assert!(
            matches!(&effects[0], Effect::Drafts(DraftTask::Export { path, .. }) if path == "~/x.json")
        );
        app.update(Message::Drafts(DraftNews::Exported(
            "/home/me/x.json".into(),
        )));
        assert!(notice(&app).contains("/home/me/x.json"));
        let read = Draft {
            name: "read".into(),
            ..draft()
        };
        app.update(Message::Drafts(DraftNews::Imported(Box::new(read))));
        assert_eq!(app.editor.draft().name.as_str(), "read");
    }
}

//! The request editor, without a screen.

use crossterm::event::KeyModifiers;
use serde_json::json;

use super::*;
use crate::{
    app::{
        Action, App, Message,
        geometry::Pane,
        message::PathEntry,
        testing::{act, app, draft, job},
    },
    catalog::{Catalog, MediaKind},
    model::JobState,
};

fn editor() -> Editor {
    let mut editor = Editor::new(Catalog::builtin().first().clone(), &draft()).0;
    editor.resize(Rect::new(0, 0, 50, 34));
    editor
}

fn go_to(editor: &mut Editor, name: &str) {
    let at = editor.fields.iter().position(|f| f.field.name == name);
    editor.select(at.unwrap() + OWN_ROWS);
}

fn type_into(editor: &mut Editor, name: &str, text: &str) -> Vec<Effect> {
    go_to(editor, name);
    assert!(editor.start_typing());
    editor.current_text().unwrap().replace("");
    let mut effects = Vec::new();
    for c in text.chars() {
        effects.extend(editor.key(KeyEvent::from(KeyCode::Char(c))));
    }
    effects.extend(editor.after_typing(true));
    effects.extend(editor.stop_typing());
    effects
}

fn fault(editor: &Editor, name: &str) -> Option<String> {
    let field = editor.fields.iter().find(|f| f.field.name == name).unwrap();
    field.fault.as_ref().map(|fault| fault.short.to_string())
}

fn switched_id() -> Endpoint {
    Catalog::builtin()
        .endpoints()
        .find(|endpoint| endpoint.id.as_str() == "fal-ai/infinitalk")
        .unwrap()
        .clone()
}

#[test]
fn a_draft_comes_out_as_it_went_in() {
    assert_eq!(editor().draft(), draft());
}

#[test]
fn every_file_is_looked_at_when_a_draft_is_loaded_but_no_address() {
    let (_, effects) = Editor::new(Catalog::builtin().first().clone(), &draft());
    let inspect = Effect::InspectFile {
        field: "image_url".into(),
        path: "face.png".into(),
        kind: MediaKind::Image,
    };
    assert_eq!(effects, [inspect]);
    let mut at_url = draft();
    at_url
        .arguments
        .set("image_url", "https://example.test/a.png");
    assert_eq!(
        Editor::new(Catalog::builtin().first().clone(), &at_url).1,
        []
    );
}

#[test]
fn each_change_is_kept_for_the_next_start() {
    let mut editor = editor();
    let effects = type_into(&mut editor, "prompt", "Hi");
    let Some(Effect::SaveDraft { draft: kept, .. }) = effects
        .iter()
        .rev()
        .find(|e| matches!(e, Effect::SaveDraft { .. }))
    else {
        panic!("{effects:?}")
    };
    assert_eq!(kept.arguments.text("prompt"), Some("Hi"));
}

#[test]
fn a_number_out_of_its_limits_is_a_fault_while_it_is_typed() {
    let mut editor = editor();
    type_into(&mut editor, "num_frames", "40");
    assert_eq!(
        fault(&editor, "num_frames").as_deref(),
        Some("only 41 to 721")
    );
    type_into(&mut editor, "num_frames", "41");
    assert_eq!(fault(&editor, "num_frames"), None);
    type_into(&mut editor, "num_frames", "many");
    assert_eq!(
        fault(&editor, "num_frames").as_deref(),
        Some("only 41 to 721")
    );
    assert_eq!(
        editor.draft().arguments.text("num_frames"),
        Some("many"),
        "what was typed is not lost"
    );
}

#[test]
fn an_empty_seed_is_left_out_of_the_arguments() {
    let mut editor = editor();
    type_into(&mut editor, "seed", "");
    assert_eq!(editor.draft().arguments.get("seed"), None);
    assert!(editor.check_all().is_ok());
}

#[test]
fn a_check_goes_to_the_first_fault_and_counts_them() {
    let mut editor = editor();
    type_into(&mut editor, "num_frames", "1");
    type_into(&mut editor, "text_input", " ");
    let (count, first) = editor.check_all().unwrap_err();
    assert_eq!(count, 2);
    assert_eq!(first.to_string(), "script: missing; it takes text");
    assert_eq!(editor.current().unwrap().field.name, "text_input");
}

#[test]
fn faults_of_fields_that_nobody_visited_are_not_shown() {
    let mut empty = draft();
    empty.arguments = Arguments::new();
    let editor = Editor::new(Catalog::builtin().first().clone(), &empty).0;
    assert!(editor.fields.iter().all(|field| !field.touched));
    assert!(editor.fields[0].fault.is_some());
}

#[test]
fn a_choice_steps_around_and_follows_letters() {
    let mut editor = editor();
    go_to(&mut editor, "voice");
    editor.step(true);
    assert_eq!(
        editor.draft().arguments.text("voice"),
        Some("Aria"),
        "around the end"
    );
    for want in ["Charlie", "Callum", "Charlotte", "Chris", "Charlie"] {
        editor.key_at_choice(KeyEvent::from(KeyCode::Char('c')));
        assert_eq!(editor.draft().arguments.text("voice"), Some(want));
    }
    assert_eq!(editor.key_at_choice(KeyEvent::from(KeyCode::Char('7'))), []);
}

#[test]
fn a_number_steps_within_its_limits() {
    let mut editor = editor();
    type_into(&mut editor, "num_frames", "720");
    for _ in 0..5 {
        editor.step(true);
    }
    assert_eq!(editor.draft().arguments.integer("num_frames"), Some(721));
    editor.step(false);
    assert_eq!(editor.draft().arguments.integer("num_frames"), Some(717));
    type_into(&mut editor, "num_frames", "147");
    editor.step(false);
    assert_eq!(editor.draft().arguments.integer("num_frames"), Some(145));
    type_into(&mut editor, "num_frames", "147");
    editor.step(true);
    assert_eq!(editor.draft().arguments.integer("num_frames"), Some(149));
    type_into(&mut editor, "seed", "7");
    editor.step(true);
    assert_eq!(editor.draft().arguments.integer("seed"), Some(8));
}

#[test]
fn a_pasted_path_takes_the_place_of_the_old_one_and_a_piece_is_added() {
    let mut editor = editor();
    let pasted = |editor: &mut Editor, text: &str| {
        editor.paste(text);
        editor
            .draft()
            .arguments
            .text("image_url")
            .map(str::to_owned)
    };
    type_into(&mut editor, "image_url", "face");
    editor.start_typing();
    assert_eq!(pasted(&mut editor, ".png").as_deref(), Some("face.png"));
    assert_eq!(
        pasted(&mut editor, "file:///home/a/my%20face.png").as_deref(),
        Some("/home/a/my face.png")
    );
    // The new one goes, then the old one comes back.
    editor.undo_typing(true);
    editor.undo_typing(true);
    let undone = editor
        .draft()
        .arguments
        .text("image_url")
        .map(str::to_owned);
    assert_eq!(undone.as_deref(), Some("face.png"));
}

#[test]
fn another_endpoint_keeps_the_fields_of_the_same_name() {
    let mut editor = editor();
    type_into(&mut editor, "seed", "");
    editor.switch(switched_id());
    let draft = editor.draft();
    assert_eq!(draft.endpoint.as_str(), "fal-ai/infinitalk");
    assert_eq!(draft.arguments.text("image_url"), Some("face.png"));
    assert_eq!(draft.arguments.text("prompt"), Some("A man talks."));
    assert_eq!(draft.arguments.get("voice"), None);
    assert_eq!(draft.arguments.get("seed"), None, "an open seed stays open");
}

#[test]
fn undo_between_fields_takes_back_whole_changes_and_redo_makes_them_again() {
    let mut editor = editor();
    let before = editor.draft();
    type_into(&mut editor, "prompt", "Another scene.");
    let typed = editor.draft();
    editor.switch(switched_id());
    let catalog = Catalog::builtin();
    let find = |draft: &Draft| catalog.get(&draft.endpoint).cloned();
    editor.travel(true, find);
    assert_eq!(editor.draft(), typed);
    editor.travel(true, find);
    assert_eq!(editor.draft(), before);
    assert_eq!(editor.travel(true, find), [], "there is nothing before");
    editor.travel(false, find);
    assert_eq!(editor.draft(), typed);
}

#[test]
fn a_value_that_is_no_choice_is_shown_as_it_is_and_is_a_fault() {
    let mut odd = draft();
    odd.arguments.set("voice", "Nobody");
    let mut editor = Editor::new(Catalog::builtin().first().clone(), &odd).0;
    assert_eq!(editor.draft().arguments.text("voice"), Some("Nobody"));
    assert!(editor.check_all().is_err());
    assert_eq!(
        fault(&editor, "voice").as_deref(),
        Some("not one of the choices")
    );
}

#[test]
fn a_finding_for_a_path_that_was_changed_meanwhile_is_dropped() {
    let mut editor = editor();
    type_into(&mut editor, "image_url", "new.png");
    editor.inspected("image_url", "face.png", Err("no such file".into()));
    assert_eq!(fault(&editor, "image_url"), None);
    editor.inspected("image_url", "new.png", Err("no such file".into()));
    assert_eq!(fault(&editor, "image_url").as_deref(), Some("no such file"));
    assert!(editor.check_all().is_err(), "it would be refused anyway");
}

#[test]
fn a_file_is_looked_at_when_its_field_is_left() {
    let mut editor = editor();
    let effects = type_into(&mut editor, "image_url", "a.png");
    let looked: Vec<_> = effects
        .iter()
        .filter(|e| matches!(e, Effect::InspectFile { .. }))
        .collect();
    assert_eq!(
        looked,
        [&Effect::InspectFile {
            field: "image_url".into(),
            path: "a.png".into(),
            kind: MediaKind::Image,
        }]
    );
}

#[test]
fn what_the_server_refused_stands_at_the_field_until_it_is_changed() {
    let mut editor = editor();
    let faults = [FieldError::new("image_url", "no face found")];
    let other = serde_json::from_value(json!({"image_url": "other.png"})).unwrap();
    assert!(
        !editor.refuse(&other, &faults),
        "it was about another draft"
    );
    assert!(editor.refuse(&draft().arguments, &faults));
    assert_eq!(
        fault(&editor, "image_url").as_deref(),
        Some("no face found")
    );
    type_into(&mut editor, "image_url", "b.png");
    assert_eq!(fault(&editor, "image_url"), None);
}

#[test]
fn tab_in_a_path_lists_its_directory_and_goes_on_when_it_comes() {
    let mut editor = editor();
    go_to(&mut editor, "image_url");
    editor.start_typing();
    editor.current_text().unwrap().replace("~/fa");
    assert_eq!(
        editor.complete(),
        Some(vec![Effect::ListPaths { dir: "~/".into() }])
    );
    let entry = PathEntry::dir("faces");
    editor.paths_listed("~/".into(), vec![entry]);
    assert_eq!(editor.draft().arguments.text("image_url"), Some("~/faces/"));
}

#[test]
fn tab_outside_of_paths_completes_nothing() {
    let mut editor = editor();
    go_to(&mut editor, "prompt");
    editor.start_typing();
    assert_eq!(editor.complete(), None);
}

#[test]
fn enter_ends_a_single_line_and_is_a_line_feed_in_a_text() {
    let mut editor = editor();
    go_to(&mut editor, "seed");
    editor.start_typing();
    editor.key(KeyEvent::from(KeyCode::Enter));
    assert!(!editor.typing);
    go_to(&mut editor, "prompt");
    editor.start_typing();
    editor.key(KeyEvent::from(KeyCode::Enter));
    assert!(editor.typing);
    assert_eq!(
        editor.draft().arguments.text("prompt"),
        Some("A man talks.\n")
    );
}

#[test]
fn undo_inside_a_field_is_about_its_text() {
    let mut editor = editor();
    go_to(&mut editor, "prompt");
    editor.start_typing();
    editor.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL));
    assert_ne!(editor.draft(), draft());
    editor.undo_typing(true);
    assert_eq!(editor.draft(), draft());
}

#[test]
fn what_the_users_editor_gives_back_ends_without_its_last_line_feed() {
    let mut editor = editor();
    editor.set_text("text_input", "New words.\n");
    assert_eq!(
        editor.draft().arguments.text("text_input"),
        Some("New words.")
    );
}

#[test]
fn only_edits_since_the_last_submit_count_as_unsent() {
    let mut editor = editor();
    assert!(!editor.is_unsent());
    type_into(&mut editor, "prompt", "Other.");
    assert!(editor.is_unsent());
    editor.sent(editor.draft());
    assert!(!editor.is_unsent());
}

#[test]
fn what_differs_from_the_parent_is_known_and_a_repetition_is_seen() {
    let mut app = app();
    let parent = job(1, JobState::Completed);
    app.update(Message::JobsLoaded(vec![parent.clone()]));
    app.focus = Pane::Jobs;
    act(&mut app, Action::EditJob);
    assert!(app.editor.repeats());
    let was = |app: &App, name: &str| {
        let field = app
            .editor
            .fields
            .iter()
            .find(|f| f.field.name == name)
            .unwrap();
        app.editor.was(field).map(|was| was.to_string())
    };
    assert_eq!(was(&app, "voice"), None);
    app.editor.set_text("text_input", "Another script.");
    assert!(!app.editor.repeats());
    assert_eq!(was(&app, "text_input").as_deref(), Some("Hello there."));
    act(&mut app, Action::Undo);
    assert!(app.editor.repeats());
    act(&mut app, Action::NewSeed);
    assert!(!app.editor.repeats());
    assert_eq!(was(&app, "seed").as_deref(), Some("42"));
    act(&mut app, Action::Undo);
    assert!(app.editor.repeats());
}

use std::time::Duration;

use super::*;
use crate::app::{
    Action, Message,
    testing::{act, app, press, type_text},
};

fn entry(name: &str) -> PathEntry {
    PathEntry {
        name: name.trim_end_matches('/').to_owned(),
        is_dir: name.ends_with('/'),
        bytes: 1_000,
    }
}

fn facts() -> FileFacts {
    FileFacts {
        format: "png".into(),
        size: Some((1000, 1000)),
        is_turned: false,
        length: Some(Duration::ZERO),
        bytes: 1_000,
    }
}

fn list(app: &mut App, dir: &str, names: &[&str]) -> Vec<Effect> {
    app.update(Message::PathsListed {
        dir: dir.to_owned(),
        entries: names.iter().map(|name| entry(name)).collect(),
    })
}

/// A deck whose picture is `path`, with the picker open on these files; and what was asked for with them.
fn picker(path: &str, names: &[&str]) -> (App, Vec<Effect>) {
    let mut app = app();
    app.editor.set_text("image_url", path);
    let dir = paths::split(path).0.to_owned();
    let effects = act(&mut app, Action::PickFile);
    assert!(effects.contains(&Effect::ListPaths { dir: dir.clone() }));
    let effects = list(&mut app, &dir, names);
    (app, effects)
}

fn looked_at(effects: &[Effect]) -> Vec<&str> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::LookAtFile { path, .. } => Some(path.as_str()),
            _ => None,
        })
        .collect()
}

fn answer(app: &mut App, path: &str, finding: Result<FileFacts, CleanText>) -> Vec<Effect> {
    let path = path.to_owned();
    app.update(Message::FileLooked { path, finding })
}

fn shown(app: &mut App) -> Vec<String> {
    let pick = app.files_mut().unwrap();
    pick.rows().map(|entry| entry.name.clone()).collect()
}

fn image(app: &App) -> String {
    let arguments = app.editor.draft().arguments;
    arguments.text("image_url").unwrap().to_owned()
}

#[test]
fn directories_come_first_hidden_files_only_when_asked_for_and_the_fields_file_is_selected() {
    let (mut app, _) = picker("~/f/b.png", &["b.png", ".x.png", "A.png", "old/"]);
    assert_eq!(shown(&mut app), ["..", "old", "A.png", "b.png"]);
    assert_eq!(app.files_mut().unwrap().current().unwrap().name, "b.png");
    type_text(&mut app, "a");
    assert_eq!(shown(&mut app), ["A.png"]);
    press(&mut app, KeyCode::Backspace);
    type_text(&mut app, ".");
    assert_eq!(shown(&mut app), [".x.png", "A.png", "b.png"]);
}

#[test]
fn what_is_in_sight_is_looked_at_a_few_at_a_time_and_old_answers_are_dropped() {
    let names: Vec<String> = (0..500).map(|n| format!("{n:03}.png")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (mut app, effects) = picker("f/", &names);
    assert_eq!(looked_at(&effects), ["f/000.png", "f/001.png", "f/002.png"]);
    let effects = answer(&mut app, "f/001.png", Ok(facts()));
    assert_eq!(looked_at(&effects), ["f/003.png"]);
    let mut path = "f/000.png".to_owned();
    let mut asked = 0;
    // Answered one after the other, it comes to an end at the edge of the screen.
    while asked < 500 {
        let effects = answer(&mut app, &path, Ok(facts()));
        match looked_at(&effects).first() {
            Some(next) => path = (*next).to_owned(),
            None => break,
        }
        asked += 1;
    }
    assert!(asked <= app.file_rows(), "{asked}");
    press(&mut app, KeyCode::Left);
    list(&mut app, "", &["f/", "000.png"]);
    answer(&mut app, "f/003.png", Ok(facts()));
    let pick = app.files_mut().unwrap();
    assert_eq!(pick.facts(&entry("003.png")), None);
    assert_eq!(pick.current().unwrap().name, "f", "where one came from");
}

#[test]
fn enter_opens_a_directory_and_takes_a_file_once_it_is_known_to_be_one() {
    let (mut app, _) = picker("f/", &["old/"]);
    press(&mut app, KeyCode::Down);
    act(&mut app, Action::Down);
    let effects = act(&mut app, Action::Accept);
    assert!(effects.contains(&Effect::ListPaths {
        dir: "f/old/".into()
    }));
    list(&mut app, "f/old/", &["a.png", "b.png"]);
    act(&mut app, Action::Down);
    assert_eq!(act(&mut app, Action::Accept), []);
    let why = Err("is empty; name another file".into());
    answer(&mut app, "f/old/a.png", why);
    assert_eq!(act(&mut app, Action::Accept), [], "refused");
    act(&mut app, Action::Down);
    act(&mut app, Action::Accept);
    assert_eq!(image(&app), "f/");
    let effects = answer(&mut app, "f/old/b.png", Ok(facts()));
    assert_eq!(image(&app), "f/old/b.png");
    assert!(app.modals.is_empty());
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::InspectFile { .. }))
    );
    // The next one begins where this one was found.
    app.editor.set_text("image_url", "");
    let effects = act(&mut app, Action::PickFile);
    assert!(effects.contains(&Effect::ListPaths {
        dir: "f/old/".into()
    }));
}

#[test]
fn the_way_up_ends_at_the_root_and_a_typed_directory_is_gone_to() {
    for (from, up) in [
        ("/a/b/x.png", Some("/a/")),
        ("/a/x.png", Some("/")),
        ("/x.png", None),
        ("x.png", Some("../")),
        ("../x.png", Some("../../")),
        ("a/x.png", Some("")),
        ("~/x.png", Some("~/../")),
    ] {
        let (mut app, _) = picker(from, &["x.png"]);
        let effects = press(&mut app, KeyCode::Left);
        let listed = effects.iter().find_map(|effect| match effect {
            Effect::ListPaths { dir } => Some(dir.as_str()),
            _ => None,
        });
        assert_eq!(listed, up, "{from}");
    }
    let (mut app, _) = picker("f/", &[]);
    type_text(&mut app, "~/pictures");
    let effects = press(&mut app, KeyCode::Char('/'));
    assert!(effects.contains(&Effect::ListPaths {
        dir: "~/pictures/".into()
    }));
}

#[test]
fn a_name_that_acts_on_the_terminal_is_not_taken() {
    let (mut app, _) = picker("f/", &["evil\u{1b}[2J.png", "song.mp3"]);
    let pick = app.files_mut().unwrap();
    let why = |name: &str| pick.refusal(&entry(name)).map(|why| why.to_string());
    assert!(why("evil\u{1b}[2J.png").unwrap().contains("rename it"));
    assert_eq!(why("song.mp3").unwrap(), "not known as a picture");
    assert_eq!(why("good.png"), None);
}

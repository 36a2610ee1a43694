//! What can be done with a job, in which state.

use crossterm::event::KeyCode;
use serde_json::json;

use super::*;
use crate::{
    app::{
        Message,
        testing::{act, app_with, draft, id, job, notice, press, type_text},
    },
    catalog::{Catalog, Endpoint},
    model::{RequestId, Timestamp, job::FileKind, job::SavedFile},
};

const UNCONFIRMED: JobState = JobState::Unconfirmed {
    since: Timestamp::UNIX_EPOCH,
};

fn on(state: JobState, action: Action) -> (App, Vec<Effect>) {
    let mut app = app_with(vec![job(1, state)]);
    let effects = act(&mut app, action);
    (app, effects)
}

fn question(app: &App) -> Option<&Ask> {
    match app.modals.last() {
        Some(Modal::Ask(ask)) => Some(ask),
        _ => None,
    }
}

#[test]
fn a_cancel_is_asked_about_and_does_not_promise_that_it_is_free() {
    let (mut app, effects) = on(JobState::InProgress, Action::CancelJob);
    assert_eq!(effects, []);
    let lines = &question(&app).unwrap().lines;
    assert!(
        lines
            .iter()
            .any(|(_, line)| line.as_str().contains("may still finish and be billed"))
    );
    assert_eq!(act(&mut app, Action::Accept), [Effect::Cancel(id(1))]);
}

#[test]
fn only_what_is_under_way_can_be_cancelled_and_the_rest_says_why_not() {
    for (state, want) in [
        (JobState::Completed, "has ended"),
        (JobState::Failed, "has ended"),
        (UNCONFIRMED, "no request id"),
    ] {
        let (app, effects) = on(state, Action::CancelJob);
        assert_eq!(effects, []);
        assert!(question(&app).is_none());
        assert!(notice(&app).contains(want), "{}", notice(&app));
    }
    let mut asked = job(1, JobState::InProgress);
    asked.cancel_requested = true;
    let mut app = app_with(vec![asked]);
    act(&mut app, Action::CancelJob);
    assert!(notice(&app).contains("requested already"));
}

#[test]
fn a_record_is_deleted_only_after_the_job_has_ended_and_after_a_yes() {
    for state in [JobState::InProgress, UNCONFIRMED, JobState::QueuedLocally] {
        let (app, _) = on(state, Action::DeleteJob);
        assert!(question(&app).is_none());
    }
    let (mut app, effects) = on(JobState::Completed, Action::DeleteJob);
    assert_eq!(effects, []);
    assert_eq!(act(&mut app, Action::Accept), [Effect::DeleteRecord(id(1))]);
    assert_eq!(app.jobs.len(), 1, "it goes when the store says so");
    app.update(Message::RecordDeleted(id(1)));
    assert_eq!(app.jobs.len(), 0);
}

#[test]
fn a_copy_goes_into_the_editor_and_remembers_where_it_is_from() {
    let mut old = job(1, JobState::Failed);
    old.arguments.set("voice", "Aria");
    let mut app = app_with(vec![old]);
    act(&mut app, Action::EditJob);
    assert_eq!(app.focus, Pane::Request);
    let copy = app.editor.draft();
    assert_eq!(copy.arguments.text("voice"), Some("Aria"));
    assert_eq!((copy.parent, copy.name.as_str()), (Some(id(1)), "job 1"));
    act(&mut app, Action::Undo);
    assert_eq!(
        app.editor.draft(),
        draft(),
        "the draft before is a key away"
    );
}

#[test]
fn unsent_edits_are_replaced_only_after_a_yes_and_come_back_by_undo() {
    let mut app = app_with(vec![job(1, JobState::Completed)]);
    act(&mut app, Action::FocusRequest);
    act(&mut app, Action::EditField);
    type_text(&mut app, " Edited.");
    let edited = {
        act(&mut app, Action::Leave);
        app.editor.draft()
    };
    act(&mut app, Action::FocusJobs);
    act(&mut app, Action::EditJob);
    assert!(question(&app).is_some());
    assert_eq!(app.editor.draft(), edited);
    press(&mut app, KeyCode::Char('y'));
    assert_eq!(app.editor.draft().parent, Some(id(1)));
    act(&mut app, Action::Undo);
    assert_eq!(app.editor.draft(), edited);
}

#[test]
fn a_job_of_an_endpoint_that_is_not_known_is_edited_once_the_server_has_described_it() {
    let mut old = job(1, JobState::Completed);
    old.endpoint = "someone/else".parse().unwrap();
    old.arguments = serde_json::from_value(json!({"prompt": "Hi", "gone": 1})).unwrap();
    let mut app = app_with(vec![old.clone()]);
    let asked = act(&mut app, Action::EditJob);
    assert_eq!(asked, [Effect::LoadEndpoint(old.endpoint.clone())]);
    assert_eq!(app.editor.draft(), draft());
    app.update(Message::EndpointMissing {
        id: old.endpoint.clone(),
        reason: "cannot reach fal.ai".into(),
    });
    assert!(notice(&app).contains("cannot reach fal.ai"));
    assert_eq!(app.editor.draft(), draft());
    act(&mut app, Action::EditJob);
    let described = Endpoint {
        id: old.endpoint.clone(),
        ..app.catalog.first().clone()
    };
    let effects = app.update(Message::EndpointLoaded {
        id: old.endpoint.clone(),
        catalog: Catalog::clone(&app.catalog).with(described),
        change: None,
    });
    assert!(effects.contains(&Effect::LoadPrices), "{effects:?}");
    let now = app.editor.draft();
    assert_eq!(
        (&now.endpoint, now.arguments.text("prompt")),
        (&old.endpoint, Some("Hi"))
    );
}

#[test]
fn arguments_that_the_endpoint_does_not_have_are_left_out_loudly() {
    let mut old = job(1, JobState::Completed);
    old.arguments.set("speed", 2);
    let mut app = app_with(vec![old]);
    act(&mut app, Action::EditJob);
    assert_eq!(app.editor.draft().arguments.get("speed"), None);
    act(&mut app, Action::Down);
    assert!(notice(&app).contains("speed"), "{}", notice(&app));
}

#[test]
fn only_a_finished_job_has_something_to_download() {
    let (app, effects) = on(JobState::InProgress, Action::DownloadJob);
    assert_eq!(effects, []);
    assert!(notice(&app).contains("no result"));
    // Also of a job that failed because its file could not be fetched: it is paid for.
    for state in [JobState::Completed, JobState::Failed] {
        let mut ended = job(1, state);
        ended.output = Some(json!({"video": {"url": "https://v3.fal.media/out.mp4"}}));
        let mut app = app_with(vec![ended]);
        let effects = act(&mut app, Action::DownloadJob);
        assert_eq!(effects, [Effect::Download(id(1))]);
    }
}

#[test]
fn the_copy_list_has_what_the_job_has() {
    let labels = |app: &mut App| -> Vec<String> {
        act(app, Action::CopyFromJob);
        let pick = app.pick_mut().unwrap();
        pick.entries
            .iter()
            .map(|entry| entry.label.to_string())
            .collect()
    };
    let mut app = app_with(vec![job(1, JobState::InProgress)]);
    assert_eq!(labels(&mut app), ["arguments as JSON", "job id"]);
    let mut done = job(1, JobState::Completed);
    done.request_id = Some(RequestId::new("abc"));
    done.output = Some(json!({"video": {"url": "https://v3.fal.media/x.mp4"}}));
    done.files = vec![SavedFile {
        path: "/r/x.mp4".into(),
        kind: FileKind::Video,
        bytes: 1,
    }];
    let mut app = app_with(vec![done]);
    assert_eq!(
        labels(&mut app),
        [
            "video URL",
            "request id",
            "path",
            "arguments as JSON",
            "job id"
        ]
    );
    let copied = Effect::Copy {
        what: "video URL",
        text: "https://v3.fal.media/x.mp4".into(),
    };
    assert_eq!(act(&mut app, Action::Accept), [copied]);
}

#[test]
fn only_an_unconfirmed_job_is_asked_about() {
    let (_, effects) = on(UNCONFIRMED, Action::SettleJob);
    assert_eq!(effects, [Effect::Settle(id(1))]);
    let (app, effects) = on(JobState::InProgress, Action::SettleJob);
    assert_eq!(effects, []);
    assert!(notice(&app).contains("not unconfirmed"));
}

#[test]
fn a_held_job_is_sent_or_dropped_after_a_yes() {
    let mut app = app_with(vec![]);
    app.update(Message::HeldFound(vec![job(1, JobState::QueuedLocally)]));
    act(&mut app, Action::Back);
    act(&mut app, Action::SendHeld);
    assert_eq!(act(&mut app, Action::Accept), [Effect::SendHeld(id(1))]);
    let mut app = app_with(vec![]);
    app.update(Message::HeldFound(vec![job(1, JobState::QueuedLocally)]));
    act(&mut app, Action::Back);
    act(&mut app, Action::CancelJob);
    assert_eq!(act(&mut app, Action::Accept), [Effect::DropHeld(id(1))]);
}

#[test]
fn a_job_that_is_not_held_can_be_resubmitted_and_the_way_is_named() {
    let (app, effects) = on(JobState::Failed, Action::SendHeld);
    assert_eq!(effects, []);
    let said = notice(&app);
    assert!(said.contains("is not held back · "), "{said}");
    assert!(said.ends_with(" sends a copy of it"), "{said}");
}

#[test]
fn leaving_tells_apart_what_goes_on_there_and_what_is_done_again_here() {
    let mut here = job(1, JobState::InProgress);
    here.account.server = crate::model::ServerId::preview();
    let mut app = app_with(vec![
        here,
        job(2, JobState::InProgress),
        job(3, JobState::InProgress),
    ]);
    act(&mut app, Action::Quit);
    let said: Vec<_> = question(&app)
        .unwrap()
        .lines
        .iter()
        .map(|(_, line)| line.to_string())
        .collect();
    assert_eq!(
        said,
        [
            "2 jobs go on at fal.ai",
            "1 preview job is rendered again at the next start",
        ]
    );
}

#[test]
fn without_a_job_nothing_can_be_done_with_one() {
    for action in [
        Action::EditJob,
        Action::CancelJob,
        Action::DeleteJob,
        Action::OpenDetail,
    ] {
        let mut app = app_with(vec![]);
        assert_eq!(act(&mut app, action), []);
        assert_eq!(notice(&app), "no job is selected");
    }
}

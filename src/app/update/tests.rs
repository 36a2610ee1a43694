//! What messages and actions do, without a screen.

use crossterm::event::KeyCode;

use super::*;

use crate::{
    app::effect::Written,
    app::modal::Chosen,
    app::testing::{act, app, app_with, id, job, notice, press, type_text},
    model::{JobState, LogLine, Timestamp},
};

fn has_modal(app: &App) -> bool {
    !app.modals.is_empty()
}

#[test]
fn tab_goes_around_the_panes_and_numbers_go_straight() {
    let mut app = app();
    for want in [Pane::Jobs, Pane::Lower, Pane::Request] {
        act(&mut app, Action::NextPane);
        assert_eq!(app.focus, want);
    }
    act(&mut app, Action::FocusLog);
    assert_eq!(app.contexts()[0], Context::Log);
}

#[test]
fn letters_go_to_the_field_that_is_typed_into_and_nowhere_else() {
    let mut app = app();
    act(&mut app, Action::EditField);
    assert_eq!(app.contexts()[0], Context::Typing);
    type_text(&mut app, "q");
    assert!(
        app.editor
            .draft()
            .arguments
            .text("text_input")
            .unwrap()
            .ends_with('q')
    );
    act(&mut app, Action::Leave);
    assert_eq!(app.contexts()[0], Context::Form);
}

#[test]
fn a_letter_between_fields_says_how_to_type() {
    let mut app = app();
    press(&mut app, KeyCode::Char('q'));
    assert!(notice(&app).ends_with("edits the field"));
    assert_eq!(
        app.editor.draft().arguments.text("text_input"),
        Some("Hello there.")
    );
}

#[test]
fn leaving_the_pane_ends_typing_and_keeps_the_text() {
    let mut app = app();
    act(&mut app, Action::EditField);
    type_text(&mut app, "!");
    act(&mut app, Action::FocusJobs);
    assert!(!app.editor.typing);
    assert_eq!(
        app.editor.draft().arguments.text("text_input"),
        Some("Hello there.!")
    );
}

#[test]
fn a_modal_takes_every_key_until_it_is_closed() {
    let mut app = app_with(vec![job(1, JobState::InProgress)]);
    act(&mut app, Action::OpenHelp);
    assert_eq!(app.contexts(), [Context::Reader, Context::Anywhere]);
    act(&mut app, Action::Back);
    assert_eq!(app.contexts()[0], Context::Jobs);
}

#[test]
fn the_log_follows_the_selected_job() {
    let mut app = app_with(vec![
        job(1, JobState::Completed),
        job(2, JobState::Completed),
    ]);
    assert_eq!(app.log.id(), Some(&id(2)));
    app.update(Message::LogsLoaded {
        id: id(2),
        from: 0,
        lines: vec![],
        total: 0,
    });
    let effects = act(&mut app, Action::Down);
    assert_eq!(app.log.id(), Some(&id(1)));
    assert!(matches!(&effects[..], [Effect::LoadLogs { id: of, from: None, .. }] if *of == id(1)));
}

#[test]
fn a_report_about_a_job_that_is_not_known_changes_nothing_on_the_screen() {
    let mut app = app();
    let effects = app.update(Message::UploadProgress {
        id: id(7),
        sent: 1,
        total: 2,
    });
    assert_eq!(effects, []);
    assert_eq!(
        app.update(Message::LogsChanged {
            id: id(7),
            count: 3
        }),
        []
    );
    assert_eq!(app.update(Message::RecordDeleted(id(7))), []);
    assert_eq!(app.jobs.len(), 0);
}

#[test]
fn the_clock_is_wanted_only_while_something_counts() {
    let mut app = app_with(vec![
        job(1, JobState::Completed),
        job(2, JobState::QueuedLocally),
    ]);
    assert_eq!(app.clock_interval(), None);
    app.update(Message::JobChanged(Box::new(job(3, JobState::InProgress))));
    assert!(app.clock_interval().is_some());
    app.update(Message::JobChanged(Box::new(job(3, JobState::Failed))));
    assert_eq!(app.clock_interval(), None);
}

#[test]
fn the_sum_of_today_is_asked_for_when_a_paid_job_changes_its_state() {
    let mut app = app_with(vec![]);
    let changed = |app: &mut App, job| app.update(Message::JobChanged(Box::new(job)));
    let mut sent = job(1, JobState::Submitting);
    assert!(changed(&mut app, sent.clone()).contains(&Effect::LoadSpent));
    sent.percent = Some(3);
    assert!(!changed(&mut app, sent.clone()).contains(&Effect::LoadSpent));
    sent.account.server = crate::model::ServerId::preview();
    sent.state = JobState::Completed;
    assert!(!changed(&mut app, sent).contains(&Effect::LoadSpent));
}

#[test]
fn interrupting_twice_quits_and_anything_between_starts_over() {
    let mut app = app();
    assert_eq!(act(&mut app, Action::Interrupt), []);
    assert!(notice(&app).contains("again quits"));
    act(&mut app, Action::NextPane);
    assert_eq!(act(&mut app, Action::Interrupt), []);
    assert_eq!(act(&mut app, Action::Interrupt), [Effect::Quit]);
}

#[test]
fn quitting_asks_only_while_something_is_under_way() {
    let mut app = app_with(vec![job(1, JobState::Completed)]);
    assert_eq!(act(&mut app, Action::Quit), [Effect::Quit]);
    let mut app = app_with(vec![job(1, JobState::InProgress)]);
    assert_eq!(act(&mut app, Action::Quit), []);
    assert!(has_modal(&app));
    assert_eq!(act(&mut app, Action::Accept), [Effect::Quit]);
}

#[test]
fn the_question_about_quitting_follows_what_ends_meanwhile() {
    let mut app = app_with(vec![
        job(1, JobState::InProgress),
        job(2, JobState::InProgress),
    ]);
    act(&mut app, Action::Quit);
    let asked = |app: &App| match app.modals.last() {
        Some(Modal::Ask(ask)) => ask.lines[0].1.to_string(),
        _ => String::new(),
    };
    assert!(asked(&app).starts_with("2 jobs go on"), "{}", asked(&app));
    app.update(Message::JobChanged(Box::new(job(1, JobState::Completed))));
    assert!(asked(&app).starts_with("1 job goes on"), "{}", asked(&app));
    app.update(Message::JobChanged(Box::new(job(2, JobState::Completed))));
    assert_eq!(asked(&app), "All jobs have ended.");
}

#[test]
fn a_job_that_fails_is_not_hidden_by_one_that_succeeds() {
    let mut app = app_with(vec![
        job(1, JobState::InProgress),
        job(2, JobState::InProgress),
    ]);
    app.update(Message::JobChanged(Box::new(job(1, JobState::Failed))));
    assert!(notice(&app).contains("failed"), "{}", notice(&app));
    app.update(Message::JobChanged(Box::new(job(2, JobState::Completed))));
    act(&mut app, Action::NextPane);
    assert!(notice(&app).contains("failed"), "{}", notice(&app));
}

#[test]
fn a_trouble_stays_until_it_is_dismissed_other_notices_go_with_the_next_key() {
    let mut app = app();
    app.update(Message::Trouble("the disk is full".into()));
    app.update(Message::Copied("request id".into()));
    assert_eq!(notice(&app), "request id copied");
    act(&mut app, Action::NextPane);
    assert_eq!(notice(&app), "the disk is full");
    act(&mut app, Action::NextPane);
    assert_eq!(notice(&app), "the disk is full");
    act(&mut app, Action::Back);
    assert_eq!(notice(&app), "");
}

#[test]
fn a_filter_is_applied_as_it_is_typed_and_given_up_with_escape() {
    let mut app = app_with((1..=20).map(|n| job(n, JobState::Completed)).collect());
    act(&mut app, Action::FilterJobs);
    assert_eq!(app.contexts()[0], Context::Prompt);
    type_text(&mut app, "job 7");
    assert_eq!(app.jobs.shown_len(), 1);
    act(&mut app, Action::Back);
    assert_eq!(app.jobs.shown_len(), 20);
    act(&mut app, Action::FilterJobs);
    type_text(&mut app, "job 7");
    act(&mut app, Action::Accept);
    assert_eq!(
        (app.jobs.shown_len(), app.contexts()[0]),
        (1, Context::Jobs)
    );
    act(&mut app, Action::Back);
    assert_eq!(
        app.jobs.shown_len(),
        20,
        "escape clears a filter that was kept"
    );
}

#[test]
fn the_line_that_is_copied_is_the_one_the_user_is_at() {
    let mut app = app_with(vec![job(1, JobState::Completed)]);
    let line = |text: &str| LogLine::new(Timestamp::UNIX_EPOCH, crate::model::Level::Info, text);
    let lines = vec![line("first"), line("second")];
    app.update(Message::LogsLoaded {
        id: id(1),
        from: 0,
        lines,
        total: 2,
    });
    act(&mut app, Action::FocusLog);
    act(&mut app, Action::Up);
    let copied = Effect::Copy {
        what: "log line",
        text: "first".into(),
    };
    assert_eq!(act(&mut app, Action::CopyLine), [copied]);
}

#[test]
fn a_failed_reading_of_the_log_does_not_end_all_reading() {
    let mut app = app_with(vec![
        job(1, JobState::Completed),
        job(2, JobState::Completed),
    ]);
    assert_eq!(act(&mut app, Action::Down), [], "one question is out");
    app.update(Message::EffectFailed {
        effect: "read log",
        reason: "locked".into(),
    });
    assert!(matches!(
        &act(&mut app, Action::Up)[..],
        [Effect::LoadLogs { .. }]
    ));
}

#[test]
fn a_pasted_text_goes_into_the_selected_field() {
    let mut app = app();
    app.update(Message::Paste(" And more.".to_owned()));
    assert_eq!(
        app.editor.draft().arguments.text("text_input"),
        Some("Hello there. And more.")
    );
}

#[test]
fn a_list_of_choices_sets_the_field_it_was_opened_for() {
    let mut app = app();
    act(&mut app, Action::Down);
    act(&mut app, Action::EditField);
    type_text(&mut app, "jess");
    act(&mut app, Action::Accept);
    assert_eq!(app.editor.draft().arguments.text("voice"), Some("Jessica"));
    assert!(!has_modal(&app));
}

#[test]
fn the_palette_runs_what_is_chosen() {
    let mut app = app();
    act(&mut app, Action::OpenPalette);
    assert!(
        app.pick_mut()
            .unwrap()
            .entries
            .iter()
            .any(|entry| entry.chosen == Chosen::Act(Action::Submit))
    );
    act(&mut app, Action::Accept);
    assert!(
        matches!(app.modals.last(), Some(Modal::Ask(_))),
        "submit asks with its cost"
    );
}

#[test]
fn escape_leaves_one_thing_at_a_time() {
    let mut app = app_with(vec![job(1, JobState::Completed)]);
    act(&mut app, Action::ToggleZoom);
    act(&mut app, Action::OpenDetail);
    assert_eq!((app.focus, app.detail_open), (Pane::Lower, true));
    act(&mut app, Action::Back);
    assert_eq!(
        (app.focus, app.detail_open, app.zoomed),
        (Pane::Jobs, false, true)
    );
    act(&mut app, Action::Back);
    assert!(!app.zoomed);
}

#[test]
fn the_detail_is_that_of_the_selected_job_and_is_kept_up_to_date() {
    let mut app = app_with(vec![
        job(1, JobState::InProgress),
        job(2, JobState::Completed),
    ]);
    act(&mut app, Action::OpenDetail);
    let says = |app: &App, text: &str| {
        app.detail
            .rows
            .iter()
            .any(|row| row.text.as_str().contains(text))
    };
    assert!(says(&app, "job 2"));
    act(&mut app, Action::FocusJobs);
    act(&mut app, Action::Down);
    assert!(says(&app, "job 1") && says(&app, "running"));
    app.update(Message::JobChanged(Box::new(job(1, JobState::Failed))));
    assert!(says(&app, "failed"));
}

#[test]
fn an_unbound_key_in_a_list_does_nothing() {
    let mut app = app_with(vec![job(1, JobState::Completed)]);
    assert_eq!(press(&mut app, KeyCode::Char('Q')), []);
    assert!(!has_modal(&app));
}

#[test]
fn a_locked_account_says_how_to_go_on_and_is_told_when_it_does() {
    let mut app = app();
    assert!(!app.is_available(Action::ResumeOutbox));
    app.update(Message::AccountLocked("Exhausted balance".into()));
    act(&mut app, Action::Back);
    assert!(app.is_available(Action::ResumeOutbox));
    assert_eq!(act(&mut app, Action::ResumeOutbox), [Effect::ResumeOutbox]);
    app.update(Message::OutboxResumed);
    assert!(!app.is_available(Action::ResumeOutbox));
}

#[test]
fn what_the_users_editor_gave_back_is_in_the_field_and_nothing_when_it_gave_up() {
    let mut app = app();
    let effects = act(&mut app, Action::OpenEditor);
    let field = Written::Field("text_input".to_owned());
    assert!(matches!(&effects[..], [Effect::OpenEditor { what, .. }] if *what == field));
    let returned = |text: Option<&str>| Message::EditorReturned {
        what: field.clone(),
        text: text.map(str::to_owned),
    };
    app.update(returned(None));
    assert_eq!(
        app.editor.draft().arguments.text("text_input"),
        Some("Hello there.")
    );
    app.update(returned(Some("Written elsewhere.\n")));
    assert_eq!(
        app.editor.draft().arguments.text("text_input"),
        Some("Written elsewhere.")
    );
}

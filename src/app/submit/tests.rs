//! Sending: when it asks, what goes out, what comes back.

use super::*;
use crate::{
    app::{
        Message,
        testing::{act, app, app_at, app_with, draft, id, job, notice, type_text},
    },
    model::{JobState, request::Confirm},
};

fn wishes(effects: &[Effect]) -> Vec<Wish> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Submit(wishes) => Some(wishes.clone()),
            _ => None,
        })
        .flatten()
        .collect()
}

fn asks(app: &App) -> bool {
    matches!(app.modals.last(), Some(Modal::Ask(_)))
}

#[test]
fn what_costs_money_is_sent_only_after_a_yes() {
    let mut app = app();
    assert_eq!(wishes(&act(&mut app, Action::Submit)), []);
    assert!(asks(&app));
    let sent = wishes(&act(&mut app, Action::Accept));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].arguments, draft().arguments);
    assert_eq!(sent[0].estimated_cost, Some(Usd::from_dollars(1.16)));
    assert_eq!(sent[0].server, ServerId::fal());
    assert!(!asks(&app));
}

#[test]
fn a_no_sends_nothing() {
    for no in [Action::Back, Action::NextAnswer] {
        let mut app = app();
        act(&mut app, Action::Submit);
        let mut effects = act(&mut app, no);
        effects.extend(act(&mut app, Action::Accept));
        assert_eq!(wishes(&effects), [], "{no:?}");
    }
}

#[test]
fn when_to_ask_is_the_users_choice() {
    let fal = ServerId::fal;
    let cases = [
        (ServerId::preview(), Confirm::Paid, false),
        (ServerId::preview(), Confirm::Always, true),
        (fal(), Confirm::Never, false),
        (fal(), Confirm::Paid, true),
    ];
    for (server, confirm, want) in cases {
        let mut app = app_at(server.clone(), confirm);
        let sent = wishes(&act(&mut app, Action::Submit));
        assert_eq!(
            (asks(&app), sent.is_empty()),
            (want, want),
            "{server} {confirm:?}"
        );
    }
}

#[test]
fn a_try_goes_to_the_preview_and_costs_nothing_whatever_the_key() {
    let mut app = app();
    let sent = wishes(&act(&mut app, Action::TryInPreview));
    assert_eq!(sent.len(), 1);
    assert!(sent[0].server.is_preview());
    assert_eq!(sent[0].estimated_cost, Some(Usd::ZERO));
}

#[test]
fn the_draft_stays_and_can_be_sent_again_at_once() {
    let mut app = app_at(ServerId::preview(), Confirm::Paid);
    let first = wishes(&act(&mut app, Action::Submit));
    app.update(Message::Submitted(vec![job(1, JobState::Uploading)]));
    assert!(!app.editor.is_unsent());
    assert_eq!(wishes(&act(&mut app, Action::Submit)), first);
}

#[test]
fn a_faulty_draft_is_not_sent_and_the_first_fault_is_named() {
    let mut app = app();
    act(&mut app, Action::EditField);
    for _ in 0..20 {
        crate::app::testing::press(&mut app, crossterm::event::KeyCode::Backspace);
    }
    act(&mut app, Action::FocusJobs);
    assert_eq!(wishes(&act(&mut app, Action::Submit)), []);
    assert!(!asks(&app));
    assert_eq!(notice(&app), "not sent · script: missing; it takes text");
    assert_eq!(app.focus, Pane::Request);
}

#[test]
fn submitting_while_typing_sends_what_was_typed() {
    let mut app = app_at(ServerId::preview(), Confirm::Paid);
    act(&mut app, Action::EditField);
    type_text(&mut app, " Bye.");
    let sent = wishes(&act(&mut app, Action::Submit));
    assert_eq!(
        sent[0].arguments.text("text_input"),
        Some("Hello there. Bye.")
    );
}

#[test]
fn who_submits_from_the_editor_sees_the_new_job_who_reads_on_does_not_lose_his() {
    let mut app = app_with(vec![job(1, JobState::InProgress)]);
    app.update(Message::Submitted(vec![job(2, JobState::Uploading)]));
    assert_eq!(app.jobs.selected_id(), Some(&id(1)));
    act(&mut app, Action::FocusRequest);
    app.update(Message::Submitted(vec![job(3, JobState::Uploading)]));
    assert_eq!(app.jobs.selected_id(), Some(&id(3)));
    assert_eq!(notice(&app), "0003 job 3 is on its way · ≈ $1.16");
}

#[test]
fn news_that_overtook_the_answer_to_a_submit_are_kept() {
    let mut app = app();
    app.update(Message::JobChanged(Box::new(job(1, JobState::InProgress))));
    app.update(Message::Submitted(vec![job(1, JobState::QueuedLocally)]));
    assert_eq!(app.jobs.get(&id(1)).unwrap().state, JobState::InProgress);
}

#[test]
fn a_refusal_stands_at_the_fields_of_the_draft_it_is_about() {
    let mut app = app();
    let wish = app.wish(&draft(), ServerId::fal());
    let faults = vec![FieldError::new("image_url", "no such file")];
    app.update(Message::Refused {
        wishes: vec![wish],
        faults,
    });
    assert_eq!(notice(&app), "not sent · image_url: no such file");
    assert_eq!(app.editor.current().unwrap().field.name, "image_url");
    assert!(app.editor.check_all().is_err());
}

#[test]
fn resubmitting_draws_a_drawn_seed_anew_and_keeps_a_chosen_one() {
    for (drawn, want) in [(true, None), (false, Some(42))] {
        let mut old = job(1, JobState::Completed);
        old.seed_drawn = drawn;
        let mut app = app_with(vec![old]);
        act(&mut app, Action::ResubmitJob);
        let sent = wishes(&act(&mut app, Action::Accept));
        assert_eq!(sent[0].arguments.integer("seed"), want);
        assert_eq!(sent[0].parent, Some(id(1)));
        assert_eq!(app.editor.draft(), draft(), "the editor is left alone");
    }
}

#[test]
fn a_past_job_that_would_be_refused_today_is_not_resubmitted() {
    let mut old = job(1, JobState::Completed);
    old.arguments.set("num_frames", 9000);
    let mut app = app_with(vec![old]);
    assert_eq!(act(&mut app, Action::ResubmitJob), []);
    assert!(!asks(&app));
    assert!(notice(&app).contains("num_frames"), "{}", notice(&app));
}

#[test]
fn held_jobs_wait_until_the_user_says_so() {
    let held = || vec![job(1, JobState::QueuedLocally), job(2, JobState::Uploading)];
    let mut app = app();
    app.update(Message::HeldFound(held()));
    assert_eq!(
        act(&mut app, Action::Accept),
        [],
        "the marked answer sends nothing"
    );
    assert!(app.jobs.is_held(&id(1)));
    let mut app = crate::app::testing::app();
    app.update(Message::HeldFound(held()));
    act(&mut app, Action::NextAnswer);
    let sent = act(&mut app, Action::Accept);
    assert_eq!(sent, [Effect::SendHeld(id(1)), Effect::SendHeld(id(2))]);
    assert!(!app.jobs.is_held(&id(1)));
    let mut app = crate::app::testing::app();
    app.update(Message::HeldFound(held()));
    act(&mut app, Action::PreviousAnswer);
    let dropped = act(&mut app, Action::Accept);
    assert_eq!(dropped, [Effect::DropHeld(id(1)), Effect::DropHeld(id(2))]);
}

#[test]
fn one_held_job_is_spoken_of_as_one() {
    let said = |held: Vec<Job>| {
        let mut app = app();
        app.update(Message::HeldFound(held));
        let Some(Modal::Ask(ask)) = app.modals.last() else {
            panic!("it asks")
        };
        let lines = ask.lines.iter().map(|(_, line)| line.to_string());
        format!("{}\n{}", ask.title, lines.collect::<Vec<_>>().join("\n"))
    };
    let one = said(vec![job(1, JobState::QueuedLocally)]);
    assert!(one.starts_with("1 job was not sent\n"), "{one}");
    assert!(one.contains("before it sent it."), "{one}");
    assert!(!one.contains("together"), "{one}");
    let two = said(vec![
        job(1, JobState::QueuedLocally),
        job(2, JobState::Uploading),
    ]);
    assert!(two.starts_with("2 jobs were not sent\n"), "{two}");
    assert!(two.contains("before it sent them."), "{two}");
    assert!(two.contains("together"), "{two}");
}

#[test]
fn no_held_jobs_no_question() {
    let mut app = app();
    app.update(Message::HeldFound(vec![]));
    assert!(!asks(&app));
}

//! Caps, twins, prices and the outbox that is shut.

use crossterm::event::KeyCode;

use super::*;
use crate::{
    app::{
        Message,
        testing::{act, app_at, app_with, id, job, notice, press, question, text, usd},
    },
    model::{
        Budget, JobState, ServerId,
        budget::Spent,
        request::{Confirm, Consent},
    },
};

fn capped(day: f64, spent: f64) -> App {
    let mut app = app_at(ServerId::fal(), Confirm::Never);
    app.budget = Budget {
        session: None,
        day: Some(usd(day)),
    };
    let ids: Vec<_> = app.catalog.endpoints().map(|e| e.id.clone()).collect();
    let told = ids.iter().map(|id| (id, Some(usd(0.2)), app.now));
    app.update(Message::Prices(app.catalog.with_prices(told)));
    app.update(Message::Spent(Spent {
        session: Usd::ZERO,
        day: usd(spent),
    }));
    app
}

#[test]
fn what_would_pass_the_cap_is_asked_about_whatever_the_setting() {
    let mut app = capped(10.0, 9.5);
    assert!(!act(&mut app, Action::Submit).iter().any(is_submit));
    let ask = question(&app);
    assert!(
        text(ask).contains("would pass the day cap of $10.00"),
        "{}",
        text(ask)
    );
    assert_eq!(ask.selected, 1, "going back is marked");
    let effects = press(&mut app, KeyCode::Char('o'));
    let [Effect::Submit(wish)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert!(wish[0].consent.over_cap && !wish[0].consent.repeat);
}

fn is_submit(effect: &Effect) -> bool {
    matches!(effect, Effect::Submit(_))
}

#[test]
fn a_price_that_the_server_has_not_told_is_over_every_cap() {
    let mut app = app_at(ServerId::fal(), Confirm::Never);
    app.budget.day = Some(usd(1000.0));
    assert!(!act(&mut app, Action::Submit).iter().any(is_submit));
    assert!(text(question(&app)).contains("has not told its price"));
}

#[test]
fn a_question_that_nobody_asked_for_takes_no_letters_and_waits_for_typing_hands() {
    let mut app = app_with(vec![]);
    act(&mut app, Action::FocusRequest);
    act(&mut app, Action::EditField);
    app.update(Message::HeldFound(vec![job(1, JobState::QueuedLocally)]));
    assert!(app.modals.is_empty(), "somebody is typing");
    assert_eq!(
        press(&mut app, KeyCode::Char('s'))
            .iter()
            .filter(|effect| matches!(effect, Effect::SendHeld(_)))
            .count(),
        0
    );
    act(&mut app, Action::Leave);
    assert_eq!(question(&app).selected, 0, "later is marked");
    for letter in ['s', 'd', 'l'] {
        assert_eq!(press(&mut app, KeyCode::Char(letter)), []);
        assert_eq!(app.modals.len(), 1, "{letter}");
    }
    assert_eq!(act(&mut app, Action::Accept), []);
    assert!(app.modals.is_empty());
}

#[test]
fn what_fits_the_cap_and_what_is_free_goes_out_unasked() {
    let mut app = capped(10.0, 1.0);
    assert!(act(&mut app, Action::Submit).iter().any(is_submit));
    let mut app = capped(10.0, 9.5);
    assert!(act(&mut app, Action::TryInPreview).iter().any(is_submit));
}

#[test]
fn a_job_that_waits_for_a_cap_is_sent_when_the_user_agrees() {
    let mut app = capped(10.0, 9.5);
    app.update(Message::JobsLoaded(vec![job(1, JobState::QueuedLocally)]));
    assert!(app.is_available(Action::SendHeld));
    assert_eq!(act(&mut app, Action::SendHeld), []);
    assert_eq!(question(&app).selected, 1);
    assert_eq!(press(&mut app, KeyCode::Char('o')), [Effect::Agree(id(1))]);
    let mut fits = capped(10.0, 1.0);
    fits.update(Message::JobsLoaded(vec![job(1, JobState::QueuedLocally)]));
    assert!(!fits.is_available(Action::SendHeld));
}

#[test]
fn a_twin_is_shown_first_and_sent_again_only_when_asked_for() {
    let mut app = app_with(vec![
        job(1, JobState::Completed),
        job(2, JobState::Completed),
    ]);
    let draft = app.editor.draft();
    let wish = Wish {
        endpoint: draft.endpoint,
        arguments: draft.arguments,
        name: draft.name,
        parent: None,
        sweep: None,
        server: ServerId::fal(),
        estimated_cost: Some(usd(1.16)),
        consent: Consent::default(),
    };
    let told = Message::AlreadyHave {
        wishes: vec![wish],
        twins: vec![(0, job(1, JobState::Completed))],
    };
    app.update(told.clone());
    assert!(text(question(&app)).starts_with("You already have this"));
    act(&mut app, Action::Accept);
    assert_eq!(app.jobs.selected_id(), Some(&id(1)));
    app.update(told);
    let effects = press(&mut app, KeyCode::Char('o'));
    let [Effect::Submit(wish)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert!(wish[0].consent.repeat && !wish[0].consent.over_cap);
}

#[test]
fn a_question_about_a_price_that_has_changed_is_asked_anew() {
    let mut app = app_at(ServerId::fal(), Confirm::Always);
    act(&mut app, Action::Submit);
    let (same, ids): (Catalog, Vec<_>) = (
        Catalog::clone(&app.catalog),
        app.catalog.endpoints().map(|e| e.id.clone()).collect(),
    );
    app.update(Message::Prices(same));
    assert!(text(question(&app)).contains("built-in price"));
    let dearer = app
        .catalog
        .with_prices(ids.iter().map(|id| (id, Some(usd(0.5)), app.now)));
    app.update(Message::Prices(dearer));
    assert!(app.modals.is_empty());
    assert!(
        notice(&app).contains("price has changed"),
        "{}",
        notice(&app)
    );
    act(&mut app, Action::Submit);
    assert!(text(question(&app)).contains("price of now"));
}

#[test]
fn a_locked_account_is_told_once_and_enter_resumes() {
    let mut app = app_with(vec![]);
    for _ in 0..3 {
        app.update(Message::AccountLocked("User is locked".into()));
    }
    assert_eq!(app.modals.len(), 1);
    assert!(text(question(&app)).contains("User is locked"));
    assert_eq!(act(&mut app, Action::Accept), [Effect::ResumeOutbox]);
    app.update(Message::OutboxResumed);
    assert!(!app.is_available(Action::ResumeOutbox));
}

#[test]
fn a_refused_key_is_read_again() {
    let mut app = app_with(vec![]);
    app.update(Message::KeyRefused("Cannot access application".into()));
    act(&mut app, Action::Back);
    assert_eq!(act(&mut app, Action::ResumeOutbox), [Effect::ReloadKey]);
}

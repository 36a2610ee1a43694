//! Sweeps, as keys and messages.

use crossterm::event::KeyCode;

use super::*;
use crate::{
    app::{
        Action, Message,
        testing::{act, app_at, job, notice, press, question, text, type_text, usd},
    },
    model::{JobState, ServerId, SweepId, request::Confirm},
};

fn type_into(app: &mut App, field: &str, values: &str) {
    let Some(Modal::Sweep(form)) = app.modals.last_mut() else {
        panic!("no form");
    };
    form.selected = form.rows.iter().position(|row| row.name == field).unwrap();
    type_text(app, values);
}

fn form(app: &App) -> &SweepForm {
    match app.modals.last() {
        Some(Modal::Sweep(form)) => form,
        _ => panic!("no form"),
    }
}

fn weighed(effects: &[Effect]) -> Vec<Wish> {
    match effects {
        [Effect::Weigh(wishes)] => wishes.clone(),
        _ => panic!("{effects:?}"),
    }
}

#[test]
fn a_grid_is_costed_as_it_is_typed_and_asked_about_once() {
    let mut app = app_at(ServerId::fal(), Confirm::Paid);
    act(&mut app, Action::Sweep);
    type_into(&mut app, "voice", "Bill,Aria");
    type_into(&mut app, "seed", "1..5");
    let total = form(&app).total().unwrap();
    assert_eq!((total.jobs, total.cost), (10, Some(usd(11.6))));
    let wishes = weighed(&act(&mut app, Action::Accept));
    assert_eq!(wishes.len(), 10);
    assert!(app.modals.is_empty());
    let effects = app.update(Message::Weighed(wishes.clone()));
    assert_eq!(effects, [Effect::LoadPrices]);
    let asked = text(question(&app));
    for part in [
        "Send 10 jobs to fal.ai?",
        "voice × 2, seed × 5",
        "≈ $11.60",
        "$1.16 each",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    assert_eq!(act(&mut app, Action::Accept), [Effect::Submit(wishes)]);
}

#[test]
fn what_was_typed_is_there_again() {
    let mut app = app_at(ServerId::preview(), Confirm::Paid);
    act(&mut app, Action::Sweep);
    type_into(&mut app, "seed", "1,2");
    let wishes = weighed(&act(&mut app, Action::Accept));
    assert_eq!(
        app.update(Message::Weighed(wishes.clone())),
        [Effect::Submit(wishes)],
        "what is free is not asked about"
    );
    act(&mut app, Action::Sweep);
    assert_eq!(form(&app).total().unwrap().jobs, 2);
}

#[test]
fn values_that_do_not_fit_are_told_and_nothing_is_sent() {
    let mut app = app_at(ServerId::fal(), Confirm::Paid);
    act(&mut app, Action::Sweep);
    assert_eq!(act(&mut app, Action::Accept), []);
    assert!(notice(&app).contains("no values"), "{}", notice(&app));
    type_into(&mut app, "voice", "Bob");
    assert_eq!(act(&mut app, Action::Accept), []);
    assert!(notice(&app).contains("Bob"), "{}", notice(&app));
    assert!(form(&app).total().is_err());
}

#[test]
fn what_will_be_cut_off_is_asked_about_even_where_it_is_free() {
    let mut app = app_at(ServerId::preview(), Confirm::Never);
    act(&mut app, Action::Sweep);
    type_into(&mut app, "voice", "Bill,Aria");
    let mut wishes = weighed(&act(&mut app, Action::Accept));
    wishes[1].consent.cut_off = true;
    assert_eq!(app.update(Message::Weighed(wishes)), []);
    assert!(text(question(&app)).contains("the speech of 1 of them will be cut off"));
}

#[test]
fn of_several_the_others_can_be_sent_without_those_that_are_there_already() {
    let mut app = app_at(ServerId::fal(), Confirm::Paid);
    act(&mut app, Action::Sweep);
    type_into(&mut app, "seed", "1..3");
    let wishes = weighed(&act(&mut app, Action::Accept));
    let twins = vec![(1, job(1, JobState::Completed))];
    app.update(Message::AlreadyHave {
        wishes: wishes.clone(),
        twins,
    });
    let effects = press(&mut app, KeyCode::Char('s'));
    assert_eq!(
        effects,
        [Effect::Submit(vec![wishes[0].clone(), wishes[2].clone()])]
    );
}

fn group(app: &mut App, number: u16) {
    let sweep = Some(SweepId::from_stored("5eed".to_owned()));
    let jobs = (1..=number).map(|seconds| crate::model::Job {
        sweep: sweep.clone(),
        ..job(seconds, JobState::InQueue { position: None })
    });
    app.update(Message::Submitted(jobs.collect()));
}

#[test]
fn a_sweep_is_one_row_that_unfolds() {
    let mut app = app_at(ServerId::preview(), Confirm::Paid);
    app.update(Message::JobChanged(Box::new(job(20, JobState::Completed))));
    group(&mut app, 4);
    assert_eq!(app.jobs.shown_len(), 2);
    assert_eq!(
        app.jobs.selected_group().map(|group| group.len()),
        Some(4),
        "it is selected"
    );
    app.focus = crate::app::Pane::Jobs;
    act(&mut app, Action::FoldSweep);
    assert_eq!(app.jobs.shown_len(), 5);
    act(&mut app, Action::FoldSweep);
    assert_eq!(app.jobs.shown_len(), 2);
    app.jobs.set_filter("job");
    assert_eq!(app.jobs.shown_len(), 5, "a filter looks into it");
}

#[test]
fn a_sweep_is_cancelled_as_a_whole_or_one_by_one() {
    let mut app = app_at(ServerId::preview(), Confirm::Paid);
    group(&mut app, 4);
    app.focus = crate::app::Pane::Jobs;
    app.update(Message::JobChanged(Box::new(crate::model::Job {
        sweep: Some(SweepId::from_stored("5eed".to_owned())),
        ..job(2, JobState::Completed)
    })));
    act(&mut app, Action::CancelJob);
    assert!(
        text(question(&app)).contains("Cancel 3 jobs"),
        "{}",
        text(question(&app))
    );
    let effects = act(&mut app, Action::Accept);
    assert_eq!(effects.len(), 3);
    act(&mut app, Action::FoldSweep);
    act(&mut app, Action::CancelJob);
    let effects = act(&mut app, Action::Accept);
    assert_eq!(effects.len(), 1);
}

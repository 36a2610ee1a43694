//! What the user can say about a job in doubt.

use super::*;
use crate::{
    app::{
        Action, Message,
        modal::Ask,
        testing::{act, app_with, id, job},
    },
    model::{JobState, RequestId, Timestamp},
};

const UNCONFIRMED: JobState = JobState::Unconfirmed {
    since: Timestamp::UNIX_EPOCH,
};

fn asked(candidates: &[&str]) -> App {
    let mut app = app_with(vec![job(1, UNCONFIRMED)]);
    assert_eq!(
        act(&mut app, Action::SettleJob),
        [Effect::Settle(id(1))],
        "the server is asked first"
    );
    let candidates = candidates
        .iter()
        .map(|id| Candidate {
            id: RequestId::new(*id),
            sent_at: Some(Timestamp::UNIX_EPOCH),
        })
        .collect();
    app.update(Message::Unsettled {
        id: id(1),
        candidates,
    });
    app
}

fn labels(app: &App) -> Vec<String> {
    match app.modals.last() {
        Some(Modal::Pick(pick)) => pick.entries.iter().map(|e| e.label.to_string()).collect(),
        _ => vec![],
    }
}

#[test]
fn each_request_that_could_be_it_can_be_chosen() {
    let mut app = asked(&["r1", "r2"]);
    assert_eq!(labels(&app)[..2], ["it is r1", "it is r2"]);
    act(&mut app, Action::Down);
    let confirmed = Effect::Confirm {
        id: id(1),
        request: RequestId::new("r2"),
    };
    assert_eq!(act(&mut app, Action::Accept), [confirmed]);
}

#[test]
fn leaving_it_comes_first_and_calling_it_unsent_is_asked_twice() {
    let mut app = asked(&[]);
    assert!(labels(&app)[0].starts_with("leave it"));
    assert_eq!(act(&mut app, Action::Accept), []);
    let mut app = asked(&[]);
    act(&mut app, Action::Bottom);
    assert_eq!(act(&mut app, Action::Accept), []);
    let Some(Modal::Ask(Ask { selected, .. })) = app.modals.last() else {
        panic!("it is asked about");
    };
    assert_eq!(*selected, 1, "the safe answer is marked");
    act(&mut app, Action::PreviousAnswer);
    assert_eq!(
        act(&mut app, Action::Accept),
        [Effect::ConfirmNotSent(id(1))]
    );
}

#[test]
fn news_of_a_job_that_is_gone_ask_nothing() {
    let mut app = app_with(vec![]);
    app.update(Message::Unsettled {
        id: id(1),
        candidates: vec![],
    });
    assert!(app.modals.is_empty());
}

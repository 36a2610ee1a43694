//! Servers that refuse, do not answer, or answer nonsense: how a command ends then, and what a script sees of it.

use serde_json::Value;
use talkdeck::{
    model::{JobState, Secret, Server, ServerId, job::Account, server::Hosts},
    store::Store,
};

use crate::{
    fake::Fake,
    machine::{Machine, Ran},
    states, stored_job, submit,
};

const KEY: &str = "visible-id:hidden-secret";

fn last(ran: &Ran) -> Value {
    ran.lines().pop().unwrap()
}

#[test]
fn a_refused_key_exits_3_sends_nothing_twice_and_leaves_a_draft_that_says_why() {
    let mut machine = Machine::new();
    machine.set("FAL_KEY", KEY);
    for (status, body, kind, message) in [
        (
            401,
            r#"{"detail": "No user found for Key ID and Secret"}"#,
            "talkdeck_key_refused",
            "No user found for Key ID and Secret",
        ),
        (
            403,
            r#"{"detail": "User is locked. Reason: Exhausted balance."}"#,
            "talkdeck_account_locked",
            "User is locked. Reason: Exhausted balance.",
        ),
    ] {
        let fake = Fake::answering(status, body);
        let server = fake.url();
        let ran = machine.run(&submit(&["--server", &server, "--wait"]));
        assert_eq!(ran.code, 3, "{status}: {}", ran.stderr);
        let draft = last(&ran);
        assert_eq!(draft["state"], "draft");
        assert_eq!(draft["error"]["type"], kind);
        assert_eq!(draft["error"]["message"], message);
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
        assert_eq!(fake.posts(), 1, "{status}");
        for said in [&ran.stdout, &ran.stderr] {
            assert!(!said.contains("hidden-secret"), "{said}");
        }
        let id = draft["id"].as_str().unwrap();
        assert_eq!(last(&machine.run(&["show", id]))["error"], draft["error"]);
    }
}

#[test]
fn a_key_that_is_refused_later_on_is_told_with_the_job_that_goes_on_without_us() {
    let mut machine = Machine::new();
    machine.set("FAL_KEY", KEY);
    let fake = Fake::answering(401, r#"{"detail": "Invalid token"}"#);
    let url = fake.url().parse().unwrap();
    let server = Server {
        id: ServerId::of_origin(&url),
        hosts: Hosts::at(&url),
        key: Secret::new(KEY),
    };
    let mut job = stored_job("theirs", JobState::InProgress);
    job.account = Account {
        key: server.fingerprint(),
        server: server.id,
    };
    let store = Store::open(machine.data().as_ref()).unwrap();
    store.insert(&job, None).unwrap();
    let ran = machine.run(&["watch"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let told = last(&ran);
    assert_eq!(told["state"], "in-progress");
    assert_eq!(told["error"]["type"], "talkdeck_key_refused");
    assert_eq!(told["error"]["message"], "Invalid token");
    let stored = store.get(&job.id).unwrap().unwrap();
    assert_eq!(stored.error, None, "nothing is wrong with the job itself");
}

#[test]
fn an_answer_that_is_not_fals_is_unconfirmed_and_exits_5_after_one_post() {
    let machine = Machine::new();
    let fake = Fake::answering(200, "<html>It works!</html>");
    let server = fake.url();
    let ran = machine.run(&submit(&["--server", &server, "--wait"]));
    assert_eq!(ran.code, 5, "{}", ran.stderr);
    assert_eq!(states(&ran).last().unwrap(), "unconfirmed");
    assert_eq!(fake.posts(), 1);
    assert!(fake.calls() > 1, "the server's list was asked");
    assert!(ran.stderr.contains("again in 2 s"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("again in 60 s"), "{}", ran.stderr);
    let job = last(&ran);
    let way_out = format!(
        "`talkdeck watch {}` asks again",
        job["id"].as_str().unwrap()
    );
    let told: Vec<_> = ran.stderr.lines().rev().take(2).collect();
    assert!(told[0].ends_with(&way_out), "{told:?}");
    assert!(told[1].ends_with("; no longer asked"), "{told:?}");
}

#[test]
fn a_server_that_cannot_be_reached_is_tried_for_a_minute_and_exits_4_with_a_draft() {
    let machine = Machine::new();
    let ran = machine.run(&submit(&["--server", &Fake::nobody()]));
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    let last = last(&ran);
    assert_eq!(last["state"], "draft");
    assert_eq!(last["error"]["type"], "talkdeck_not_sent");
    let message = last["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("cannot reach 127.0.0.1"), "{message}");
    assert!(ran.stderr.contains("trying again in"), "{}", ran.stderr);
}

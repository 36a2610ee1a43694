//! Rules of the transitions.

use super::*;

#[test]
fn of_two_that_begin_the_same_submit_one_wins() {
    let (dir, first) = open();
    let second = Store::open(dir.path()).unwrap();
    for _ in 0..20 {
        let id = stored(&first, JobState::QueuedLocally);
        let wins =
            |store: Store, id: JobId| std::thread::spawn(move || begin(&store, &id, "{}", &me()));
        let threads = [
            wins(first.clone(), id.clone()),
            wins(second.clone(), id.clone()),
        ];
        let winners = threads
            .map(|thread| thread.join().unwrap())
            .into_iter()
            .flatten()
            .count();
        assert_eq!(winners, 1);
        assert_eq!(state_of(&first, &id), JobState::Submitting);
    }
}

#[test]
fn only_the_owner_may_send_and_a_claim_has_one_winner() {
    let (_dir, store) = open();
    let id = stored(&store, JobState::QueuedLocally);
    let (other, third) = (OwnerId::new("other"), OwnerId::new("third"));
    assert_eq!(begin(&store, &id, "{}", &other), None);
    assert!(store.claim(&id, Some(&me()), &other).unwrap());
    assert!(!store.claim(&id, Some(&me()), &third).unwrap());
    assert_eq!(begin(&store, &id, "{}", &me()), None);
    assert!(begin(&store, &id, "{}", &other).is_some());
}

#[test]
fn the_body_is_on_disk_before_the_post_and_gone_when_it_was_proven_unsent() {
    let (_dir, store) = open();
    let id = stored(&store, JobState::QueuedLocally);
    store.begin_upload(&id, &me()).unwrap().unwrap();
    begin(&store, &id, "{\"a\":1}", &me()).unwrap();
    assert_eq!(
        store.wire(&id).unwrap().unwrap().body.as_deref(),
        Some("{\"a\":1}")
    );
    let back = store.prove_unsent(&id, &me()).unwrap().unwrap();
    assert_eq!(back.state, JobState::QueuedLocally);
    assert_eq!(store.wire(&id).unwrap().unwrap().body, None);
}

#[test]
fn a_job_whose_answer_was_lost_cannot_be_proven_unsent_or_withdrawn() {
    let (_dir, store) = open();
    let id = stored(&store, JobState::QueuedLocally);
    begin(&store, &id, "{}", &me()).unwrap();
    store.unconfirmed(&id, at(9)).unwrap().unwrap();
    assert_eq!(store.prove_unsent(&id, &me()).unwrap(), None);
    assert_eq!(store.withdraw(&id, &me(), None).unwrap(), None);
    assert_eq!(store.cancel_unsent(&id, at(10)).unwrap(), None);
    assert_eq!(begin(&store, &id, "{}", &me()), None);
    assert_eq!(
        state_of(&store, &id),
        JobState::Unconfirmed { since: at(9) }
    );
}

#[test]
fn a_job_that_has_ended_never_changes_but_keeps_a_late_request_id() {
    let (_dir, store) = open();
    let ends: [fn(&Store, &JobId); 4] = [
        |store, id| drop(store.complete(id, &[], at(5)).unwrap().unwrap()),
        |store, id| drop(store.cancelled(id, at(5)).unwrap().unwrap()),
        |store, id| drop(store.expired(id, at(5)).unwrap().unwrap()),
        |store, id| {
            let error = JobError {
                kind: "x".into(),
                message: "y".into(),
                fields: Vec::new(),
            };
            store.fail(id, &error, at(5)).unwrap().unwrap();
        },
    ];
    for end in ends {
        let id = stored(&store, JobState::QueuedLocally);
        begin(&store, &id, "{}", &me()).unwrap();
        end(&store, &id);
        let ended = store.get(&id).unwrap().unwrap();
        let running = Observation {
            state: Some(JobState::InProgress),
            ..Observation::default()
        };
        assert_eq!(store.observe(&id, &running).unwrap(), None);
        assert_eq!(store.cancelled(&id, at(6)).unwrap(), None);
        assert_eq!(store.request_cancel(&id).unwrap(), None);
        assert_eq!(store.set_notice(&id, Some("late".into())).unwrap(), None);
        assert_eq!(store.get(&id).unwrap().unwrap(), ended);

        let request = RequestId::new(format!("late-{id}"));
        let late = store
            .accept(&id, &request, &urls(), None, at(7))
            .unwrap()
            .unwrap();
        assert_eq!(late.state, ended.state);
        assert_eq!(late.request_id, Some(request));
    }
}

#[test]
fn a_status_moves_a_job_back_to_the_queue_but_not_out_of_saving() {
    let (_dir, store) = open();
    let id = accepted(&store, "r1");
    let see = |state: JobState| {
        let seen = Observation {
            state: Some(state),
            ..Observation::default()
        };
        store.observe(&id, &seen).unwrap()
    };
    assert!(see(JobState::InProgress).is_some());
    assert!(see(JobState::InProgress).is_none(), "nothing new");
    assert!(see(JobState::InQueue { position: Some(0) }).is_some());
    assert!(see(JobState::Saving).is_some());
    assert!(see(JobState::InProgress).is_none());
    assert_eq!(state_of(&store, &id), JobState::Saving);
}

#[test]
fn a_run_that_begins_anew_is_timed_anew() {
    let (_dir, store) = open();
    let id = accepted(&store, "r1");
    let see = |percent: u8, second: i64| {
        let seen = Observation {
            state: Some(JobState::InProgress),
            percent: Some(percent),
            started_at: Some(at(second)),
            ..Observation::default()
        };
        store.observe(&id, &seen).unwrap().unwrap().started_at
    };
    assert_eq!(see(10, 5), Some(at(5)));
    assert_eq!(see(60, 6), Some(at(5)), "the first moment stays");
    assert_eq!(see(2, 90), Some(at(90)));
}

#[test]
fn a_request_of_another_job_is_not_adopted() {
    let (_dir, store) = open();
    accepted(&store, "taken");
    let id = stored(&store, JobState::QueuedLocally);
    begin(&store, &id, "{}", &me()).unwrap();
    store.unconfirmed(&id, at(3)).unwrap().unwrap();
    assert_eq!(
        store.adopt(&id, &RequestId::new("taken"), at(4)).unwrap(),
        None
    );
    let adopted = store
        .adopt(&id, &RequestId::new("free"), at(4))
        .unwrap()
        .unwrap();
    assert_eq!(adopted.state, JobState::InQueue { position: None });
}

const DAY: Timestamp = Timestamp::UNIX_EPOCH;

fn spent(store: &Store) -> (f64, f64) {
    let spent = store.spent(DAY, &me()).unwrap();
    (spent.session.dollars(), spent.day.dollars())
}

#[test]
fn money_counts_from_the_moment_it_may_be_spent() {
    let (_dir, store) = open();
    let mut preview = job(JobState::QueuedLocally);
    preview.account.server = ServerId::preview();
    store.insert(&preview, Some(&me())).unwrap();
    begin(&store, &preview.id, "{}", &me()).unwrap();
    let id = stored(&store, JobState::QueuedLocally);
    assert_eq!(spent(&store), (0.0, 0.0));
    begin(&store, &id, "{}", &me()).unwrap();
    assert_eq!(spent(&store), (1.16, 1.16));
    store.prove_unsent(&id, &me()).unwrap().unwrap();
    assert_eq!(spent(&store), (0.0, 0.0));
    begin(&store, &id, "{}", &me()).unwrap();
    let refused = JobError {
        kind: "x".into(),
        message: "refused".into(),
        fields: Vec::new(),
    };
    store.fail(&id, &refused, at(3)).unwrap().unwrap();
    assert_eq!(spent(&store), (0.0, 0.0), "a refused submit costs nothing");
    accepted(&store, "r1");
    assert_eq!(spent(&store), (1.16, 1.16));
    let of = |today, session: &str| store.spent(today, &OwnerId::new(session)).unwrap();
    assert_eq!(of(at(100), "another").day, Usd::ZERO);
    assert_eq!(of(DAY, "another").session, Usd::ZERO);
}

#[test]
fn what_the_server_billed_counts_in_place_of_the_estimate_and_deleting_gives_nothing_back() {
    let (_dir, store) = open();
    let id = accepted(&store, "r1");
    store
        .store_result(&id, &json!({}), Some(10.0))
        .unwrap()
        .unwrap();
    let ended = store.complete(&id, &[], at(9)).unwrap().unwrap();
    assert_eq!(ended.cost(), Some(Cost::Billed(Usd::from_dollars(2.0))));
    assert_eq!(spent(&store), (2.0, 2.0));
    assert!(store.delete(&id).unwrap());
    assert_eq!(spent(&store), (2.0, 2.0));
}

#[test]
fn a_cap_lets_through_what_fits_and_what_was_agreed_to() {
    let (_dir, store) = open();
    let cap = Cap {
        budget: Budget {
            session: None,
            day: Some(Usd::from_dollars(2.0)),
        },
        today: DAY,
        now: at(2),
        price_is_known: true,
    };
    let begin = |id: &JobId| store.begin_submit(id, "{}", &key(), &me(), &cap).unwrap();
    let ids = [(); 3].map(|()| stored(&store, JobState::QueuedLocally));
    assert!(matches!(begin(&ids[0]), Begun::Won(_)));
    let over = begin(&ids[1]);
    assert!(matches!(over, Begun::OverCap(_)), "{over:?}");
    assert_eq!(state_of(&store, &ids[1]), JobState::QueuedLocally);
    let consent = Consent {
        over_cap: true,
        ..Consent::default()
    };
    store.agree(&ids[1], consent, None).unwrap().unwrap();
    let Begun::Won(agreed) = begin(&ids[1]) else {
        panic!("it was agreed to")
    };
    assert_eq!(agreed.consent, consent, "it is kept");
    assert!(matches!(begin(&ids[2]), Begun::OverCap(_)));
    let mut preview = job(JobState::QueuedLocally);
    preview.account.server = ServerId::preview();
    store.insert(&preview, Some(&me())).unwrap();
    assert!(matches!(begin(&preview.id), Begun::Won(_)), "it is free");
}

#[test]
fn a_job_of_unknown_price_is_over_every_cap() {
    let (_dir, store) = open();
    let mut unknown = job(JobState::QueuedLocally);
    unknown.estimated_cost = None;
    store.insert(&unknown, Some(&me())).unwrap();
    let cap = Cap {
        budget: Budget {
            session: Some(Usd::from_dollars(1000.0)),
            day: None,
        },
        today: DAY,
        now: at(2),
        price_is_known: true,
    };
    let begun = store
        .begin_submit(&unknown.id, "{}", &key(), &me(), &cap)
        .unwrap();
    assert!(matches!(begun, Begun::OverCap(_)));
}

/// Stores `job`, or gives the one that is there already.
fn twin_of(store: &Store, job: &Job) -> Option<Job> {
    let twins = store.insert_unless_twins(std::slice::from_ref(job), &me());
    twins.unwrap().pop().map(|twin| twin.job)
}

#[test]
fn of_several_jobs_all_are_stored_or_none() {
    let (_dir, store) = open();
    let with_hash = |hash: &str| {
        let mut job = job(JobState::QueuedLocally);
        job.request_hash = Some(hash.to_owned());
        job
    };
    let insert = |hashes: [&str; 3]| {
        let jobs = hashes.map(with_hash);
        let twins = store.insert_unless_twins(&jobs, &me()).unwrap();
        twins.iter().map(|twin| twin.number).collect::<Vec<_>>()
    };
    let count = || store.list(&JobQuery::default()).unwrap().len();
    assert_eq!(insert(["a", "b", "a"]), [2], "two of them are the same");
    assert_eq!(count(), 0);
    assert!(insert(["a", "b", "c"]).is_empty());
    assert_eq!(insert(["d", "b", "c"]), [1, 2]);
    assert_eq!(count(), 3);
}

#[test]
fn the_same_request_is_stored_once_unless_the_first_came_to_nothing() {
    let (_dir, store) = open();
    let same = |state: JobState| {
        let mut job = job(state);
        job.request_hash = Some("same".to_owned());
        job
    };
    let first = same(JobState::QueuedLocally);
    let insert = |job: &Job| twin_of(&store, job);
    assert_eq!(insert(&first), None);
    let twin = insert(&same(JobState::QueuedLocally)).unwrap();
    assert_eq!(twin.id, first.id);
    assert_eq!(
        insert(&job(JobState::QueuedLocally)),
        None,
        "no hash, no twin"
    );
    store.cancel_unsent(&first.id, at(2)).unwrap().unwrap();
    assert_eq!(insert(&same(JobState::QueuedLocally)), None);
    let mut preview = same(JobState::Completed);
    preview.request_hash = Some("tried".to_owned());
    preview.account.server = ServerId::preview();
    store.insert(&preview, None).unwrap();
    let mut paid = same(JobState::QueuedLocally);
    paid.request_hash = Some("tried".to_owned());
    assert_eq!(insert(&paid), None, "a preview is no twin of a paid job");
}

#[test]
fn a_job_under_way_is_not_deleted_and_an_ended_one_takes_its_log_along() {
    let (_dir, store) = open();
    let id = accepted(&store, "r1");
    let line = LogLine::new(at(1), Level::Info, "hello");
    store.append_logs(&id, &[line]).unwrap();
    assert!(!store.delete(&id).unwrap());
    store.cancelled(&id, at(2)).unwrap().unwrap();
    assert!(store.delete(&id).unwrap());
    assert_eq!(store.get(&id).unwrap(), None);
    assert_eq!(store.log_count(&id).unwrap(), 0);
}

#[test]
fn a_job_of_yesterday_that_is_sent_today_counts_for_today() {
    let (_dir, store) = open();
    let mut old = job(JobState::QueuedLocally);
    old.created_at = at(-90_000);
    store.insert(&old, Some(&me())).unwrap();
    let cap = Cap {
        now: at(10),
        ..Cap::default()
    };
    let begun = store
        .begin_submit(&old.id, "{}", &key(), &me(), &cap)
        .unwrap();
    assert!(matches!(begun, Begun::Won(_)));
    assert_eq!(
        store.spent(at(0), &me()).unwrap().day,
        Usd::from_dollars(1.16)
    );
}

#[test]
fn under_a_cap_a_price_that_nobody_told_counts_as_too_much() {
    let (_dir, store) = open();
    let id = stored(&store, JobState::QueuedLocally);
    let cap = Cap {
        budget: Budget {
            session: None,
            day: Some(Usd::from_dollars(1000.0)),
        },
        ..Cap::default()
    };
    let begun = store.begin_submit(&id, "{}", &key(), &me(), &cap).unwrap();
    assert!(matches!(begun, Begun::OverCap(over) if over.cost.is_none()));
}

#[test]
fn a_result_that_could_not_be_saved_and_a_parent_in_doubt_are_twins() {
    let (_dir, store) = open();
    let mut paid = job(JobState::Failed);
    paid.request_hash = Some("same".to_owned());
    paid.output = Some(json!({"video": {}}));
    store.insert(&paid, None).unwrap();
    let mut again = job(JobState::QueuedLocally);
    again.request_hash = Some("same".to_owned());
    let twin = twin_of(&store, &again);
    assert_eq!(twin.map(|twin| twin.id), Some(paid.id));

    let doubted = stored(&store, JobState::QueuedLocally);
    begin(&store, &doubted, "{}", &me()).unwrap();
    store.unconfirmed(&doubted, at(3)).unwrap().unwrap();
    let mut copy = job(JobState::QueuedLocally);
    copy.parent = Some(doubted.clone());
    let twin = twin_of(&store, &copy);
    assert_eq!(twin.map(|twin| twin.id), Some(doubted));
}

#[test]
fn only_its_owner_takes_an_unsent_job_back() {
    let (_dir, store) = open();
    let id = stored(&store, JobState::QueuedLocally);
    let other = OwnerId::new("other");
    assert_eq!(store.withdraw(&id, &other, None).unwrap(), None);
    assert!(store.withdraw(&id, &me(), None).unwrap().is_some());
}

#[test]
fn a_database_that_is_gone_is_not_made_anew_beside_what_is_left_of_it() {
    let (dir, store) = open();
    accepted(&store, "r1");
    drop(store);
    let main = dir.path().join(MAIN_FILE);
    for gone in [true, false] {
        if gone {
            fs::remove_file(&main).unwrap();
        } else {
            fs::write(&main, "").unwrap();
        }
        let error = Store::open(dir.path()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    }
}

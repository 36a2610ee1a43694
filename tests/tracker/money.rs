//! Caps, prices, and the same request twice.

use std::{fs, time::Duration};

use talkdeck::{
    catalog::Catalog,
    model::{
        Budget, Job, JobState, ServerId, Usd,
        job::Cost,
        request::{Consent, Wish},
    },
    tracker::{Error, OVER_CAP, Options, PRICE_ROSE},
};

use crate::{
    fake_fal::FakeFal,
    rig::{self, Rig, eventually, state_is},
};

const AGREED: Consent = Consent {
    over_cap: true,
    repeat: false,
    cut_off: false,
};

fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars)
}

/// Room for two jobs of $1.16 and no third.
fn for_two(options: &mut Options) {
    options.budget = Budget {
        session: None,
        day: Some(usd(3.0)),
    };
}

fn impatient(options: &mut Options) {
    options.retry_not_sent = Some(Duration::from_secs(10));
}

fn waits_for_cap(job: &Job) -> bool {
    let notice = job.notice.as_ref().map_or("", |notice| notice.as_str());
    job.state == JobState::QueuedLocally && notice.contains("cap")
}

/// A wish whose seed the user chose.
fn seeded(rig: &Rig, seed: i64) -> Wish {
    let mut wish = rig::wish(&rig.picture());
    wish.arguments.set("seed", seed);
    wish
}

#[tokio::test]
async fn of_many_submits_at_once_only_those_go_out_that_fit_the_cap() {
    let fal = FakeFal::start().await;
    let rig = Rig::with(&fal, for_two);
    let beside = Rig::in_dir(rig.shared_dir(), fal.server("id:secret"), for_two);
    for rig in [&rig, &beside] {
        rig.tracker.refresh_prices(&ServerId::fal()).await.unwrap();
    }
    let mut sent = Vec::new();
    for _ in 0..4 {
        sent.push(rig.submit().await);
        sent.push(beside.submit().await);
    }
    let settled = |job: &Job| state_is("in-queue")(job) || waits_for_cap(job);
    let mut queued = 0;
    for job in &sent {
        let job = rig.job(&job.id, settled).await;
        queued += usize::from(job.state != JobState::QueuedLocally);
    }
    assert_eq!((queued, fal.posts(), fal.bills()), (2, 2, 2));
    assert_eq!(rig.spent(), usd(2.32));
}

#[tokio::test]
async fn a_job_over_the_cap_waits_until_the_user_agrees_and_that_is_kept() {
    let fal = FakeFal::start().await;
    let rig = Rig::with(&fal, |options| {
        options.budget.session = Some(usd(1.0));
    });
    let sent = rig.submit().await;
    let waiting = rig.job(&sent.id, waits_for_cap).await;
    assert!(
        waiting
            .notice
            .unwrap()
            .as_str()
            .contains("session cap of $1.00"),
        "the notice names the cap"
    );
    assert_eq!(fal.posts(), 0);
    rig.tracker.agree(&sent.id, AGREED).await.unwrap();
    let queued = rig.job(&sent.id, state_is("in-queue")).await;
    assert_eq!(queued.consent, AGREED);
    assert_eq!(fal.bills(), 1);
    let late = rig.tracker.agree(&sent.id, AGREED).await.unwrap_err();
    assert!(matches!(late, Error::WrongState { .. }), "{late}");
}

#[tokio::test]
async fn the_command_line_does_not_wait_for_a_cap() {
    let fal = FakeFal::start().await;
    let rig = Rig::with(&fal, |options| {
        impatient(options);
        options.budget.day = Some(Usd::ZERO);
    });
    let sent = rig.submit().await;
    let draft = rig.job(&sent.id, state_is("draft")).await;
    assert_eq!(draft.error.unwrap().kind.as_str(), OVER_CAP);
    let mut agreed = rig::wish(&rig.picture());
    agreed.consent = AGREED;
    let sent = rig.tracker.submit(agreed).await.unwrap();
    rig.job(&sent.id, state_is("in-queue")).await;
    assert_eq!(fal.bills(), 1);
}

#[tokio::test]
async fn an_unknown_price_counts_as_over_the_cap_and_without_a_cap_as_nothing() {
    let fal = FakeFal::start().await;
    let capped = Rig::with(&fal, |options| {
        options.budget.day = Some(usd(1000.0));
    });
    let unknown = |rig: &Rig| Wish {
        estimated_cost: None,
        ..rig::wish(&rig.picture())
    };
    let sent = capped.tracker.submit(unknown(&capped)).await.unwrap();
    capped.job(&sent.id, waits_for_cap).await;
    assert_eq!(fal.posts(), 0);
    let free = Rig::start(&fal);
    let sent = free.tracker.submit(unknown(&free)).await.unwrap();
    free.job(&sent.id, state_is("in-queue")).await;
}

#[tokio::test]
async fn the_same_picture_words_and_seed_are_paid_for_once_unless_agreed() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let first = rig.tracker.submit(seeded(&rig, 42)).await.unwrap();
    rig.job(&first.id, state_is("in-queue")).await;
    // The same picture under another name is the same picture.
    let copy = rig.dir().join("copy.png");
    fs::copy(rig.picture(), &copy).unwrap();
    let mut again = seeded(&rig, 42);
    again.arguments.set("image_url", copy.to_str().unwrap());
    let Err(Error::AlreadyHave(twin)) = rig.tracker.submit(again.clone()).await else {
        panic!("it is a twin");
    };
    assert_eq!(twin[0].job.id, first.id);
    assert_eq!(fal.posts(), 1);
    again.consent.repeat = true;
    let second = rig.tracker.submit(again).await.unwrap();
    rig.job(&second.id, state_is("in-queue")).await;
    assert_eq!(fal.bills(), 2);
}

#[tokio::test]
async fn another_seed_another_picture_or_a_first_that_failed_is_no_twin() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let send = async |wish: Wish| {
        let job = rig.tracker.submit(wish).await.unwrap();
        rig.job(&job.id, state_is("in-queue")).await
    };
    send(seeded(&rig, 42)).await;
    send(seeded(&rig, 43)).await;
    let other = rig.dir().join("other.png");
    image::RgbImage::new(9, 9).save(&other).unwrap();
    let mut wish = seeded(&rig, 42);
    wish.arguments.set("image_url", other.to_str().unwrap());
    send(wish).await;
    fal.plan(crate::fake_fal::Submit::Invalid);
    let refused = rig.tracker.submit(seeded(&rig, 44)).await.unwrap();
    rig.job(&refused.id, state_is("failed")).await;
    send(seeded(&rig, 44)).await;
    assert_eq!(fal.bills(), 4);
}

#[tokio::test]
async fn of_two_processes_that_send_the_same_at_once_one_does() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let beside = rig.beside(&fal);
    for seed in 0..10 {
        let wish = seeded(&rig, seed);
        let (a, b) = tokio::join!(
            rig.tracker.submit(wish.clone()),
            beside.tracker.submit(wish.clone())
        );
        assert!(a.is_ok() != b.is_ok(), "one of them: {a:?} {b:?}");
    }
    eventually("all that were stored are sent", || fal.bills() == 10).await;
}

#[tokio::test]
async fn prices_come_from_the_server_once_a_day_and_last() {
    let fal = FakeFal::start().await;
    let cached = |dir: std::path::PathBuf| {
        move |options: &mut Options| options.cache_dir = Some(dir.clone())
    };
    let cache = tempfile::tempdir().unwrap();
    let rig = Rig::with(&fal, cached(cache.path().to_owned()));
    let server = ServerId::fal();
    let cost = |rig: &Rig| {
        let catalog = rig.tracker.catalog(&server);
        catalog
            .first()
            .estimate(&rig::wish(&rig.picture()).arguments)
    };
    fal.hide_prices();
    assert!(rig.tracker.refresh_prices(&server).await.is_err());
    assert_eq!(cost(&rig), Some(usd(1.16)), "what was known stays");
    fal.ask_for(0.5);
    rig.tracker.refresh_prices(&server).await.unwrap();
    assert_eq!(cost(&rig), Some(usd(2.9)));
    let asked = fal.price_questions();
    rig.tracker.refresh_prices(&server).await.unwrap();
    assert_eq!(fal.price_questions(), asked, "it is fresh");
    let next = Rig::with(&fal, cached(cache.path().to_owned()));
    assert_eq!(cost(&next), Some(usd(2.9)));
    let preview = next.tracker.catalog(&ServerId::preview());
    assert_eq!(*preview, Catalog::builtin());
}

#[tokio::test]
async fn a_job_that_became_dearer_after_it_was_confirmed_waits_for_another_yes() {
    let fal = FakeFal::start().await;
    for patience in [None, Some(Duration::from_secs(10))] {
        fal.ask_for(0.2);
        let rig = Rig::with(&fal, |options| options.retry_not_sent = patience);
        let confirmed = rig::wish(&rig.picture());
        fal.ask_for(0.3);
        rig.tracker.refresh_prices(&ServerId::fal()).await.unwrap();
        let posts = fal.posts();
        let sent = rig.tracker.submit(confirmed).await.unwrap();
        if patience.is_some() {
            let draft = rig.job(&sent.id, state_is("draft")).await;
            assert_eq!(draft.error.unwrap().kind.as_str(), PRICE_ROSE);
            continue;
        }
        let rose = |job: &Job| {
            let notice = job.notice.as_ref().map_or("", |notice| notice.as_str());
            notice.contains("rose from ≈$1.16 to ≈$1.74")
        };
        rig.job(&sent.id, rose).await;
        assert_eq!(fal.posts(), posts);
        rig.tracker.agree(&sent.id, AGREED).await.unwrap();
        rig.job(&sent.id, state_is("in-queue")).await;
    }
}

#[tokio::test]
async fn what_the_server_bills_is_the_truth() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    let units = done.billed_units.expect("the result tells them");
    assert_eq!(done.cost(), Some(Cost::Billed(usd(units * 0.2))));
    assert_eq!(rig.spent(), usd(units * 0.2));
}

#[tokio::test]
async fn a_job_that_was_confirmed_with_another_key_is_not_sent() {
    let fal = FakeFal::start().await;
    fal.accept_key("other:secret");
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    let refused = |job: &Job| {
        let notice = job.notice.as_ref().map_or("", |notice| notice.as_str());
        notice.contains("another key")
    };
    rig.job(&sent.id, refused).await;
    let posts = fal.posts();
    rig.tracker
        .add_server(fal.server("other:secret"))
        .await
        .unwrap();
    let confirmed = |job: &Job| {
        let notice = job.notice.as_ref().map_or("", |notice| notice.as_str());
        notice.contains("confirmed with another key")
    };
    rig.job(&sent.id, confirmed).await;
    assert_eq!((fal.posts(), fal.bills()), (posts, 0));
}

#[tokio::test]
async fn a_request_that_the_server_does_not_know_is_nobodys() {
    let fal = FakeFal::start().await;
    fal.plan(crate::fake_fal::Submit::LoseUnread);
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("unconfirmed")).await;
    let stranger = talkdeck::model::RequestId::new("a-slip-of-the-pen");
    let error = rig.tracker.confirm(&sent.id, stranger).await.unwrap_err();
    assert!(error.to_string().contains("no such request"), "{error}");
    let job = rig.store.get(&sent.id).unwrap().unwrap();
    assert!(matches!(job.state, JobState::Unconfirmed { .. }));
}

#[tokio::test]
async fn a_note_of_a_job_that_the_store_does_not_have_is_kept_and_told() {
    let fal = FakeFal::start().await;
    let mut rig = Rig::start(&fal);
    let notes = rig.dir().join("unsaved");
    fs::create_dir(&notes).unwrap();
    let note = notes.join("0123456789ab.json");
    let urls = r#"{"status": "s", "response": "r", "cancel": "c"}"#;
    let text = format!(r#"{{"job": "0123456789ab", "request_id": "paid", "urls": {urls}}}"#);
    fs::write(&note, text).unwrap();
    rig.tracker.recover().await.unwrap();
    let is_told = |report: &talkdeck::tracker::Report| matches!(report, talkdeck::tracker::Report::Trouble { message } if message.as_str().contains("paid"));
    rig.report(is_told).await;
    assert!(note.exists());
}

//! The tracker against a small server that counts what it would bill.
//!
//! Seconds of the tracker's own waiting are shortened; every wait of a test is for a condition, with a deadline.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails, also in what it is built of"
)]

#[path = "tracker/beside.rs"]
mod beside;
#[path = "tracker/fake_fal.rs"]
mod fake_fal;
#[path = "tracker/inputs.rs"]
mod inputs;
#[path = "tracker/money.rs"]
mod money;
#[path = "tracker/net.rs"]
mod net;
#[path = "tracker/places.rs"]
mod places;
#[path = "tracker/rig.rs"]
mod rig;
#[path = "tracker/uploads.rs"]
mod uploads;

use std::{fs, path::Path, time::Duration};

use fake_fal::{FakeFal, Media, Submit};
use rig::{Rig, state_is};
use serde_json::json;
use talkdeck::{
    model::{Job, JobId, JobState, RequestId, Usd, inert_json, job::FileKind},
    tracker::{CancelOutcome, CrashHook, Error, Report, Settlement, Step, again},
};

fn texts(rig: &Rig, job: &Job) -> Vec<String> {
    let lines = rig.store.logs(&job.id, 0, 1000).unwrap();
    lines.iter().map(|line| line.message.to_string()).collect()
}

/// Everything in the job's directory.
fn saved_in(job: &Job) -> Vec<String> {
    let dir = job.files[0].path.parent().unwrap();
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn video_of(job: &Job) -> Vec<u8> {
    fs::read(&job.video().expect("the job has a video").path).unwrap()
}

#[tokio::test]
async fn a_job_goes_from_the_wish_to_the_video_with_one_bill() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let picture = rig.picture();
    let wish = rig.tracker.prepare(rig::wish(&picture)).await.unwrap();
    let sent = rig.tracker.submit(wish).await.unwrap();
    assert_eq!(sent.state, JobState::QueuedLocally);
    assert_eq!(sent.name.as_str(), "Spend more time with");
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.run("Loading pipeline\n 62%|####  | 25/40");
    let running = rig.job(&sent.id, |job| job.percent == Some(62)).await;
    assert_eq!(running.state, JobState::InProgress);
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;

    assert_eq!(fal.bills(), 1);
    assert_eq!(
        texts(&rig, &done),
        ["Loading pipeline", " 62%|####  | 25/40"]
    );
    assert_eq!(done.inference_time, Some(Duration::from_millis(41_700)));
    assert_eq!(done.billed_units, Some(5.8));
    assert_eq!(video_of(&done), fake_fal::VIDEO);
    // The body names the uploaded file, the job keeps the path.
    let body = &fal.bodies()[0];
    let uploaded = body["image_url"].as_str().unwrap();
    assert!(uploaded.starts_with(fal.url().as_str()), "{uploaded}");
    assert_eq!(done.arguments.text("image_url"), picture.to_str());
    assert_eq!(body["seed"].as_i64(), done.arguments.integer("seed"));
    assert!(done.seed_drawn);

    let names = ["Spend-more-time-with.mp4", "job.json"];
    assert_eq!(saved_in(&done), names);
    let record = done
        .files
        .iter()
        .find(|file| file.kind == FileKind::Job)
        .unwrap();
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(&record.path).unwrap()).unwrap();
    assert_eq!(record["state"], "completed");
    assert_eq!(record["output"], done.output.clone().unwrap());
    assert_eq!(record["files"][0]["bytes"], fake_fal::VIDEO.len());
}

#[tokio::test]
async fn an_answer_that_never_came_is_found_in_the_list_and_nothing_is_sent_again() {
    for lost in [Submit::BadGateway, Submit::Hang] {
        let fal = FakeFal::start().await;
        fal.plan(lost);
        let rig = Rig::start(&fal);
        let sent = rig.submit().await;
        rig.job(&sent.id, |job| job.request_id.is_some()).await;
        fal.complete();
        rig.job(&sent.id, state_is("completed")).await;
        assert_eq!((fal.bills(), fal.posts()), (1, 1), "{lost:?}");
    }
}

#[tokio::test]
async fn two_requests_that_could_be_it_are_left_to_the_user() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::BadGateway);
    fal.twin_the_next();
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    let asks = rig
        .job(&sent.id, |job| {
            let notice = job.notice.as_ref().map(ToString::to_string);
            notice.is_some_and(|notice| notice.contains("2 requests could be it"))
        })
        .await;
    assert_eq!(asks.request_id, None);
    let Settlement::Several(ids) = rig.tracker.settle(&sent.id).await.unwrap() else {
        panic!("two requests match");
    };
    assert_eq!(ids.len(), 2);
    rig.tracker
        .confirm(&sent.id, ids[1].id.clone())
        .await
        .unwrap();
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(done.request_id.as_ref(), Some(&ids[1].id));
    assert_eq!(fal.posts(), 1);
}

#[tokio::test]
async fn a_submit_that_never_arrived_stays_unconfirmed_until_the_user_says_so() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::LoseUnread);
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("unconfirmed")).await;
    assert_eq!(
        rig.tracker.settle(&sent.id).await.unwrap(),
        Settlement::Missing
    );
    // A resubmit with another seed is another job; the request that it makes is not taken for the first one's.
    // Unasked it is not sent while the first is in doubt: that one may be what it is wanted for.
    let mut copy = again(&sent);
    let refused = rig.tracker.submit(copy.clone()).await;
    assert!(matches!(refused, Err(Error::AlreadyHave(twins)) if twins[0].job.id == sent.id));
    copy.consent.repeat = true;
    let second = rig.tracker.submit(copy).await.unwrap();
    rig.job(&second.id, state_is("in-queue")).await;
    assert_eq!(
        rig.tracker.settle(&sent.id).await.unwrap(),
        Settlement::Missing
    );
    let told = rig.tracker.confirm_not_sent(&sent.id).await.unwrap();
    assert_eq!(told.state, JobState::Failed);
    assert_eq!(fal.posts(), 2);
}

#[tokio::test]
async fn equal_bodies_in_doubt_are_not_matched_by_guess() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::BadGateway);
    fal.plan(Submit::LoseUnread);
    let rig = Rig::start(&fal);
    let mut wish = rig::wish(Path::new("https://v3.fal.media/face.png"));
    wish.arguments.set("seed", 7);
    wish.consent.repeat = true;
    fal.hide_list(true);
    let first = rig.tracker.submit(wish.clone()).await.unwrap();
    rig.job(&first.id, state_is("unconfirmed")).await;
    let second = rig.tracker.submit(wish).await.unwrap();
    rig.job(&second.id, state_is("unconfirmed")).await;
    fal.hide_list(false);
    // The server has one of the two, and nothing tells which.
    for id in [&first.id, &second.id] {
        let settlement = rig.tracker.settle(id).await.unwrap();
        assert!(matches!(settlement, Settlement::Several(ids) if ids.len() == 1));
    }
    assert_eq!(fal.bills(), 1);
}

#[tokio::test]
async fn what_was_not_sent_is_tried_again_until_it_is_sent_once() {
    let fal = FakeFal::start().await;
    let address = fal.stop().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    let waiting = rig
        .job(&sent.id, |job| {
            let notice = job.notice.as_ref().map(ToString::to_string);
            // The notice outlasts the next try's uploads, until that gets further.
            job.state == JobState::QueuedLocally
                && notice.is_some_and(|notice| notice.contains("trying again in"))
        })
        .await;
    assert!(waiting.request_id.is_none());
    fal.restart(address).await;
    rig.job(&sent.id, state_is("in-queue")).await;
    assert_eq!((fal.bills(), fal.posts()), (1, 1));
}

#[tokio::test]
async fn what_cannot_be_sent_in_time_becomes_a_draft() {
    let fal = FakeFal::start().await;
    fal.stop().await;
    let rig = Rig::with(&fal, |options| {
        options.retry_not_sent = Some(Duration::from_millis(100));
    });
    let sent = rig.submit().await;
    let draft = rig.job(&sent.id, state_is("draft")).await;
    assert_eq!(draft.error.unwrap().kind.as_str(), "talkdeck_not_sent");
    assert_eq!(rig.spent(), Usd::ZERO);
}

#[tokio::test]
async fn after_its_time_the_list_is_no_longer_asked_and_nothing_else_is_claimed() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::LoseUnread);
    let rig = Rig::with(&fal, |options| {
        options.settle_for = Some(20 * options.second);
    });
    let sent = rig.submit().await;
    let says = |job: &Job, what: &str| {
        let notice = job.notice.as_ref();
        notice.is_some_and(|notice| notice.as_str().ends_with(what))
    };
    let left = rig
        .job(&sent.id, |job| says(job, "; no longer asked"))
        .await;
    assert_eq!(left.state.name(), "unconfirmed");
    // Whoever comes next asks again.
    let next = rig.beside(&fal);
    rig.tracker.release().await;
    next.recover_orphans(&left).await;
    next.job(&sent.id, |job| says(job, "asking the server again in 2 s"))
        .await;
}

#[tokio::test]
async fn a_server_that_asks_to_wait_is_asked_again() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::RateLimit);
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    assert_eq!((fal.bills(), fal.posts()), (1, 2));
}

#[tokio::test]
async fn a_locked_account_holds_all_sends_up_until_they_are_resumed() {
    let fal = FakeFal::start().await;
    let mut rig = Rig::start(&fal);
    let running = rig.submit().await;
    rig.job(&running.id, state_is("in-queue")).await;
    fal.lock_account(true);
    let jobs = [rig.submit().await, rig.submit().await];
    rig.report(|report| matches!(report, Report::AccountLocked { message, .. } if message.as_str().contains("Exhausted")))
        .await;
    // What is at the server goes on meanwhile.
    fal.complete();
    rig.job(&running.id, state_is("completed")).await;
    assert_eq!(fal.bills(), 1);
    for job in &jobs {
        rig.job(&job.id, state_is("queued-locally")).await;
    }
    assert!(fal.posts() <= 3, "the locked account is not stormed");
    fal.lock_account(false);
    rig.tracker.resume_outbox();
    for job in &jobs {
        rig.job(&job.id, state_is("completed")).await;
    }
    assert_eq!(fal.bills(), 3);
}

#[tokio::test]
async fn a_refused_key_stops_all_calls_until_it_is_replaced() {
    let fal = FakeFal::start().await;
    let mut rig = Rig::start(&fal);
    fal.accept_key("id:new");
    let sent = rig.submit().await;
    rig.report(|report| matches!(report, Report::Unauthorized { .. }))
        .await;
    rig.job(&sent.id, state_is("queued-locally")).await;
    let posts = fal.posts();
    let other = rig.submit().await;
    rig.job(&other.id, state_is("queued-locally")).await;
    assert_eq!(fal.posts(), posts, "the refused key is not tried again");
    rig.tracker.add_server(fal.server("id:new")).await.unwrap();
    rig.job(&sent.id, state_is("in-queue")).await;
    rig.job(&other.id, state_is("in-queue")).await;
    assert_eq!(fal.bills(), 2);
}

#[tokio::test]
async fn a_refusal_at_the_submit_and_one_at_the_result_both_name_the_fields() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::Invalid);
    let rig = Rig::start(&fal);
    let early = rig.submit().await;
    let early = rig.job(&early.id, state_is("failed")).await;
    assert_eq!(rig.spent(), Usd::ZERO, "a refused submit is not billed");

    let late = rig.submit().await;
    rig.job(&late.id, state_is("in-queue")).await;
    fal.fail(422, &json!({"detail": [{"loc": ["body", "image_url"], "msg": "no face found", "type": "face_detection_error"}]}));
    let late = rig.job(&late.id, state_is("failed")).await;
    for (job, field, message) in [
        (early, "num_frames", "too many"),
        (late, "image_url", "no face found"),
    ] {
        let error = job.error.unwrap();
        assert_eq!(error.message.as_str(), message);
        assert_eq!(error.fields[0].name.as_str(), field);
    }
}

#[tokio::test]
async fn a_cut_stream_is_followed_on_by_polling_and_no_line_comes_twice() {
    let fal = FakeFal::start().await;
    fal.cut_streams_after(2);
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    let steps: Vec<_> = (1..=8).map(|n| format!("step {n}/8")).collect();
    for n in 1..=8 {
        fal.run(&steps[..n].join("\n"));
        rig.log_has(&sent.id, n).await;
    }
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(texts(&rig, &done), steps);
    assert!(fal.streams() > 1 && fal.polls() > 0);
}

#[tokio::test]
async fn without_a_stream_polling_alone_leads_home() {
    let fal = FakeFal::start().await;
    fal.cut_streams_after(0);
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.run("one\ntwo\ntwo");
    rig.job(&sent.id, state_is("in-progress")).await;
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(texts(&rig, &done), ["one", "two", "two"]);
}

#[tokio::test]
async fn an_unknown_status_is_shown_and_a_running_job_may_go_back_to_the_queue() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.run("started");
    rig.job(&sent.id, state_is("in-progress")).await;
    fal.set_status("IN_QUEUE");
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.set_status("PAUSED");
    let odd = rig.job(&sent.id, |job| job.remote_status.is_some()).await;
    assert_eq!(odd.remote_status.unwrap().as_str(), "PAUSED");
    fal.complete();
    rig.job(&sent.id, state_is("completed")).await;
}

#[tokio::test]
async fn a_server_in_trouble_fails_no_job() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    let address = fal.stop().await;
    let waiting = rig.job(&sent.id, |job| job.notice.is_some()).await;
    assert_eq!(waiting.state.name(), "in-queue");
    let notice = waiting.notice.unwrap().to_string();
    assert!(notice.contains("trying again in"), "{notice}");
    fal.restart(address).await;
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(done.notice, None);
}

#[tokio::test]
async fn a_job_that_was_not_sent_is_cancelled_here() {
    let fal = FakeFal::start().await;
    fal.stop().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, |job| job.notice.is_some()).await;
    assert_eq!(
        rig.tracker.cancel(&sent.id).await.unwrap(),
        CancelOutcome::NeverSent
    );
    rig.job(&sent.id, state_is("cancelled")).await;
    assert_eq!(
        rig.tracker.cancel(&sent.id).await.unwrap(),
        CancelOutcome::TooLate
    );
    assert_eq!(fal.posts(), 0);
}

#[tokio::test]
async fn a_job_is_cancelled_only_by_the_servers_word() {
    // Taken out of the queue.
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.answer_cancels(200, "OK");
    let outcome = rig.tracker.cancel(&sent.id).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Cancelled);
    rig.job(&sent.id, state_is("cancelled")).await;

    // Signalled, and stopped in the end.
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.answer_cancels(202, "CANCELLATION_REQUESTED");
    let outcome = rig.tracker.cancel(&sent.id).await.unwrap();
    assert_eq!(outcome, CancelOutcome::Requested);
    let asked = rig.job(&sent.id, |job| job.cancel_requested).await;
    assert!(!asked.state.is_terminal());
    fal.fail(
        499,
        &json!({"detail": "cancelled", "error_type": "client_cancelled"}),
    );
    rig.job(&sent.id, state_is("cancelled")).await;
}

#[tokio::test]
async fn a_cancel_that_loses_the_race_still_fetches_the_result() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    fal.answer_cancels(400, "ALREADY_COMPLETED");
    assert_eq!(
        rig.tracker.cancel(&sent.id).await.unwrap(),
        CancelOutcome::TooLate
    );
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert!(done.cancel_requested);
    assert_eq!(video_of(&done), fake_fal::VIDEO);
}

#[tokio::test]
async fn a_cancel_of_an_unconfirmed_job_reaches_the_server_once_it_is_found() {
    let fal = FakeFal::start().await;
    fal.plan(Submit::BadGateway);
    fal.hide_list(true);
    fal.answer_cancels(202, "CANCELLATION_REQUESTED");
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("unconfirmed")).await;
    assert_eq!(
        rig.tracker.cancel(&sent.id).await.unwrap(),
        CancelOutcome::Requested
    );
    assert_eq!(fal.cancels(), 0);
    fal.hide_list(false);
    rig::eventually("the cancel is told", || fal.cancels() > 0).await;
}

#[tokio::test]
async fn a_short_download_is_thrown_away_and_fetched_again() {
    let fal = FakeFal::start().await;
    fal.plan_media(Media::Short);
    fal.plan_media(Media::Broken);
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(video_of(&done), fake_fal::VIDEO);
    assert_eq!(saved_in(&done).len(), 2, "no half file is left");
    assert!(fal.downloads() >= 3);
}

#[tokio::test]
async fn a_file_that_stands_in_the_way_is_kept() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    let accepted = rig.job(&sent.id, state_is("in-queue")).await;
    let dir = rig
        .results()
        .join(accepted.created_at.strftime("%Y-%m-%d").to_string())
        .join(format!("{}-{}", accepted.name, accepted.id));
    fs::create_dir_all(&dir).unwrap();
    let old = dir.join(format!("{}.mp4", accepted.name));
    fs::write(&old, "mine").unwrap();
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(fs::read_to_string(&old).unwrap(), "mine");
    assert_ne!(done.video().unwrap().path, old);
    assert_eq!(video_of(&done), fake_fal::VIDEO);
}

#[tokio::test]
async fn a_job_name_cannot_lead_out_of_the_results() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let mut wish = rig::wish(&rig.picture());
    wish.name = "../../../x/\u{1b}[2J".into();
    let sent = rig.tracker.submit(wish).await.unwrap();
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    for file in &done.files {
        let path = fs::canonicalize(&file.path).unwrap();
        assert!(
            path.starts_with(fs::canonicalize(rig.results()).unwrap()),
            "{path:?}"
        );
        let name = inert_json::to_line(&path).unwrap();
        assert!(!name.contains("\\u"), "{name}");
    }
}

#[tokio::test]
async fn a_result_that_is_gone_is_taken_from_the_list_else_the_job_expires() {
    let fal = FakeFal::start().await;
    fal.forget_results(true);
    let rig = Rig::start(&fal);
    let listed = rig.submit().await;
    rig.job(&listed.id, state_is("in-queue")).await;
    fal.complete();
    let done = rig.job(&listed.id, state_is("completed")).await;
    assert_eq!(video_of(&done), fake_fal::VIDEO);

    fal.hide_list(true);
    let lost = rig.submit().await;
    rig.job(&lost.id, state_is("expired")).await;
}

#[tokio::test]
async fn a_video_that_is_gone_expires_the_job_and_keeps_its_output() {
    let fal = FakeFal::start().await;
    for _ in 0..20 {
        fal.plan_media(Media::Gone);
    }
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    fal.complete();
    let expired = rig.job(&sent.id, state_is("expired")).await;
    assert!(expired.output.is_some());
}

#[tokio::test]
async fn one_picture_of_several_jobs_is_uploaded_once() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let jobs = [rig.submit().await, rig.submit().await, rig.submit().await];
    for job in &jobs {
        rig.job(&job.id, state_is("in-queue")).await;
    }
    assert_eq!((fal.uploads(), fal.bills()), (1, 3));
}

#[tokio::test]
async fn a_download_copies_what_is_here_and_fetches_what_is_not() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    assert!(
        rig.tracker.download(&sent.id, rig.dir()).await.is_err(),
        "no result so far"
    );
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    let target = rig.dir().join("copies");
    let before = fal.downloads();
    let copied = rig.tracker.download(&sent.id, &target).await.unwrap();
    assert_eq!(fal.downloads(), before);
    assert_eq!(fs::read(&copied[0].path).unwrap(), fake_fal::VIDEO);
    fs::write(&copied[0].path, "edited by the user").unwrap();
    fs::remove_file(&done.video().unwrap().path).unwrap();
    let fetched = rig.tracker.download(&sent.id, &target).await.unwrap();
    assert_eq!(fs::read(&fetched[0].path).unwrap(), fake_fal::VIDEO);
    assert_eq!(
        fs::read_to_string(&copied[0].path).unwrap(),
        "edited by the user"
    );
}

#[tokio::test]
async fn prepare_finds_everything_that_is_wrong_and_leaves_the_seed_open() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let mut wrong = rig::wish(&rig.dir().join("missing.png"));
    wrong.arguments.set("num_frames", 9000);
    wrong.arguments.set("colour", "red");
    let errors = rig.tracker.prepare(wrong).await.unwrap_err();
    let names: Vec<_> = errors.iter().map(|error| error.name.as_str()).collect();
    assert_eq!(names, ["num_frames", "colour", "image_url"]);

    let right = rig
        .tracker
        .prepare(rig::wish(&rig.picture()))
        .await
        .unwrap();
    assert_eq!(right.arguments.get("seed"), None);
    assert_eq!(right.arguments.integer("num_frames"), Some(145));
    assert_eq!(right.estimated_cost, Some(Usd::from_dollars(1.16)));
}

/// What is to become of a job whose process died after a step.
#[derive(Debug, PartialEq)]
enum After {
    /// Held, and sent when the user says so.
    Held,
    /// Nobody knows whether it was sent; it was not.
    InDoubt,
    /// Brought home.
    Home,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_crash_at_any_step_no_job_is_lost_and_none_is_paid_twice() {
    for step in Step::ALL {
        let after = match step {
            Step::IntentStored | Step::Uploaded => After::Held,
            Step::SubmitBegun => After::InDoubt,
            _ => After::Home,
        };
        let fal = FakeFal::start().await;
        if step as u8 >= Step::SeenCompleted as u8 {
            fal.complete();
        }
        if matches!(step, Step::FoundInList | Step::Adopted) {
            fal.plan(Submit::BadGateway);
        }
        let dir = tempfile::tempdir().unwrap();
        let id = rig::crash_after(step, &fal, dir.path()).await;
        fal.complete();

        let rig = Rig::reopen(&fal, dir);
        let left = rig.store.get(&id).unwrap().expect("the job is not lost");
        if step != Step::Completed {
            assert!(!left.state.is_terminal(), "{step:?}");
        }
        let recovered = rig.recover_orphans(&left).await;
        match after {
            After::Held => {
                assert_eq!((recovered.held.len(), fal.posts()), (1, 0), "{step:?}");
                rig.tracker.send_held(&id).await.unwrap();
            }
            After::InDoubt => {
                rig.job(&id, state_is("unconfirmed")).await;
                assert_eq!(rig.tracker.settle(&id).await.unwrap(), Settlement::Missing);
                assert_eq!(fal.posts(), 0, "{step:?}");
                continue;
            }
            After::Home => assert_eq!(recovered.held.len(), 0, "{step:?}"),
        }
        let done = rig.job(&id, state_is("completed")).await;
        assert_eq!((fal.bills(), fal.posts()), (1, 1), "{step:?}");
        assert_eq!(video_of(&done), fake_fal::VIDEO, "{step:?}");
        assert_eq!(
            saved_in(&done),
            ["Spend-more-time-with.mp4", "job.json"],
            "{step:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_trackers_on_one_store_send_a_held_job_once() {
    let fal = FakeFal::start().await;
    let dir = tempfile::tempdir().unwrap();
    let id = rig::crash_after(Step::IntentStored, &fal, dir.path()).await;
    let first = Rig::reopen(&fal, dir);
    let second = first.beside(&fal);
    let left = first.store.get(&id).unwrap().unwrap();
    first.recover_orphans(&left).await;
    let (a, b) = tokio::join!(first.tracker.send_held(&id), second.tracker.send_held(&id));
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1);
    first.job(&id, state_is("in-queue")).await;
    assert_eq!((fal.bills(), fal.posts()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_in_line_follows_what_a_leader_leaves_and_mirrors_it_before() {
    let fal = FakeFal::start().await;
    let first = Rig::start(&fal);
    first.tracker.recover().await.unwrap();
    let mut second = first.beside(&fal);
    second.tracker.recover().await.unwrap();
    let sent = first.submit().await;
    first.job(&sent.id, state_is("in-queue")).await;
    second
        .report(|report| matches!(report, Report::Job(job) if job.id == sent.id && job.state.name() == "in-queue"))
        .await;
    first.tracker.release().await;
    fal.complete();
    second.job(&sent.id, state_is("completed")).await;
    assert_eq!(fal.bills(), 1);
}

#[tokio::test]
async fn a_job_of_another_key_is_left_alone_and_says_so() {
    let fal = FakeFal::start().await;
    let first = Rig::start(&fal);
    let sent = first.submit().await;
    first.job(&sent.id, state_is("in-queue")).await;
    first.tracker.release().await;
    fal.accept_key("other:key");
    let second = first.beside_with(fal.server("other:key"));
    let recovered = second.tracker.recover().await.unwrap();
    assert_eq!(recovered.followed, 0);
    let left = second.job(&sent.id, |job| job.notice.is_some()).await;
    assert_eq!(left.state.name(), "in-queue");
    assert_eq!(fal.refused_keys(), 0, "no call was made with the wrong key");
}

#[tokio::test]
async fn a_held_job_is_never_sent_with_another_key() {
    let fal = FakeFal::start().await;
    fal.stop().await;
    let first = Rig::start(&fal);
    let sent = first.submit().await;
    first.job(&sent.id, |job| job.notice.is_some()).await;
    first.tracker.release().await;
    let other = first.beside_with(fal.server("other:key"));
    assert_eq!(other.tracker.recover().await.unwrap().held.len(), 1);
    let refused = other.tracker.send_held(&sent.id).await.unwrap_err();
    assert!(refused.to_string().contains("key"), "{refused}");
    assert_eq!(fal.posts(), 0);
}

#[tokio::test]
async fn a_held_job_that_is_dropped_becomes_a_draft() {
    let fal = FakeFal::start().await;
    fal.stop().await;
    let first = Rig::start(&fal);
    let sent = first.submit().await;
    first.job(&sent.id, |job| job.notice.is_some()).await;
    first.tracker.release().await;
    let second = first.beside(&fal);
    let recovered = second.tracker.recover().await.unwrap();
    assert_eq!(recovered.held.len(), 1);
    second.tracker.drop_held(&sent.id).await.unwrap();
    second.job(&sent.id, state_is("draft")).await;
    assert!(second.tracker.send_held(&sent.id).await.is_err());
}

#[tokio::test]
async fn a_request_id_that_the_store_cannot_take_is_told_and_noted_until_it_can() {
    let fal = FakeFal::start().await;
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join(talkdeck::store::MAIN_FILE);
    let sql = move |text: &str| {
        let db = rusqlite::Connection::open(&database).unwrap();
        db.busy_timeout(Duration::from_secs(10)).unwrap();
        db.execute_batch(text).unwrap();
    };
    let full = sql.clone();
    let mut rig = Rig::in_dir(dir.into(), fal.server("id:secret"), |options| {
        // Between the answer and its being stored, the disk fills up.
        options.crash_hook = Some(CrashHook::new(move |step| {
            if step == Step::Answered {
                full(
                    "CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN NEW.request_id IS NOT NULL
                      BEGIN SELECT RAISE(FAIL, 'the disk is full'); END",
                );
            }
            false
        }));
    });
    let sent = rig.submit().await;
    rig.report(|report| matches!(report, Report::Trouble { message } if message.as_str().contains("request-0")))
        .await;
    let note = rig.dir().join(format!("unsaved/{}.json", sent.id));
    assert!(fs::read_to_string(&note).unwrap().contains("request-0"));
    sql("DROP TRIGGER full");
    rig.job(&sent.id, state_is("in-queue")).await;
    rig::eventually("the note is gone", || !note.exists()).await;
    assert_eq!((fal.bills(), fal.posts()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_noted_request_id_is_taken_up_by_the_next_process() {
    let fal = FakeFal::start().await;
    fal.hide_list(true);
    let dir = tempfile::tempdir().unwrap();
    let id = rig::crash_after(Step::Answered, &fal, dir.path()).await;
    let at = format!("{}fal-ai/infinitalk/requests/request-0", fal.url());
    let note = json!({"job": id, "request_id": "request-0", "urls": {
        "status": format!("{at}/status"), "response": at, "cancel": format!("{at}/cancel"),
    }});
    fs::create_dir(dir.path().join("unsaved")).unwrap();
    fs::write(
        dir.path().join(format!("unsaved/{id}.json")),
        note.to_string(),
    )
    .unwrap();
    fal.complete();
    let rig = Rig::reopen(&fal, dir);
    let left = rig.store.get(&id).unwrap().unwrap();
    rig.recover_orphans(&left).await;
    rig.job(&id, state_is("completed")).await;
    assert_eq!(fal.posts(), 1);
}

#[tokio::test]
async fn only_an_ended_job_is_forgotten_and_its_files_stay() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    assert!(!rig.tracker.forget(&sent.id).await.unwrap());
    fal.complete();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert!(rig.tracker.forget(&sent.id).await.unwrap());
    assert_eq!(rig.store.get(&sent.id).unwrap(), None);
    assert_eq!(video_of(&done), fake_fal::VIDEO);
}

#[tokio::test]
async fn an_unknown_job_is_an_error_and_not_a_panic() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let nobody = talkdeck::model::JobId::random();
    assert!(rig.tracker.cancel(&nobody).await.is_err());
    assert!(rig.tracker.settle(&nobody).await.is_err());
    assert!(
        rig.tracker
            .confirm(&nobody, RequestId::new("x"))
            .await
            .is_err()
    );
    assert!(rig.tracker.send_held(&nobody).await.is_err());
}

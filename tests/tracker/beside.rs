//! Several trackers on one store: what one does all see, and what one leaves another takes over.

use talkdeck::tracker::Report;

use super::*;

/// Two trackers on one store, the first of which leads.
async fn two(fal: &FakeFal) -> (Rig, Rig) {
    let first = Rig::start(fal);
    first.tracker.recover().await.unwrap();
    let second = first.beside(fal);
    second.tracker.recover().await.unwrap();
    (first, second)
}

fn owner_of(rig: &Rig, job: &Job) -> Option<talkdeck::store::OwnerId> {
    rig.store.wire(&job.id).unwrap().unwrap().owner
}

/// Waits until somebody else than `before` works on the job.
async fn taken_over(rig: &Rig, job: &Job, before: Option<talkdeck::store::OwnerId>) {
    let changed = || owner_of(rig, job).is_some_and(|owner| Some(owner) != before);
    rig::eventually("the job is taken over", changed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_tells_what_the_other_does_and_every_line_of_its_logs() {
    let fal = FakeFal::start().await;
    let (mut first, mut second) = two(&fal).await;
    let of_first = first.submit().await;
    let of_second = second.submit().await;
    for (rig, theirs) in [(&mut first, &of_second), (&mut second, &of_first)] {
        let is_queued = |report: &Report| matches!(report, Report::Job(job) if job.id == theirs.id && job.state.name() == "in-queue");
        rig.report(is_queued).await;
    }
    fal.run("one\ntwo\nthree");
    for (rig, theirs) in [(&mut first, &of_second), (&mut second, &of_first)] {
        let has_lines =
            |report: &Report| matches!(report, Report::Logs { id, count: 3 } if *id == theirs.id);
        rig.report(has_lines).await;
    }
    fal.complete();
    for (rig, theirs) in [(&mut first, &of_second), (&mut second, &of_first)] {
        let is_done = |report: &Report| matches!(report, Report::Job(job) if job.id == theirs.id && job.state.name() == "completed");
        rig.report(is_done).await;
    }
    assert_eq!((fal.bills(), fal.posts()), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_one_that_ends_while_another_runs_are_followed_or_held_at_once() {
    let fal = FakeFal::start().await;
    let (first, mut second) = two(&fal).await;
    let sent = first.submit().await;
    first.job(&sent.id, state_is("in-queue")).await;
    fal.lock_account(true);
    let unsent = first.submit().await;
    first.job(&unsent.id, |job| job.notice.is_some()).await;
    let before = owner_of(&first, &sent);
    let posts = fal.posts();
    first.tracker.release().await;
    let is_held = |report: &Report| matches!(report, Report::Held(jobs) if jobs.len() == 1 && jobs[0].id == unsent.id);
    second.report(is_held).await;
    taken_over(&second, &sent, before).await;
    fal.lock_account(false);
    fal.complete();
    second.job(&sent.id, state_is("completed")).await;
    assert_eq!(
        (fal.bills(), fal.posts()),
        (1, posts),
        "what is held waits for the user"
    );
    second.tracker.send_held(&unsent.id).await.unwrap();
    second.job(&unsent.id, state_is("completed")).await;
    assert_eq!(fal.bills(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_steps_aside_hands_its_jobs_over_and_each_ends_once() {
    let fal = FakeFal::start().await;
    let (mut first, second) = two(&fal).await;
    let sent = first.submit().await;
    first.job(&sent.id, state_is("in-queue")).await;
    let before = owner_of(&first, &sent);
    first.tracker.step_aside().await;
    taken_over(&second, &sent, before).await;
    fal.run("somebody listens");
    second.log_has(&sent.id, 1).await;
    first.tracker.step_in().await.unwrap();
    let is_running = |report: &Report| matches!(report, Report::Job(job) if job.id == sent.id && job.state.name() == "in-progress");
    first.report(is_running).await;
    fal.complete();
    second.job(&sent.id, state_is("completed")).await;
    assert_eq!((fal.bills(), fal.posts(), fal.downloads()), (1, 1, 1));

    // The lead comes back when the other one goes.
    second.tracker.release().await;
    fal.set_status("IN_QUEUE");
    let third = first.beside(&fal);
    let left = third.submit().await;
    third.job(&left.id, state_is("in-queue")).await;
    third.tracker.release().await;
    fal.complete();
    first.job(&left.id, state_is("completed")).await;
    assert_eq!(fal.bills(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_sent_stays_with_the_one_that_stands_aside() {
    let fal = FakeFal::start().await;
    let (first, second) = two(&fal).await;
    fal.lock_account(true);
    let unsent = first.submit().await;
    first.job(&unsent.id, |job| job.notice.is_some()).await;
    let before = owner_of(&first, &unsent);
    first.tracker.step_aside().await;
    assert_eq!(second.tracker.recover().await.unwrap().held, []);
    assert!(second.tracker.send_held(&unsent.id).await.is_err());
    fal.lock_account(false);
    first.tracker.step_in().await.unwrap();
    first.tracker.resume_outbox();
    fal.complete();
    first.job(&unsent.id, state_is("completed")).await;
    assert_eq!(owner_of(&first, &unsent), before);
    assert_eq!(fal.bills(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_to_a_submit_that_is_out_is_awaited_before_stepping_aside() {
    let fal = FakeFal::start().await;
    let (first, second) = two(&fal).await;
    fal.plan(Submit::Hang);
    let sent = first.submit().await;
    rig::eventually("the request is out", || fal.posts() == 1).await;
    first.tracker.step_aside().await;
    let left = second.store.get(&sent.id).unwrap().unwrap();
    assert_ne!(left.state.name(), "submitting");
    fal.complete();
    second.job(&sent.id, state_is("completed")).await;
    first.tracker.step_in().await.unwrap();
    assert_eq!((fal.bills(), fal.posts()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alone_it_takes_its_own_jobs_up_again() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    rig.tracker.recover().await.unwrap();
    let sent = rig.submit().await;
    rig.job(&sent.id, state_is("in-queue")).await;
    for _ in 0..3 {
        rig.tracker.step_aside().await;
        assert_eq!(owner_of(&rig, &sent), None);
        assert_eq!(rig.tracker.step_in().await.unwrap().followed, 1);
    }
    fal.complete();
    rig.job(&sent.id, state_is("completed")).await;
    assert_eq!((fal.bills(), fal.posts()), (1, 1));
}

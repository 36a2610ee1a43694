//! Processes beside each other, one of which is killed.

use super::*;

fn state(line: &str) -> String {
    let job: serde_json::Value = serde_json::from_str(line).unwrap();
    job["state"].as_str().unwrap().to_owned()
}

#[test]
fn when_the_leader_is_killed_the_others_follow_its_jobs_at_once() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = machine_at(&fal);
    fal.set_status("IN_QUEUE");
    // Two submits, each with a job of its own, and two that only watch; the first of the watchers leads.
    let mut submits: Vec<_> = ["One.", "Two."]
        .into_iter()
        .map(|script| start(&machine, &submit(script)))
        .collect();
    for running in &mut submits {
        running.wait_for_line(|line| state(line) == "in-queue");
    }
    let mut watchers: Vec<_> = (0..2)
        .map(|_| {
            let mut watcher = machine.start(&["watch"]);
            watcher.wait_for_line(|line| state(line) == "in-queue");
            watcher
        })
        .collect();
    for mut killed in [submits.remove(0), watchers.remove(0)] {
        killed.signal(Signal::KILL);
        killed.end();
    }
    fal.complete();
    for running in submits.into_iter().chain(watchers) {
        let ran = running.finish();
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let jobs = jobs(&machine);
    assert_all_known_and_none_paid_twice(&fal, &jobs);
    assert!(
        jobs.len() == 2 && jobs.iter().all(has_its_video),
        "{jobs:#?}"
    );
    assert_eq!((fal.posts(), fal.downloads()), (2, 2));
}

#[test]
fn an_unsent_job_of_a_killed_process_is_told_by_who_watches_and_never_sent() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let machine = machine_at(&fal);
    let address = runtime.block_on(fal.stop());
    let args = submit("Good morning.");
    let mut submit = start(&machine, &args);
    // It tries again and again, for nobody is there.
    assert!(submit.runs_when_told(|told| told.contains("trying again")));
    let job = jobs(&machine).remove(0).id;
    let mut watcher = machine.start(&["watch"]);
    watcher.wait_for_line(|_| true);
    let logs = machine.start(&["logs", job.as_str(), "--follow"]);
    submit.signal(Signal::KILL);
    submit.end();
    for running in [watcher, logs] {
        let ran = running.finish();
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("is held"), "{}", ran.stderr);
    }
    runtime.block_on(fal.restart(address));
    assert_eq!(machine.run(&["watch"]).code, 2);
    assert_eq!((fal.posts(), fal.bills()), (0, 0));
}

//! The list of jobs, without a screen.

use super::*;
use crate::app::testing::{id, job};

fn list(count: u16) -> Jobs {
    let mut jobs = Jobs::default();
    jobs.resize(5);
    jobs.load((1..=count).map(|n| job(n, JobState::Completed)).collect());
    jobs
}

fn rows(jobs: &Jobs) -> Vec<JobId> {
    (0..jobs.shown_len())
        .map(|row| jobs.row(row).unwrap().id.clone())
        .collect()
}

#[test]
fn the_newest_is_first_and_selected() {
    let jobs = list(3);
    assert_eq!(rows(&jobs), [id(3), id(2), id(1)]);
    assert_eq!(jobs.selected_id(), Some(&id(3)));
}

#[test]
fn the_selection_sticks_to_the_job_not_to_the_row() {
    let mut jobs = list(3);
    jobs.select(&id(2));
    jobs.apply(job(9, JobState::Uploading));
    assert_eq!(jobs.selected_id(), Some(&id(2)));
    assert_eq!(jobs.selected_row(), Some(2));
}

#[test]
fn a_new_row_stays_above_the_window_until_it_is_asked_for() {
    let mut jobs = list(10);
    jobs.select(&id(8));
    jobs.apply(job(11, JobState::Uploading));
    jobs.apply(job(12, JobState::Uploading));
    assert_eq!(
        (jobs.top, jobs.unseen()),
        (2, 2),
        "what was in sight is where it was"
    );
    jobs.select_row(0);
    assert_eq!((jobs.top, jobs.unseen()), (0, 0));
}

#[test]
fn an_own_submit_is_shown_to_who_was_at_the_top() {
    let mut jobs = list(3);
    jobs.apply(job(11, JobState::Uploading));
    jobs.show_newest();
    assert_eq!(jobs.top, 0);
    let mut jobs = list(20);
    jobs.select(&id(5));
    let top = jobs.top;
    jobs.apply(job(21, JobState::Uploading));
    jobs.show_newest();
    assert_eq!(jobs.top, top + 1, "who reads further down is left alone");
}

#[test]
fn the_selected_row_is_always_in_sight() {
    let mut jobs = list(30);
    for step in [1, 1, 7, -3, 100, -1, -100, 13] {
        jobs.step(step);
        let row = jobs.selected_row().unwrap();
        assert!(
            (jobs.top..jobs.top + 5).contains(&row),
            "{row} from {}",
            jobs.top
        );
    }
    jobs.resize(2);
    let row = jobs.selected_row().unwrap();
    assert!((jobs.top..jobs.top + 2).contains(&row));
}

#[test]
fn a_filter_looks_at_name_script_voice_endpoint_state_and_id() {
    let mut jobs = list(3);
    let mut other = job(4, JobState::Failed);
    other.name = "Übung".into();
    other.arguments.set("text_input", "Something ELSE entirely");
    jobs.apply(other);
    for (filter, want) in [
        ("übung", vec![id(4)]),
        ("else ent", vec![id(4)]),
        ("failed", vec![id(4)]),
        ("0002", vec![id(2)]),
        ("single-text", vec![id(4), id(3), id(2), id(1)]),
        ("nothing like it", vec![]),
    ] {
        jobs.set_filter(filter);
        assert_eq!(rows(&jobs), want, "{filter}");
    }
}

#[test]
fn a_filter_keeps_the_selection_where_it_can() {
    let mut jobs = list(5);
    jobs.select(&id(2));
    jobs.set_filter("job");
    assert_eq!(jobs.selected_id(), Some(&id(2)));
    jobs.set_filter("job 4");
    assert_eq!(jobs.selected_id(), Some(&id(4)));
    jobs.set_filter("nothing");
    assert_eq!(jobs.selected_id(), None);
    jobs.set_filter("");
    assert_eq!(jobs.selected_id(), Some(&id(5)));
}

#[test]
fn the_job_that_is_looked_at_stays_in_the_list_when_it_no_longer_fits_the_filter() {
    let mut jobs = list(0);
    jobs.apply(job(1, JobState::InProgress));
    jobs.apply(job(2, JobState::InProgress));
    jobs.set_filter("in-progress");
    jobs.select(&id(1));
    jobs.apply(job(1, JobState::Completed));
    jobs.apply(job(2, JobState::Completed));
    assert_eq!(rows(&jobs), [id(1)]);
}

#[test]
fn counts_follow_every_change() {
    let mut jobs = list(2);
    jobs.apply(job(3, JobState::InQueue { position: None }));
    jobs.apply(job(4, JobState::InProgress));
    jobs.apply(job(3, JobState::InProgress));
    jobs.apply(job(4, JobState::Failed));
    let counts = jobs.counts();
    assert_eq!(
        (counts.running, counts.queued, counts.done, counts.failed),
        (1, 0, 2, 1)
    );
    jobs.remove(&id(4));
    assert_eq!(jobs.counts().failed, 0);
}

#[test]
fn a_held_job_counts_as_nothing_and_runs_no_timer() {
    let mut jobs = list(0);
    jobs.apply(job(1, JobState::QueuedLocally));
    assert!(
        !jobs.has_timers(),
        "a job that waits for the user shows no time"
    );
    assert_eq!((jobs.counts().queued, jobs.live().count()), (1, 1));
    jobs.hold(id(1));
    assert_eq!((jobs.counts().queued, jobs.live().count()), (0, 0));
    jobs.apply(job(1, JobState::Submitting));
    assert!(jobs.has_timers() && !jobs.is_held(&id(1)));
}

#[test]
fn an_older_job_finds_its_place() {
    let mut jobs = list(0);
    for number in [5, 1, 3, 9, 2] {
        jobs.apply(job(number, JobState::Completed));
    }
    assert_eq!(rows(&jobs), [9, 5, 3, 2, 1].map(id));
    for number in [5, 1, 3, 9, 2] {
        assert_eq!(jobs.get(&id(number)).unwrap().id, id(number));
    }
}

#[test]
fn after_a_deletion_the_row_in_its_place_is_selected() {
    let mut jobs = list(3);
    jobs.select(&id(2));
    jobs.remove(&id(2));
    assert_eq!(jobs.selected_id(), Some(&id(1)));
    jobs.remove(&id(1));
    jobs.remove(&id(3));
    assert_eq!(jobs.selected_id(), None);
}

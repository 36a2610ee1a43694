//! A sweep whose process is killed half-way.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use talkdeck::{
    catalog::Catalog,
    model::{Secret, Server, server::Hosts},
    tracker::{Options, Tracker},
};

use super::*;

const WISHES: usize = 6;

fn states(machine: &Machine) -> BTreeMap<&'static str, usize> {
    let mut states = BTreeMap::new();
    for job in jobs(machine) {
        *states.entry(job.state.name()).or_default() += 1;
    }
    states
}

#[test]
fn a_sweep_killed_half_way_goes_on_where_it_was() {
    let runtime = Runtime::new().unwrap();
    let fal = runtime.block_on(FakeFal::start());
    let mut machine = machine_at(&fal);
    machine.set(CRASH_AFTER, &(Step::AnswerStored as u8).to_string());
    let mut args = submit("Replaced by the sweep.");
    args.extend([
        "--sweep".to_owned(),
        "text_input=One.,Two.,Three.,Four.,Five.,Six.".to_owned(),
    ]);
    let ended = start(&machine, &args).end();
    assert_eq!(ended.signal(), Some(Signal::KILL.as_raw()), "{ended}");
    let all = jobs(&machine);
    assert_eq!(
        all.len(),
        WISHES,
        "all wishes are on disk before the first is sent"
    );
    assert!(
        all.iter()
            .all(|job| job.sweep.is_some() && job.sweep == all[0].sweep)
    );
    assert!(
        (1..WISHES).contains(&(fal.posts() as usize)),
        "{}",
        fal.posts()
    );

    // What was sent is brought home; what was not is held, and told.
    machine.set(CRASH_AFTER, "");
    let ran = machine.run(&["watch"]);
    assert!(ran.stderr.contains("held"), "{}", ran.stderr);
    let posts = fal.posts() as usize;

    // The user says that the rest is to go out.
    runtime.block_on(async {
        let (data, account) = (machine.data(), all[0].account.clone());
        let store = Store::open(data.as_ref()).unwrap();
        let catalog = Arc::new(Catalog::builtin());
        let mut options = Options::new(store, catalog, &data, format!("{data}/results"));
        options.servers = vec![Server {
            id: account.server,
            hosts: Hosts::at(fal.url()),
            key: Secret::new("id:secret"),
        }];
        let (tracker, _reports) = Tracker::start(options).unwrap();
        let held = tracker.recover().await.unwrap().held;
        assert!(!held.is_empty() && held.len() + posts >= WISHES);
        for job in held {
            tracker.send_held(&job.id).await.unwrap();
        }
        let until = Instant::now() + Duration::from_mins(1);
        while states(&machine)
            .keys()
            .any(|state| !matches!(*state, "completed" | "unconfirmed"))
        {
            assert!(Instant::now() < until, "{:?}", states(&machine));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tracker.release().await;
    });
    // One that was just being sent when the process died may be in doubt; none is paid twice.
    let all = jobs(&machine);
    assert_all_known_and_none_paid_twice(&fal, &all);
    assert!(all.iter().filter(|job| has_its_video(job)).count() + 4 > WISHES);
}

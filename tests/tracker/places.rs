//! What is found where a result is to be saved, and what a crash leaves there.

use super::*;

/// Files below `dir` that have their final name.
fn named_in(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        let is_temporary = path.file_name().unwrap().to_string_lossy().starts_with('.');
        if path.is_dir() {
            found.extend(named_in(&path));
        } else if !is_temporary {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_saving_is_cut_short_no_half_file_has_its_final_name() {
    for step in [
        Step::ResultStored,
        Step::Downloaded,
        Step::Renamed,
        Step::RecordWritten,
    ] {
        let fal = FakeFal::start().await;
        fal.complete();
        let dir = tempfile::tempdir().unwrap();
        let id = rig::crash_after(step, &fal, dir.path()).await;
        for path in named_in(&dir.path().join("results")) {
            let bytes = fs::read(&path).unwrap();
            let is_whole = match path.extension().and_then(|text| text.to_str()) {
                Some("json") => serde_json::from_slice::<serde_json::Value>(&bytes).is_ok(),
                _ => bytes == fake_fal::VIDEO,
            };
            assert!(is_whole, "{step:?}: {}", path.display());
        }
        // What a power cut leaves of the temporary file is worth nothing: it is fetched anew.
        let rig = Rig::reopen(&fal, dir);
        let left = rig.store.get(&id).unwrap().unwrap();
        for day in fs::read_dir(rig.results()).into_iter().flatten() {
            for job in fs::read_dir(day.unwrap().path()).unwrap() {
                let path = job.unwrap().path().join(format!(".talkdeck-{id}-0.part"));
                if path.exists() {
                    fs::write(&path, "torn").unwrap();
                }
            }
        }
        rig.recover_orphans(&left).await;
        let done = rig.job(&id, state_is("completed")).await;
        assert_eq!(video_of(&done), fake_fal::VIDEO, "{step:?}");
        assert_eq!(named_in(&rig.results()).len(), 2, "{step:?}");
    }
}

#[tokio::test]
async fn a_place_that_cannot_be_written_to_is_told_and_tried_again_until_it_can() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    fs::write(rig.results(), "a file where the directory should be").unwrap();
    fal.complete();
    let sent = rig.submit().await;
    let waiting = rig.job(&sent.id, |job| job.notice.is_some()).await;
    assert_eq!(waiting.state.name(), "saving");
    let notice = waiting.notice.unwrap();
    assert!(notice.as_str().contains("cannot use"), "{notice}");
    fs::remove_file(rig.results()).unwrap();
    let done = rig.job(&sent.id, state_is("completed")).await;
    assert_eq!(video_of(&done), fake_fal::VIDEO);
    assert_eq!(fal.bills(), 1);
}

//! Nothing is uploaded twice while the server has it.

use std::{fs, path::Path};

use talkdeck::{
    model::{Job, Timestamp, server::Hosts},
    store::UploadKey,
    tracker::{Report, inputs},
};

use crate::{
    fake_fal::{FakeFal, Media},
    rig::{Rig, state_is, wish},
};

/// Sends the picture at `path` with words of its own, and waits until fal has the request.
async fn send(rig: &Rig, path: &Path, words: &str, parent: Option<&Job>) -> Job {
    let mut wish = wish(path);
    wish.arguments.set("text_input", words);
    wish.parent = parent.map(|job| job.id.clone());
    let job = rig.tracker.submit(wish).await.unwrap();
    rig.job(&job.id, state_is("in-queue")).await
}

fn image(fal: &FakeFal) -> String {
    let body = fal.bodies().pop().unwrap();
    body["image_url"].as_str().unwrap().to_owned()
}

/// Makes what is known of the upload of `path` as old as can be.
fn age(fal: &FakeFal, rig: &Rig, path: &Path) {
    let key = UploadKey {
        server: Hosts::at(fal.url()).rest.to_string(),
        key: fal.server("id:secret").fingerprint(),
        hash: inputs::content_hash(path).unwrap(),
    };
    let kept = rig.store.upload(&key).unwrap().expect("it was kept");
    let long_ago = Timestamp::UNIX_EPOCH;
    rig.store.keep_upload(&key, &kept.url, long_ago).unwrap();
}

#[tokio::test]
async fn another_process_uses_the_same_upload_and_asks_about_an_old_one_once() {
    let fal = FakeFal::start().await;
    let first = Rig::start(&fal);
    let picture = first.picture();
    send(&first, &picture, "One.", None).await;
    let url = image(&fal);
    let second = first.beside(&fal);
    send(&second, &picture, "Two.", None).await;
    assert_eq!((fal.uploads(), fal.downloads()), (1, 0), "it is fresh");
    age(&fal, &first, &picture);
    let third = first.beside(&fal);
    send(&third, &picture, "Three.", None).await;
    send(&third, &picture, "Four.", None).await;
    assert_eq!(
        (fal.uploads(), fal.downloads()),
        (1, 1),
        "it is still there"
    );
    assert_eq!(image(&fal), url);
    assert_eq!(fal.bills(), 4);
}

#[tokio::test]
async fn what_the_server_has_no_more_is_uploaded_again_from_the_local_copy() {
    for gone in [Media::Gone, Media::Broken] {
        let fal = FakeFal::start().await;
        let first = Rig::start(&fal);
        let picture = first.picture();
        let parent = send(&first, &picture, "One.", None).await;
        let url = image(&fal);
        age(&fal, &first, &picture);
        fal.plan_media(gone);
        let mut second = first.beside(&fal);
        send(&second, &picture, "Two.", Some(&parent)).await;
        assert_eq!((fal.uploads(), fal.downloads()), (2, 1), "{gone:?}");
        assert_ne!(image(&fal), url);
        // The new one is what is known from here on.
        let third = first.beside(&fal);
        send(&third, &picture, "Three.", None).await;
        assert_eq!((fal.uploads(), fal.downloads()), (2, 1), "{gone:?}");
        second
            .report(|report| matches!(report, Report::Job(_)))
            .await;
    }
}

#[tokio::test]
async fn another_key_uploads_for_itself() {
    let fal = FakeFal::start().await;
    let first = Rig::start(&fal);
    let picture = first.picture();
    send(&first, &picture, "One.", None).await;
    fal.accept_key("other:secret");
    let second = first.beside_with(fal.server("other:secret"));
    send(&second, &picture, "Two.", None).await;
    assert_eq!(fal.uploads(), 2);
}

#[tokio::test]
async fn a_copy_of_a_job_whose_picture_has_changed_says_so_and_sends_the_new_one() {
    let fal = FakeFal::start().await;
    let mut rig = Rig::start(&fal);
    let picture = rig.picture();
    let parent = send(&rig, &picture, "One.", None).await;
    send(&rig, &picture, "Two.", Some(&parent)).await;
    image::RgbImage::new(9, 9).save(&picture).unwrap();
    send(&rig, &picture, "Three.", Some(&parent)).await;
    assert_eq!(fal.uploads(), 2);
    let has_changed = format!("{} has changed since", picture.display());
    rig.report(
        |report| matches!(report, Report::Trouble { message } if message.as_str().contains(&has_changed)),
    )
    .await;
    // One that is gone is told before anything is sent.
    fs::remove_file(&picture).unwrap();
    let mut gone = wish(&picture);
    gone.parent = Some(parent.id);
    let (_, faults) = rig.tracker.prepare_all(vec![gone]).await.unwrap_err();
    assert!(faults[0].message.as_str().ends_with("does not exist"));
    assert_eq!(fal.bills(), 3);
}

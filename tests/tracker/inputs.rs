//! Files as inputs, with what other parts of the program make.

use std::{fs, path::Path, time::Duration};

use talkdeck::{
    catalog::MediaKind,
    studio::{self, Request, Resolution, SAMPLE_PORTRAIT, Scene, Script, Sound},
    tracker::inputs,
};

use crate::{
    fake_fal::FakeFal,
    rig::{Rig, wish},
};

type Make = Box<dyn Fn(&Path)>;

#[tokio::test]
async fn a_picture_that_cannot_be_used_is_refused_before_anything_is_uploaded() {
    let fal = FakeFal::start().await;
    let rig = Rig::start(&fal);
    let path = rig.dir().join("face.jpg");
    let write = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        move |path: &Path| fs::write(path, &bytes).unwrap()
    };
    let large = |path: &Path| {
        let file = fs::File::create(path).unwrap();
        file.set_len(50_000_000).unwrap();
    };
    let half = &SAMPLE_PORTRAIT[..SAMPLE_PORTRAIT.len() / 2];
    let cases: [(&str, Make); 6] = [
        ("does not exist", Box::new(|_| ())),
        ("is empty", Box::new(write(b""))),
        (
            "is HEIC",
            Box::new(write(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")),
        ),
        (
            "is AVIF",
            Box::new(write(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1")),
        ),
        ("has 48 MiB", Box::new(large)),
        ("is a broken png", Box::new(write(half))),
    ];
    for (want, make) in cases {
        make(&path);
        let refused = rig.tracker.prepare_all(vec![wish(&path)]).await;
        let (_, faults) = refused.expect_err(want);
        assert_eq!(faults[0].name.as_str(), "image_url");
        let message = faults[0].message.as_str();
        assert!(message.contains(want), "{message} lacks {want}");
    }
    assert_eq!((fal.uploads(), fal.posts()), (0, 0));
}

#[test]
fn an_mp4_tells_how_long_it_plays() {
    let script = Script {
        text: "Hello.".to_owned(),
        voice: "Bill".to_owned(),
    };
    let request = Request {
        scene: Scene::Portrait(SAMPLE_PORTRAIT.to_vec()),
        sound: Sound::Scripts(vec![script]),
        num_frames: 40,
        resolution: Resolution::P480,
        seed: 1,
    };
    let video = studio::render(&request, &mut |_| {}, &|| false).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), video.mp4).unwrap();
    let facts = inputs::inspect(file.path(), MediaKind::Video).unwrap();
    assert_eq!(facts.format, "mp4");
    assert_eq!(facts.length, Some(Duration::from_millis(1_600)));
    let sound = inputs::inspect(file.path(), MediaKind::Audio).unwrap();
    let off = sound.length.unwrap().abs_diff(Duration::from_millis(1_600));
    assert!(off < Duration::from_millis(100), "{:?}", sound.length);
}

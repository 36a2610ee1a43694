//! Files as inputs, with what other parts of the program make.

use std::{fs, time::Duration};

use talkdeck::{
    catalog::MediaKind,
    studio::{self, Request, Resolution, SAMPLE_PORTRAIT, Scene, Script, Sound},
    tracker::inputs,
};

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

//! The preview engine end to end.

use talkdeck::studio::{self, Request, Resolution, Sound};

#[test]
fn the_sample_portrait_becomes_an_mp4() {
    let request = Request {
        picture: studio::SAMPLE_PORTRAIT.to_vec(),
        sound: Sound::Script {
            text: String::from("Hello there."),
            voice: String::from("Aria"),
        },
        num_frames: 30,
        resolution: Resolution::P480,
        seed: 1,
    };
    let video = studio::render(&request, &mut |_| (), &|| false).unwrap();
    assert_eq!((video.width, video.height), (640, 640));
    assert_eq!(&video.mp4[4..8], b"ftyp");
}

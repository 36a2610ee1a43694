//! Two people in one picture: who is found, who speaks when, and what is refused.

use super::*;
use painter::{eyes_of, mouth_of, paint_pair};

const WIDTH: usize = 832;
const HEIGHT: usize = 480;

/// Two people who stand close together.
pub(crate) fn people() -> [Look; 2] {
    let left = Look {
        span: 0.12,
        middle: (0.58, 0.46),
        ..SAMPLE
    };
    let right = Look {
        cut: Cut::Short,
        hair: [84.0, 52.0, 38.0],
        iris: [74.0, 48.0, 34.0],
        clothes: [120.0, 110.0, 150.0],
        span: 0.13,
        middle: (0.46, 0.42),
        tilt: -0.04,
        ..SAMPLE
    };
    [left, right]
}

/// The picture of `looks`, and a box of each person in it.
pub(crate) fn scene(
    looks: [Look; 2],
    part: impl Fn(&Look, usize, usize) -> [f64; 4],
) -> (Scene, [[f64; 4]; 2]) {
    let [left, right] = &looks;
    let picture = png(
        &paint_pair([left, right], WIDTH, HEIGHT),
        u32::try_from(WIDTH).unwrap(),
        u32::try_from(HEIGHT).unwrap(),
    );
    // In shares of the whole picture, of which each half has its own person.
    let whole =
        |[x, top, to, bottom]: [f64; 4], from: f64| [from + x / 2.0, top, from + to / 2.0, bottom];
    let boxes = [
        whole(part(left, WIDTH / 2, HEIGHT), 0.0),
        whole(part(right, WIDTH / 2, HEIGHT), 0.5),
    ];
    (Scene::Pair(picture), boxes)
}

fn on_film(scene: Scene, sound: Sound, num_frames: u32) -> Film {
    let asked = Request {
        scene,
        ..request(sound, num_frames)
    };
    Film::of(&render(&asked).0.mp4)
}

/// In which frames the mouth in `area` is seen to be open.
pub(crate) fn open(film: &Film, area: [f64; 4]) -> Vec<usize> {
    let dark = film.darkness(area);
    let shut = dark[0];
    let frames = 0..dark.len();
    frames.filter(|n| dark[*n] > shut + 6).collect()
}

/// Whether frames were seen, and all of them lie between two others.
pub(crate) fn lie_within(frames: &[usize], from: usize, to: usize) -> bool {
    frames.len() > 4 && frames[0] >= from && frames[frames.len() - 1] < to
}

/// A sound file of 0.8 s with half a second of "ah" in the middle.
pub(crate) fn syllable() -> Vec<u8> {
    wav(&vowel(0.8, |at| (0.15..0.65).contains(&at)))
}

#[test]
fn the_left_person_speaks_first_then_the_right_one_and_nobody_while_the_other_does() {
    let looks = people();
    for looks in [looks, [looks[1], looks[0]]] {
        let (scene, mouths) = scene(looks, mouth_of);
        let film = on_film(scene, Sound::Files(vec![syllable(), syllable()]), 41);
        assert_eq!((film.width, film.height), (WIDTH, HEIGHT));
        assert_eq!(film.pictures.len(), 41);
        let [left, right] = mouths.map(|mouth| open(&film, mouth));
        assert!(lie_within(&left, 3, 18), "left {left:?}, right {right:?}");
        assert!(lie_within(&right, 23, 38), "left {left:?}, right {right:?}");
        let loud = film.loudness();
        assert!(
            loud[10] > 0.05 && loud[30] > 0.05 && loud[20] < 0.01,
            "{loud:?}"
        );
    }
}

#[test]
fn who_says_nothing_blinks_with_the_mouth_shut() {
    let (scene_of_mouths, mouths) = scene(people(), mouth_of);
    let (_, eyes) = scene(people(), eyes_of);
    let film = on_film(scene_of_mouths, Sound::Files(vec![syllable()]), 44);
    assert!(lie_within(&open(&film, mouths[0]), 3, 18));
    assert_eq!(open(&film, mouths[1]), [0; 0]);
    for eyes in eyes {
        let dark = film.darkness(eyes);
        let shut = dark.iter().filter(|pixels| **pixels * 2 < dark[0]).count();
        assert!((2..=8).contains(&shut), "{dark:?}");
    }
}

#[test]
#[cfg(feature = "speech")]
fn two_scripts_are_spoken_in_turn_in_two_voices() {
    let (scene, mouths) = scene(people(), mouth_of);
    let sound = scripts(&[("Good morning!", "Sarah"), ("Hello, mama.", "Roger")]);
    let film = on_film(scene, sound, 65);
    let [left, right] = mouths.map(|mouth| open(&film, mouth));
    assert!(left.len() > 4 && right.len() > 4, "{left:?}, {right:?}");
    assert!(left[left.len() - 1] < right[0], "{left:?}, {right:?}");
}

#[test]
fn two_sound_files_that_are_too_long_are_cut_with_one_warning() {
    let (scene, mouths) = scene(people(), mouth_of);
    let asked = Request {
        scene,
        ..request(Sound::Files(vec![syllable(), syllable()]), 16)
    };
    let (video, events) = render(&asked);
    assert_eq!(video.sound_length, Duration::from_millis(1_600));
    assert_eq!(
        warnings(&events),
        ["the sound files last 1.60 s and are cut to 0.64 s"]
    );
    let film = Film::of(&video.mp4);
    assert_eq!(open(&film, mouths[1]), [0; 0]);
}

#[test]
fn a_picture_of_fewer_than_two_faces_is_refused() {
    let alone = Request {
        scene: Scene::Pair(studio::SAMPLE_PORTRAIT.to_vec()),
        ..request(file(&[0; 800]), 1)
    };
    let error = refusal(&alone);
    assert!(
        matches!(error, Error::TooFewFaces { found: 1 }),
        "{error:?}"
    );
    assert_eq!(
        error.to_string(),
        "two faces seen from the front are needed in the picture; only one is found"
    );
    let nobody = Request {
        scene: Scene::Pair(png(&vec![200; 3 * 128 * 128], 128, 128)),
        ..alone
    };
    assert!(matches!(refusal(&nobody), Error::TooFewFaces { found: 0 }));
}

#[test]
fn the_speaker_whose_sound_is_at_fault_is_named() {
    let (scene, _) = scene(people(), mouth_of);
    let asked = |sound| Request {
        scene: scene.clone(),
        ..request(sound, 5)
    };
    let noise = b"no sound".to_vec();
    let error = refusal(&asked(Sound::Files(vec![syllable(), noise])));
    assert!(
        matches!(error, Error::SoundUnreadable { speaker: 1, .. }),
        "{error:?}"
    );
    let error = refusal(&asked(scripts(&[("Hi.", "Bill"), ("…", "Aria")])));
    assert!(
        matches!(error, Error::EmptyScript { speaker: 1 }),
        "{error:?}"
    );
}

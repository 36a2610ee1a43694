//! Videos that somebody is to speak in: the mouth follows the face, time goes on as it did, and what is no video is
//! refused.

use std::sync::LazyLock;

use muxide::api::{MuxerBuilder, VideoCodec};
use openh264::encoder::{Encoder, EncoderConfig, RateControlMode};
use openh264::formats::{RgbSliceU8, YUVBuffer};

use super::*;
use painter::mouth_of;
use pair::{lie_within, open};

/// Sides of the painting that the camera moves over.
const PAINTING: usize = 352;
/// Sides of what it sees.
const SIGHT: usize = 288;
/// Frames a second that it films.
const RATE: f64 = 30.0;

const PERSON: Look = Look {
    span: 0.15,
    middle: (0.5, 0.46),
    ..SAMPLE
};

static PAINTED: LazyLock<Vec<u8>> = LazyLock::new(|| paint(&PERSON, PAINTING, PAINTING, 1));

/// A frame: what is seen of the painting from this place on, with a bar at the left edge that tells the time.
fn sight(painting: &[u8], (x, y): (usize, usize), number: usize) -> Vec<u8> {
    let row = |line: usize| &painting[3 * ((y + line) * PAINTING + x)..][..3 * SIGHT];
    let mut frame: Vec<u8> = (0..SIGHT).flat_map(|line| row(line).to_vec()).collect();
    for line in frame.chunks_mut(3 * SIGHT) {
        line[..3 * 16].fill(u8::try_from(20 + 4 * number).unwrap());
    }
    frame
}

/// How far the camera has moved to the right at a frame.
fn moved(number: usize) -> usize {
    number * 3 / 2
}

/// A video of `count` frames of a painting, over which the camera moves.
fn clip(painting: &[u8], count: usize) -> Vec<u8> {
    let sight = |n: usize| sight(painting, (moved(n).min(PAINTING - SIGHT), 20), n);
    filmed((0..count).map(sight), SIGHT, SIGHT)
}

/// Codes frames as an MP4 without sound.
fn filmed(frames: impl Iterator<Item = Vec<u8>>, width: usize, height: usize) -> Vec<u8> {
    let config = EncoderConfig::new()
        .rate_control_mode(RateControlMode::Off)
        .skip_frames(false);
    let api = openh264::OpenH264API::from_source();
    let mut encoder = Encoder::with_api_config(api, config).unwrap();
    let mut mp4 = Vec::new();
    let side = |pixels: usize| u32::try_from(pixels).unwrap();
    let mut muxer = MuxerBuilder::new(&mut mp4)
        .video(VideoCodec::H264, side(width), side(height), RATE)
        .with_fast_start(true)
        .build()
        .unwrap();
    for (n, frame) in (0_u32..).zip(frames) {
        let frame = YUVBuffer::from_rgb8_source(RgbSliceU8::new(&frame, (width, height)));
        let coded = encoder.encode(&frame).unwrap().to_vec();
        let at = f64::from(n) / RATE;
        muxer.write_video(at, &coded, n == 0).unwrap();
    }
    muxer.finish().unwrap();
    mp4
}

/// A single frame of the painting, as a video.
pub(crate) fn still() -> Vec<u8> {
    clip(&PAINTED, 1)
}

/// A video of a wall.
pub(crate) fn nobody() -> Vec<u8> {
    let wall = vec![150; 3 * SIGHT * SIGHT];
    filmed(std::iter::repeat_n(wall, 4), SIGHT, SIGHT)
}

fn asked(video: Vec<u8>, sound: Sound, num_frames: u32) -> Request {
    Request {
        scene: Scene::Video(video),
        ..request(sound, num_frames)
    }
}

/// Which frame of the clip a picture of the film shows, as its bar says.
fn told(film: &Film, number: usize) -> usize {
    let row = film.width * film.height / 2;
    let luma = f64::from(film.pictures[number][row + film.width / 50]);
    // From limited range to the colour of the bar.
    let told = ((luma - 16.0) / 0.859 - 20.0) / 4.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "some ten"
    )]
    let told = told.round().max(0.0) as usize;
    told
}

/// Around the lips in the frame of the clip that a picture of the film shows.
pub(crate) fn lips(number: usize) -> [f64; 4] {
    #[expect(clippy::cast_precision_loss, reason = "sides of small pictures")]
    let [whole, seen, x, y] = [PAINTING, SIGHT, moved(number), 20].map(|pixels| pixels as f64);
    let [left, top, right, bottom] = mouth_of(&PERSON, PAINTING, PAINTING).map(|at| at * whole);
    [left - x, top - y, right - x, bottom - y].map(|at| at / seen)
}

#[test]
fn the_mouth_follows_the_face_and_opens_with_the_sound_alone() {
    let is_on = |at: f64| (0.2..0.7).contains(&at);
    let sound = file(&vowel(1.1, is_on));
    let (video, events) = render(&asked(clip(&PAINTED, 36), sound, 28));
    assert_eq!(warnings(&events), [""; 0]);
    let film = Film::of(&video.mp4);
    assert_eq!(
        (film.width, film.height, film.pictures.len()),
        (640, 640, 28)
    );
    let dark: Vec<usize> = (0..28)
        .map(|n| film.darkness(lips(told(&film, n)))[n])
        .collect();
    let open: Vec<usize> = (0..28).filter(|n| dark[*n] > dark[0] + 25).collect();
    assert!(lie_within(&open, 4, 19) && open.len() > 9, "{dark:?}");
    // What turned dark since nothing was said is the mouth, wherever the face is by then.
    let silent = Film::of(
        &render(&asked(clip(&PAINTED, 36), file(&[0; 800]), 18))
            .0
            .mp4,
    );
    for n in [8, 17] {
        let [left, top, right, bottom] = lips(told(&film, n));
        let pairs = (0_u32..).zip(film.pictures[n].iter().zip(&silent.pictures[n]));
        let places: Vec<(f64, f64)> = pairs
            .filter(|(_, (said, silent))| **said < 60 && **silent > 60)
            .map(|(at, _)| (f64::from(at % 640) / 640.0, f64::from(at / 640) / 640.0))
            // The cheeks stretch as well, up to the shade of the hair.
            .filter(|(x, y)| (left..right).contains(x) && (top..bottom).contains(y))
            .collect();
        assert!(places.len() > 40, "{} pixels", places.len());
        let count = f64::from(u32::try_from(places.len()).unwrap());
        let middle = places.iter().map(|(x, _)| x).sum::<f64>() / count;
        let lips = f64::midpoint(left, right);
        assert!(
            (middle - lips).abs() < 0.01,
            "picture {n}: {middle}, not {lips}"
        );
    }
}

#[test]
fn thirty_frames_a_second_become_twenty_five_without_a_slip() {
    let film = Film::of(
        &render(&asked(clip(&PAINTED, 36), file(&[0; 800]), 30))
            .0
            .mp4,
    );
    for n in 0..30 {
        let (shown, due) = (told(&film, n), n * 30 / 25);
        assert!(
            (due..=due + 1).contains(&shown),
            "picture {n} shows frame {shown}"
        );
    }
}

#[test]
fn a_video_that_is_too_short_goes_back_and_forth() {
    let (video, events) = render(&asked(clip(&PAINTED, 12), file(&[0; 800]), 30));
    let film = Film::of(&video.mp4);
    let shown: Vec<usize> = (0..30).map(|n| told(&film, n)).collect();
    assert_eq!(shown[9], 11, "{shown:?}");
    assert!(
        shown[..10].is_sorted() && shown[18..28].is_sorted(),
        "{shown:?}"
    );
    assert_eq!(shown[18], 0, "{shown:?}");
    for n in 0..9 {
        assert_eq!(shown[9 + n], shown[9 - n], "{shown:?}");
    }
    let told = |event: &Event| matches!(event, Event::Note(line) if line.starts_with("the video lasts 0.40 s and goes back"));
    assert!(events.iter().any(told), "{events:?}");
}

#[test]
fn the_shape_follows_the_video_also_when_it_was_filmed_sideways() {
    // The camera was turned to the left: what it stored has to be turned to the right.
    const HEIGHT: usize = 400;
    const WIDTH: usize = 240;
    let look = Look {
        span: 0.11,
        ..PERSON
    };
    let upright = paint(&look, WIDTH, HEIGHT, 1);
    let mut stored = Vec::new();
    for y in 0..WIDTH {
        for x in 0..HEIGHT {
            let at = 3 * (x * WIDTH + WIDTH - 1 - y);
            stored.extend(&upright[at..at + 3]);
        }
    }
    let mut mp4 = filmed(std::iter::repeat_n(stored, 8), HEIGHT, WIDTH);
    let header = mp4.windows(4).position(|kind| kind == b"tkhd").unwrap() + 4;
    let turned = [0, 1 << 16, 0, -1 << 16, 0].map(i32::to_be_bytes).concat();
    mp4[header + 40..header + 60].copy_from_slice(&turned);
    let sound = file(&vowel(0.6, |at| at > 0.1));
    let film = Film::of(&render(&asked(mp4, sound, 12)).0.mp4);
    assert_eq!((film.width, film.height), (480, 832));
    let open = open(&film, mouth_of(&look, WIDTH, HEIGHT));
    assert!(lie_within(&open, 2, 12), "{open:?}");
}

#[test]
fn what_is_no_video_of_a_person_is_refused_by_name() {
    let refused = |video: Vec<u8>| refusal(&asked(video, file(&[0; 800]), 3));
    let sound = wav(&[0; 800]);
    let mut cut_off = clip(&PAINTED, 4);
    cut_off.truncate(cut_off.len() / 2);
    let portrait = studio::SAMPLE_PORTRAIT.to_vec();
    for (video, reason) in [
        (Vec::new(), ""),
        (b"no video".to_vec(), ""),
        (portrait, ""),
        (cut_off, ""),
        (sound, "it holds no pictures"),
        (
            filmed(std::iter::repeat_n(vec![0; 3 * 64 * 64], 2), 64, 64),
            "it is 64×64 pixels",
        ),
    ] {
        let error = refused(video);
        assert!(matches!(error, Error::VideoUnreadable { .. }), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let error = refused(nobody());
    assert!(matches!(error, Error::NoFaceInVideo), "{error:?}");
    // The boxes are whole, the pictures are not.
    let mut broken = clip(&PAINTED, 4);
    let media = broken.windows(4).position(|kind| kind == b"mdat").unwrap() + 4;
    broken[media..].fill(0xA5);
    let error = refused(broken);
    assert!(matches!(error, Error::VideoUnreadable { .. }), "{error:?}");
}

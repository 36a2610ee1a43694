//! The preview engine end to end: its videos are taken apart again and looked at.

#![expect(
    clippy::unwrap_used,
    reason = "the steps of a test may unwrap like the test itself"
)]

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of small pictures and short times"
)]
#[path = "studio/film.rs"]
mod film;
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::many_single_char_names,
    clippy::suboptimal_flops,
    reason = "drawing is arithmetic on small numbers"
)]
#[path = "studio/painter.rs"]
mod painter;

#[path = "studio/dubbed.rs"]
mod dubbed;
#[path = "studio/pair.rs"]
mod pair;
#[path = "studio/served.rs"]
mod served;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use film::Film;
use painter::{Cut, Look, SAMPLE, paint};
use talkdeck::studio::{self, Error, Event, Request, Resolution, Scene, Script, Sound, Video};

/// Around the lips of the sample portrait, as shares of the frame.
const MOUTH: [f64; 4] = [0.43, 0.55, 0.57, 0.64];
const SENTENCE: &str = "Mama made a big apple pie, but Bob ate it all.";

fn request(sound: Sound, num_frames: u32) -> Request {
    Request {
        scene: Scene::Portrait(studio::SAMPLE_PORTRAIT.to_vec()),
        sound,
        num_frames,
        resolution: Resolution::P480,
        seed: 7,
    }
}

fn script(text: &str, voice: &str) -> Sound {
    scripts(&[(text, voice)])
}

fn scripts(scripts: &[(&str, &str)]) -> Sound {
    let script = |(text, voice): &(&str, &str)| Script {
        text: (*text).to_owned(),
        voice: (*voice).to_owned(),
    };
    Sound::Scripts(scripts.iter().map(script).collect())
}

/// One person's sound file.
fn file(samples: &[i16]) -> Sound {
    Sound::Files(vec![wav(samples)])
}

fn render(request: &Request) -> (Video, Vec<Event>) {
    let mut events = Vec::new();
    let video = studio::render(request, &mut |event| events.push(event), &|| false).unwrap();
    (video, events)
}

fn refusal(request: &Request) -> Error {
    studio::render(request, &mut |_| (), &|| false).unwrap_err()
}

fn warnings(events: &[Event]) -> Vec<&str> {
    let mut lines = Vec::new();
    for event in events {
        if let Event::Warning(line) = event {
            lines.push(line.as_str());
        }
    }
    lines
}

/// A WAV file of 16-bit mono samples.
fn wav(samples: &[i16]) -> Vec<u8> {
    const RATE: u32 = 16_000;
    let bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((36 + bytes).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend(RATE.to_le_bytes());
    file.extend((RATE * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(bytes.to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// Something like "ah" at 16 kHz while `is_on` (given seconds), else silence.
fn vowel(seconds: f64, is_on: impl Fn(f64) -> bool) -> Vec<i16> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a second or two of sound"
    )]
    let count = (seconds * 16_000.0) as u32;
    (0..count)
        .map(|n| {
            let at = f64::from(n) / 16_000.0;
            if !is_on(at) {
                return 0;
            }
            let wave = |harmonic: f64| (std::f64::consts::TAU * 120.0 * harmonic * at).sin();
            let sum = wave(1.0) + wave(2.0) + 1.5 * wave(6.0) + 1.5 * wave(7.0) + 0.8 * wave(10.0);
            #[expect(clippy::cast_possible_truncation, reason = "at most 23,200")]
            let sample = (sum * 4_000.0) as i16;
            sample
        })
        .collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "some hundred frames")]
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        ab += (a - mean_a) * (b - mean_b);
        aa += (a - mean_a).powi(2);
        bb += (b - mean_b).powi(2);
    }
    ab / (aa * bb).sqrt()
}

#[test]
fn the_video_has_exactly_the_frames_the_rate_and_the_size_asked_for() {
    let (video, events) = render(&request(script("Hello there.", "Aria"), 41));
    let film = Film::of(&video.mp4);
    assert_eq!((video.width, video.height), (640, 640));
    assert_eq!((film.width, film.height), (640, 640));
    assert_eq!(film.pictures.len(), 41);
    for (n, (at, length)) in film.shown_at.iter().zip(&film.shown_for).enumerate() {
        let expected = f64::from(u32::try_from(n).unwrap()) / 25.0;
        assert!((at - expected).abs() < 1e-6, "frame {n} is shown at {at}");
        assert!(
            (length - 0.04).abs() < 1e-6,
            "frame {n} is shown for {length}"
        );
    }
    let told = events
        .iter()
        .filter(|event| matches!(event, Event::Frames { .. }));
    assert_eq!(told.count(), 41);
    assert!(events.contains(&Event::Frames {
        done: 41,
        total: 41
    }));
}

#[test]
#[cfg(feature = "speech")]
fn the_sound_lasts_as_long_as_the_picture_and_is_heard() {
    let (video, _) = render(&request(script("Hello there, how are you?", "Liam"), 50));
    let film = Film::of(&video.mp4);
    assert!(
        (film.sound_length - 2.0).abs() < 0.045,
        "{}",
        film.sound_length
    );
    assert!((0.8..2.0).contains(&video.sound_length.as_secs_f64()));
    let loud = film.loudness().into_iter().fold(0.0, f64::max);
    assert!(loud > 0.05, "the loudest frame has {loud}");
}

#[test]
fn the_index_stands_before_the_media_and_the_title_says_preview() {
    let (video, _) = render(&request(script("Hi.", "Aria"), 10));
    let find = |name: &[u8]| video.mp4.windows(name.len()).position(|part| part == name);
    assert!(find(b"moov").unwrap() < find(b"mdat").unwrap());
    assert!(find(b"offline preview").unwrap() < find(b"mdat").unwrap());
}

#[test]
fn the_same_request_gives_the_same_bytes_and_another_seed_others() {
    let first = request(script("Hello.", "Brian"), 30);
    let other = Request {
        seed: 8,
        ..first.clone()
    };
    // At the same time, as the server does it: renders share nothing.
    let videos: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let renders: Vec<_> = [&first, &first, &other]
            .map(|request| scope.spawn(|| render(request).0.mp4))
            .into();
        renders.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(videos[0] == videos[1]);
    assert!(videos[0] != videos[2]);
}

#[test]
#[cfg(feature = "speech")]
fn the_lips_open_with_the_spoken_sound_and_not_a_frame_beside_it() {
    let (video, events) = render(&request(script(SENTENCE, "Sarah"), 100));
    assert_eq!(warnings(&events), [""; 0]);
    let film = Film::of(&video.mp4);
    let open: Vec<f64> = film
        .darkness(MOUTH)
        .into_iter()
        .map(|pixels| f64::from(u32::try_from(pixels).unwrap()))
        .collect();
    let loud = film.loudness();
    let shifted = |lag: i32| {
        let (early, late) = (
            lag.max(0).unsigned_abs() as usize,
            (-lag).max(0).unsigned_abs() as usize,
        );
        let end = open.len() - early.max(late);
        correlation(&open[early..early + end], &loud[late..late + end])
    };
    let best = (-5..=5)
        .max_by(|a, b| shifted(*a).total_cmp(&shifted(*b)))
        .unwrap();
    assert!(best.abs() <= 1, "the lips are {best} frames late");
    assert!(shifted(0) > 0.5, "lips and sound agree by {}", shifted(0));
}

#[test]
fn lips_open_and_close_with_a_sound_file_within_a_frame() {
    // On from 0.50 s to 0.90 s and from 1.30 s to 1.70 s.
    let is_on = |at: f64| (0.5..0.9).contains(&at) || (1.3..1.7).contains(&at);
    let sound = file(&vowel(2.2, is_on));
    let film = Film::of(&render(&request(sound, 55)).0.mp4);
    let open: Vec<bool> = film
        .darkness(MOUTH)
        .iter()
        .map(|pixels| *pixels > 30)
        .collect();
    let changes: Vec<f64> = (1..open.len())
        .filter(|n| open[*n] != open[n - 1])
        .map(|n| film.shown_at[n])
        .collect();
    assert_eq!(changes.len(), 4, "opened or closed at {changes:?}");
    for (change, expected) in changes.iter().zip([0.5, 0.9, 1.3, 1.7]) {
        assert!((change - expected).abs() <= 0.041, "{changes:?}");
    }
}

#[test]
fn the_mouth_moves_while_speaking_and_holds_still_in_silence() {
    let is_on = |at: f64| (0.8..1.4).contains(&at);
    let sound = file(&vowel(2.0, is_on));
    let film = Film::of(&render(&request(sound, 50)).0.mp4);
    let quiet = film.difference(MOUTH, 4, 14);
    let loud = film.difference(MOUTH, 14, 28);
    assert!(loud > 4.0 * quiet, "{loud} against {quiet}");
    assert!(film.darkness(MOUTH)[..18].iter().all(|pixels| *pixels < 20));
    // The head moves all the time, a little.
    let still = (10..50).all(|n| film.pictures[n] == film.pictures[n - 1]);
    assert!(!still);
}

#[test]
fn the_eyes_of_a_sure_face_blink() {
    let eyes = [0.36, 0.38, 0.64, 0.47];
    let sound = file(&vowel(2.0, |_| false));
    let film = Film::of(&render(&request(sound, 50)).0.mp4);
    // Pupils and lashes vanish under the lids for a few frames.
    let dark = film.darkness(eyes);
    let open = dark[0];
    let shut = dark.iter().filter(|pixels| **pixels * 2 < open).count();
    assert!((2..=8).contains(&shut), "{dark:?}");
}

#[test]
fn every_frame_carries_the_mark() {
    let (video, _) = render(&request(script("Hi.", "Aria"), 12));
    let film = Film::of(&video.mp4);
    let corner = [0.60, 0.94, 0.99, 0.99];
    for n in 0..12 {
        assert!(
            film.difference(corner, 0, n) < 3.0,
            "the mark moves in frame {n}"
        );
    }
    // The strip is darker than the clothes and the letters on it are brighter.
    let row = 640 * (640 - 640 / 30) + 440;
    let strip = &film.pictures[0][row..row + 180];
    assert!(strip.iter().any(|value| *value > 190) && strip.iter().any(|value| *value < 60));
}

#[test]
#[cfg(feature = "speech")]
fn a_script_that_is_too_long_is_spoken_faster_then_cut_after_a_named_word() {
    let natural = studio::measure(SENTENCE, "Bill")
        .map(|speech| speech.length)
        .unwrap()
        .as_secs_f64();
    let frames = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some ten frames"
        )]
        let frames = (natural * share * 25.0) as u32;
        frames
    };
    let (video, events) = render(&request(script(SENTENCE, "Bill"), frames(0.8)));
    assert_eq!(warnings(&events), [""; 0]);
    assert!((video.sound_length.as_secs_f64() - natural).abs() < 0.01);
    let faster =
        |event: &Event| matches!(event, Event::Note(line) if line.contains("times as fast"));
    assert!(events.iter().any(faster), "{events:?}");

    let (video, events) = render(&request(script(SENTENCE, "Bill"), frames(0.4)));
    let lines = warnings(&events);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("cut after “"), "{lines:?}");
    assert!(
        lines[0].contains(&format!("{} frames", (natural * 25.0).ceil())),
        "{lines:?}"
    );
    assert_eq!(Film::of(&video.mp4).pictures.len(), frames(0.4) as usize);
}

#[test]
#[cfg(feature = "speech")]
fn a_script_that_is_too_short_ends_in_silence_with_the_mouth_shut() {
    let (video, _) = render(&request(script("Hello.", "Matilda"), 60));
    let film = Film::of(&video.mp4);
    let last = film
        .loudness()
        .iter()
        .rposition(|level| *level > 0.01)
        .unwrap();
    assert!(last < 40, "sound up to frame {last}");
    assert!(
        film.darkness(MOUTH)[last + 3..]
            .iter()
            .all(|pixels| *pixels < 20)
    );
}

#[test]
fn a_sound_file_that_is_too_long_is_cut_with_a_warning() {
    let sound = file(&vowel(1.5, |_| true));
    let (video, events) = render(&request(sound, 15));
    assert_eq!(video.sound_length, Duration::from_millis(1_500));
    assert_eq!(warnings(&events).len(), 1);
    assert_eq!(Film::of(&video.mp4).pictures.len(), 15);
}

#[test]
fn a_cancelled_render_stops_within_two_frames() {
    let cancelled = AtomicBool::new(false);
    let drawn = AtomicU32::new(0);
    let result = studio::render(
        &request(script("Hello there.", "Aria"), 200),
        &mut |event| {
            if let Event::Frames { done, .. } = event {
                drawn.store(done, Ordering::Relaxed);
                if done == 3 {
                    cancelled.store(true, Ordering::Relaxed);
                }
            }
        },
        &|| cancelled.load(Ordering::Relaxed),
    );
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(drawn.load(Ordering::Relaxed) <= 4);
}

#[test]
fn bad_requests_are_refused_by_name() {
    let good = request(script("Hi.", "Aria"), 5);
    let picture = |picture: &[u8]| Request {
        scene: Scene::Portrait(picture.to_vec()),
        ..good.clone()
    };
    let sound = |sound: Sound| request(sound, 5);
    assert!(matches!(
        refusal(&picture(b"no picture")),
        Error::PictureFormat { .. }
    ));
    let half = &studio::SAMPLE_PORTRAIT[..studio::SAMPLE_PORTRAIT.len() / 2];
    assert!(matches!(
        refusal(&picture(half)),
        Error::PictureUnreadable { .. }
    ));
    let small = png(&[128; 3 * 40 * 40], 40, 40);
    assert!(matches!(
        refusal(&picture(&small)),
        Error::PictureTooSmall { .. }
    ));
    assert!(matches!(
        refusal(&sound(script(" \n ", "Aria"))),
        Error::EmptyScript { .. }
    ));
    assert!(matches!(
        refusal(&sound(script("… !", "Aria"))),
        Error::EmptyScript { .. }
    ));
    let noise = Sound::Files(vec![b"no sound".to_vec()]);
    assert!(matches!(
        refusal(&sound(noise)),
        Error::SoundUnreadable { .. }
    ));
    for frames in [0, studio::MAX_FRAMES + 1] {
        let error = refusal(&request(script("Hi.", "Aria"), frames));
        assert!(matches!(error, Error::FrameCount { .. }));
    }
}

#[test]
fn faces_of_every_tone_hair_and_place_are_found() {
    let tones = [
        ([244.0, 208.0, 186.0], [196.0, 160.0, 104.0]),
        ([233.0, 184.0, 156.0], [84.0, 52.0, 38.0]),
        ([205.0, 152.0, 116.0], [38.0, 30.0, 28.0]),
        ([150.0, 102.0, 74.0], [30.0, 24.0, 22.0]),
        ([98.0, 64.0, 47.0], [24.0, 20.0, 20.0]),
    ];
    let places = [
        (Cut::Bob, 0.14, (0.5, 0.42), 0.0),
        (Cut::Short, 0.13, (0.44, 0.40), 0.10),
        (Cut::Bald, 0.17, (0.55, 0.45), -0.08),
    ];
    for (skin, hair) in tones {
        for (cut, span, middle, tilt) in places {
            let look = Look {
                skin,
                hair,
                iris: if skin[0] > 220.0 {
                    SAMPLE.iris
                } else {
                    [74.0, 48.0, 34.0]
                },
                lips: [skin[0] * 0.82, skin[1] * 0.58, skin[2] * 0.62],
                cut,
                span,
                middle,
                tilt,
                ..SAMPLE
            };
            let picture = png(&paint(&look, 384, 384, 1), 384, 384);
            let asked = Request {
                scene: Scene::Portrait(picture),
                ..request(file(&[0; 800]), 1)
            };
            let result = studio::render(&asked, &mut |_| (), &|| false);
            assert!(result.is_ok(), "{skin:?} {cut:?}: {:?}", result.err());
        }
    }
}

#[test]
fn pictures_without_a_face_are_refused() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut noise = vec![0; 3 * 320 * 320];
    random.fill(&mut noise);
    let drawn = |colour: &dyn Fn(f32, f32) -> [u8; 3]| {
        let mut pixels = Vec::new();
        for y in 0..320_u16 {
            for x in 0..320_u16 {
                pixels.extend(colour(f32::from(x) / 320.0, f32::from(y) / 320.0));
            }
        }
        pixels
    };
    let pictures = [
        ("noise", noise),
        ("one colour", drawn(&|_, _| [214, 170, 140])),
        (
            "a backdrop",
            drawn(&|_, y| {
                if y < 0.5 {
                    [120, 170, 220]
                } else {
                    [90, 120, 60]
                }
            }),
        ),
        ("a sunset over the sea", drawn(&sunset)),
        ("hills with trees", drawn(&hills)),
        ("a wall of bricks", drawn(&bricks)),
        (
            "a ball",
            drawn(&|x, y| {
                let far = (x - 0.5).hypot(y - 0.5);
                if far < 0.3 {
                    [230, 150, 110]
                } else {
                    [240, 240, 240]
                }
            }),
        ),
        (
            "a board",
            drawn(&|x, y| {
                let is_dark = ((x * 4.0).fract() < 0.5) == ((y * 4.0).fract() < 0.5);
                if is_dark {
                    [60, 40, 30]
                } else {
                    [230, 190, 150]
                }
            }),
        ),
    ];
    for (name, pixels) in pictures {
        let asked = Request {
            scene: Scene::Portrait(png(&pixels, 320, 320)),
            ..request(file(&[0; 800]), 1)
        };
        let result = studio::render(&asked, &mut |_| (), &|| false);
        assert!(
            matches!(result, Err(Error::NoFace)),
            "{name} passes for a face"
        );
    }
}

fn sunset(x: f32, y: f32) -> [u8; 3] {
    let glow = (1.0 - 2.2 * (x - 0.5).hypot(y - 0.55)).max(0.0);
    let wave = if y > 0.6 {
        12.0 * (x * 40.0 + y * 160.0).sin()
    } else {
        0.0
    };
    to_bytes([
        150.0 + 100.0 * glow + wave,
        90.0 + 120.0 * glow + wave,
        80.0 + 40.0 * glow + wave,
    ])
}

fn hills(x: f32, y: f32) -> [u8; 3] {
    let ridge = 0.55 + 0.08 * (x * 7.0).sin() + 0.03 * (x * 23.0).sin();
    let tree = ((x * 9.0).fract() - 0.5).abs() < 0.16 && (0.60..0.80).contains(&y);
    if tree {
        [40, 62, 30]
    } else if y > ridge {
        to_bytes([150.0 - 60.0 * y, 140.0 - 20.0 * y, 80.0])
    } else {
        to_bytes([150.0 + 60.0 * y, 180.0 + 40.0 * y, 225.0])
    }
}

fn bricks(x: f32, y: f32) -> [u8; 3] {
    let row = (y * 14.0).floor();
    let along = x * 6.0 + if row % 2.0 < 1.0 { 0.0 } else { 0.5 };
    let is_joint = (y * 14.0).fract() < 0.12 || along.fract() < 0.05;
    let tint = 14.0 * (along.floor() * 3.0 + row * 5.0).sin();
    if is_joint {
        [206, 200, 190]
    } else {
        to_bytes([172.0 + tint, 92.0 + tint, 70.0 + tint])
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 255 after the clamp"
)]
fn to_bytes(colour: [f32; 3]) -> [u8; 3] {
    colour.map(|channel| channel.clamp(0.0, 255.0) as u8)
}

fn png(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    let picture = image::RgbImage::from_raw(width, height, pixels.to_vec()).unwrap();
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn the_sample_portrait_is_what_the_painter_paints() {
    const SIDE: u32 = 128;
    let shipped = image::load_from_memory(studio::SAMPLE_PORTRAIT).unwrap();
    assert_eq!((shipped.width(), shipped.height()), (1024, 1024));
    assert!(studio::SAMPLE_PORTRAIT.len() < 900_000);
    let shipped = shipped.thumbnail_exact(SIDE, SIDE).to_rgb8();
    let painted = paint(&SAMPLE, SIDE as usize, SIDE as usize, 2);
    let worst = shipped
        .chunks(3)
        .zip(painted.chunks(3))
        .map(|(a, b)| {
            a.iter()
                .zip(b)
                .map(|(a, b)| u32::from(a.abs_diff(*b)))
                .sum::<u32>()
        })
        .sum::<u32>();
    // Differences come from the size alone: thin lines fall between pixels.
    assert!(worst / (SIDE * SIDE) < 6, "{}", worst / (SIDE * SIDE));
}

/// Writes the sample portrait anew after the painter changed:
/// `TALKDECK_PORTRAIT=src/studio/sample-portrait.png cargo test --release --test studio -- --ignored paints`.
#[test]
#[ignore = "a tool, not a check"]
fn paints_the_sample_portrait() {
    let path = std::env::var_os("TALKDECK_PORTRAIT").expect("TALKDECK_PORTRAIT names the file");
    std::fs::write(path, png(&paint(&SAMPLE, 1024, 1024, 4), 1024, 1024)).unwrap();
}

#[test]
fn nothing_is_written_to_standard_error() {
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args([
            "--exact",
            "the_video_has_exactly_the_frames_the_rate_and_the_size_asked_for",
        ])
        .args(["--nocapture", "--test-threads", "1"])
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

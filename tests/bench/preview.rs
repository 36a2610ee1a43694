//! How long a preview takes end to end: `cargo bench --bench preview [480p|720p]`.

use std::time::{Duration, Instant};

use talkdeck::studio::{self, Request, Resolution, Scene, Script, Sound};

const SCRIPT: &str =
    "Spend more time with people who make you feel alive, and less with people who don't.";

fn main() {
    // `cargo test --benches` wants to know that it runs, not how fast.
    let quick = !std::env::args().any(|argument| argument == "--bench");
    let (frames, runs) = if quick { (10, 1) } else { (145, 7) };
    let filter = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    for (name, resolution) in [("480p", Resolution::P480), ("720p", Resolution::P720)] {
        if filter.as_ref().is_some_and(|filter| filter != name) {
            continue;
        }
        let mut times: Vec<Duration> = (0..runs).map(|_| time(resolution, frames)).collect();
        times.sort();
        println!(
            "{name}, {frames} frames, script: min {:.2} s, median {:.2} s of {runs}",
            times[0].as_secs_f64(),
            times[runs / 2].as_secs_f64()
        );
    }
    let begun = Instant::now();
    let length = studio::measure(SCRIPT, "Bill");
    println!("measured: {length:?} in {:.0?}", begun.elapsed());
}

fn time(resolution: Resolution, num_frames: u32) -> Duration {
    let request = Request {
        scene: Scene::Portrait(studio::SAMPLE_PORTRAIT.to_vec()),
        sound: Sound::Scripts(vec![Script {
            text: SCRIPT.to_owned(),
            voice: String::from("Bill"),
        }]),
        num_frames,
        resolution,
        seed: 42,
    };
    let begun = Instant::now();
    let video = studio::render(&request, &mut |_| (), &|| false).expect("the sample renders");
    let took = begun.elapsed();
    assert!(video.mp4.len() > 1_000);
    took
}

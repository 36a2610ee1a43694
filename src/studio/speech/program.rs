//! Speech by an installed `espeak-ng` program, for a binary built without the `speech` feature.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Utterance, Voice};
use crate::{
    model::secret::KEY_VARIABLES,
    studio::{Error, listen},
};

const NAME: &str = "espeak-ng";
/// The program needs some milliseconds a sentence; one that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Speaks `text`, `pace` times as fast as the voice's own pace.
///
/// The text goes over standard input, so no script can become an option.
///
/// # Errors
/// `Ok(Err(line))` when there is no such program or it failed; `Err` when the caller cancelled.
pub(super) fn say(
    text: &str,
    voice: Voice,
    pace: f64,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Result<Utterance, String>, Error> {
    let mut command = Command::new(NAME);
    command
        .args(["--stdin", "--stdout", "-b", "1"])
        .args(["-v", if voice.british { "en-gb" } else { "en-us" }])
        .args(["-s", &words_per_minute(voice, pace).to_string()])
        .args(["-p", &pitch(voice).to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for name in KEY_VARIABLES {
        command.env_remove(name);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ok(Err(format!("the program {NAME} does not start: {error}"))),
    };
    let wav = match converse(child, text, is_cancelled)? {
        Ok(wav) => wav,
        Err(reason) => return Ok(Err(reason)),
    };
    match listen::decode(&wav, Duration::from_mins(10), is_cancelled) {
        Ok(recording) => Ok(Ok(Utterance {
            samples: recording.samples,
            cues: None,
            word_starts: Vec::new(),
        })),
        Err(Error::Cancelled) => Err(Error::Cancelled),
        Err(error) => Ok(Err(format!("{NAME}: {error}"))),
    }
}

/// Sends the text, collects the sound, and ends the program when it hangs or the caller cancels.
fn converse(
    child: Child,
    text: &str,
    is_cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<Result<Vec<u8>, String>, Error> {
    let mut child = Guard(child);
    let mut input = child.0.stdin.take().expect("standard input is a pipe");
    let output = child.0.stdout.take().expect("standard output is a pipe");
    std::thread::scope(|scope| {
        // Both ends at once: a full pipe on one side must not stop the other.
        let writer = scope.spawn(move || input.write_all(text.as_bytes()));
        let reader = scope.spawn(move || {
            let mut sound = Vec::new();
            let limit = listen::MAX_SOUND_BYTES as u64;
            output.take(limit).read_to_end(&mut sound).map(|_| sound)
        });
        let begun = Instant::now();
        while !reader.is_finished() {
            if is_cancelled() || begun.elapsed() > PATIENCE {
                child.end();
                if is_cancelled() {
                    return Err(Error::Cancelled);
                }
                return Ok(Err(format!("{NAME} did not answer")));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        child.end();
        let sent = writer.join().expect("writing does not panic");
        let sound = reader.join().expect("reading does not panic");
        Ok(match (sent, sound) {
            (Ok(()), Ok(sound)) => Ok(sound),
            (Err(error), _) | (_, Err(error)) => Err(format!("{NAME}: {error}")),
        })
    })
}

/// Ends the program when the conversation ends early, and collects it in any case.
struct Guard(Child);

impl Guard {
    fn end(&mut self) {
        // Both fail only when the program is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end();
    }
}

/// The program takes 80 to 450.
fn words_per_minute(voice: Voice, pace: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 80 and 450 after the clamp"
    )]
    let rate = (f64::from(voice.words_per_minute) * pace)
        .round()
        .clamp(80.0, 450.0) as u32;
    rate
}

/// The program's scale: 50 is its usual man, 100 about twice as high.
fn pitch(voice: Voice) -> u32 {
    (voice.pitch_hz.saturating_sub(60) * 9 / 10 + 20).min(99)
}

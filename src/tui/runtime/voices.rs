//! Learns from finished videos how fast voices really speak.

use std::{fs, time::Duration};

use super::{Hands, blocking};
use crate::{
    catalog::Catalog,
    model::{
        Job, Timestamp,
        speech::{Rates, Utterance},
    },
    store::{Error, Store},
    studio,
};

/// Jobs of one look; what is left comes with the next finished job.
const AT_ONCE: u32 = 8;
/// Larger videos are not read for it.
const LARGEST: u64 = 64 << 20;

impl Hands {
    /// Learns of what has finished since the last time.
    pub(super) async fn learn(&self) {
        let (store, catalog) = (self.store.clone(), self.tracker.catalog(&self.server));
        // It is a courtesy: what cannot be learned is reckoned as before.
        let _ = blocking(move || learn(&store, &catalog)).await;
    }

    /// What is known of the voices of the server that submits go to. The preview engine speaks as it is reckoned.
    pub(super) async fn rates(&self) -> Rates {
        if self.server.is_preview() {
            return Rates::default();
        }
        self.read(Store::rates).await.unwrap_or_default()
    }
}

fn learn(store: &Store, catalog: &Catalog) -> Result<(), Error> {
    for job in store.unlearned(AT_ONCE)? {
        let (voice, reckoned, heard) = take(&job, catalog).unwrap_or_default();
        store.learn(&job.id, &voice, reckoned, heard, Timestamp::now())?;
    }
    Ok(())
}

/// What `job` tells of a voice: only one person, whose words were not cut off, tells anything.
fn take(job: &Job, catalog: &Catalog) -> Option<(String, Duration, Option<Duration>)> {
    let endpoint = catalog.get(&job.endpoint)?;
    let said = endpoint.utterances(&job.arguments);
    let [Utterance::Words { script, voice }] = said.as_slice() else {
        return None;
    };
    let video = &job.video()?.path;
    if fs::metadata(video).ok()?.len() > LARGEST {
        return None;
    }
    let heard = studio::heard(&fs::read(video).ok()?)?;
    let reckoned = studio::measure(script, voice)?.length;
    Some((voice.clone(), reckoned, Some(heard)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::testing::{draft, job},
        model::{
            JobState, ServerId,
            job::{FileKind, SavedFile},
        },
        studio::{Request, Resolution, Scene, Script, Sound},
    };

    /// A video in which `script` is said.
    fn video(script: &str, num_frames: u32) -> Vec<u8> {
        let request = Request {
            scene: Scene::Portrait(studio::SAMPLE_PORTRAIT.to_vec()),
            sound: Sound::Scripts(vec![Script {
                text: script.to_owned(),
                voice: "Bill".to_owned(),
            }]),
            num_frames,
            resolution: Resolution::P480,
            seed: 1,
        };
        studio::render(&request, &mut |_| (), &|| false)
            .unwrap()
            .mp4
    }

    fn finished(number: u16, dir: &std::path::Path, script: &str, num_frames: u32) -> Job {
        let path = dir.join(format!("{number}.mp4"));
        fs::write(&path, video(script, num_frames)).unwrap();
        let mut job = job(number, JobState::Completed);
        job.account.server = ServerId::fal();
        job.arguments = draft().arguments;
        job.arguments.set("text_input", script);
        job.files = vec![SavedFile {
            path,
            kind: FileKind::Video,
            bytes: 1,
        }];
        job
    }

    #[test]
    #[cfg_attr(not(feature = "speech"), ignore = "nothing here can speak")]
    fn a_finished_video_tells_how_fast_its_voice_speaks() {
        const SCRIPT: &str = "Spend more time with people who make you feel alive.";
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let catalog = Catalog::builtin();
        // Room to spare, and far too little.
        store
            .insert(&finished(1, dir.path(), SCRIPT, 145), None)
            .unwrap();
        store
            .insert(&finished(2, dir.path(), SCRIPT, 41), None)
            .unwrap();
        learn(&store, &catalog).unwrap();
        assert!(
            store.unlearned(9).unwrap().is_empty(),
            "each is looked at once"
        );
        let rates = store.rates().unwrap();
        let reckoned = studio::measure(SCRIPT, "Bill").unwrap();
        let known = reckoned.at(rates.get("Bill"));
        // The preview engine speaks at the very pace that is reckoned with.
        let (a, b) = (known.length.as_secs_f64(), reckoned.length.as_secs_f64());
        assert!((a / b - 1.0).abs() < 0.12, "{a} of {b}");
        assert!(known.margin < reckoned.margin, "it is surer than before");
        assert_eq!(rates.get("Aria"), None);
    }
}

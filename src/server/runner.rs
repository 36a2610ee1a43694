//! A runner: a thread that takes one request after the other out of the queue and renders it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use uuid::Uuid;

use super::{
    engine::Engine,
    files::{About, Files},
    findings, inputs,
    instance::Held,
    journal::{Accepted, Ending, LogFile},
    queue::{Queue, Taken},
    reply::Reply,
};
use crate::{
    catalog::Catalog,
    fal::wire::LogEntry,
    model::{Level, Timestamp},
    studio::{self, Event},
};

/// Progress lines come no closer together than this.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// What a runner works with.
#[derive(Clone)]
pub(super) struct Workshop {
    pub(super) queue: Arc<Queue>,
    pub(super) files: Files,
    pub(super) catalog: Arc<Catalog>,
    pub(super) engine: Arc<dyn Engine>,
    /// As long as a runner writes, nobody else may have the folder.
    pub(super) held: Arc<Held>,
}

/// Starts a runner; its thread ends when the queue stops.
pub(super) fn start(workshop: Workshop, number: usize) -> std::io::Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(format!("preview-{number}"))
        .spawn(move || {
            while let Some(taken) = workshop.queue.take() {
                workshop.work(&taken);
            }
            // Only now may another process have the folder.
            drop(workshop.held);
        })
}

/// Why there is no output.
enum Stop {
    /// The request is over, and this is its result.
    Over(Box<Reply>),
    /// The server ends; the request is rendered again at the next start.
    Interrupted,
}

/// The request is over with this result.
fn over(reply: Reply) -> Stop {
    Stop::Over(Box::new(reply))
}

impl Workshop {
    fn work(&self, taken: &Taken) {
        let began = Instant::now();
        let mut log = Log::open(&self.queue, taken.id);
        // Without the mark the request is still queued after a crash, which is as good.
        let _ = self.queue.started(taken);
        let outcome = catch_unwind(AssertUnwindSafe(|| self.render(taken, &mut log)));
        let reply = match outcome {
            Ok(Ok(reply)) => reply,
            Ok(Err(Stop::Over(reply))) => *reply,
            Ok(Err(Stop::Interrupted)) => return,
            Err(_) => Reply::broke_down("the preview engine panicked"),
        };
        if let Some(error) = &reply.error {
            log.say(Level::Error, error);
        }
        self.queue.end(
            taken.id,
            Ending {
                started_at: Some(taken.started_at),
                ended_at: Timestamp::now(),
                inference_time: Some(began.elapsed().as_secs_f64()),
                reply,
            },
        );
    }

    fn render(&self, taken: &Taken, log: &mut Log<'_>) -> Result<Reply, Stop> {
        if taken.is_interrupted {
            log.say(
                Level::Info,
                "Interrupted when talkdeck ended; rendering again from the start",
            );
        }
        log.say(
            Level::Info,
            "Preview engine, offline: not the model's output",
        );
        let Accepted {
            endpoint,
            arguments,
            ..
        } = self.queue.journal().accepted(taken.id).map_err(|error| {
            over(Reply::lost(&format!(
                "The input cannot be read from disk: {error}"
            )))
        })?;
        let endpoint = self.catalog.get(&endpoint).ok_or_else(|| {
            over(Reply::lost(&format!(
                "This version does not know {endpoint}"
            )))
        })?;
        let refused = |found| over(Reply::refused(found));
        let arguments = findings::validate(endpoint, &arguments).map_err(refused)?;
        let plan = inputs::plan(endpoint, &arguments, &self.files)
            .map_err(|found| refused(vec![*found]))?;

        let is_cancelled = || taken.cancel.load(Ordering::Acquire) || self.queue.is_stopping();
        let rendered =
            self.engine
                .render(&plan.request, &mut |event| log.hear(event), &is_cancelled);
        let video = match rendered {
            Ok(video) => video,
            Err(studio::Error::Cancelled) if taken.cancel.load(Ordering::Acquire) => {
                return Err(over(Reply::cancelled()));
            }
            Err(studio::Error::Cancelled) => return Err(Stop::Interrupted),
            Err(error) => {
                let found = findings::of_engine(&error, &plan.fields);
                return Err(over(match found {
                    Some(found) => Reply::refused(vec![*found]),
                    None => Reply::broke_down(&error.to_string()),
                }));
            }
        };
        let about = About::new(&file_name(taken.id), "video/mp4");
        let file = self
            .files
            .save(&video.mp4, &about)
            .map_err(|error| over(Reply::lost(&format!("The video cannot be saved: {error}"))))?;
        log.say(
            Level::Info,
            &format!(
                "Saved {} ({} kB)",
                about.name,
                video.mp4.len().div_ceil(1000)
            ),
        );
        let output = json!({
            "video": {
                "url": about.path(file),
                "content_type": about.content_type,
                "file_name": about.name,
                "file_size": video.mp4.len(),
            },
            "seed": plan.seed,
        });
        Ok(Reply::output(output, plan.billable_units))
    }
}

fn file_name(id: Uuid) -> String {
    let id = id.simple().to_string();
    format!("preview-{}.mp4", &id[..8])
}

/// A request's log: in memory for its followers, on disk for later.
struct Log<'a> {
    queue: &'a Queue,
    id: Uuid,
    /// `None` when the disk refused it: the log then lives in memory only.
    file: Option<LogFile>,
    last_progress: Option<Instant>,
}

impl<'a> Log<'a> {
    fn open(queue: &'a Queue, id: Uuid) -> Self {
        Self {
            queue,
            id,
            file: queue.journal().log(id).ok(),
            last_progress: None,
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Note(text) => self.say(Level::Info, &text),
            Event::Warning(text) => self.say(Level::Warn, &text),
            Event::Frames { done, total } => {
                let is_due = self
                    .last_progress
                    .is_none_or(|last| last.elapsed() >= PROGRESS_EVERY);
                if is_due || done == total {
                    self.last_progress = Some(Instant::now());
                    self.say(Level::Stderr, &format!("frame {done}/{total}"));
                }
            }
        }
    }

    fn say(&mut self, level: Level, message: &str) {
        let entry = LogEntry {
            message: message.to_owned(),
            level: Some(level.as_str().to_ascii_uppercase()),
            source: Some("USER".to_owned()),
            // As fal writes it: UTC, without saying so.
            timestamp: Some(
                Timestamp::now()
                    .strftime("%Y-%m-%dT%H:%M:%S.%6f")
                    .to_string(),
            ),
        };
        if self
            .file
            .as_mut()
            .is_some_and(|file| file.add(&entry).is_err())
        {
            self.file = None;
        }
        self.queue.log(self.id, entry);
    }
}

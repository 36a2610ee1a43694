//! An engine that renders nothing and does what a test tells it to.

use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use talkdeck::{
    server::Engine,
    studio::{self, Event, Request, Video},
};

/// What the make-believe engine does next.
pub(crate) enum Step {
    Say(Event),
    Finish,
    Fail(studio::Error),
    Panic,
}

/// Renders nothing: each rendering takes one step after the other from here, and waits while there is none.
#[derive(Default)]
pub(crate) struct Puppet {
    steps: Mutex<VecDeque<Step>>,
    came: Condvar,
    pub(crate) seen: Mutex<Vec<Request>>,
    /// Renderings that were told to stop and did.
    pub(crate) stopped: AtomicUsize,
}

impl Puppet {
    pub(crate) fn do_next(&self, step: Step) {
        self.steps.lock().unwrap().push_back(step);
        self.came.notify_all();
    }

    pub(crate) fn finish(&self) {
        self.do_next(Step::Finish);
    }

    pub(crate) fn say(&self, text: &str) {
        self.do_next(Step::Say(Event::Note(text.to_owned())));
    }

    pub(crate) fn begun(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

pub(crate) const MP4: &[u8] = b"not really an mp4, but enough bytes to ask for a part of them";

impl Engine for Puppet {
    fn render(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(Event) + Send),
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Video, studio::Error> {
        self.seen.lock().unwrap().push(request.clone());
        loop {
            if is_cancelled() {
                self.stopped.fetch_add(1, Ordering::SeqCst);
                return Err(studio::Error::Cancelled);
            }
            let steps = self.steps.lock().unwrap();
            let (mut steps, _) = self
                .came
                .wait_timeout_while(steps, Duration::from_millis(5), |steps| steps.is_empty())
                .unwrap();
            let step = steps.pop_front();
            drop(steps);
            match step {
                None => {}
                Some(Step::Say(event)) => on_event(event),
                Some(Step::Fail(error)) => return Err(error),
                Some(Step::Panic) => panic!("as the test wants it"),
                Some(Step::Finish) => {
                    return Ok(Video {
                        mp4: MP4.to_vec(),
                        width: 64,
                        height: 64,
                        sound_length: Duration::from_secs(1),
                    });
                }
            }
        }
    }
}

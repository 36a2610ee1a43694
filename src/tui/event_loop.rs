//! The loop: wait, collect messages, apply them, start their effects, draw.

use std::{
    io,
    time::{Duration, Instant},
};

use ratatui::layout::Size;
use tokio::{sync::mpsc, time::sleep_until};

use super::{
    input::Input,
    keymap,
    outside::{Arrival, Display, Source},
    runtime::{Runtime, Services},
    settings::{Look, Settings},
    suspend,
    terminal::Screen,
    view,
};
use crate::{
    app::{App, Effect, Message, Setup},
    model::Timestamp,
};

/// The shortest time between two frames; a flood of messages is one frame.
const FRAME: Duration = Duration::from_millis(16);

/// A frame may wait so long for a flood of keys to be applied first.
const LATEST_FRAME: Duration = Duration::from_millis(60);

/// Messages that tasks have sent and the loop has not yet read.
const INBOX: usize = 256;

/// Why the dashboard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The user left.
    Quit,
    /// The terminal is gone.
    TerminalGone,
    /// The process was asked to end by this signal; whoever called ends it by that signal, now that the terminal is
    /// given back.
    Signal(i32),
}

/// Opens the dashboard on the terminal and runs it until the user leaves.
///
/// # Errors
/// When the terminal cannot be taken over.
pub async fn run(look: Look, settings: Settings, services: Services) -> io::Result<End> {
    let input = Input::open()?;
    run_on(Screen::enter()?, input, look, settings, services).await
}

/// Runs the dashboard on any display, with keys from any source.
///
/// # Errors
/// When a frame cannot be built.
pub async fn run_on(
    mut display: impl Display,
    source: impl Source,
    look: Look,
    settings: Settings,
    services: Services,
) -> io::Result<End> {
    let (outbox, inbox) = mpsc::channel(INBOX);
    let Size { width, height } = display.size();
    let server = settings.server.clone();
    let (app, effects) = App::new(Setup {
        size: (width, height),
        ..settings.setup(&look, &services)
    });
    let runtime = Runtime::start(services, server, outbox);
    let mut dashboard = Dashboard {
        app,
        look,
        source,
        runtime,
    };
    // The first frame does not wait for the store.
    dashboard.draw(&mut display)?;
    let end = match dashboard.start(effects, &mut display).await? {
        Some(end) => end,
        None => dashboard.turn(&mut display, inbox).await?,
    };
    drop(display);
    dashboard.runtime.finish().await;
    Ok(end)
}

struct Dashboard<S> {
    app: App,
    look: Look,
    source: S,
    runtime: Runtime,
}

impl<S: Source> Dashboard<S> {
    async fn turn(
        &mut self,
        display: &mut impl Display,
        mut inbox: mpsc::Receiver<Message>,
    ) -> io::Result<End> {
        let mut batch = Vec::new();
        let mut dirty = false;
        let mut frame_due = Instant::now();
        let mut clock_due: Option<Instant> = None;
        loop {
            let next_tick = clock_due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            let mut keys_came = false;
            tokio::select! {
                // Keys, then frames, then tasks: a flood of log lines delays neither.
                biased;
                arrival = self.source.next() => match arrival {
                    Arrival::Event(event) => {
                        batch.extend(keymap::translate(&event, &self.app, &self.look.keymap));
                        keys_came = true;
                    }
                    Arrival::Signal(number) => return Ok(End::Signal(number)),
                    Arrival::Closed => return Ok(End::TerminalGone),
                },
                () = sleep_until(frame_due.into()), if dirty && display.is_ready() => {}
                () = display.ready(), if dirty && !display.is_ready() => {}
                received = inbox.recv_many(&mut batch, 64) => if received == 0 {
                    return Ok(End::Quit);
                },
                () = sleep_until(next_tick.into()), if clock_due.is_some() => {}
            }
            if display.is_gone() {
                return Ok(End::TerminalGone);
            }
            let now = Instant::now();
            let ticked = clock_due.is_some_and(|due| now >= due);
            if ticked || !batch.is_empty() {
                dirty = true;
                // The state reads no clock: it is told the time before it is told what happened.
                let mut effects = self.app.update(Message::Clock(Timestamp::now()));
                for message in batch.drain(..) {
                    effects.extend(self.app.update(message));
                }
                if let Some(end) = self.start(effects, display).await? {
                    return Ok(end);
                }
            }
            clock_due = match (self.app.clock_interval(), clock_due) {
                (None, _) => None,
                (Some(_), Some(due)) if now < due => Some(due),
                (Some(interval), _) => Some(now + interval),
            };
            // Pending keys are applied first; a flood of them must not starve the screen either.
            let is_due = now >= frame_due && (!keys_came || now >= frame_due + LATEST_FRAME);
            if dirty && is_due && display.is_ready() {
                self.draw(display)?;
                dirty = false;
                frame_due = Instant::now() + FRAME;
            }
        }
    }

    fn draw(&mut self, display: &mut impl Display) -> io::Result<()> {
        display.draw(|frame| view::draw(frame, &self.app, &self.look.styles))
    }

    /// Starts the effects; those that concern the terminal are done here, one after the other.
    async fn start(
        &mut self,
        effects: Vec<Effect>,
        display: &mut impl Display,
    ) -> io::Result<Option<End>> {
        for effect in effects {
            match effect {
                Effect::Quit => return Ok(Some(End::Quit)),
                Effect::Suspend => {
                    self.runtime.step_aside().await;
                    self.hand_over(display, async || suspend::stop_until_continued().await)
                        .await?;
                    self.runtime.step_in();
                }
                Effect::OpenEditor { what, text } => {
                    let edited = self
                        .hand_over(display, async || suspend::edit(&what, &text).await)
                        .await?;
                    let message = match edited {
                        Ok(text) => Message::EditorReturned {
                            what,
                            text: Some(text),
                        },
                        Err(reason) => Message::EffectFailed {
                            effect: "open editor",
                            reason,
                        },
                    };
                    let effects = self.app.update(message);
                    // An edited text is checked and kept; it opens no second editor.
                    Box::pin(self.start(effects, display)).await?;
                }
                Effect::Copy { what, text } => {
                    let message = match display.copy(text.as_str()) {
                        Ok(()) => Message::Copied(what.into()),
                        Err(error) => Message::EffectFailed {
                            effect: "copy",
                            reason: error.to_string().into(),
                        },
                    };
                    let effects = self.app.update(message);
                    Box::pin(self.start(effects, display)).await?;
                }
                effect => self.runtime.start_effect(effect),
            }
        }
        Ok(None)
    }

    /// Gives the terminal away while `other` has it, then takes it back and draws everything anew.
    async fn hand_over<T>(
        &mut self,
        display: &mut impl Display,
        other: impl AsyncFnOnce() -> T,
    ) -> io::Result<T> {
        self.source.pause();
        display.leave();
        let outcome = other().await;
        display.reenter()?;
        self.source.resume();
        let Size { width, height } = display.size();
        let effects = self.app.update(Message::Resized {
            columns: width,
            rows: height,
        });
        for effect in effects {
            self.runtime.start_effect(effect);
        }
        display.redraw()?;
        self.draw(display)?;
        Ok(outcome)
    }
}

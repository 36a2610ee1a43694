//! Everything that comes from outside while the program runs: keys, the terminal's size, signals.

use std::io;

use crossterm::event::EventStream;
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::outside::{Arrival, Source};

/// The sources, merged.
pub(super) struct Input {
    /// `None` while somebody else has the terminal: reading on would steal an editor's keys (seen in other programs).
    events: Option<EventStream>,
    ending: Vec<(i32, Signal)>,
}

impl Input {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the signal handlers cannot be installed.
    pub(super) fn open() -> io::Result<Self> {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::quit(),
        ];
        let ending = kinds.map(|kind| signal(kind).map(|stream| (kind.as_raw_value(), stream)));
        Ok(Self {
            events: Some(EventStream::new()),
            ending: ending.into_iter().collect::<io::Result<_>>()?,
        })
    }
}

impl Source for Input {
    fn pause(&mut self) {
        self.events = None;
    }

    fn resume(&mut self) {
        self.events = Some(EventStream::new());
    }

    async fn next(&mut self) -> Arrival {
        let Self { events, ending } = self;
        let event = async {
            match events {
                Some(events) => match events.next().await {
                    Some(Ok(event)) => Arrival::Event(event),
                    Some(Err(_)) | None => Arrival::Closed,
                },
                None => std::future::pending().await,
            }
        };
        let ended = futures_util::future::select_all(ending.iter_mut().map(|(number, stream)| {
            Box::pin(async move {
                stream.recv().await;
                *number
            })
        }));
        tokio::select! {
            biased;
            (number, _, _) = ended => Arrival::Signal(number),
            arrival = event => arrival,
        }
    }
}

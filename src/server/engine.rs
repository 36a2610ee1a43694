//! What renders: the preview engine, or something faster in tests of the queue.

use crate::studio::{self, Event, Request, Video};

/// Turns a request into a video on the calling thread.
pub trait Engine: Send + Sync + 'static {
    /// Renders; `on_event` hears how far it is, and soon after `is_cancelled` says so it ends with
    /// [`studio::Error::Cancelled`].
    ///
    /// # Errors
    /// When the input is not fit for it, when it is cancelled, and when it breaks down.
    fn render(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(Event) + Send),
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Video, studio::Error>;
}

/// The preview engine of [`studio`].
#[derive(Clone, Copy, Debug, Default)]
pub struct PreviewEngine;

impl Engine for PreviewEngine {
    fn render(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(Event) + Send),
        is_cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Video, studio::Error> {
        studio::render(request, on_event, is_cancelled)
    }
}

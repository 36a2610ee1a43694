//! Everything that the loop sees of the world in front of it, so that a test can take its place.

use std::io;

use crossterm::event::Event;
use ratatui::{Frame, layout::Size};

/// What came from outside.
#[derive(Debug)]
pub enum Arrival {
    /// A key, a paste, a resize, a focus change.
    Event(Event),
    /// The process was asked to end by this signal.
    Signal(i32),
    /// The terminal is gone: no more keys will come.
    Closed,
}

/// Where keys and signals come from.
pub trait Source {
    /// Waits for what comes next. Dropping the future loses nothing.
    fn next(&mut self) -> impl Future<Output = Arrival>;

    /// Stops reading keys, for a child that reads them itself.
    fn pause(&mut self);

    /// Reads keys again.
    fn resume(&mut self);
}

/// What frames are drawn on.
pub trait Display {
    /// Its size in cells, never zero.
    fn size(&self) -> Size;

    /// Whether the last frame is out, so that a new one may be drawn.
    fn is_ready(&self) -> bool;

    /// Waits until the last frame is out.
    fn ready(&self) -> impl Future<Output = ()>;

    /// Whether it takes no more frames, for good.
    fn is_gone(&self) -> bool;

    /// Draws a frame; what did not change costs nothing.
    ///
    /// # Errors
    /// When the frame cannot be built.
    fn draw(&mut self, render: impl FnOnce(&mut Frame)) -> io::Result<()>;

    /// Puts `text` on the clipboard of the user's own terminal, as far away as that is.
    ///
    /// # Errors
    /// When the text is longer than terminals take.
    fn copy(&mut self, text: &str) -> io::Result<()>;

    /// Forgets what is on it; the next frame is drawn whole.
    ///
    /// # Errors
    /// As [`Display::draw`].
    fn redraw(&mut self) -> io::Result<()>;

    /// Gives it away for a while, once the last frame is out.
    fn leave(&mut self);

    /// Takes it again.
    ///
    /// # Errors
    /// When it is gone.
    fn reenter(&mut self) -> io::Result<()>;
}

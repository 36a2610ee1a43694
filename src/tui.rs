//! The dashboard: the terminal, the loop, the screens, and the tasks behind the effects.
//!
//! [`run`] is the only entry. Only `runtime` spawns tasks and knows tracker and store; the views read the state and
//! change nothing; the loop carries messages to [`App::update`](crate::app::App::update) and effects to the runtime.

mod event_loop;
mod input;
pub mod keymap;
pub mod outside;
mod runtime;
mod settings;
mod suspend;
mod terminal;
pub mod theme;
pub mod view;

pub use event_loop::{End, run, run_on};
pub use runtime::{ReloadServer, Services, StartPreview};
pub use settings::{Error, Look, Settings};

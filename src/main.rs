//! The `talkdeck` program: hooks, exit code.

use std::process::ExitCode;

use color_eyre::config::{HookBuilder, Theme};
use talkdeck::cli;

fn main() -> ExitCode {
    // Only the error half: the panic hook belongs to whoever holds the terminal. No colours, as the text is cleaned.
    let (_, eyre_hook) = HookBuilder::default().theme(Theme::new()).into_hooks();
    eyre_hook
        .install()
        .expect("no other error hook is there yet");
    cli::run().into()
}

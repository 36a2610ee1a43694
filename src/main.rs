//! The `talkdeck` program: hooks, arguments, exit code.

use std::process::ExitCode;

use clap::Parser;
use color_eyre::config::{HookBuilder, Theme};
use talkdeck::cli::{self, args::Args};

fn main() -> ExitCode {
    // Only the error half: the panic hook belongs to whoever holds the terminal. No colours, as the text is cleaned.
    let (_, eyre_hook) = HookBuilder::default().theme(Theme::new()).into_hooks();
    eyre_hook
        .install()
        .expect("no other error hook is there yet");
    cli::run(&Args::parse()).into()
}

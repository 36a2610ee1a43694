//! `talkdeck completions`: a shell's completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Exit, Fault, Output, args::Args};

/// Prints the script.
pub(super) fn run(shell: Shell, output: &mut Output) -> Result<Exit, Fault> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "talkdeck", &mut script);
    output.raw(&script)?;
    Ok(Exit::Done)
}

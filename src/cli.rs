//! The command line: arguments, output, exit codes, and what composes the program.
//!
//! Every subcommand lies in a file of its own and ends in an [`Exit`] or a [`Fault`]; nothing below this folder prints.

pub mod args;
mod completions;
mod endpoints;
pub mod exit;
mod inputs;
mod job_text;
mod jobs;
pub mod output;
mod text;

pub use exit::{Exit, Fault};
pub use output::Output;

use args::{Args, Command};

use crate::{catalog::Catalog, config::Config};

/// Does what `args` ask for, says on standard error what went wrong, and gives the exit code.
#[must_use]
pub fn run(args: &Args) -> Exit {
    execute(args).unwrap_or_else(|fault| fault.report())
}

fn execute(args: &Args) -> Result<Exit, Fault> {
    let mut output = Output::new(&args.global);
    let catalog = Catalog::builtin();
    let _config = Config::load(&args.global.overrides())?;
    match &args.command {
        Some(Command::Completions { shell }) => completions::run(*shell, &mut output),
        Some(Command::Endpoints { endpoint }) => {
            endpoints::run(&catalog, endpoint.as_deref(), &mut output)
        }
        _ => todo!(),
    }
}

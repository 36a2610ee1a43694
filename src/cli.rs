//! The command line: arguments, output, exit codes, and what composes the program.
//!
//! Every subcommand ends in an [`Exit`] or a [`Fault`]; nothing below this folder prints.

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

use crate::{catalog::Catalog, config::Config, store::Store};

/// Does what `args` ask for, says on standard error what went wrong, and gives the exit code.
#[must_use]
pub fn run(args: &Args) -> Exit {
    execute(args).unwrap_or_else(|fault| fault.report())
}

fn execute(args: &Args) -> Result<Exit, Fault> {
    let mut output = Output::new(&args.global);
    let catalog = Catalog::builtin();
    // These two know everything without a configuration.
    match &args.command {
        Some(Command::Completions { shell }) => return completions::run(*shell, &mut output),
        Some(Command::Endpoints { endpoint }) => {
            return endpoints::run(&catalog, endpoint.as_deref(), &mut output);
        }
        _ => {}
    }
    let config = Config::load(&args.global.overrides())?;
    config.places.create()?;
    let store = Store::open(&config.places.data)?;
    match &args.command {
        Some(Command::Jobs {
            state,
            search,
            limit,
        }) => jobs::list(&store, state, search.as_deref(), *limit, &mut output),
        Some(Command::Show { job }) => jobs::show(&store, job, &mut output),
        _ => todo!(),
    }
}

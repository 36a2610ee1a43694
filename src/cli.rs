//! The command line: arguments, output, exit codes, and what composes the program.
//!
//! Every subcommand ends in an [`Exit`] or a [`Fault`]; nothing below this folder prints. A command that is interrupted
//! lets go of its jobs in order, and tells what becomes of them; a second interrupt ends it at once.

pub mod args;
mod cancel;
mod completions;
mod confirm;
mod dashboard;
mod download;
mod endpoints;
pub mod exit;
mod first_start;
mod follow;
mod inputs;
mod job_text;
mod jobs;
mod logs;
pub mod output;
mod progress;
mod serve;
mod session;
mod submit;
mod text;
mod usage;
mod watch;
mod wishes;

pub use exit::{Exit, Fault};
pub use output::Output;

use clap::Parser;
use color_eyre::eyre::WrapErr;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use args::{Args, Command};
use session::Context;

use crate::{catalog::Catalog, config::Config};

/// Does what the command line asks for, says on standard error what went wrong, and gives the exit code.
#[must_use]
pub fn run() -> Exit {
    match Args::try_parse() {
        Ok(args) => execute(&args).unwrap_or_else(|fault| fault.report()),
        Err(error) => usage::answer(&error),
    }
}

fn execute(args: &Args) -> Result<Exit, Fault> {
    let mut output = Output::new(&args.global);
    let overrides = args.global.overrides()?;
    let catalog = Catalog::builtin();
    // These two know everything without a configuration.
    match &args.command {
        Some(Command::Completions { shell }) => return completions::run(*shell, &mut output),
        Some(Command::Endpoints { endpoint: None }) => {
            return endpoints::all(&catalog, &mut output);
        }
        _ => {}
    }
    let context = Context::new(Config::load(&overrides)?, catalog);
    if args.command.is_some()
        && let Err(error) = dashboard::look(&context.config, false)
    {
        // Told where it costs nothing, and not only once the dashboard refuses to open.
        output::notice(format!(
            "talkdeck: {error}; the dashboard does not open like this"
        ));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .wrap_err("cannot start the runtime")?;
    let result = runtime.block_on(async {
        let Some(command) = &args.command else {
            // It has the terminal, and so the signals, for itself.
            return dashboard::run(&context, output.has_color()).await;
        };
        tokio::select! {
            // The signals first: a command must not be interrupted before it listens for that.
            biased;
            fault = interrupts(&context.interrupt) => Err(fault),
            result = dispatch(&context, command, &mut output) => result,
        }
    });
    if matches!(result, Err(Fault::Interrupted)) {
        context.tell_interrupted();
    }
    // A rendering of the embedded server may still be busy on a thread; it is taken up again at the next start.
    runtime.shutdown_background();
    result
}

/// Cancels `interrupt` at the first signal, which ends the command in order; ends itself at the second.
async fn interrupts(interrupt: &CancellationToken) -> Fault {
    const KINDS: [fn() -> SignalKind; 3] = [
        SignalKind::interrupt,
        SignalKind::terminate,
        SignalKind::hangup,
    ];
    let listen = |kind: fn() -> SignalKind| signal(kind()).wrap_err("cannot listen for signals");
    let [mut interrupts, mut terminates, mut hang_ups] = match KINDS.map(listen) {
        [Ok(a), Ok(b), Ok(c)] => [a, b, c],
        [Err(error), ..] | [_, Err(error), _] | [.., Err(error)] => return error.into(),
    };
    for _ in 0..2 {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminates.recv() => {}
            _ = hang_ups.recv() => {}
        }
        interrupt.cancel();
    }
    Fault::Interrupted
}

async fn dispatch(
    context: &Context,
    command: &Command,
    output: &mut Output,
) -> Result<Exit, Fault> {
    match command {
        Command::Submit { endpoint, request } => {
            submit::submit(context, endpoint, request, output).await
        }
        Command::Resubmit { job, request } => submit::resubmit(context, job, request, output).await,
        Command::Jobs {
            state,
            search,
            limit,
        } => context.reading(|store| jobs::list(store, state, search.as_deref(), *limit, output)),
        Command::Show { job } => context.reading(|store| jobs::show(store, job, output)),
        Command::Logs { job, follow } => logs::run(context, job, *follow, output).await,
        Command::Watch { jobs } => watch::run(context, jobs, output).await,
        Command::Cancel { job } => cancel::run(context, job, output).await,
        Command::Confirm {
            job,
            request_id,
            not_sent,
        } => {
            let word = confirm::Word::of(request_id.as_deref(), *not_sent);
            confirm::run(context, job, word, output).await
        }
        Command::Download {
            job,
            output: target,
        } => download::run(context, job, target.as_deref(), output).await,
        Command::Serve { listen, scenario } => {
            serve::run(context, *listen, scenario.as_deref(), output).await
        }
        Command::Endpoints {
            endpoint: Some(endpoint),
        } => endpoints::one(context, endpoint, output).await,
        Command::Endpoints { endpoint: None } | Command::Completions { .. } => {
            unreachable!("done before there was a configuration")
        }
    }
}

//! What is said of a command line that cannot be read: one line, as of everything else that goes wrong.

use std::env;

use clap::{
    CommandFactory,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::{Exit, Fault, args::Args};

/// Prints the help or the version that was asked for, or says what is wrong with the command line.
pub(super) fn answer(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // A reader that has gone is no error.
        let _ = error.print();
        return Exit::Done;
    }
    let line = format!("{} ({} --help)", what(error), command());
    Fault::new(Exit::Usage, line).report()
}

/// The command whose help has more: as much of the command line as can be read.
fn command() -> String {
    let readable = Args::command().ignore_errors(true);
    let matches = readable.try_get_matches_from(env::args_os()).ok();
    let subcommand = matches.as_ref().and_then(|found| found.subcommand_name());
    subcommand.map_or_else(|| "talkdeck".to_owned(), |name| format!("talkdeck {name}"))
}

fn what(error: &clap::Error) -> String {
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let hint = |kind| match told(kind) {
        near if near.is_empty() => near,
        near => format!("; did you mean {}?", near.replace(", ", " or ")),
    };
    let (argument, value) = (
        told(ContextKind::InvalidArg),
        told(ContextKind::InvalidValue),
    );
    // `--limit <N>` is an option with the name of its value.
    let option = argument.split(' ').next().unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let hint = hint(ContextKind::SuggestedArg);
            format!("unexpected argument “{argument}”{hint}")
        }
        ErrorKind::InvalidSubcommand => {
            let name = told(ContextKind::InvalidSubcommand);
            let hint = hint(ContextKind::SuggestedSubcommand);
            format!("no command “{name}”{hint}")
        }
        ErrorKind::MissingRequiredArgument => format!("missing argument {argument}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("{argument} needs a value"),
        ErrorKind::InvalidValue => {
            let hint = hint(ContextKind::SuggestedValue);
            let valid = told(ContextKind::ValidValue);
            format!("{option} {value}: not one of {valid}{hint}")
        }
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string);
            format!("{option} {value}: {}", why.unwrap_or_default())
        }
        ErrorKind::ArgumentConflict => match told(ContextKind::PriorArg) {
            prior if prior == argument => format!("{option} is given twice"),
            prior => format!("{argument} does not go together with {prior}"),
        },
        // What is left is rare, and clap says it in its first line.
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            first.trim_start_matches("error: ").to_owned()
        }
    }
}

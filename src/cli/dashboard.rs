//! `talkdeck` without a subcommand: composes the dashboard.

use std::{
    env,
    io::{self, IsTerminal},
};

use super::{Exit, Fault};

/// Opens the dashboard.
pub(super) fn run() -> Result<Exit, Fault> {
    check_terminal()?;
    Ok(Exit::Done)
}

/// A dashboard in a pipe, or on a terminal that cannot move its cursor, would only spoil what is there.
fn check_terminal() -> Result<(), Fault> {
    const WAY_OUT: &str =
        "use the subcommands, such as `talkdeck submit … --json`; `talkdeck --help` lists them";
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(Fault::new(
            Exit::Usage,
            format!("the dashboard needs a terminal, and this is none; {WAY_OUT}"),
        ));
    }
    if env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        return Err(Fault::new(
            Exit::Usage,
            format!(
                "the dashboard needs a terminal that can place text, and TERM says this one cannot; {WAY_OUT}"
            ),
        ));
    }
    Ok(())
}

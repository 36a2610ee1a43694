//! How a command ends, and what is said when it ends badly.

use std::process::ExitCode;

use color_eyre::eyre::Report;

use crate::{
    config, fal,
    model::{CleanText, JobId, job::FieldError},
    server, store, tracker,
};

/// The exit codes. Their numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything that was asked for is done.
    Done = 0,
    /// A job failed, was cancelled or expired.
    JobEnded = 1,
    /// The command line or the arguments are wrong, or a warning wants `--force`.
    Usage = 2,
    /// The key is missing or refused, or the account is locked.
    Key = 3,
    /// The server cannot be reached.
    Unreachable = 4,
    /// The answer to a submit was lost: the server may or may not have the job.
    Unconfirmed = 5,
    /// It would cost more than the cap allows.
    OverCap = 6,
    /// The store cannot be used.
    Store = 7,
    /// Interrupted; what was sent goes on.
    Interrupted = 130,
}

impl Exit {
    /// Of two ends the one that a caller must know of first: 7, 3, 5, 4, 6, 2, 1.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        const ORDER: [Exit; 9] = [
            Exit::Interrupted,
            Exit::Store,
            Exit::Key,
            Exit::Unconfirmed,
            Exit::Unreachable,
            Exit::OverCap,
            Exit::Usage,
            Exit::JobEnded,
            Exit::Done,
        ];
        ORDER
            .into_iter()
            .find(|exit| *exit == self || *exit == other)
            .expect("every exit is in the order")
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends before its work is done.
#[derive(Debug)]
pub enum Fault {
    /// Something the user can do something about.
    Told {
        /// The exit code.
        exit: Exit,
        /// One line each: what, why, what to do.
        lines: Vec<CleanText>,
    },
    /// The user has interrupted it.
    Interrupted,
    /// Something that nobody thought of.
    Unexpected(Report),
}

impl Fault {
    /// A fault of one line.
    #[must_use]
    pub fn new(exit: Exit, line: impl AsRef<str>) -> Self {
        Self::Told {
            exit,
            lines: vec![CleanText::line(line.as_ref())],
        }
    }

    /// What the arguments do not fit.
    #[must_use]
    pub fn arguments(faults: &[FieldError]) -> Self {
        Self::Told {
            exit: Exit::Usage,
            lines: faults
                .iter()
                .map(|fault| CleanText::line(&fault.to_string()))
                .collect(),
        }
    }

    /// It in one line.
    #[must_use]
    pub fn line(&self) -> CleanText {
        match self {
            Self::Told { lines, .. } => {
                let lines: Vec<_> = lines.iter().map(CleanText::as_str).collect();
                lines.join("; ").into()
            }
            Self::Interrupted => "interrupted".into(),
            Self::Unexpected(report) => format!("unexpected: {report}").into(),
        }
    }

    /// Says it on standard error and gives the exit code.
    #[must_use]
    pub fn report(&self) -> Exit {
        match self {
            Self::Told { exit, lines } => {
                for line in lines {
                    eprint_line(&format!("talkdeck: {line}"));
                }
                *exit
            }
            Self::Interrupted => Exit::Interrupted,
            Self::Unexpected(report) => {
                let text = format!("talkdeck: unexpected: {report:?}");
                eprint_line(CleanText::multiline(&text).as_str());
                Exit::JobEnded
            }
        }
    }
}

/// Writes to standard error; where even that is gone there is nobody left to tell.
fn eprint_line(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}

impl From<Report> for Fault {
    fn from(report: Report) -> Self {
        Self::Unexpected(report)
    }
}

impl From<config::Error> for Fault {
    fn from(error: config::Error) -> Self {
        let exit = match error {
            config::Error::NoKey { .. } | config::Error::Key { .. } => Exit::Key,
            config::Error::Directory { .. } => Exit::Store,
            config::Error::NoHome
            | config::Error::File { .. }
            | config::Error::Invalid { .. }
            | config::Error::Address { .. } => Exit::Usage,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::new(Exit::Store, error.to_string())
    }
}

impl From<store::FindError> for Fault {
    fn from(error: store::FindError) -> Self {
        match error {
            store::FindError::Store(error) => error.into(),
            store::FindError::None { .. } => Self::new(Exit::Usage, error.to_string()),
            store::FindError::Ambiguous { text, ids } => {
                const MOST: usize = 5;
                let shown: Vec<_> = ids.iter().take(MOST).map(JobId::as_str).collect();
                let more = if ids.len() > MOST { ", …" } else { "" };
                Self::new(
                    Exit::Usage,
                    format!(
                        "“{text}” could be {}{more}; give more of the id",
                        shown.join(", ")
                    ),
                )
            }
        }
    }
}

impl From<tracker::Error> for Fault {
    fn from(error: tracker::Error) -> Self {
        let exit = match error {
            tracker::Error::Store(error) => return error.into(),
            tracker::Error::Arguments(faults) => return Self::arguments(&faults),
            tracker::Error::Fal(ref error)
            | tracker::Error::UnknownEndpoint {
                source: ref error, ..
            } => exit_of(error),
            tracker::Error::OtherAccount { .. } => Exit::Key,
            tracker::Error::AlreadyHave(ref twins) => {
                let id = twins
                    .first()
                    .map_or_else(String::new, |twin| twin.job.id.to_string());
                return Self::new(
                    Exit::Usage,
                    format!("{error}; `talkdeck show {id}` shows it, --force sends it once more"),
                );
            }
            tracker::Error::NoSuchJob(_)
            | tracker::Error::NoSuchEndpoint { .. }
            | tracker::Error::WrongState { .. } => Exit::Usage,
            tracker::Error::File { .. } => Exit::Store,
            tracker::Error::Incomplete { .. } | tracker::Error::Schema { .. } => Exit::Unreachable,
        };
        Self::new(exit, error.to_string())
    }
}

fn exit_of(error: &fal::Error) -> Exit {
    match error {
        fal::Error::Unauthorized { .. } | fal::Error::Locked { .. } | fal::Error::UnusableKey => {
            Exit::Key
        }
        fal::Error::File { .. } => Exit::Usage,
        fal::Error::NotFound { .. } | fal::Error::Gone { .. } | fal::Error::Refused { .. } => {
            Exit::JobEnded
        }
        _ => Exit::Unreachable,
    }
}

impl From<server::Error> for Fault {
    fn from(error: server::Error) -> Self {
        let exit = match error {
            server::Error::InUse { .. }
            | server::Error::Listen { .. }
            | server::Error::Scenario { .. } => Exit::Usage,
            server::Error::Unanswered { .. } => Exit::Unreachable,
            server::Error::Disk { .. } => Exit::Store,
        };
        Self::new(exit, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_ends_the_most_urgent_is_told() {
        let cases = [
            (Exit::Done, Exit::JobEnded, Exit::JobEnded),
            (Exit::JobEnded, Exit::Usage, Exit::Usage),
            (Exit::Usage, Exit::OverCap, Exit::OverCap),
            (Exit::Unreachable, Exit::OverCap, Exit::Unreachable),
            (Exit::Unreachable, Exit::Unconfirmed, Exit::Unconfirmed),
            (Exit::Key, Exit::Unconfirmed, Exit::Key),
            (Exit::Key, Exit::Store, Exit::Store),
        ];
        for (a, b, want) in cases {
            assert_eq!(a.and(b), want);
            assert_eq!(b.and(a), want);
        }
    }
}

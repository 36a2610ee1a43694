//! Why the server does not start.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why the server does not start; every message is one line, fit to show.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process serves from the same folder.
    #[error(
        "another talkdeck already serves from {}; use its server, or another data directory",
        dir.display()
    )]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// Another process holds the folder, but nothing answers at the address it left there.
    #[error(
        "another talkdeck holds {}, but its server does not answer; end it and try again",
        dir.display()
    )]
    Unanswered {
        /// The folder.
        dir: PathBuf,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {listen}: {source}; choose another address or port")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The scenario cannot be read.
    #[error("{}: {reason}", path.display())]
    Scenario {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// A file or folder of the server's cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Disk {
        /// `read`, `write`, `create` or `lock`.
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// Makes an [`io::Error`] say what was tried with which path.
    pub(super) fn disk(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Disk {
            action,
            path,
            source,
        }
    }
}

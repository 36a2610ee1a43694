//! What can be wrong with a configuration.

use std::{io, path::PathBuf};

use crate::model::CleanText;

/// The configuration cannot be used. Each prints as one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing says where this user's files live.
    #[error("no home directory: HOME is not set; set it or give --data-dir DIR")]
    NoHome,
    /// The configuration file cannot be read.
    #[error("{}: {source}; --config FILE names another one", shown(path))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The configuration file holds what it may not hold.
    #[error("{} line {line}: {reason}", shown(path))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        reason: CleanText,
    },
    /// An address is no origin that a key could be sent to.
    #[error("{option} {given}: {reason}")]
    Address {
        /// Where it was given.
        option: &'static str,
        /// What was given.
        given: CleanText,
        /// What is wrong, and what it should be.
        reason: &'static str,
    },
    /// A server away from this machine was asked for without a key.
    #[error(
        "no key for {server}: set FAL_KEY, or key_file or key_command in {}",
        shown(config_file)
    )]
    NoKey {
        /// The server.
        server: CleanText,
        /// Where a key can be configured.
        config_file: PathBuf,
    },
    /// The place of the key cannot give it, or what it gives is no key.
    #[error("the key from {place}: {reason}")]
    Key {
        /// Where it was looked for.
        place: CleanText,
        /// What is wrong, and what to do; never a part of the key.
        reason: CleanText,
    },
    /// A directory of ours cannot be made.
    #[error(
        "cannot make the directory {}: {source}; --data-dir DIR names another place",
        shown(path)
    )]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A path as a message may show it.
fn shown(path: &std::path::Path) -> CleanText {
    CleanText::line(&path.to_string_lossy())
}

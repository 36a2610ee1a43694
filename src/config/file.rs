//! The configuration file.

use super::Confirm;
use std::{collections::BTreeMap, fs, io, path::Path};

use serde::Deserialize;

use super::Error;
use crate::model::CleanText;

/// `config.toml` as it is written; see the table in [`super`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Contents {
    pub(super) theme: String,
    pub(super) key_command: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) submit: Submit,
    pub(super) hosts: Hosts,
}

impl Default for Contents {
    fn default() -> Self {
        Self {
            theme: "auto".to_owned(),
            key_command: None,
            key_file: None,
            keys: BTreeMap::new(),
            submit: Submit::default(),
            hosts: Hosts::default(),
        }
    }
}

/// `[submit]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Submit {
    pub(super) confirm: Confirm,
}

/// `[hosts]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Hosts {
    pub(super) queue: Option<String>,
    pub(super) rest: Option<String>,
    pub(super) platform: Option<String>,
    pub(super) openapi: Option<String>,
}

/// Reads `path`; one that is missing is empty unless it `must_exist`.
pub(super) fn read(path: &Path, must_exist: bool) -> Result<Contents, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => String::new(),
        Err(source) => {
            return Err(Error::File {
                path: path.to_owned(),
                source,
            });
        }
    };
    toml::from_str(&text).map_err(|error| Error::Invalid {
        path: path.to_owned(),
        line: 1 + error
            .span()
            .and_then(|span| text.get(..span.start))
            .map_or(0, |before| before.matches('\n').count()),
        reason: CleanText::line(error.message()),
    })
}

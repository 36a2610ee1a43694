//! The configuration file.

use super::Confirm;
use std::{collections::BTreeMap, fs, io, path::Path};

use serde::Deserialize;

use super::Error;
use crate::model::{Budget, CleanText, Usd};

/// `config.toml` as it is written; see the table in [`super`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Contents {
    pub(super) theme: String,
    pub(super) key_command: Option<String>,
    pub(super) key_file: Option<String>,
    pub(super) keys: BTreeMap<String, String>,
    pub(super) submit: Submit,
    pub(super) budget: Caps,
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
            budget: Caps::default(),
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

/// `[budget]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Caps {
    session_usd: Option<Dollars>,
    day_usd: Option<Dollars>,
}

impl From<&Caps> for Budget {
    fn from(caps: &Caps) -> Self {
        let usd = |cap: &Option<Dollars>| cap.as_ref().map(|cap| cap.0);
        Self {
            session: usd(&caps.session_usd),
            day: usd(&caps.day_usd),
        }
    }
}

/// An amount that can be a cap: one that is no number would let everything through.
#[derive(Debug, Deserialize)]
#[serde(try_from = "f64")]
struct Dollars(Usd);

impl TryFrom<f64> for Dollars {
    type Error = String;

    fn try_from(dollars: f64) -> Result<Self, String> {
        if dollars.is_finite() && dollars >= 0.0 {
            Ok(Self(Usd::from_dollars(dollars)))
        } else {
            Err(format!("{dollars} is no amount of dollars from 0 up"))
        }
    }
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

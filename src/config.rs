//! Configuration: the file, the environment, the directories and the key, read once and passed down as values.
//!
//! `config.toml`, all of it (`*` marks the default):
//!
//! | key | value |
//! |---|---|
//! | `theme` | name of a theme, built in or `themes/<name>.toml` beside the file; `"auto"`* takes what the terminal can |
//! | `key_file` | file that holds the fal key and that only its owner can read; `~/` is the home directory |
//! | `key_command` | command line whose output is the fal key, run by `sh` |
//! | `[keys]` | `action = "key"` rebinds an action of the dashboard |
//! | `[submit] confirm` | when `^S` asks first: `"always"`, `"paid"`* or `"never"` |
//! | `[budget] session_usd`, `day_usd` | the most that one process, and one day, may spend by the estimates |
//! | `[hosts] queue`, `rest`, `platform`, `openapi` | another origin for that part of fal |
//!
//! Anything else in it is refused with its name and line.

mod error;
mod file;
mod key;
mod places;
mod server_choice;

pub use crate::model::request::Confirm;
pub use error::Error;
pub use key::Environment;
pub use places::{Places, expand_home};
pub use server_choice::{ServerChoice, origin};

use std::path::PathBuf;

use url::Url;

use crate::model::{Budget, Secret};
use key::KeySource;
use server_choice::HostOverrides;

/// What the command line and `TALKDECK_…` variables say before the file is looked at.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--data-dir`: data, state and cache live under it.
    pub data_dir: Option<PathBuf>,
    /// `--config`: another file; it must exist.
    pub config: Option<PathBuf>,
    /// `--server`: one origin for everything, as [`origin`] reads it.
    pub server: Option<Url>,
    /// `--local`: the embedded server, although a key is there.
    pub local: bool,
}

/// Everything that is configured.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where things live.
    pub places: Places,
    /// The theme's name.
    pub theme: String,
    /// When the dashboard asks before it sends.
    pub confirm: Confirm,
    /// What may be spent.
    pub budget: Budget,
    /// Rebound keys: action and key, as written.
    pub keys: Vec<(String, String)>,
    key_source: KeySource,
    hosts: HostOverrides,
    server: Option<Url>,
    local: bool,
}

impl Config {
    /// Reads the file and the environment. No directory is made and the key is not looked up yet.
    ///
    /// # Errors
    /// When there is no home directory, the file cannot be read or holds something unknown, or an address is unfit.
    pub fn load(overrides: &Overrides) -> Result<Self, Error> {
        Self::load_from(overrides, Environment::of_process())
    }

    /// As [`Config::load`], with another environment.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load_from(overrides: &Overrides, environment: Environment) -> Result<Self, Error> {
        let places = Places::find(overrides.data_dir.as_deref(), overrides.config.as_deref())?;
        let file = file::read(&places.config_file, overrides.config.is_some())?;
        Ok(Self {
            theme: file.theme,
            confirm: file.submit.confirm,
            budget: Budget::from(&file.budget),
            keys: file.keys.into_iter().collect(),
            hosts: HostOverrides::read(&file.hosts)?,
            key_source: KeySource::new(
                environment,
                file.key_command,
                file.key_file,
                &places.config_dir,
            ),
            places,
            server: overrides.server.clone(),
            local: overrides.local,
        })
    }

    /// The key, from the first place that has one: `FAL_KEY`, `FAL_KEY_ID` with `FAL_KEY_SECRET`, `key_command`, `key_file`.
    ///
    /// It may run `key_command`, which may ask its user for a passphrase.
    ///
    /// # Errors
    /// When the place that should have it cannot be read, is open to others, or holds what cannot be a key.
    pub fn key(&self) -> Result<Option<Secret>, Error> {
        self.key_source.find()
    }

    /// The same configuration, in which the key is looked up anew: it may have been replaced meanwhile.
    #[must_use]
    pub fn with_key_afresh(&self) -> Self {
        Self {
            key_source: self.key_source.afresh(),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::model::Usd;

    pub(super) fn load(
        dir: &Path,
        text: &str,
        variables: &[(&str, &str)],
    ) -> Result<Config, Error> {
        load_with(dir, text, variables, Overrides::default())
    }

    pub(super) fn load_with(
        dir: &Path,
        text: &str,
        variables: &[(&str, &str)],
        overrides: Overrides,
    ) -> Result<Config, Error> {
        let file = dir.join("config.toml");
        fs::write(&file, text).unwrap();
        let overrides = Overrides {
            data_dir: Some(dir.join("data")),
            config: Some(file),
            ..overrides
        };
        Config::load_from(&overrides, Environment::of(variables))
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let config = load(dir.path(), "", &[]).unwrap();
        assert_eq!(config.theme, "auto");
        assert_eq!(config.confirm, Confirm::Paid);
        assert_eq!(config.keys, []);
        assert_eq!(config.key().unwrap(), None);
    }

    #[test]
    fn every_documented_key_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let text = r#"
            theme = "night"
            key_command = "echo id:secret"
            key_file = "~/key"
            [keys]
            submit = "ctrl-x"
            [submit]
            confirm = "never"
            [budget]
            session_usd = 2.5
            day_usd = 10

            [hosts]
            queue = "https://queue.example.org"
        "#;
        let config = load(dir.path(), text, &[]).unwrap();
        assert_eq!(config.budget.session, Some(Usd::from_dollars(2.5)));
        assert_eq!(config.budget.day, Some(Usd::from_dollars(10.0)));
        assert_eq!(config.theme, "night");
        assert_eq!(config.confirm, Confirm::Never);
        assert_eq!(config.keys, [("submit".to_owned(), "ctrl-x".to_owned())]);
        assert_eq!(config.key().unwrap().unwrap().expose(), "id:secret");
    }

    #[test]
    fn a_key_that_was_replaced_is_seen_when_it_is_looked_up_afresh() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let text = format!("key_command = 'cat {}'", path.display());
        let config = load(dir.path(), &text, &[]).unwrap();
        let key = |config: &Config| config.key().unwrap().unwrap().expose().to_owned();
        fs::write(&path, "old:key").unwrap();
        assert_eq!(key(&config), "old:key");
        fs::write(&path, "new:key").unwrap();
        assert_eq!(key(&config), "old:key", "the command is run once");
        assert_eq!(key(&config.with_key_afresh()), "new:key");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let said = |text: &str| load(dir.path(), text, &[]).unwrap_err().to_string();
        let line = said("theme = \"x\"\n\n[wallet]\nday_usd = 10\n");
        assert!(line.contains("line 3") && line.contains("wallet"), "{line}");
        for cap in ["-1", "nan", "inf", "\"10\""] {
            let line = said(&format!("[budget]\nday_usd = {cap}\n"));
            assert!(line.contains("line 2"), "{cap}: {line}");
        }
        let line = said("[submit]\nconfirm = \"sometimes\"\n");
        assert!(
            line.contains("line 2") && line.contains("sometimes"),
            "{line}"
        );
        let line = said("theme = \n");
        assert!(line.contains("line 1"), "{line}");
        let line = said("\"th\\u001b[31m\" = 1");
        assert!(
            !line.contains('\u{1b}') && line.contains("line 1"),
            "{line:?}"
        );
        assert!(!line.contains('\n'));
    }

    #[test]
    fn a_missing_file_means_defaults_unless_it_was_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing.toml");
        let overrides = Overrides {
            data_dir: Some(dir.path().to_owned()),
            config: Some(missing),
            ..Overrides::default()
        };
        let error = Config::load_from(&overrides, Environment::of(&[])).unwrap_err();
        assert!(error.to_string().contains("missing.toml"), "{error}");
    }
}

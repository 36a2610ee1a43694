//! Where things live.

use std::{
    env, fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use directories::ProjectDirs;

use super::Error;

/// The directories of this user, as the platform names them (XDG on Linux).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// `config.toml`.
    pub config_file: PathBuf,
    /// Where the file is; themes lie below it.
    pub config_dir: PathBuf,
    /// Jobs, results, the sample portrait.
    pub data: PathBuf,
    /// What this machine remembers between runs, such as log files.
    pub state: PathBuf,
    /// What can be fetched or made again.
    pub cache: PathBuf,
}

impl Places {
    /// Finds the places; `data_dir` takes data, with state and cache below it, and `config` the file.
    ///
    /// Without a home directory the file is looked for in `data_dir`.
    ///
    /// # Errors
    /// When there is neither a home directory nor a `data_dir`, or a relative path has no directory to start from.
    pub fn find(data_dir: Option<&Path>, config: Option<&Path>) -> Result<Self, Error> {
        let absolute = |path: &Path| std::path::absolute(path).map_err(|_| Error::NoHome);
        let project = ProjectDirs::from("", "", "talkdeck");
        let (data, state, cache) = match (data_dir, &project) {
            (Some(dir), _) => {
                let dir = absolute(dir)?;
                (dir.clone(), dir.join("state"), dir.join("cache"))
            }
            (None, Some(project)) => {
                let data = project.data_dir().to_owned();
                let state = project
                    .state_dir()
                    .map_or_else(|| data.join("state"), Path::to_owned);
                (data, state, project.cache_dir().to_owned())
            }
            (None, None) => return Err(Error::NoHome),
        };
        let config_file = match (config, &project) {
            (Some(file), _) => absolute(file)?,
            (None, Some(project)) => project.config_dir().join("config.toml"),
            (None, None) => data.join("config.toml"),
        };
        let config_dir = config_file
            .parent()
            .map_or_else(|| data.clone(), Path::to_owned);
        Ok(Self {
            config_file,
            config_dir,
            data,
            state,
            cache,
        })
    }

    /// Makes the directories that are missing, readable by their owner alone from the first moment.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn create(&self) -> Result<(), Error> {
        for path in [&self.data, &self.state, &self.cache] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| Error::Directory {
                    path: path.clone(),
                    source,
                })?;
        }
        Ok(())
    }

    /// Where results are saved.
    #[must_use]
    pub fn results(&self) -> PathBuf {
        self.data.join("results")
    }

    /// Where the embedded server keeps its own files.
    #[must_use]
    pub fn server(&self) -> PathBuf {
        self.data.join("server")
    }

    /// Where `talkdeck serve` keeps its files, apart from the embedded server's: it takes other keys.
    #[must_use]
    pub fn serve(&self) -> PathBuf {
        self.data.join("serve")
    }

    /// The portrait that the first draft names.
    #[must_use]
    pub fn sample_portrait(&self) -> PathBuf {
        self.data.join("sample-portrait.png")
    }
}

/// `path` with a leading `~/` turned into this user's home directory.
#[must_use]
pub fn expand_home(path: &str) -> PathBuf {
    let home = env::var_os("HOME").filter(|home| !home.is_empty());
    match (path.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_data_dir_takes_data_state_and_cache_but_not_the_config() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("deep/data");
        let places = Places::find(Some(&here), None).unwrap();
        assert_eq!(places.data, here);
        assert!(places.state.starts_with(&here) && places.cache.starts_with(&here));
        assert!(!places.config_file.starts_with(&here));
    }

    #[test]
    fn directories_are_made_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::find(Some(&dir.path().join("a/b")), None).unwrap();
        places.create().unwrap();
        places.create().unwrap();
        for path in [&places.data, &places.state, &places.cache] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}

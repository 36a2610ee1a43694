//! The fal key: where it may come from, and what it may look like.

use std::{
    collections::BTreeMap,
    env, fs,
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, OnceLock, mpsc},
    thread,
    time::Duration,
};

use super::{Error, expand_home};
use crate::model::{CleanText, Secret, secret::KEY_VARIABLES};

/// Time for `key_command`, passphrase included.
const COMMAND_TIME: Duration = Duration::from_mins(1);

/// No key is longer; a command or file that gives more is the wrong one.
const LONGEST: u64 = 4096;

/// The environment variables that configure the key.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, Secret>);

impl Environment {
    /// This process's.
    #[must_use]
    pub fn of_process() -> Self {
        let value = |name: &str| {
            let value = env::var_os(name)?;
            Some((name.to_owned(), Secret::new(value.to_string_lossy())))
        };
        Self(KEY_VARIABLES.into_iter().filter_map(value).collect())
    }

    /// One with exactly these variables.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let pair = |&(name, value): &(&str, &str)| (name.to_owned(), Secret::new(value));
        Self(variables.iter().map(pair).collect())
    }

    /// The trimmed value; one that is set but blank counts as not set.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.expose().trim();
        (!value.is_empty()).then_some(value)
    }
}

/// All places of the key.
#[derive(Clone, Debug)]
pub(super) struct KeySource {
    environment: Environment,
    command: Option<String>,
    file: Option<PathBuf>,
    /// Whether a command may ask its questions on the terminal: not while a dashboard has it.
    has_terminal: bool,
    /// What was found, so that a command is run, and asks its questions, once.
    found: Arc<OnceLock<Option<Secret>>>,
}

impl KeySource {
    /// A relative `file` is taken from `config_dir`.
    pub(super) fn new(
        environment: Environment,
        command: Option<String>,
        file: Option<String>,
        config_dir: &Path,
    ) -> Self {
        let file = file.map(|path| config_dir.join(expand_home(&path)));
        Self {
            environment,
            command,
            file,
            found: Arc::default(),
            has_terminal: true,
        }
    }

    /// The key; it is looked for until one place has answered without an error.
    pub(super) fn find(&self) -> Result<Option<Secret>, Error> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        let found = self.look()?;
        Ok(self.found.get_or_init(|| found).clone())
    }

    /// The same source, looked at anew.
    pub(super) fn afresh(&self) -> Self {
        Self {
            found: Arc::default(),
            has_terminal: false,
            ..self.clone()
        }
    }

    fn look(&self) -> Result<Option<Secret>, Error> {
        let of = |name| self.environment.get(name);
        if let Some(key) = of("FAL_KEY") {
            return well_formed(key, "FAL_KEY").map(Some);
        }
        match (of("FAL_KEY_ID"), of("FAL_KEY_SECRET")) {
            (Some(id), Some(secret)) => {
                return well_formed(&format!("{id}:{secret}"), "FAL_KEY_ID and FAL_KEY_SECRET")
                    .map(Some);
            }
            (Some(_), None) => {
                return Err(fault(
                    "FAL_KEY_ID",
                    "FAL_KEY_SECRET is missing; set both, or FAL_KEY alone",
                ));
            }
            (None, Some(_)) => {
                return Err(fault(
                    "FAL_KEY_SECRET",
                    "FAL_KEY_ID is missing; set both, or FAL_KEY alone",
                ));
            }
            (None, None) => {}
        }
        if let Some(command) = &self.command {
            return well_formed(&output_of(command, self.has_terminal)?, "key_command").map(Some);
        }
        if let Some(file) = &self.file {
            return well_formed(&contents_of(file)?, "key_file").map(Some);
        }
        Ok(None)
    }
}

fn fault(place: &str, reason: &str) -> Error {
    Error::Key {
        place: CleanText::line(place),
        reason: CleanText::line(reason),
    }
}

/// The key without white space around it and without a pasted `Key ` before it.
fn well_formed(raw: &str, place: &str) -> Result<Secret, Error> {
    let key = raw.trim();
    let key = match key.strip_prefix("Key") {
        Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => rest.trim_start(),
        _ => key,
    };
    if key.is_empty() {
        return Err(fault(place, "it is empty; fal shows keys as id:secret"));
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fault(
            place,
            "it holds characters that no key has; copy it again, as id:secret on one line",
        ));
    }
    Ok(Secret::new(key))
}

/// What `command` writes; its errors and questions stay on the terminal.
fn output_of(command: &str, has_terminal: bool) -> Result<String, Error> {
    let broken = |reason: &str| fault("key_command", reason);
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).stdout(Stdio::piped());
    if !has_terminal {
        shell.stdin(Stdio::null()).stderr(Stdio::null());
    }
    for name in KEY_VARIABLES {
        shell.env_remove(name);
    }
    let mut child = shell
        .spawn()
        .map_err(|error| broken(&format!("cannot start sh: {error}")))?;
    let output = child.stdout.take().expect("it was asked for");
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = output.take(LONGEST + 1).read_to_end(&mut text);
        // Nobody listens any more when the time is over.
        let _ = sender.send(read.map(|_| text));
    });
    let read = receiver.recv_timeout(COMMAND_TIME);
    if read.is_err() {
        // It may have just ended by itself.
        let _ = child.kill();
    }
    let status = child
        .wait()
        .map_err(|error| broken(&format!("lost the command: {error}")))?;
    let bytes = match read {
        Err(_) => return Err(broken("it gave nothing for a minute and was stopped")),
        Ok(Err(error)) => return Err(broken(&format!("cannot read its output: {error}"))),
        Ok(Ok(bytes)) => bytes,
    };
    if !status.success() {
        return Err(broken(&format!(
            "it failed ({status}); run it by hand to see why"
        )));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text of a key file, which nobody else may be able to read.
fn contents_of(path: &Path) -> Result<String, Error> {
    let place = format!("key_file {}", path.display());
    let unreadable = |error: std::io::Error| fault(&place, &error.to_string());
    let mut file = fs::File::open(path).map_err(unreadable)?;
    // Of the opened file, not of the path: it may be replaced in between.
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(fault(&place, "it is not a plain file"));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(fault(
            &place,
            "other users can open it; make it yours alone with chmod 600, and think of a new key",
        ));
    }
    let mut text = Vec::new();
    std::io::Read::by_ref(&mut file)
        .take(LONGEST + 1)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::load;

    fn found(text: &str, variables: &[(&str, &str)]) -> Result<Option<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        load(dir.path(), text, variables)
            .unwrap()
            .key()
            .map(|key| key.map(|key| key.expose().to_owned()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_comes_before_the_file_and_fal_key_before_its_halves() {
        let configured = "key_command = 'echo c:c'\nkey_file = 'nowhere'";
        let halves = [("FAL_KEY_ID", "i"), ("FAL_KEY_SECRET", "s")];
        let whole = [halves[0], halves[1], ("FAL_KEY", "a:b")];
        assert_eq!(found(configured, &whole), Ok(Some("a:b".into())));
        assert_eq!(found(configured, &halves), Ok(Some("i:s".into())));
        assert_eq!(found(configured, &[]), Ok(Some("c:c".into())));
        assert_eq!(found("", &[("FAL_KEY", " \n")]), Ok(None), "blank is unset");
    }

    #[test]
    fn half_a_key_is_refused() {
        let said = found("", &[("FAL_KEY_ID", "i")]).unwrap_err();
        assert!(said.contains("FAL_KEY_SECRET is missing"), "{said}");
    }

    #[test]
    fn a_key_is_trimmed_and_freed_of_its_header_word() {
        for raw in ["a:b", " a:b\n", "Key a:b", "Key  a:b \r\n"] {
            assert_eq!(
                found("", &[("FAL_KEY", raw)]),
                Ok(Some("a:b".into())),
                "{raw:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_without_being_shown() {
        for raw in ["a:bé", "a:b\nX-Evil: 1", "a b:c", "a:\u{1b}[31m", "Key "] {
            let said = found("", &[("FAL_KEY", raw)]).unwrap_err();
            assert!(!said.contains("a:") && !said.contains("Evil"), "{said}");
        }
    }

    #[test]
    fn a_key_file_is_read_only_when_it_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        fs::write(&file, "Key f:g\n").unwrap();
        let of = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            load(dir.path(), "key_file = 'key'", &[]).unwrap().key()
        };
        assert_eq!(of(0o600).unwrap().unwrap().expose(), "f:g");
        for mode in [0o640, 0o604, 0o644] {
            let said = of(mode).unwrap_err().to_string();
            assert!(
                said.contains("chmod 600") && !said.contains("f:g"),
                "{said}"
            );
        }
    }

    #[test]
    fn a_key_command_that_fails_says_so() {
        let said = found("key_command = 'echo a:b; exit 3'", &[]).unwrap_err();
        assert!(said.contains("key_command") && said.contains('3'), "{said}");
        assert!(
            found("key_command = 'true'", &[])
                .unwrap_err()
                .contains("empty")
        );
    }

    #[test]
    fn a_key_command_is_run_once() {
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count");
        let text = format!("key_command = 'echo x >> {}; echo a:b'", count.display());
        let config = load(dir.path(), &text, &[]).unwrap();
        for _ in 0..3 {
            assert_eq!(config.clone().key().unwrap().unwrap().expose(), "a:b");
        }
        assert_eq!(fs::read_to_string(count).unwrap(), "x\n");
    }

    #[test]
    fn a_printed_configuration_holds_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let config = load(dir.path(), "", &[("FAL_KEY", "visible:never")]).unwrap();
        assert!(!format!("{config:?}").contains("never"));
    }
}

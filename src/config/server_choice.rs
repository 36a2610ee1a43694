//! Which server gets the requests, and the key that goes with it.

use url::Url;

use super::{Config, Error, file};
use crate::model::{
    CleanText, Secret, Server, ServerId,
    server::{Hosts, is_loopback},
};

/// What a server on this machine is sent where no key is configured: it need not be secret, only well-formed.
const LOCAL_KEY: &str = "talkdeck:local";

/// Where new requests go.
#[derive(Clone, Debug)]
pub enum ServerChoice {
    /// fal.ai, or the hosts that the configuration names instead.
    Fal(Server),
    /// The origin of `--server`.
    At(Server),
    /// The embedded server, which the caller starts.
    Preview,
}

/// `[hosts]`, read.
#[derive(Clone, Debug, Default)]
pub(super) struct HostOverrides {
    queue: Option<Url>,
    rest: Option<Url>,
    platform: Option<Url>,
    openapi: Option<Url>,
}

impl HostOverrides {
    pub(super) fn read(hosts: &file::Hosts) -> Result<Self, Error> {
        let read = |given: &Option<String>, option| {
            given
                .as_deref()
                .map(|given| origin(given, option))
                .transpose()
        };
        Ok(Self {
            queue: read(&hosts.queue, "[hosts] queue")?,
            rest: read(&hosts.rest, "[hosts] rest")?,
            platform: read(&hosts.platform, "[hosts] platform")?,
            openapi: read(&hosts.openapi, "[hosts] openapi")?,
        })
    }

    fn hosts(&self) -> Hosts {
        let fal = Hosts::fal();
        let or = |given: &Option<Url>, usual: Url| given.clone().unwrap_or(usual);
        Hosts {
            queue: or(&self.queue, fal.queue),
            rest: or(&self.rest, fal.rest),
            platform: or(&self.platform, fal.platform),
            openapi: or(&self.openapi, fal.openapi),
        }
    }

    /// Jobs belong to the queue that has them.
    fn id(&self) -> ServerId {
        self.queue
            .as_ref()
            .map_or_else(ServerId::fal, ServerId::of_origin)
    }
}

/// Reads an origin that a key may be sent to: https, or http on this machine. `option` is where it was given.
///
/// # Errors
/// When it is anything else.
pub fn origin(given: &str, option: &'static str) -> Result<Url, Error> {
    let refuse = |reason| {
        // What stands before an @ may be a password.
        let shown = given.rsplit_once('@').map_or(given, |(_, host)| host);
        Error::Address {
            option,
            given: CleanText::line(shown),
            reason,
        }
    };
    let url = Url::parse(given.trim())
        .map_err(|_| refuse("no address; write it as https://host or http://127.0.0.1:PORT"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(refuse(
                "http is for this machine only, since the key travels with it; use https",
            ));
        }
        _ => return Err(refuse("write it as https://host or http://127.0.0.1:PORT")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "a user name has no place in it; the key comes from FAL_KEY",
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(
            "give scheme, host and port only; the paths are as at fal",
        ));
    }
    Ok(url)
}

impl Config {
    /// Where new requests go: `--local`, else `--server`, else fal where a key is there, else the embedded server.
    ///
    /// # Errors
    /// When the key cannot be had, or `--server` is away from this machine and there is none.
    pub fn choose_server(&self) -> Result<ServerChoice, Error> {
        if self.local {
            return Ok(ServerChoice::Preview);
        }
        if let Some(url) = &self.server {
            return self.at(url).map(ServerChoice::At);
        }
        Ok(match self.key()? {
            Some(key) => ServerChoice::Fal(Server {
                id: self.hosts.id(),
                hosts: self.hosts.hosts(),
                key,
            }),
            None => ServerChoice::Preview,
        })
    }

    /// The server that stored jobs name, as it is to be called today; `None` for the embedded one.
    ///
    /// # Errors
    /// When its key cannot be had, or its name is no address.
    pub fn server_of(&self, id: &ServerId) -> Result<Option<Server>, Error> {
        if id.is_preview() {
            return Ok(None);
        }
        if *id == self.hosts.id() || *id == ServerId::fal() {
            let hosts = if *id == self.hosts.id() {
                self.hosts.hosts()
            } else {
                Hosts::fal()
            };
            let key = self.key()?.ok_or_else(|| self.no_key(id.as_str()))?;
            let id = id.clone();
            return Ok(Some(Server { id, hosts, key }));
        }
        self.at(&origin(id.as_str(), "the job's server")?).map(Some)
    }

    fn at(&self, url: &Url) -> Result<Server, Error> {
        let key = match self.key()? {
            Some(key) => key,
            None if is_loopback(url) => Secret::new(LOCAL_KEY),
            None => return Err(self.no_key(url.as_str())),
        };
        Ok(Server {
            id: ServerId::of_origin(url),
            hosts: Hosts::at(url),
            key,
        })
    }

    fn no_key(&self, server: &str) -> Error {
        Error::NoKey {
            server: CleanText::line(server),
            config_file: self.places.config_file.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{
        Overrides,
        tests::{load, load_with},
    };

    const KEY: [(&str, &str); 1] = [("FAL_KEY", "a:b")];

    fn choose(
        text: &str,
        variables: &[(&str, &str)],
        server: Option<&str>,
        local: bool,
    ) -> Result<ServerChoice, Error> {
        let dir = tempfile::tempdir().unwrap();
        let server = server.map(|given| origin(given, "--server")).transpose()?;
        let overrides = Overrides {
            server,
            local,
            ..Overrides::default()
        };
        load_with(dir.path(), text, variables, overrides)?.choose_server()
    }

    #[test]
    fn a_key_means_fal_and_none_means_the_preview() {
        assert!(matches!(
            choose("", &[], None, false),
            Ok(ServerChoice::Preview)
        ));
        assert!(matches!(
            choose("", &KEY, None, true),
            Ok(ServerChoice::Preview)
        ));
        let Ok(ServerChoice::Fal(server)) = choose("", &KEY, None, false) else {
            panic!("fal")
        };
        assert_eq!((server.id, server.hosts), (ServerId::fal(), Hosts::fal()));
    }

    #[test]
    fn one_origin_takes_everything_and_needs_a_key_away_from_this_machine() {
        let url = "http://127.0.0.1:4100";
        let Ok(ServerChoice::At(server)) = choose("", &[], Some(url), false) else {
            panic!("at")
        };
        assert_eq!(server.id.as_str(), url);
        assert_eq!(server.key.expose(), LOCAL_KEY);
        assert!(matches!(
            choose("", &[], Some("https://fal.example.org"), false),
            Err(Error::NoKey { .. })
        ));
    }

    #[test]
    fn an_address_that_would_leak_the_key_is_refused() {
        for given in [
            "http://fal.example.org",
            "ftp://127.0.0.1",
            "fal.example.org",
            "https://me:pass@fal.example.org",
            "https://fal.example.org/v1",
            "",
        ] {
            let error = choose("", &KEY, Some(given), false).unwrap_err();
            assert!(matches!(error, Error::Address { .. }), "{given}: {error}");
            assert!(!error.to_string().contains("pass@"), "{error}");
        }
    }

    #[test]
    fn each_host_can_be_set_apart() {
        let text = "[hosts]\nqueue = 'https://queue.example.org'";
        let Ok(ServerChoice::Fal(server)) = choose(text, &KEY, None, false) else {
            panic!("fal")
        };
        assert_eq!(server.id.as_str(), "https://queue.example.org");
        assert_eq!(server.hosts.rest, Hosts::fal().rest);
    }

    #[test]
    fn a_stored_job_finds_its_server_again() {
        let dir = tempfile::tempdir().unwrap();
        let config = load(dir.path(), "", &[]).unwrap();
        assert!(config.server_of(&ServerId::preview()).unwrap().is_none());
        assert!(matches!(
            config.server_of(&ServerId::fal()),
            Err(Error::NoKey { .. })
        ));
        let id = ServerId::from_stored("http://127.0.0.1:9".into());
        assert_eq!(config.server_of(&id).unwrap().unwrap().id, id);
        let hostile = ServerId::from_stored("http://evil.test".into());
        assert!(config.server_of(&hostile).is_err());
    }
}

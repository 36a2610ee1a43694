//! A fal-compatible server and the key that belongs to it.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::Secret;

/// A server that keeps its name when its address changes: `fal.ai`, `preview`, or the origin of another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ServerId(String);

impl ServerId {
    /// fal.ai itself.
    #[must_use]
    pub fn fal() -> Self {
        Self("fal.ai".to_owned())
    }

    /// The server embedded in this program, with the preview engine behind it.
    #[must_use]
    pub fn preview() -> Self {
        Self("preview".to_owned())
    }

    /// Any other server, named by its origin.
    #[must_use]
    pub fn of_origin(url: &Url) -> Self {
        Self(url.origin().ascii_serialization())
    }

    /// Reads an id back from the store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its jobs cost nothing and count for no cap.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        self.0 == "preview"
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Tells keys apart without giving one away: the first 8 bytes of the SHA-256 of the key's id, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyFingerprint(String);

impl KeyFingerprint {
    /// Of the part before the colon; the secret half does not enter, so a rotated secret keeps its jobs.
    #[must_use]
    pub fn of(key: &Secret) -> Self {
        let id = key.expose().split(':').next().unwrap_or_default();
        Self(
            Sha256::digest(id.as_bytes())
                .iter()
                .take(8)
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")),
        )
    }

    /// Reads a fingerprint back from the store.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The origins that fal's parts live at; one server may be all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts {
    /// Submit, status, stream, result, cancel (`https://queue.fal.run`).
    pub queue: Url,
    /// Uploads (`https://rest.fal.ai`).
    pub rest: Url,
    /// Prices and the list of requests, below `/v1` (`https://api.fal.ai`).
    pub platform: Url,
    /// The endpoints' `OpenAPI` documents, below `/api/openapi` (`https://fal.ai`).
    pub openapi: Url,
}

impl Hosts {
    /// fal's own hosts.
    #[must_use]
    pub fn fal() -> Self {
        let url = |text| Url::parse(text).expect("a constant address");
        Self {
            queue: url("https://queue.fal.run/"),
            rest: url("https://rest.fal.ai/"),
            platform: url("https://api.fal.ai/"),
            openapi: url("https://fal.ai/"),
        }
    }

    /// One origin for everything, paths as at fal.
    #[must_use]
    pub fn at(origin: &Url) -> Self {
        Self {
            queue: origin.clone(),
            rest: origin.clone(),
            platform: origin.clone(),
            openapi: origin.clone(),
        }
    }

    /// Whether a call to `url` may carry the key.
    ///
    /// Always where it is one of these origins; else only https to fal's own domains and only when these hosts are
    /// fal's. User names in an address, other ports and look-alike hosts are refused.
    #[must_use]
    pub fn may_receive_key(&self, url: &Url) -> bool {
        if !url.username().is_empty() || url.password().is_some() {
            return false;
        }
        let ours = [&self.queue, &self.rest, &self.platform, &self.openapi];
        if ours.iter().any(|host| host.origin() == url.origin()) {
            return true;
        }
        let of_fal = |url: &Url| {
            url.scheme() == "https"
                && url.port_or_known_default() == Some(443)
                && url.domain().is_some_and(|host| {
                    ["fal.run", "fal.ai", "falrun.com"].iter().any(|domain| {
                        host == *domain
                            || host
                                .strip_suffix(domain)
                                .is_some_and(|sub| sub.ends_with('.'))
                    })
                })
        };
        ours.iter().any(|host| of_fal(host)) && of_fal(url)
    }

    /// Whether every host is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        [&self.queue, &self.rest, &self.platform, &self.openapi]
            .iter()
            .all(|url| is_loopback(url))
    }
}

/// Whether `url` names this machine by a loopback address or `localhost`.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// A server to talk to, and the key for it.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its lasting name.
    pub id: ServerId,
    /// Where its parts live today.
    pub hosts: Hosts,
    /// Sent as `Authorization: Key …` to [`Hosts::may_receive_key`] addresses only.
    pub key: Secret,
}

impl Server {
    /// The fingerprint that its jobs carry.
    #[must_use]
    pub fn fingerprint(&self) -> KeyFingerprint {
        KeyFingerprint::of(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_key_goes_to_fals_own_domains_over_https_only() {
        let hosts = Hosts::fal();
        for good in [
            "https://queue.fal.run/x",
            "https://fal.ai/",
            "https://rest.fal.ai/a",
            "https://queue.falrun.com/",
        ] {
            assert!(hosts.may_receive_key(&url(good)), "{good}");
        }
        for bad in [
            "http://queue.fal.run/x",
            "https://queue.fal.run:8443/x",
            "https://fal.run.evil.test/",
            "https://evilfal.run/",
            "https://me@queue.fal.run/x",
            "https://queue.fal.run@evil.test/",
            "https://xn--fl-kia.run/",
            "https://127.0.0.1/",
            "https://v3.fal.media/x",
        ] {
            assert!(!hosts.may_receive_key(&url(bad)), "{bad}");
        }
    }

    #[test]
    fn a_local_server_allows_exactly_its_own_origin() {
        let hosts = Hosts::at(&url("http://127.0.0.1:4100/"));
        assert!(hosts.may_receive_key(&url("http://127.0.0.1:4100/fal-ai/x")));
        for bad in [
            "http://127.0.0.1:4101/",
            "http://localhost:4100/",
            "https://queue.fal.run/",
            "http://10.0.0.1:4100/",
        ] {
            assert!(!hosts.may_receive_key(&url(bad)), "{bad}");
        }
    }

    #[test]
    fn a_fingerprint_depends_on_the_id_of_the_key_alone() {
        let of = |key: &str| KeyFingerprint::of(&Secret::new(key));
        assert_eq!(of("id:old"), of("id:new"));
        assert_ne!(of("id:old"), of("di:old"));
        assert_eq!(of("id:x").as_str().len(), 16);
    }
}

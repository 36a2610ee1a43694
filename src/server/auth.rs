//! Who may call: the `Authorization: Key <id>:<secret>` header.

use axum::http::{HeaderMap, header::AUTHORIZATION};
use sha2::{Digest, Sha256};

use crate::model::Secret;

/// Which keys a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPolicy {
    /// One random key, kept for this user alone in the server's folder.
    Own,
    /// Every well-formed key, for trying out other clients.
    Any,
}

/// The key that clients without one of their own may use under [`KeyPolicy::Any`].
pub(super) const ANY: &str = "talkdeck:any";

/// Checks keys.
pub(super) enum Guard {
    /// Takes this key alone.
    Only(Secret),
    /// Takes every well-formed key.
    Any,
}

/// Why a caller is refused; always with 401.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is no `Authorization` header.
    Missing,
    /// It is not of the form `Key <id>:<secret>`.
    IllFormed,
    /// The key is not known here.
    Unknown,
}

impl Denied {
    /// fal's words, where they are known.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Missing => "Authorization header is required",
            Self::IllFormed => {
                "Invalid Key format in the Authorization header, expected: Key <key_id>:<key_secret>"
            }
            Self::Unknown => "No user found for Key ID and Secret",
        }
    }
}

/// Whether `key` has the form `<id>:<secret>`.
pub(super) fn is_well_formed(key: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_graphic());
    key.split_once(':')
        .is_some_and(|(id, secret)| plain(id) && plain(secret))
}

impl Guard {
    /// Whether the caller may.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Denied> {
        let header = headers.get(AUTHORIZATION).ok_or(Denied::Missing)?;
        let key = header
            .to_str()
            .ok()
            .and_then(|text| text.trim().split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("key"))
            .map(|(_, key)| key.trim())
            .filter(|key| is_well_formed(key))
            .ok_or(Denied::IllFormed)?;
        match self {
            // Digests are compared, so that the time taken tells nothing about the key.
            Self::Only(own)
                if Sha256::digest(own.expose().as_bytes()) != Sha256::digest(key.as_bytes()) =>
            {
                Err(Denied::Unknown)
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_key_is_told_apart() {
        let guard = Guard::Only(Secret::new("id:secret"));
        let check = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            guard.check(&headers)
        };
        assert_eq!(check(Some("Key id:secret")), Ok(()));
        assert_eq!(check(Some("key  id:secret ")), Ok(()));
        assert_eq!(check(None), Err(Denied::Missing));
        for ill_formed in [
            "",
            "Key",
            "Key id",
            "Key :x",
            "Key x:",
            "Bearer id:secret",
            "id:secret",
        ] {
            assert_eq!(
                check(Some(ill_formed)),
                Err(Denied::IllFormed),
                "{ill_formed:?}"
            );
        }
        assert_eq!(check(Some("Key id:other")), Err(Denied::Unknown));
    }
}

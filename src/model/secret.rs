//! Text that must not be shown: keys and signed addresses.

use std::fmt;

/// The environment variables that may hold the key (fal's own clients read the same ones). No child inherits them.
pub const KEY_VARIABLES: [&str; 3] = ["FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET"];

/// A value that prints as `***`; only [`Secret::expose`] gives it out.
///
/// It has no `Serialize`, so it cannot slip into a store, a log or JSON output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value` as it is.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints() {
        let secret = Secret::new("id:value");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
        assert_eq!(secret.expose(), "id:value");
    }
}

//! TLS: rustls with ring, the system's roots, the bundled ones where the system has none.

use std::sync::{Arc, LazyLock};

use rustls::{ClientConfig, RootCertStore};

/// Read once, when the first https host is called: a run against the local server never touches them.
static ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| Arc::new(load_roots()));

fn load_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Unreadable files among the system's roots are no reason to fail while others can be read.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// What a client may speak after the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocols {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 where the server has it.
    Http2,
}

/// A configuration that verifies certificates against the roots.
pub(super) fn with_roots(protocols: Protocols) -> ClientConfig {
    config(ROOTS.clone(), protocols)
}

/// A configuration that trusts nobody, for clients that only ever speak plain http to this machine.
pub(super) fn without_roots() -> ClientConfig {
    config(Arc::new(RootCertStore::empty()), Protocols::Http1)
}

fn config(roots: Arc<RootCertStore>, protocols: Protocols) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A given configuration is taken as it is: without this, the library's own HTTP/1 switch would not hold.
    config.alpn_protocols = match protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Http2 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_for_http_1_offers_nothing_else() {
        assert_eq!(with_roots(Protocols::Http1).alpn_protocols, [b"http/1.1"]);
        assert_eq!(without_roots().alpn_protocols, [b"http/1.1"]);
    }

    #[test]
    fn there_are_always_roots_to_verify_against() {
        assert!(!load_roots().is_empty());
    }
}

//! TLS as seen from outside: a certificate that nobody vouches for ends the call before anything is sent.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use talkdeck::fal::{Error, SubmitOutcome};
use url::Url;

use super::fake::{HASTY, client, client_with, endpoint};

/// A self-signed certificate for this machine, and its key; good for nothing else.
const UNTRUSTED: &[u8] = include_bytes!("untrusted.pem");

#[tokio::test]
async fn an_untrusted_certificate_is_never_accepted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || decrypted(listener.accept().unwrap().0));

    let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
    let outcome = client(&url).submit(&endpoint(), "{}").await;
    let SubmitOutcome::NotSent(Error::Unreachable { reason, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(
        reason.as_str().starts_with("invalid peer certificate"),
        "{reason}"
    );
    assert!(
        reason
            .as_str()
            .contains("add its certificate to the system's"),
        "{reason}"
    );
    assert_eq!(server.join().unwrap(), b"", "nothing was sent");
}

/// What a client says once the connection is secure.
fn decrypted(stream: TcpStream) -> Vec<u8> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(UNTRUSTED).unwrap()],
            PrivateKeyDer::from_pem_slice(UNTRUSTED).unwrap(),
        )
        .unwrap();
    let connection = ServerConnection::new(Arc::new(config)).unwrap();
    let mut stream = StreamOwned::new(connection, stream);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    let _ = stream.flush();
    said
}

#[tokio::test]
async fn a_handshake_that_fails_or_hangs_was_not_sent_to() {
    // Answers the first bytes with no TLS at all; then with silence.
    for silent in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("https://{}/", listener.local_addr().unwrap())).unwrap();
        let (done, wait) = std::sync::mpsc::channel::<()>();
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            if silent {
                let _ = wait.recv();
            } else {
                let mut first = [0; 16];
                let _ = stream.read(&mut first);
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            }
        });
        let outcome = client_with(
            &url,
            talkdeck::fal::Timing {
                submit: super::fake::TIMING.submit,
                ..HASTY
            },
        )
        .submit(&endpoint(), "{}")
        .await;
        let SubmitOutcome::NotSent(error) = outcome else {
            panic!("{outcome:?}");
        };
        if silent {
            assert!(
                error.to_string().ends_with("no connection in time"),
                "{error}"
            );
        }
        drop(done);
        server.join().unwrap();
    }
}

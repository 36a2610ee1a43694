//! What can go wrong between us and the server, one line each.

use std::{io, path::PathBuf, time::Duration};

use crate::model::{CleanText, JobError, ServerId};

/// Why a call failed.
///
/// No variant holds a key or an address with a query: hosts are names, everything remote is [`CleanText`], and the
/// errors of the HTTP library are reduced to their innermost reason.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection came about: name lookup, TCP, proxy or TLS failed, so nothing was sent.
    #[error("cannot reach {host}: {reason}")]
    Unreachable {
        /// Who was called.
        host: String,
        /// The innermost reason.
        reason: CleanText,
    },
    /// The connection broke before the answer was whole; the server may have acted.
    #[error("the connection to {host} broke: {reason}")]
    Interrupted {
        /// Who was called.
        host: String,
        /// The innermost reason.
        reason: CleanText,
    },
    /// No answer, or no further byte of one, within `after`; the server may have acted.
    #[error("no answer from {host} within {} s", after.as_secs_f32())]
    TimedOut {
        /// Who was called.
        host: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The key is not known to the server (HTTP 401).
    #[error("{server} refused the key: {message}; check FAL_KEY")]
    Unauthorized {
        /// Which server.
        server: ServerId,
        /// Its words.
        message: CleanText,
    },
    /// The account is locked (HTTP 403), mostly because its balance is used up.
    #[error("{server} has locked the account: {message}")]
    Locked {
        /// Which server.
        server: ServerId,
        /// Its words.
        message: CleanText,
    },
    /// The server knows nothing of that name (HTTP 404): a request, or an endpoint.
    #[error("{host} does not know it: {message}")]
    NotFound {
        /// Who was called.
        host: String,
        /// Its words.
        message: CleanText,
    },
    /// The result is no longer kept (HTTP 404 or 410 on a result).
    #[error("{host} no longer keeps the result")]
    Gone {
        /// Who was called.
        host: String,
    },
    /// The result was asked for while the request still runs.
    #[error("the request is still in progress")]
    StillRunning,
    /// Too many requests (HTTP 429).
    #[error("{host} asks to slow down{}", wait.map(|wait| format!(": wait {} s", wait.as_secs().max(1))).unwrap_or_default())]
    RateLimited {
        /// Who was called.
        host: String,
        /// What the server asks for, capped at [`super::retry::LONGEST_WAIT`]; `None` when it names no time.
        wait: Option<Duration>,
    },
    /// The server, or a proxy before it, is in trouble (HTTP 408, 425, 5xx).
    #[error("{host} answers {status}: {message}")]
    Server {
        /// Who was called.
        host: String,
        /// HTTP status.
        status: u16,
        /// Its words.
        message: CleanText,
        /// The same in parts when the answer was JSON of fal's: asked for a result, a request that broke on a runner
        /// answers so every time, and only its status tells that from a passing trouble.
        error: Option<Box<JobError>>,
    },
    /// The server understood and said no (other 4xx with JSON of fal's); asking again gives the same.
    #[error("{}", .error.message)]
    Refused {
        /// HTTP status.
        status: u16,
        /// Why.
        error: Box<JobError>,
    },
    /// The answer is not fal's: HTML, broken JSON, too large, a redirect.
    #[error("{host}: {reason}")]
    InvalidAnswer {
        /// Who was called.
        host: String,
        /// What is wrong with it.
        reason: CleanText,
    },
    /// The answer is longer than any of fal's.
    #[error("{host}: an answer of more than {} MiB", limit >> 20)]
    TooLarge {
        /// Who was called.
        host: String,
        /// Bytes that are read.
        limit: usize,
    },
    /// The call would carry the key to a host that may not have it.
    #[error("{host} is no host of this server's; the key is not sent there")]
    ForeignHost {
        /// Whose host.
        host: String,
    },
    /// A file or an upload address that is neither public https nor the server's own.
    #[error("{host} is no public https address; nothing is fetched from or sent to it")]
    UnsafeAddress {
        /// Whose host.
        host: String,
    },
    /// A server that is not on this machine is to be called without TLS.
    #[error("{host} must be called by https; plain http is for this machine only")]
    Insecure {
        /// Whose host.
        host: String,
    },
    /// The key has characters that no HTTP header may carry.
    #[error("the key holds characters that cannot be sent; check FAL_KEY")]
    UnusableKey,
    /// A file to upload cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Error {
    /// Whether the server did not answer at all.
    #[must_use]
    pub const fn is_silence(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::Interrupted { .. } | Self::TimedOut { .. }
        )
    }

    /// Whether the same call may succeed later without anybody doing anything.
    ///
    /// An answer that is not fal's counts: captive portals and proxies give those for a while.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Interrupted { .. }
            | Self::TimedOut { .. }
            | Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::StillRunning
            | Self::InvalidAnswer { .. }
            | Self::TooLarge { .. } => true,
            Self::Unauthorized { .. }
            | Self::Locked { .. }
            | Self::NotFound { .. }
            | Self::Gone { .. }
            | Self::Refused { .. }
            | Self::ForeignHost { .. }
            | Self::UnsafeAddress { .. }
            | Self::Insecure { .. }
            | Self::UnusableKey
            | Self::File { .. } => false,
        }
    }

    /// What the library's error means; nothing of its address enters.
    pub(super) fn from_http(error: &reqwest::Error, host: &str, after: Duration) -> Self {
        let host = host.to_owned();
        let reason = innermost(error);
        if error.is_connect() {
            Self::Unreachable { host, reason }
        } else if error.is_timeout() {
            Self::TimedOut { host, after }
        } else {
            Self::Interrupted { host, reason }
        }
    }

    /// An answer that is not fal's.
    pub(super) fn invalid(host: &str, reason: &str) -> Self {
        Self::InvalidAnswer {
            host: host.to_owned(),
            reason: CleanText::line(reason),
        }
    }
}

/// The reason at the end of an error's chain, in words.
fn innermost(error: &reqwest::Error) -> CleanText {
    let mut reason = None;
    let mut link: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = link {
        reason = Some(error);
        // An I/O error hides what it wraps from `source`.
        link = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    let Some(last) = reason else {
        return CleanText::line(if error.is_builder() {
            "the request cannot be built"
        } else {
            "the request failed"
        });
    };
    if let Some(refused) = last.downcast_ref::<rustls::Error>() {
        return CleanText::line(&format!(
            "{refused}; if a proxy intercepts TLS here, add its certificate to the system's"
        ));
    }
    let text = last.to_string();
    if let Some(why) = text.strip_prefix("tunnel error: ") {
        return CleanText::line(&match why {
            "unsuccessful" => "the proxy refused to connect".to_owned(),
            "proxy authorization required" => {
                "the proxy wants a user name and a password".to_owned()
            }
            other => format!("the proxy does not connect: {other}"),
        });
    }
    if error.is_connect() && error.is_timeout() {
        return CleanText::line("no connection in time");
    }
    match last.downcast_ref::<io::Error>() {
        // The kind reads better than "Connection refused (os error 111)", as long as there is a proper one.
        Some(io)
            if io.raw_os_error().is_some() && io.kind().to_string() != "uncategorized error" =>
        {
            CleanText::line(&io.kind().to_string())
        }
        _ => CleanText::line(
            &text.replace("failed to lookup address information", "name lookup failed"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_names_the_cause_and_the_way_out() {
        let text = |text: &str| CleanText::line(text);
        let cases = [
            (
                Error::Unreachable {
                    host: "queue.fal.run".to_owned(),
                    reason: text("connection refused"),
                },
                "cannot reach queue.fal.run: connection refused",
            ),
            (
                Error::Unauthorized {
                    server: ServerId::fal(),
                    message: text("No user found for Key ID and Secret"),
                },
                "fal.ai refused the key: No user found for Key ID and Secret; check FAL_KEY",
            ),
            (
                Error::TimedOut {
                    host: "queue.fal.run".to_owned(),
                    after: Duration::from_secs(20),
                },
                "no answer from queue.fal.run within 20 s",
            ),
            (
                Error::RateLimited {
                    host: "queue.fal.run".to_owned(),
                    wait: Some(Duration::from_secs(7)),
                },
                "queue.fal.run asks to slow down: wait 7 s",
            ),
            (
                Error::RateLimited {
                    host: "queue.fal.run".to_owned(),
                    wait: None,
                },
                "queue.fal.run asks to slow down",
            ),
        ];
        for (error, want) in cases {
            assert_eq!(error.to_string(), want);
        }
    }
}

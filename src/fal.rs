//! fal's protocol: submit, status, stream, result, cancel, uploads, downloads, prices and the list of past requests.
//!
//! Three HTTP clients with different rules stand behind one [`Client`]:
//!
//! | client | for | rule |
//! |---|---|---|
//! | submit | the one POST that costs money | a connection of its own, HTTP/1.1, never resent by anybody |
//! | keyed | everything else that carries the key | to the server's own hosts only, no redirects |
//! | keyless | signed uploads, media | public https or the server's own origin, checked at every hop |

mod address;
mod answer;
mod body;
mod client;
mod error;
mod failure;
mod followed;
mod log;
mod media;
mod platform;
mod queue;
pub mod retry;
mod storage;
mod stream;
mod tls;
pub mod wire;

pub use client::{Client, Timing};
pub use error::Error;
pub use followed::Followed;
pub use log::log_lines;
pub use media::Download;
pub use platform::RequestsQuery;
pub use queue::{Accepted, CancelReply, Rejection, ResultReply, SubmitOutcome};
pub use storage::Uploaded;
pub use stream::{StatusStream, read_statuses};

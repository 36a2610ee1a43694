//! Plain data and its rules: jobs and their states, arguments, money, frames, log lines, text that is safe to show.
//!
//! Nothing here does I/O, reads a clock or knows another folder of ours.

pub mod arguments;
pub mod budget;
pub mod clean_text;
pub mod crop;
pub mod draft;
pub mod frames;
pub mod id;
pub mod inert_json;
pub mod job;
pub mod log_line;
pub mod money;
pub mod request;
pub mod secret;
pub mod server;
pub mod speech;
pub mod sweep;

pub use arguments::Arguments;
pub use budget::Budget;
pub use clean_text::CleanText;
pub use draft::Draft;
pub use id::{EndpointId, JobId, RequestId, SweepId};
pub use job::{Job, JobError, JobState};
pub use log_line::{Level, LogLine};
pub use money::Usd;
pub use secret::Secret;
pub use server::{Server, ServerId};
pub use speech::Speech;
pub use sweep::Sweep;

/// A moment in UTC. It is turned to local time only where it is displayed.
pub use jiff::Timestamp;

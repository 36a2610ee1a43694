//! The embedded server over HTTP, with an engine that renders what the test says.

#![expect(clippy::unwrap_used, reason = "a test may end where it stands")]

#[path = "server/desk.rs"]
mod desk;
#[path = "server/life.rs"]
mod life;
#[path = "server/platform.rs"]
mod platform;
#[path = "common/puppet.rs"]
mod puppet;
#[path = "server/queue.rs"]
mod queue;
#[path = "server/storage.rs"]
mod storage;

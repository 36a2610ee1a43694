//! The client of fal's protocol against servers on this machine that answer, break off or say nothing at all.

#[path = "client/fake.rs"]
mod fake;
#[path = "client/follow.rs"]
mod follow;
#[path = "client/platform.rs"]
mod platform;
#[path = "client/submit.rs"]
mod submit;
#[path = "client/tls.rs"]
mod tls;
#[path = "client/transfer.rs"]
mod transfer;

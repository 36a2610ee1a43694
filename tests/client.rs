//! The client of fal's protocol against servers on this machine that answer, break off or say nothing at all.
//!
//! The modules are marked as tests, which they all are, so that the lints know it.

#[cfg(test)]
#[path = "client/bodies.rs"]
mod bodies;
#[cfg(test)]
#[path = "client/fake.rs"]
mod fake;
#[cfg(test)]
#[path = "client/follow.rs"]
mod follow;
#[cfg(test)]
#[path = "client/lines.rs"]
mod lines;
#[cfg(test)]
#[path = "client/platform.rs"]
mod platform;
#[cfg(test)]
#[path = "client/proxy.rs"]
mod proxy;
#[cfg(test)]
#[path = "client/schemas.rs"]
mod schemas;
#[cfg(test)]
#[path = "client/submit.rs"]
mod submit;
#[cfg(test)]
#[path = "client/tls.rs"]
mod tls;
#[cfg(test)]
#[path = "client/transfer.rs"]
mod transfer;

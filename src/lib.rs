//! talkdeck: a terminal dashboard for talking-avatar generation on fal.ai.

pub mod catalog;
pub mod cli;
pub mod config;
pub mod fal;
pub mod model;
pub mod server;
pub mod store;
pub mod studio;
pub mod tracker;

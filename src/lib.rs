//! talkdeck: a terminal dashboard for talking-avatar generation on fal.ai.
//!
//! ```text
//!  terminal events ─┐                        ┌─► view (App → cells; changes nothing)
//!                   ├─► Message ─► App::update
//!  task reports ────┘      ▲                 └─► Vec<Effect> ─► runtime ─► tracker / store / clipboard
//!                          └───────────────── reports back ◄──────┘
//! ```
//!
//! # Folders
//!
//! | folder | what it is | may use |
//! |---|---|---|
//! | [`model`] | plain data and its rules | nothing of ours |
//! | [`catalog`] | endpoints as data: fields, limits, price | `model` |
//! | [`fal`] | the protocol; `fal::wire` alone mirrors the JSON | `model` |
//! | [`store`] | jobs, logs and drafts in SQLite | `model` |
//! | [`tracker`] | one job's whole life: submit at most once, follow, save | `fal`, `store`, `catalog`, `model` |
//! | [`studio`] | the preview engine: picture and words become an MP4 | `model` |
//! | [`server`] | the embedded fal-compatible server | `catalog`, `studio`, `fal::wire`, `model` |
//! | [`app`] | the dashboard's state: message → update → effects | `catalog`, `model` |
//! | [`tui`] | terminal, loop, views; tasks in `tui::runtime` alone | `app`, `catalog`, `config`, `model` |
//! | [`config`] | configuration file, environment, directories, key | `model` |
//! | [`cli`] | the command line; composes the program | everything but `app` |
//!
//! `tests/tidy.rs` enforces the last column.
//!
//! # Invariants
//!
//! - Only `App::update` changes the dashboard's state. It never waits, never does I/O and reads no clock.
//! - Only `tui::runtime` spawns tasks for the dashboard; only `tracker` writes jobs. The screens mirror the store.
//! - The exact body of a submit is on disk before the one POST that carries it, and no POST is ever sent again that may
//!   have been accepted.
//! - Remote text reaches a view, a log or a title as [`model::CleanText`] only; keys are [`model::Secret`]s.
//! - Nothing in the client knows that the embedded server is ours.

pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod fal;
pub mod model;
pub mod server;
pub mod store;
pub mod studio;
pub mod tracker;
pub mod tui;

//! Samvad: everything that touches the world, one folder per edge, each implementing a port of `samvad_actors`.

pub mod access;
pub mod api;
pub mod app;
mod byte_queue;
pub mod call_files;
pub mod campaign_files;
pub mod carrier;
pub mod cli;
pub mod config;
pub mod contact_files;
pub mod coordination;
pub mod costs;
pub mod http;
mod ids;
pub mod journal;
pub mod language;
pub mod problem;
pub mod recording;
pub mod speech;
pub mod store;
pub mod telemetry;

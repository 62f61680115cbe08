//! Samvad: everything that touches the world, one folder per edge, each implementing a port of `samvad_actors`.

pub mod app;
pub mod campaign_files;
pub mod carrier;
pub mod cli;
pub mod config;
pub mod contact_files;
pub mod coordination;
pub mod costs;
pub mod http;
pub mod journal;
pub mod language;
pub mod speech;
pub mod store;
pub mod telemetry;

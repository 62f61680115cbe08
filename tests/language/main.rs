//! Language models: what each one does, what goes over the wire, and what becomes of everything that services do wrong.
#![cfg(test)]

mod conformance;
mod failures;
#[path = "../support/raw_http.rs"]
mod raw_http;
#[path = "../support/language_server.rs"]
mod server;
mod wire;
mod world;

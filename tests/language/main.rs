//! Language models: what each one does, what goes over the wire, and what becomes of everything that services do wrong.
#![cfg(test)]

mod conformance;
mod failures;
#[path = "../support/raw_http.rs"]
mod raw_http;
#[path = "../support/language_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod server;
mod wire;
mod world;

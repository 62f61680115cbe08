//! Synthesisers: what each one does, what goes over the wire, and what becomes of everything that services do wrong.
#![cfg(test)]

mod conformance;
mod failures;
mod metering;
#[path = "../support/raw_http.rs"]
mod raw_http;
#[path = "../support/speech_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod server;
mod streaming;
mod wire;
mod world;

//! `samvad doctor --live` against test servers of every service.
#![cfg(test)]

#[path = "../services/doubles/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod doubles;
#[path = "../support/language_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod language_server;
#[path = "../support/raw_http.rs"]
mod raw_http;
#[path = "../speech/recordings.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod recordings;
mod services;
#[path = "../support/speech_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod speech_server;
#[path = "../cli/support.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod support;

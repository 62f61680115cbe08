//! What goes wrong, done to the whole system: the binary as its user runs it, server and telephone network as
//! processes of their own, a real database, real sockets.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests stand on fails as loudly as they do"
)]

mod canaries;
mod crash;
mod drain;
mod endings;
mod harness;
mod media;
mod network;
#[path = "../support/raw_http.rs"]
mod raw_http;
mod replay;
mod speech;
#[path = "../support/speech_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod speech_server;
mod startup;
mod voices;

//! The command line as its users meet it: the binary, its output, its exit status, and what it leaves behind.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test where something is missing"
)]

mod attached;
mod audit;
mod calls;
mod campaigns;
mod contacts;
mod costs;
mod do_not_call;
mod evaluating;
mod interrupted;
mod migrate;
mod purge;
#[path = "../support/raw_http.rs"]
mod raw_http;
mod refusals;
#[path = "../support/language_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod server;
mod support;

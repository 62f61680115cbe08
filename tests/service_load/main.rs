//! Many calls over recognition services that are played by test servers: what failing ones leave behind, and how much
//! our own code adds to an answer.
//!
//! Short in every run of the tests; `make service-load` makes long runs of it, with figures. Settings, from the
//! environment:
//!
//! - `SERVICE_LOAD_CALLS`: calls against failing services (400; below 1,000 a multiple of 10, above of 1,000);
//! - `SERVICE_LOAD_TALKERS`: calls at once whose answers are timed (20).

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests stand on fails as loudly as they do"
)]

#[cfg(test)]
#[path = "../services/doubles/mod.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod doubles;
#[cfg(test)]
mod failing;
#[cfg(test)]
#[path = "../faults/harness.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod harness;
#[cfg(test)]
#[path = "../support/language_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod language_server;
#[cfg(test)]
#[path = "../support/raw_http.rs"]
mod raw_http;
#[cfg(test)]
#[path = "../speech/recordings.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod recordings;
#[cfg(test)]
mod response;
#[cfg(test)]
#[path = "../support/speech_server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod speech_server;

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {text}; write a whole number")),
        Err(_) => default,
    }
}

/// What the test servers run on.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

//! Whole-system tests: the binary's own server and telephone network as processes, real sockets, real speech, a real
//! database. What is judged is what came out at both ends.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where something is not as it must be"
)]

mod barge_in;
mod inbound;
mod outcomes;
mod recording;
mod run;
mod supervision;
mod turns;
mod voicemail;

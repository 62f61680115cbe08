//! Whole conversations in virtual time.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests stand on fails as loudly as they do"
)]

mod barge_in;
mod confirming;
mod harness;
mod journals;
mod languages;
mod machines;
mod model_properties;
mod names;
mod properties;
mod recording;
mod replies;
mod script;
mod surveys;
mod trouble;
mod understanding;
mod waiting;

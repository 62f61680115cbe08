//! Whole conversations in virtual time.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests stand on fails as loudly as they do"
)]

mod answered_by;
mod any_turns;
mod barge_in;
mod chosen_language;
mod confirming;
mod harness;
mod journals;
mod languages;
mod machines;
mod model_properties;
mod names;
mod parts;
mod properties;
mod recording;
mod replies;
mod screening;
mod script;
mod surveys;
mod trouble;
mod turns;
mod understanding;
mod waiting;

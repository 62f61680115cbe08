//! The conversation as a deterministic state machine without I/O, clock or randomness.
//!
//! Contract: [`Dialogue::handle`] with one [`Input`], then [`Dialogue::poll_output`] until `None`, then
//! [`Dialogue::poll_timeout`]; when that time comes, [`Dialogue::handle_timeout`] and drain again. The same inputs
//! at the same times give the same outputs: a call's journal is its inputs, replay is feeding them again.

mod input;
mod output;

pub use input::{Input, Millis, PlaybackId, RecognitionFault, SpeechId};
pub use output::{Expectation, Output, TurnNote};

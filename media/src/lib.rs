//! Samvad's pure audio path: everything between a Media Streams text frame and "the caller has said something".
//!
//! - [`messages`]: Twilio Media Streams messages of both directions.
//! - [`codec`], [`resample`], [`wav`]: G.711, sample rates, recordings.
//! - [`level`]: how loud what we say is.
//! - [`voice`]: energy gate, tones and voice activity.
//! - [`listener`]: the inbound pipeline of one call, from frames to utterances.
//! - [`playout`]: what the carrier has been sent, what of it was heard.
//! - [`spectrum`], [`network`]: what an utterance sounds like, and a small network that judges it.
//! - [`tape`], [`recording`], [`opus`], [`ogg`]: both sides of a line in step, as a file.
//!
//! Invariants: no I/O, no clock, no randomness, no async. Time is media time (what the frames say) or an argument.
//! The same input gives the same output. No input of any kind panics. In steady state the inbound path does not
//! allocate.

pub mod codec;
pub mod level;
pub mod listener;
pub mod messages;
pub mod network;
pub mod ogg;
pub mod opus;
pub mod playout;
pub mod recording;
pub mod resample;
pub mod spectrum;
pub mod tape;
pub mod voice;
pub mod wav;

/// Samples a second on a telephone line (G.711, and the `mediaFormat` of Twilio's `start` message).
pub const LINE_RATE: u32 = 8_000;

/// Samples in a millisecond on a telephone line.
pub const SAMPLES_PER_MS: u64 = 8;

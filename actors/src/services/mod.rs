//! What stands between a call and services that fail: a breaker that rests what failed, and ordered lists in which the
//! next takes over within the same utterance, sentence or request.
//!
//! The [`Breaker`] knows nothing of speech: the lists of recognisers, synthesisers and language models share it.

mod breaker;
mod guard;
mod language_model;
mod plausible;
mod recognizer;
mod speaking;
mod synthesizer;
mod telephone;

pub use breaker::{Breaker, BreakerSettings, Fault, Phase};
pub use guard::Jitter;
pub use language_model::FailoverLanguageModel;
pub use plausible::{SpeechCheck, check_speech};
pub use recognizer::{FailoverRecognizer, FailoverSettings, Ranked};
pub use synthesizer::{FailoverSynthesizer, GuardedSynthesizer, LIVE_SPEECH_DEADLINE, RankedSynthesizer};
pub use telephone::TelephoneAudio;

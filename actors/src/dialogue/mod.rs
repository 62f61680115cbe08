//! The conversation as a deterministic state machine without I/O, clock or randomness.
//!
//! Contract: [`Dialogue::handle`] with one [`Input`], then [`Dialogue::poll_output`] until `None`, then
//! [`Dialogue::poll_timeout`]; when that time comes, [`Dialogue::handle_timeout`] and drain again. The same inputs
//! at the same times give the same outputs: a call's journal is its inputs, replay is feeding them again.

mod acknowledging;
mod asking;
mod config;
mod confirming;
mod devanagari;
mod digits;
mod ending;
mod filling;
mod hearing;
mod input;
mod interpret;
mod joining;
pub mod journal;
mod keys;
mod lexicon;
mod machine;
mod meaning;
mod model_prompts;
mod numbers;
mod output;
mod pack;
mod prompt;
mod replying;
mod responding;
mod screening;
mod script;
mod sounds;
mod speaking;
mod spoken_time;
mod state;
mod switching;
mod time_words;
mod timers;
mod understanding;
mod voicemail;
mod words;

pub use config::DialogueConfig;
pub use input::{Input, Millis, ModelFault, NamedGreeting, PlaybackId, RecognitionFault, RequestId, SpeechId};
pub use interpret::{Context, Interpretation, Interpreter};
pub use lexicon::Lexicon;
pub use machine::Dialogue;
pub use meaning::{ModelMeaning, ModelValue};
pub use model_prompts::{ModelPrompts, ModelTask};
pub use output::{Expectation, ModelQuery, Output, TurnNote};
pub use pack::{LanguagePack, PackFault};
pub use script::{Hashes, Script};
pub use words::normalise;

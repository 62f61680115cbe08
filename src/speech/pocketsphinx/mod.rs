//! The embedded recogniser's engine: grammars, confidence and free text over PocketSphinx. English only. It runs in
//! a process of its own, for the library may abort on an error.

mod adaptation;
pub mod confidence;
mod decoder;
mod dictionary;
mod engine;
#[expect(unsafe_code, reason = "declarations of a C library")]
mod ffi;
mod utterance;
mod verifier;

pub use decoder::{Decoder, DecoderError, Hypothesis, SAMPLE_RATE, Segment};
pub use dictionary::{Dictionary, DictionaryError};
pub use engine::{DEFAULT_MODELS, Engine, EngineError, Models, Passes};

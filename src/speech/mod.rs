//! Recognisers, synthesisers and the prompt cache.

pub mod pocketsphinx;

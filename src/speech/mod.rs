//! Recognisers, synthesisers and the prompt cache.

pub mod embedded;
pub mod pocketsphinx;

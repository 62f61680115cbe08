//! Recognisers, synthesisers and the prompt cache.

pub mod embedded;
mod fixed;
pub mod pocketsphinx;
mod prompt_cache;
pub mod services;
mod synthesis;

pub use fixed::FixedRecognizer;
pub use prompt_cache::{PromptCache, PromptCacheError};
pub use synthesis::EmbeddedSynthesizer;

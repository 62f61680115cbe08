//! Recognisers, synthesisers and the prompt cache.

pub mod embedded;
mod fixed;
pub mod pocketsphinx;
mod prompt_cache;
pub mod services;
mod synthesis;
mod voice_names;

pub use fixed::FixedRecognizer;
pub use prompt_cache::{PromptCache, PromptCacheError, PromptFailure};
pub use synthesis::EmbeddedSynthesizer;

//! Recognisers, synthesisers and the prompt cache.

pub mod embedded;
mod fixed;
mod on_threads;
pub mod pocketsphinx;
mod prompt_cache;
pub mod services;
mod synthesis;
mod voice_names;

pub use fixed::FixedRecognizer;
pub use on_threads::OnThreads;
pub use prompt_cache::{NameCache, NamePrompts, PromptCache, PromptCacheError, PromptFailure, RenderedPrompts};
pub use synthesis::EmbeddedSynthesizer;

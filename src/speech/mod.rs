//! Recognisers, synthesisers and the prompt cache.

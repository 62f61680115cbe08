//! Test servers: each plays one service over its own protocol, and behaves as it is told.

pub mod deepgram;
pub mod ear;
pub mod openai;
pub mod sarvam;
mod server;

pub use ear::Ear;
pub use server::{Conduct, Double};

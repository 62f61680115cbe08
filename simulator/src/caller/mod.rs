//! The person at the other end: what they hear, what they do, and what is measured on their line. All of it is pure
//! and runs in media time, 20 ms a tick, so that a machine that is late changes no decision.

mod ear;
mod measure;
mod script;

pub(crate) use ear::{Ear, Heard};
pub use measure::ClearSeen;
pub(crate) use measure::Measures;
pub(crate) use script::{Act, Script};

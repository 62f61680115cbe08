//! What Samvad *is*: domain types, the dialogue as a sans-I/O state machine, the ports to everything
//! outside, and the actors that drive them.
//!
//! Invariants:
//! - Nothing here opens a socket, a file or a database; the outside is reached through [`ports`] alone.
//! - [`domain`], [`dialogue`], [`evaluation`], [`campaign`], [`coordination`] and [`services::Breaker`] are pure: no clock, no
//!   randomness, no iteration over hash maps. Time is an argument.
//! - A port future never touches the dialogue: its result comes back as an input carrying the id of what asked
//!   for it, so that a late reply is harmless.
//! - A call actor that ends without an outcome is impossible: its death watch reports to the supervisor.

pub mod campaign;
pub mod coordination;
pub mod dialogue;
pub mod domain;
pub mod evaluation;
pub mod ports;
pub mod rehearing;
pub mod runtime;
pub mod services;
pub mod statistics;

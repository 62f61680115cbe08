//! Planning of campaigns as pure functions: when somebody may be called, whom to call next, how fast, and when to stop.
//!
//! Nothing here reads a clock or a store. What is planned is checked again at the dial: a plan is a wish, permits and
//! the store decide.

mod breaker;
mod callback;
mod pace;
mod plan;
mod window;

pub use breaker::{Breaker, Trip};
pub use callback::callback_at;
pub use pace::{Pace, ZoneLoad};
pub use plan::{Candidate, DialOrder, Due, Plan, Refusal, RefusalReason, Snapshot, plan_tick};
pub use window::{UnknownZone, ZonedWindow, ZonesNow};

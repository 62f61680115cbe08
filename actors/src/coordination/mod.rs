//! Coordination as a pure table: permits, leases and the rebuild lock, with `now` as an argument.
//!
//! The in-process coordination is this table behind a mutex, and it is the model that Redis is tested against.

mod held;
mod table;

pub use table::{DAY_KEPT_US, LeaseTable, concurrency_caps, day_caps, day_scopes, micros, rates};

#[cfg(test)]
mod tests;

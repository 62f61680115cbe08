//! Time, passed in.

use std::time::Duration;

/// A clock. Pure code takes its readings as arguments; only runtime and adapters hold one.
pub trait Clock: Send + Sync + 'static {
    /// Wall time: milliseconds since 1970-01-01T00:00:00Z.
    fn unix_ms(&self) -> i64;

    /// Time since an arbitrary fixed point, never going back.
    fn monotonic(&self) -> Duration;
}

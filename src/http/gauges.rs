//! How many media sockets there are: figures, and the limit on those that nobody has vouched for yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts media sockets on all workers.
#[derive(Debug, Default)]
pub struct SocketGauges {
    open: AtomicUsize,
    unauthenticated: AtomicUsize,
    dropped_frames: AtomicU64,
}

impl SocketGauges {
    /// Sockets whose actor is alive.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Of these, the ones that have not been admitted.
    pub fn unauthenticated(&self) -> usize {
        self.unauthenticated.load(Ordering::Relaxed)
    }

    /// Frames that were lost since the start because a call actor did not keep up.
    pub fn dropped_frames(&self) -> u64 {
        self.dropped_frames.load(Ordering::Relaxed)
    }

    pub(super) fn count_dropped_frame(&self) {
        self.dropped_frames.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a place among the sockets not yet admitted, unless there are `limit` of them.
    pub(super) fn enter(self: &Arc<Self>, limit: usize) -> Option<(OpenSocket, UnauthenticatedSocket)> {
        let one_more = |count| (count < limit).then_some(count + 1);
        self.unauthenticated
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        self.open.fetch_add(1, Ordering::Relaxed);
        Some((OpenSocket(self.clone()), UnauthenticatedSocket(self.clone())))
    }
}

/// A socket's place among all sockets; given back when dropped.
#[derive(Debug)]
pub(super) struct OpenSocket(Arc<SocketGauges>);

impl Drop for OpenSocket {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A socket's place among those not yet admitted; given back when dropped.
#[derive(Debug)]
pub(super) struct UnauthenticatedSocket(Arc<SocketGauges>);

impl Drop for UnauthenticatedSocket {
    fn drop(&mut self) {
        self.0.unauthenticated.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l24_a_place_is_taken_up_to_the_limit_and_comes_back() {
        let gauges = Arc::new(SocketGauges::default());
        let first = gauges.enter(2).expect("a place");
        let second = gauges.enter(2).expect("a place");
        assert!(gauges.enter(2).is_none());
        drop(first.1);
        assert_eq!((gauges.open(), gauges.unauthenticated()), (2, 1));
        assert!(gauges.enter(2).is_some());
        drop((first.0, second));
        assert_eq!((gauges.open(), gauges.unauthenticated()), (0, 0));
    }
}

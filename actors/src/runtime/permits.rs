//! How many calls may be under way at once, on this node.

use crate::domain::AttemptId;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Permits by attempt: one is taken before the carrier is asked and comes back when the attempt has ended, however
/// it ended. Taking and giving back are idempotent per attempt, so that no path can leak or double one.
pub struct Permits {
    capacity: usize,
    held: Mutex<BTreeSet<AttemptId>>,
    released: Notify,
}

impl Permits {
    /// Room for `capacity` attempts at once.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            held: Mutex::new(BTreeSet::new()),
            released: Notify::new(),
        }
    }

    /// Takes a permit if there is room. True as well if the attempt holds one already.
    pub fn try_take(&self, attempt: &AttemptId) -> bool {
        let mut held = self.held();
        if held.contains(attempt) {
            return true;
        }
        held.len() < self.capacity && held.insert(attempt.clone())
    }

    /// Waits for room and takes a permit.
    pub async fn take(&self, attempt: &AttemptId) {
        loop {
            let released = self.released.notified();
            if self.try_take(attempt) {
                return;
            }
            released.await;
        }
    }

    /// Gives an attempt a permit though there may be no room: it is under way already.
    pub fn adopt(&self, attempt: &AttemptId) {
        self.held().insert(attempt.clone());
    }

    /// Gives a permit back. False, and harmless, if the attempt holds none.
    pub fn release(&self, attempt: &AttemptId) -> bool {
        let held = self.held().remove(attempt);
        if held {
            self.released.notify_one();
        }
        held
    }

    /// Whether an attempt holds one.
    pub fn holds(&self, attempt: &AttemptId) -> bool {
        self.held().contains(attempt)
    }

    /// How many are held now.
    pub fn in_use(&self) -> usize {
        self.held().len()
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<AttemptId>> {
        // A set of ids cannot be left half-changed by a panic, so a poisoned lock is as good as any.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn permits_never_exceed_capacity_and_never_leak(
            capacity in 1usize..6,
            steps in prop::collection::vec((any::<bool>(), 0u8..10), 0..200),
        ) {
            let permits = Permits::new(capacity);
            for (take, name) in steps {
                let attempt = AttemptId::new(name.to_string());
                if take { permits.try_take(&attempt); } else { permits.release(&attempt); }
                prop_assert!(permits.in_use() <= capacity);
            }
            for name in 0..10 { permits.release(&AttemptId::new(name.to_string())); }
            prop_assert_eq!(permits.in_use(), 0);
        }
    }

    #[test]
    fn calls_that_are_under_way_already_take_up_room_beyond_what_there_is() {
        let permits = Permits::new(1);
        permits.adopt(&"a".into());
        permits.adopt(&"b".into());
        assert_eq!(permits.in_use(), 2);
        assert!(permits.release(&"a".into()));
        assert!(!permits.try_take(&"c".into()), "no room until both are over");
        assert!(!permits.release(&"a".into()), "given back once");
        permits.release(&"b".into());
        assert!(permits.try_take(&"c".into()));
    }

    #[tokio::test]
    async fn whoever_waits_gets_the_permit_that_comes_back() {
        let permits = std::sync::Arc::new(Permits::new(1));
        let (first, second) = (AttemptId::from("a"), AttemptId::from("b"));
        permits.take(&first).await;
        let waiting = tokio::spawn({
            let (permits, second) = (permits.clone(), second.clone());
            async move { permits.take(&second).await }
        });
        tokio::task::yield_now().await;
        permits.release(&first);
        waiting.await.expect("takes it");
        assert!(permits.try_take(&second));
        assert_eq!(permits.in_use(), 1);
    }
}

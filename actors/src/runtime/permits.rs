//! What this node answers for, and permits on their way back to the fleet.

use crate::domain::AttemptId;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

/// A permit that is to be given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PermitReturn {
    /// The carrier said that the call is over.
    Ended(AttemptId),
    /// The call certainly never reached the carrier.
    NeverPlaced(AttemptId),
}

/// The attempts that this node has begun or taken over and that have no outcome yet, and permits on their way back.
///
/// The two are apart: a node has done with an attempt when its outcome is written, but the line is free when the carrier
/// says that the call is over, which may be before or after. How many calls there may be is for the coordination to say:
/// every end is passed on to it, whichever node began the attempt. All steps are idempotent per attempt, so that no path
/// can leak or double one.
pub struct Permits {
    held: Mutex<BTreeSet<AttemptId>>,
    returns: UnboundedSender<PermitReturn>,
    freed: watch::Sender<()>,
}

impl Permits {
    /// No attempts, and where their permits come back to: somebody has to give them to the coordination.
    pub fn new() -> (Self, UnboundedReceiver<PermitReturn>) {
        let (returns, receiver) = unbounded_channel();
        let permits = Self {
            held: Mutex::new(BTreeSet::new()),
            returns,
            freed: watch::Sender::new(()),
        };
        (permits, receiver)
    }

    /// From here on this node answers for the attempt.
    pub fn adopt(&self, attempt: &AttemptId) {
        self.held().insert(attempt.clone());
    }

    /// The attempt has its outcome, whoever wrote it. False if this node did not answer for it.
    pub fn settle(&self, attempt: &AttemptId) -> bool {
        self.held().remove(attempt)
    }

    /// There is terminal evidence (a callback, a fetch) that the attempt has no call any more: its permit goes back.
    pub fn release(&self, attempt: &AttemptId) {
        self.give_back(PermitReturn::Ended(attempt.clone()));
    }

    /// The attempt certainly never reached the carrier: it is settled, and its permit goes back and does not count for
    /// the day.
    pub fn cancel(&self, attempt: &AttemptId) {
        self.settle(attempt);
        self.give_back(PermitReturn::NeverPlaced(attempt.clone()));
    }

    fn give_back(&self, permit: PermitReturn) {
        // Nobody takes them at the very end of a process; the permits expire then, or are reconciled by others.
        let _ = self.returns.send(permit);
    }

    /// Whether this node answers for an attempt.
    pub fn holds(&self, attempt: &AttemptId) -> bool {
        self.held().contains(attempt)
    }

    /// How many attempts this node answers for.
    pub fn in_use(&self) -> usize {
        self.held().len()
    }

    /// All of them.
    pub fn all(&self) -> Vec<AttemptId> {
        self.held().iter().cloned().collect()
    }

    /// A permit has reached the coordination: whoever waits for room may ask.
    pub fn notify_freed(&self) {
        self.freed.send_replace(());
    }

    /// Changes whenever a permit has come back, be it that somebody waits for it or not yet.
    pub fn freed(&self) -> watch::Receiver<()> {
        self.freed.subscribe()
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<AttemptId>> {
        // A set of ids cannot be left half-changed by a panic, so a poisoned lock is as good as any.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_passed_on_whoever_began_the_attempt_and_an_outcome_settles_it_once() {
        let (permits, mut returns) = Permits::new();
        permits.adopt(&"ours".into());
        permits.adopt(&"ours".into());
        permits.adopt(&"never placed".into());
        assert_eq!(permits.in_use(), 2);
        permits.release(&"ours".into());
        permits.release(&"another node's".into());
        permits.cancel(&"never placed".into());
        assert!(
            permits.holds(&"ours".into()),
            "the call is over; its outcome is still to come"
        );
        assert!(permits.settle(&"ours".into()));
        assert!(!permits.settle(&"ours".into()), "answered for no more");
        assert!(!permits.settle(&"another node's".into()));
        assert_eq!(permits.in_use(), 0);
        let mut back = Vec::new();
        while let Ok(permit) = returns.try_recv() {
            back.push(permit);
        }
        let ended = |attempt: &str| PermitReturn::Ended(attempt.into());
        assert_eq!(
            back,
            [
                ended("ours"),
                ended("another node's"),
                PermitReturn::NeverPlaced("never placed".into())
            ]
        );
    }

    #[test]
    fn an_outcome_alone_gives_no_permit_back() {
        let (permits, mut returns) = Permits::new();
        permits.adopt(&"a".into());
        assert!(permits.settle(&"a".into()));
        assert!(returns.try_recv().is_err(), "the carrier may still hold the call");
    }
}

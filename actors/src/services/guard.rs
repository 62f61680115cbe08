//! What the lists have in common: the breaker of each in them, who is asked next, and for how long.

use super::breaker::{Breaker, Fault};
use crate::ports::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Chance, passed in: a number from 0 to 1.
pub type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;

/// The breaker of one in a list, with the time and the chance that it goes by.
pub(super) struct Guard {
    breaker: Mutex<Breaker>,
    clock: Arc<dyn Clock>,
    jitter: Jitter,
}

impl Guard {
    pub(super) fn new(clock: &Arc<dyn Clock>, jitter: &Jitter) -> Self {
        Self {
            breaker: Mutex::default(),
            clock: Arc::clone(clock),
            jitter: Arc::clone(jitter),
        }
    }

    /// See [`Breaker::try_pass`].
    pub(super) fn try_pass(&self) -> bool {
        self.breaker().try_pass(self.now_ms())
    }

    pub(super) fn succeeded(&self) {
        self.breaker().succeeded();
    }

    pub(super) fn failed(&self, fault: Fault) {
        self.breaker().failed(self.now_ms(), fault, (self.jitter)());
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // Every change under this lock is one step: a panic elsewhere leaves nothing half done.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first that is not at rest, else the one whose rest ends first: its place. It counts as being tried.
pub(super) fn next<'a>(guards: impl Iterator<Item = (usize, &'a Guard)> + Clone) -> Option<usize> {
    let passing = guards.clone().find(|(_, guard)| guard.try_pass());
    let next = passing.or_else(|| guards.min_by_key(|(_, guard)| guard.breaker().passes_from_ms()));
    next.map(|(place, _)| place)
}

/// One request's way through a list.
pub(super) struct Search<E> {
    end: Option<Instant>,
    tried: Vec<usize>,
    preferred: Option<(usize, E)>,
}

impl<E> Search<E> {
    /// Without a deadline for all of them together.
    pub(super) fn new() -> Self {
        Self {
            end: None,
            tried: Vec::new(),
            preferred: None,
        }
    }

    /// With one deadline for all of them.
    pub(super) fn within(deadline: Duration) -> Self {
        Self {
            end: Instant::now().checked_add(deadline),
            ..Self::new()
        }
    }

    /// The [next] that was not tried yet, with its place and how long it may take: as much of what is left as
    /// leaves those after it the same. `None` if nobody is left, or no time.
    pub(super) fn next<'a, T: AsRef<Guard>>(&mut self, list: &'a [T]) -> Option<(usize, &'a T, Duration)> {
        let left = self
            .end
            .map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return None;
        }
        let fresh = list.iter().map(AsRef::as_ref).enumerate();
        let fresh = fresh.filter(|(place, _)| !self.tried.contains(place));
        let share = left / u32::try_from(fresh.clone().count()).unwrap_or(u32::MAX).max(1);
        let place = next(fresh)?;
        self.tried.push(place);
        Some((place, list.get(place)?, share))
    }

    /// The one at this place has failed.
    pub(super) fn failed(&mut self, place: usize, error: E) {
        if self.preferred.as_ref().is_none_or(|(first, _)| place < *first) {
            self.preferred = Some((place, error));
        }
    }

    /// The failure of the most preferred one: that is the one to mend. `None` if none was asked.
    pub(super) fn into_error(self) -> Option<E> {
        self.preferred.map(|(_, error)| error)
    }
}

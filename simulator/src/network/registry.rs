//! All calls of the run, and the queue in front of them.

use super::call::Call;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The calls in the order of their creation.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    calls: Vec<Arc<Call>>,
    by_sid: BTreeMap<String, usize>,
    created_to: BTreeMap<String, u64>,
    requested_to: BTreeMap<String, u64>,
    next_turn: Option<Instant>,
}

impl Registry {
    /// Counts a request to create a call to this number: which one it is, from 1.
    pub(crate) fn count_request(&mut self, number: &str) -> u64 {
        count(&mut self.requested_to, number)
    }

    /// Counts a call to this number: which one it is, from 1.
    pub(crate) fn count_call(&mut self, number: &str) -> u64 {
        count(&mut self.created_to, number)
    }

    /// How many calls were created to this number.
    pub(crate) fn calls_to(&self, number: &str) -> u64 {
        self.created_to.get(number).copied().unwrap_or(0)
    }

    /// The next place in the queue; `per_second` 0: none has to wait.
    pub(crate) fn take_turn(&mut self, now: Instant, per_second: f64) -> Instant {
        if per_second <= 0.0 {
            return now;
        }
        let turn = self.next_turn.map_or(now, |turn| turn.max(now));
        self.next_turn = Some(turn + Duration::from_secs_f64(1.0 / per_second));
        turn
    }

    /// Adds a call.
    pub(crate) fn add(&mut self, call: Arc<Call>) {
        self.by_sid.insert(call.sid.clone(), self.calls.len());
        self.calls.push(call);
    }

    /// The call of that id.
    pub(crate) fn get(&self, sid: &str) -> Option<Arc<Call>> {
        self.calls.get(*self.by_sid.get(sid)?).cloned()
    }

    /// All calls, the newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Arc<Call>> {
        self.calls.iter().rev()
    }
}

fn count(counts: &mut BTreeMap<String, u64>, number: &str) -> u64 {
    let count = counts.entry(number.to_owned()).or_default();
    *count += 1;
    *count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_begins_one_call_a_second_and_forgets_idle_time() {
        let mut registry = Registry::default();
        let now = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(registry.take_turn(now, 1.0), now);
        assert_eq!(registry.take_turn(now, 1.0), now + second);
        assert_eq!(registry.take_turn(now + 10 * second, 1.0), now + 10 * second);
        assert_eq!(registry.take_turn(now, 0.0), now);
    }
}

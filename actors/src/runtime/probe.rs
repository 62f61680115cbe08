//! What the watchdog can see of a call without asking its actor.

use super::draft::CallDraft;
use super::pulse::WorkerPulse;
use crate::domain::{AttemptId, CallSid};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Hard limits on a call, in milliseconds (CALL-14). The dialogue has gentler ones of its own; these hold when it
/// does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the stream's start to the end, whatever happens. A campaign's own limit, and half a minute more for the
    /// dialogue to keep it, holds besides.
    pub longest_call_ms: u64,
    /// Nobody speaks, neither we nor the caller.
    pub dead_air_ms: u64,
    /// An utterance waits for its recognition.
    pub recognition_ms: u64,
    /// A mark is overdue by this much.
    pub mark_ms: u64,
    /// Something is to be spoken and no audio goes out.
    pub first_audio_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            longest_call_ms: 3_630_000,
            dead_air_ms: 60_000,
            recognition_ms: 15_000,
            mark_ms: 20_000,
            first_audio_ms: 10_000,
        }
    }
}

/// Which limit a call has overrun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overrun {
    /// It has lasted too long.
    LongestCall,
    /// Nobody has spoken for too long.
    DeadAir,
    /// The recogniser is silent.
    Recognition,
    /// A mark has not come back.
    Mark,
    /// No audio came from synthesis.
    FirstAudio,
}

impl Overrun {
    /// A word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LongestCall => "longest call",
            Self::DeadAir => "dead air",
            Self::Recognition => "silent recogniser",
            Self::Mark => "missing mark",
            Self::FirstAudio => "no audio to speak",
        }
    }
}

/// Never: the mark of a wait that is not going on.
const NEVER: u64 = u64::MAX;

/// One live call as seen from outside its actor. Written by the actor, read by watchdog and supervisor.
#[derive(Debug)]
pub struct CallProbe {
    /// The attempt.
    pub attempt: AttemptId,
    /// The carrier's id, for hanging up.
    pub call_sid: CallSid,
    /// The worker thread it runs on.
    pub worker: Arc<WorkerPulse>,
    limits: Limits,
    started_ms: u64,
    last_voice_ms: AtomicU64,
    recognition_since_ms: AtomicU64,
    mark_due_ms: AtomicU64,
    audio_wanted_since_ms: AtomicU64,
    ending: AtomicBool,
    draft: Mutex<CallDraft>,
}

impl CallProbe {
    /// The probe of a call that starts now (monotonic milliseconds).
    pub fn new(
        attempt: AttemptId,
        call_sid: CallSid,
        worker: Arc<WorkerPulse>,
        limits: Limits,
        now_ms: u64,
    ) -> Arc<Self> {
        Arc::new(Self {
            attempt,
            call_sid,
            worker,
            limits,
            started_ms: now_ms,
            last_voice_ms: AtomicU64::new(now_ms),
            recognition_since_ms: AtomicU64::new(NEVER),
            mark_due_ms: AtomicU64::new(NEVER),
            audio_wanted_since_ms: AtomicU64::new(NEVER),
            ending: AtomicBool::new(false),
            draft: Mutex::new(CallDraft::default()),
        })
    }

    /// Somebody speaks at this moment, or will until then.
    pub fn voice_until(&self, at_ms: u64) {
        self.last_voice_ms.fetch_max(at_ms, Ordering::Relaxed);
    }

    /// What was going to be played until then has been cleared: silence begins now.
    pub fn voice_cut(&self, now_ms: u64) {
        self.last_voice_ms.store(now_ms, Ordering::Relaxed);
    }

    /// An utterance waits for recognition since then, or none does.
    pub fn recognition_since(&self, since_ms: Option<u64>) {
        self.recognition_since_ms
            .store(since_ms.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// The next mark is due then, or none is outstanding.
    pub fn mark_due(&self, due_ms: Option<u64>) {
        self.mark_due_ms.store(due_ms.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Audio is wanted since then, or none is.
    pub fn audio_wanted_since(&self, since_ms: Option<u64>) {
        self.audio_wanted_since_ms
            .store(since_ms.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Marks the call as being ended. False if somebody did before.
    pub fn begin_ending(&self) -> bool {
        !self.ending.swap(true, Ordering::AcqRel)
    }

    /// Changes what the call has gathered.
    pub fn edit_draft<R>(&self, edit: impl FnOnce(&mut CallDraft) -> R) -> R {
        edit(&mut self.draft())
    }

    /// A copy of what the call has gathered.
    pub fn draft_so_far(&self) -> CallDraft {
        self.draft().clone()
    }

    /// Which limit is overrun now, if any.
    pub fn overrun(&self, now_ms: u64) -> Option<Overrun> {
        let waited = |since: &AtomicU64| match since.load(Ordering::Relaxed) {
            NEVER => 0,
            since => now_ms.saturating_sub(since),
        };
        let Limits {
            longest_call_ms,
            dead_air_ms,
            recognition_ms,
            mark_ms,
            first_audio_ms,
        } = self.limits;
        [
            (
                Overrun::LongestCall,
                now_ms.saturating_sub(self.started_ms),
                longest_call_ms,
            ),
            (Overrun::DeadAir, waited(&self.last_voice_ms), dead_air_ms),
            (Overrun::Recognition, waited(&self.recognition_since_ms), recognition_ms),
            (Overrun::Mark, waited(&self.mark_due_ms), mark_ms),
            (Overrun::FirstAudio, waited(&self.audio_wanted_since_ms), first_audio_ms),
        ]
        .into_iter()
        .find_map(|(overrun, waited_ms, limit_ms)| (waited_ms > limit_ms).then_some(overrun))
    }

    fn draft(&self) -> MutexGuard<'_, CallDraft> {
        // Each edit is a single assignment or push: a panic in between cannot leave nonsense behind.
        self.draft.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Every live call of this node.
#[derive(Debug, Default)]
pub struct CallTable {
    calls: Mutex<BTreeMap<AttemptId, Arc<CallProbe>>>,
}

impl CallTable {
    /// Adds a call.
    pub fn insert(&self, probe: Arc<CallProbe>) {
        self.calls().insert(probe.attempt.clone(), probe);
    }

    /// Takes a call out. `None` if it was taken out before: whoever takes it out writes its outcome.
    pub fn remove(&self, attempt: &AttemptId) -> Option<Arc<CallProbe>> {
        self.calls().remove(attempt)
    }

    /// Whether a call is among them.
    pub fn contains(&self, attempt: &AttemptId) -> bool {
        self.calls().contains_key(attempt)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.calls().len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, as of now.
    pub fn snapshot(&self) -> Vec<Arc<CallProbe>> {
        self.calls().values().cloned().collect()
    }

    fn calls(&self) -> MutexGuard<'_, BTreeMap<AttemptId, Arc<CallProbe>>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe() -> Arc<CallProbe> {
        CallProbe::new("a".into(), "CA1".into(), WorkerPulse::new(0), Limits::default(), 1_000)
    }

    #[test]
    fn a_call_within_its_limits_is_left_alone() {
        let probe = probe();
        probe.voice_until(50_000);
        assert_eq!(probe.overrun(100_000), None);
    }

    #[test]
    fn l10_a_call_that_lasts_too_long_is_found_though_its_actor_does_nothing() {
        let probe = probe();
        probe.voice_until(4_000_000);
        assert_eq!(probe.overrun(3_631_000), None);
        assert_eq!(probe.overrun(3_631_001), Some(Overrun::LongestCall));
    }

    #[test]
    fn dead_air_is_counted_from_the_end_of_what_plays_and_from_the_cut_of_what_was_cleared() {
        let probe = probe();
        probe.voice_until(90_000);
        assert_eq!(probe.overrun(140_000), None);
        probe.voice_cut(20_000);
        assert_eq!(probe.overrun(80_001), Some(Overrun::DeadAir));
    }

    #[test]
    fn each_wait_that_never_ends_is_found_and_named() {
        for (begin, expected) in [
            (
                CallProbe::recognition_since as fn(&CallProbe, Option<u64>),
                Overrun::Recognition,
            ),
            (CallProbe::mark_due, Overrun::Mark),
            (CallProbe::audio_wanted_since, Overrun::FirstAudio),
        ] {
            let probe = probe();
            begin(&probe, Some(2_000));
            assert_eq!(probe.overrun(2_001), None);
            assert_eq!(probe.overrun(30_000), Some(expected));
            begin(&probe, None);
            assert_eq!(probe.overrun(30_000), None);
        }
    }

    #[test]
    fn whoever_takes_a_call_out_of_the_table_is_alone_in_it() {
        let table = CallTable::default();
        table.insert(probe());
        assert!(table.remove(&"a".into()).is_some());
        assert!(table.remove(&"a".into()).is_none());
    }
}

//! A circuit breaker: what has failed is left alone for a while, then tried with one request before all come back.

/// How long what fails is left alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BreakerSettings {
    /// Longest first rest after a [`Fault::Passing`], in milliseconds. Each trial that fails doubles it.
    pub first_rest_ms: u64,
    /// The same after a [`Fault::Refused`], which mends itself less quickly.
    pub refused_rest_ms: u64,
    /// No rest is longer.
    pub longest_rest_ms: u64,
    /// A trial that has not ended by then counts no more, and another may begin: nobody may be left to report it.
    pub trial_ms: u64,
}

impl Default for BreakerSettings {
    /// 2 s, 30 s if refused, at most 2 minutes; a trial is over after 15 s.
    fn default() -> Self {
        Self {
            first_rest_ms: 2_000,
            refused_rest_ms: 30_000,
            longest_rest_ms: 120_000,
            trial_ms: 15_000,
        }
    }
}

/// What kind of failure it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It was silent, slow, cut off or broken: it may do better in a moment.
    Passing,
    /// It said no: key, quota, rate.
    Refused,
}

/// Where a breaker stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// All may pass.
    Closed,
    /// None may pass before the rest is over.
    Open {
        /// When it is over.
        until_ms: u64,
    },
    /// One passes, and what becomes of it decides.
    HalfOpen {
        /// When another may pass if nothing is heard of it.
        trial_until_ms: u64,
    },
}

/// The breaker of one service. Pure: the time is an argument, in milliseconds from any fixed point, and so is chance.
#[derive(Clone, Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    phase: Phase,
    /// Rests since the last success: each doubles the next.
    rests: u32,
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            phase: Phase::Closed,
            rests: 0,
        }
    }

    /// Whether a request may pass. After a rest the first that asks is the trial, and the others may not until it has
    /// been reported or its time is over.
    pub fn try_pass(&mut self, now_ms: u64) -> bool {
        let passes = match self.phase {
            Phase::Closed => return true,
            Phase::Open { until_ms } => now_ms >= until_ms,
            Phase::HalfOpen { trial_until_ms } => now_ms >= trial_until_ms,
        };
        if passes {
            self.phase = Phase::HalfOpen {
                trial_until_ms: now_ms.saturating_add(self.settings.trial_ms),
            };
        }
        passes
    }

    /// A request was served: all may pass.
    pub fn succeeded(&mut self) {
        self.phase = Phase::Closed;
        self.rests = 0;
    }

    /// A request failed. `jitter`, from 0 to 1, spreads the rest over its second half, so that the nodes of a fleet do
    /// not come back at once. Requests that had passed before the rest and fail during it do not prolong it.
    pub fn failed(&mut self, now_ms: u64, fault: Fault, jitter: f64) {
        if matches!(self.phase, Phase::Open { .. }) {
            return;
        }
        let first = match fault {
            Fault::Passing => self.settings.first_rest_ms,
            Fault::Refused => self.settings.refused_rest_ms,
        };
        let doubled = first.saturating_mul(1u64.checked_shl(self.rests).unwrap_or(u64::MAX));
        let longest = doubled.min(self.settings.longest_rest_ms);
        let jitter = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        let share = 0.5 + 0.5 * jitter;
        let rest = (longest as f64 * share) as u64;
        self.rests = self.rests.saturating_add(1);
        self.phase = Phase::Open {
            until_ms: now_ms.saturating_add(rest),
        };
    }

    /// Where it stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// When a request may pass at the earliest; 0 if at once.
    pub fn passes_from_ms(&self) -> u64 {
        match self.phase {
            Phase::Closed => 0,
            Phase::Open { until_ms } => until_ms,
            Phase::HalfOpen { trial_until_ms } => trial_until_ms,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new(BreakerSettings::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SETTINGS: BreakerSettings = BreakerSettings {
        first_rest_ms: 1_000,
        refused_rest_ms: 8_000,
        longest_rest_ms: 20_000,
        trial_ms: 5_000,
    };

    #[test]
    fn what_failed_rests_and_comes_back_through_one_trial() {
        let mut breaker = Breaker::new(SETTINGS);
        assert!(breaker.try_pass(0));
        breaker.failed(0, Fault::Passing, 1.0);
        assert!(!breaker.try_pass(999));
        assert!(breaker.try_pass(1_000), "the trial");
        assert!(!breaker.try_pass(1_000), "one at a time");
        breaker.succeeded();
        assert_eq!(breaker.phase(), Phase::Closed);
        assert!(breaker.try_pass(1_001) && breaker.try_pass(1_001));
    }

    #[test]
    fn every_trial_that_fails_doubles_the_rest_up_to_the_longest() {
        let mut breaker = Breaker::new(SETTINGS);
        let mut now = 0;
        let mut rests = Vec::new();
        for _ in 0..7 {
            breaker.failed(now, Fault::Passing, 1.0);
            rests.push(breaker.passes_from_ms() - now);
            now = breaker.passes_from_ms();
            assert!(breaker.try_pass(now));
        }
        assert_eq!(rests, [1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
    }

    #[test]
    fn a_refusal_rests_longer_and_stragglers_do_not_prolong_it() {
        let mut breaker = Breaker::new(SETTINGS);
        breaker.failed(0, Fault::Refused, 0.0);
        assert_eq!(breaker.phase(), Phase::Open { until_ms: 4_000 });
        breaker.failed(3_999, Fault::Refused, 1.0);
        assert_eq!(breaker.phase(), Phase::Open { until_ms: 4_000 });
    }

    #[test]
    fn a_trial_of_which_nothing_is_heard_holds_up_nobody_for_ever() {
        let mut breaker = Breaker::new(SETTINGS);
        breaker.failed(0, Fault::Passing, 1.0);
        assert!(breaker.try_pass(1_000));
        assert!(!breaker.try_pass(5_999));
        assert!(breaker.try_pass(6_000));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Wait(u64),
        Ask,
        Succeed,
        Fail(bool, f64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0u64..40_000).prop_map(Step::Wait),
            Just(Step::Ask),
            Just(Step::Succeed),
            (any::<bool>(), any::<f64>()).prop_map(|(refused, jitter)| Step::Fail(refused, jitter)),
        ]
    }

    proptest! {
        #[test]
        fn a_rest_is_kept_ends_and_lasts_from_half_to_all_of_what_is_set(steps in prop::collection::vec(step(), 0..60)) {
            let mut breaker = Breaker::new(SETTINGS);
            let (mut now, mut passes_in_trial) = (0u64, 0);
            for step in steps {
                let before = breaker.phase();
                match step {
                    Step::Wait(ms) => now += ms,
                    Step::Ask => {
                        let passed = breaker.try_pass(now);
                        match before {
                            Phase::Closed => prop_assert!(passed),
                            Phase::Open { until_ms } => prop_assert_eq!(passed, now >= until_ms),
                            Phase::HalfOpen { trial_until_ms } => prop_assert_eq!(passed, now >= trial_until_ms),
                        }
                        passes_in_trial += u32::from(passed && before != Phase::Closed);
                    }
                    Step::Succeed => {
                        breaker.succeeded();
                        prop_assert_eq!(breaker.phase(), Phase::Closed);
                        passes_in_trial = 0;
                    }
                    Step::Fail(refused, jitter) => {
                        let fault = if refused { Fault::Refused } else { Fault::Passing };
                        breaker.failed(now, fault, jitter);
                        match (before, breaker.phase()) {
                            (Phase::Open { .. }, after) => prop_assert_eq!(before, after),
                            (_, Phase::Open { until_ms }) => {
                                let rest = until_ms - now;
                                let least = if refused { 4_000 } else { 500 };
                                prop_assert!((least..=20_000).contains(&rest), "{}", rest);
                            }
                            (_, other) => prop_assert!(false, "{:?}", other),
                        }
                        passes_in_trial = 0;
                    }
                }
                // A trial is followed by another only when its time is over.
                prop_assert!(u64::from(passes_in_trial) <= 1 + now / SETTINGS.trial_ms);
            }
        }
    }
}

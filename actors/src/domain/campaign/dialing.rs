//! The rules a campaign dials by: when, how often, how many at once. Every default is narrower than the law it stands
//! for (India's TCCCPR: 09:00 to 21:00; 47 CFR 64.1200(c)(1): 8:00 to 21:00 where the person called is).

use super::super::{Disposition, Outcome};
use super::calendar::{CalendarDate, TimeOfDay, Weekday};
use crate::campaign::Breaker;
use serde::{Deserialize, Serialize};

/// What the registry said is stale for every campaign after so many days.
pub const LONGEST_SCRUB_AGE_DAYS: u32 = 365;

/// How a campaign dials.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DialingRules {
    /// When people may be called.
    pub window: CallingWindow,
    /// What follows a call that did not end the matter.
    pub retry: RetryPolicy,
    /// How many calls at most.
    pub limits: CampaignLimits,
    /// Whether calls are spread over what is left of the window, or made as soon as limits allow.
    pub spread: bool,
    /// When to pause because most calls fail.
    pub breaker: Breaker,
    /// Days after a live call of another campaign during which a number is left alone (0 to 365).
    pub cooldown_days: u32,
    /// Whether only contacts with prior consent are called.
    pub prior_consent_required: bool,
    /// Days after which what the registry said of a number is stale, and the number is not called (1 to
    /// [`LONGEST_SCRUB_AGE_DAYS`]). `None`: the registry is not asked.
    pub scrub_max_age_days: Option<u32>,
    /// Which campaign goes first where they share a limit: the higher.
    pub priority: i32,
}

impl Default for DialingRules {
    fn default() -> Self {
        Self {
            window: CallingWindow::default(),
            retry: RetryPolicy::default(),
            limits: CampaignLimits::default(),
            spread: true,
            breaker: Breaker::default(),
            cooldown_days: 30,
            prior_consent_required: false,
            scrub_max_age_days: None,
            priority: 0,
        }
    }
}

impl DialingRules {
    /// True if nothing was written: left out of what is stored and shown.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// [`Self::cooldown_days`] in milliseconds.
    pub fn cooldown_ms(&self) -> i64 {
        i64::from(self.cooldown_days) * DAY_MS
    }

    /// The oldest word of the registry that still counts, in UTC milliseconds; `None` if the registry is not asked.
    pub fn oldest_scrub_ms(&self, now_ms: i64) -> Option<i64> {
        self.scrub_max_age_days
            .map(|days| now_ms.saturating_sub(i64::from(days) * DAY_MS))
    }
}

const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const MINUTE_MS: i64 = 60 * 1_000;

/// A time-of-day range on some days of the week, read in a zone: the contact's own if known, else this one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallingWindow {
    /// IANA name of the zone. One that is not known keeps the window shut.
    pub zone: String,
    /// Days on which the window opens.
    pub weekdays: Vec<Weekday>,
    /// When it opens.
    pub start: TimeOfDay,
    /// When it shuts; earlier than `start` for a window that passes midnight, 00:00 twice for the whole day.
    pub end: TimeOfDay,
    /// Days on which it does not open: public holidays.
    pub blocked_dates: Vec<CalendarDate>,
}

impl Default for CallingWindow {
    /// 11:00 to 17:00 in India, Monday to Friday.
    fn default() -> Self {
        Self {
            zone: "Asia/Kolkata".to_owned(),
            weekdays: Weekday::MONDAY_TO_FRIDAY.to_vec(),
            start: TimeOfDay::hour(11),
            end: TimeOfDay::hour(17),
            blocked_dates: Vec::new(),
        }
    }
}

impl CallingWindow {
    /// Whether it is open from midnight to midnight.
    pub fn is_all_day(&self) -> bool {
        self.start == TimeOfDay::hour(0) && self.end == TimeOfDay::hour(0)
    }
}

/// One budget of attempts for a contact, whatever their outcomes (L19), and a pause after each kind of outcome in
/// minutes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    /// Attempts to a contact, the first included (1 to 20).
    pub max_attempts: u32,
    /// Between any two attempts.
    pub min_gap_minutes: u32,
    /// After a busy line.
    pub after_busy_minutes: u32,
    /// After ringing without an answer.
    pub after_no_answer_minutes: u32,
    /// After a machine.
    pub after_machine_minutes: u32,
    /// After an answer that led to nothing, and a wish for a callback without a time.
    pub after_abandoned_minutes: u32,
    /// After a fault, ours or the carrier's.
    pub after_fault_minutes: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            min_gap_minutes: 15,
            after_busy_minutes: 30,
            after_no_answer_minutes: 4 * 60,
            after_machine_minutes: 24 * 60,
            after_abandoned_minutes: 24 * 60,
            after_fault_minutes: 60,
        }
    }
}

/// What follows an attempt for its contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FollowUp {
    /// Never called again: the survey was answered.
    Completed,
    /// Never called again: the person does not want to.
    Refused,
    /// Never called again: the attempts are used up, or the number reaches nobody.
    NotReached,
    /// Due again.
    Retry {
        /// From when, in UTC milliseconds; the window decides besides.
        not_before_ms: i64,
    },
}

impl RetryPolicy {
    /// What follows an attempt that ended at `ended_at_ms`, the contact's `used_attempts`-th. A callback's time, if one
    /// was asked for, goes before the pauses; the budget goes before all.
    pub fn follow_up(
        &self,
        outcome: Outcome,
        disposition: Disposition,
        used_attempts: u32,
        callback_at_ms: Option<i64>,
        ended_at_ms: i64,
    ) -> FollowUp {
        match outcome {
            Outcome::Completed | Outcome::Partial => return FollowUp::Completed,
            Outcome::Refused => return FollowUp::Refused,
            Outcome::WrongPerson => return FollowUp::NotReached,
            Outcome::Callback | Outcome::Voicemail | Outcome::Abandoned | Outcome::Failed => {}
        }
        let dead_number = matches!(disposition, Disposition::Fax | Disposition::NonWorkingNumber);
        if dead_number || used_attempts >= self.max_attempts {
            return FollowUp::NotReached;
        }
        let pause_minutes = match (outcome, disposition) {
            (_, Disposition::Busy) => self.after_busy_minutes,
            (_, Disposition::NoAnswer) => self.after_no_answer_minutes,
            (Outcome::Voicemail, _) | (_, Disposition::Machine) => self.after_machine_minutes,
            (Outcome::Callback | Outcome::Abandoned, _) => self.after_abandoned_minutes,
            _ => self.after_fault_minutes,
        };
        let earliest_ms = self.earliest_ms(ended_at_ms);
        let not_before_ms = match callback_at_ms {
            Some(asked_ms) if outcome == Outcome::Callback => asked_ms.max(earliest_ms),
            _ => earliest_ms.max(ended_at_ms.saturating_add(i64::from(pause_minutes) * MINUTE_MS)),
        };
        FollowUp::Retry { not_before_ms }
    }

    /// Before this nobody is called again, whatever was asked for: the end of an attempt and the gap after it. UTC
    /// milliseconds.
    pub fn earliest_ms(&self, ended_at_ms: i64) -> i64 {
        ended_at_ms.saturating_add(i64::from(self.min_gap_minutes) * MINUTE_MS)
    }
}

/// Limits of one campaign, besides those of the fleet. `None`: only the fleet's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CampaignLimits {
    /// Calls at once (1 or more).
    pub concurrent_calls: Option<u32>,
    /// Calls begun in any second (1 or more).
    pub calls_per_second: Option<u32>,
    /// Calls begun on one day of the campaign's zone (1 or more).
    pub calls_per_day: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rules_that_are_not_written_are_the_defaults_and_are_left_out() {
        let rules: DialingRules = serde_json::from_str("{}").expect("rules");
        assert!(rules.is_default());
        assert_eq!(rules.window.start, TimeOfDay::hour(11));
        assert_eq!(rules.cooldown_ms(), 30 * 86_400_000);
    }

    #[test]
    fn l17_a_machine_is_followed_by_another_attempt() {
        let policy = RetryPolicy::default();
        let next = policy.follow_up(Outcome::Voicemail, Disposition::Machine, 1, None, 0);
        let not_before_ms = 24 * 60 * MINUTE_MS;
        assert_eq!(next, FollowUp::Retry { not_before_ms });
    }

    #[test]
    fn a_callback_comes_at_the_time_asked_for_and_never_before_the_gap_after_the_call() {
        let policy = RetryPolicy {
            min_gap_minutes: 1,
            ..RetryPolicy::default()
        };
        for (asked, due) in [(60_500, 60_500), (60_050, 60_100), (50, 60_100)] {
            let next = policy.follow_up(Outcome::Callback, Disposition::NonContact, 1, Some(asked), 100);
            assert_eq!(next, FollowUp::Retry { not_before_ms: due });
        }
    }

    proptest! {
        #[test]
        fn l19_one_budget_ends_the_attempts_whatever_the_outcomes(
            max_attempts in 1_u32..20,
            outcomes in proptest::collection::vec(
                proptest::sample::select(vec![
                    (Outcome::Failed, Disposition::Busy),
                    (Outcome::Failed, Disposition::NoAnswer),
                    (Outcome::Failed, Disposition::TechnicalProblem),
                    (Outcome::Voicemail, Disposition::Machine),
                    (Outcome::Abandoned, Disposition::NonContact),
                    (Outcome::Callback, Disposition::NonContact),
                ]),
                20,
            ),
            callback in proptest::option::of(0_i64..1_000_000),
        ) {
            let policy = RetryPolicy { max_attempts, ..RetryPolicy::default() };
            let mut attempts = 0;
            for (outcome, disposition) in outcomes {
                attempts += 1;
                match policy.follow_up(outcome, disposition, attempts, callback, 1_000) {
                    FollowUp::Retry { not_before_ms } => prop_assert!(not_before_ms >= 1_000),
                    end => {
                        prop_assert_eq!(end, FollowUp::NotReached);
                        break;
                    }
                }
            }
            prop_assert_eq!(attempts, max_attempts);
        }

        #[test]
        fn completed_and_refused_are_never_dialled_again(used in 0_u32..50, callback in proptest::option::of(any::<i64>())) {
            let policy = RetryPolicy::default();
            for (outcome, disposition, end) in [
                (Outcome::Completed, Disposition::Complete, FollowUp::Completed),
                (Outcome::Partial, Disposition::Partial, FollowUp::Completed),
                (Outcome::Refused, Disposition::RespondentRefusal, FollowUp::Refused),
            ] {
                prop_assert_eq!(policy.follow_up(outcome, disposition, used, callback, 0), end);
            }
        }
    }
}

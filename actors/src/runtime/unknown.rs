//! What became of a submission whose answer was unclear: decided from what the carrier lists, and never by asking
//! again for the call (L20).
//!
//! The carrier keeps no field of ours, so a call is known by its marks: the number called, the number calling, and the
//! moment it was taken. That is enough because at most one attempt to a number is in flight in the whole fleet.

use crate::domain::{CallSid, CarrierStatus};
use crate::ports::{CallMarks, CarrierCall, CarrierError};

/// The carrier's clock and ours differ by no more.
const CLOCK_SKEW_MS: i64 = 60_000;
/// Two minutes beyond the longest wait for an answer, within which the end of a call is reported.
const REPORTED_WITHIN_MS: i64 = 120_000;
/// No call is placed with a longer time limit: an hour's conversation and a minute.
const LONGEST_CALL_MS: i64 = 3_660_000;

/// How long a submission can have consequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    unseen_ms: i64,
}

impl Horizon {
    /// The carrier queues a call for at most `queue_limit_seconds` and rings it for `ring_timeout_seconds`.
    pub fn new(queue_limit_seconds: u32, ring_timeout_seconds: u32) -> Self {
        let waits_ms = 1_000 * (i64::from(queue_limit_seconds) + i64::from(ring_timeout_seconds));
        Self {
            unseen_ms: waits_ms + REPORTED_WITHIN_MS,
        }
    }

    /// The same with another limit on how long a call may go unseen, in milliseconds.
    pub fn of_unseen(unseen_ms: i64) -> Self {
        Self { unseen_ms }
    }

    /// From the submission until a call that nothing was seen of cannot exist any more, in milliseconds.
    pub fn unseen_ms(self) -> i64 {
        self.unseen_ms
    }

    /// From the submission until even a call that was answered last of all has ended, in milliseconds.
    pub fn over_ms(self) -> i64 {
        self.unseen_ms.saturating_add(LONGEST_CALL_MS)
    }
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The call exists: the attempt goes on, or ends, as the status says.
    Placed {
        /// The carrier's id.
        sid: CallSid,
        /// Its status; `None` for a word we do not know.
        status: Option<CarrierStatus>,
    },
    /// Not known yet: a callback, the media stream or a later look will tell.
    Open,
    /// There is no such call and there will be none: failed, for reasons that are not known.
    Failed,
}

/// Decides about a submission from the calls that the carrier lists to the number, or from why it could not list them.
pub fn find(
    marks: &CallMarks,
    listed: Result<&[CarrierCall], &CarrierError>,
    horizon: Horizon,
    now_ms: i64,
) -> Finding {
    let age_ms = now_ms.saturating_sub(marks.submitted_at_ms);
    let after = |limit_ms: i64| {
        if age_ms > limit_ms {
            Finding::Failed
        } else {
            Finding::Open
        }
    };
    let Ok(listed) = listed else {
        // It may exist, and nobody can say: it counts until no call could go on any more.
        return after(horizon.over_ms());
    };
    let mut ours = listed.iter().filter(|call| is_ours(marks, horizon, call));
    match (ours.next(), ours.next()) {
        (None, _) => after(horizon.unseen_ms()),
        (Some(call), None) => Finding::Placed {
            sid: call.sid.clone(),
            status: call.status,
        },
        // Somebody else calls this number from ours at the same moment. Which is ours, its callbacks would say.
        (Some(_), Some(_)) => after(horizon.over_ms()),
    }
}

fn is_ours(marks: &CallMarks, horizon: Horizon, call: &CarrierCall) -> bool {
    let earliest_ms = marks.submitted_at_ms.saturating_sub(CLOCK_SKEW_MS);
    // A request that was asked to slow down is sent again later.
    let latest_ms = marks
        .submitted_at_ms
        .saturating_add(horizon.unseen_ms())
        .saturating_add(CLOCK_SKEW_MS);
    call.to.as_ref() == Some(&marks.to)
        && call.from.as_ref() == Some(&marks.from)
        && call
            .created_at_ms
            .is_some_and(|at_ms| (earliest_ms..=latest_ms).contains(&at_ms))
        && !marks.taken.contains(&call.sid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PhoneNumber;
    use proptest::prelude::*;

    const SUBMITTED_MS: i64 = 1_700_000_000_000;
    const TO: &str = "+14155550123";
    const FROM: &str = "+14155550100";

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).expect("a number")
    }

    fn marks() -> CallMarks {
        CallMarks {
            to: number(TO),
            from: number(FROM),
            submitted_at_ms: SUBMITTED_MS,
            taken: vec![CallSid::from("CA-earlier")],
        }
    }

    fn call(sid: &str, status: CarrierStatus) -> CarrierCall {
        CarrierCall {
            sid: CallSid::from(sid),
            status: Some(status),
            queue_time_ms: None,
            to: Some(number(TO)),
            from: Some(number(FROM)),
            created_at_ms: Some(SUBMITTED_MS + 1_000),
        }
    }

    fn horizon() -> Horizon {
        Horizon::new(60, 30)
    }

    fn find_at(age_ms: i64, listed: &[CarrierCall]) -> Finding {
        find(&marks(), Ok(listed), horizon(), SUBMITTED_MS + age_ms)
    }

    #[test]
    fn a_call_with_our_marks_is_ours_at_any_age_and_in_any_state() {
        for status in [
            CarrierStatus::Queued,
            CarrierStatus::InProgress,
            CarrierStatus::Completed,
        ] {
            for age_ms in [0, 30_000, 10_000_000] {
                let expected = Finding::Placed {
                    sid: "CA1".into(),
                    status: Some(status),
                };
                assert_eq!(find_at(age_ms, &[call("CA1", status)]), expected);
            }
        }
    }

    #[test]
    fn a_call_with_other_marks_is_not_ours() {
        let ours = || call("CA1", CarrierStatus::Ringing);
        let others = [
            CarrierCall {
                to: Some(number("+14155550199")),
                ..ours()
            },
            CarrierCall { to: None, ..ours() },
            CarrierCall {
                from: Some(number("+14155550199")),
                ..ours()
            },
            CarrierCall { from: None, ..ours() },
            CarrierCall {
                created_at_ms: None,
                ..ours()
            },
            CarrierCall {
                created_at_ms: Some(SUBMITTED_MS - 61_000),
                ..ours()
            },
            CarrierCall {
                created_at_ms: Some(SUBMITTED_MS + 271_000),
                ..ours()
            },
            call("CA-earlier", CarrierStatus::Completed),
        ];
        assert_eq!(find_at(30_000, &others), Finding::Open);
        assert_eq!(find_at(210_001, &others), Finding::Failed);
        let mut with_ours = others.to_vec();
        with_ours.push(ours());
        assert!(matches!(find_at(210_001, &with_ours), Finding::Placed { .. }));
    }

    #[test]
    fn what_the_carrier_does_not_list_has_failed_once_it_could_not_exist_any_more() {
        // 60 s in the queue, 30 s of ringing, two minutes.
        assert_eq!(horizon().unseen_ms(), 210_000);
        assert_eq!(find_at(210_000, &[]), Finding::Open);
        assert_eq!(find_at(210_001, &[]), Finding::Failed);
    }

    #[test]
    fn a_carrier_that_cannot_be_asked_proves_nothing_until_every_call_is_over() {
        let errors = [
            CarrierError::Unclear {
                reason: "HTTP 500".into(),
            },
            CarrierError::Unreachable {
                reason: "no route".into(),
            },
            CarrierError::RateLimited { code: Some(20_429) },
            CarrierError::NotInProgress { code: None },
        ];
        for error in &errors {
            let at = |age_ms: i64| find(&marks(), Err(error), horizon(), SUBMITTED_MS + age_ms);
            assert_eq!(at(210_001), Finding::Open, "{error}");
            assert_eq!(at(horizon().over_ms()), Finding::Open, "{error}");
            assert_eq!(at(horizon().over_ms() + 1), Finding::Failed, "{error}");
        }
    }

    #[test]
    fn of_two_calls_that_look_alike_neither_is_taken() {
        let two = [call("CA1", CarrierStatus::Ringing), call("CA2", CarrierStatus::Ringing)];
        assert_eq!(find_at(210_001, &two), Finding::Open);
        assert_eq!(find_at(horizon().over_ms() + 1, &two), Finding::Failed);
    }

    fn any_call() -> impl Strategy<Value = CarrierCall> {
        let numbers = || prop::sample::select(vec![None, Some(TO), Some(FROM), Some("+919876543210")]);
        let status = prop::sample::select(vec![None, Some(CarrierStatus::Queued), Some(CarrierStatus::Completed)]);
        let sid = prop::sample::select(vec!["CA1", "CA2", "CA-earlier"]);
        let created = prop::option::of(-200_000_i64..400_000);
        (sid, status, numbers(), numbers(), created).prop_map(|(sid, status, to, from, created)| CarrierCall {
            sid: sid.into(),
            status,
            queue_time_ms: None,
            to: to.map(number),
            from: from.map(number),
            created_at_ms: created.map(|after| SUBMITTED_MS + after),
        })
    }

    proptest! {
        #[test]
        fn what_is_found_was_listed_to_our_number_near_the_submission_and_is_nobody_elses(
            listed in prop::collection::vec(any_call(), 0..5), age_ms in -100_000_i64..10_000_000,
        ) {
            match find_at(age_ms, &listed) {
                Finding::Placed { sid, .. } => {
                    let found = listed.iter().filter(|call| call.sid == sid && is_ours(&marks(), horizon(), call)).count();
                    prop_assert_eq!(found, 1);
                    prop_assert_ne!(sid.as_str(), "CA-earlier");
                }
                Finding::Open => prop_assert!(age_ms <= horizon().over_ms()),
                Finding::Failed => prop_assert!(age_ms > horizon().unseen_ms()),
            }
        }

        #[test]
        fn time_alone_turns_open_into_failed_and_nothing_back(
            listed in prop::collection::vec(any_call(), 0..5), early in 0_i64..10_000_000, later in 0_i64..10_000_000,
        ) {
            let (before, after) = (find_at(early, &listed), find_at(early + later, &listed));
            prop_assert!(before == after || (before, after) == (Finding::Open, Finding::Failed));
        }

        #[test]
        fn the_order_of_the_list_does_not_matter(
            (one, other) in prop::collection::vec(any_call(), 0..5)
                .prop_flat_map(|calls| (Just(calls.clone()), Just(calls).prop_shuffle())),
        ) {
            prop_assert_eq!(find_at(30_000, &one), find_at(30_000, &other));
        }

        #[test]
        fn no_time_makes_it_panic(submitted_at_ms in any::<i64>(), now_ms in any::<i64>(), unseen_ms in any::<i64>()) {
            let marks = CallMarks { submitted_at_ms, ..marks() };
            let listed = [call("CA1", CarrierStatus::Queued)];
            let _ = find(&marks, Ok(&listed), Horizon::of_unseen(unseen_ms), now_ms);
        }
    }
}

//! What follows a call, and when a campaign pauses.

use crate::windows::instant;
use proptest::prelude::*;
use samvad_actors::campaign::{
    Breaker, CallingWindow, DEFAULT_ZONE, Ended, NextDial, RetryCause, RetryPolicy, WindowRule,
};
use samvad_actors::domain::{Disposition, Outcome};

fn window() -> CallingWindow {
    CallingWindow::new(WindowRule::default(), DEFAULT_ZONE).expect("known")
}

fn ended(outcome: Outcome, disposition: Disposition) -> Ended {
    Ended {
        outcome,
        disposition,
        // Friday 12:30 in India.
        ended_at_ms: instant("2026-11-20T07:00:00Z"),
        callback_at_ms: None,
    }
}

const OUTCOMES: [Outcome; 8] = [
    Outcome::Completed,
    Outcome::Partial,
    Outcome::Refused,
    Outcome::Callback,
    Outcome::WrongPerson,
    Outcome::Voicemail,
    Outcome::Abandoned,
    Outcome::Failed,
];
const DISPOSITIONS: [Disposition; 12] = [
    Disposition::Complete,
    Disposition::Partial,
    Disposition::RespondentRefusal,
    Disposition::BreakOff,
    Disposition::NonContact,
    Disposition::NotAttempted,
    Disposition::Busy,
    Disposition::NoAnswer,
    Disposition::Machine,
    Disposition::TechnicalProblem,
    Disposition::Fax,
    Disposition::NonWorkingNumber,
];

proptest! {
    #[test]
    fn l19_one_budget_holds_for_every_sequence_of_outcomes(
        max_attempts in 1u32..6,
        delays in prop::collection::btree_map(
            prop::sample::select(vec![RetryCause::Busy, RetryCause::NoAnswer, RetryCause::Voicemail, RetryCause::Fault]),
            0u32..3000,
            0..4,
        ),
        calls in prop::collection::vec(
            (prop::sample::select(OUTCOMES.to_vec()), prop::sample::select(DISPOSITIONS.to_vec()), prop::option::of(-100_000_000i64..900_000_000)),
            1..20,
        ),
    ) {
        let policy = RetryPolicy { max_attempts, delay_minutes: delays, default_delay_minutes: 60 };
        let window = window();
        let mut now_ms = instant("2026-11-20T07:00:00Z");
        let mut attempts = 0;
        for (outcome, disposition, asked_in_ms) in calls {
            attempts += 1;
            let call = Ended {
                outcome,
                disposition,
                ended_at_ms: now_ms,
                callback_at_ms: asked_in_ms.map(|ahead| now_ms + ahead),
            };
            let next = policy.after(&call, attempts, &window);
            match next {
                NextDial::Never | NextDial::NotReached => break,
                NextDial::Retry { due_at_ms } | NextDial::Callback { due_at_ms } => {
                    prop_assert!(!matches!(outcome, Outcome::Completed | Outcome::Refused));
                    prop_assert!(window.is_open(due_at_ms));
                    prop_assert!(due_at_ms >= now_ms);
                    if outcome == Outcome::Callback {
                        prop_assert!(call.callback_at_ms.is_none_or(|asked| due_at_ms >= asked));
                    }
                    now_ms = due_at_ms;
                }
            }
        }
        prop_assert!(attempts <= max_attempts, "{} attempts of {}", attempts, max_attempts);
    }
}

#[test]
fn completed_and_refused_are_never_dialled_again_whatever_the_carrier_says() {
    for outcome in [
        Outcome::Completed,
        Outcome::Refused,
        Outcome::Partial,
        Outcome::WrongPerson,
    ] {
        for disposition in DISPOSITIONS {
            let next = RetryPolicy::default().after(&ended(outcome, disposition), 1, &window());
            assert_eq!(next, NextDial::Never, "{outcome:?} {disposition:?}");
        }
    }
    for dead in [Disposition::NonWorkingNumber, Disposition::Fax] {
        let next = RetryPolicy::default().after(&ended(Outcome::Failed, dead), 1, &window());
        assert_eq!(next, NextDial::Never);
    }
}

#[test]
fn each_cause_has_its_delay() {
    let minutes_later = |outcome, disposition| {
        let call = ended(outcome, disposition);
        match RetryPolicy::default().after(&call, 1, &window()) {
            NextDial::Retry { due_at_ms } => (due_at_ms - call.ended_at_ms) / 60_000,
            other => panic!("no retry: {other:?}"),
        }
    };
    assert_eq!(minutes_later(Outcome::Failed, Disposition::Busy), 15);
    assert_eq!(minutes_later(Outcome::Failed, Disposition::TechnicalProblem), 30);
    assert_eq!(minutes_later(Outcome::Failed, Disposition::NoAnswer), 240);
}

#[test]
fn l17_after_a_voicemail_a_redial_follows_and_moves_into_the_window() {
    let mut call = ended(Outcome::Voicemail, Disposition::Machine);
    // Friday 16:00 in India; four hours later the window is closed until Monday.
    call.ended_at_ms = instant("2026-11-20T10:30:00Z");
    let due_at_ms = instant("2026-11-23T05:30:00Z");
    assert_eq!(
        RetryPolicy::default().after(&call, 1, &window()),
        NextDial::Retry { due_at_ms }
    );
    assert_eq!(RetryPolicy::default().after(&call, 3, &window()), NextDial::NotReached);
}

#[test]
fn a_callback_is_due_at_the_asked_time_moved_into_the_window() {
    let mut call = ended(Outcome::Callback, Disposition::NonContact);
    for (asked, due) in [
        ("2026-11-20T09:15:00Z", "2026-11-20T09:15:00Z"),
        ("2026-11-20T15:00:00Z", "2026-11-23T05:30:00Z"),
        ("2026-11-20T01:00:00Z", "2026-11-20T07:00:00Z"),
    ] {
        call.callback_at_ms = Some(instant(asked));
        let due_at_ms = instant(due);
        assert_eq!(
            RetryPolicy::default().after(&call, 2, &window()),
            NextDial::Callback { due_at_ms },
            "{asked}"
        );
    }
}

#[test]
fn p53_a_campaign_pauses_when_most_of_its_recent_calls_failed_and_says_why() {
    let breaker = Breaker {
        recent: 4,
        more_than_percent: 50,
    };
    let (bad, good) = (Disposition::TechnicalProblem, Disposition::NoAnswer);
    assert_eq!(breaker.judge(&[bad, bad, bad]), None, "too few to judge");
    assert_eq!(breaker.judge(&[bad, good, bad, good]), None, "half is not most");
    assert_eq!(
        breaker.judge(&[good, good, bad, good, bad, bad, bad]),
        None,
        "the latest count"
    );
    let trip = breaker.judge(&[bad, good, bad, bad, good]).expect("three of four");
    assert_eq!((trip.failed, trip.of), (3, 4));
    assert!(trip.to_string().starts_with("3 of the last 4 calls failed"));
    let off = Breaker {
        recent: 0,
        more_than_percent: 0,
    };
    assert_eq!(off.judge(&[bad; 50]), None);
}

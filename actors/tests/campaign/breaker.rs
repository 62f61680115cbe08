//! When a campaign pauses because most of its calls fail.

use samvad_actors::campaign::Breaker;
use samvad_actors::domain::Disposition;

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

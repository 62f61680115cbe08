use super::*;
use proptest::prelude::*;
use samvad_actors::domain::{CampaignId, ContactId, Language, PhoneNumber};
use samvad_actors::ports::AnswerDetection;
use tokio::time::Instant;

const BEGAN_MS: i64 = 1_750_000_000_000;

/// The run time's own, virtual time.
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn unix_ms(&self) -> i64 {
        BEGAN_MS + i64::try_from(self.monotonic().as_millis()).expect("a test is short")
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A carrier that takes every call and holds it for a while.
#[derive(Default)]
struct Queueing {
    queue_time_ms: Option<u64>,
    /// Errors in answer to cancelling, the last first; it succeeds when there are none.
    cancelling: Mutex<Vec<CarrierError>>,
    /// What a call is when cancelling succeeds, if no longer queued.
    cancelled_as: Option<CarrierStatus>,
    created: Mutex<Vec<Instant>>,
    updates: Mutex<Vec<CallUpdate>>,
}

impl Queueing {
    fn call(&self, status: CarrierStatus) -> CarrierCall {
        CarrierCall {
            sid: "CA1".into(),
            status: Some(status),
            queue_time_ms: self.queue_time_ms,
            to: None,
            from: None,
            created_at_ms: None,
        }
    }
}

#[async_trait]
impl Carrier for Queueing {
    async fn create_call(&self, _: NewCall) -> Result<CarrierCall, CarrierError> {
        self.created.lock().expect("not poisoned").push(Instant::now());
        Ok(self.call(CarrierStatus::Queued))
    }

    async fn update_call(&self, _: &CallSid, update: CallUpdate) -> Result<CarrierCall, CarrierError> {
        self.updates.lock().expect("not poisoned").push(update);
        match self.cancelling.lock().expect("not poisoned").pop() {
            Some(error) => Err(error),
            None => Ok(self.call(self.cancelled_as.unwrap_or(CarrierStatus::Queued))),
        }
    }

    async fn fetch_call(&self, _: &CallSid) -> Result<CarrierCall, CarrierError> {
        Ok(self.call(CarrierStatus::Queued))
    }

    async fn list_calls(&self, _: &CallQuery) -> Result<Vec<CarrierCall>, CarrierError> {
        Ok(Vec::new())
    }
}

fn paced(carrier: &Arc<Queueing>, calls_per_second: f64) -> PacedCarrier {
    PacedCarrier::new(
        carrier.clone(),
        Arc::new(VirtualClock(Instant::now())),
        calls_per_second,
    )
}

fn new_call(latest_start_ms: Option<i64>) -> NewCall {
    NewCall {
        attempt: AttemptId::from("attempt-1"),
        campaign: CampaignId::from("campaign"),
        contact: ContactId::from("contact"),
        language: Language::default(),
        to: PhoneNumber::parse("+14155550123").expect("a number"),
        from: PhoneNumber::parse("+14155550100").expect("a number"),
        media_token: "token".to_owned(),
        ring_timeout_seconds: 30,
        time_limit_seconds: 300,
        answer_detection: AnswerDetection::Off,
        latest_start_ms,
    }
}

fn queueing(queue_time_ms: u64) -> Arc<Queueing> {
    Arc::new(Queueing {
        queue_time_ms: Some(queue_time_ms),
        ..Queueing::default()
    })
}

#[tokio::test(start_paused = true)]
async fn calls_asked_for_at_once_reach_the_carrier_at_its_rate_or_are_told_to_come_back() {
    let carrier = Arc::new(Queueing::default());
    let paced = paced(&carrier, 2.0);
    let answers = futures_util::future::join_all((0..8).map(|_| paced.create_call(new_call(None)))).await;
    let told_to_wait = |answer: &&Result<_, _>| **answer == Err(CarrierError::RateLimited { code: None });
    assert_eq!(answers.iter().filter(told_to_wait).count(), 3);
    let created = carrier.created.lock().expect("not poisoned").clone();
    assert_eq!(created.len(), 5, "at once, and one every half second for two seconds");
    for pair in created.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(500));
    }
}

#[tokio::test(start_paused = true)]
async fn l22_a_call_that_the_carrier_would_hold_past_the_windows_end_is_taken_back() {
    for (queue_time_ms, latest_after_ms, updates) in [
        (5_000, Some(4_999), vec![CallUpdate::Cancel]),
        (5_000, Some(5_000), vec![]),
        (5_000, None, vec![]),
    ] {
        let carrier = queueing(queue_time_ms);
        let latest = latest_after_ms.map(|after: i64| BEGAN_MS + after);
        let call = paced(&carrier, 1.0)
            .create_call(new_call(latest))
            .await
            .expect("a call");
        let taken_back = call.status == Some(CarrierStatus::Canceled);
        assert_eq!(taken_back, !updates.is_empty());
        assert_eq!(*carrier.updates.lock().expect("not poisoned"), updates);
    }
}

#[tokio::test(start_paused = true)]
async fn taking_back_is_tried_again_and_a_call_that_was_answered_meanwhile_goes_on() {
    let unclear = || CarrierError::Unclear {
        reason: "HTTP 500".into(),
    };
    for (answers, tries, status) in [
        (vec![unclear(), unclear()], 3, CarrierStatus::Canceled),
        (
            vec![CarrierError::NotInProgress { code: Some(21_220) }],
            1,
            CarrierStatus::Queued,
        ),
        (vec![unclear(); 9], 5, CarrierStatus::Queued),
    ] {
        let carrier = queueing(5_000);
        *carrier.cancelling.lock().expect("not poisoned") = answers;
        let call = paced(&carrier, 1.0)
            .create_call(new_call(Some(BEGAN_MS)))
            .await
            .expect("a call");
        assert_eq!(call.status, Some(status));
        assert_eq!(carrier.updates.lock().expect("not poisoned").len(), tries);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_goes_on_in_spite_of_being_taken_back_is_not_called_cancelled() {
    for status in [
        CarrierStatus::InProgress,
        CarrierStatus::Completed,
        CarrierStatus::Canceled,
    ] {
        let carrier = Arc::new(Queueing {
            queue_time_ms: Some(5_000),
            cancelled_as: Some(status),
            ..Queueing::default()
        });
        let call = paced(&carrier, 1.0).create_call(new_call(Some(BEGAN_MS))).await;
        assert_eq!(call.expect("a call").status, Some(status));
    }
}

#[tokio::test(start_paused = true)]
async fn l22_nothing_is_placed_once_the_window_has_ended() {
    let carrier = Arc::new(Queueing::default());
    let error = paced(&carrier, 1.0).create_call(new_call(Some(BEGAN_MS - 1))).await;
    assert!(matches!(error, Err(CarrierError::Refused { http: 0, .. })), "{error:?}");
    assert!(carrier.created.lock().expect("not poisoned").is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_the_carrier_is_behind_nothing_is_added_to_its_queue() {
    let carrier = queueing(60_000);
    let paced = paced(&carrier, 10.0);
    paced.create_call(new_call(None)).await.expect("the first");
    assert_eq!(
        paced.create_call(new_call(None)).await,
        Err(CarrierError::RateLimited { code: None })
    );
    tokio::time::advance(Duration::from_secs(60)).await;
    paced.create_call(new_call(None)).await.expect("its queue is empty");
}

proptest! {
    #[test]
    fn no_second_has_more_turns_than_the_rate_and_one(
        rate in 1_u32..50, steps in prop::collection::vec((0_u64..400, prop::option::of(0_u64..3_000)), 1..200),
    ) {
        let mut turns = Turns::new(f64::from(rate));
        let mut now = Duration::ZERO;
        let mut taken: Vec<Duration> = Vec::new();
        for (pause_ms, held_ms) in steps {
            now += Duration::from_millis(pause_ms);
            if let Some(held_ms) = held_ms {
                turns.held_back(now, Duration::from_millis(held_ms));
            }
            taken.extend(turns.take(now, LONGEST_WAIT).map(|wait| now + wait));
        }
        for (index, start) in taken.iter().enumerate() {
            let within = taken[index..].iter().filter(|turn| **turn - *start < Duration::from_secs(1));
            prop_assert!(within.count() <= rate as usize + 1);
        }
        prop_assert!(taken.is_sorted());
    }

    #[test]
    fn a_call_is_taken_back_exactly_if_it_would_begin_after_the_window(
        latest_ms in -10_000_i64..10_000, now_ms in -10_000_i64..10_000, queue_ms in 0_u64..10_000,
    ) {
        let begins_ms = now_ms + i64::try_from(queue_ms).expect("small");
        prop_assert_eq!(begins_too_late(Some(latest_ms), now_ms, Some(queue_ms)), begins_ms > latest_ms);
        prop_assert_eq!(begins_too_late(Some(latest_ms), now_ms, None), now_ms > latest_ms);
        prop_assert!(!begins_too_late(None, now_ms, Some(queue_ms)));
        prop_assert!(begins_too_late(Some(latest_ms), now_ms, Some(u64::MAX)));
    }
}

//! Calls by their numbers.

use crate::world::*;
use samvad_actors::domain::{AttemptId, CallSid};
use samvad_actors::ports::CallMarks;

pub async fn the_marks_of_an_attempt_are_its_numbers_its_time_and_the_calls_of_others(store: TestStore) {
    let spring = put_person(&store, "spring", 1).await;
    let autumn = put_person(&store, "autumn", 1).await;
    let earlier = submitted(&store, &spring, "a").await;
    let taken = store
        .attempt(&earlier)
        .await
        .expect("read")
        .and_then(|row| row.call_sid);
    store.record_outcome(&report(&earlier)).await.expect("ended");

    let unclear = submitting(&store, &autumn, "b").await;
    let marks = store.marks(&unclear).await.expect("read").expect("an attempt");
    assert_eq!(
        marks,
        CallMarks {
            to: number(1),
            from: campaign("autumn").caller_id,
            submitted_at_ms: NOW,
            taken: vec![taken.expect("a call")],
        }
    );
    assert_eq!(store.marks(&AttemptId::from("nobody's")).await, Ok(None));
    let own = store.marks(&earlier).await.expect("read").expect("an attempt");
    assert_eq!(
        own.taken,
        Vec::<CallSid>::new(),
        "an attempt's own call is not another's"
    );
}

pub async fn who_called_last_is_the_latest_attempt_that_was_submitted_in_time(store: TestStore) {
    let spring = put_person(&store, "spring", 1).await;
    let autumn = put_person(&store, "autumn", 1).await;
    let name = async |since_ms| {
        let campaign = store.last_campaign_to(&number(1), since_ms).await.expect("read");
        campaign.map(|campaign| campaign.id.as_str().to_owned())
    };
    assert_eq!(name(0).await, None, "nobody called yet");
    let first = submitted(&store, &spring, "a").await;
    assert_eq!(name(NOW).await.as_deref(), Some("spring"));
    assert_eq!(name(NOW + 1).await, None, "too long ago");
    store.record_outcome(&report(&first)).await.expect("ended");

    let planned = attempt(&autumn, "b");
    store.create_attempt(planned, NOW + 1_000).await.expect("created");
    assert_eq!(name(0).await.as_deref(), Some("spring"), "a plan is no call");
    store
        .mark_submitting(&"b".into(), NOW + 1_000)
        .await
        .expect("submitting");
    assert_eq!(name(0).await.as_deref(), Some("autumn"));
    assert_eq!(store.last_campaign_to(&number(2), 0).await, Ok(None));
}

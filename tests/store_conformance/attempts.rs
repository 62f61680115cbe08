//! Attempts from the plan to the carrier's answer.

use crate::world::*;
use samvad_actors::domain::{AttemptId, AttemptState, CallSid, CarrierStatus, Disposition, Outcome};
use samvad_actors::ports::{CallbackEffect, DoNotCallEntry, ExclusionSource, StoreError, Submission};

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict { .. }))
}

async fn opt_out(store: &TestStore, n: u32) {
    let entry = DoNotCallEntry {
        number: number(n),
        source: ExclusionSource::Manual,
        attempt: None,
        added_at_ms: NOW,
    };
    store.add_do_not_call(&entry).await.expect("written");
}

pub async fn l20_an_attempt_is_written_as_planned_and_counted_before_the_carrier_is_called(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let created = store.create_attempt(attempt(&person, "a"), NOW).await.expect("created");
    assert_eq!(
        (created.number, created.state, created.created_at_ms),
        (1, AttemptState::Planned, NOW)
    );
    assert_eq!(
        row(&store, &created.id).await,
        created,
        "what is returned is what is kept"
    );
    assert_eq!(store.contacts(&person.campaign).await.expect("read")[0].attempts, 1);

    store.record_outcome(&report(&created.id)).await.expect("ended");
    let second = store.create_attempt(attempt(&person, "b"), NOW).await.expect("created");
    assert_eq!(second.number, 2);
    assert_eq!(store.contacts(&person.campaign).await.expect("read")[0].attempts, 2);
}

pub async fn a_number_on_do_not_call_gets_no_attempt_and_nothing_is_counted(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    opt_out(&store, 1).await;
    assert!(is_conflict(&store.create_attempt(attempt(&person, "a"), NOW).await));
    assert_eq!(store.attempt(&"a".into()).await, Ok(None));
    assert_eq!(store.contacts(&person.campaign).await.expect("read")[0].attempts, 0);
}

pub async fn l23_of_many_attempts_to_one_number_at_once_exactly_one_is_created(store: TestStore) {
    let people = [
        put_person(&store, "spring", 1).await,
        put_person(&store, "autumn", 1).await,
    ];
    let mut tries = Vec::new();
    for n in 0..32 {
        let (store, new) = (store.clone(), attempt(&people[n % 2], &format!("a{n}")));
        tries.push(tokio::spawn(async move { store.create_attempt(new, NOW).await }));
    }
    let mut created = 0;
    for one in tries {
        match one.await.expect("no panic") {
            Ok(_) => created += 1,
            Err(error) => {
                assert!(
                    matches!(&error, StoreError::Conflict { reason } if reason.contains("is open")),
                    "{error}"
                );
            }
        }
    }
    assert_eq!((created, store.open_attempts().await.expect("read").len()), (1, 1));
    let mut counted = 0;
    for person in &people {
        counted += store.contacts(&person.campaign).await.expect("read")[0].attempts;
    }
    assert_eq!(counted, 1, "what was refused is not counted");
}

pub async fn a_number_is_free_again_once_its_attempt_has_ended(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let elsewhere = put_person(&store, "autumn", 1).await;
    let first = submitted(&store, &person, "a").await;
    assert!(is_conflict(&store.create_attempt(attempt(&elsewhere, "b"), NOW).await));
    store
        .record_callback(&status(&first, CarrierStatus::Busy, 0), NOW)
        .await
        .expect("recorded");
    store.create_attempt(attempt(&elsewhere, "b"), NOW).await.expect("free");
    assert!(
        is_conflict(&store.create_attempt(attempt(&person, "b"), NOW).await),
        "an id is used once"
    );
}

pub async fn an_opt_out_between_plan_and_dial_stops_the_call(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let planned = store
        .create_attempt(attempt(&person, "a"), NOW)
        .await
        .expect("created")
        .id;
    opt_out(&store, 1).await;
    assert!(is_conflict(&store.mark_submitting(&planned, NOW + 5).await));
    let ended = row(&store, &planned).await;
    assert_eq!((ended.state, ended.ended_at_ms), (AttemptState::Ended, Some(NOW + 5)));
    assert_eq!(
        (ended.outcome, ended.disposition),
        (Some(Outcome::Failed), Some(Disposition::NotAttempted))
    );
    assert!(is_conflict(&store.mark_submitting(&planned, NOW).await));
}

pub async fn an_attempt_is_submitted_once(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let planned = store
        .create_attempt(attempt(&person, "a"), NOW)
        .await
        .expect("created")
        .id;
    assert!(
        is_conflict(&store.record_submission(&planned, accepted(&planned), NOW).await),
        "not asked yet"
    );
    let mut tries = Vec::new();
    for _ in 0..16 {
        let (store, planned) = (store.clone(), planned.clone());
        tries.push(tokio::spawn(async move {
            store.mark_submitting(&planned, NOW).await.is_ok()
        }));
    }
    let mut marked = 0;
    for one in tries {
        marked += usize::from(one.await.expect("no panic"));
    }
    assert_eq!(marked, 1, "two nodes never submit one attempt");
    store
        .record_submission(&planned, accepted(&planned), NOW)
        .await
        .expect("recorded");
    let submitted = row(&store, &planned).await;
    assert_eq!(
        (submitted.state, submitted.call_sid),
        (AttemptState::Submitted, Some(call_sid(&planned)))
    );
}

pub async fn an_unclear_answer_is_kept_as_unknown_and_frees_nothing(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let unclear = submitting(&store, &person, "a").await;
    store
        .record_submission(&unclear, Submission::Unknown, NOW)
        .await
        .expect("recorded");
    assert_eq!(row(&store, &unclear).await.state, AttemptState::SubmissionUnknown);
    assert!(
        is_conflict(&store.create_attempt(attempt(&person, "b"), NOW).await),
        "the call may be there"
    );
    // Reconciled later.
    store
        .record_submission(&unclear, accepted(&unclear), NOW)
        .await
        .expect("recorded");
    assert_eq!(row(&store, &unclear).await.state, AttemptState::Submitted);
}

pub async fn a_refusal_of_the_carrier_ends_the_attempt_by_what_it_says_of_the_number(store: TestStore) {
    for (n, disposition) in (0..).zip([
        Disposition::TechnicalProblem,
        Disposition::NonWorkingNumber,
        Disposition::NotAttempted,
    ]) {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let refused = submitting(&store, &person, &format!("a{n}")).await;
        let submission = Submission::Refused {
            reason: "no permission for this country".to_owned(),
            disposition,
        };
        store
            .record_submission(&refused, submission, NOW + 1)
            .await
            .expect("recorded");
        let ended = row(&store, &refused).await;
        assert_eq!((ended.state, ended.ended_at_ms), (AttemptState::Ended, Some(NOW + 1)));
        assert_eq!(
            (ended.outcome, ended.disposition),
            (Some(Outcome::Failed), Some(disposition))
        );
    }
}

pub async fn l21_a_late_reply_does_not_undo_what_a_callback_told(store: TestStore) {
    for (n, late) in [
        None,
        Some(Submission::Unknown),
        Some(Submission::Refused {
            reason: "late".to_owned(),
            disposition: Disposition::TechnicalProblem,
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let n = u32::try_from(n).expect("small");
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let attempt = submitting(&store, &person, &format!("a{n}")).await;
        let effect = store
            .record_callback(&status(&attempt, CarrierStatus::Ringing, 1), NOW)
            .await;
        assert_eq!(effect, Ok(CallbackEffect::Advanced));
        let before = row(&store, &attempt).await;
        assert_eq!(before.state, AttemptState::Submitted, "the carrier has the call");
        let late = late.unwrap_or_else(|| accepted(&attempt));
        store.record_submission(&attempt, late, NOW + 9).await.expect("taken");
        assert_eq!(row(&store, &attempt).await, before);
    }
}

pub async fn a_reply_with_another_call_id_is_refused(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let other = Submission::Accepted {
        sid: CallSid::from("CA-other"),
    };
    assert!(is_conflict(&store.record_submission(&attempt, other, NOW).await));
    assert_eq!(row(&store, &attempt).await.call_sid, Some(call_sid(&attempt)));
}

pub async fn open_attempts_are_those_not_ended_oldest_first(store: TestStore) {
    let mut ids = Vec::new();
    for n in 0..4_u32 {
        let person = put_person(&store, &format!("campaign-{n}"), n).await;
        let created = store
            .create_attempt(attempt(&person, &format!("a{n}")), NOW - i64::from(n))
            .await;
        ids.push(created.expect("created").id);
    }
    store.mark_submitting(&ids[2], NOW).await.expect("marked");
    store.record_outcome(&report(&ids[1])).await.expect("ended");
    let open: Vec<AttemptId> = store
        .open_attempts()
        .await
        .expect("read")
        .into_iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(open, [ids[3].clone(), ids[2].clone(), ids[0].clone()]);
}

pub async fn attempts_that_do_not_exist_are_named_in_the_error(store: TestStore) {
    let unknown = AttemptId::from("unknown");
    let missing = StoreError::NotFound {
        what: "attempt",
        id: "unknown".to_owned(),
    };
    assert_eq!(store.attempt(&unknown).await, Ok(None));
    assert_eq!(store.mark_submitting(&unknown, NOW).await, Err(missing.clone()));
    assert_eq!(
        store.record_submission(&unknown, Submission::Unknown, NOW).await,
        Err(missing.clone())
    );
    let callback = status(&unknown, CarrierStatus::Ringing, 0);
    assert_eq!(store.record_callback(&callback, NOW).await, Err(missing.clone()));
    assert_eq!(store.record_outcome(&report(&unknown)).await, Err(missing));

    let campaign = put_campaign(&store, "spring").await;
    let refusal = store.create_attempt(attempt(&contact(&campaign, 1), "a"), NOW).await;
    assert_eq!(
        refusal,
        Err(StoreError::NotFound {
            what: "contact",
            id: "spring-contact-1".to_owned()
        })
    );
}

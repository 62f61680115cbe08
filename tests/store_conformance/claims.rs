//! Claims: from a contact that is due to the moment the carrier is asked.

use crate::dialling::*;
use crate::world::*;
use samvad_actors::domain::{AttemptId, AttemptState, CarrierStatus, Lifecycle, Mode};
use samvad_actors::ports::{ClaimRefusal, ContactCounts, StoreError, SubmitRefusal};

pub async fn a_claim_writes_the_attempt_and_moves_the_contact_in_one_step(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let row = store
        .claim(&leadership, &dial_claim(&contact, "a"), NOW)
        .await
        .expect("store")
        .expect("claimed");
    assert_eq!(
        (row.number, row.mode, row.state),
        (1, Mode::Live, AttemptState::Planned)
    );
    assert_eq!(store.attempt(&row.id).await, Ok(Some(row.clone())));
    let counts = store.contact_counts(&leadership.campaign).await.expect("counted");
    assert_eq!((counts.pending, counts.in_progress), (0, 1));
    assert!(due(&store, &leadership.campaign, NOW).await.is_empty());
    let in_flight = store.in_flight(Some("node-1")).await.expect("read");
    assert_eq!(in_flight.len(), 1);
    assert_eq!(in_flight[0].row, row);
    assert_eq!(in_flight[0].permit_deadline_ms, Some(NOW + 400_000));
    assert_eq!(store.in_flight(Some("node-2")).await.expect("read"), []);
}

pub async fn l23_of_many_claims_of_one_number_at_once_exactly_one_wins(store: TestStore) {
    let spring = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let autumn = running_with_contact(&store, "autumn", 1, Mode::Live).await;
    let claims = (0..32).map(|n| {
        let (leadership, contact) = if n % 2 == 0 { spring.clone() } else { autumn.clone() };
        let store = store.clone();
        tokio::spawn(async move {
            store
                .claim(&leadership, &dial_claim(&contact, &format!("a{n}")), NOW)
                .await
        })
    });
    let mut won = 0;
    for claim in claims.collect::<Vec<_>>() {
        match claim.await.expect("no panic").expect("store") {
            Ok(_) => won += 1,
            Err(refusal) => assert!(
                matches!(refusal, ClaimRefusal::InFlight | ClaimRefusal::Contended),
                "{refusal:?}"
            ),
        }
    }
    assert_eq!((won, store.open_attempts().await.expect("read").len()), (1, 1));
    for leadership in [&spring.0, &autumn.0] {
        assert!(
            due(&store, &leadership.campaign, NOW).await.is_empty(),
            "the number is in flight"
        );
    }
}

pub async fn a_claim_is_refused_with_the_reason(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let claim = dial_claim(&contact, "a");
    let refused = async |leadership: &_, now_ms| {
        let claimed = store.claim(leadership, &claim, now_ms).await.expect("store");
        claimed.expect_err("refused")
    };
    let stale = led_by(&leadership, "node-0", 0);
    assert_eq!(refused(&stale, NOW).await, ClaimRefusal::StaleEpoch);
    change(&store, &leadership.campaign, Lifecycle::Paused).await;
    assert_eq!(refused(&leadership, NOW).await, ClaimRefusal::NotRunning);
    change(&store, &leadership.campaign, Lifecycle::Running).await;

    store.opt_out(&[opt_out_of(1)]).await.expect("listed");
    assert_eq!(refused(&leadership, NOW).await, ClaimRefusal::DoNotCall);
    assert_eq!(store.attempt(&"a".into()).await, Ok(None), "a refusal writes nothing");

    let other = import(&store, &leadership.campaign, 2).await;
    let taken = store
        .claim(&leadership, &dial_claim(&other, "b"), NOW)
        .await
        .expect("store");
    assert!(taken.is_ok());
    let again = store
        .claim(&leadership, &dial_claim(&other, "c"), NOW)
        .await
        .expect("store");
    assert_eq!(again.expect_err("refused"), ClaimRefusal::InFlight);

    let excluded = import(&store, &leadership.campaign, 3).await;
    exclude(&store, &excluded, "asked by letter").await.expect("excluded");
    let refusal = store
        .claim(&leadership, &dial_claim(&excluded, "d"), NOW)
        .await
        .expect("store");
    assert_eq!(refusal.expect_err("refused"), ClaimRefusal::Excluded);
}

pub async fn a_released_claim_uses_nothing_up(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let before = due(&store, &leadership.campaign, NOW).await;
    let attempt = claimed(&store, &leadership, &contact, "a").await;
    let stale = led_by(&leadership, "node-0", 0);
    assert_eq!(store.release_claim(&stale, &attempt).await, Ok(false));
    assert_eq!(store.release_claim(&leadership, &attempt).await, Ok(true));
    assert_eq!(store.attempt(&attempt).await, Ok(None));
    assert_eq!(due(&store, &leadership.campaign, NOW).await, before);
    let again = claimed(&store, &leadership, &contact, "b").await;
    assert_eq!(row(&store, &again).await.number, 1);
    store
        .mark_submitting_as(&leadership, &again, NOW)
        .await
        .expect("store")
        .expect("marked");
    assert_eq!(
        store.release_claim(&leadership, &again).await,
        Ok(false),
        "the carrier may have it"
    );
}

pub async fn an_opt_out_between_claim_and_dial_stops_the_call_and_names_what_is_in_flight(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = claimed(&store, &leadership, &contact, "a").await;
    let report = store.opt_out(&[opt_out_of(1), opt_out_of(7)]).await.expect("listed");
    assert_eq!(report.added, 2);
    let in_flight: Vec<_> = report.in_flight.into_iter().map(|row| row.id).collect();
    assert_eq!(in_flight, std::slice::from_ref(&attempt));
    let refusal = store
        .mark_submitting_as(&leadership, &attempt, NOW)
        .await
        .expect("store");
    assert_eq!(refusal, Err(SubmitRefusal::DoNotCall));
    assert_eq!(row(&store, &attempt).await.state, AttemptState::Ended);
    let counts = store.contact_counts(&leadership.campaign).await.expect("counted");
    assert_eq!(counts.excluded, 1);
    assert_eq!(store.opt_out(&[opt_out_of(1)]).await.expect("listed").added, 0);
}

pub async fn of_an_opt_out_and_a_dial_at_once_none_is_submitted_after_the_opt_out(store: TestStore) {
    for n in 0..24 {
        let (leadership, contact) = running_with_contact(&store, &format!("campaign-{n}"), n, Mode::Live).await;
        let attempt = claimed(&store, &leadership, &contact, &format!("a{n}")).await;
        let (at, to) = (store.clone(), store.clone());
        let dialled = attempt.clone();
        let dial = tokio::spawn(async move { at.mark_submitting_as(&leadership, &dialled, NOW).await });
        let opt_out = tokio::spawn(async move { to.opt_out(&[opt_out_of(n)]).await });
        let dialled = dial.await.expect("no panic").expect("store");
        let seen = opt_out.await.expect("no panic").expect("store").in_flight;
        match dialled {
            // Committed first: the opt-out sees the call and can cancel it.
            Ok(()) => assert_eq!(
                seen.iter().map(|row| row.state).collect::<Vec<_>>(),
                [AttemptState::Submitting]
            ),
            Err(refusal) => assert_eq!(refusal, SubmitRefusal::DoNotCall),
        }
    }
}

pub async fn nothing_is_submitted_for_a_campaign_that_was_paused_or_a_leader_that_was_replaced(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = claimed(&store, &leadership, &contact, "a").await;
    let next = led_by(&leadership, "node-2", 2);
    assert_eq!(store.take_leadership(&next).await, Ok(true));
    let stale = store
        .mark_submitting_as(&leadership, &attempt, NOW)
        .await
        .expect("store");
    assert_eq!(stale, Err(SubmitRefusal::StaleEpoch));
    assert_eq!(row(&store, &attempt).await.state, AttemptState::Planned);

    change(&store, &leadership.campaign, Lifecycle::Paused).await;
    let paused = store.mark_submitting_as(&next, &attempt, NOW).await.expect("store");
    assert_eq!(paused, Err(SubmitRefusal::NotRunning));
    assert_eq!(store.attempt(&attempt).await, Ok(None), "the claim was released");
    let counts = store.contact_counts(&leadership.campaign).await.expect("counted");
    assert_eq!(
        counts,
        ContactCounts {
            pending: 1,
            ..ContactCounts::default()
        }
    );
}

pub async fn an_attempt_is_submitted_by_one_node_once(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = claimed(&store, &leadership, &contact, "a").await;
    let tries = (0..16).map(|_| {
        let (store, leadership, attempt) = (store.clone(), leadership.clone(), attempt.clone());
        tokio::spawn(async move { store.mark_submitting_as(&leadership, &attempt, NOW).await })
    });
    let mut marked = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.expect("no panic").expect("store") {
            Ok(()) => marked += 1,
            Err(refusal) => assert_eq!(refusal, SubmitRefusal::NotPlanned),
        }
    }
    assert_eq!(marked, 1);
}

pub async fn leadership_passes_to_newer_epochs_alone(store: TestStore) {
    let campaign = put_campaign(&store, "spring").await;
    let first = leadership(&campaign, "node-1", 1);
    assert_eq!(store.take_leadership(&first).await, Ok(true));
    assert_eq!(store.take_leadership(&first).await, Ok(true), "it leads already");
    assert_eq!(
        store.take_leadership(&leadership(&campaign, "node-2", 1)).await,
        Ok(false)
    );
    assert_eq!(
        store.take_leadership(&leadership(&campaign, "node-2", 3)).await,
        Ok(true)
    );
    assert_eq!(
        store.take_leadership(&leadership(&campaign, "node-1", 2)).await,
        Ok(false)
    );
    let state = store.campaign_state(&campaign).await.expect("read").expect("there");
    assert_eq!((state.epoch, state.leader.as_deref()), (3, Some("node-2")));
    let unknown = leadership(&"unknown".into(), "node-1", 1);
    assert!(matches!(
        store.take_leadership(&unknown).await,
        Err(StoreError::NotFound { .. })
    ));
}

pub async fn l19_at_the_last_attempt_the_contact_is_not_reached_with_exactly_one_event(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let mut now_ms = NOW;
    for (n, told) in [CarrierStatus::Busy, CarrierStatus::NoAnswer, CarrierStatus::Failed]
        .into_iter()
        .enumerate()
    {
        let id = format!("a{n}");
        let attempt = AttemptId::from(id.as_str());
        let claim = dial_claim(&contact, &id);
        assert_eq!(
            store.claim(&leadership, &claim, now_ms - 1).await.expect("store").err(),
            (n > 0).then_some(ClaimRefusal::NotDue),
            "attempt {n}"
        );
        if n > 0 {
            let taken = store.claim(&leadership, &claim, now_ms).await.expect("store");
            taken.expect("due");
        }
        let marked = store
            .mark_submitting_as(&leadership, &attempt, now_ms)
            .await
            .expect("store");
        marked.expect("marked");
        assert_eq!(store.pending_events(10).await.expect("read"), [], "attempt {n}");
        for _ in 0..2 {
            store
                .record_callback(&status(&attempt, told, 1), now_ms)
                .await
                .expect("recorded");
        }
        now_ms += match told {
            CarrierStatus::Busy => 30 * 60_000,
            _ => 4 * 60 * 60_000,
        };
    }
    let events = store.pending_events(10).await.expect("read");
    assert_eq!(events.len(), 1);
    assert_eq!(
        (events[0].kind.as_str(), events[0].attempt.as_str(), events[0].mode),
        ("survey.not_reached", "a2", Mode::Live)
    );
    let late = store
        .claim(&leadership, &dial_claim(&contact, "b"), i64::MAX)
        .await
        .expect("store");
    assert_eq!(late.expect_err("refused"), ClaimRefusal::Settled);
    assert_eq!(
        store.mark_event_delivered(&"a2".into(), "survey.not_reached").await,
        Ok(true)
    );
    assert_eq!(
        store.mark_event_delivered(&"a2".into(), "survey.not_reached").await,
        Ok(false)
    );
    assert_eq!(store.pending_events(10).await.expect("read"), []);
}

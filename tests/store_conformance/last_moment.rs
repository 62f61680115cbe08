//! What happens between a decision and what it decides: a rehearsal and the calls after it, a number that is listed while
//! it rings, people who are added while a campaign completes.

use crate::dialling::*;
use crate::world::*;
use samvad_actors::domain::{ActorKind, CarrierStatus, ContactState, ImportId, Lifecycle, Mode};
use samvad_actors::ports::{CampaignChange, ImportBatch, LifecycleChange, StoreError, TokenRefusal};

pub async fn who_was_rehearsed_to_the_end_can_be_called_for_real(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::DryRun).await;
    let attempt = talking(&store, &leadership, &contact, "a").await;
    assert_eq!(store.record_outcome(&report(&attempt)).await, Ok(true));
    let eligible = async |mode| {
        let counts = store.eligibility(&leadership.campaign, mode, NOW).await.expect("read");
        (counts.eligible, counts.settled)
    };
    assert_eq!(eligible(Mode::DryRun).await, (0, 1));
    assert_eq!(eligible(Mode::Live).await, (1, 0));
    let over = CarrierStatus::Completed;
    let told = store.record_callback(&status(&attempt, over, 2), NOW).await;
    told.expect("recorded");
    let change = |to, mode| CampaignChange {
        campaign: leadership.campaign.clone(),
        expected_version: None,
        mode,
        to,
        reason: None,
        starts_at_ms: None,
    };
    for wish in [
        change(Lifecycle::Paused, None),
        change(Lifecycle::Running, Some(Mode::Live)),
    ] {
        let entry = audited("campaign.activate", "spring");
        store
            .change_campaign(&wish, &entry, NOW)
            .await
            .expect("store")
            .expect("changed");
    }
    assert_eq!(eligible(Mode::Live).await, (1, 0));
    assert_eq!(due(&store, &leadership.campaign, NOW).await.len(), 1);
}

pub async fn who_is_listed_while_it_rings_is_not_spoken_to(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = dialled(&store, &leadership, &contact, "a").await;
    store
        .record_submission(&attempt, accepted(&attempt), NOW)
        .await
        .expect("recorded");
    store.add_do_not_call(&opt_out_of(1)).await.expect("listed");
    let refused = store.consume_media_token(&claim(&attempt), NOW).await.expect("store");
    assert_eq!(refused.expect_err("listed"), TokenRefusal::DoNotCall);
    let over = status(&attempt, CarrierStatus::Completed, 1);
    store.record_callback(&over, NOW).await.expect("recorded");
    let found = store
        .contact_record(&leadership.campaign, &contact.id)
        .await
        .expect("read");
    assert_eq!(found.expect("there").0.state, ContactState::Excluded);
}

pub async fn who_was_rehearsed_and_listed_since_is_out_and_who_was_out_begins_anew_when_back(store: TestStore) {
    let (leadership, first) = running_with_contact(&store, "spring", 1, Mode::DryRun).await;
    let second = import(&store, &leadership.campaign, 2).await;
    let attempt = talking(&store, &leadership, &first, "a").await;
    assert_eq!(store.record_outcome(&report(&attempt)).await, Ok(true));
    let over = status(&attempt, CarrierStatus::Completed, 2);
    store.record_callback(&over, NOW).await.expect("recorded");
    ended_busy(&store, &leadership, &second, "b").await;
    exclude(&store, &second, "moved away").await.expect("excluded");
    store.add_do_not_call(&opt_out_of(1)).await.expect("listed");
    let paused = LifecycleChange {
        campaign: leadership.campaign.clone(),
        to: Lifecycle::Paused,
        reason: None,
        starts_at_ms: None,
        epoch: None,
    };
    store.change_lifecycle(&paused, NOW).await.expect("paused");
    store
        .set_mode(&leadership.campaign, Mode::Live, NOW)
        .await
        .expect("set");
    for (contact, reason) in [(&first, "do_not_call"), (&second, "moved away")] {
        let found = store
            .contact_record(&leadership.campaign, &contact.id)
            .await
            .expect("read");
        let (found, _) = found.expect("there");
        assert_eq!(found.state, ContactState::Excluded);
        assert_eq!(found.excluded_reason.as_deref(), Some(reason));
        assert_eq!((found.attempts, found.last_outcome), (0, None), "{reason}");
    }
    assert_eq!(
        store.zones(&leadership.campaign).await.expect("read"),
        [],
        "nobody is waited for"
    );
}

pub async fn a_leader_completes_no_campaign_that_has_somebody_to_call_or_is_being_added_to(store: TestStore) {
    let (leadership, _) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let complete = |epoch| LifecycleChange {
        campaign: leadership.campaign.clone(),
        to: Lifecycle::Completed,
        reason: None,
        starts_at_ms: None,
        epoch,
    };
    let by_leader = complete(Some(leadership.epoch));
    let refused = store.change_lifecycle(&by_leader, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    store.add_do_not_call(&opt_out_of(1)).await.expect("listed");
    let import = ImportId::from("i");
    let entry = audited("contacts.import", "spring");
    store
        .begin_import(&import, &leadership.campaign, "people.csv", &entry, NOW)
        .await
        .expect("begun");
    let refused = store.change_lifecycle(&by_leader, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let entries = audit_log(&store).await;
    assert!(entries.iter().all(|entry| entry.action != "campaign.complete"));
    // Whoever stops it by hand knows what they do; what comes later of the file is not taken.
    store.change_lifecycle(&complete(None), NOW).await.expect("stopped");
    let entry = &audit_log(&store).await[0];
    assert_eq!(
        (entry.action.as_str(), entry.by.kind),
        ("campaign.complete", ActorKind::System)
    );
    assert_eq!(entry.before.as_ref().expect("said")["status"], "running");
    let batch = ImportBatch {
        import: import.clone(),
        contacts: vec![(2, imported(&leadership.campaign, 2))],
        opt_outs: Vec::new(),
        rejections: Vec::new(),
    };
    let refused = store.import_batch(&batch, NOW).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

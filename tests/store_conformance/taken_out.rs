//! Contacts that are taken out of a campaign by hand, and let back in.

use crate::dialling::*;
use crate::world::*;
use samvad_actors::domain::{AttemptState, CarrierStatus, ContactState, Disposition, Lifecycle, Mode, Outcome};
use samvad_actors::ports::{
    AuditEntry, CallReport, ClaimRefusal, ContactRecord, ContactRefusal, NewContact, StoreError, SubmitRefusal,
};
use serde_json::json;

async fn record(store: &TestStore, contact: &NewContact) -> ContactRecord {
    let found = store.contact_record(&contact.campaign, &contact.id).await;
    found.expect("read").expect("there").0
}

/// Where a contact stands, and why it is excluded.
async fn stands(store: &TestStore, contact: &NewContact) -> (ContactState, Option<String>) {
    let record = record(store, contact).await;
    (record.state, record.excluded_reason)
}

fn out(reason: &str) -> (ContactState, Option<String>) {
    (ContactState::Excluded, Some(reason.to_owned()))
}

pub async fn who_is_taken_out_is_never_due_nor_claimed_until_let_back_in(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let other = import(&store, &leadership.campaign, 2).await;
    let before = due(&store, &leadership.campaign, NOW).await;
    assert_eq!(before.len(), 2);
    assert_eq!(exclude(&store, &contact, "moved away").await, Ok(Vec::new()));
    assert_eq!(stands(&store, &contact).await, out("moved away"));
    assert_eq!(store.is_excluded(&contact.id).await, Ok(true));
    assert_eq!(store.is_excluded(&other.id).await, Ok(false));
    for now_ms in [NOW, i64::MAX / 2] {
        let due = due(&store, &leadership.campaign, now_ms).await;
        assert_eq!(due.iter().map(|due| &due.contact).collect::<Vec<_>>(), [&other.id]);
    }
    let claimed_now = store.claim(&leadership, &dial_claim(&contact, "a"), NOW).await;
    assert_eq!(
        claimed_now.expect("store").expect_err("refused"),
        ClaimRefusal::Excluded
    );

    assert_eq!(include(&store, &contact).await, Ok(()));
    assert_eq!(stands(&store, &contact).await, (ContactState::Pending, None));
    assert_eq!(due(&store, &leadership.campaign, NOW).await, before);
    claimed(&store, &leadership, &contact, "b").await;
}

pub async fn a_claim_goes_back_when_its_contact_is_taken_out_before_the_carrier_is_asked(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = claimed(&store, &leadership, &contact, "a").await;
    let open = exclude(&store, &contact, "moved away").await.expect("excluded");
    assert_eq!((&open[0].id, open[0].state), (&attempt, AttemptState::Planned));
    let marked = store.mark_submitting_as(&leadership, &attempt, NOW).await;
    assert_eq!(marked.expect("store"), Err(SubmitRefusal::Excluded));
    assert_eq!(store.attempt(&attempt).await, Ok(None));
    assert_eq!(stands(&store, &contact).await, out("moved away"));
    assert_eq!(record(&store, &contact).await.attempts, 0, "nothing is used up");
    assert_eq!(store.in_flight_to_excluded().await, Ok(Vec::new()));
}

pub async fn a_call_that_waits_is_told_and_its_contact_stays_out_when_it_ends(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = dialled(&store, &leadership, &contact, "a").await;
    let reply = accepted(&attempt);
    store.record_submission(&attempt, reply, NOW).await.expect("recorded");
    assert_eq!(store.in_flight_to_excluded().await, Ok(Vec::new()));
    let open = exclude(&store, &contact, "moved away").await.expect("excluded");
    assert_eq!(open, [row(&store, &attempt).await]);
    assert_eq!(open[0].call_sid, Some(call_sid(&attempt)));
    assert_eq!(store.in_flight_to_excluded().await, Ok(open));

    let canceled = status(&attempt, CarrierStatus::Canceled, 0);
    store.record_callback(&canceled, NOW).await.expect("recorded");
    assert_eq!(stands(&store, &contact).await, out("moved away"));
    assert_eq!(store.in_flight_to_excluded().await, Ok(Vec::new()));
    assert!(due(&store, &leadership.campaign, i64::MAX / 2).await.is_empty());
}

pub async fn a_conversation_counts_though_its_contact_is_taken_out_meanwhile(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = talking(&store, &leadership, &contact, "a").await;
    let open = exclude(&store, &contact, "moved away").await.expect("excluded");
    assert_eq!(open[0].state, AttemptState::Live, "it is not taken back");
    assert_eq!(store.record_outcome(&report(&attempt)).await, Ok(true));
    assert_eq!(stands(&store, &contact).await, (ContactState::Completed, None));
}

pub async fn who_is_let_back_in_during_a_call_is_in_progress_until_it_ends(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = dialled(&store, &leadership, &contact, "a").await;
    exclude(&store, &contact, "by mistake").await.expect("excluded");
    include(&store, &contact).await.expect("included");
    assert_eq!(stands(&store, &contact).await, (ContactState::InProgress, None));
    let busy = status(&attempt, CarrierStatus::Busy, 0);
    store.record_callback(&busy, NOW).await.expect("recorded");
    assert_eq!(stands(&store, &contact).await, (ContactState::Pending, None));
}

pub async fn who_is_taken_out_stays_out_though_the_number_is_listed_during_a_call_and_unlisted(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    let attempt = dialled(&store, &leadership, &contact, "a").await;
    exclude(&store, &contact, "moved away").await.expect("excluded");
    store.opt_out(&[opt_out_of(1)]).await.expect("listed");
    let busy = status(&attempt, CarrierStatus::Busy, 0);
    store.record_callback(&busy, NOW).await.expect("recorded");
    assert_eq!(include(&store, &contact).await, Err(ContactRefusal::Listed));
    let audit = AuditEntry {
        target: ("exclusion", number(1).to_string()),
        ..audited("exclusion.remove", "")
    };
    let removed = store.remove_exclusion(&number(1), &audit, NOW).await;
    assert_eq!(removed, Ok(Ok(0)));
    assert_eq!(stands(&store, &contact).await, out("moved away"));
    assert_eq!(include(&store, &contact).await, Ok(()));
}

pub async fn who_was_taken_out_in_a_rehearsal_begins_anew_when_let_back_in(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::DryRun).await;
    ended_busy(&store, &leadership, &contact, "a").await;
    assert_eq!(record(&store, &contact).await.attempts, 1);
    exclude(&store, &contact, "moved away").await.expect("excluded");
    change(&store, &leadership.campaign, Lifecycle::Paused).await;
    let live = store.set_mode(&leadership.campaign, Mode::Live, NOW).await;
    live.expect("changed");
    assert_eq!(stands(&store, &contact).await, out("moved away"));
    include(&store, &contact).await.expect("included");
    let found = record(&store, &contact).await;
    assert_eq!((found.state, found.attempts), (ContactState::Pending, 0));
    assert_eq!((found.last_attempt_at_ms, found.next_attempt_at_ms), (None, 0));
}

pub async fn what_cannot_be_is_refused_with_the_reason_and_not_logged(store: TestStore) {
    let (leadership, contact) = running_with_contact(&store, "spring", 1, Mode::Live).await;
    assert_eq!(include(&store, &contact).await, Err(ContactRefusal::NotExcluded));
    let answered = import(&store, &leadership.campaign, 2).await;
    let attempt = talking(&store, &leadership, &answered, "a").await;
    let refused = CallReport {
        outcome: Outcome::Refused,
        disposition: Disposition::RespondentRefusal,
        ..report(&attempt)
    };
    store.record_outcome(&refused).await.expect("ended");
    assert_eq!(exclude(&store, &answered, "late").await, Err(ContactRefusal::Settled));
    assert_eq!(include(&store, &answered).await, Err(ContactRefusal::NotExcluded));

    let listed = import(&store, &leadership.campaign, 3).await;
    store.opt_out(&[opt_out_of(3)]).await.expect("listed");
    assert_eq!(include(&store, &listed).await, Err(ContactRefusal::Listed));

    let elsewhere = NewContact {
        campaign: put_campaign(&store, "autumn").await,
        ..contact.clone()
    };
    let unknown = StoreError::NotFound {
        what: "contact",
        id: contact.id.to_string(),
    };
    let audit = audited("contact.include", "");
    let included = store
        .include_contact(&elsewhere.campaign, &contact.id, &audit, NOW)
        .await;
    assert_eq!(included, Err(unknown));
    let log = audit_log(&store).await;
    assert!(
        log.iter().all(|entry| !entry.action.starts_with("contact.")),
        "a refusal is no change"
    );

    exclude(&store, &contact, "moved away").await.expect("excluded");
    let again = exclude(&store, &contact, "moved again").await;
    assert_eq!(again, Err(ContactRefusal::ExcludedAlready));
    assert_eq!(stands(&store, &contact).await, out("moved away"));
    // Besides the list: it holds when the number is taken off that.
    assert_eq!(exclude(&store, &listed, "moved away").await, Ok(Vec::new()));
    let logged = async || {
        let log = audit_log(&store).await;
        log.iter().filter(|entry| entry.action.starts_with("contact.")).count()
    };
    let before = logged().await;

    change(&store, &leadership.campaign, Lifecycle::Completed).await;
    assert_eq!(include(&store, &contact).await, Err(ContactRefusal::CampaignOver));
    assert_eq!(
        exclude(&store, &listed, "over").await,
        Err(ContactRefusal::CampaignOver)
    );
    assert_eq!((before, logged().await), (2, 2));
}

pub async fn both_ways_stand_in_the_audit_log_with_the_reason(store: TestStore) {
    let contact = put_person(&store, "spring", 1).await;
    exclude(&store, &contact, "moved away").await.expect("excluded");
    include(&store, &contact).await.expect("included");
    let log = audit_log(&store).await;
    let told: Vec<_> = log
        .iter()
        .map(|row| (row.action.as_str(), row.target_kind.as_str(), row.target_id.as_str()))
        .collect();
    let id = contact.id.as_str();
    assert_eq!(
        told,
        [("contact.include", "contact", id), ("contact.exclude", "contact", id)]
    );
    let state = |state: &str, reason: Option<&str>| {
        Some(json!({"campaign_id": "spring", "state": state, "excluded_reason": reason}))
    };
    let (pending, excluded) = (state("pending", None), state("excluded", Some("moved away")));
    assert_eq!((&log[1].before, &log[1].after), (&pending, &excluded));
    assert_eq!((&log[0].before, &log[0].after), (&excluded, &pending));
    assert!(!format!("{log:?}").contains(&number(1).expose()[2..]));
}

pub async fn of_many_who_take_a_contact_out_at_once_one_does(store: TestStore) {
    let contact = put_person(&store, "spring", 1).await;
    let exclusions = (0..16).map(|n| {
        let (store, contact) = (store.clone(), contact.clone());
        tokio::spawn(async move { exclude(&store, &contact, &format!("reason {n}")).await })
    });
    let mut excluded = 0;
    for exclusion in exclusions.collect::<Vec<_>>() {
        match exclusion.await.expect("no panic") {
            Ok(_) => excluded += 1,
            Err(refusal) => assert_eq!(refusal, ContactRefusal::ExcludedAlready),
        }
    }
    assert_eq!((excluded, audit_log(&store).await.len()), (1, 1));
}

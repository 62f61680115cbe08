//! Campaigns, contacts, do-not-call.

use crate::world::*;
use samvad_actors::domain::{AttemptId, CampaignId};
use samvad_actors::ports::{DoNotCallEntry, ExclusionSource, StoreError};

pub async fn a_campaign_reads_back_as_it_was_written(store: TestStore) {
    let written = campaign("spring");
    store.put_campaign(&written, NOW).await.expect("written");
    assert_eq!(store.campaign(&written.id).await.expect("read"), Some(written));
    assert_eq!(store.campaign(&CampaignId::from("autumn")).await.expect("read"), None);
}

pub async fn a_campaign_is_replaced_only_while_none_of_its_attempts_is_open(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let mut changed = campaign("spring");
    changed.name = "Changed".to_owned();
    let attempt = submitted(&store, &person, "a").await;
    let refusal = store.put_campaign(&changed, NOW).await.expect_err("open");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert_eq!(
        store.campaign(&changed.id).await.expect("read"),
        Some(campaign("spring"))
    );

    store
        .put_campaign(&campaign("autumn"), NOW)
        .await
        .expect("another campaign is free");
    store.record_outcome(&report(&attempt)).await.expect("ended");
    store.put_campaign(&changed, NOW).await.expect("replaced");
    assert_eq!(store.campaign(&changed.id).await.expect("read"), Some(changed));
}

pub async fn contacts_keep_their_order_and_a_number_counts_once_per_campaign(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    let autumn = put_campaign(&store, "autumn").await;
    let first = [contact(&spring, 9), contact(&spring, 3), contact(&autumn, 3)];
    assert_eq!(
        store.add_contacts(&first, NOW).await,
        Ok(3),
        "one number may be in two campaigns"
    );
    let mut again = contact(&spring, 3);
    again.id = "another id".into();
    again.external_id = None;
    assert_eq!(store.add_contacts(&[contact(&spring, 1), again], NOW).await, Ok(1));

    let kept = store.contacts(&spring).await.expect("read");
    let numbers: Vec<_> = kept.iter().map(|contact| contact.number.clone()).collect();
    assert_eq!(numbers, [number(9), number(3), number(1)]);
    assert_eq!(
        kept[1].external_id.as_deref(),
        Some("customer-3"),
        "the known contact is left as it is"
    );
    assert!(
        kept.iter()
            .all(|contact| contact.attempts == 0 && contact.campaign == spring)
    );
    assert_eq!(store.contacts(&autumn).await.expect("read").len(), 1);
}

pub async fn contacts_of_an_unknown_campaign_are_refused_and_none_is_added(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    let refusal = store
        .add_contacts(&[contact(&spring, 1), contact(&"autumn".into(), 2)], NOW)
        .await;
    assert_eq!(
        refusal,
        Err(StoreError::NotFound {
            what: "campaign",
            id: "autumn".to_owned()
        })
    );
    assert!(store.contacts(&spring).await.expect("read").is_empty());

    let taken = contact(&spring, 1);
    let mut same_id = contact(&spring, 2);
    same_id.id = taken.id.clone();
    let refusal = store.add_contacts(&[taken, same_id], NOW).await.expect_err("same id");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
}

pub async fn contacts_added_at_the_same_time_all_get_a_place(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    let mut imports = Vec::new();
    for n in 0..16 {
        let (store, batch) = (store.clone(), [contact(&spring, 2 * n), contact(&spring, 2 * n + 1)]);
        imports.push(tokio::spawn(async move { store.add_contacts(&batch, NOW).await }));
    }
    for import in imports {
        assert_eq!(import.await.expect("no panic"), Ok(2));
    }
    assert_eq!(store.contacts(&spring).await.expect("read").len(), 32);
}

pub async fn do_not_call_is_by_number_permanent_and_idempotent(store: TestStore) {
    let entry = DoNotCallEntry {
        number: number(1),
        source: ExclusionSource::Import,
        attempt: None,
        added_at_ms: NOW,
    };
    assert_eq!(store.is_do_not_call(&number(1)).await, Ok(false));
    assert_eq!(store.add_do_not_call(&entry).await, Ok(true));
    assert_eq!(store.add_do_not_call(&entry).await, Ok(false));
    assert_eq!(store.is_do_not_call(&number(1)).await, Ok(true));
    assert_eq!(store.is_do_not_call(&number(2)).await, Ok(false));
    store.purge(i64::MAX).await.expect("purged");
    assert_eq!(
        store.is_do_not_call(&number(1)).await,
        Ok(true),
        "a purge does not touch it"
    );
}

pub async fn a_removal_in_a_call_lists_the_number_of_the_contact(store: TestStore) {
    let person = put_person(&store, "spring", 7).await;
    let attempt = live(&store, &person, "a").await;
    for _ in 0..2 {
        assert_eq!(store.add_do_not_call_by_attempt(&attempt, NOW).await, Ok(()));
    }
    assert_eq!(store.is_do_not_call(&number(7)).await, Ok(true));
    let unknown = AttemptId::from("unknown");
    assert_eq!(
        store.add_do_not_call_by_attempt(&unknown, NOW).await,
        Err(StoreError::NotFound {
            what: "attempt",
            id: "unknown".to_owned()
        })
    );
}

pub async fn an_entry_of_an_unknown_attempt_is_refused(store: TestStore) {
    let of_nobody = DoNotCallEntry {
        number: number(1),
        source: ExclusionSource::InCall,
        attempt: Some("unknown".into()),
        added_at_ms: NOW,
    };
    let refusal = store.add_do_not_call(&of_nobody).await.expect_err("refused");
    assert!(matches!(refusal, StoreError::Conflict { .. }), "{refusal}");
    assert!(!refusal.to_string().contains("+1415"), "{refusal}");
    assert_eq!(store.is_do_not_call(&number(1)).await, Ok(false));
}

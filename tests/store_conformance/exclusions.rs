//! The exclusion list.

use crate::world::*;
use samvad_actors::domain::{ContactState, Lifecycle, PhoneNumber};
use samvad_actors::ports::{
    AuditEntry, DoNotCallEntry, ExclusionCursor, ExclusionQuery, ExclusionSource, LifecycleChange, NewContact,
    RemovalRefusal,
};

fn entry(n: u32, source: ExclusionSource, at_ms: i64) -> DoNotCallEntry {
    DoNotCallEntry {
        number: number(n),
        source,
        attempt: None,
        added_at_ms: at_ms,
    }
}

fn about(action: &'static str, number: &PhoneNumber) -> AuditEntry {
    AuditEntry {
        target: ("exclusion", number.to_string()),
        ..audited(action, "")
    }
}

async fn remove(store: &TestStore, n: u32) -> Result<u64, RemovalRefusal> {
    let number = number(n);
    let removed = store
        .remove_exclusion(&number, &about("exclusion.remove", &number), NOW)
        .await;
    removed.expect("store")
}

async fn add(store: &TestStore, entry: DoNotCallEntry) {
    let audit = about("exclusion.add", &entry.number);
    store.add_exclusions(&[entry], &audit, NOW).await.expect("added");
}

async fn state(store: &TestStore, contact: &NewContact) -> (ContactState, Option<String>) {
    let found = store
        .contact_record(&contact.campaign, &contact.id)
        .await
        .expect("read");
    let (record, _) = found.expect("there");
    (record.state, record.excluded_reason)
}

pub async fn p50_what_was_said_in_a_call_stays_by_whatever_way_it_is_asked_to_go(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    store.add_do_not_call_by_attempt(&attempt, NOW).await.expect("listed");
    add(&store, entry(2, ExclusionSource::InCall, NOW)).await;
    for n in [1, 2] {
        assert_eq!(remove(&store, n).await, Err(RemovalRefusal::InCall));
        // Nor by writing it anew and removing that.
        add(&store, entry(n, ExclusionSource::Manual, NOW + 1)).await;
        add(&store, entry(n, ExclusionSource::Import, NOW + 2)).await;
        assert_eq!(remove(&store, n).await, Err(RemovalRefusal::InCall));
    }
    // Nor by what ends calls, clears up, copies or puts campaigns away.
    store.record_outcome(&report(&attempt)).await.expect("ended");
    store.purge(i64::MAX).await.expect("purged");
    for n in [1, 2] {
        assert_eq!(store.is_do_not_call(&number(n)).await, Ok(true));
    }
    let log = audit_log(&store).await;
    assert!(
        log.iter().all(|row| row.action != "exclusion.remove"),
        "a refusal is no change"
    );
}

pub async fn p24_what_was_written_and_then_said_in_a_call_stays_too(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    add(&store, entry(1, ExclusionSource::Manual, NOW)).await;
    store
        .add_do_not_call_by_attempt(&attempt, NOW + 1)
        .await
        .expect("listed");
    assert_eq!(remove(&store, 1).await, Err(RemovalRefusal::InCall));
    let query = ExclusionQuery {
        number: Some(number(1)),
        limit: 1,
        ..ExclusionQuery::default()
    };
    let found = store.exclusions(&query).await.expect("read");
    assert_eq!(
        (found[0].source, found[0].attempt.as_ref()),
        (ExclusionSource::InCall, Some(&attempt))
    );
}

pub async fn an_entry_is_removed_and_only_contacts_out_for_that_alone_are_pending_again(store: TestStore) {
    let listed = put_person(&store, "spring", 1).await;
    let taken_out_first = put_person(&store, "summer", 1).await;
    let taken_out_later = put_person(&store, "autumn", 1).await;
    let over = put_person(&store, "winter", 1).await;
    exclude(&store, &taken_out_first, "moved away").await.expect("excluded");
    add(&store, entry(1, ExclusionSource::Manual, NOW)).await;
    exclude(&store, &taken_out_later, "moved away").await.expect("excluded");
    for to in [Lifecycle::Running, Lifecycle::Completed] {
        let change = LifecycleChange {
            campaign: over.campaign.clone(),
            to,
            reason: None,
            starts_at_ms: None,
            epoch: None,
        };
        store.change_lifecycle(&change, NOW).await.expect("changed");
    }
    assert_eq!(state(&store, &listed).await.0, ContactState::Excluded);

    assert_eq!(remove(&store, 1).await, Ok(1));
    assert_eq!(state(&store, &listed).await, (ContactState::Pending, None));
    for out in [&taken_out_first, &taken_out_later] {
        let moved = Some("moved away".to_owned());
        assert_eq!(
            state(&store, out).await,
            (ContactState::Excluded, moved),
            "{}",
            out.campaign
        );
    }
    assert_eq!(state(&store, &over).await.0, ContactState::Excluded);
    assert_eq!(store.is_do_not_call(&number(1)).await, Ok(false));
    assert_eq!(remove(&store, 1).await, Err(RemovalRefusal::NotListed));

    let mut log = audit_log(&store).await;
    log.retain(|entry| entry.action.starts_with("exclusion."));
    assert_eq!((log.len(), log[0].action.as_str()), (2, "exclusion.remove"));
    assert_eq!(log[0].before.as_ref().expect("said")["source"], "manual");
    let whole = format!("{log:?}");
    assert!(
        log[0].target_id.contains('*') && !whole.contains(&number(1).expose()[2..]),
        "{whole}"
    );
}

pub async fn entries_are_listed_newest_first_by_number_and_source_in_pages(store: TestStore) {
    for n in 0..7_u32 {
        let source = match n % 3 {
            0 => ExclusionSource::Import,
            _ => ExclusionSource::Manual,
        };
        add(&store, entry(n, source, NOW + i64::from(n / 2))).await;
    }
    let list = async |query: ExclusionQuery| -> Vec<PhoneNumber> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let query = ExclusionQuery {
                after: after.take(),
                limit: 2,
                ..query.clone()
            };
            let page = store.exclusions(&query).await.expect("read");
            let Some(last) = page.last() else { return found };
            after = Some(ExclusionCursor {
                added_at_ms: last.added_at_ms,
                number: last.number.clone(),
            });
            found.extend(page.into_iter().map(|entry| entry.number));
        }
    };
    let numbers = |ns: &[u32]| ns.iter().map(|&n| number(n)).collect::<Vec<_>>();
    assert_eq!(list(ExclusionQuery::default()).await, numbers(&[6, 5, 4, 3, 2, 1, 0]));
    let source = Some(ExclusionSource::Import);
    let imported = ExclusionQuery {
        source,
        ..ExclusionQuery::default()
    };
    assert_eq!(list(imported.clone()).await, numbers(&[6, 3, 0]));
    let one = |n| ExclusionQuery {
        number: Some(number(n)),
        ..ExclusionQuery::default()
    };
    assert_eq!(list(one(4)).await, numbers(&[4]));
    assert!(list(one(99)).await.is_empty());
    assert!(
        list(ExclusionQuery {
            number: Some(number(4)),
            ..imported
        })
        .await
        .is_empty()
    );
}

pub async fn what_is_added_tells_the_calls_in_flight_and_stands_in_the_log(store: TestStore) {
    let person = put_person(&store, "spring", 1).await;
    let attempt = submitted(&store, &person, "a").await;
    let entries = [
        entry(1, ExclusionSource::Import, NOW),
        entry(2, ExclusionSource::Import, NOW),
    ];
    let audit = AuditEntry {
        target: ("exclusion", "stop.csv".to_owned()),
        ..audited("exclusion.add", "")
    };
    let report = store.add_exclusions(&entries, &audit, NOW).await.expect("added");
    assert_eq!((report.added, report.in_flight[0].id.clone()), (2, attempt));
    let again = store.add_exclusions(&entries, &audit, NOW).await.expect("added");
    assert_eq!(again.added, 0);
    let log = audit_log(&store).await;
    assert_eq!(log[1].after.as_ref().expect("said")["added"], 2);
    let of_nobody = DoNotCallEntry {
        attempt: Some("unknown".into()),
        ..entry(3, ExclusionSource::InCall, NOW)
    };
    let unknown = store.add_exclusions(&[of_nobody], &audit, NOW).await;
    assert!(unknown.is_err() && audit_log(&store).await.len() == 2);
}

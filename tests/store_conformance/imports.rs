//! Files of contacts.

use crate::world::*;
use samvad_actors::domain::{CampaignId, ContactState, ImportId, Lifecycle};
use samvad_actors::ports::{
    ContactFilter, ContactImport, ContactOrder, ContactQuery, ContactRecord, ImportBatch, ImportCursor, ImportState,
    LifecycleChange, RowCounts, RowRejection, StoreError,
};

fn row(campaign: &CampaignId, row: u64, n: u32) -> (u64, ContactImport) {
    let import = ContactImport {
        contact: contact(campaign, n),
        zone: None,
        prior_consent: false,
    };
    (row, import)
}

fn batch(contacts: Vec<(u64, ContactImport)>) -> ImportBatch {
    ImportBatch {
        import: "i".into(),
        contacts,
        opt_outs: Vec::new(),
        rejections: Vec::new(),
    }
}

/// The contacts of a campaign that are excluded, in their order.
async fn excluded(store: &TestStore, campaign: &CampaignId) -> Vec<ContactRecord> {
    let query = ContactQuery {
        campaign: campaign.clone(),
        filter: ContactFilter {
            state: Some(ContactState::Excluded),
            ..ContactFilter::default()
        },
        order: ContactOrder::Position,
        after: None,
        limit: 999,
    };
    store.contact_page(&query).await.expect("read")
}

fn rejection(row: u64) -> RowRejection {
    RowRejection {
        row,
        column: "phone_number".to_owned(),
        reason: "no number".to_owned(),
    }
}

async fn begin(store: &TestStore, campaign: &CampaignId) {
    let entry = audited("contacts.import", campaign.as_str());
    let begun = store
        .begin_import(&"i".into(), campaign, "people.csv", &entry, NOW)
        .await;
    begun.expect("begun");
}

pub async fn a_batch_is_taken_whole_with_its_rejections_and_its_counts(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    store.add_contacts(&[contact(&spring, 2)], NOW).await.expect("added");
    begin(&store, &spring).await;
    let mut known = row(&spring, 3, 2);
    known.1.contact.id = "another".into();
    let mut first = batch(vec![row(&spring, 2, 1), known, row(&spring, 4, 3)]);
    first.rejections = vec![rejection(6), rejection(5)];
    let report = store.import_batch(&first, NOW).await.expect("taken");
    assert_eq!((report.accepted, report.known), (2, vec![3]));
    let second = batch(vec![row(&spring, 7, 4)]);
    assert_eq!(store.import_batch(&second, NOW).await.expect("taken").accepted, 1);
    let import = ImportId::from("i");
    let entry = audited("contacts.import_end", "spring");
    let ended = store.end_import(&import, None, &entry, NOW + 5).await.expect("ended");
    let rows = RowCounts {
        total: 6,
        accepted: 3,
        known: 1,
        rejected: 2,
    };
    assert_eq!(
        (ended.state, ended.rows, ended.ended_at_ms),
        (ImportState::Completed, rows, Some(NOW + 5))
    );
    assert_eq!(
        (ended.source_name.as_str(), ended.started_by.as_str()),
        ("people.csv", "Asha")
    );
    assert_eq!(store.import(&import).await, Ok(Some(ended.clone())));
    assert_eq!(store.imports(&spring, None, 9).await, Ok(vec![ended]));
    let numbers = |page: Vec<RowRejection>| page.iter().map(|r| r.row).collect::<Vec<_>>();
    assert_eq!(numbers(store.rejections(&import, 0, 2).await.expect("read")), [3, 5]);
    let rest = store.rejections(&import, 5, 9).await.expect("read");
    assert_eq!(rest, [rejection(6)]);
    let log = audit_log(&store).await;
    assert_eq!(
        (log.len(), log[0].after.as_ref().expect("said")["accepted"].as_u64()),
        (2, Some(3))
    );
}

pub async fn a_batch_of_any_length_is_taken_as_its_rows_one_by_one_would_be(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    store.add_contacts(&[contact(&spring, 7)], NOW).await.expect("added");
    begin(&store, &spring).await;
    // Of 230 numbers one is known and two come again, one of them far behind; every number wants no calls, some twice.
    let numbers: Vec<u32> = (1..=230).chain([5, 230]).collect();
    let rows = (2_u64..).zip(&numbers).map(|(at, n)| {
        let mut row = row(&spring, at, *n);
        row.1.contact.id = format!("row-{at}").as_str().into();
        row
    });
    let mut all = batch(rows.collect());
    all.opt_outs = numbers.iter().rev().map(|n| number(*n)).collect();
    all.rejections = (300..520).map(rejection).collect();
    let report = store.import_batch(&all, NOW).await.expect("taken");
    assert_eq!(
        (report.accepted, report.known, report.opt_outs.added),
        (229, vec![8, 232, 233], 230)
    );
    let import = store.import(&"i".into()).await.expect("read").expect("there");
    let counted = RowCounts {
        total: 452,
        accepted: 229,
        known: 3,
        rejected: 220,
    };
    assert_eq!(import.rows, counted);
    assert_eq!(store.rejections(&"i".into(), 0, 999).await.expect("read").len(), 223);
    let page = excluded(&store, &spring).await;
    let places: Vec<(i64, String)> = page
        .iter()
        .map(|found| (found.position, found.number.expose().to_owned()))
        .collect();
    let expected: Vec<(i64, String)> = (1..)
        .zip([7].into_iter().chain((1..=230).filter(|n| *n != 7)))
        .map(|(position, n)| (position, number(n).expose().to_owned()))
        .collect();
    assert_eq!(places, expected, "in the order of their rows, without a gap");
}

pub async fn a_number_that_wants_no_calls_is_listed_and_its_contact_excluded_from_the_start(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    let autumn = put_person(&store, "autumn", 1).await;
    submitted(&store, &autumn, "a").await;
    begin(&store, &spring).await;
    let mut rows = batch(vec![row(&spring, 2, 1), row(&spring, 3, 2)]);
    rows.opt_outs = vec![number(1), number(9)];
    let report = store.import_batch(&rows, NOW).await.expect("taken");
    assert_eq!((report.accepted, report.opt_outs.added), (2, 2));
    assert_eq!(report.opt_outs.in_flight.len(), 1, "a call to it is to be taken back");
    let page = excluded(&store, &spring).await;
    assert_eq!(page.len(), 1);
    assert_eq!(
        (&page[0].number, page[0].excluded_reason.as_deref()),
        (&number(1), Some("do_not_call"))
    );
    assert_eq!(page[0].attempts, 0);
    assert_eq!(store.is_do_not_call(&number(9)).await, Ok(true));
}

pub async fn an_import_that_has_ended_takes_no_more_rows(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    begin(&store, &spring).await;
    let entry = audited("contacts.import_end", "spring");
    let failed = store
        .end_import(&"i".into(), Some("row 3 cannot be read"), &entry, NOW)
        .await;
    let failed = failed.expect("ended");
    assert_eq!(
        (failed.state, failed.fault.as_deref()),
        (ImportState::Failed, Some("row 3 cannot be read"))
    );
    let more = store.import_batch(&batch(vec![row(&spring, 2, 1)]), NOW).await;
    assert!(matches!(more, Err(StoreError::Conflict { .. })));
    assert!(store.contacts(&spring).await.expect("read").is_empty());
    let again = store.end_import(&"i".into(), None, &entry, NOW).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    let unknown = store.end_import(&"x".into(), None, &entry, NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
}

pub async fn a_batch_that_cannot_be_kept_whole_is_not_kept_in_part(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    let autumn = put_campaign(&store, "autumn").await;
    begin(&store, &spring).await;
    let mut rows = batch(vec![row(&spring, 2, 1), row(&autumn, 3, 2)]);
    rows.opt_outs = vec![number(9)];
    assert!(matches!(
        store.import_batch(&rows, NOW).await,
        Err(StoreError::Conflict { .. })
    ));
    let mut twice = batch(vec![row(&spring, 2, 1), row(&spring, 3, 2)]);
    twice.opt_outs = vec![number(9)];
    twice.contacts[1].1.contact.id = twice.contacts[0].1.contact.id.clone();
    twice.rejections = vec![rejection(4)];
    assert!(matches!(
        store.import_batch(&twice, NOW).await,
        Err(StoreError::Conflict { .. })
    ));
    assert!(store.contacts(&spring).await.expect("read").is_empty());
    assert_eq!(store.is_do_not_call(&number(9)).await, Ok(false));
    assert!(store.rejections(&"i".into(), 0, 9).await.expect("read").is_empty());
    let import = store.import(&"i".into()).await.expect("read").expect("there");
    assert_eq!(
        (import.rows, import.state),
        (RowCounts::default(), ImportState::Running)
    );
}

pub async fn an_import_into_a_campaign_that_is_over_or_missing_is_refused(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    for to in [Lifecycle::Running, Lifecycle::Completed] {
        let change = LifecycleChange {
            campaign: spring.clone(),
            to,
            reason: None,
            starts_at_ms: None,
            epoch: None,
        };
        store.change_lifecycle(&change, NOW).await.expect("changed");
    }
    let entry = audited("contacts.import", "spring");
    let over = store
        .begin_import(&"i".into(), &spring, "people.csv", &entry, NOW)
        .await;
    assert!(matches!(over, Err(StoreError::Conflict { .. })));
    let missing = store
        .begin_import(&"i".into(), &"autumn".into(), "people.csv", &entry, NOW)
        .await;
    assert!(matches!(missing, Err(StoreError::NotFound { what: "campaign", .. })));
    let log = audit_log(&store).await;
    assert!(
        log.iter().all(|entry| !entry.action.starts_with("contacts.")),
        "{log:?}"
    );
}

pub async fn an_import_of_which_nothing_was_heard_is_ended_as_failed_and_no_other(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    begin(&store, &spring).await;
    let by = audited("", "").by;
    let end = async |before_ms: i64| {
        let ended = store.end_abandoned_imports(before_ms, "killed", &by, NOW + 900);
        ended.await.expect("looked")
    };
    assert_eq!(end(NOW).await, 0);
    let rows = batch(vec![row(&spring, 2, 1)]);
    store.import_batch(&rows, NOW + 100).await.expect("taken");
    assert_eq!(end(NOW + 100).await, 0, "a batch is a sign");
    let import = ImportId::from("i");
    store.import_goes_on(&import, NOW + 200).await.expect("signed");
    assert_eq!(end(NOW + 200).await, 0);
    assert_eq!(end(NOW + 201).await, 1);
    let ended = store.import(&import).await.expect("read").expect("there");
    assert_eq!(
        (
            ended.state,
            ended.fault.as_deref(),
            ended.rows.accepted,
            ended.ended_at_ms
        ),
        (ImportState::Failed, Some("killed"), 1, Some(NOW + 900))
    );
    assert_eq!(audit_log(&store).await[0].action, "contacts.import_end");
    store.import_goes_on(&import, NOW + 999).await.expect("ignored");
    assert_eq!(end(i64::MAX).await, 0);
}

pub async fn imports_are_listed_the_newest_first_in_pages(store: TestStore) {
    let spring = put_campaign(&store, "spring").await;
    let autumn = put_campaign(&store, "autumn").await;
    for (id, campaign, at_ms) in [
        ("a", &spring, NOW),
        ("b", &spring, NOW + 1),
        ("c", &spring, NOW + 1),
        ("x", &autumn, NOW + 2),
        ("d", &spring, NOW + 3),
    ] {
        let entry = audited("contacts.import", campaign.as_str());
        let id = id.into();
        let begun = store.begin_import(&id, campaign, "people.csv", &entry, at_ms);
        begun.await.expect("begun");
    }
    for limit in [1, 2, 9] {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let page = store.imports(&spring, after.as_ref(), limit).await.expect("read");
            let Some(last) = page.last() else { break };
            after = Some(ImportCursor {
                started_at_ms: last.started_at_ms,
                id: last.id.clone(),
            });
            ids.extend(page.into_iter().map(|import| import.id.to_string()));
        }
        assert_eq!(ids, ["d", "c", "b", "a"], "{limit}");
    }
}

//! Campaigns as people look after them.

use crate::world::*;
use samvad_actors::domain::{Campaign, CampaignId, ImportId, Lifecycle, Mode};
use samvad_actors::ports::{
    CampaignChange, CampaignCursor, CampaignQuery, ContactCounts, EditRefusal, ServiceKind, ServiceUse, StoreError,
    UsedService,
};

async fn create(store: &TestStore, id: &str, at_ms: i64) -> Campaign {
    let campaign = campaign(id);
    let entry = audited("campaign.create", id);
    store.create_campaign(&campaign, &entry, at_ms).await.expect("created");
    campaign
}

async fn version(store: &TestStore, id: &CampaignId) -> i64 {
    store.campaign_record(id).await.expect("read").expect("there").version
}

fn change(id: &CampaignId, to: Lifecycle) -> CampaignChange {
    CampaignChange {
        campaign: id.clone(),
        expected_version: None,
        mode: None,
        to,
        reason: None,
        starts_at_ms: None,
    }
}

async fn go(store: &TestStore, id: &CampaignId, to: Lifecycle) {
    let entry = audited("campaign.change", id.as_str());
    let done = store.change_campaign(&change(id, to), &entry, NOW).await;
    assert_eq!(done.expect("store").expect("changed").lifecycle, to);
}

pub async fn a_draft_is_created_once_and_its_audit_entry_holds_it(store: TestStore) {
    let spring = create(&store, "spring", NOW).await;
    let record = store.campaign_record(&spring.id).await.expect("read").expect("there");
    assert_eq!((record.version, record.created_at_ms), (1, NOW));
    assert_eq!(record.state.lifecycle, Lifecycle::Draft);
    assert_eq!(record.definition, spring);
    let again = store
        .create_campaign(&spring, &audited("campaign.create", "spring"), NOW)
        .await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let log = audit_log(&store).await;
    assert_eq!(log.len(), 1, "what is refused is no change");
    assert_eq!(
        (log[0].action.as_str(), log[0].target_id.as_str()),
        ("campaign.create", "spring")
    );
    assert_eq!(log[0].after, serde_json::to_value(&spring).ok());
    assert_eq!((log[0].by.name.as_str(), &log[0].before), ("Asha", &None));
}

pub async fn every_change_of_definition_mode_or_lifecycle_makes_a_new_version(store: TestStore) {
    let mut spring = create(&store, "spring", NOW).await;
    let mut last = version(&store, &spring.id).await;
    let mut grows = async |what: &str| {
        let now = version(&store, &CampaignId::from("spring")).await;
        assert!(now > last, "{what}: {now} after {last}");
        last = now;
    };
    store.put_campaign(&spring, NOW).await.expect("written");
    grows("the command line's way of writing").await;
    spring.name = "Changed".to_owned();
    let edited = store
        .edit_campaign(&spring, 2, &audited("campaign.edit", "spring"), NOW)
        .await;
    assert_eq!(edited, Ok(Ok(3)));
    grows("an edit").await;
    store.set_mode(&spring.id, Mode::Simulated, NOW).await.expect("set");
    grows("the mode").await;
    go(&store, &spring.id, Lifecycle::Running).await;
    grows("the lifecycle").await;
    let log = audit_log(&store).await;
    let names = |value: &Option<serde_json::Value>| value.as_ref().map(|value| value["name"].clone());
    assert_eq!(names(&log[1].before), Some("Spring".into()));
    assert_eq!(names(&log[1].after), Some("Changed".into()));
    assert_eq!(log[0].before.as_ref().expect("said")["lifecycle"], "draft");
    assert_eq!(log[0].after.as_ref().expect("said")["lifecycle"], "running");
}

pub async fn an_edit_of_another_version_is_refused_and_leaves_nothing(store: TestStore) {
    let mut spring = create(&store, "spring", NOW).await;
    spring.name = "Mine".to_owned();
    let entry = audited("campaign.edit", "spring");
    assert_eq!(store.edit_campaign(&spring, 1, &entry, NOW).await, Ok(Ok(2)));
    spring.name = "Theirs".to_owned();
    let refused = store.edit_campaign(&spring, 1, &entry, NOW).await;
    assert_eq!(refused, Ok(Err(EditRefusal::VersionMismatch { current: 2 })));
    let delete = store.delete_draft(&spring.id, Some(1), &entry, NOW).await;
    assert_eq!(delete, Ok(Err(EditRefusal::VersionMismatch { current: 2 })));
    let mut stale = change(&spring.id, Lifecycle::Running);
    stale.expected_version = Some(1);
    let refused = store.change_campaign(&stale, &entry, NOW).await;
    assert!(matches!(refused, Ok(Err(EditRefusal::VersionMismatch { current: 2 }))));
    let kept = store.campaign(&spring.id).await.expect("read").expect("there");
    assert_eq!((kept.name.as_str(), audit_log(&store).await.len()), ("Mine", 2));
    let unknown = store.edit_campaign(&campaign("autumn"), 1, &entry, NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { what: "campaign", .. })));
}

pub async fn a_campaign_that_runs_or_is_over_or_has_open_attempts_is_not_edited(store: TestStore) {
    let spring = create(&store, "spring", NOW).await;
    let person = contact(&spring.id, 1);
    store
        .add_contacts(std::slice::from_ref(&person), NOW)
        .await
        .expect("added");
    let entry = audited("campaign.edit", "spring");
    let edit = async || {
        let version = version(&store, &spring.id).await;
        store.edit_campaign(&spring, version, &entry, NOW).await.expect("store")
    };
    go(&store, &spring.id, Lifecycle::Running).await;
    let lifecycle = Lifecycle::Running;
    assert_eq!(edit().await, Err(EditRefusal::NotEditable { lifecycle }));
    let attempt = live(&store, &person, "a").await;
    go(&store, &spring.id, Lifecycle::Paused).await;
    assert_eq!(edit().await, Err(EditRefusal::OpenAttempts { open: 1 }));
    store.record_outcome(&report(&attempt)).await.expect("ended");
    assert!(edit().await.is_ok(), "paused, and nobody is called");
    go(&store, &spring.id, Lifecycle::Completed).await;
    let lifecycle = Lifecycle::Completed;
    assert_eq!(edit().await, Err(EditRefusal::NotEditable { lifecycle }));
    go(&store, &spring.id, Lifecycle::Archived).await;
}

pub async fn a_copy_is_a_draft_without_contacts(store: TestStore) {
    let spring = create(&store, "spring", NOW).await;
    store.add_contacts(&[contact(&spring.id, 1)], NOW).await.expect("added");
    go(&store, &spring.id, Lifecycle::Running).await;
    let entry = audited("campaign.clone", "autumn");
    let autumn = CampaignId::from("autumn");
    let copy = store
        .clone_campaign(&spring.id, &autumn, Some("Autumn"), &entry, NOW)
        .await;
    let copy = copy.expect("copied");
    assert_eq!((copy.name.as_str(), &copy.questions), ("Autumn", &spring.questions));
    let record = store.campaign_record(&autumn).await.expect("read").expect("there");
    assert_eq!(record.state.lifecycle, Lifecycle::Draft);
    assert_eq!((record.contacts, record.version), (ContactCounts::default(), 1));
    let again = store.clone_campaign(&spring.id, &autumn, None, &entry, NOW).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    let missing = store
        .clone_campaign(&"winter".into(), &"x".into(), None, &entry, NOW)
        .await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
}

pub async fn a_draft_is_deleted_with_all_that_is_its_own(store: TestStore) {
    let spring = create(&store, "spring", NOW).await;
    let autumn = create(&store, "autumn", NOW).await;
    for id in [&spring.id, &autumn.id] {
        store.add_contacts(&[contact(id, 1)], NOW).await.expect("added");
    }
    let import = ImportId::from("i");
    let entry = audited("contacts.import", "spring");
    let begun = store.begin_import(&import, &spring.id, "people.csv", &entry, NOW).await;
    begun.expect("begun");
    let entry = audited("campaign.delete", "spring");
    assert_eq!(store.delete_draft(&spring.id, None, &entry, NOW).await, Ok(Ok(())));
    assert_eq!(store.campaign_record(&spring.id).await, Ok(None));
    assert!(store.contacts(&spring.id).await.expect("read").is_empty());
    assert_eq!(store.import(&import).await, Ok(None));
    assert_eq!(store.contacts(&autumn.id).await.expect("read").len(), 1, "others stay");
    let log = audit_log(&store).await;
    assert_eq!(log[0].before.as_ref().expect("said")["name"], "Spring");
    let again = store.delete_draft(&spring.id, None, &entry, NOW).await;
    assert!(matches!(again, Err(StoreError::NotFound { .. })));
}

pub async fn a_campaign_that_was_called_or_paid_for_is_not_deleted(store: TestStore) {
    let entry = audited("campaign.delete", "spring");
    let person = put_person(&store, "spring", 1).await;
    let attempt = live(&store, &person, "a").await;
    store.record_outcome(&report(&attempt)).await.expect("ended");
    let paid = create(&store, "paid", NOW).await;
    let voice = UsedService {
        kind: ServiceKind::Synthesis,
        service: "elevenlabs".to_owned(),
        model: String::new(),
    };
    let used = [(voice, ServiceUse::default())];
    store.record_preparation(&paid.id, &used, NOW).await.expect("kept");
    let running = create(&store, "running", NOW).await;
    go(&store, &running.id, Lifecycle::Running).await;
    for id in [&person.campaign, &paid.id, &running.id] {
        let refused = store.delete_draft(id, None, &entry, NOW).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{id}: {refused:?}");
        assert!(store.campaign_record(id).await.expect("read").is_some());
    }
}

pub async fn a_change_that_is_refused_changes_neither_mode_nor_lifecycle_nor_the_log(store: TestStore) {
    let spring = create(&store, "spring", NOW).await;
    let mut wish = change(&spring.id, Lifecycle::Paused);
    wish.mode = Some(Mode::Live);
    let refused = store
        .change_campaign(&wish, &audited("campaign.pause", "spring"), NOW)
        .await;
    assert!(
        matches!(refused, Err(StoreError::Conflict { .. })),
        "a draft cannot be paused"
    );
    let record = store.campaign_record(&spring.id).await.expect("read").expect("there");
    assert_eq!((record.state.mode, record.version), (Mode::DryRun, 1));
    assert_eq!(audit_log(&store).await.len(), 1);
    wish.to = Lifecycle::Running;
    let state = store
        .change_campaign(&wish, &audited("campaign.activate", "spring"), NOW)
        .await;
    let state = state.expect("store").expect("changed");
    assert_eq!((state.mode, state.lifecycle), (Mode::Live, Lifecycle::Running));
    assert_eq!(audit_log(&store).await[0].after.as_ref().expect("said")["mode"], "live");
}

pub async fn campaigns_are_found_by_state_date_and_name_in_pages_newest_first(store: TestStore) {
    let ids: Vec<String> = (0..7).map(|n| format!("c{n}")).collect();
    for (n, id) in (0_i64..).zip(&ids) {
        // Two and two of one moment.
        let mut campaign = campaign(id);
        campaign.name = format!("Survey {}", if n % 2 == 0 { "GRÜN" } else { "blau" });
        let entry = audited("campaign.create", id);
        store
            .create_campaign(&campaign, &entry, NOW + n / 2)
            .await
            .expect("created");
    }
    store
        .add_contacts(&[contact(&"c3".into(), 1)], NOW)
        .await
        .expect("added");
    go(&store, &"c4".into(), Lifecycle::Running).await;
    let find = async |query: CampaignQuery| -> Vec<String> {
        let mut after = None;
        let mut found = Vec::new();
        loop {
            let query = CampaignQuery {
                after: after.take(),
                limit: 2,
                ..query.clone()
            };
            let page = store.campaign_page(&query).await.expect("read");
            let Some(last) = page.last() else { return found };
            after = Some(CampaignCursor {
                created_at_ms: last.created_at_ms,
                id: last.definition.id.clone(),
            });
            found.extend(page.into_iter().map(|record| record.definition.id.to_string()));
        }
    };
    let all = find(CampaignQuery::default()).await;
    assert_eq!(all, ["c6", "c5", "c4", "c3", "c2", "c1", "c0"]);
    let lifecycle = Some(Lifecycle::Draft);
    let drafts = find(CampaignQuery {
        lifecycle,
        ..CampaignQuery::default()
    })
    .await;
    assert_eq!(drafts.len(), 6);
    let between = CampaignQuery {
        created_from_ms: Some(NOW + 1),
        created_until_ms: Some(NOW + 3),
        ..CampaignQuery::default()
    };
    assert_eq!(find(between).await, ["c5", "c4", "c3", "c2"]);
    let named = |text: &str| CampaignQuery {
        name_contains: Some(text.to_owned()),
        ..CampaignQuery::default()
    };
    assert_eq!(find(named("grün")).await, ["c6", "c4", "c2", "c0"]);
    assert!(
        find(named("%")).await.is_empty(),
        "a sign of the database's is a letter like any other"
    );
    let page = store
        .campaign_page(&CampaignQuery {
            limit: 10,
            ..CampaignQuery::default()
        })
        .await;
    let page = page.expect("read");
    assert_eq!(page.len(), 7);
    assert!(
        page.iter()
            .all(|record| (record.contacts.pending > 0) == (record.definition.id.as_str() == "c3"))
    );
}

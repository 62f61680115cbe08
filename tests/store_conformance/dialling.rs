//! What the dialler's tests stand on.

use crate::world::*;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, CarrierStatus, Lifecycle, Mode};
use samvad_actors::ports::{
    ContactImport, DialClaim, DoNotCallEntry, DueContact, DueQuery, ExclusionSource, Leadership, LifecycleChange,
    NewContact,
};

/// The day of [`NOW`].
pub fn date() -> CalendarDate {
    CalendarDate::parse("2023-11-14").expect("a date")
}

pub fn leadership(campaign: &CampaignId, node: &str, epoch: i64) -> Leadership {
    Leadership {
        campaign: campaign.clone(),
        node: node.to_owned(),
        epoch,
    }
}

pub fn led_by(leadership: &Leadership, node: &str, epoch: i64) -> Leadership {
    self::leadership(&leadership.campaign, node, epoch)
}

pub fn lifecycle_change(campaign: &CampaignId, to: Lifecycle) -> LifecycleChange {
    LifecycleChange {
        campaign: campaign.clone(),
        to,
        reason: Some("a test".to_owned()),
        starts_at_ms: None,
        epoch: None,
    }
}

pub async fn change(store: &TestStore, campaign: &CampaignId, to: Lifecycle) {
    store
        .change_lifecycle(&lifecycle_change(campaign, to), NOW)
        .await
        .expect("changed");
}

/// A campaign that runs in a mode, led by `node-1` under epoch 1.
pub async fn run(store: &TestStore, campaign: &CampaignId, mode: Mode) -> Leadership {
    store.set_mode(campaign, mode, NOW).await.expect("mode set");
    change(store, campaign, Lifecycle::Running).await;
    let leadership = leadership(campaign, "node-1", 1);
    assert_eq!(store.take_leadership(&leadership).await, Ok(true));
    leadership
}

pub async fn running_with_contact(store: &TestStore, id: &str, n: u32, mode: Mode) -> (Leadership, NewContact) {
    let campaign = put_campaign(store, id).await;
    let leadership = run(store, &campaign, mode).await;
    let contact = import(store, &campaign, n).await;
    (leadership, contact)
}

pub fn imported(campaign: &CampaignId, n: u32) -> ContactImport {
    ContactImport {
        contact: contact(campaign, n),
        zone: None,
        prior_consent: false,
    }
}

pub async fn import(store: &TestStore, campaign: &CampaignId, n: u32) -> NewContact {
    let import = imported(campaign, n);
    let report = store.import_contacts(std::slice::from_ref(&import), NOW).await;
    assert_eq!(report.expect("imported").added, 1);
    import.contact
}

pub fn query(campaign: &CampaignId, open_zones: Vec<Option<String>>, limit: u32) -> DueQuery {
    DueQuery {
        campaign: campaign.clone(),
        open_zones,
        local_date: date(),
        limit,
    }
}

/// Who is due in the campaign's own zone.
pub async fn due(store: &TestStore, campaign: &CampaignId, now_ms: i64) -> Vec<DueContact> {
    let query = query(campaign, vec![None], 100);
    store.due_snapshot(&query, now_ms).await.expect("read").candidates
}

pub fn dial_claim(contact: &NewContact, id: &str) -> DialClaim {
    DialClaim {
        attempt: AttemptId::from(id),
        contact: contact.id.clone(),
        token_hash: format!("hash-of-{id}"),
        token_expires_at_ms: EXPIRY,
        permit_deadline_ms: NOW + 400_000,
        country: "US".to_owned(),
        caller_id: number(9_999),
        local_date: date(),
    }
}

pub async fn claimed(store: &TestStore, leadership: &Leadership, contact: &NewContact, id: &str) -> AttemptId {
    let claimed = store
        .claim(leadership, &dial_claim(contact, id), NOW)
        .await
        .expect("store");
    claimed.expect("claimed").id
}

/// An attempt that the carrier is being asked for.
pub async fn dialled(store: &TestStore, leadership: &Leadership, contact: &NewContact, id: &str) -> AttemptId {
    let attempt = claimed(store, leadership, contact, id).await;
    let marked = store
        .mark_submitting_as(leadership, &attempt, NOW)
        .await
        .expect("store");
    marked.expect("marked");
    attempt
}

pub async fn ended_busy(store: &TestStore, leadership: &Leadership, contact: &NewContact, id: &str) {
    let attempt = dialled(store, leadership, contact, id).await;
    let busy = status(&attempt, CarrierStatus::Busy, 0);
    store.record_callback(&busy, NOW).await.expect("recorded");
}

/// An attempt with a conversation going on.
pub async fn talking(store: &TestStore, leadership: &Leadership, contact: &NewContact, id: &str) -> AttemptId {
    let attempt = dialled(store, leadership, contact, id).await;
    let reply = accepted(&attempt);
    store.record_submission(&attempt, reply, NOW).await.expect("recorded");
    let admitted = store.consume_media_token(&claim(&attempt), NOW).await.expect("store");
    admitted.expect("admitted");
    attempt
}

pub fn opt_out_of(n: u32) -> DoNotCallEntry {
    DoNotCallEntry {
        number: number(n),
        source: ExclusionSource::Import,
        attempt: None,
        added_at_ms: NOW,
    }
}

//! Whose turn it is.

use super::sql;
use crate::store::error::not_found;
use crate::store::statements::GET_CAMPAIGN;
use crate::store::{db, error::corrupt, rows};
use samvad_actors::domain::{Campaign, CampaignId, ContactId, ContactState, DialingRules, Language, Mode, PhoneNumber};
use samvad_actors::ports::{ContactCounts, DueContact, DueQuery, DueSnapshot, ModeCounts, StoreError};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};

pub(super) async fn snapshot(
    connection: &mut AnyConnection,
    query: &DueQuery,
    now_ms: i64,
) -> Result<DueSnapshot, StoreError> {
    // All of one moment.
    let mut transaction = connection.begin().await.map_err(db)?;
    let rules = rules(&mut transaction, &query.campaign).await?;
    let mut snapshot = DueSnapshot::default();
    for zone in &query.open_zones {
        let rows = sqlx::query(sql::DUE)
            .bind(query.campaign.as_str())
            .bind(zone.as_deref().unwrap_or_default())
            .bind(now_ms)
            .bind(i32::from(rules.prior_consent_required))
            .bind(now_ms.saturating_sub(rules.cooldown_ms()))
            // A registry that is asked has spoken after 1970.
            .bind(rules.oldest_scrub_ms(now_ms).map_or(0, |oldest_ms| oldest_ms.max(1)))
            .bind(i64::from(query.limit))
            .fetch_all(&mut *transaction)
            .await
            .map_err(db)?;
        for row in &rows {
            snapshot.candidates.push(candidate(row)?);
        }
    }
    snapshot.candidates.sort_by_key(|candidate| candidate.due_at_ms);
    snapshot.candidates.truncate(query.limit as usize);
    let open = sqlx::query(sql::COUNT_OPEN)
        .bind(query.campaign.as_str())
        .fetch_one(&mut *transaction)
        .await
        .map_err(db)?;
    snapshot.in_flight = rows::get_count(&open, "n")?;
    let today = sqlx::query(sql::TODAY_BY_MODE)
        .bind(query.local_date.to_string())
        .bind(query.campaign.as_str())
        .fetch_all(&mut *transaction)
        .await
        .map_err(db)?;
    for row in &today {
        *mode_count(&mut snapshot.today, rows::get_word(row, "mode")?) = rows::get_count(row, "n")?;
    }
    transaction.commit().await.map_err(db)?;
    Ok(snapshot)
}

pub(super) async fn rules(connection: &mut AnyConnection, campaign: &CampaignId) -> Result<DialingRules, StoreError> {
    let row = sqlx::query(GET_CAMPAIGN)
        .bind(campaign.as_str())
        .fetch_optional(connection)
        .await
        .map_err(db)?
        .ok_or_else(|| not_found("campaign", campaign))?;
    serde_json::from_str::<Campaign>(&rows::get::<String>(&row, "definition")?)
        .map(|campaign| campaign.dialing)
        .map_err(|_| corrupt("column definition holds no campaign this version can read"))
}

fn candidate(row: &AnyRow) -> Result<DueContact, StoreError> {
    let number: String = rows::get(row, "phone_number")?;
    Ok(DueContact {
        contact: ContactId::new(rows::get::<String>(row, "id")?),
        number: PhoneNumber::parse(&number).map_err(|_| corrupt("column phone_number holds no E.164 number"))?,
        zone: rows::zone(row)?,
        language: rows::get::<Option<String>>(row, "language")?.map(Language),
        used_attempts: rows::get_count(row, "used_attempts")?,
        due_at_ms: rows::get(row, "next_attempt_at_ms")?,
    })
}

fn mode_count(counts: &mut ModeCounts, mode: Mode) -> &mut u64 {
    match mode {
        Mode::Simulated => &mut counts.simulated,
        Mode::DryRun => &mut counts.dry_run,
        Mode::Live => &mut counts.live,
    }
}

pub(super) async fn zones(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
) -> Result<Vec<Option<String>>, StoreError> {
    let rows = sqlx::query(sql::ZONES)
        .bind(campaign.as_str())
        .fetch_all(connection)
        .await
        .map_err(db)?;
    rows.iter().map(rows::zone).collect()
}

/// Contacts by state.
pub(in crate::store) async fn contact_counts(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
) -> Result<ContactCounts, StoreError> {
    let rows = sqlx::query(sql::COUNT_CONTACTS)
        .bind(campaign.as_str())
        .fetch_all(connection)
        .await
        .map_err(db)?;
    let mut counts = ContactCounts::default();
    for row in &rows {
        let count = match rows::get_word(row, "state")? {
            ContactState::Pending => &mut counts.pending,
            ContactState::InProgress => &mut counts.in_progress,
            ContactState::Completed => &mut counts.completed,
            ContactState::Refused => &mut counts.refused,
            ContactState::NotReached => &mut counts.not_reached,
            ContactState::Excluded => &mut counts.excluded,
        };
        *count = rows::get_count(row, "n")?;
    }
    Ok(counts)
}

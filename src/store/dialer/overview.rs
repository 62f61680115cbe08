//! A campaign as a whole: who is left to call, and how the latest calls ended.

use super::{due, sql};
use crate::store::error::corrupt;
use crate::store::{db, rows};
use samvad_actors::domain::{CampaignId, Disposition, Mode};
use samvad_actors::ports::{Eligibility, StoreError};
use sqlx::{AnyConnection, Connection};
use std::collections::BTreeMap;

pub(super) async fn pending_by_zone(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
) -> Result<BTreeMap<Option<String>, u64>, StoreError> {
    let rows = sqlx::query(sql::PENDING_BY_ZONE)
        .bind(campaign.as_str())
        .fetch_all(connection)
        .await
        .map_err(db)?;
    rows.iter()
        .map(|row| Ok((rows::zone(row)?, rows::get_count(row, "n")?)))
        .collect()
}

pub(super) async fn eligibility(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    mode: Mode,
    now_ms: i64,
) -> Result<Eligibility, StoreError> {
    let mut transaction = connection.begin().await.map_err(db)?;
    let rules = due::rules(&mut transaction, campaign).await?;
    let rows = sqlx::query(sql::ELIGIBILITY)
        .bind(campaign.as_str())
        .bind(i32::from(rules.prior_consent_required))
        .bind(now_ms.saturating_sub(rules.cooldown_ms()))
        .bind(rules.oldest_scrub_ms(now_ms).map_or(0, |oldest_ms| oldest_ms.max(1)))
        .bind(rows::word(mode)?)
        .fetch_all(&mut *transaction)
        .await
        .map_err(db)?;
    transaction.commit().await.map_err(db)?;
    let mut counts = Eligibility::default();
    for row in &rows {
        let count = match rows::get::<String>(row, "reason")?.as_str() {
            "eligible" => &mut counts.eligible,
            "settled" => &mut counts.settled,
            "do_not_call" => &mut counts.do_not_call,
            "excluded" => &mut counts.excluded,
            "no_consent" => &mut counts.no_consent,
            "cooling_down" => &mut counts.cooling_down,
            "not_scrubbed" => &mut counts.not_scrubbed,
            _ => return Err(corrupt("a reason that the statement does not give")),
        };
        *count = rows::get_count(row, "n")?;
    }
    Ok(counts)
}

pub(super) async fn latest_ends(
    connection: &mut AnyConnection,
    campaign: &CampaignId,
    limit: u32,
) -> Result<Vec<Disposition>, StoreError> {
    let rows = sqlx::query(sql::LATEST_ENDS)
        .bind(campaign.as_str())
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await
        .map_err(db)?;
    rows.iter().map(|row| rows::get_word(row, "disposition")).collect()
}

//! The campaign's row: where it stands, and who may write for it.

use super::sql;
use crate::store::campaigns::lock_campaign;
use crate::store::error::{conflict, corrupt, not_found};
use crate::store::{Write, db, rows};
use samvad_actors::domain::{ActorKind, Campaign, CampaignId, ChangedBy, DialingRules, Lifecycle, Mode};
use samvad_actors::ports::{AuditEntry, CampaignState, LifecycleChange, StoreError};
use serde_json::json;
use sqlx::any::AnyRow;

pub(in crate::store) fn state(row: &AnyRow) -> Result<CampaignState, StoreError> {
    let priority: i64 = rows::get(row, "priority")?;
    Ok(CampaignState {
        id: CampaignId::new(rows::get::<String>(row, "id")?),
        lifecycle: rows::get_word(row, "lifecycle")?,
        reason: rows::get(row, "lifecycle_reason")?,
        mode: rows::get_word(row, "mode")?,
        starts_at_ms: rows::get(row, "starts_at_ms")?,
        priority: i32::try_from(priority).map_err(|_| corrupt("column priority is out of range"))?,
        epoch: rows::get(row, "epoch")?,
        leader: rows::get(row, "leader")?,
    })
}

/// What a leader's transaction goes by, while it holds the campaign's row.
pub(super) struct Fenced {
    pub(super) lifecycle: Lifecycle,
    pub(super) mode: Mode,
    pub(super) rules: DialingRules,
}

/// Holds the campaign's row until the transaction ends. `None` if a newer epoch is known.
pub(super) async fn fence(
    transaction: &mut Write,
    campaign: &CampaignId,
    epoch: i64,
) -> Result<Option<Fenced>, StoreError> {
    let fenced = sqlx::query(sql::FENCE)
        .bind(campaign.as_str())
        .bind(epoch)
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    let Some(row) = fenced.first() else {
        return match read(transaction, campaign).await? {
            Some(_) => Ok(None),
            None => Err(not_found("campaign", campaign)),
        };
    };
    let campaign: Campaign = serde_json::from_str(&rows::get::<String>(row, "definition")?)
        .map_err(|_| corrupt("column definition holds no campaign this version can read"))?;
    Ok(Some(Fenced {
        lifecycle: rows::get_word(row, "lifecycle")?,
        mode: rows::get_word(row, "mode")?,
        rules: campaign.dialing,
    }))
}

pub(in crate::store) async fn change_lifecycle(
    transaction: &mut Write,
    change: &LifecycleChange,
    now_ms: i64,
) -> Result<CampaignState, StoreError> {
    let missing = || not_found("campaign", &change.campaign);
    if !lock_campaign(transaction, &change.campaign).await? {
        return Err(missing());
    }
    let found = read(transaction, &change.campaign).await?.ok_or_else(missing)?;
    if change.epoch.is_some_and(|epoch| epoch < found.epoch) {
        return Err(conflict("this node leads the campaign no more"));
    }
    if !found.lifecycle.may_become(change.to) {
        return Err(conflict(&format!(
            "a campaign that is {} cannot become {}",
            found.lifecycle.as_str(),
            change.to.as_str()
        )));
    }
    // A leader decides by what it read before: meanwhile somebody may have been added.
    if change.to == Lifecycle::Completed && change.epoch.is_some() {
        let left = sqlx::query(sql::STILL_TO_CALL)
            .bind(change.campaign.as_str())
            .fetch_optional(&mut **transaction)
            .await
            .map_err(db)?;
        if left.is_some() {
            return Err(conflict(
                "the campaign has contacts to call, or a file of them is being read",
            ));
        }
    }
    sqlx::query(sql::SET_LIFECYCLE)
        .bind(change.campaign.as_str())
        .bind(change.to.as_str())
        .bind(change.reason.as_deref())
        .bind(change.starts_at_ms)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    read(transaction, &change.campaign).await?.ok_or_else(missing)
}

/// The audit log's entry of a change that nobody asked for: a campaign begins at its time, is completed, is paused by its
/// breaker.
pub(super) fn by_itself(before: Option<&CampaignState>, after: &CampaignState) -> AuditEntry {
    let told = |state: &CampaignState| json!({"status": state.lifecycle, "reason": state.reason});
    AuditEntry {
        by: ChangedBy {
            kind: ActorKind::System,
            id: after.leader.clone().unwrap_or_default(),
            name: "samvad".to_owned(),
            request_id: None,
        },
        action: match after.lifecycle {
            Lifecycle::Draft => "campaign.unschedule",
            Lifecycle::Scheduled => "campaign.schedule",
            Lifecycle::Running => "campaign.begin",
            Lifecycle::Paused => "campaign.pause",
            Lifecycle::Completed => "campaign.complete",
            Lifecycle::Archived => "campaign.archive",
        },
        target: ("campaign", after.id.to_string()),
        before: before.map(told),
        after: Some(told(after)),
    }
}

pub(in crate::store) async fn set_mode(
    transaction: &mut Write,
    campaign: &CampaignId,
    mode: Mode,
    now_ms: i64,
) -> Result<(), StoreError> {
    let missing = || not_found("campaign", campaign);
    if !lock_campaign(transaction, campaign).await? {
        return Err(missing());
    }
    let found = read(transaction, campaign).await?.ok_or_else(missing)?;
    if found.mode == mode {
        return Ok(());
    }
    if found.lifecycle == Lifecycle::Running {
        return Err(conflict("the campaign runs; pause it first"));
    }
    let row = sqlx::query(sql::OPEN_OR_LIVE)
        .bind(campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    if rows::get::<i64>(&row, "n")? > 0 {
        return Err(conflict(
            "the campaign has open attempts or has made live calls; wait until they have ended, or rehearse with a copy",
        ));
    }
    sqlx::query(sql::RESET_CONTACTS)
        .bind(campaign.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    sqlx::query(sql::SET_MODE)
        .bind(campaign.as_str())
        .bind(rows::word(mode)?)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// Where a campaign stands, as this transaction sees it.
pub(in crate::store) async fn read(
    transaction: &mut Write,
    campaign: &CampaignId,
) -> Result<Option<CampaignState>, StoreError> {
    let row = sqlx::query(sql::CAMPAIGN_STATE)
        .bind(campaign.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?;
    row.as_ref().map(state).transpose()
}

/// Attempts of a campaign that have not ended.
pub(in crate::store) async fn count_open(transaction: &mut Write, campaign: &CampaignId) -> Result<u64, StoreError> {
    let row = sqlx::query(sql::COUNT_OPEN)
        .bind(campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    rows::get_count(&row, "n")
}

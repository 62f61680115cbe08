//! Campaigns: written, edited, copied, deleted, moved on, listed.

use super::{filled, sql};
use crate::store::campaigns::lock_campaign;
use crate::store::dialer::{campaigns as dialled, due};
use crate::store::error::{conflict, corrupt, not_found};
use crate::store::{SqlStore, Write, audit, commit, db, rows};
use async_trait::async_trait;
use samvad_actors::domain::{Campaign, CampaignId, Lifecycle};
use samvad_actors::ports::{
    AuditEntry, CampaignChange, CampaignCursor, CampaignQuery, CampaignRecord, CampaignState, CatalogStore,
    ContactCounts, EditRefusal, LifecycleChange, StoreError,
};
use serde_json::{Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection};

/// Campaigns that are read at once where their names are searched.
const SEARCHED_AT_ONCE: u32 = 200;

#[async_trait]
impl CatalogStore for SqlStore {
    async fn create_campaign(&self, campaign: &Campaign, entry: &AuditEntry, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        create(&mut transaction, campaign, now_ms).await?;
        let entry = filled(entry, None, Some(value(campaign)?));
        audit::append(&mut transaction, &entry, now_ms).await?;
        commit(transaction).await
    }

    async fn clone_campaign(
        &self,
        original: &CampaignId,
        copy: &CampaignId,
        name: Option<&str>,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<Campaign, StoreError> {
        let mut transaction = self.begin_write().await?;
        let found = hold(&mut transaction, original).await?;
        let mut campaign = found.definition;
        campaign.id = copy.clone();
        if let Some(name) = name {
            name.clone_into(&mut campaign.name);
        }
        create(&mut transaction, &campaign, now_ms).await?;
        let after = json!({"copy_of": original, "definition": value(&campaign)?});
        audit::append(&mut transaction, &filled(entry, None, Some(after)), now_ms).await?;
        commit(transaction).await?;
        Ok(campaign)
    }

    async fn edit_campaign(
        &self,
        campaign: &Campaign,
        expected_version: i64,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<i64, EditRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let found = hold(&mut transaction, &campaign.id).await?;
        if let Err(refusal) = expect_version(&found, Some(expected_version)) {
            return Ok(Err(refusal));
        }
        let lifecycle = found.state.lifecycle;
        if !matches!(lifecycle, Lifecycle::Draft | Lifecycle::Scheduled | Lifecycle::Paused) {
            return Ok(Err(EditRefusal::NotEditable { lifecycle }));
        }
        let open = dialled::count_open(&mut transaction, &campaign.id).await?;
        if open > 0 {
            return Ok(Err(EditRefusal::OpenAttempts { open }));
        }
        let row = sqlx::query(sql::EDIT_CAMPAIGN)
            .bind(campaign.id.as_str())
            .bind(text(campaign)?)
            .bind(now_ms)
            .bind(i64::from(campaign.dialing.priority))
            .bind(campaign.dialing.cooldown_ms())
            .fetch_one(&mut *transaction)
            .await
            .map_err(db)?;
        let version = rows::get(&row, "version")?;
        let entry = filled(entry, Some(value(&found.definition)?), Some(value(campaign)?));
        audit::append(&mut transaction, &entry, now_ms).await?;
        commit(transaction).await?;
        Ok(Ok(version))
    }

    async fn delete_draft(
        &self,
        campaign: &CampaignId,
        expected_version: Option<i64>,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<(), EditRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let found = hold(&mut transaction, campaign).await?;
        if let Err(refusal) = expect_version(&found, expected_version) {
            return Ok(Err(refusal));
        }
        if found.state.lifecycle != Lifecycle::Draft {
            return Err(conflict("only a draft can be deleted; archive the campaign"));
        }
        for (statement, reason) in [
            (
                sql::EVER_ATTEMPTED,
                "the campaign has attempts, which are kept; archive it",
            ),
            (sql::EVER_PAID_FOR, "the campaign has costs, which are kept; archive it"),
        ] {
            let row = sqlx::query(statement)
                .bind(campaign.as_str())
                .fetch_optional(&mut *transaction)
                .await
                .map_err(db)?;
            if row.is_some() {
                return Err(conflict(reason));
            }
        }
        for statement in [
            sql::DELETE_REJECTIONS,
            sql::DELETE_IMPORTS,
            sql::DELETE_CONTACTS,
            sql::DELETE_CAMPAIGN,
        ] {
            sqlx::query(statement)
                .bind(campaign.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(db)?;
        }
        let entry = filled(entry, Some(value(&found.definition)?), None);
        audit::append(&mut transaction, &entry, now_ms).await?;
        commit(transaction).await?;
        Ok(Ok(()))
    }

    async fn change_campaign(
        &self,
        change: &CampaignChange,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<CampaignState, EditRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let found = hold(&mut transaction, &change.campaign).await?;
        if let Err(refusal) = expect_version(&found, change.expected_version) {
            return Ok(Err(refusal));
        }
        if let Some(mode) = change.mode {
            dialled::set_mode(&mut transaction, &change.campaign, mode, now_ms).await?;
        }
        let lifecycle = LifecycleChange {
            campaign: change.campaign.clone(),
            to: change.to,
            reason: change.reason.clone(),
            starts_at_ms: change.starts_at_ms,
            epoch: None,
        };
        let state = dialled::change_lifecycle(&mut transaction, &lifecycle, now_ms).await?;
        let entry = filled(entry, Some(standing(&found.state)), Some(standing(&state)));
        audit::append(&mut transaction, &entry, now_ms).await?;
        commit(transaction).await?;
        Ok(Ok(state))
    }

    async fn campaign_record(&self, id: &CampaignId) -> Result<Option<CampaignRecord>, StoreError> {
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        let row = sqlx::query(sql::ONE_CAMPAIGN)
            .bind(id.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(db)?;
        let record = match row {
            Some(row) => Some(with_counts(&mut transaction, record(&row)?).await?),
            None => None,
        };
        transaction.commit().await.map_err(db)?;
        Ok(record)
    }

    async fn campaign_page(&self, query: &CampaignQuery) -> Result<Vec<CampaignRecord>, StoreError> {
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let wanted = query.name_contains.as_deref().map(str::to_lowercase);
        let read_at_once = if wanted.is_some() {
            SEARCHED_AT_ONCE
        } else {
            query.limit
        };
        let mut after = query.after.clone();
        let mut page = Vec::new();
        // One read transaction, so that campaigns and counts are of one moment.
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        while page.len() < limit {
            let found = read_page(&mut transaction, query, after.as_ref(), read_at_once).await?;
            let is_last = found.len() < usize::try_from(read_at_once).unwrap_or(usize::MAX);
            for record in found {
                after = Some(CampaignCursor {
                    created_at_ms: record.created_at_ms,
                    id: record.definition.id.clone(),
                });
                // Names are compared here: databases know the small letters of few alphabets.
                let matches = wanted
                    .as_ref()
                    .is_none_or(|wanted| record.definition.name.to_lowercase().contains(wanted));
                if matches && page.len() < limit {
                    page.push(with_counts(&mut transaction, record).await?);
                }
            }
            if is_last {
                break;
            }
        }
        transaction.commit().await.map_err(db)?;
        Ok(page)
    }
}

async fn read_page(
    connection: &mut AnyConnection,
    query: &CampaignQuery,
    after: Option<&CampaignCursor>,
    limit: u32,
) -> Result<Vec<CampaignRecord>, StoreError> {
    let rows = sqlx::query(sql::CAMPAIGN_PAGE)
        .bind(query.lifecycle.map(Lifecycle::as_str))
        .bind(query.created_from_ms)
        .bind(query.created_until_ms)
        .bind(after.map_or(i64::MAX, |cursor| cursor.created_at_ms))
        .bind(after.map_or("", |cursor| cursor.id.as_str()))
        .bind(i64::from(limit))
        .fetch_all(connection)
        .await
        .map_err(db)?;
    rows.iter().map(record).collect()
}

async fn create(transaction: &mut Write, campaign: &Campaign, now_ms: i64) -> Result<(), StoreError> {
    let written = sqlx::query(sql::CREATE_CAMPAIGN)
        .bind(campaign.id.as_str())
        .bind(text(campaign)?)
        .bind(now_ms)
        .bind(i64::from(campaign.dialing.priority))
        .bind(campaign.dialing.cooldown_ms())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    match written.rows_affected() {
        0 => Err(conflict("there is a campaign of this id already")),
        _ => Ok(()),
    }
}

/// Holds a campaign's row until the transaction ends, and reads it.
async fn hold(transaction: &mut Write, id: &CampaignId) -> Result<CampaignRecord, StoreError> {
    if !lock_campaign(transaction, id).await? {
        return Err(not_found("campaign", id));
    }
    let row = sqlx::query(sql::ONE_CAMPAIGN)
        .bind(id.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    record(&row)
}

fn expect_version(found: &CampaignRecord, expected: Option<i64>) -> Result<(), EditRefusal> {
    match expected {
        Some(version) if version != found.version => Err(EditRefusal::VersionMismatch { current: found.version }),
        _ => Ok(()),
    }
}

/// Without its contacts.
fn record(row: &AnyRow) -> Result<CampaignRecord, StoreError> {
    Ok(CampaignRecord {
        definition: serde_json::from_str(&rows::get::<String>(row, "definition")?)
            .map_err(|_| corrupt("column definition holds no campaign this version can read"))?,
        state: dialled::state(row)?,
        version: rows::get(row, "version")?,
        created_at_ms: rows::get(row, "created_at_ms")?,
        updated_at_ms: rows::get(row, "updated_at_ms")?,
        contacts: ContactCounts::default(),
    })
}

async fn with_counts(connection: &mut AnyConnection, record: CampaignRecord) -> Result<CampaignRecord, StoreError> {
    let contacts = due::contact_counts(connection, &record.definition.id).await?;
    Ok(CampaignRecord { contacts, ..record })
}

/// What a change of lifecycle changes, for the audit log.
fn standing(state: &CampaignState) -> Value {
    json!({
        "lifecycle": state.lifecycle,
        "mode": state.mode,
        "reason": state.reason,
        "starts_at_ms": state.starts_at_ms,
    })
}

fn text(campaign: &Campaign) -> Result<String, StoreError> {
    serde_json::to_string(campaign).map_err(|_| corrupt("the campaign cannot be written as JSON"))
}

fn value(campaign: &Campaign) -> Result<Value, StoreError> {
    serde_json::to_value(campaign).map_err(|_| corrupt("the campaign cannot be written as JSON"))
}

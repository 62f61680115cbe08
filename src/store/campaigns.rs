//! Campaigns, their contacts, and the do-not-call list.

use super::error::{conflict, corrupt, is_unique_violation, not_found, store_error};
use super::{SqlStore, Write, commit, db, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, Campaign, CampaignId, PhoneNumber};
use samvad_actors::ports::{
    CampaignStore, Contact, ContactStore, DoNotCallEntry, DoNotCallStore, NewContact, StoreError,
};
use std::collections::BTreeMap;

#[async_trait]
impl CampaignStore for SqlStore {
    async fn put_campaign(&self, campaign: &Campaign, now_ms: i64) -> Result<(), StoreError> {
        let definition =
            serde_json::to_string(campaign).map_err(|_| corrupt("the campaign cannot be written as JSON"))?;
        let mut transaction = self.begin_write().await?;
        let written = sqlx::query(sql::PUT_CAMPAIGN)
            .bind(campaign.id.as_str())
            .bind(definition)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await
            .map_err(db)?;
        if written.rows_affected() == 0 {
            return Err(conflict("the campaign has open attempts; wait until they have ended"));
        }
        commit(transaction).await
    }

    async fn campaign(&self, id: &CampaignId) -> Result<Option<Campaign>, StoreError> {
        let row = sqlx::query(sql::GET_CAMPAIGN)
            .bind(id.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        row.map(|row| {
            serde_json::from_str(&rows::get::<String>(&row, "definition")?)
                .map_err(|_| corrupt("column definition holds no campaign this version can read"))
        })
        .transpose()
    }
}

#[async_trait]
impl ContactStore for SqlStore {
    async fn add_contacts(&self, contacts: &[NewContact], now_ms: i64) -> Result<u64, StoreError> {
        let mut transaction = self.begin_write().await?;
        let mut positions = BTreeMap::new();
        let mut added = 0;
        for contact in contacts {
            let position = match positions.entry(&contact.campaign) {
                std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::btree_map::Entry::Vacant(new) => {
                    new.insert(last_position(&mut transaction, &contact.campaign).await?)
                }
            };
            let written = sqlx::query(sql::ADD_CONTACT)
                .bind(contact.id.as_str())
                .bind(contact.campaign.as_str())
                .bind(*position + 1)
                .bind(contact.number.expose())
                .bind(contact.external_id.as_deref())
                .bind(now_ms)
                .execute(&mut *transaction)
                .await
                .map_err(|error| match is_unique_violation(&error) {
                    true => conflict("a contact with this id exists already"),
                    false => store_error(&error),
                })?;
            if written.rows_affected() > 0 {
                *position += 1;
                added += 1;
            }
        }
        commit(transaction).await?;
        Ok(added)
    }

    async fn contacts(&self, campaign: &CampaignId) -> Result<Vec<Contact>, StoreError> {
        let rows = sqlx::query(sql::CONTACTS)
            .bind(campaign.as_str())
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(|row| rows::contact(row, "id")).collect()
    }
}

/// Where the campaign's contacts end so far; its row is held until the transaction ends.
async fn last_position(transaction: &mut Write, campaign: &CampaignId) -> Result<i64, StoreError> {
    let locked = sqlx::query(sql::LOCK_CAMPAIGN)
        .bind(campaign.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    if locked.rows_affected() == 0 {
        return Err(not_found("campaign", campaign));
    }
    let row = sqlx::query(sql::LAST_POSITION)
        .bind(campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    rows::get(&row, "position")
}

#[async_trait]
impl DoNotCallStore for SqlStore {
    async fn add_do_not_call_by_attempt(&self, attempt: &AttemptId, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        if !add_by_attempt(&mut transaction, attempt, now_ms).await? {
            let known = sqlx::query(sql::GET_ATTEMPT)
                .bind(attempt.as_str())
                .fetch_optional(&mut *transaction)
                .await
                .map_err(db)?;
            if known.is_none() {
                return Err(not_found("attempt", attempt));
            }
        }
        commit(transaction).await
    }

    async fn add_do_not_call(&self, entry: &DoNotCallEntry) -> Result<bool, StoreError> {
        if !matches!(entry.source.as_str(), "in_call" | "import" | "manual") {
            return Err(conflict(
                "the source of a do-not-call entry is in_call, import or manual",
            ));
        }
        let mut transaction = self.begin_write().await?;
        let written = sqlx::query(sql::ADD_DO_NOT_CALL)
            .bind(entry.number.expose())
            .bind(entry.source.as_str())
            .bind(entry.attempt.as_ref().map(AttemptId::as_str))
            .bind(entry.added_at_ms)
            .execute(&mut *transaction)
            .await
            .map_err(db)?;
        commit(transaction).await?;
        Ok(written.rows_affected() > 0)
    }

    async fn is_do_not_call(&self, number: &PhoneNumber) -> Result<bool, StoreError> {
        let row = sqlx::query(sql::IS_DO_NOT_CALL)
            .bind(number.expose())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        Ok(row.is_some())
    }
}

/// Puts the number of an attempt's contact on the list. False if it is there, or there is no such attempt.
pub(super) async fn add_by_attempt(
    transaction: &mut Write,
    attempt: &AttemptId,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let written = sqlx::query(sql::ADD_DO_NOT_CALL_BY_ATTEMPT)
        .bind(attempt.as_str())
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    Ok(written.rows_affected() > 0)
}

//! Campaigns and their contacts.

use super::error::{conflict, corrupt, is_unique_violation, not_found, store_error};
use super::{SqlStore, Write, commit, db, rows, statements as sql};
use async_trait::async_trait;
use samvad_actors::domain::{Campaign, CampaignId, EmailAddress, PersonName};
use samvad_actors::ports::{CampaignStore, Contact, ContactImport, ContactStore, ImportReport, NewContact, StoreError};
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl CampaignStore for SqlStore {
    async fn put_campaign(&self, campaign: &Campaign, now_ms: i64) -> Result<(), StoreError> {
        let definition =
            serde_json::to_string(campaign).map_err(|_| corrupt("the campaign cannot be written as JSON"))?;
        let mut transaction = self.begin_write().await?;
        // Held first, so that no attempt is claimed between the look and the write.
        lock_campaign(&mut transaction, &campaign.id).await?;
        let written = sqlx::query(sql::PUT_CAMPAIGN)
            .bind(campaign.id.as_str())
            .bind(definition)
            .bind(now_ms)
            .bind(i64::from(campaign.dialing.priority))
            .bind(campaign.dialing.cooldown_ms())
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
        let plain = |contact: &NewContact| ContactImport {
            contact: contact.clone(),
            zone: None,
            prior_consent: false,
        };
        let contacts: Vec<ContactImport> = contacts.iter().map(plain).collect();
        Ok(self.import(&contacts, now_ms).await?.added)
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

impl SqlStore {
    /// Adds contacts in one transaction.
    pub(super) async fn import(&self, contacts: &[ContactImport], now_ms: i64) -> Result<ImportReport, StoreError> {
        let mut transaction = self.begin_write().await?;
        // Every campaign's row before any contact, and in one order: two imports must not wait for each other.
        let campaigns: BTreeSet<&CampaignId> = contacts.iter().map(|import| &import.contact.campaign).collect();
        let mut positions = BTreeMap::new();
        for campaign in campaigns {
            positions.insert(campaign, last_position(&mut transaction, campaign).await?);
        }
        let mut report = ImportReport::default();
        for (index, import) in contacts.iter().enumerate() {
            let Some(position) = positions.get_mut(&import.contact.campaign) else {
                continue;
            };
            if add_contact(&mut transaction, import, *position + 1, now_ms).await? {
                *position += 1;
                report.added += 1;
            } else {
                report.duplicates.push(index);
            }
        }
        commit(transaction).await?;
        Ok(report)
    }
}

/// False if the campaign has the number already.
pub(super) async fn add_contact(
    transaction: &mut Write,
    import: &ContactImport,
    position: i64,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let contact = &import.contact;
    let written = sqlx::query(sql::ADD_CONTACT)
        .bind(contact.id.as_str())
        .bind(contact.campaign.as_str())
        .bind(position)
        .bind(contact.number.expose())
        .bind(contact.external_id.as_deref())
        .bind(now_ms)
        .bind(import.zone.as_deref().unwrap_or_default())
        .bind(contact.language.as_ref().map(|language| language.0.as_str()))
        .bind(i32::from(import.prior_consent))
        .bind(contact.name.as_ref().map(PersonName::expose))
        .bind(contact.email.as_ref().map(EmailAddress::expose))
        .execute(&mut **transaction)
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => conflict("a contact with this id exists already"),
            false => store_error(&error),
        })?;
    Ok(written.rows_affected() > 0)
}

/// Where the campaign's contacts end so far; its row is held until the transaction ends.
pub(super) async fn last_position(transaction: &mut Write, campaign: &CampaignId) -> Result<i64, StoreError> {
    if !lock_campaign(transaction, campaign).await? {
        return Err(not_found("campaign", campaign));
    }
    let row = sqlx::query(sql::LAST_POSITION)
        .bind(campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    rows::get(&row, "position")
}

/// Holds a campaign's row until the transaction ends. False if there is none.
pub(super) async fn lock_campaign(transaction: &mut Write, campaign: &CampaignId) -> Result<bool, StoreError> {
    let locked = sqlx::query(sql::LOCK_CAMPAIGN)
        .bind(campaign.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    Ok(locked.rows_affected() > 0)
}

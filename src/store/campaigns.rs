//! Campaigns and their contacts.

use super::error::{conflict, corrupt, is_unique_violation, not_found, store_error};
use super::many::{self, AT_ONCE};
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
        let mut by_campaign: BTreeMap<&CampaignId, Vec<usize>> = BTreeMap::new();
        for (index, import) in contacts.iter().enumerate() {
            by_campaign.entry(&import.contact.campaign).or_default().push(index);
        }
        // Every campaign's row before any contact, and in one order: two imports must not wait for each other.
        for campaign in by_campaign.keys() {
            hold(&mut transaction, campaign).await?;
        }
        let mut report = ImportReport::default();
        for (campaign, indices) in &by_campaign {
            let of_campaign: Vec<&ContactImport> = indices.iter().filter_map(|index| contacts.get(*index)).collect();
            let added = add_to_campaign(&mut transaction, campaign, &of_campaign, now_ms).await?;
            for (index, is_added) in indices.iter().zip(added) {
                match is_added {
                    true => report.added += 1,
                    false => report.duplicates.push(*index),
                }
            }
        }
        report.duplicates.sort_unstable();
        commit(transaction).await?;
        Ok(report)
    }
}

/// Adds contacts to their campaign, behind those that it has; its row is held. Says of each whether it was added: not if
/// the campaign has the number already.
pub(super) async fn add_to_campaign(
    transaction: &mut Write,
    campaign: &CampaignId,
    contacts: &[&ContactImport],
    now_ms: i64,
) -> Result<Vec<bool>, StoreError> {
    let last = sqlx::query(sql::LAST_POSITION)
        .bind(campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    let mut position: i64 = rows::get(&last, "position")?;
    let mut added = Vec::with_capacity(contacts.len());
    for contacts in contacts.chunks(AT_ONCE) {
        let mut known = numbers_of(transaction, campaign, contacts).await?;
        let mut new = Vec::with_capacity(contacts.len());
        for import in contacts {
            let is_new = known.insert(import.contact.number.expose().to_owned());
            added.push(is_new);
            if is_new {
                position += 1;
                new.push((position, *import));
            }
        }
        if !new.is_empty() {
            add_new(transaction, campaign, &new, now_ms).await?;
        }
    }
    Ok(added)
}

/// Those of the contacts' numbers that the campaign has.
async fn numbers_of(
    transaction: &mut Write,
    campaign: &CampaignId,
    contacts: &[&ContactImport],
) -> Result<BTreeSet<String>, StoreError> {
    let mut query = many::rows(sql::NUMBERS_OF_CAMPAIGN, 2, 1, contacts.len()).bind(campaign.as_str());
    for import in contacts {
        query = query.bind(import.contact.number.expose());
    }
    let found = query.fetch_all(&mut **transaction).await.map_err(db)?;
    found.iter().map(|row| rows::get(row, "phone_number")).collect()
}

/// Writes contacts at their positions, at most [`AT_ONCE`].
async fn add_new(
    transaction: &mut Write,
    campaign: &CampaignId,
    contacts: &[(i64, &ContactImport)],
    now_ms: i64,
) -> Result<(), StoreError> {
    let mut adding = many::rows(sql::ADD_CONTACTS, 3, 9, contacts.len())
        .bind(campaign.as_str())
        .bind(now_ms);
    for (position, import) in contacts {
        let contact = &import.contact;
        adding = adding
            .bind(contact.id.as_str())
            .bind(*position)
            .bind(contact.number.expose())
            .bind(contact.external_id.as_deref())
            .bind(import.zone.as_deref().unwrap_or_default())
            .bind(contact.language.as_ref().map(|language| language.0.as_str()))
            .bind(i32::from(import.prior_consent))
            .bind(contact.name.as_ref().map(PersonName::expose))
            .bind(contact.email.as_ref().map(EmailAddress::expose));
    }
    let written = adding.execute(&mut **transaction).await;
    written.map(drop).map_err(|error| match is_unique_violation(&error) {
        true => conflict("a contact with this id exists already"),
        false => store_error(&error),
    })
}

/// Holds a campaign's row until the transaction ends, so that no two give out the same positions.
pub(super) async fn hold(transaction: &mut Write, campaign: &CampaignId) -> Result<(), StoreError> {
    match lock_campaign(transaction, campaign).await? {
        true => Ok(()),
        false => Err(not_found("campaign", campaign)),
    }
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

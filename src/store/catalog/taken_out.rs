//! Contacts that somebody takes out of a campaign by hand, and lets back in.

use super::{filled, sql};
use crate::store::attempts::number_of_contact;
use crate::store::campaigns::lock_campaign;
use crate::store::dialer::campaigns as dialled;
use crate::store::error::not_found;
use crate::store::opt_outs::{is_listed, lock_number};
use crate::store::{Write, audit, db, rows};
use samvad_actors::domain::{CampaignId, ContactId, ContactState, ExclusionReason, LISTED, Lifecycle};
use samvad_actors::ports::{AttemptRow, AuditEntry, ContactRefusal, StoreError};
use serde_json::{Value, json};

/// A contact whose campaign and number are held until the transaction ends: nobody else moves it.
struct Held {
    number: String,
    state: ContactState,
    reason: Option<String>,
}

impl Held {
    /// Whether somebody took it out, rather than the exclusion list.
    fn is_taken_out(&self) -> bool {
        self.state == ContactState::Excluded && self.reason.as_deref() != Some(LISTED)
    }
}

/// Takes a contact out. Returns its attempts that have not ended. To be rolled back on a refusal.
pub(super) async fn exclude(
    transaction: &mut Write,
    campaign: &CampaignId,
    contact: &ContactId,
    reason: &ExclusionReason,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<Result<Vec<AttemptRow>, ContactRefusal>, StoreError> {
    let held = match hold(transaction, campaign, contact).await? {
        Ok(held) => held,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if held.is_taken_out() {
        return Ok(Err(ContactRefusal::ExcludedAlready));
    }
    let is_settled = matches!(
        held.state,
        ContactState::Completed | ContactState::Refused | ContactState::NotReached
    );
    if is_settled {
        return Ok(Err(ContactRefusal::Settled));
    }
    sqlx::query(sql::EXCLUDE_CONTACT)
        .bind(contact.as_str())
        .bind(reason.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let open = sqlx::query(sql::OPEN_ATTEMPTS_OF_CONTACT)
        .bind(campaign.as_str())
        .bind(contact.as_str())
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    let open = open.iter().map(rows::attempt).collect::<Result<_, _>>()?;
    let after = told(campaign, ContactState::Excluded, Some(reason.as_str()));
    let before = told(campaign, held.state, held.reason.as_deref());
    audit::append(transaction, &filled(entry, Some(before), Some(after)), now_ms).await?;
    Ok(Ok(open))
}

/// Lets a contact back in that somebody took out. To be rolled back on a refusal.
pub(super) async fn include(
    transaction: &mut Write,
    campaign: &CampaignId,
    contact: &ContactId,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<Result<(), ContactRefusal>, StoreError> {
    let held = match hold(transaction, campaign, contact).await? {
        Ok(held) => held,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if held.state != ContactState::Excluded {
        return Ok(Err(ContactRefusal::NotExcluded));
    }
    if !held.is_taken_out() || is_listed(transaction, &held.number).await? {
        return Ok(Err(ContactRefusal::Listed));
    }
    let row = sqlx::query(sql::INCLUDE_CONTACT)
        .bind(contact.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    let before = told(campaign, held.state, held.reason.as_deref());
    let after = told(campaign, rows::get_word(&row, "state")?, None);
    audit::append(transaction, &filled(entry, Some(before), Some(after)), now_ms).await?;
    Ok(Ok(()))
}

/// The contact as it is once nobody else changes it; a refusal if its campaign is over.
async fn hold(
    transaction: &mut Write,
    campaign: &CampaignId,
    contact: &ContactId,
) -> Result<Result<Held, ContactRefusal>, StoreError> {
    if !lock_campaign(transaction, campaign).await? {
        return Err(not_found("campaign", campaign));
    }
    let number = number_of_contact(transaction, contact, campaign).await?;
    let state = dialled::read(transaction, campaign).await?;
    if state.is_some_and(|state| matches!(state.lifecycle, Lifecycle::Completed | Lifecycle::Archived)) {
        return Ok(Err(ContactRefusal::CampaignOver));
    }
    lock_number(transaction, &number).await?;
    let row = sqlx::query(sql::STATE_OF_CONTACT)
        .bind(contact.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    Ok(Ok(Held {
        number,
        state: rows::get_word(&row, "state")?,
        reason: rows::get(&row, "excluded_reason")?,
    }))
}

/// Where a contact stands, for the audit log.
fn told(campaign: &CampaignId, state: ContactState, reason: Option<&str>) -> Value {
    json!({"campaign_id": campaign, "state": state, "excluded_reason": reason})
}

//! From a dial order to the moment the carrier is asked.

use super::campaigns::fence;
use super::sql;
use crate::store::attempts::{Claimed, create, lock, number_of_contact};
use crate::store::dialect::Dialect;
use crate::store::error::not_found;
use crate::store::opt_outs::{is_listed, lock_number};
use crate::store::outcomes::{self, Ending};
use crate::store::{Write, db, rows, statements};
use samvad_actors::domain::{
    AttemptId, AttemptState, CampaignId, ContactState, DialingRules, Disposition, Lifecycle, Mode,
};
use samvad_actors::ports::{AttemptRow, ClaimRefusal, DialClaim, Leadership, NewAttempt, StoreError, SubmitRefusal};
use sqlx::any::AnyRow;

/// Writes a planned attempt. To be rolled back on a refusal.
pub(super) async fn claim(
    transaction: &mut Write,
    dialect: Dialect,
    leadership: &Leadership,
    claim: &DialClaim,
    now_ms: i64,
) -> Result<Result<AttemptRow, ClaimRefusal>, StoreError> {
    let Some(campaign) = fence(transaction, &leadership.campaign, leadership.epoch).await? else {
        return Ok(Err(ClaimRefusal::StaleEpoch));
    };
    if campaign.lifecycle != Lifecycle::Running {
        return Ok(Err(ClaimRefusal::NotRunning));
    }
    let number = number_of_contact(transaction, &claim.contact, &leadership.campaign).await?;
    sqlx::query(sql::ENSURE_NUMBER)
        .bind(&number)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let held = sqlx::query(dialect.claim_number())
        .bind(&number)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?;
    let Some(held) = held else {
        return Ok(Err(ClaimRefusal::Contended));
    };
    // Read once the number is held: from here on nobody changes the contact.
    let contact = sqlx::query(sql::CONTACT_TO_CLAIM)
        .bind(claim.contact.as_str())
        .bind(leadership.campaign.as_str())
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?
        .ok_or_else(|| not_found("contact", &claim.contact))?;
    if is_listed(transaction, &number).await? {
        return Ok(Err(ClaimRefusal::DoNotCall));
    }
    if let Some(refusal) = refusal_of_contact(&contact, &campaign.rules, now_ms)? {
        return Ok(Err(refusal));
    }
    let outlasting = sqlx::query(sql::OUTLASTING_CALL_TO)
        .bind(&number)
        .bind(now_ms)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?;
    if outlasting.is_some() {
        return Ok(Err(ClaimRefusal::InFlight));
    }
    if is_cooling_down(&held, &leadership.campaign, &campaign.rules, now_ms)? {
        return Ok(Err(ClaimRefusal::CoolingDown));
    }
    if !is_scrubbed(transaction, &number, &campaign.rules, now_ms).await? {
        return Ok(Err(ClaimRefusal::NotScrubbed));
    }
    let attempt = NewAttempt {
        id: claim.attempt.clone(),
        campaign: leadership.campaign.clone(),
        contact: claim.contact.clone(),
        mode: campaign.mode,
        token_hash: claim.token_hash.clone(),
        token_expires_at_ms: claim.token_expires_at_ms,
    };
    let claimed = Claimed { leadership, claim };
    let row = create(transaction, &attempt, &number, Some(claimed), now_ms).await?;
    Ok(row.ok_or(ClaimRefusal::InFlight))
}

fn refusal_of_contact(contact: &AnyRow, rules: &DialingRules, now_ms: i64) -> Result<Option<ClaimRefusal>, StoreError> {
    let due_at_ms: i64 = rows::get(contact, "next_attempt_at_ms")?;
    let has_consent = rows::get_flag(contact, "prior_consent")?;
    Ok(match rows::get_word(contact, "state")? {
        ContactState::InProgress => Some(ClaimRefusal::InFlight),
        ContactState::Completed | ContactState::Refused | ContactState::NotReached => Some(ClaimRefusal::Settled),
        ContactState::Excluded => Some(ClaimRefusal::Excluded),
        ContactState::Pending if due_at_ms > now_ms => Some(ClaimRefusal::NotDue),
        ContactState::Pending if rules.prior_consent_required && !has_consent => Some(ClaimRefusal::NoConsent),
        ContactState::Pending => None,
    })
}

fn is_cooling_down(
    number: &AnyRow,
    campaign: &CampaignId,
    rules: &DialingRules,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let last: Option<i64> = rows::get(number, "last_contacted_at_ms")?;
    let by: Option<String> = rows::get(number, "last_campaign_id")?;
    let elsewhere = by.is_some_and(|by| by != campaign.as_str());
    Ok(elsewhere && last.is_some_and(|last| last > now_ms.saturating_sub(rules.cooldown_ms())))
}

async fn is_scrubbed(
    transaction: &mut Write,
    number: &str,
    rules: &DialingRules,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let Some(oldest_ms) = rules.oldest_scrub_ms(now_ms) else {
        return Ok(true);
    };
    let scrub = sqlx::query(sql::SCRUB_OF)
        .bind(number)
        .fetch_optional(&mut **transaction)
        .await
        .map_err(db)?;
    let Some(scrub) = scrub else { return Ok(false) };
    Ok(!rows::get_flag(&scrub, "listed")? && rows::get::<i64>(&scrub, "scrubbed_at_ms")? >= oldest_ms)
}

/// Undoes a claim. False if the attempt is not planned any more, or somebody newer leads.
pub(super) async fn release(
    transaction: &mut Write,
    leadership: &Leadership,
    attempt: &AttemptId,
) -> Result<bool, StoreError> {
    if fence(transaction, &leadership.campaign, leadership.epoch)
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let found = lock(transaction, attempt).await?;
    if found.campaign != leadership.campaign || found.state != AttemptState::Planned {
        return Ok(false);
    }
    give_back(transaction, &found).await?;
    Ok(true)
}

/// Takes a planned attempt out of the world: the carrier was never asked, nothing is used up.
async fn give_back(transaction: &mut Write, attempt: &AttemptRow) -> Result<(), StoreError> {
    let number = number_of_contact(transaction, &attempt.contact, &attempt.campaign).await?;
    lock_number(transaction, &number).await?;
    sqlx::query(sql::DELETE_PLANNED)
        .bind(attempt.id.as_str())
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    sqlx::query(sql::GIVE_ATTEMPT_BACK)
        .bind(attempt.contact.as_str())
        .bind(rows::word(attempt.mode)?)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    if is_listed(transaction, &number).await? {
        // Listed while the attempt was planned: the contact was not pending then.
        sqlx::query(statements::EXCLUDE_NUMBER)
            .bind(&number)
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
    }
    Ok(())
}

/// The last gate before the carrier is asked. To be committed on a refusal too.
pub(super) async fn mark_submitting(
    transaction: &mut Write,
    leadership: &Leadership,
    attempt: &AttemptId,
    now_ms: i64,
) -> Result<Result<(), SubmitRefusal>, StoreError> {
    let Some(campaign) = fence(transaction, &leadership.campaign, leadership.epoch).await? else {
        return Ok(Err(SubmitRefusal::StaleEpoch));
    };
    let found = lock(transaction, attempt).await?;
    if found.campaign != leadership.campaign || found.state != AttemptState::Planned {
        return Ok(Err(SubmitRefusal::NotPlanned));
    }
    if campaign.lifecycle != Lifecycle::Running {
        give_back(transaction, &found).await?;
        return Ok(Err(SubmitRefusal::NotRunning));
    }
    let number = number_of_contact(transaction, &found.contact, &found.campaign).await?;
    lock_number(transaction, &number).await?;
    if is_listed(transaction, &number).await? {
        let never_called = Ending::unanswered(Disposition::NotAttempted, now_ms);
        outcomes::end(transaction, &found, &never_called).await?;
        return Ok(Err(SubmitRefusal::DoNotCall));
    }
    let contact = sqlx::query(sql::CONTACT_TO_CLAIM)
        .bind(found.contact.as_str())
        .bind(found.campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    if rows::get_word::<ContactState>(&contact, "state")? == ContactState::Excluded {
        give_back(transaction, &found).await?;
        return Ok(Err(SubmitRefusal::Excluded));
    }
    sqlx::query(sql::MARK_SUBMITTING)
        .bind(attempt.as_str())
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    if found.mode == Mode::Live {
        begin_cooldown(transaction, &number, &found.campaign, now_ms).await?;
    }
    Ok(Ok(()))
}

async fn begin_cooldown(
    transaction: &mut Write,
    number: &str,
    campaign: &CampaignId,
    now_ms: i64,
) -> Result<(), StoreError> {
    for statement in [sql::BEGIN_COOLDOWN, sql::PUT_OTHERS_OFF] {
        sqlx::query(statement)
            .bind(number)
            .bind(now_ms)
            .bind(campaign.as_str())
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
    }
    Ok(())
}

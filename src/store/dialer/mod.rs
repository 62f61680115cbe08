//! What the dialler asks for: who leads, whose turn it is, claims, and what counts against the limits.

pub(super) mod campaigns;
mod claims;
pub(super) mod due;
mod overview;
mod statements;
mod usage;

#[cfg(test)]
pub(in crate::store) use statements::ALL;

use super::error::not_found;
use super::{SqlStore, audit, commit, db, rows};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, ContactId, Disposition, Language, Mode, PersonName};
use samvad_actors::ports::{
    AttemptRow, AuditEntry, CampaignState, ClaimRefusal, ContactCounts, ContactImport, DialClaim, DialerStore,
    DoNotCallEntry, DueQuery, DueSnapshot, Eligibility, ImportReport, InFlightAttempt, Leadership, LifecycleChange,
    OptOutReport, RecordedUsage, RegistryScrub, StoreError, SubmitRefusal, SurveyEvent,
};
use statements as sql;
use std::collections::BTreeMap;

impl SqlStore {
    /// Every campaign, drafts and those put away included, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the database cannot be read.
    pub async fn all_campaigns(&self) -> Result<Vec<CampaignState>, StoreError> {
        let rows = sqlx::query(sql::ALL_CAMPAIGNS)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(campaigns::state).collect()
    }
}

#[async_trait]
impl DialerStore for SqlStore {
    async fn campaign_state(&self, campaign: &CampaignId) -> Result<Option<CampaignState>, StoreError> {
        let row = sqlx::query(sql::CAMPAIGN_STATE)
            .bind(campaign.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        row.as_ref().map(campaigns::state).transpose()
    }

    async fn active_campaigns(&self) -> Result<Vec<CampaignState>, StoreError> {
        let rows = sqlx::query(sql::ACTIVE_CAMPAIGNS)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(campaigns::state).collect()
    }

    async fn change_lifecycle(&self, change: &LifecycleChange, now_ms: i64) -> Result<CampaignState, StoreError> {
        let mut transaction = self.begin_write().await?;
        let before = campaigns::read(&mut transaction, &change.campaign).await?;
        let changed = campaigns::change_lifecycle(&mut transaction, change, now_ms).await?;
        let entry = campaigns::by_itself(before.as_ref(), &changed);
        audit::append(&mut transaction, &entry, now_ms).await?;
        commit(transaction).await?;
        Ok(changed)
    }

    async fn set_mode(&self, campaign: &CampaignId, mode: Mode, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        campaigns::set_mode(&mut transaction, campaign, mode, now_ms).await?;
        commit(transaction).await
    }

    async fn take_leadership(&self, leadership: &Leadership) -> Result<bool, StoreError> {
        let taken = sqlx::query(sql::TAKE_LEADERSHIP)
            .bind(leadership.campaign.as_str())
            .bind(leadership.epoch)
            .bind(leadership.node.as_str())
            .execute(&mut *self.writer().await?)
            .await
            .map_err(db)?;
        if taken.rows_affected() > 0 {
            return Ok(true);
        }
        match self.campaign_state(&leadership.campaign).await? {
            Some(_) => Ok(false),
            None => Err(not_found("campaign", &leadership.campaign)),
        }
    }

    async fn import_contacts(&self, contacts: &[ContactImport], now_ms: i64) -> Result<ImportReport, StoreError> {
        self.import(contacts, now_ms).await
    }

    async fn name_of_attempt(&self, attempt: &AttemptId) -> Result<Option<(PersonName, Option<Language>)>, StoreError> {
        let row = sqlx::query(sql::NAME_OF_ATTEMPT)
            .bind(attempt.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        let language = rows::get::<Option<String>>(&row, "language")?.map(Language);
        Ok(rows::name(&row)?.map(|name| (name, language)))
    }

    async fn is_excluded(&self, contact: &ContactId) -> Result<bool, StoreError> {
        let row = sqlx::query(sql::IS_EXCLUDED)
            .bind(contact.as_str())
            .fetch_optional(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        Ok(row.is_some())
    }

    async fn in_flight_to_excluded(&self) -> Result<Vec<AttemptRow>, StoreError> {
        let rows = sqlx::query(sql::IN_FLIGHT_TO_EXCLUDED)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(rows::attempt).collect()
    }

    async fn zones(&self, campaign: &CampaignId) -> Result<Vec<Option<String>>, StoreError> {
        due::zones(&mut *self.reader().await?, campaign).await
    }

    async fn contact_counts(&self, campaign: &CampaignId) -> Result<ContactCounts, StoreError> {
        due::contact_counts(&mut *self.reader().await?, campaign).await
    }

    async fn pending_by_zone(&self, campaign: &CampaignId) -> Result<BTreeMap<Option<String>, u64>, StoreError> {
        overview::pending_by_zone(&mut *self.reader().await?, campaign).await
    }

    async fn eligibility(&self, campaign: &CampaignId, mode: Mode, now_ms: i64) -> Result<Eligibility, StoreError> {
        overview::eligibility(&mut *self.reader().await?, campaign, mode, now_ms).await
    }

    async fn latest_ends(&self, campaign: &CampaignId, limit: u32) -> Result<Vec<Disposition>, StoreError> {
        overview::latest_ends(&mut *self.reader().await?, campaign, limit).await
    }

    async fn due_snapshot(&self, query: &DueQuery, now_ms: i64) -> Result<DueSnapshot, StoreError> {
        due::snapshot(&mut *self.reader().await?, query, now_ms).await
    }

    async fn claim(
        &self,
        leadership: &Leadership,
        claim: &DialClaim,
        now_ms: i64,
    ) -> Result<Result<AttemptRow, ClaimRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let dialect = self.pools.dialect;
        let claimed = claims::claim(&mut transaction, dialect, leadership, claim, now_ms).await?;
        if claimed.is_ok() {
            commit(transaction).await?;
        }
        Ok(claimed)
    }

    async fn release_claim(&self, leadership: &Leadership, attempt: &AttemptId) -> Result<bool, StoreError> {
        let mut transaction = self.begin_write().await?;
        let released = claims::release(&mut transaction, leadership, attempt).await?;
        commit(transaction).await?;
        Ok(released)
    }

    async fn mark_submitting_as(
        &self,
        leadership: &Leadership,
        attempt: &AttemptId,
        now_ms: i64,
    ) -> Result<Result<(), SubmitRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let marked = claims::mark_submitting(&mut transaction, leadership, attempt, now_ms).await?;
        // A refusal may have released or ended the attempt.
        commit(transaction).await?;
        Ok(marked)
    }

    async fn in_flight(&self, node: Option<&str>) -> Result<Vec<InFlightAttempt>, StoreError> {
        usage::in_flight(&mut *self.reader().await?, node).await
    }

    async fn usage(&self, since: CalendarDate, now_ms: i64) -> Result<RecordedUsage, StoreError> {
        usage::usage(&mut *self.reader().await?, since, now_ms).await
    }

    async fn opt_out(&self, entries: &[DoNotCallEntry]) -> Result<OptOutReport, StoreError> {
        self.opt_out_all(entries).await
    }

    async fn record_scrubs(&self, scrubs: &[RegistryScrub], entry: &AuditEntry, now_ms: i64) -> Result<(), StoreError> {
        let mut scrubs: Vec<&RegistryScrub> = scrubs.iter().collect();
        scrubs.sort_by(|a, b| a.number.cmp(&b.number));
        let mut transaction = self.begin_write().await?;
        for scrub in scrubs {
            sqlx::query(sql::RECORD_SCRUB)
                .bind(scrub.number.expose())
                .bind(i32::from(scrub.listed))
                .bind(scrub.scrubbed_at_ms)
                .execute(&mut *transaction)
                .await
                .map_err(db)?;
        }
        audit::append(&mut transaction, entry, now_ms).await?;
        commit(transaction).await
    }

    async fn pending_events(&self, limit: u32) -> Result<Vec<SurveyEvent>, StoreError> {
        let rows = sqlx::query(sql::PENDING_EVENTS)
            .bind(i64::from(limit))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(usage::event).collect()
    }

    async fn mark_event_delivered(&self, attempt: &AttemptId, kind: &str) -> Result<bool, StoreError> {
        let marked = sqlx::query(sql::MARK_EVENT_DELIVERED)
            .bind(attempt.as_str())
            .bind(kind)
            .execute(&mut *self.writer().await?)
            .await
            .map_err(db)?;
        Ok(marked.rows_affected() > 0)
    }
}

//! Contacts in pages, and imports.

use super::{filled, imports, sql, taken_out};
use crate::store::dialect::Dialect;
use crate::store::dialer::due;
use crate::store::error::corrupt;
use crate::store::{SqlStore, audit, commit, db, rows};
use async_trait::async_trait;
use samvad_actors::domain::{
    CampaignId, ChangedBy, ContactId, ContactState, ExclusionReason, ImportId, Language, PhoneNumber,
};
use samvad_actors::ports::{
    AttemptRow, AuditEntry, BatchReport, ContactCursor, ContactFilter, ContactOrder, ContactQuery, ContactRecord,
    ContactRefusal, ImportBatch, ImportCursor, ImportRecord, PeopleStore, RowRejection, StoreError,
};
use serde_json::json;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, Connection};

#[async_trait]
impl PeopleStore for SqlStore {
    async fn contact_page(&self, query: &ContactQuery) -> Result<Vec<ContactRecord>, StoreError> {
        let (statement, first) = page_statement(&query.filter, query.order);
        let after = query.after.unwrap_or(first);
        let rows = matching(statement, &query.campaign, &query.filter)?
            .bind(after.last_attempt_at_ms)
            .bind(after.position)
            .bind(i64::from(query.limit))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(record).collect()
    }

    async fn count_contacts(&self, campaign: &CampaignId, filter: &ContactFilter) -> Result<u64, StoreError> {
        let mut reader = self.reader().await?;
        let statement = match filter {
            ContactFilter {
                external_id: Some(_), ..
            } => sql::COUNT_OF_EXTERNAL_ID,
            ContactFilter {
                last_disposition: Some(_),
                ..
            } => sql::COUNT_OF_DISPOSITION,
            ContactFilter {
                last_outcome: Some(outcome),
                state: None,
                ..
            } => {
                let row = sqlx::query(sql::COUNT_OF_OUTCOME_ALONE)
                    .bind(campaign.as_str())
                    .bind(rows::word(*outcome)?)
                    .fetch_one(&mut *reader)
                    .await
                    .map_err(db)?;
                return rows::get_count(&row, "n");
            }
            ContactFilter {
                last_outcome: Some(_), ..
            } => sql::COUNT_OF_OUTCOME,
            // These need no contact, only the index.
            ContactFilter { state, .. } => {
                let counts = due::contact_counts(&mut reader, campaign).await?;
                return Ok(match state {
                    None => counts.total(),
                    Some(ContactState::Pending) => counts.pending,
                    Some(ContactState::InProgress) => counts.in_progress,
                    Some(ContactState::Completed) => counts.completed,
                    Some(ContactState::Refused) => counts.refused,
                    Some(ContactState::NotReached) => counts.not_reached,
                    Some(ContactState::Excluded) => counts.excluded,
                });
            }
        };
        let row = matching(statement, campaign, filter)?
            .fetch_one(&mut *reader)
            .await
            .map_err(db)?;
        rows::get_count(&row, "n")
    }

    async fn contact_record(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
    ) -> Result<Option<(ContactRecord, Vec<AttemptRow>)>, StoreError> {
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin().await.map_err(db)?;
        let row = sqlx::query(sql::ONE_CONTACT)
            .bind(contact.as_str())
            .bind(campaign.as_str())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(db)?;
        let attempts = sqlx::query(sql::ATTEMPTS_OF_CONTACT)
            .bind(campaign.as_str())
            .bind(contact.as_str())
            .fetch_all(&mut *transaction)
            .await
            .map_err(db)?;
        transaction.commit().await.map_err(db)?;
        let Some(row) = row else { return Ok(None) };
        let attempts = attempts.iter().map(rows::attempt).collect::<Result<_, _>>()?;
        Ok(Some((record(&row)?, attempts)))
    }

    async fn exclude_contact(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
        reason: &ExclusionReason,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<Vec<AttemptRow>, ContactRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let excluded = taken_out::exclude(&mut transaction, campaign, contact, reason, entry, now_ms).await?;
        if excluded.is_ok() {
            commit(transaction).await?;
        }
        Ok(excluded)
    }

    async fn include_contact(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<(), ContactRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        let included = taken_out::include(&mut transaction, campaign, contact, entry, now_ms).await?;
        if included.is_ok() {
            commit(transaction).await?;
        }
        Ok(included)
    }

    async fn begin_import(
        &self,
        id: &ImportId,
        campaign: &CampaignId,
        source_name: &str,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        imports::begin(&mut transaction, id, campaign, (source_name, &entry.by.name), now_ms).await?;
        let after = json!({"import_id": id, "source_name": source_name});
        audit::append(&mut transaction, &filled(entry, None, Some(after)), now_ms).await?;
        commit(transaction).await
    }

    async fn import_batch(&self, batch: &ImportBatch, now_ms: i64) -> Result<BatchReport, StoreError> {
        let mut transaction = self.begin_write().await?;
        let report = imports::take(&mut transaction, batch, now_ms).await?;
        commit(transaction).await?;
        Ok(report)
    }

    async fn end_import(
        &self,
        id: &ImportId,
        fault: Option<&str>,
        entry: &AuditEntry,
        now_ms: i64,
    ) -> Result<ImportRecord, StoreError> {
        let mut transaction = self.begin_write().await?;
        let record = imports::end(&mut transaction, id, fault, entry, now_ms).await?;
        commit(transaction).await?;
        if self.pools.dialect == Dialect::Postgres {
            // Where there are several writers, somebody may have opted out beside a batch that did not see it, nor was
            // seen: nobody calls them, and the campaign would wait for them for ever.
            sqlx::query(sql::EXCLUDE_LISTED)
                .bind(record.campaign.as_str())
                .execute(&mut *self.writer().await?)
                .await
                .map_err(db)?;
        }
        Ok(record)
    }

    async fn import_goes_on(&self, id: &ImportId, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        sqlx::query(sql::IMPORT_GOES_ON)
            .bind(id.as_str())
            .bind(now_ms)
            .execute(&mut *transaction)
            .await
            .map_err(db)?;
        commit(transaction).await
    }

    async fn end_abandoned_imports(
        &self,
        before_ms: i64,
        fault: &str,
        by: &ChangedBy,
        now_ms: i64,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin_write().await?;
        let ended = imports::end_abandoned(&mut transaction, before_ms, fault, by, now_ms).await?;
        commit(transaction).await?;
        Ok(ended)
    }

    async fn import(&self, id: &ImportId) -> Result<Option<ImportRecord>, StoreError> {
        imports::read(&mut *self.reader().await?, id).await
    }

    async fn imports(
        &self,
        campaign: &CampaignId,
        after: Option<&ImportCursor>,
        limit: u32,
    ) -> Result<Vec<ImportRecord>, StoreError> {
        let rows = sqlx::query(sql::IMPORTS)
            .bind(campaign.as_str())
            .bind(after.map_or(i64::MAX, |after| after.started_at_ms))
            .bind(after.map_or("", |after| after.id.as_str()))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(imports::record).collect()
    }

    async fn rejections(&self, import: &ImportId, after_row: u64, limit: u32) -> Result<Vec<RowRejection>, StoreError> {
        let rows = sqlx::query(sql::REJECTIONS)
            .bind(import.as_str())
            .bind(rows::stored(after_row))
            .bind(i64::from(limit))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(imports::rejection).collect()
    }
}

/// The statement whose index fits what is asked for best, and where its first page begins.
fn page_statement(filter: &ContactFilter, order: ContactOrder) -> (&'static str, ContactCursor) {
    // In the order of `ContactOrder`.
    let [position, position_descending, last_attempt, last_attempt_descending] = if filter.external_id.is_some() {
        [
            sql::CONTACTS_OF_EXTERNAL_ID,
            sql::CONTACTS_OF_EXTERNAL_ID_DESCENDING,
            sql::CONTACTS_OF_EXTERNAL_ID_BY_LAST_ATTEMPT,
            sql::CONTACTS_OF_EXTERNAL_ID_BY_LAST_ATTEMPT_DESCENDING,
        ]
    } else if filter.last_outcome.is_some() {
        [
            sql::CONTACTS_OF_OUTCOME,
            sql::CONTACTS_OF_OUTCOME_DESCENDING,
            sql::CONTACTS_OF_OUTCOME_BY_LAST_ATTEMPT,
            sql::CONTACTS_OF_OUTCOME_BY_LAST_ATTEMPT_DESCENDING,
        ]
    } else if filter.state.is_some() {
        [
            sql::CONTACTS_OF_STATE,
            sql::CONTACTS_OF_STATE_DESCENDING,
            sql::CONTACTS_OF_STATE_BY_LAST_ATTEMPT,
            sql::CONTACTS_OF_STATE_BY_LAST_ATTEMPT_DESCENDING,
        ]
    } else {
        [
            sql::CONTACTS_BY_POSITION,
            sql::CONTACTS_BY_POSITION_DESCENDING,
            sql::CONTACTS_BY_LAST_ATTEMPT,
            sql::CONTACTS_BY_LAST_ATTEMPT_DESCENDING,
        ]
    };
    // Dispositions are many more than outcomes.
    let [position, position_descending] = if filter.last_disposition.is_some() && filter.external_id.is_none() {
        [sql::CONTACTS_OF_DISPOSITION, sql::CONTACTS_OF_DISPOSITION_DESCENDING]
    } else {
        [position, position_descending]
    };
    let from = |bound| ContactCursor {
        last_attempt_at_ms: bound,
        position: bound,
    };
    match order {
        ContactOrder::Position => (position, from(i64::MIN)),
        ContactOrder::PositionDescending => (position_descending, from(i64::MAX)),
        ContactOrder::LastAttempt => (last_attempt, from(i64::MIN)),
        ContactOrder::LastAttemptDescending => (last_attempt_descending, from(i64::MAX)),
    }
}

/// A statement with the parameters of `matching!`.
fn matching<'q>(
    statement: &'static str,
    campaign: &'q CampaignId,
    filter: &'q ContactFilter,
) -> Result<Query<'q, Any, AnyArguments>, StoreError> {
    Ok(sqlx::query(statement)
        .bind(campaign.as_str())
        .bind(filter.state.map(rows::word).transpose()?)
        .bind(filter.last_outcome.map(rows::word).transpose()?)
        .bind(filter.last_disposition.map(rows::word).transpose()?)
        .bind(filter.external_id.as_deref()))
}

fn record(row: &AnyRow) -> Result<ContactRecord, StoreError> {
    let number: String = rows::get(row, "phone_number")?;
    Ok(ContactRecord {
        id: ContactId::new(rows::get::<String>(row, "id")?),
        campaign: CampaignId::new(rows::get::<String>(row, "campaign_id")?),
        position: rows::get(row, "position")?,
        number: PhoneNumber::parse(&number).map_err(|_| corrupt("column phone_number holds no E.164 number"))?,
        external_id: rows::get(row, "external_id")?,
        name: rows::name(row)?,
        email: rows::email(row)?,
        language: rows::get::<Option<String>>(row, "language")?.map(Language),
        zone: rows::zone(row)?,
        prior_consent: rows::get_flag(row, "prior_consent")?,
        state: rows::get_word(row, "state")?,
        excluded_reason: rows::get(row, "excluded_reason")?,
        attempts: rows::get_count(row, "used_attempts")?,
        last_attempt_at_ms: rows::get(row, "last_attempt_at_ms")?,
        last_outcome: rows::get_optional_word(row, "last_outcome")?,
        last_disposition: rows::get_optional_word(row, "last_disposition")?,
        next_attempt_at_ms: rows::get(row, "next_attempt_at_ms")?,
        created_at_ms: rows::get(row, "created_at_ms")?,
    })
}

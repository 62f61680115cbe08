//! The exclusion list: the table `do_not_call`.

use super::{filled, sql};
use crate::store::error::corrupt;
use crate::store::{SqlStore, audit, commit, db, opt_outs, rows};
use async_trait::async_trait;
use samvad_actors::domain::{AttemptId, PhoneNumber};
use samvad_actors::ports::{
    AuditEntry, DoNotCallEntry, ExclusionQuery, ExclusionSource, ExclusionStore, OptOutReport, RemovalRefusal,
    StoreError,
};
use serde_json::json;
use sqlx::any::AnyRow;

#[async_trait]
impl ExclusionStore for SqlStore {
    async fn exclusions(&self, query: &ExclusionQuery) -> Result<Vec<DoNotCallEntry>, StoreError> {
        let mut reader = self.reader().await?;
        let is_after_page = |entry: &DoNotCallEntry| {
            let place = |at_ms: i64, number: &PhoneNumber| (at_ms, number.expose().to_owned());
            let own = place(entry.added_at_ms, &entry.number);
            query
                .after
                .as_ref()
                .is_none_or(|after| own < place(after.added_at_ms, &after.number))
        };
        if let Some(number) = &query.number {
            let row = sqlx::query(sql::EXCLUSION_OF_NUMBER)
                .bind(number.expose())
                .fetch_optional(&mut *reader)
                .await
                .map_err(db)?;
            let found = row.as_ref().map(entry).transpose()?;
            let is_asked = |entry: &DoNotCallEntry| {
                query.limit > 0 && query.source.is_none_or(|source| source == entry.source) && is_after_page(entry)
            };
            return Ok(found.into_iter().filter(is_asked).collect());
        }
        let statement = match query.source {
            Some(_) => sql::EXCLUSIONS_OF_SOURCE,
            None => sql::EXCLUSIONS,
        };
        let after = query.after.as_ref();
        let page = sqlx::query(statement)
            .bind(after.map_or(i64::MAX, |after| after.added_at_ms))
            .bind(after.map_or("", |after| after.number.expose()))
            .bind(i64::from(query.limit));
        let page = match query.source {
            Some(source) => page.bind(source.as_str()),
            None => page,
        };
        let rows = page.fetch_all(&mut *reader).await.map_err(db)?;
        rows.iter().map(entry).collect()
    }

    async fn add_exclusions(
        &self,
        entries: &[DoNotCallEntry],
        audited: &AuditEntry,
        now_ms: i64,
    ) -> Result<OptOutReport, StoreError> {
        let mut transaction = self.begin_write().await?;
        let report = opt_outs::add_all(&mut transaction, entries).await?;
        let after = json!({"asked": entries.len(), "added": report.added});
        audit::append(&mut transaction, &filled(audited, None, Some(after)), now_ms).await?;
        commit(transaction).await?;
        Ok(report)
    }

    async fn remove_exclusion(
        &self,
        number: &PhoneNumber,
        audited: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<u64, RemovalRefusal>, StoreError> {
        let mut transaction = self.begin_write().await?;
        opt_outs::lock_number(&mut transaction, number.expose()).await?;
        let row = sqlx::query(sql::EXCLUSION_OF_NUMBER)
            .bind(number.expose())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(db)?;
        let Some(row) = row else {
            return Ok(Err(RemovalRefusal::NotListed));
        };
        let found = entry(&row)?;
        if found.source == ExclusionSource::InCall {
            return Ok(Err(RemovalRefusal::InCall));
        }
        let changing = |statement| sqlx::query(statement).bind(number.expose());
        let removed = changing(sql::REMOVE_EXCLUSION).execute(&mut *transaction).await;
        removed.map_err(db)?;
        let readmitted = changing(sql::READMIT_NUMBER).execute(&mut *transaction).await;
        let readmitted = readmitted.map_err(db)?.rows_affected();
        let before = json!({"source": found.source, "added_at_ms": found.added_at_ms});
        let after = json!({"contacts_pending_again": readmitted});
        audit::append(&mut transaction, &filled(audited, Some(before), Some(after)), now_ms).await?;
        commit(transaction).await?;
        Ok(Ok(readmitted))
    }
}

fn entry(row: &AnyRow) -> Result<DoNotCallEntry, StoreError> {
    let number: String = rows::get(row, "phone_number")?;
    Ok(DoNotCallEntry {
        number: PhoneNumber::parse(&number).map_err(|_| corrupt("column phone_number holds no E.164 number"))?,
        source: rows::get_word(row, "source")?,
        attempt: rows::get::<Option<String>>(row, "attempt_id")?.map(AttemptId::new),
        added_at_ms: rows::get(row, "added_at_ms")?,
    })
}

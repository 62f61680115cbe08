//! Files of contacts: begun, taken batch by batch, ended.

use super::sql;
use crate::store::campaigns::{add_to_campaign, hold, lock_campaign};
use crate::store::error::{conflict, not_found};
use crate::store::many::{self, AT_ONCE};
use crate::store::{Write, audit, db, dialer, opt_outs, rows};
use samvad_actors::domain::{CampaignId, ChangedBy, ImportId, Lifecycle};
use samvad_actors::ports::{
    AuditEntry, BatchReport, ContactImport, DoNotCallEntry, ExclusionSource, ImportBatch, ImportRecord, RowCounts,
    RowRejection, StoreError,
};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

/// Why a row is not taken whose number is there.
const KNOWN: &str = "the campaign has this number already; the contact is left as it is";

/// `names`: of the file, and of who begins.
pub(super) async fn begin(
    transaction: &mut Write,
    id: &ImportId,
    campaign: &CampaignId,
    names: (&str, &str),
    now_ms: i64,
) -> Result<(), StoreError> {
    let missing = || not_found("campaign", campaign);
    if !lock_campaign(transaction, campaign).await? {
        return Err(missing());
    }
    refuse_if_over(transaction, campaign).await?;
    sqlx::query(sql::BEGIN_IMPORT)
        .bind(id.as_str())
        .bind(campaign.as_str())
        .bind(names.0)
        .bind(names.1)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// For a transaction that holds the campaign's row.
async fn refuse_if_over(transaction: &mut Write, campaign: &CampaignId) -> Result<(), StoreError> {
    let found = dialer::campaigns::read(transaction, campaign).await?;
    let state = found.ok_or_else(|| not_found("campaign", campaign))?;
    match state.lifecycle {
        Lifecycle::Completed | Lifecycle::Archived => Err(conflict(
            "the campaign is over, and calls nobody any more; import into another, for example a copy of it",
        )),
        _ => Ok(()),
    }
}

pub(super) async fn take(transaction: &mut Write, batch: &ImportBatch, now_ms: i64) -> Result<BatchReport, StoreError> {
    let import = read(transaction, &batch.import)
        .await?
        .ok_or_else(|| not_found("import", &batch.import))?;
    let mut campaigns = batch.contacts.iter().map(|(_, import)| &import.contact.campaign);
    if campaigns.any(|campaign| *campaign != import.campaign) {
        return Err(conflict("the import is into another campaign"));
    }
    hold(transaction, &import.campaign).await?;
    refuse_if_over(transaction, &import.campaign).await?;
    let entries: Vec<DoNotCallEntry> = batch
        .opt_outs
        .iter()
        .map(|number| DoNotCallEntry {
            number: number.clone(),
            source: ExclusionSource::Import,
            attempt: None,
            added_at_ms: now_ms,
        })
        .collect();
    let mut report = BatchReport {
        opt_outs: opt_outs::add_all(transaction, &entries).await?,
        ..BatchReport::default()
    };
    let contacts: Vec<&ContactImport> = batch.contacts.iter().map(|(_, contact)| contact).collect();
    let added = add_to_campaign(transaction, &import.campaign, &contacts, now_ms).await?;
    for ((row, _), is_added) in batch.contacts.iter().zip(added) {
        match is_added {
            true => report.accepted += 1,
            false => report.known.push(*row),
        }
    }
    let known = report.known.iter().map(|row| (*row, "", KNOWN));
    let rejected = batch
        .rejections
        .iter()
        .map(|r| (r.row, r.column.as_str(), r.reason.as_str()));
    let untaken: Vec<(u64, &str, &str)> = known.chain(rejected).collect();
    for untaken in untaken.chunks(AT_ONCE) {
        let mut adding = many::rows(sql::ADD_REJECTIONS, 1, 4, untaken.len());
        for (row, column, reason) in untaken {
            adding = adding
                .bind(batch.import.as_str())
                .bind(rows::stored(*row))
                .bind(*column)
                .bind(*reason);
        }
        adding.execute(&mut **transaction).await.map_err(db)?;
    }
    let (known, rejected) = (report.known.len() as u64, batch.rejections.len() as u64);
    let counted = sqlx::query(sql::COUNT_ROWS)
        .bind(batch.import.as_str())
        .bind(rows::stored(report.accepted + known + rejected))
        .bind(rows::stored(report.accepted))
        .bind(rows::stored(known))
        .bind(rows::stored(rejected))
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    match counted.rows_affected() {
        0 => Err(conflict("the import has ended")),
        _ => Ok(report),
    }
}

pub(super) async fn end(
    transaction: &mut Write,
    id: &ImportId,
    fault: Option<&str>,
    entry: &AuditEntry,
    now_ms: i64,
) -> Result<ImportRecord, StoreError> {
    let ended = sqlx::query(sql::END_IMPORT)
        .bind(id.as_str())
        .bind(if fault.is_some() { "failed" } else { "completed" })
        .bind(fault)
        .bind(now_ms)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let record = read(transaction, id).await?.ok_or_else(|| not_found("import", id))?;
    if ended.rows_affected() == 0 {
        return Err(conflict("the import has ended"));
    }
    append_end(transaction, entry, &record, now_ms).await?;
    Ok(record)
}

/// Says in the audit log how an import ended, with what its author knows besides.
async fn append_end(
    transaction: &mut Write,
    entry: &AuditEntry,
    record: &ImportRecord,
    now_ms: i64,
) -> Result<(), StoreError> {
    let rows = record.rows;
    let mut after = json!({
        "import_id": record.id, "state": record.state, "total": rows.total, "accepted": rows.accepted,
        "known": rows.known, "rejected": rows.rejected,
    });
    if let (Some(all), Some(Value::Object(more))) = (after.as_object_mut(), &entry.after) {
        all.extend(more.clone());
    }
    let entry = AuditEntry {
        after: Some(after),
        ..entry.clone()
    };
    audit::append(transaction, &entry, now_ms).await
}

/// Ends imports of which nothing has been heard since `before_ms`, each with an entry of its own.
pub(super) async fn end_abandoned(
    transaction: &mut Write,
    before_ms: i64,
    fault: &str,
    by: &ChangedBy,
    now_ms: i64,
) -> Result<u64, StoreError> {
    let abandoned = sqlx::query(sql::ABANDONED_IMPORTS)
        .bind(before_ms)
        .fetch_all(&mut **transaction)
        .await
        .map_err(db)?;
    let mut entries = Vec::new();
    for row in &abandoned {
        // Another server may have been first, or its reader has given a sign after all.
        let id = ImportId::new(rows::get::<String>(row, "id")?);
        let closed = sqlx::query(sql::END_ABANDONED_IMPORT)
            .bind(id.as_str())
            .bind(fault)
            .bind(now_ms)
            .bind(before_ms)
            .execute(&mut **transaction)
            .await
            .map_err(db)?;
        if closed.rows_affected() == 0 {
            continue;
        }
        let entry = AuditEntry {
            by: by.clone(),
            action: "contacts.import_end",
            target: ("campaign", rows::get(row, "campaign_id")?),
            before: None,
            after: None,
        };
        let record = read(transaction, &id).await?.ok_or_else(|| not_found("import", &id))?;
        entries.push((entry, record));
    }
    // Last of all that is locked, as everywhere.
    for (entry, record) in &entries {
        append_end(transaction, entry, record, now_ms).await?;
    }
    Ok(entries.len() as u64)
}

pub(super) async fn read(connection: &mut AnyConnection, id: &ImportId) -> Result<Option<ImportRecord>, StoreError> {
    let row = sqlx::query(sql::ONE_IMPORT)
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(db)?;
    row.as_ref().map(record).transpose()
}

pub(super) fn record(row: &AnyRow) -> Result<ImportRecord, StoreError> {
    Ok(ImportRecord {
        id: ImportId::new(rows::get::<String>(row, "id")?),
        campaign: CampaignId::new(rows::get::<String>(row, "campaign_id")?),
        source_name: rows::get(row, "source_name")?,
        state: rows::get_word(row, "state")?,
        fault: rows::get(row, "fault")?,
        rows: RowCounts {
            total: rows::get_count(row, "total_rows")?,
            accepted: rows::get_count(row, "accepted_rows")?,
            known: rows::get_count(row, "known_rows")?,
            rejected: rows::get_count(row, "rejected_rows")?,
        },
        started_by: rows::get(row, "started_by")?,
        started_at_ms: rows::get(row, "started_at_ms")?,
        ended_at_ms: rows::get(row, "ended_at_ms")?,
    })
}

pub(super) fn rejection(row: &AnyRow) -> Result<RowRejection, StoreError> {
    Ok(RowRejection {
        row: rows::get_count(row, "row_number")?,
        column: rows::get(row, "column_name")?,
        reason: rows::get(row, "reason")?,
    })
}

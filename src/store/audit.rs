//! The audit log.

use super::statements::statements;
use super::{SqlStore, Write, commit, db, rows};
use crate::store::error::corrupt;
use async_trait::async_trait;
use samvad_actors::domain::{ActorKind, ChangedBy};
use samvad_actors::ports::{AuditEntry, AuditQuery, AuditRow, AuditStore, StoreError};
use serde_json::Value;
use sqlx::any::AnyRow;
use std::cmp::Reverse;

/// A page of the log: what one index finds, and the other conditions where they are given.
macro_rules! audit_log {
    ($found:literal, $order:literal) => {
        concat!(
            "SELECT id, at_ms, actor_kind, actor_id, actor_name, request_id, action, target_kind, target_id,
            before_json, after_json
        FROM audit_log
        WHERE ",
            $found,
            " AND (actor_id = $1 OR CAST($1 AS TEXT) IS NULL)
            AND (SUBSTR(action, 1, LENGTH(CAST($2 AS TEXT))) = $2 OR CAST($2 AS TEXT) IS NULL)
            AND (target_kind = $3 OR CAST($3 AS TEXT) IS NULL) AND (target_id = $4 OR CAST($4 AS TEXT) IS NULL)
            AND (at_ms >= $5 OR CAST($5 AS BIGINT) IS NULL) AND (at_ms < $6 OR CAST($6 AS BIGINT) IS NULL)
        ORDER BY ",
            $order,
            " DESC LIMIT $8"
        )
    };
}

statements! {
    /// Holds the log until the transaction ends.
    NEXT_AUDIT_ID = "UPDATE audit_position SET last_id = last_id + 1 WHERE only_row = 1 RETURNING last_id";

    ADD_AUDIT = "INSERT INTO audit_log
        (id, at_ms, actor_kind, actor_id, actor_name, request_id, action, target_kind, target_id, before_json, after_json)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    AUDIT_LOG = audit_log!("id < $7", "id");

    AUDIT_LOG_OF_ACTOR = audit_log!("actor_id = $1 AND id < $7", "id");

    AUDIT_LOG_OF_TARGET = audit_log!("target_id = $4 AND id < $7", "id");

    AUDIT_LOG_OF_TARGET_KIND = audit_log!("target_kind = $3 AND id < $7", "id");

    /// Actions, each once: there are a few dozen, however long the log is.
    ACTIONS = "WITH RECURSIVE found (action) AS (
            SELECT MIN(action) FROM audit_log
            UNION ALL
            SELECT (SELECT MIN(a.action) FROM audit_log a WHERE a.action > found.action) FROM found
            WHERE found.action IS NOT NULL)
        SELECT action FROM found WHERE SUBSTR(action, 1, LENGTH(CAST($1 AS TEXT))) = $1";

    /// Of one action: its own prefix, as the condition on that goes.
    AUDIT_LOG_OF_ACTION = audit_log!("action = $2 AND id < $7", "id");

    /// The rows of a span, put into order: clocks differ, so that times are not quite in the order of ids. The sum keeps
    /// SQLite from reading the whole log in that order instead.
    AUDIT_LOG_SINCE = audit_log!("at_ms >= $5 AND id + 0 < $7", "id + 0");
}

/// Writes an entry into the transaction that makes the change: last of all, because it holds the log until the commit.
pub(super) async fn append(transaction: &mut Write, entry: &AuditEntry, now_ms: i64) -> Result<(), StoreError> {
    let row = sqlx::query(NEXT_AUDIT_ID)
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    let id: i64 = rows::get(&row, "last_id")?;
    let (target_kind, target_id) = &entry.target;
    sqlx::query(ADD_AUDIT)
        .bind(id)
        .bind(now_ms)
        .bind(entry.by.kind.as_str())
        .bind(entry.by.id.as_str())
        .bind(entry.by.name.as_str())
        .bind(entry.by.request_id.as_deref())
        .bind(entry.action)
        .bind(*target_kind)
        .bind(target_id.as_str())
        .bind(entry.before.as_ref().map(Value::to_string))
        .bind(entry.after.as_ref().map(Value::to_string))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

#[async_trait]
impl AuditStore for SqlStore {
    async fn record_audit(&self, entry: &AuditEntry, now_ms: i64) -> Result<(), StoreError> {
        let mut transaction = self.begin_write().await?;
        append(&mut transaction, entry, now_ms).await?;
        commit(transaction).await
    }

    async fn audit_log(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        let statement = match query {
            AuditQuery { target_id: Some(_), .. } => AUDIT_LOG_OF_TARGET,
            AuditQuery { by: Some(_), .. } => AUDIT_LOG_OF_ACTOR,
            AuditQuery {
                action_prefix: Some(prefix),
                ..
            } => return self.audit_log_of_actions(prefix, query).await,
            AuditQuery {
                target_kind: Some(_), ..
            } => AUDIT_LOG_OF_TARGET_KIND,
            AuditQuery { from_ms: Some(_), .. } => AUDIT_LOG_SINCE,
            _ => AUDIT_LOG,
        };
        self.audit_page(statement, query.action_prefix.as_deref(), query).await
    }
}

impl SqlStore {
    /// The newest rows of each action, and of those the newest: each is found by index, whether it is rare or not.
    async fn audit_log_of_actions(&self, prefix: &str, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError> {
        let actions = sqlx::query(ACTIONS)
            .bind(prefix)
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        let mut found = Vec::new();
        for row in &actions {
            let action: String = rows::get(row, "action")?;
            found.extend(self.audit_page(AUDIT_LOG_OF_ACTION, Some(&action), query).await?);
        }
        found.sort_unstable_by_key(|row| Reverse(row.id));
        found.truncate(usize::try_from(query.limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn audit_page(
        &self,
        statement: &'static str,
        action: Option<&str>,
        query: &AuditQuery,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(statement)
            .bind(query.by.as_deref())
            .bind(action)
            .bind(query.target_kind.as_deref())
            .bind(query.target_id.as_deref())
            .bind(query.from_ms)
            .bind(query.until_ms)
            .bind(query.before_id.unwrap_or(i64::MAX))
            .bind(i64::from(query.limit))
            .fetch_all(&mut *self.reader().await?)
            .await
            .map_err(db)?;
        rows.iter().map(audit_row).collect()
    }
}

fn audit_row(row: &AnyRow) -> Result<AuditRow, StoreError> {
    let kind: String = rows::get(row, "actor_kind")?;
    let json = |column| -> Result<Option<Value>, StoreError> {
        rows::get::<Option<String>>(row, column)?
            .map(|text| serde_json::from_str(&text).map_err(|_| corrupt("the audit log holds what is no JSON")))
            .transpose()
    };
    Ok(AuditRow {
        id: rows::get(row, "id")?,
        at_ms: rows::get(row, "at_ms")?,
        by: ChangedBy {
            kind: ActorKind::from_name(&kind).ok_or_else(|| corrupt("the audit log holds an unknown kind of actor"))?,
            id: rows::get(row, "actor_id")?,
            name: rows::get(row, "actor_name")?,
            request_id: rows::get(row, "request_id")?,
        },
        action: rows::get(row, "action")?,
        target_kind: rows::get(row, "target_kind")?,
        target_id: rows::get(row, "target_id")?,
        before: json("before_json")?,
        after: json("after_json")?,
    })
}

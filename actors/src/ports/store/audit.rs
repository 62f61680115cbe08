//! The audit log: every change with who, when, what, before and after.

use super::StoreError;
use crate::domain::ChangedBy;
use async_trait::async_trait;
use serde_json::Value;

/// A change, to be written in the transaction that makes it. Secrets are masked before: what stands here is shown.
#[derive(Clone, PartialEq, Debug)]
pub struct AuditEntry {
    /// Who did it.
    pub by: ChangedBy,
    /// What was done: `campaign.create`, `campaign.activate`, `token.revoke`, …
    pub action: &'static str,
    /// To what: kind (`campaign`, `contact`, `exclusion`, `user`, `token`, …) and id. Never a phone number: that of an
    /// exclusion is masked.
    pub target: (&'static str, String),
    /// How it was before; `None` for what is new.
    pub before: Option<Value>,
    /// How it is now; `None` for what is gone.
    pub after: Option<Value>,
}

/// A change as kept.
#[derive(Clone, PartialEq, Debug)]
pub struct AuditRow {
    /// In the order of writing, from 1.
    pub id: i64,
    /// When, in UTC milliseconds.
    pub at_ms: i64,
    /// Who.
    pub by: ChangedBy,
    /// What.
    pub action: String,
    /// Kind of its target.
    pub target_kind: String,
    /// Id of its target.
    pub target_id: String,
    /// How it was before.
    pub before: Option<Value>,
    /// How it is since.
    pub after: Option<Value>,
}

/// What to look for in the audit log; what is `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Id of whoever did it.
    pub by: Option<String>,
    /// Beginning of the action, for example `campaign.`.
    pub action_prefix: Option<String>,
    /// Kind of the target.
    pub target_kind: Option<String>,
    /// Id of the target.
    pub target_id: Option<String>,
    /// From this moment on, inclusive.
    pub from_ms: Option<i64>,
    /// Until this moment, exclusive.
    pub until_ms: Option<i64>,
    /// Only rows older than this id: where the last page ended.
    pub before_id: Option<i64>,
    /// Rows wanted at most.
    pub limit: u32,
}

/// Reads and writes the audit log.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Writes an entry by itself, for what changes nothing in the database (a refused login, a call listened to).
    async fn record_audit(&self, entry: &AuditEntry, now_ms: i64) -> Result<(), StoreError>;
    /// Rows that match, the newest first.
    async fn audit_log(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, StoreError>;
}

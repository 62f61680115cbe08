//! The exclusion list: do-not-call, as people look after it.
//!
//! What was said in a call stays for good: nothing here, or anywhere else in the store, takes it back.

use super::{AuditEntry, DoNotCallEntry, OptOutReport, StoreError};
use crate::domain::PhoneNumber;
use async_trait::async_trait;

/// Where an entry comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExclusionSource {
    /// The person said so, in a call.
    InCall,
    /// A file.
    Import,
    /// Somebody typed it.
    Manual,
}

impl ExclusionSource {
    /// The word it is kept as.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InCall => "in_call",
            Self::Import => "import",
            Self::Manual => "manual",
        }
    }
}

/// Where a page of entries ended.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct ExclusionCursor {
    /// When its last entry was added.
    pub added_at_ms: i64,
    /// The number of its last entry.
    pub number: PhoneNumber,
}

/// Which entries, the newest first; what is `None` matches everything.
#[derive(Clone, Debug, Default)]
pub struct ExclusionQuery {
    /// This number alone.
    pub number: Option<PhoneNumber>,
    /// From there.
    pub source: Option<ExclusionSource>,
    /// After the last page.
    pub after: Option<ExclusionCursor>,
    /// Entries wanted at most.
    pub limit: u32,
}

/// Why an entry is not removed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RemovalRefusal {
    /// It is not there.
    #[error("the number is not on the list")]
    NotListed,
    /// The person asked for it themselves.
    #[error("the person asked in a call not to be called any more; that cannot be taken back")]
    InCall,
}

/// The exclusion list.
#[async_trait]
pub trait ExclusionStore: Send + Sync {
    /// A page of the list.
    async fn exclusions(&self, query: &ExclusionQuery) -> Result<Vec<DoNotCallEntry>, StoreError>;
    /// Adds numbers and takes their pending contacts out, as [`opt_out`](super::DialerStore::opt_out) does, with an entry
    /// in the audit log. A number that is listed stays as it is, except that what is said in a call takes the place of
    /// what was written.
    async fn add_exclusions(
        &self,
        entries: &[DoNotCallEntry],
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<OptOutReport, StoreError>;
    /// Removes an entry, unless it was said in a call. Contacts that were excluded by it alone are pending again, in
    /// campaigns that are not over; those that the customer took out besides stay out. Returns how many.
    async fn remove_exclusion(
        &self,
        number: &PhoneNumber,
        audit: &AuditEntry,
        now_ms: i64,
    ) -> Result<Result<u64, RemovalRefusal>, StoreError>;
}

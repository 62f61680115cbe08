//! What is known of calls by their numbers: for finding a call that the carrier may have placed, and for people who
//! call back.

use super::StoreError;
use crate::domain::{AttemptId, CallSid, Campaign, PhoneNumber};
use async_trait::async_trait;

/// What an attempt's call would look like at the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallMarks {
    /// Called number.
    pub to: PhoneNumber,
    /// Calling number.
    pub from: PhoneNumber,
    /// When the carrier began to be asked, UTC milliseconds.
    pub submitted_at_ms: i64,
    /// Calls to the number that are known to be other attempts'.
    pub taken: Vec<CallSid>,
}

/// Calls by their numbers.
#[async_trait]
pub trait CallLedger: Send + Sync + 'static {
    /// What the call of an attempt would look like; `None` if there is no such attempt.
    async fn marks(&self, attempt: &AttemptId) -> Result<Option<CallMarks>, StoreError>;

    /// The campaign of the latest attempt to a number for which the carrier was asked at or after `since_ms`; `None` if
    /// there is none.
    async fn last_campaign_to(&self, number: &PhoneNumber, since_ms: i64) -> Result<Option<Campaign>, StoreError>;
}

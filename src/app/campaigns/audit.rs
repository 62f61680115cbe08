//! The audit log, for operators.

use super::{CampaignError, Campaigns};
use samvad_actors::ports::{AuditQuery, AuditRow, AuditStore};

impl Campaigns {
    /// Entries of the audit log that match, the newest first. The next page begins before the id of the last one.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn audit_log(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, CampaignError> {
        Ok(self.store.audit_log(query).await?)
    }
}

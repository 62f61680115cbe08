//! Single contacts, taken out of a campaign by hand and let back in.

use super::{CampaignError, Campaigns};
use samvad_actors::domain::{AttemptState, CampaignId, ChangedBy, ContactId, ExclusionReason};
use samvad_actors::ports::{AuditEntry, FleetCommand, PeopleStore};

/// What became of the calls to a contact that was taken out; one that is spoken to goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TakenBack {
    /// Calls that were queued or ringing and have been taken back.
    pub calls_cancelled: u64,
    /// Calls that could not be taken back now; a running server does it.
    pub calls_left: u64,
}

impl Campaigns {
    /// Takes a contact out of its campaign: it is called no more, and a call to it that waits or rings is taken back.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::NotFound`]; [`CampaignError::Contact`] if it is settled or excluded
    /// already, or the campaign is over; [`CampaignError::Store`].
    pub async fn exclude_contact(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
        reason: &ExclusionReason,
        by: &ChangedBy,
    ) -> Result<TakenBack, CampaignError> {
        // First: what does not exist is told as such, and not as a fault of the store.
        self.contact(campaign, contact).await?;
        let audit = entry(by, "contact.exclude", contact);
        let excluded = self
            .store
            .exclude_contact(campaign, contact, reason, &audit, self.now_ms());
        let open = excluded.await??;
        let waiting = open.iter().filter(|attempt| attempt.state != AttemptState::Live);
        let (calls_cancelled, calls_left) = self.hang_up(waiting).await;
        // Servers take back what is left, and have one contact less.
        self.wake(FleetCommand::CampaignChanged(campaign.clone())).await;
        Ok(TakenBack {
            calls_cancelled,
            calls_left,
        })
    }

    /// Lets a contact back in that was taken out by hand: it is pending again.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::NotFound`]; [`CampaignError::Contact`] if it is not excluded, its
    /// number is on the exclusion list, or the campaign is over; [`CampaignError::Store`].
    pub async fn include_contact(
        &self,
        campaign: &CampaignId,
        contact: &ContactId,
        by: &ChangedBy,
    ) -> Result<(), CampaignError> {
        self.contact(campaign, contact).await?;
        let audit = entry(by, "contact.include", contact);
        let included = self.store.include_contact(campaign, contact, &audit, self.now_ms());
        included.await??;
        self.wake(FleetCommand::CampaignChanged(campaign.clone())).await;
        Ok(())
    }
}

/// The store fills in before and after.
fn entry(by: &ChangedBy, action: &'static str, contact: &ContactId) -> AuditEntry {
    AuditEntry {
        by: by.clone(),
        action,
        target: ("contact", contact.to_string()),
        before: None,
        after: None,
    }
}

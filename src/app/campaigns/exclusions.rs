//! The exclusion list (do-not-call), for operators.

use super::{CampaignError, Campaigns, ExclusionView};
use samvad_actors::domain::{AttemptState, ChangedBy, PhoneNumber};
use samvad_actors::ports::{
    AuditEntry, DoNotCallEntry, DoNotCallStore, ExclusionQuery, ExclusionSource, ExclusionStore, FleetCommand,
    OptOutReport,
};

/// What a change of do-not-call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptOuts {
    /// Numbers that were new.
    pub added: u64,
    /// Calls to them that were queued or ringing and have been taken back.
    pub calls_cancelled: u64,
    /// Calls to them that could not be taken back now; a running server tries again.
    pub calls_left: u64,
}

impl Campaigns {
    /// Puts numbers on the list; calls to them that wait or ring are taken back.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn add_do_not_call(
        &self,
        numbers: &[PhoneNumber],
        source: ExclusionSource,
        by: &ChangedBy,
    ) -> Result<OptOuts, CampaignError> {
        let added_at_ms = self.now_ms();
        let entries: Vec<_> = numbers
            .iter()
            .map(|number| DoNotCallEntry {
                number: number.clone(),
                source,
                attempt: None,
                added_at_ms,
            })
            .collect();
        let target = match numbers {
            [number] => number.to_string(),
            _ => String::new(),
        };
        let audit = entry(by, "exclusion.add", target);
        let report = self.store.add_exclusions(&entries, &audit, added_at_ms).await?;
        Ok(self.take_back(&report, numbers).await)
    }

    /// Takes a number off the list, unless its person asked in a call to be on it. Returns how many contacts are pending
    /// again because of that: those that were excluded for nothing else, in campaigns that are not over.
    ///
    /// # Errors
    /// [`CampaignError::Removal`], [`CampaignError::Store`].
    pub async fn remove_do_not_call(&self, number: &PhoneNumber, by: &ChangedBy) -> Result<u64, CampaignError> {
        let audit = entry(by, "exclusion.remove", number.to_string());
        Ok(self.store.remove_exclusion(number, &audit, self.now_ms()).await??)
    }

    /// Whether a number is on the list.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn is_do_not_call(&self, number: &PhoneNumber) -> Result<bool, CampaignError> {
        Ok(self.store.is_do_not_call(number).await?)
    }

    /// A page of the list, the newest first.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn exclusions(&self, query: &ExclusionQuery) -> Result<Vec<ExclusionView>, CampaignError> {
        let page = self.store.exclusions(query).await?;
        Ok(page.into_iter().map(ExclusionView::from).collect())
    }

    /// Takes calls back that wait or ring for numbers that were listed.
    pub(super) async fn take_back(&self, report: &OptOutReport, numbers: &[PhoneNumber]) -> OptOuts {
        let waiting = report
            .in_flight
            .iter()
            .filter(|attempt| attempt.state != AttemptState::Live);
        let (calls_cancelled, calls_left) = self.hang_up(waiting).await;
        if calls_left > 0 {
            for number in numbers {
                self.wake(FleetCommand::CancelNumber(number.clone())).await;
            }
        }
        OptOuts {
            added: report.added,
            calls_cancelled,
            calls_left,
        }
    }
}

/// `target`: the number, masked; empty for several.
fn entry(by: &ChangedBy, action: &'static str, target: String) -> AuditEntry {
    AuditEntry {
        by: by.clone(),
        action,
        target: ("exclusion", target),
        before: None,
        after: None,
    }
}

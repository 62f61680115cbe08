//! What is used of services outside calls, kept for the sheet of costs.

use samvad_actors::domain::CampaignId;
use samvad_actors::ports::{Clock, CostStore, ServiceMeter};
use std::sync::Arc;

/// Keeps what preparations of campaigns use, and greetings by name, which are spoken before there is a call.
pub struct UseLedger {
    costs: Arc<dyn CostStore>,
    clock: Arc<dyn Clock>,
}

impl UseLedger {
    /// Kept there, with the time of this clock.
    pub fn new(costs: Arc<dyn CostStore>, clock: Arc<dyn Clock>) -> Self {
        Self { costs, clock }
    }

    /// Keeps what was used. People are called without the record if it cannot be kept.
    pub async fn keep(&self, campaign: &CampaignId, meter: &ServiceMeter) {
        let used = meter.read();
        let kept = self.costs.record_preparation(campaign, &used, self.clock.unix_ms());
        if let Err(error) = kept.await {
            tracing::error!(%campaign, %error, "what was used of services could not be kept");
        }
    }
}

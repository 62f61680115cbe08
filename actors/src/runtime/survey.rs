//! A campaign made ready to be spoken: its script, and the audio of every sentence.

use crate::dialogue::Script;
use crate::domain::{Campaign, CampaignId};
use crate::ports::PromptBook;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// A campaign made ready to be spoken.
pub struct Survey {
    /// As its author wrote it.
    pub campaign: Campaign,
    /// What can be said and expected.
    pub script: Arc<Script>,
    /// Audio of every fixed sentence.
    pub prompts: Arc<PromptBook>,
}

/// The surveys this node can speak.
#[derive(Default)]
pub struct Surveys {
    by_campaign: RwLock<BTreeMap<CampaignId, Arc<Survey>>>,
}

impl Surveys {
    /// Adds a survey, in place of an earlier one of the same campaign.
    pub fn insert(&self, survey: Arc<Survey>) {
        let mut surveys = self.by_campaign.write().unwrap_or_else(PoisonError::into_inner);
        surveys.insert(survey.campaign.id.clone(), survey);
    }

    /// The survey of a campaign.
    pub fn get(&self, campaign: &CampaignId) -> Option<Arc<Survey>> {
        self.by_campaign
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(campaign)
            .cloned()
    }
}

//! A campaign made ready to be spoken: its script, and the audio of every sentence.

use crate::dialogue::Script;
use crate::domain::{Campaign, CampaignId, Language, PersonName};
use crate::ports::{NameVoice, Prompt, PromptBook, ServiceMeter, Synthesizer};
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
    /// Who speaks what is made in a call, piece by piece: the one whose voice the prompts have, else another. `None`:
    /// nobody, such a sentence fails.
    pub voice: Option<Arc<dyn Synthesizer>>,
    /// What is spoken in the campaign's other languages.
    pub translations: BTreeMap<Language, TranslatedSpeech>,
    /// Who speaks greetings by name. `None`: nobody is greeted by name.
    pub names: Option<Arc<dyn NameVoice>>,
}

/// What is spoken in one of a campaign's other languages.
pub struct TranslatedSpeech {
    /// See [`Survey::prompts`].
    pub prompts: Arc<PromptBook>,
    /// See [`Survey::voice`].
    pub voice: Option<Arc<dyn Synthesizer>>,
}

impl Survey {
    /// The audio of a fixed sentence in a call that is in this language. Sentences that offer other languages have theirs
    /// in their own.
    pub fn prompt(&self, language: &Language, text: &str) -> Option<&Prompt> {
        let own = self.translations.get(language).map(|speech| &speech.prompts);
        let others = self.translations.values().map(|speech| &speech.prompts);
        let mut books = own.into_iter().chain([&self.prompts]).chain(others);
        books.find_map(|book| book.get(text))
    }

    /// Who speaks what is made in a call that is in this language.
    pub fn voice_in(&self, language: &Language) -> Option<&Arc<dyn Synthesizer>> {
        match self.translations.get(language) {
            Some(speech) => speech.voice.as_ref(),
            None => self.voice.as_ref(),
        }
    }

    /// Speaks the greeting by name, if there is one; asked for early, it is there when the call begins. `None` as well
    /// if it cannot be had.
    pub async fn greeting_for(&self, name: &PersonName, meter: &ServiceMeter) -> Option<Prompt> {
        let sentence = self.script.greeting_for(name)?;
        self.names.as_ref()?.speak(&sentence, meter).await
    }

    /// Whether people are greeted by name.
    pub fn greets_by_name(&self) -> bool {
        self.names.is_some() && self.script.named_greeting().is_some()
    }
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

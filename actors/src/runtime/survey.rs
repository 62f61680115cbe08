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
    /// See [`Survey::names`].
    pub names: Option<Arc<dyn NameVoice>>,
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

    /// The script that a call begins in, with somebody who may have chosen a language: the campaign's own where they
    /// have not, or chose one that it has not.
    pub fn script_for(&self, chosen: Option<&Language>) -> Arc<Script> {
        let language = chosen.and_then(|tag| self.campaign.language_of(tag));
        let script = language.and_then(|language| self.script.speaking(language));
        script.unwrap_or_else(|| self.script.clone())
    }

    /// Speaks the greeting by name of a call that begins in this language, if there is one; asked for early, it is there
    /// when the call begins. `None` as well if it cannot be had.
    pub async fn greeting_for(&self, name: &PersonName, language: &Language, meter: &ServiceMeter) -> Option<Prompt> {
        let sentence = self.script_for(Some(language)).greeting_for(name)?;
        self.names_in(language)?.speak(&sentence, meter).await
    }

    /// Whether people are greeted by name in this language.
    pub fn greets_by_name(&self, language: &Language) -> bool {
        self.names_in(language).is_some() && self.script_for(Some(language)).named_greeting().is_some()
    }

    fn names_in(&self, language: &Language) -> Option<&Arc<dyn NameVoice>> {
        match self.translations.get(language) {
            Some(speech) => speech.names.as_ref(),
            None => self.names.as_ref(),
        }
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

//! The second tier: a language model, asked with the prompts and checks of a call.

use super::{Tier, Utterance};
use crate::dialogue::{Interpretation, LanguagePack, ModelMeaning, ModelQuery, ModelTask, RequestId, Script};
use crate::domain::{Campaign, Language, Question, QuestionKind};
use crate::ports::{AnswerSchema, LanguageModelError};
use std::collections::BTreeMap;

/// Asks a model for an answer of a shape, and waits for it.
pub type Ask = Box<dyn FnMut(ModelTask, AnswerSchema) -> Result<serde_json::Value, LanguageModelError>>;

/// A language model as a tier.
pub struct Model {
    surveys: Vec<(Campaign, LanguagePack)>,
    /// Of each language and question that was asked about.
    scripts: BTreeMap<(Language, String), Script>,
    ask: Ask,
    failures: BTreeMap<String, usize>,
}

impl Model {
    /// With a campaign of each language, in that language alone, in whose name it is asked.
    pub fn new(surveys: Vec<(Campaign, LanguagePack)>, ask: Ask) -> Self {
        Self {
            surveys,
            scripts: BTreeMap::new(),
            ask,
            failures: BTreeMap::new(),
        }
    }

    fn read(&mut self, utterance: &Utterance) -> Result<Option<Interpretation>, String> {
        let script = self.script(utterance)?;
        let query = ModelQuery {
            request: RequestId(0),
            expectation: utterance.expectation,
            text: utterance.text.clone(),
            history: Vec::new(),
        };
        let (task, schema) = script
            .understanding_task(&query)
            .ok_or("its language has no prompts for a model")?;
        let lexicon = script.lexicon().clone();
        let answer = (self.ask)(task, schema).map_err(|error| kind(&error).to_owned())?;
        let meaning = ModelMeaning::read(answer).map_err(|fault| format!("unusable: {fault}"))?;
        Ok(meaning.reading(utterance.question.as_ref(), &utterance.text, &lexicon))
    }

    /// What a call says whose first question is the one of the utterance.
    fn script(&mut self, utterance: &Utterance) -> Result<&Script, String> {
        let language = &utterance.language;
        let key = (language.clone(), format!("{:?}", utterance.question));
        if !self.scripts.contains_key(&key) {
            let survey = self.surveys.iter().find(|(campaign, _)| campaign.language == *language);
            let (campaign, pack) = survey.ok_or_else(|| format!("there is no campaign in {:?}", language.0))?;
            let mut campaign = campaign.clone();
            if let Some(kind) = &utterance.question {
                ask_first(&mut campaign, kind);
            }
            let script = Script::build(&campaign, pack).map_err(|faults| {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                format!("its question cannot be asked: {}", faults.join("; "))
            })?;
            self.scripts.insert(key.clone(), script);
        }
        self.scripts.get(&key).ok_or_else(|| "it has no script".to_owned())
    }
}

impl Tier for Model {
    fn name(&self) -> &str {
        "language model"
    }

    fn understand(&mut self, utterance: &Utterance) -> Option<Interpretation> {
        self.read(utterance).unwrap_or_else(|reason| {
            *self.failures.entry(reason).or_default() += 1;
            None
        })
    }

    fn failures(&self) -> BTreeMap<String, usize> {
        self.failures.clone()
    }
}

/// Puts a question of this kind first: in the words of the campaign's own, if it has one. Of any other the model is told
/// the kind alone.
fn ask_first(campaign: &mut Campaign, kind: &QuestionKind) {
    let same = |question: &&Question| std::mem::discriminant(&question.answer) == std::mem::discriminant(kind);
    let text = campaign
        .questions
        .iter()
        .find(same)
        .map(|question| question.text.clone());
    if let Some(first) = campaign.questions.first_mut() {
        first.text = text.unwrap_or_else(|| "?".to_owned());
        first.answer = kind.clone();
    }
}

/// Which kind of failure it is.
fn kind(error: &LanguageModelError) -> &'static str {
    match error {
        LanguageModelError::TimedOut { .. } => "no answer in time",
        LanguageModelError::Unusable { .. } => "an answer that cannot be used",
        LanguageModelError::Unavailable { .. } => "not available",
        LanguageModelError::Refused { .. } => "refused",
        LanguageModelError::Busy { .. } => "busy",
    }
}

#[cfg(test)]
mod tests;

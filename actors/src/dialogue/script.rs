//! A campaign made ready to be spoken: its sentences, its grammars, and what names them.

mod languages;

use super::interpret::Interpreter;
use super::lexicon::Lexicon;
use super::model_prompts::{ModelPrompts, ModelTask};
use super::output::{Expectation, ModelQuery};
use super::pack::LanguagePack;
use super::prompt::{Lines, range_of};
use super::words::{fill, placeholders};
use crate::domain::{Campaign, CampaignFault, Intent, Language, PersonName, QuestionKind};
use crate::ports::{AnswerSchema, Grammar};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

/// Widest range of numbers offered to a recogniser; above it, keys.
const MOST_SPOKEN_NUMBERS: i64 = 101;
/// Widest range in which every number comes with all its frames.
const MOST_FRAMED_NUMBERS: i64 = 21;

/// A campaign made ready to be spoken, in its own language and with the scripts of its others. Built once, shared by its
/// calls.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) campaign: Campaign,
    /// Each is of the same survey [in that language alone](Campaign::in_language).
    translations: BTreeMap<Language, Arc<Script>>,
    pub(super) lines: Lines,
    lexicon: Arc<Lexicon>,
    model: Option<Arc<ModelPrompts>>,
    model_hash: Option<String>,
    consent: Arc<Grammar>,
    questions: Vec<Arc<Grammar>>,
    confirm_answers: Vec<Arc<Grammar>>,
    confirm: Arc<Grammar>,
    resume: Arc<Grammar>,
    fingerprint: String,
    pack_hash: String,
    hashes: Hashes,
}

/// What a conversation was made of, each as SHA-256, hexadecimal.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Hashes {
    /// The campaign as JSON, without its caller id.
    pub campaign: String,
    /// `prompts.yaml` of its language; of several, the hash of their hashes, the campaign's own first.
    pub prompts: String,
    /// `lexicon.yaml`, in the same way.
    pub lexicon: String,
}

impl Script {
    /// Checks a campaign and renders everything it can say and hear in its own language.
    ///
    /// # Errors
    /// Every fault of the campaign at once; also one that has translations.
    pub fn build(campaign: &Campaign, language_pack: &LanguagePack) -> Result<Self, Vec<CampaignFault>> {
        Self::build_with(campaign, language_pack, |_| None)
    }

    /// In one language, perhaps of several. `field` is where the campaign chooses it.
    fn of_one(
        campaign: &Campaign,
        language_pack: &LanguagePack,
        of_several: bool,
        field: &str,
    ) -> Result<Self, Vec<CampaignFault>> {
        let lines = Lines::render(campaign, language_pack, of_several);
        let mut faults = Vec::new();
        if campaign.recording && lines.recording_notice.is_empty() {
            faults.push(CampaignFault {
                field: "recording".to_owned(),
                fault: format!(
                    "is on, and the prompts of language `{}` do not say that the call is recorded",
                    campaign.language.0
                ),
                remedy: "add recording_notice to its prompts.yaml, or turn recording off".to_owned(),
            });
        }
        if of_several && (lines.offer_language.is_empty() || lines.language_switched.is_empty()) {
            faults.push(CampaignFault {
                field: field.to_owned(),
                fault: format!(
                    "the prompts of language `{}` do not offer it to callers, or do not say that it is spoken now",
                    campaign.language.0
                ),
                remedy: "add offer_language and language_switched to its prompts.yaml, or remove the translations"
                    .to_owned(),
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let lexicon = Arc::clone(language_pack.lexicon());
        let grammars = GrammarBuilder {
            lexicon: &lexicon,
            of_several,
        };
        let (prompts_text, beside_text) = (language_pack.prompts_text(), language_pack.beside_text());
        let mut lexicon_texts = vec![language_pack.lexicon_text()];
        // Nothing is added for nothing: the hashes of a language that stands alone are what they always were.
        lexicon_texts.extend(Some(beside_text).filter(|text| !text.is_empty()));
        let pack_hash = hash(&[&[prompts_text], lexicon_texts.as_slice()].concat());
        let campaign_text = without_number(campaign).to_string();
        Ok(Self {
            lines,
            consent: grammars.consent(),
            questions: campaign
                .questions
                .iter()
                .map(|question| grammars.question(&question.answer))
                .collect(),
            confirm_answers: campaign
                .questions
                .iter()
                .map(|question| grammars.confirm_answer(&question.answer))
                .collect(),
            confirm: grammars.confirm(),
            resume: grammars.resume(),
            fingerprint: hash(&[&campaign_text, &pack_hash]),
            hashes: Hashes {
                campaign: hash(&[&campaign_text]),
                prompts: hash(&[prompts_text]),
                lexicon: hash(&lexicon_texts),
            },
            pack_hash,
            campaign: campaign.clone(),
            translations: BTreeMap::new(),
            model: language_pack.model_prompts().cloned(),
            model_hash: language_pack.model_text().map(|text| hash(&[text])),
            lexicon,
        })
    }

    /// What may be said at this point. An index beyond the questions gives the grammar of a confirming turn.
    pub fn grammar(&self, expectation: Expectation) -> Arc<Grammar> {
        let grammar = match expectation {
            Expectation::Consent => &self.consent,
            Expectation::Question(index) => self.questions.get(index).unwrap_or(&self.confirm),
            Expectation::ConfirmAnswer(index) => self.confirm_answers.get(index).unwrap_or(&self.confirm),
            Expectation::Confirm => &self.confirm,
            Expectation::Resume => &self.resume,
        };
        Arc::clone(grammar)
    }

    /// Every grammar of this language, each once: for compiling ahead of the first call.
    pub fn grammars(&self) -> Vec<Arc<Grammar>> {
        let mut ids = BTreeSet::new();
        [&self.consent, &self.confirm, &self.resume]
            .into_iter()
            .chain(&self.questions)
            .chain(&self.confirm_answers)
            .filter(|grammar| ids.insert(grammar.id.clone()))
            .cloned()
            .collect()
    }

    /// Every sentence of this language that is the same in all calls, each once: for rendering before the first call. What is made in a
    /// call besides, the [greeting by name](Script::named_greeting) for one, is spoken then.
    pub fn fixed_sentences(&self) -> Vec<String> {
        self.lines.all()
    }

    /// The sentence that greets by name, as [`Output::Play`](super::Output::Play) says it: with `{name}` in place of the
    /// name, which the dialogue does not know. `None` if the language has none.
    pub fn named_greeting(&self) -> Option<&str> {
        self.lines.greeting_by_name.as_deref()
    }

    /// The same as it is spoken to a person. Personal data.
    pub fn greeting_for(&self, name: &PersonName) -> Option<String> {
        let greeting = self.named_greeting()?;
        Some(fill(greeting, &[("name", name.expose())]))
    }

    /// SHA-256 over campaign, prompts and lexicon of all languages, hexadecimal: equal scripts decide alike.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// SHA-256 over prompts and lexicon, and the lexicons that are understood besides, hexadecimal.
    pub fn pack_hash(&self) -> &str {
        &self.pack_hash
    }

    /// What it was built from, each part apart.
    pub fn hashes(&self) -> &Hashes {
        &self.hashes
    }

    /// Whether a language model can be asked in one of its languages.
    pub fn has_model_prompts(&self) -> bool {
        self.in_all_languages().any(|script| script.model.is_some())
    }

    /// SHA-256 over what a language model is told, hexadecimal. No part of the fingerprint: what a model answered is an
    /// input, and decisions follow from that alone.
    pub(super) fn model_hash(&self) -> Option<&str> {
        self.model_hash.as_deref()
    }

    /// An [`Output::Classify`](super::Output::Classify) in words, and the shape of the answer, to be read by
    /// [`ModelMeaning::read`](super::ModelMeaning::read); `None` without [model prompts](Self::has_model_prompts).
    pub fn understanding_task(&self, query: &ModelQuery) -> Option<(ModelTask, AnswerSchema)> {
        let prompts = self.model.as_ref()?;
        Some(prompts.understanding(&self.campaign, &self.lexicon, query))
    }

    /// An [`Output::Reply`](super::Output::Reply) in words; `None` without [model prompts](Self::has_model_prompts).
    pub fn reply_task(&self, query: &ModelQuery) -> Option<ModelTask> {
        let prompts = self.model.as_ref()?;
        Some(prompts.reply(&self.campaign, &self.lexicon, query))
    }

    /// The campaign it was built from.
    pub fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    /// The campaign as JSON without its caller id: it decides nothing, and a journal holds no telephone number.
    pub(super) fn campaign_without_number(&self) -> serde_json::Value {
        without_number(&self.campaign)
    }

    /// A campaign from [`Script::campaign_without_number`]; its caller id is a stand-in.
    pub(super) fn campaign_with_any_number(mut campaign: serde_json::Value) -> Result<Campaign, serde_json::Error> {
        if let Some(fields) = campaign.as_object_mut() {
            fields.insert("caller_id".to_owned(), "+10000000000".into());
        }
        serde_json::from_value(campaign)
    }

    /// The phrases of the campaign's language.
    pub(crate) fn lexicon(&self) -> &Arc<Lexicon> {
        &self.lexicon
    }

    /// What gives recognised words their meaning.
    pub(super) fn interpreter(&self) -> &dyn Interpreter {
        self.lexicon.as_ref()
    }

    pub(super) fn kind(&self, question: usize) -> Option<&QuestionKind> {
        self.campaign.questions.get(question).map(|question| &question.answer)
    }
}

fn without_number(campaign: &Campaign) -> serde_json::Value {
    let mut json = serde_json::to_value(campaign).unwrap_or_default();
    if let Some(fields) = json.as_object_mut() {
        fields.remove("caller_id");
    }
    json
}

/// SHA-256 over texts, each closed by a zero byte so that they cannot run into each other.
pub(super) fn hash(texts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for text in texts {
        sha.update(text.as_bytes());
        sha.update([0]);
    }
    sha.finalize().iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What is understood everywhere, in the order of weight.
const EVERYWHERE: [Intent; 6] = [
    Intent::RemoveMe,
    Intent::NotInterested,
    Intent::CallLater,
    Intent::WrongPerson,
    Intent::Repeat,
    Intent::WhoIsThis,
];

struct GrammarBuilder<'a> {
    lexicon: &'a Lexicon,
    /// The campaign has other languages, which may be asked for at any time.
    of_several: bool,
}

impl GrammarBuilder<'_> {
    fn consent(&self) -> Arc<Grammar> {
        let mut phrases = self.intents(&[Intent::Yes, Intent::No, Intent::Interested]);
        phrases.extend(self.intents(&EVERYWHERE));
        phrases.extend(self.intents(&[Intent::HoldOn, Intent::SwitchLanguage]));
        phrases.extend(self.intents(&[Intent::Voicemail, Intent::CallScreening]));
        grammar(phrases, false)
    }

    fn question(&self, kind: &QuestionKind) -> Arc<Grammar> {
        let mut phrases = self.answers(kind);
        phrases.extend(self.intents(&EVERYWHERE));
        phrases.extend(self.intents(&[Intent::HoldOn, Intent::NoAnswer]));
        if self.of_several {
            phrases.extend(self.intents(&[Intent::SwitchLanguage]));
        }
        grammar(phrases, matches!(kind, QuestionKind::FreeText { .. }))
    }

    fn confirm_answer(&self, kind: &QuestionKind) -> Arc<Grammar> {
        let mut phrases = self.intents(&[Intent::Yes, Intent::No]);
        phrases.extend(self.answers(kind));
        phrases.extend(self.intents(&[Intent::RemoveMe, Intent::Repeat]));
        grammar(phrases, false)
    }

    fn confirm(&self) -> Arc<Grammar> {
        grammar(
            self.intents(&[
                Intent::Yes,
                Intent::No,
                Intent::RemoveMe,
                Intent::NotInterested,
                Intent::Repeat,
            ]),
            false,
        )
    }

    fn resume(&self) -> Arc<Grammar> {
        let mut phrases = self.lexicon.spoken_resume().to_vec();
        phrases.extend(self.intents(&[Intent::Yes, Intent::No]));
        phrases.extend(self.intents(&EVERYWHERE));
        phrases.extend(self.intents(&[Intent::HoldOn]));
        grammar(phrases, false)
    }

    fn intents(&self, intents: &[Intent]) -> Vec<String> {
        intents
            .iter()
            .flat_map(|intent| self.lexicon.spoken(*intent))
            .cloned()
            .collect()
    }

    fn answers(&self, kind: &QuestionKind) -> Vec<String> {
        let frames = &self.lexicon.frames;
        match kind {
            QuestionKind::YesNo => self.intents(&[Intent::Yes, Intent::No]),
            QuestionKind::Number { .. } => self.numbers(kind, &frames.number),
            QuestionKind::Scale { .. } => self.numbers(kind, &frames.scale),
            QuestionKind::FreeText { .. } => Vec::new(),
            QuestionKind::Choice { options } => {
                let mut phrases = Vec::new();
                for (position, option) in options.iter().enumerate() {
                    for form in option.spoken_forms() {
                        phrases.extend(frames.option.iter().map(|frame| fill(frame, &[("option", &form)])));
                    }
                    let number = i64::try_from(position).unwrap_or_default() + 1;
                    for word in self.lexicon.numbers().forms(number) {
                        phrases.extend(frames.option_number.iter().map(|frame| fill(frame, &[("n", &word)])));
                    }
                }
                phrases
            }
        }
    }

    fn numbers(&self, kind: &QuestionKind, frames: &[String]) -> Vec<String> {
        let Some((min, max)) = range_of(kind).filter(|(min, max)| max.saturating_sub(*min) < MOST_SPOKEN_NUMBERS)
        else {
            return Vec::new();
        };
        let framed = max - min < MOST_FRAMED_NUMBERS;
        let numbers = self.lexicon.numbers();
        let end = numbers.say(max).unwrap_or_default();
        let mut phrases = Vec::new();
        if framed {
            // Who pauses after these words has not answered: without them a number would be heard in their sounds.
            phrases.extend(frames.iter().filter_map(|frame| lead_of(frame)));
        }
        for value in min..=max {
            for form in numbers.forms(value) {
                let frames = if framed {
                    frames
                } else {
                    frames.get(..1).unwrap_or_default()
                };
                phrases.extend(frames.iter().map(|frame| fill(frame, &[("n", &form), ("max", &end)])));
            }
        }
        phrases
    }
}

/// What is said before the number, if it is three words or more: fewer are too easily heard in a short answer ("i think"
/// in "eight").
fn lead_of(frame: &str) -> Option<String> {
    let (lead, _) = frame.split_once("{n}")?;
    let plain = placeholders(lead).is_empty() && lead.split_whitespace().count() >= 3;
    plain.then(|| lead.trim().to_owned())
}

fn grammar(phrases: Vec<String>, free_text: bool) -> Arc<Grammar> {
    let mut seen = BTreeSet::new();
    let phrases: Vec<String> = phrases
        .into_iter()
        .filter(|phrase| seen.insert(phrase.clone()))
        .collect();
    let mut parts: Vec<&str> = phrases.iter().map(String::as_str).collect();
    parts.push(if free_text { "free" } else { "closed" });
    Arc::new(Grammar {
        id: hash(&parts),
        phrases,
        free_text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_pauses_after_i_would_say_is_offered_to_the_recogniser_where_a_number_is_asked_for() {
        assert_eq!(lead_of("i would say {n}").as_deref(), Some("i would say"));
        assert_eq!(
            [lead_of("{n}"), lead_of("i think {n}"), lead_of("{n} out of {max}")],
            [None, None, None]
        );
        let pack = LanguagePack::embedded(&Language::default()).expect("English");
        let campaign = include_str!("../../../fixtures/campaigns/health_survey.yaml");
        let campaign = Campaign::from_yaml(campaign).expect("without fault");
        let script = Script::build(&campaign, &pack).expect("without fault");
        let offers = |question| {
            let grammar = script.grammar(Expectation::Question(question));
            grammar.phrases.iter().any(|phrase| phrase == "i would say")
        };
        assert!(offers(0), "a scale");
        assert!(!offers(1), "yes or no");
    }

    #[test]
    fn the_hash_of_a_language_that_understands_no_other_is_that_of_its_two_texts() {
        let pack = LanguagePack::embedded(&Language::default()).expect("English");
        let alone = pack.lexicon_text().replacen("also_understands:", "unused:", 1);
        let unused = alone.find("unused:").expect("there");
        let next = alone[unused..].find("\n\n").expect("a part follows") + unused;
        let alone = alone.replacen(&alone[unused..next], "", 1);
        let pack = LanguagePack::parse(pack.prompts_text(), &alone).expect("without fault");
        let campaign = include_str!("../../../fixtures/campaigns/health_survey.yaml");
        let campaign = Campaign::from_yaml(campaign).expect("without fault");
        let script = Script::build(&campaign, &pack).expect("without fault");
        assert_eq!(script.pack_hash(), hash(&[pack.prompts_text(), &alone]));
    }
}

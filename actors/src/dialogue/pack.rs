//! What one language brings: sentences to say and phrases to understand, as data (see `prompts/README.md`).

use super::lexicon::{Lexicon, LexiconData};
use super::model_prompts::ModelPrompts;
use super::words::placeholders;
use crate::domain::Language;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// One thing that is wrong with a language's files.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {fault}; {remedy}")]
pub struct PackFault {
    /// File and entry, for example `prompts.yaml: greeting`.
    pub place: String,
    /// What is wrong.
    pub fault: String,
    /// What to do.
    pub remedy: String,
}

impl PackFault {
    pub(super) fn new(place: impl Into<String>, fault: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            fault: fault.into(),
            remedy: remedy.into(),
        }
    }
}

/// The sentences and the lexicon of one language, checked.
#[derive(Clone, Debug)]
pub struct LanguagePack {
    sentences: BTreeMap<String, Vec<String>>,
    lexicon: Arc<Lexicon>,
    prompts_text: String,
    lexicon_text: String,
    beside_text: String,
    model: Option<Arc<ModelPrompts>>,
    model_text: Option<String>,
}

/// Tag, `prompts.yaml`, `lexicon.yaml` and `model.yaml` of each language that is part of this program.
const EMBEDDED: &[(&str, &str, &str, &str)] = &[
    (
        "en",
        include_str!("../../../prompts/en/prompts.yaml"),
        include_str!("../../../prompts/en/lexicon.yaml"),
        include_str!("../../../prompts/en/model.yaml"),
    ),
    (
        "hi",
        include_str!("../../../prompts/hi/prompts.yaml"),
        include_str!("../../../prompts/hi/lexicon.yaml"),
        include_str!("../../../prompts/hi/model.yaml"),
    ),
];

fn embedded(language: &Language) -> Option<(&'static str, &'static str, &'static str)> {
    let (_, prompts, lexicon, model) = EMBEDDED.iter().find(|(tag, ..)| *tag == language.0)?;
    Some((prompts, lexicon, model))
}

fn read_lexicon(yaml: &str, place: &str, faults: &mut Vec<PackFault>) -> Option<LexiconData> {
    match serde_norway::from_str::<LexiconData>(yaml) {
        Ok(data) => {
            let found = data.faults().into_iter();
            faults.extend(found.map(|fault| PackFault {
                place: fault.place.replace("lexicon.yaml", place),
                ..fault
            }));
            Some(data)
        }
        Err(error) => {
            faults.push(PackFault::new(
                place,
                error.to_string(),
                "compare it with prompts/en/lexicon.yaml",
            ));
            None
        }
    }
}

impl LanguagePack {
    /// Reads and checks the two files of a language. Other languages that it understands are the built-in ones.
    ///
    /// # Errors
    /// Every fault found: a template missing, empty or unknown, an unknown placeholder, a phrase under two intents.
    pub fn parse(prompts_yaml: &str, lexicon_yaml: &str) -> Result<Self, Vec<PackFault>> {
        Self::parse_beside(prompts_yaml, lexicon_yaml, |_| None)
    }

    /// The same with other languages' `lexicon.yaml` from elsewhere: `others` gives the text, or `None` for the built-in
    /// one.
    ///
    /// # Errors
    /// As [`LanguagePack::parse`]; also a language that is to be understood besides and has no lexicon.
    pub fn parse_beside(
        prompts_yaml: &str,
        lexicon_yaml: &str,
        mut others: impl FnMut(&Language) -> Option<String>,
    ) -> Result<Self, Vec<PackFault>> {
        let mut faults = Vec::new();
        let sentences = read_sentences(prompts_yaml, &mut faults);
        let data = read_lexicon(lexicon_yaml, "lexicon.yaml", &mut faults);
        let mut beside = BTreeMap::new();
        let mut beside_text = String::new();
        for terms in data.iter().flat_map(LexiconData::also_understands) {
            let built_in = || embedded(&terms.language).map(|(_, lexicon, _)| lexicon.to_owned());
            let Some(text) = others(&terms.language).or_else(built_in) else {
                faults.push(PackFault::new(
                    "lexicon.yaml: also_understands",
                    format!("there is no lexicon for the language {:?}", terms.language.0),
                    "add its folder or remove the entry",
                ));
                continue;
            };
            let place = format!("lexicon.yaml of {}, which this one also understands", terms.language.0);
            if let Some(other) = read_lexicon(&text, &place, &mut faults) {
                faults.extend(terms.faults(&other));
                beside.insert(terms.language.clone(), other);
            }
            beside_text.push_str(&text);
        }
        match data {
            Some(data) if faults.is_empty() => Ok(Self {
                sentences,
                lexicon: Arc::new(Lexicon::new(&data, &beside)),
                prompts_text: prompts_yaml.to_owned(),
                lexicon_text: lexicon_yaml.to_owned(),
                beside_text,
                model: None,
                model_text: None,
            }),
            _ => Err(faults),
        }
    }

    /// The same with what a language model is told: without it no model is asked in this language.
    ///
    /// # Errors
    /// Every fault found: a text missing, empty or unknown, a placeholder unknown or missing.
    pub fn with_model_prompts(self, model_yaml: &str) -> Result<Self, Vec<PackFault>> {
        Ok(Self {
            model: Some(Arc::new(ModelPrompts::parse(model_yaml)?)),
            model_text: Some(model_yaml.to_owned()),
            ..self
        })
    }

    /// The files of a language that are part of this program; `None` if there are none.
    pub fn embedded(language: &Language) -> Option<Self> {
        // They are checked by a test, so that nothing but an unknown language gives `None`.
        static PACKS: LazyLock<BTreeMap<&str, LanguagePack>> = LazyLock::new(|| {
            let packs = EMBEDDED.iter().filter_map(|(tag, prompts, lexicon, model)| {
                let pack = LanguagePack::parse(prompts, lexicon).and_then(|pack| pack.with_model_prompts(model));
                Some((*tag, pack.ok()?))
            });
            packs.collect()
        });
        PACKS.get(language.0.as_str()).cloned()
    }

    /// The languages of [`LanguagePack::embedded`].
    pub fn embedded_languages() -> Vec<Language> {
        EMBEDDED.iter().map(|(tag, ..)| Language((*tag).to_owned())).collect()
    }

    /// What the language understands.
    pub fn lexicon(&self) -> &Arc<Lexicon> {
        &self.lexicon
    }

    /// The text of `prompts.yaml`, word for word.
    pub fn prompts_text(&self) -> &str {
        &self.prompts_text
    }

    /// The text of `lexicon.yaml`, word for word.
    pub fn lexicon_text(&self) -> &str {
        &self.lexicon_text
    }

    /// The texts of the lexicons that are understood besides, word for word.
    pub fn beside_text(&self) -> &str {
        &self.beside_text
    }

    /// What a language model is told, if it may be asked.
    pub fn model_prompts(&self) -> Option<&Arc<ModelPrompts>> {
        self.model.as_ref()
    }

    /// The text of `model.yaml`, word for word.
    pub fn model_text(&self) -> Option<&str> {
        self.model_text.as_deref()
    }

    /// The sentences of a template; a checked pack has every one but those that may be left out.
    pub(super) fn sentences(&self, template: Template) -> &[String] {
        self.sentences.get(template.name()).map_or(&[], Vec::as_slice)
    }
}

macro_rules! templates {
    ($($variant:ident = $name:literal [$($placeholder:literal),*];)*) => {
        /// Every text the dialogue needs, and what may be filled into it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Template { $($variant,)* }

        impl Template {
            const ALL: &[Self] = &[$(Self::$variant,)*];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            fn placeholders(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($placeholder),*],)* }
            }
        }
    };
}

templates! {
    Greeting = "greeting" ["organisation", "purpose"];
    GreetingByName = "greeting_by_name" ["name"];
    ConsentQuestion = "consent_question" ["organisation", "purpose"];
    ConsentKeys = "consent_keys" [];
    FirstQuestion = "first_question" [];
    NextQuestion = "next_question" [];
    LastQuestion = "last_question" [];
    GoOn = "go_on" [];
    HintYesNo = "hint_yes_no" [];
    HintNumber = "hint_number" ["min", "max"];
    HintScale = "hint_scale" ["min", "max"];
    HintChoice = "hint_choice" ["options"];
    HintFreeText = "hint_free_text" [];
    KeysYesNo = "keys_yes_no" [];
    KeysDigit = "keys_digit" ["min", "max"];
    KeysDigits = "keys_digits" ["min", "max"];
    KeysOption = "keys_option" ["option", "key"];
    KeysFreeText = "keys_free_text" [];
    DidNotHear = "did_not_hear" [];
    DidNotUnderstand = "did_not_understand" [];
    OutOfRange = "out_of_range" ["min", "max"];
    NotAnOption = "not_an_option" [];
    ConfirmValue = "confirm_value" ["value"];
    ConfirmConsent = "confirm_consent" [];
    ConfirmRefusal = "confirm_refusal" [];
    ConfirmRemoval = "confirm_removal" [];
    ConfirmWrongPerson = "confirm_wrong_person" [];
    ConfirmCallback = "confirm_callback" [];
    ConfirmKeys = "confirm_keys" [];
    ValueYes = "value_yes" [];
    ValueNo = "value_no" [];
    WhoIsThis = "who_is_this" ["organisation", "purpose"];
    OneLanguage = "one_language" [];
    OfferLanguage = "offer_language" [];
    LanguageSwitched = "language_switched" [];
    StillThere = "still_there" [];
    OneMoment = "one_moment" [];
    Thanks = "thanks" ["organisation"];
    GoodbyeRefused = "goodbye_refused" ["organisation"];
    GoodbyeRemoved = "goodbye_removed" ["organisation"];
    GoodbyeRemovalNoted = "goodbye_removal_noted" ["organisation"];
    GoodbyeCallback = "goodbye_callback" ["organisation"];
    GoodbyeWrongPerson = "goodbye_wrong_person" ["organisation"];
    GoodbyeNoInput = "goodbye_no_input" ["organisation"];
    GoodbyeLimit = "goodbye_limit" ["organisation"];
    Or = "or" [];
    RecordingNotice = "recording_notice" ["organisation"];
}

/// What a language need not have: nobody is greeted by name then, campaigns that are recorded, or have several
/// languages, are refused, and a wait for a language model is silent.
const MAY_BE_LEFT_OUT: &[Template] = &[
    Template::GreetingByName,
    Template::RecordingNotice,
    Template::OfferLanguage,
    Template::LanguageSwitched,
    Template::OneMoment,
];

fn read_sentences(yaml: &str, faults: &mut Vec<PackFault>) -> BTreeMap<String, Vec<String>> {
    let sentences: BTreeMap<String, Vec<String>> = match serde_norway::from_str(yaml) {
        Ok(sentences) => sentences,
        Err(error) => {
            faults.push(PackFault::new(
                "prompts.yaml",
                error.to_string(),
                "write each name with a list of sentences, as prompts/en/prompts.yaml does",
            ));
            return BTreeMap::new();
        }
    };
    let known: BTreeSet<_> = Template::ALL.iter().map(|template| template.name()).collect();
    for name in sentences.keys().filter(|name| !known.contains(name.as_str())) {
        faults.push(PackFault::new(
            format!("prompts.yaml: {name}"),
            "is not a template",
            "remove it or correct its name",
        ));
    }
    for template in Template::ALL {
        let place = format!("prompts.yaml: {}", template.name());
        let Some(texts) = sentences.get(template.name()) else {
            if MAY_BE_LEFT_OUT.contains(template) {
                continue;
            }
            faults.push(PackFault::new(place, "is missing", "add it"));
            continue;
        };
        if texts.is_empty()
            || texts
                .iter()
                .any(|text| text.trim().is_empty() || text.contains(char::is_control))
        {
            faults.push(PackFault::new(
                place.clone(),
                "has no sentence, an empty one or one with a line break",
                "write one or more sentences",
            ));
        }
        for unknown in texts.iter().flat_map(|text| placeholders(text)) {
            if !template.placeholders().contains(&unknown) {
                faults.push(PackFault::new(
                    place.clone(),
                    format!("has the placeholder {{{unknown}}}, which is not known here"),
                    match template.placeholders() {
                        [] => "this template has none".to_owned(),
                        known => format!("use only {}", known.join(", ")),
                    },
                ));
            }
        }
    }
    check_greeting_by_name(&sentences, faults);
    sentences
}

/// The one sentence with a name takes the place of the greeting's first: who calls and why is fixed text that comes
/// after it.
fn check_greeting_by_name(sentences: &BTreeMap<String, Vec<String>>, faults: &mut Vec<PackFault>) {
    let Some(by_name) = sentences.get(Template::GreetingByName.name()) else {
        return;
    };
    let place = format!("prompts.yaml: {}", Template::GreetingByName.name());
    if by_name.len() != 1 || by_name.iter().any(|text| !placeholders(text).contains(&"name")) {
        faults.push(PackFault::new(
            place.clone(),
            "is not one sentence with {name}",
            "write one, for example \"Hello {name}.\"",
        ));
    }
    let greeting = sentences.get(Template::Greeting.name()).map_or(&[][..], Vec::as_slice);
    if greeting.len() < 2 || greeting.first().is_some_and(|first| !placeholders(first).is_empty()) {
        faults.push(PackFault::new(
            place,
            "takes the place of the greeting's first sentence, which must be a salutation alone",
            "let the greeting begin with a sentence such as \"Hello.\", and say who calls and why in the next",
        ));
    }
}

#[cfg(test)]
mod tests;

//! `lexicon.yaml` as it is written, and what can be wrong with it.

use super::super::numbers::NumberWords;
use super::super::pack::PackFault;
use super::super::time_words::TimeWordsData;
use super::super::words::{normalise, placeholders, words};
use super::Variants;
use super::language_names::LanguagesData;
use super::pattern::{Pattern, Rules};
use crate::domain::{Intent, Language};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// `lexicon.yaml` as it is written; the file itself explains each part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialogue) struct LexiconData {
    #[serde(default)]
    pub(super) also_understands: Vec<AlsoUnderstood>,
    #[serde(default)]
    pub(super) variants: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub(super) contractions: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) rules: BTreeMap<String, Vec<String>>,
    pub(super) intents: BTreeMap<Intent, Phrases>,
    pub(super) acknowledgements: Vec<String>,
    #[serde(default)]
    pub(super) bystanders: Vec<String>,
    pub(super) resume: Phrases,
    pub(super) fillers: Vec<String>,
    pub(super) reversals: Vec<String>,
    pub(super) negations: Vec<String>,
    #[serde(default)]
    pub(super) corrections: Vec<String>,
    #[serde(default)]
    pub(super) conclusions: Vec<String>,
    #[serde(default)]
    pub(super) denials: Denials,
    #[serde(default)]
    pub(super) degrees: Vec<String>,
    #[serde(default)]
    pub(super) ordinals: BTreeMap<i64, Vec<String>>,
    pub(super) numbers: BTreeMap<i64, Vec<String>>,
    pub(super) frames: Frames,
    pub(super) out_of: Vec<String>,
    #[serde(default)]
    pub(super) of_before: Vec<String>,
    pub(super) callback: CallbackWords,
    #[serde(default)]
    pub(super) languages: LanguagesData,
}

/// Another language whose callers may be met in this one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialogue) struct AlsoUnderstood {
    pub(in crate::dialogue) language: Language,
    /// Phrases and spellings of it that mean something else here.
    #[serde(default)]
    pub(super) except: BTreeSet<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    pub(super) phrases: Vec<String>,
    #[serde(default)]
    pub(super) also: Vec<String>,
    #[serde(default)]
    pub(super) anywhere: Vec<String>,
    #[serde(default)]
    pub(super) alone: Vec<String>,
}

/// What takes a value back, by where it stands to it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Denials {
    #[serde(default)]
    pub(super) before: Vec<String>,
    #[serde(default)]
    pub(super) after: Vec<String>,
}

/// What stands around a number or an option in a grammar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialogue) struct Frames {
    pub(in crate::dialogue) number: Vec<String>,
    pub(in crate::dialogue) scale: Vec<String>,
    pub(in crate::dialogue) option: Vec<String>,
    pub(in crate::dialogue) option_number: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallbackWords {
    pub(super) leads: Vec<String>,
    #[serde(default)]
    pub(super) tails: Vec<String>,
    #[serde(default)]
    pub(super) availability: Vec<String>,
    pub(super) times: TimeWordsData,
}

impl AlsoUnderstood {
    /// Exceptions that except nothing.
    pub(in crate::dialogue) fn faults(&self, other: &LexiconData) -> Vec<PackFault> {
        let known = other.entries();
        let stale = self.except.iter().filter(|entry| !known.contains(entry.as_str()));
        let fault = |entry: &String| {
            PackFault::new(
                "lexicon.yaml: also_understands",
                format!("excepts `{entry}`, which is no entry of {}", self.language.0),
                "write it as it stands there, or remove it",
            )
        };
        stale.map(fault).collect()
    }
}

impl LexiconData {
    /// What is understood besides this lexicon.
    pub(in crate::dialogue) fn also_understands(&self) -> &[AlsoUnderstood] {
        &self.also_understands
    }

    /// Every phrase and variant.
    fn entries(&self) -> BTreeSet<&str> {
        let lists = self
            .phrases()
            .chain(self.variants.values().flatten().map(String::as_str));
        lists.chain(self.callback.times.phrases()).collect()
    }

    /// Every word of its phrases, patterns, rules and times.
    pub(super) fn words(&self) -> impl Iterator<Item = String> {
        let entries = self.entries().into_iter().map(str::to_owned);
        let rules = self.rules.values().flatten().cloned();
        let heads = self.variants.keys().cloned();
        let texts: Vec<String> = entries.chain(rules).chain(heads).collect();
        texts.into_iter().flat_map(|text| words(&text))
    }

    /// Every phrase but those of time.
    fn phrases(&self) -> impl Iterator<Item = &str> {
        let entries = self.intents.values().chain([&self.resume]);
        let phrases = entries.flat_map(|entry| [&entry.phrases, &entry.also, &entry.anywhere, &entry.alone]);
        let lists = [
            &self.acknowledgements,
            &self.bystanders,
            &self.fillers,
            &self.reversals,
            &self.negations,
            &self.corrections,
            &self.conclusions,
            &self.denials.before,
            &self.denials.after,
            &self.degrees,
            &self.out_of,
            &self.of_before,
            &self.callback.leads,
            &self.callback.tails,
            &self.callback.availability,
        ];
        let lists = phrases
            .chain(lists)
            .chain(self.numbers.values())
            .chain(self.ordinals.values());
        let lists = lists
            .chain(self.languages.names.values())
            .chain([&self.languages.denials]);
        lists.flatten().map(String::as_str)
    }

    /// Everything that is wrong with it.
    pub(in crate::dialogue) fn faults(&self) -> Vec<PackFault> {
        let mut faults = Vec::new();
        let variants = Variants::own(self);
        // Services that screen calls do not speak every language.
        let optional = |intent: &Intent| matches!(intent, Intent::Unclear | Intent::CallScreening);
        for intent in Intent::ALL.into_iter().filter(|intent| !optional(intent)) {
            if self.intents.get(&intent).is_none_or(|entry| entry.phrases.is_empty()) {
                faults.push(PackFault::new(
                    format!("lexicon.yaml: intents.{intent:?}"),
                    "has no phrases",
                    "write at least one",
                ));
            }
        }
        if self.intents.contains_key(&Intent::Unclear) {
            faults.push(PackFault::new(
                "lexicon.yaml: intents.unclear",
                "has phrases",
                "remove it",
            ));
        }
        self.check_variants(&mut faults);
        let mut owner: BTreeMap<Vec<String>, Intent> = BTreeMap::new();
        for (intent, entry) in &self.intents {
            let mut own = BTreeSet::new();
            let is_phrase = |entry: &&String| !Pattern::is_one(entry);
            for phrase in entry.phrases.iter().chain(&entry.also).filter(is_phrase) {
                // A grammar may offer a contraction and its words both: recognisers tell them apart.
                if !own.insert(variants.words(&words(phrase))) {
                    faults.push(PackFault::new(
                        format!("lexicon.yaml: intents.{intent:?}"),
                        format!("has `{phrase}` twice"),
                        "remove one",
                    ));
                }
            }
            let all = entry.phrases.iter().chain(&entry.also).chain(&entry.anywhere);
            for phrase in all.filter(is_phrase) {
                if let Some(other) = owner.insert(variants.key(phrase), *intent)
                    && other != *intent
                {
                    faults.push(PackFault::new(
                        format!("lexicon.yaml: intents.{intent:?}"),
                        format!("has `{phrase}`, which stands under {other:?} too"),
                        "keep it under one intent",
                    ));
                }
            }
        }
        for filler in &self.fillers {
            if let Some(intent) = owner.get(&variants.key(filler)) {
                faults.push(PackFault::new(
                    "lexicon.yaml: fillers",
                    format!("has `{filler}`, which means {intent:?}"),
                    "keep it in one place",
                ));
            }
        }
        self.check_forms(&mut faults);
        faults.extend(self.languages.faults());
        faults.extend(self.callback.times.faults(&NumberWords::new(&self.numbers)));
        for value in (0..=20).chain((30..=100).step_by(10)) {
            if self.numbers.get(&value).is_none_or(Vec::is_empty) {
                faults.push(PackFault::new(
                    "lexicon.yaml: numbers",
                    format!("has no word for {value}"),
                    "add it",
                ));
            }
        }
        faults
    }

    /// A variant is a word that stands for one other.
    fn check_variants(&self, faults: &mut Vec<PackFault>) {
        let mut stands_for: BTreeMap<&str, &str> = BTreeMap::new();
        for (word, variants) in &self.variants {
            let mut fault = |fault: String, remedy: &str| {
                faults.push(PackFault::new(format!("lexicon.yaml: variants.{word}"), fault, remedy));
            };
            for variant in variants.iter().chain([word]) {
                if variant.is_empty() || variant.contains(' ') || normalise(variant) != *variant {
                    fault(
                        format!("`{variant}` is not one word in plain form"),
                        "write one lower case word without punctuation",
                    );
                }
            }
            for variant in variants {
                if self.variants.contains_key(variant) {
                    fault(
                        format!("`{variant}` has variants of its own"),
                        "put them all under one word",
                    );
                }
                if let Some(other) = stands_for.insert(variant, word) {
                    fault(format!("`{variant}` stands for `{other}` too"), "keep it in one place");
                }
            }
        }
    }

    /// Phrases must be in the form they are compared in, and frames may have known placeholders only.
    fn check_forms(&self, faults: &mut Vec<PackFault>) {
        let variants = Variants::own(self);
        let (rules, unread) = Rules::read(&self.rules, &variants);
        for (name, fault) in unread {
            faults.push(PackFault::new(
                format!("lexicon.yaml: rules.{name}"),
                fault.to_string(),
                "write words with [what may be left out], (one | or another) and <other rules>",
            ));
        }
        let asking = self.languages.asking();
        for phrase in self.phrases().chain(asking.iter().map(String::as_str)) {
            if Pattern::is_one(phrase) {
                if let Err(fault) = Pattern::read(phrase, &rules, &variants) {
                    faults.push(PackFault::new(
                        "lexicon.yaml",
                        format!("`{phrase}` {fault}"),
                        "write words with [what may be left out], (one | or another) and <rules>",
                    ));
                }
            } else if phrase.is_empty() || normalise(phrase) != phrase {
                faults.push(PackFault::new(
                    "lexicon.yaml",
                    format!("`{phrase}` is not in plain form"),
                    "write lower case words separated by one space, without punctuation",
                ));
            }
        }
        let plain = [
            &self.resume.phrases,
            &self.reversals,
            &self.negations,
            &self.out_of,
            &self.of_before,
            &self.languages.denials,
        ];
        let plain = self.intents.values().map(|entry| &entry.phrases).chain(plain);
        let plain = plain.chain(self.languages.names.values());
        for phrase in plain.chain(self.numbers.values()).flatten() {
            if Pattern::is_one(phrase) {
                faults.push(PackFault::new(
                    "lexicon.yaml",
                    format!("`{phrase}` is a pattern where only phrases may stand"),
                    "write its phrases one by one",
                ));
            }
        }
        let frames = &self.frames;
        for (name, list, known) in [
            ("number", &frames.number, &["n"][..]),
            ("scale", &frames.scale, &["n", "max"]),
            ("option", &frames.option, &["option"]),
            ("option_number", &frames.option_number, &["n"]),
        ] {
            for unknown in list
                .iter()
                .flat_map(|frame| placeholders(frame))
                .filter(|name| !known.contains(name))
            {
                faults.push(PackFault::new(
                    format!("lexicon.yaml: frames.{name}"),
                    format!("has the placeholder {{{unknown}}}, which is not known here"),
                    format!("use only {}", known.join(", ")),
                ));
            }
        }
    }
}

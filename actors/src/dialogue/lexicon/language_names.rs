//! What languages are called, and how one is asked for.

use super::super::pack::PackFault;
use super::super::words::{fill, find, placeholders, words};
use crate::domain::Language;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// `languages` of `lexicon.yaml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(in crate::dialogue) struct LanguagesData {
    /// Names by the tag of the language, in every spelling.
    pub(super) names: BTreeMap<Language, Vec<String>>,
    /// Whole phrases that ask for a language, with `{language}` in its place.
    pub(super) phrases: Vec<String>,
    /// Words that say that the language named beside them is not spoken.
    pub(super) denials: Vec<String>,
}

impl LanguagesData {
    /// Every phrase for every name.
    pub(super) fn asking(&self) -> Vec<String> {
        let names = self.names.values().flatten();
        names
            .flat_map(|name| {
                self.phrases
                    .iter()
                    .map(move |phrase| fill(phrase, &[("language", name)]))
            })
            .collect()
    }

    /// Everything that is wrong with it but the form of its phrases.
    pub(super) fn faults(&self) -> Vec<PackFault> {
        let mut faults = Vec::new();
        let mut owner: BTreeMap<Vec<String>, &Language> = BTreeMap::new();
        for (language, names) in &self.names {
            for name in names {
                if let Some(other) = owner.insert(words(name), language) {
                    faults.push(PackFault::new(
                        format!("lexicon.yaml: languages.names.{}", language.0),
                        format!("has `{name}`, which stands under {} too", other.0),
                        "keep it in one place",
                    ));
                }
            }
        }
        for phrase in &self.phrases {
            if placeholders(phrase) != ["language"] {
                faults.push(PackFault::new(
                    "lexicon.yaml: languages.phrases",
                    format!("has `{phrase}`, in which {{language}} does not stand once and alone"),
                    "write it with {language} in place of the name",
                ));
            }
        }
        faults
    }
}

/// The names of languages, of this lexicon and of those that are understood besides. They are found as they are said:
/// spellings that are taken for one may make one word of several languages.
#[derive(Clone, Debug, Default)]
pub(super) struct LanguageNames {
    names: Vec<(Vec<String>, Language)>,
    denials: Vec<Vec<String>>,
}

impl LanguageNames {
    pub(super) fn add(&mut self, data: &LanguagesData) {
        for (language, names) in &data.names {
            let names = names.iter().map(|name| (words(name), language.clone()));
            self.names.extend(names);
        }
        self.denials.extend(data.denials.iter().map(|denial| words(denial)));
    }

    /// The languages that a phrase names as those that are wanted: not one that it names alone to say that it is not
    /// spoken ("I do not speak English").
    pub(super) fn wanted(&self, said: &[String]) -> BTreeSet<Language> {
        let named = self.named(said);
        let denied = self.denials.iter().any(|denial| find(said, denial).is_some());
        if denied && named.len() < 2 {
            return BTreeSet::new();
        }
        named
    }

    /// Whether a language can be named.
    pub(super) fn know(&self, language: &Language) -> bool {
        self.names.iter().any(|(_, known)| language.is_kind_of(known))
    }

    /// Every language that is named.
    fn named(&self, said: &[String]) -> BTreeSet<Language> {
        let named = self.names.iter().filter(|(name, _)| find(said, name).is_some());
        named.map(|(_, language)| language.clone()).collect()
    }
}

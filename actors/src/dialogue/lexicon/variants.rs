//! Spellings and forms of words that are taken for one.

use super::super::words::words;
use super::data::LexiconData;
use std::collections::BTreeMap;

/// For each variant of a word the word it stands for. Phrases and what is heard are both read through it, so that a
/// phrase written once is understood in every spelling.
#[derive(Clone, Debug, Default)]
pub(super) struct Variants(BTreeMap<String, String>);

impl Variants {
    /// Those of one lexicon.
    pub(super) fn own(data: &LexiconData) -> Self {
        let mut variants = Self::default();
        variants.add(&data.variants);
        variants
    }

    /// Those of another language besides, where they stand for nothing yet.
    pub(super) fn borrow(&mut self, data: &LexiconData) {
        self.add(&data.variants);
    }

    fn add(&mut self, table: &BTreeMap<String, Vec<String>>) {
        let heads: Vec<String> = table.keys().map(|word| words(word).concat()).collect();
        for (head, variants) in heads.iter().zip(table.values()) {
            // Where one of these is the head of others already, all of them stand for it.
            let known = |word: &String| self.0.values().any(|target| target == word);
            let shared = variants.iter().map(|variant| words(variant).concat()).find(known);
            let target = shared.unwrap_or_else(|| self.word(head).to_owned());
            if target != *head {
                self.0.entry(head.clone()).or_insert_with(|| target.clone());
            }
            for variant in variants {
                let variant = words(variant).concat();
                let is_target = self.0.values().any(|known| *known == variant);
                if variant != target && !is_target {
                    self.0.entry(variant).or_insert_with(|| target.clone());
                }
            }
        }
    }

    /// The word that a word stands for.
    pub(super) fn word<'a>(&'a self, word: &'a str) -> &'a str {
        self.0.get(word).map_or(word, String::as_str)
    }

    /// A phrase as it is looked up.
    pub(super) fn key(&self, phrase: &str) -> Vec<String> {
        self.words(&words(phrase))
    }

    /// Words as they are looked up.
    pub(super) fn words(&self, said: &[String]) -> Vec<String> {
        said.iter().map(|word| self.word(word).to_owned()).collect()
    }
}

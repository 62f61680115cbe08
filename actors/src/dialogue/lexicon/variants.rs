//! Spellings and forms of words that are taken for one.

use super::super::sounds;
use super::super::words::words;
use super::data::LexiconData;
use std::collections::{BTreeMap, BTreeSet};

/// For each variant of a word the word it stands for. Phrases and what is heard are both read through it, so that a
/// phrase written once is understood in every spelling.
#[derive(Clone, Debug, Default)]
pub(super) struct Variants {
    stands_for: BTreeMap<String, String>,
    /// Words that variants stand for.
    heads: BTreeSet<String>,
    /// For each contraction ("I'm") its words.
    contractions: BTreeMap<String, Vec<String>>,
    /// Words of other languages that are understood besides.
    others: BTreeSet<String>,
    /// Of words in Devanagari, the word for the key of its sounds; `None` if several sound so.
    sounds: BTreeMap<String, Option<String>>,
}

impl Variants {
    /// Those of one lexicon.
    pub(super) fn own(data: &LexiconData) -> Self {
        let mut variants = Self::default();
        variants.borrow(data);
        variants
    }

    /// Those of another language besides, where they stand for nothing yet.
    pub(super) fn borrow(&mut self, data: &LexiconData) {
        self.add(&data.variants);
        for (contraction, meant) in &data.contractions {
            let contraction = self.word(&words(contraction).concat()).to_owned();
            self.contractions.entry(contraction).or_insert_with(|| words(meant));
        }
    }

    fn add(&mut self, table: &BTreeMap<String, Vec<String>>) {
        for (head, variants) in table {
            let head = words(head).concat();
            let variants: Vec<String> = variants.iter().map(|variant| words(variant).concat()).collect();
            // Where one of these is the head of others already, all of them stand for it.
            let shared = variants.iter().find(|variant| self.heads.contains(*variant));
            let target = shared.map_or_else(|| self.word(&head), String::as_str).to_owned();
            for variant in variants.into_iter().chain([head]) {
                let is_free = !self.stands_for.contains_key(&variant) && !self.heads.contains(&variant);
                if variant != target && is_free {
                    self.heads.insert(target.clone());
                    self.stands_for.insert(variant, target.clone());
                }
            }
        }
    }

    /// From now on, words in Roman letters that are none of `others` are looked up by their sound among `own`.
    pub(super) fn hear<'a>(&mut self, own: impl Iterator<Item = &'a str>, others: BTreeSet<String>) {
        self.others = others;
        for word in own {
            let head = self.word(word).to_owned();
            for key in sounds::of_devanagari(word) {
                let found = self.sounds.entry(key).or_insert_with(|| Some(head.clone()));
                if found.as_ref() != Some(&head) {
                    *found = None;
                }
            }
        }
    }

    /// The word that a word stands for.
    pub(super) fn word<'a>(&'a self, word: &'a str) -> &'a str {
        if let Some(head) = self.stands_for.get(word) {
            return head;
        }
        if self.sounds.is_empty() || self.heads.contains(word) || self.others.contains(word) {
            return word;
        }
        let sounding = sounds::of_roman(word).and_then(|key| self.sounds.get(&key));
        sounding.and_then(Option::as_deref).unwrap_or(word)
    }

    /// A phrase as it is looked up.
    pub(super) fn key(&self, phrase: &str) -> Vec<String> {
        self.words(&self.spelt_out(words(phrase)))
    }

    /// Words with contractions spelt out, as people may say them either way.
    pub(super) fn spelt_out(&self, said: Vec<String>) -> Vec<String> {
        let spelt = said
            .into_iter()
            .map(|word| match self.contractions.get(self.word(&word)) {
                Some(meant) => meant.clone(),
                None => vec![word],
            });
        spelt.flatten().collect()
    }

    /// Spelt-out words as they are looked up.
    pub(super) fn words(&self, said: &[String]) -> Vec<String> {
        said.iter().map(|word| self.word(word).to_owned()).collect()
    }
}

//! Phrases and patterns with what they stand for, ready for look-up.

use super::pattern::{Pattern, Rules};
use super::variants::Variants;
use std::collections::BTreeMap;

/// What phrases stand for. A phrase goes before a pattern, and what was added first before what came later.
#[derive(Clone, Debug)]
pub(in crate::dialogue) struct Phrasebook<T> {
    phrases: BTreeMap<Vec<String>, T>,
    /// Longest phrase in words.
    longest: usize,
    patterns: Vec<(Pattern, T)>,
    /// The patterns that may begin with a word.
    beginning: BTreeMap<String, Vec<usize>>,
}

impl<T> Default for Phrasebook<T> {
    fn default() -> Self {
        Self {
            phrases: BTreeMap::new(),
            longest: 0,
            patterns: Vec::new(),
            beginning: BTreeMap::new(),
        }
    }
}

impl<T> Phrasebook<T> {
    /// Adds an entry of a lexicon, unless it is a phrase that is there already, or a pattern that cannot be read.
    pub(super) fn add(&mut self, entry: &str, stands_for: T, rules: &Rules, variants: &Variants) {
        if !Pattern::is_one(entry) {
            let phrase = variants.key(entry);
            self.longest = self.longest.max(phrase.len());
            self.phrases.entry(phrase).or_insert(stands_for);
        } else if let Ok(pattern) = Pattern::read(entry, rules, variants) {
            for word in pattern.first_words() {
                let beginning = self.beginning.entry(word.to_owned()).or_default();
                beginning.push(self.patterns.len());
            }
            self.patterns.push((pattern, stands_for));
        }
    }

    /// What may stand at the start of a text, each with its length in words: phrases, then patterns.
    pub(super) fn at(&self, text: &[String]) -> Vec<(usize, &T)> {
        let phrases = (1..=self.longest.min(text.len()))
            .filter_map(|length| self.phrases.get(&text[..length]).map(|stands_for| (length, stands_for)));
        let beginning = text.first().and_then(|word| self.beginning.get(word));
        let patterns = beginning
            .into_iter()
            .flatten()
            .filter_map(|index| self.patterns.get(*index));
        let covered = patterns.flat_map(|(pattern, stands_for)| {
            let lengths = pattern.lengths(text).into_iter();
            lengths.map(move |length| (length, stands_for))
        });
        phrases.chain(covered).collect()
    }

    /// Lengths of what may stand at the start of a text, the longest first.
    pub(in crate::dialogue) fn lengths(&self, text: &[String]) -> Vec<usize> {
        let mut lengths: Vec<usize> = self.at(text).into_iter().map(|(length, _)| length).collect();
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        lengths.dedup();
        lengths
    }

    /// What the whole text stands for.
    pub(super) fn whole(&self, text: &[String]) -> Option<&T> {
        let found = self.at(text).into_iter().find(|(length, _)| *length == text.len());
        found.map(|(_, stands_for)| stands_for)
    }

    /// Whether the text is made of these phrases alone.
    pub(super) fn makes_up(&self, text: &[String]) -> bool {
        // Whether what begins at each word is, from the end.
        let mut made_up = vec![false; text.len() + 1];
        made_up[text.len()] = true;
        for start in (0..text.len()).rev() {
            made_up[start] = self
                .lengths(&text[start..])
                .into_iter()
                .any(|length| made_up[start + length]);
        }
        !text.is_empty() && made_up[0]
    }
}

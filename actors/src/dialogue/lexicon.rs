//! The lexicon of a language: phrases and what they mean.

mod data;
mod language_names;
mod variants;

use self::data::{AlsoUnderstood, Phrases};
pub(super) use self::data::{Frames, LexiconData};
use self::language_names::LanguageNames;
use self::variants::Variants;
use super::numbers::NumberWords;
use super::spoken_time::spoken_time;
use super::time_words::{self, Mark, TimeWords};
use super::words::{find, words};
use crate::domain::{AskedTime, Intent, Language, SpokenTime};
use std::collections::{BTreeMap, BTreeSet};

/// What one stretch of words means by itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Meaning {
    /// An intent; with a time as said if it is a wish to be called.
    Intent(Intent, Option<AskedTime>),
    /// A number.
    Number(i64),
    /// An option, by its position.
    Option(usize),
    /// Ends a wait.
    Resume,
    /// Nothing.
    Filler,
}

/// The phrases of a language, ready for look-up.
#[derive(Clone, Debug)]
pub struct Lexicon {
    variants: Variants,
    /// Whole phrases.
    phrases: BTreeMap<Vec<String>, Meaning>,
    /// What may be said in a grammar, per intent.
    spoken: BTreeMap<Intent, Vec<String>>,
    spoken_resume: Vec<String>,
    anywhere: Vec<(Vec<String>, Intent)>,
    /// What means an intent only where nothing else is said.
    alone: BTreeMap<Vec<String>, Intent>,
    acknowledgements: BTreeSet<Vec<String>>,
    reversals: BTreeSet<Vec<String>>,
    negations: BTreeSet<Vec<String>>,
    /// The language's own, as they are said.
    numbers: NumberWords,
    /// All that are understood, by their keys.
    heard_numbers: NumberWords,
    /// All that are understood, in every spelling.
    spelt_numbers: NumberWords,
    pub(super) frames: Frames,
    out_of: BTreeSet<Vec<String>>,
    of_before: BTreeSet<Vec<String>>,
    leads: BTreeSet<Vec<String>>,
    tails: BTreeSet<Vec<String>>,
    /// Spellings of other languages that mean nothing by themselves.
    mute: BTreeSet<String>,
    times: TimeWords,
    languages: LanguageNames,
    longest: usize,
}

impl Lexicon {
    /// With the phrases of other languages besides, each where it means nothing in this one.
    pub(super) fn new(data: &LexiconData, others: &BTreeMap<Language, LexiconData>) -> Self {
        let lexicons: Vec<(&LexiconData, Option<&AlsoUnderstood>)> = std::iter::once((data, None))
            .chain(
                data.also_understands
                    .iter()
                    .filter_map(|terms| Some((others.get(&terms.language)?, Some(terms)))),
            )
            .collect();
        let mut variants = Variants::own(data);
        for (other, terms) in &lexicons {
            if terms.is_some() {
                variants.borrow(other);
            }
        }
        let mut merged = Self {
            phrases: BTreeMap::new(),
            spoken: data
                .intents
                .iter()
                .map(|(intent, entry)| (*intent, entry.phrases.clone()))
                .collect(),
            spoken_resume: data.resume.phrases.clone(),
            anywhere: Vec::new(),
            alone: BTreeMap::new(),
            acknowledgements: BTreeSet::new(),
            reversals: BTreeSet::new(),
            negations: BTreeSet::new(),
            numbers: NumberWords::new(&data.numbers),
            heard_numbers: NumberWords::default(),
            spelt_numbers: NumberWords::default(),
            frames: data.frames.clone(),
            out_of: BTreeSet::new(),
            of_before: BTreeSet::new(),
            leads: BTreeSet::new(),
            tails: BTreeSet::new(),
            mute: BTreeSet::new(),
            times: TimeWords::default(),
            languages: LanguageNames::default(),
            longest: 1,
            variants,
        };
        for (lexicon, terms) in lexicons {
            if let Some(terms) = terms {
                let silent = terms.except.iter().filter(|entry| !merged.means_something(entry));
                merged.mute = silent
                    .map(|entry| words(entry).concat())
                    .chain(merged.mute.clone())
                    .collect();
            }
            let wanted = |phrase: &str| terms.is_none_or(|terms| !terms.except.contains(phrase));
            merged.add(lexicon, &wanted);
        }
        let stretches = merged.phrases.keys().chain(&merged.leads).chain(&merged.tails);
        merged.longest = stretches.map(Vec::len).max().unwrap_or(1);
        merged
    }

    /// Whether a word is a phrase by itself.
    fn means_something(&self, word: &str) -> bool {
        let key = self.variants.key(word);
        self.phrases.contains_key(&key)
            || self.heard_numbers.read(&key).is_some()
            || self.times.marks(&key, &self.heard_numbers).1 > 0
    }

    /// Adds the phrases of a lexicon; what is there already stays.
    fn add(&mut self, data: &LexiconData, wanted: &dyn Fn(&str) -> bool) {
        let variants = &self.variants;
        let key = |phrase: &String| variants.key(phrase);
        let keys =
            |list: &[String]| -> Vec<Vec<String>> { list.iter().filter(|phrase| wanted(phrase)).map(key).collect() };
        let phrases = &mut self.phrases;
        let mut put = |list: &[String], meaning: &Meaning| {
            for phrase in keys(list) {
                phrases.entry(phrase).or_insert_with(|| meaning.clone());
            }
        };
        let whole = |entry: &Phrases| [entry.phrases.as_slice(), &entry.also, &entry.anywhere].concat();
        for (intent, entry) in &data.intents {
            put(&whole(entry), &Meaning::Intent(*intent, None));
            for phrase in keys(&entry.alone) {
                self.alone.entry(phrase).or_insert(*intent);
            }
            self.anywhere
                .extend(keys(&entry.anywhere).into_iter().map(|phrase| (phrase, *intent)));
        }
        put(&data.languages.asking(), &Meaning::Intent(Intent::SwitchLanguage, None));
        put(&data.fillers, &Meaning::Filler);
        put(&whole(&data.resume), &Meaning::Resume);
        for (set, list) in [
            (&mut self.acknowledgements, &data.acknowledgements),
            (&mut self.reversals, &data.reversals),
            (&mut self.negations, &data.negations),
            (&mut self.out_of, &data.out_of),
            (&mut self.of_before, &data.of_before),
            (&mut self.leads, &data.callback.leads),
            (&mut self.tails, &data.callback.tails),
        ] {
            set.extend(keys(list));
        }
        for (value, forms) in &data.numbers {
            for form in keys(forms) {
                for spelling in variants.spellings(&form) {
                    self.spelt_numbers.add(*value, spelling);
                }
                self.heard_numbers.add(*value, form);
            }
        }
        self.languages.add(&data.languages);
        self.times.add(&data.callback.times, &|phrase| {
            wanted(phrase).then(|| variants.key(phrase))
        });
    }

    /// The intent of what means something only where it stands alone: words that nothing else covers, or, where there
    /// are none, one of the fillers that the text is made of.
    pub(super) fn alone(&self, text: &[String], leftover: &[String]) -> Option<Intent> {
        if !leftover.is_empty() {
            return self.alone.get(text).or_else(|| self.alone.get(leftover)).copied();
        }
        let found = self.alone.iter().filter(|(phrase, _)| find(text, phrase).is_some());
        let longest = found.max_by_key(|(phrase, _)| phrase.len());
        longest.map(|(_, intent)| *intent)
    }

    /// Words as phrases are looked up by: each spelling as the one that it stands for.
    pub(super) fn heard(&self, said: &[String]) -> Vec<String> {
        self.variants.words(said)
    }

    /// What words of time mean, for example "tomorrow after six"; `None` if they name no time or say more than that.
    pub fn time_named(&self, text: &str) -> Option<SpokenTime> {
        let text = self.heard(&words(text));
        let (marks, length) = self.times.marks(&text, &self.heard_numbers);
        spoken_time(&marks).filter(|_| length == text.len())
    }

    /// The phrases of an intent that a grammar offers.
    pub(super) fn spoken(&self, intent: Intent) -> &[String] {
        self.spoken.get(&intent).map_or(&[], Vec::as_slice)
    }

    /// The languages that words, as they were said, ask for by name.
    pub(super) fn languages_wanted(&self, said: &[String]) -> BTreeSet<Language> {
        self.languages.wanted(said)
    }

    /// Whether callers can ask for a language by a name.
    pub(super) fn names_language(&self, language: &Language) -> bool {
        self.languages.know(language)
    }

    /// The phrases that end a wait, for a grammar.
    pub(super) fn spoken_resume(&self) -> &[String] {
        &self.spoken_resume
    }

    pub(super) fn numbers(&self) -> &NumberWords {
        &self.numbers
    }

    /// Numbers in every spelling that callers' words may have, those of other languages too.
    pub(super) fn spelt_numbers(&self) -> &NumberWords {
        &self.spelt_numbers
    }

    /// Whether a text only shows that its speaker listens ("okay", "mm", "hello").
    pub(super) fn is_acknowledgement(&self, text: &[String]) -> bool {
        self.acknowledgements.contains(text)
    }

    /// Whether these words, left over beside "yes" or "no", may turn the meaning round.
    pub(super) fn has_reversal(&self, text: &[String]) -> bool {
        (0..text.len()).any(|start| {
            self.reversals
                .iter()
                .any(|reversal| text[start..].starts_with(reversal))
        })
    }

    /// An intent that holds wherever its phrase stands in the text, unless a negation stands before it.
    pub(super) fn anywhere(&self, text: &[String], wanted: Intent) -> bool {
        self.anywhere
            .iter()
            .filter(|(_, intent)| *intent == wanted)
            .any(|(phrase, _)| find(text, phrase).is_some_and(|start| !self.negated(&text[..start])))
    }

    /// Whether a negation ends these words.
    pub(super) fn negated(&self, before: &[String]) -> bool {
        self.negations.iter().any(|negation| before.ends_with(negation))
    }

    /// The meanings of stretches that begin at the start of `text`, each with its length in words; `said` are the same
    /// words as they were said. A time without "call me" counts as a wish to be called only where `bare_times` says
    /// that no answer could sound like it.
    pub(super) fn at(&self, text: &[String], said: &[String], bare_times: bool) -> Vec<(Meaning, usize)> {
        let (marks, taken) = self.times.marks(text, &self.heard_numbers);
        let time = self
            .asked_time(&said[..taken], &marks)
            .filter(|_| time_words::are_only_about_time(&marks));
        let time = time.filter(|asked| asked.time.is_some());
        let mut found = Vec::new();
        if let Some(time) = &time {
            // "In the evening call me": the time, then the words that may stand before it or after it.
            let rest = &text[taken..];
            let tail = (1..=self.longest.min(rest.len()))
                .rev()
                .find(|length| self.tails.contains(&rest[..*length]));
            found.extend(tail.map(|tail| (Meaning::Intent(Intent::CallLater, Some(time.clone())), taken + tail)));
        }
        // Of leads that reach equally far the longest goes first: "call me" before "call".
        for length in (1..=self.longest.min(text.len())).rev() {
            if self.leads.contains(&text[..length]) {
                let (marks, tail) = self.times.marks(&text[length..], &self.heard_numbers);
                if tail > 0 {
                    let time = self.asked_time(&said[length..length + tail], &marks);
                    found.push((Meaning::Intent(Intent::CallLater, time), length + tail));
                }
            }
        }
        let is_mute = said.first().is_some_and(|word| self.mute.contains(word));
        for length in 1..=self.longest.min(text.len()) {
            let stretch = &text[..length];
            if let Some(meaning) = self.phrases.get(stretch).filter(|_| length > 1 || !is_mute) {
                found.push((meaning.clone(), length));
            }
        }
        let number = self
            .heard_numbers
            .read(text)
            .filter(|(_, length)| *length > 1 || !is_mute);
        found.extend(number.map(|(value, length)| (Meaning::Number(value), length)));
        if bare_times && (taken > 1 || !is_mute) {
            found.extend(time.map(|time| (Meaning::Intent(Intent::CallLater, Some(time)), taken)));
        }
        found
    }

    /// What only names the end of a scale whose end is `max`: "out of five" after a number, or "of five" before it in
    /// languages that say it so. How many words it takes.
    pub(super) fn out_of(&self, text: &[String], max: i64) -> Option<usize> {
        let number = |text: &[String]| self.heard_numbers.read(text).filter(|(value, _)| *value == max);
        let after = self
            .out_of
            .iter()
            .filter(|phrase| text.starts_with(phrase))
            .find_map(|phrase| {
                let (_, length) = number(&text[phrase.len()..])?;
                Some(phrase.len() + length)
            });
        after.or_else(|| {
            let (_, length) = number(text)?;
            let phrase = self
                .of_before
                .iter()
                .find(|phrase| text[length..].starts_with(phrase))?;
            Some(length + phrase.len())
        })
    }

    /// Words that are known to be about a time, with what they mean if every one is understood.
    pub(super) fn time_of(&self, text: &[String]) -> AskedTime {
        AskedTime {
            words: text.join(" "),
            time: self.time_named(&text.join(" ")),
        }
    }

    /// A time as said and as meant; `None` if the words say none.
    fn asked_time(&self, said: &[String], marks: &[Mark]) -> Option<AskedTime> {
        time_words::speak_of_a_time(marks).then(|| AskedTime {
            words: said.join(" "),
            time: spoken_time(marks),
        })
    }
}

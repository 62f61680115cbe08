//! The lexicon of a language: phrases and what they mean.

mod data;
mod language_names;
mod pattern;
mod phrasebook;
mod variants;

use self::data::{AlsoUnderstood, Phrases};
pub(super) use self::data::{Frames, LexiconData};
use self::language_names::LanguageNames;
use self::pattern::Rules;
pub(super) use self::phrasebook::Phrasebook;
use self::variants::Variants;
use super::numbers::NumberWords;
use super::spoken_time::{minutes, spoken_time};
use super::time_words::{self, Mark, Side, TimeWords};
use super::words::words;
use crate::domain::{AskedTime, Intent, Language, SpokenTime};
use std::collections::{BTreeMap, BTreeSet};

/// What one stretch of words means by itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Meaning {
    /// An intent; with a time as said if it is a wish to be called.
    Intent(Intent, Option<AskedTime>),
    /// A number.
    Number(i64),
    /// An amount of time in minutes, where it may not be minutes that were asked for.
    Minutes(i64),
    /// An option, by its position.
    Option(usize),
    /// A value that is not meant ("not four").
    Denied,
    /// Ends a wait.
    Resume,
    /// Nothing.
    Filler,
}

/// The phrases of a language, ready for look-up.
#[derive(Clone, Debug)]
pub struct Lexicon {
    variants: Variants,
    phrases: Phrasebook<Meaning>,
    /// What may be said in a grammar, per intent.
    spoken: BTreeMap<Intent, Vec<String>>,
    spoken_resume: Vec<String>,
    anywhere: Phrasebook<Intent>,
    /// What means an intent only where nothing else is said.
    alone: Phrasebook<Intent>,
    acknowledgements: Phrasebook<()>,
    bystanders: BTreeSet<Vec<String>>,
    reversals: BTreeSet<Vec<String>>,
    negations: BTreeSet<Vec<String>>,
    /// Between what was said and what is meant ("five, no, four").
    pub(super) corrections: Phrasebook<()>,
    /// Before what follows from all before it ("so four").
    pub(super) conclusions: Phrasebook<()>,
    /// Before a value that is not meant, and after one.
    denials: [Phrasebook<()>; 2],
    /// What points of a scale stand for ("not at all").
    degrees: Phrasebook<()>,
    /// Positions from 1 on, or from -1 down at the end.
    ordinals: Phrasebook<i64>,
    /// The language's own, as they are said.
    numbers: NumberWords,
    /// All that are understood, by their keys.
    heard_numbers: NumberWords,
    pub(super) frames: Frames,
    out_of: BTreeSet<Vec<String>>,
    of_before: BTreeSet<Vec<String>>,
    leads: Phrasebook<()>,
    tails: Phrasebook<()>,
    /// Leads and tails that may be part of an answer ("I am free in the evening").
    availability: Phrasebook<()>,
    /// Spellings of other languages that mean nothing by themselves.
    mute: BTreeSet<String>,
    times: TimeWords,
    languages: LanguageNames,
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
        let own: BTreeSet<String> = data.words().collect();
        let borrowed = lexicons.iter().filter(|(_, terms)| terms.is_some());
        let borrowed = borrowed.flat_map(|(other, _)| other.words()).collect();
        variants.hear(own.iter().map(String::as_str), borrowed);
        let mut merged = Self {
            phrases: Phrasebook::default(),
            spoken: data
                .intents
                .iter()
                .map(|(intent, entry)| (*intent, entry.phrases.clone()))
                .collect(),
            spoken_resume: data.resume.phrases.clone(),
            anywhere: Phrasebook::default(),
            alone: Phrasebook::default(),
            acknowledgements: Phrasebook::default(),
            bystanders: BTreeSet::new(),
            reversals: BTreeSet::new(),
            negations: BTreeSet::new(),
            corrections: Phrasebook::default(),
            conclusions: Phrasebook::default(),
            denials: Default::default(),
            degrees: Phrasebook::default(),
            ordinals: Phrasebook::default(),
            numbers: NumberWords::new(&data.numbers),
            heard_numbers: NumberWords::default(),
            frames: data.frames.clone(),
            out_of: BTreeSet::new(),
            of_before: BTreeSet::new(),
            leads: Phrasebook::default(),
            tails: Phrasebook::default(),
            availability: Phrasebook::default(),
            mute: BTreeSet::new(),
            times: TimeWords::default(),
            languages: LanguageNames::default(),
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
        merged
    }

    /// Whether a word is a phrase by itself.
    fn means_something(&self, word: &str) -> bool {
        let key = self.variants.key(word);
        self.phrases.whole(&key).is_some()
            || self.heard_numbers.read(&key).is_some()
            || self.times.marks(&key, &self.heard_numbers).1 > 0
    }

    /// Adds the phrases of a lexicon; what is there already stays.
    fn add(&mut self, data: &LexiconData, wanted: &dyn Fn(&str) -> bool) {
        let variants = &self.variants;
        let (rules, _) = &Rules::read(&data.rules, variants);
        let key = |phrase: &String| variants.key(phrase);
        let keys =
            |list: &[String]| -> Vec<Vec<String>> { list.iter().filter(|phrase| wanted(phrase)).map(key).collect() };
        let phrases = &mut self.phrases;
        let mut put = |list: &[String], meaning: &Meaning| {
            for entry in list.iter().filter(|entry| wanted(entry)) {
                phrases.add(entry, meaning.clone(), rules, variants);
            }
        };
        let whole = |entry: &Phrases| [entry.phrases.as_slice(), &entry.also, &entry.anywhere].concat();
        for (intent, entry) in &data.intents {
            put(&whole(entry), &Meaning::Intent(*intent, None));
            for (book, list) in [(&mut self.alone, &entry.alone), (&mut self.anywhere, &entry.anywhere)] {
                for entry in list.iter().filter(|entry| wanted(entry)) {
                    book.add(entry, *intent, rules, variants);
                }
            }
        }
        put(&data.languages.asking(), &Meaning::Intent(Intent::SwitchLanguage, None));
        put(&data.fillers, &Meaning::Filler);
        put(&whole(&data.resume), &Meaning::Resume);
        let [before, after] = &mut self.denials;
        for (book, list) in [
            (&mut self.acknowledgements, &data.acknowledgements),
            (&mut self.corrections, &data.corrections),
            (&mut self.conclusions, &data.conclusions),
            (before, &data.denials.before),
            (after, &data.denials.after),
            (&mut self.degrees, &data.degrees),
            (&mut self.leads, &data.callback.leads),
            (&mut self.tails, &data.callback.tails),
            (&mut self.availability, &data.callback.availability),
        ] {
            for entry in list.iter().filter(|entry| wanted(entry)) {
                book.add(entry, (), rules, variants);
            }
        }
        for (position, list) in &data.ordinals {
            for entry in list.iter().filter(|entry| wanted(entry)) {
                self.ordinals.add(entry, *position, rules, variants);
            }
        }
        for (set, list) in [
            (&mut self.bystanders, &data.bystanders),
            (&mut self.reversals, &data.reversals),
            (&mut self.negations, &data.negations),
            (&mut self.out_of, &data.out_of),
            (&mut self.of_before, &data.of_before),
        ] {
            set.extend(keys(list));
        }
        for (value, forms) in &data.numbers {
            for form in keys(forms) {
                self.heard_numbers.add(*value, form);
            }
        }
        self.languages.add(&data.languages);
        self.times.add(&data.callback.times, &|phrase| {
            wanted(phrase).then(|| variants.key(phrase))
        });
    }

    /// The intent of what means something only where it stands alone: words that nothing else covers, or, where there
    /// are none, the longest of the fillers that the text is made of.
    pub(super) fn alone(&self, text: &[String], leftover: &[String]) -> Option<Intent> {
        if !leftover.is_empty() {
            return self.alone.whole(text).or_else(|| self.alone.whole(leftover)).copied();
        }
        let found = (0..text.len()).flat_map(|start| self.alone.at(&text[start..]));
        found.max_by_key(|(length, _)| *length).map(|(_, intent)| *intent)
    }

    /// The words of a text, contractions spelt out.
    pub(super) fn said(&self, text: &str) -> Vec<String> {
        self.variants.spelt_out(words(text))
    }

    /// Words as phrases are looked up by: each spelling as the one that it stands for.
    pub(super) fn heard(&self, said: &[String]) -> Vec<String> {
        self.variants.words(said)
    }

    /// What words of time mean, for example "tomorrow after six"; `None` if they name no time or say more than that.
    pub fn time_named(&self, text: &str) -> Option<SpokenTime> {
        let text = self.heard(&self.said(text));
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

    /// The number that words as they are [heard](Self::heard) begin with, and how many words it takes.
    pub(super) fn number(&self, heard: &[String]) -> Option<(i64, usize)> {
        self.heard_numbers.read(heard)
    }

    /// What is left of a text, in its parts, without what only somebody says who speaks for somebody else; and whether
    /// there was anything of that.
    pub(super) fn without_bystanders<'a>(&self, text: &'a [String]) -> (Vec<&'a [String]>, bool) {
        let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
        while at < text.len() {
            let said = self.bystanders.iter().filter(|phrase| text[at..].starts_with(phrase));
            match said.map(Vec::len).max() {
                Some(length) => {
                    parts.push(&text[from..at]);
                    at += length.max(1);
                    from = at;
                }
                None => at += 1,
            }
        }
        parts.push(&text[from..]);
        let found = parts.len() > 1;
        (parts, found)
    }

    /// Whether a text only shows that its speaker listens ("okay", "mm", "hello", "oh okay I see").
    pub(super) fn is_acknowledgement(&self, text: &[String]) -> bool {
        self.acknowledgements.makes_up(text)
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
        (0..text.len()).any(|start| {
            let here = self.anywhere.at(&text[start..]);
            here.iter().any(|(_, intent)| **intent == wanted) && !self.negated(&text[..start])
        })
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
        let available = |text: &[String]| match bare_times {
            true => self.availability.lengths(text),
            false => Vec::new(),
        };
        let mut found = Vec::new();
        if let Some(time) = &time {
            // "In the evening call me": the time, then the words that may stand before it or after it.
            let rest = &text[taken..];
            let tail = self.tails.lengths(rest).into_iter().chain(available(rest)).max();
            found.extend(tail.map(|tail| (Meaning::Intent(Intent::CallLater, Some(time.clone())), taken + tail)));
        }
        // Of leads that reach equally far the longest goes first: "call me" before "call".
        for length in self.leads.lengths(text).into_iter().chain(available(text)) {
            let (marks, tail) = self.times.marks(&text[length..], &self.heard_numbers);
            if tail > 0 {
                let time = self.asked_time(&said[length..length + tail], &marks);
                found.push((Meaning::Intent(Intent::CallLater, time), length + tail));
            }
        }
        let is_mute = said.first().is_some_and(|word| self.mute.contains(word));
        let phrases = self.phrases.at(text).into_iter();
        let phrases = phrases.filter(|(length, _)| *length > 1 || !is_mute);
        found.extend(phrases.map(|(length, meaning)| (meaning.clone(), length)));
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

    /// A value of an answer at the start of a text, with its length: a number, an amount of time where `amounts`, or a
    /// position among so many options.
    pub(super) fn value_at(&self, text: &[String], amounts: bool, options: usize) -> Option<(Meaning, usize)> {
        let position = self.ordinals.at(text).into_iter().filter_map(|(length, position)| {
            let from_end = options.checked_add_signed(isize::try_from(*position).ok()?);
            let index = if *position < 0 {
                from_end
            } else {
                usize::try_from(position - 1).ok()
            };
            Some((Meaning::Option(index.filter(|index| *index < options)?), length))
        });
        let number = self
            .heard_numbers
            .read(text)
            .map(|(value, length)| (Meaning::Number(value), length));
        let amount = amounts.then(|| self.amount(text)).flatten();
        position.chain(number).chain(amount).max_by_key(|(_, length)| *length)
    }

    /// An amount of time ("an hour and a half") in minutes.
    fn amount(&self, text: &[String]) -> Option<(Meaning, usize)> {
        let (_, taken) = self.times.marks(text, &self.heard_numbers);
        (1..=taken).rev().find_map(|length| {
            let (marks, whole) = self.times.marks(&text[..length], &self.heard_numbers);
            let minutes = minutes(&marks).filter(|_| whole == length)?;
            Some((Meaning::Minutes(i64::from(minutes)), length))
        })
    }

    /// Words of time that neither answer nor ask for anything: how long something took, or within what time, and the
    /// hour of something. "Two minutes" alone asks for patience.
    pub(super) fn idle_time(&self, text: &[String]) -> Option<usize> {
        let (_, taken) = self.times.marks(text, &self.heard_numbers);
        (2..=taken).rev().find(|length| {
            let (marks, whole) = self.times.marks(&text[..*length], &self.heard_numbers);
            whole == *length && (time_words::are_a_span(&marks) || time_words::name_an_hour(&marks))
        })
    }

    /// Whether a text begins with an amount of time.
    pub(super) fn begins_with_an_amount(&self, text: &[String]) -> bool {
        time_words::speak_of_an_amount(&self.times.marks(text, &self.heard_numbers).0)
    }

    /// How many words deny a value, before one or after one.
    pub(super) fn denial(&self, side: Side, text: &[String]) -> Option<usize> {
        let [before, after] = &self.denials;
        let book = if side == Side::Before { before } else { after };
        book.lengths(text).first().copied()
    }

    /// A number on a scale with what it stands for, before it or after it: "one, not at all".
    pub(super) fn number_with_degree(&self, text: &[String]) -> Option<(Meaning, usize)> {
        let degree = |text: &[String]| self.degrees.lengths(text).into_iter().max();
        let before = degree(text).unwrap_or_default();
        let (value, number) = self.heard_numbers.read(&text[before..])?;
        let after = degree(&text[before + number..]).unwrap_or_default();
        (before + after > 0).then_some((Meaning::Number(value), before + number + after))
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

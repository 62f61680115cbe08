//! The lexicon of a language: phrases and what they mean.

use super::numbers::NumberWords;
use super::pack::PackFault;
use super::spoken_time::spoken_time;
use super::time_words::{self, Mark, TimeWords, TimeWordsData};
use super::words::{find, normalise, placeholders, words};
use crate::domain::{AskedTime, Intent};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// `lexicon.yaml` as it is written; the file itself explains each part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LexiconData {
    intents: BTreeMap<Intent, Phrases>,
    acknowledgements: Vec<String>,
    resume: Phrases,
    fillers: Vec<String>,
    reversals: Vec<String>,
    negations: Vec<String>,
    numbers: BTreeMap<i64, Vec<String>>,
    frames: Frames,
    out_of: Vec<String>,
    callback: CallbackWords,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrases {
    phrases: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    anywhere: Vec<String>,
}

/// What stands around a number or an option in a grammar.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frames {
    pub(super) number: Vec<String>,
    pub(super) scale: Vec<String>,
    pub(super) option: Vec<String>,
    pub(super) option_number: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallbackWords {
    leads: Vec<String>,
    times: TimeWordsData,
}

/// Intents a lexicon must have phrases for; `unclear` must have none.
const NEEDED: [Intent; 13] = [
    Intent::Yes,
    Intent::No,
    Intent::Interested,
    Intent::NotInterested,
    Intent::Repeat,
    Intent::WhoIsThis,
    Intent::CallLater,
    Intent::WrongPerson,
    Intent::RemoveMe,
    Intent::SwitchLanguage,
    Intent::Voicemail,
    Intent::HoldOn,
    Intent::NoAnswer,
];

impl LexiconData {
    /// Everything that is wrong with it.
    pub(super) fn faults(&self) -> Vec<PackFault> {
        let mut faults = Vec::new();
        for intent in NEEDED {
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
        let mut owner: BTreeMap<&str, Intent> = BTreeMap::new();
        for (intent, entry) in &self.intents {
            let mut own = BTreeSet::new();
            for phrase in entry.phrases.iter().chain(&entry.also) {
                if !own.insert(phrase) {
                    faults.push(PackFault::new(
                        format!("lexicon.yaml: intents.{intent:?}"),
                        format!("has `{phrase}` twice"),
                        "remove one",
                    ));
                }
            }
            for phrase in entry.phrases.iter().chain(&entry.also).chain(&entry.anywhere) {
                if let Some(other) = owner.insert(phrase, *intent)
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
            if let Some(intent) = owner.get(filler.as_str()) {
                faults.push(PackFault::new(
                    "lexicon.yaml: fillers",
                    format!("has `{filler}`, which means {intent:?}"),
                    "keep it in one place",
                ));
            }
        }
        self.check_forms(&mut faults);
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

    /// Phrases must be in the form they are compared in, and frames may have known placeholders only.
    fn check_forms(&self, faults: &mut Vec<PackFault>) {
        let entries = self.intents.values().chain([&self.resume]);
        let phrases = entries.flat_map(|entry| entry.phrases.iter().chain(&entry.also).chain(&entry.anywhere));
        let lists = [
            &self.acknowledgements,
            &self.fillers,
            &self.reversals,
            &self.negations,
            &self.out_of,
            &self.callback.leads,
        ];
        let others = lists.into_iter().flatten().chain(self.numbers.values().flatten());
        for phrase in phrases.chain(others) {
            if phrase.is_empty() || normalise(phrase) != *phrase {
                faults.push(PackFault::new(
                    "lexicon.yaml",
                    format!("`{phrase}` is not in plain form"),
                    "write lower case words separated by one space, without punctuation",
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
    /// Whole phrases.
    phrases: BTreeMap<Vec<String>, Meaning>,
    /// What may be said in a grammar, per intent.
    spoken: BTreeMap<Intent, Vec<String>>,
    spoken_resume: Vec<String>,
    anywhere: Vec<(Vec<String>, Intent)>,
    acknowledgements: BTreeSet<Vec<String>>,
    reversals: BTreeSet<String>,
    negations: Vec<Vec<String>>,
    numbers: NumberWords,
    pub(super) frames: Frames,
    out_of: Vec<Vec<String>>,
    leads: BTreeSet<Vec<String>>,
    times: TimeWords,
    longest: usize,
}

impl Lexicon {
    pub(super) fn new(data: &LexiconData) -> Self {
        let mut phrases = BTreeMap::new();
        let mut put = |list: &[String], meaning: &Meaning| {
            for phrase in list {
                phrases.entry(words(phrase)).or_insert_with(|| meaning.clone());
            }
        };
        for (intent, entry) in &data.intents {
            let meaning = Meaning::Intent(*intent, None);
            put(&entry.phrases, &meaning);
            put(&entry.also, &meaning);
            put(&entry.anywhere, &meaning);
        }
        put(&data.fillers, &Meaning::Filler);
        put(&data.resume.phrases, &Meaning::Resume);
        put(&data.resume.also, &Meaning::Resume);
        let leads: BTreeSet<_> = data.callback.leads.iter().map(|lead| words(lead)).collect();
        let longest = phrases.keys().chain(&leads).map(Vec::len).max().unwrap_or(1);
        let anywhere = data
            .intents
            .iter()
            .flat_map(|(intent, entry)| entry.anywhere.iter().map(|phrase| (words(phrase), *intent)));
        Self {
            spoken: data
                .intents
                .iter()
                .map(|(intent, entry)| (*intent, entry.phrases.clone()))
                .collect(),
            spoken_resume: data.resume.phrases.clone(),
            anywhere: anywhere.collect(),
            acknowledgements: data.acknowledgements.iter().map(|phrase| words(phrase)).collect(),
            reversals: data.reversals.iter().cloned().collect(),
            negations: data.negations.iter().map(|phrase| words(phrase)).collect(),
            numbers: NumberWords::new(&data.numbers),
            frames: data.frames.clone(),
            out_of: data.out_of.iter().map(|phrase| words(phrase)).collect(),
            leads,
            times: TimeWords::new(&data.callback.times),
            phrases,
            longest,
        }
    }

    /// The phrases of an intent that a grammar offers.
    pub(super) fn spoken(&self, intent: Intent) -> &[String] {
        self.spoken.get(&intent).map_or(&[], Vec::as_slice)
    }

    /// The phrases that end a wait, for a grammar.
    pub(super) fn spoken_resume(&self) -> &[String] {
        &self.spoken_resume
    }

    pub(super) fn numbers(&self) -> &NumberWords {
        &self.numbers
    }

    /// Whether a text only shows that its speaker listens ("okay", "mm", "hello").
    pub(super) fn is_acknowledgement(&self, text: &[String]) -> bool {
        self.acknowledgements.contains(text)
    }

    /// Whether these words, left over beside "yes" or "no", may turn the meaning round.
    pub(super) fn has_reversal(&self, text: &[String]) -> bool {
        text.iter().any(|word| self.reversals.contains(word))
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

    /// The meanings of stretches that begin at the start of `text`, each with its length in words. A time without
    /// "call me" counts as a wish to be called only where `bare_times` says that no answer could sound like it.
    pub(super) fn at(&self, text: &[String], bare_times: bool) -> Vec<(Meaning, usize)> {
        let mut found = Vec::new();
        for length in 1..=self.longest.min(text.len()) {
            let stretch = &text[..length];
            if let Some(meaning) = self.phrases.get(stretch) {
                found.push((meaning.clone(), length));
            }
            if self.leads.contains(stretch) {
                let (marks, tail) = self.times.marks(&text[length..], &self.numbers);
                if tail > 0 {
                    let time = self.asked_time(&text[length..length + tail], &marks);
                    found.push((Meaning::Intent(Intent::CallLater, time), length + tail));
                }
            }
        }
        if let Some((value, length)) = self.numbers.read(text) {
            found.push((Meaning::Number(value), length));
        }
        if bare_times {
            let (marks, tail) = self.times.marks(text, &self.numbers);
            let time = self.asked_time(&text[..tail], &marks);
            if time_words::are_only_about_time(&marks)
                && let Some(AskedTime { time: Some(_), .. }) = time
            {
                found.push((Meaning::Intent(Intent::CallLater, time), tail));
            }
        }
        found
    }

    /// "out of five" after a number: how many words it takes if its end is `max`.
    pub(super) fn out_of(&self, text: &[String], max: i64) -> Option<usize> {
        self.out_of
            .iter()
            .filter(|phrase| text.starts_with(phrase))
            .find_map(|phrase| {
                let (value, length) = self.numbers.read(&text[phrase.len()..])?;
                (value == max).then_some(phrase.len() + length)
            })
    }

    /// Words that are known to be about a time, with what they mean if every one is understood.
    pub(super) fn time_of(&self, text: &[String]) -> AskedTime {
        let (marks, taken) = self.times.marks(text, &self.numbers);
        let understood = taken == text.len();
        AskedTime {
            words: text.join(" "),
            time: spoken_time(&marks, self.times.relations_stand).filter(|_| understood),
        }
    }

    /// A time as said and as meant; `None` if the words say none.
    fn asked_time(&self, text: &[String], marks: &[Mark]) -> Option<AskedTime> {
        time_words::speak_of_a_time(marks).then(|| AskedTime {
            words: text.join(" "),
            time: spoken_time(marks, self.times.relations_stand),
        })
    }
}

//! Words of time of one language, and the language-neutral marks they stand for.

use super::numbers::NumberWords;
use super::pack::PackFault;
use super::words::{normalise, words};
use crate::domain::{TimeOfDay, Weekday};
use serde::Deserialize;
use std::collections::BTreeMap;

/// `callback.times` of `lexicon.yaml` as it is written; the file itself explains each part.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeWordsData {
    relations_stand: Side,
    relations: BTreeMap<Relation, Vec<String>>,
    joins: Vec<String>,
    minutes_past: Vec<String>,
    minutes_to: Vec<String>,
    fractions: BTreeMap<i16, Vec<String>>,
    hour_marks: Vec<String>,
    before_noon: Vec<String>,
    after_noon: Vec<String>,
    parts: Vec<PartWords>,
    days: BTreeMap<u16, Vec<String>>,
    weekdays: BTreeMap<Weekday, Vec<String>>,
    weekend: Vec<String>,
    this: Vec<String>,
    next: Vec<String>,
    amounts: BTreeMap<u16, Vec<String>>,
    units: BTreeMap<Unit, Vec<String>>,
    vague: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartWords {
    words: Vec<String>,
    from: TimeOfDay,
    to: TimeOfDay,
    #[serde(default)]
    day: Option<u16>,
}

/// Where a relation stands to what it is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    Before,
    After,
}

/// How a time is related to what was named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Relation {
    At,
    After,
    Before,
    Between,
}

/// A measure of time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// A part of the day.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) from: TimeOfDay,
    pub(super) to: TimeOfDay,
    /// The day it is of, if the word says so ("tonight").
    pub(super) day: Option<u16>,
}

/// What a word or phrase of time stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Number(i64),
    /// "A few".
    Amount(u16),
    Unit(Unit),
    /// Minutes of an hour, or towards the next if negative; above 60 with whole hours, unless a number follows.
    Fraction(i16),
    MinutesPast,
    MinutesTo,
    /// "O'clock".
    Hour,
    BeforeNoon,
    AfterNoon,
    Part(Part),
    /// A day so many days on.
    Day(u16),
    Weekday(Weekday),
    Weekend,
    This,
    Next,
    /// With where it stands to what it is about.
    Relation(Relation, Side),
    Join,
    Vague,
}

impl TimeWordsData {
    /// Every list of phrases with its place and what it stands for.
    fn lists(&self) -> Vec<(String, &[String], Mark)> {
        let mut lists: Vec<(String, &[String], Mark)> = Vec::new();
        for (name, phrases, mark) in [
            ("joins", &self.joins, Mark::Join),
            ("minutes_past", &self.minutes_past, Mark::MinutesPast),
            ("minutes_to", &self.minutes_to, Mark::MinutesTo),
            ("hour_marks", &self.hour_marks, Mark::Hour),
            ("before_noon", &self.before_noon, Mark::BeforeNoon),
            ("after_noon", &self.after_noon, Mark::AfterNoon),
            ("weekend", &self.weekend, Mark::Weekend),
            ("this", &self.this, Mark::This),
            ("next", &self.next, Mark::Next),
            ("vague", &self.vague, Mark::Vague),
        ] {
            lists.push((name.to_owned(), phrases, mark));
        }
        for (relation, phrases) in &self.relations {
            let mark = Mark::Relation(*relation, self.relations_stand);
            lists.push((format!("relations.{relation:?}"), phrases, mark));
        }
        for (minutes, phrases) in &self.fractions {
            lists.push((format!("fractions.{minutes}"), phrases, Mark::Fraction(*minutes)));
        }
        for part in &self.parts {
            let mark = Mark::Part(Part {
                from: part.from,
                to: part.to,
                day: part.day,
            });
            lists.push((format!("parts.{}", part.words.join(", ")), &part.words, mark));
        }
        for (days, phrases) in &self.days {
            lists.push((format!("days.{days}"), phrases, Mark::Day(*days)));
        }
        for (weekday, phrases) in &self.weekdays {
            lists.push((format!("weekdays.{weekday:?}"), phrases, Mark::Weekday(*weekday)));
        }
        for (amount, phrases) in &self.amounts {
            lists.push((format!("amounts.{amount}"), phrases, Mark::Amount(*amount)));
        }
        for (unit, phrases) in &self.units {
            lists.push((format!("units.{unit:?}"), phrases, Mark::Unit(*unit)));
        }
        lists
    }

    /// Every phrase.
    pub(super) fn phrases(&self) -> impl Iterator<Item = &str> {
        let lists = self.lists().into_iter();
        lists.flat_map(|(_, phrases, _)| phrases.iter().map(String::as_str))
    }

    /// Everything that is wrong with it.
    pub(super) fn faults(&self, numbers: &NumberWords) -> Vec<PackFault> {
        let mut faults = Vec::new();
        let mut fault = |place: &str, fault: String, remedy: &str| {
            faults.push(PackFault::new(
                format!("lexicon.yaml: callback.times.{place}").trim_end_matches('.'),
                fault,
                remedy,
            ));
        };
        let mut owner: BTreeMap<&str, String> = BTreeMap::new();
        for (place, phrases, _) in self.lists() {
            if phrases.is_empty() && place.contains('.') {
                fault(&place, "has no phrase".to_owned(), "write at least one or remove it");
            }
            for phrase in phrases {
                if phrase.is_empty() || normalise(phrase) != *phrase {
                    fault(
                        &place,
                        format!("`{phrase}` is not in plain form"),
                        "write lower case words separated by one space, without punctuation",
                    );
                }
                let said = words(phrase);
                if numbers.read(&said).is_some_and(|(_, length)| length == said.len()) {
                    fault(
                        &place,
                        format!("`{phrase}` is a number"),
                        "remove it here or from numbers",
                    );
                }
                if let Some(other) = owner.insert(phrase, place.clone()) {
                    fault(
                        &place,
                        format!("has `{phrase}`, which stands under {other} too"),
                        "keep it in one place",
                    );
                }
            }
        }
        let needed = [Relation::At, Relation::After, Relation::Before, Relation::Between]
            .map(|relation| Mark::Relation(relation, self.relations_stand));
        let units = [Unit::Minute, Unit::Hour, Unit::Day, Unit::Week, Unit::Month].map(Mark::Unit);
        let days = [Mark::Day(0), Mark::Day(1)];
        let weekdays = Weekday::ALL.map(Mark::Weekday);
        for mark in needed.into_iter().chain(units).chain(days).chain(weekdays) {
            if !self.lists().iter().any(|(_, _, other)| *other == mark) {
                fault("", format!("has no words for {mark:?}"), "add them");
            }
        }
        for part in &self.parts {
            if part.from > part.to {
                fault(
                    &format!("parts.{}", part.words.join(", ")),
                    format!("begins at {} after its end at {}", part.from, part.to),
                    "let it end by midnight",
                );
            }
        }
        for minutes in self.fractions.keys() {
            if minutes % 60 == 0 || !(-59..720).contains(minutes) {
                fault(
                    &format!("fractions.{minutes}"),
                    "is no part of an hour".to_owned(),
                    "write minutes, 1 to 59, -59 to -1, or up to 719 with whole hours in them",
                );
            }
        }
        if self.amounts.contains_key(&0) {
            fault("amounts.0", "is no amount".to_owned(), "write 1 or more");
        }
        faults
    }
}

/// Words of time, ready for look-up.
#[derive(Clone, Debug, Default)]
pub(super) struct TimeWords {
    marks: BTreeMap<Vec<String>, Mark>,
    /// Longest phrase in words.
    longest: usize,
}

impl TimeWords {
    /// Adds phrases in the form that `key` gives them, or not at all; what is there already stays.
    pub(super) fn add(&mut self, data: &TimeWordsData, key: &dyn Fn(&str) -> Option<Vec<String>>) {
        for (_, phrases, mark) in data.lists() {
            for phrase in phrases.iter().filter_map(|phrase| key(phrase)) {
                self.longest = self.longest.max(phrase.len());
                self.marks.entry(phrase).or_insert(mark);
            }
        }
    }

    /// The marks that a text begins with, and how many words they take. The longest phrase or number goes first.
    pub(super) fn marks(&self, text: &[String], numbers: &NumberWords) -> (Vec<Mark>, usize) {
        let mut marks = Vec::new();
        let mut length = 0;
        while let Some((mark, taken)) = self.mark(&text[length..], numbers) {
            marks.push(mark);
            length += taken;
        }
        (marks, length)
    }

    /// Every phrase.
    #[cfg(test)]
    pub(super) fn phrases(&self) -> Vec<String> {
        self.marks.keys().map(|phrase| phrase.join(" ")).collect()
    }

    fn mark(&self, text: &[String], numbers: &NumberWords) -> Option<(Mark, usize)> {
        let phrase = (1..=self.longest.min(text.len()))
            .rev()
            .find_map(|length| self.marks.get(&text[..length]).map(|mark| (*mark, length)));
        let number = numbers.read(text).map(|(value, length)| (Mark::Number(value), length));
        match (phrase, number) {
            (Some(phrase), Some(number)) if number.1 > phrase.1 => Some(number),
            (phrase, number) => phrase.or(number),
        }
    }
}

/// Whether the marks speak of a time at all: more than "at the" or "a few".
pub(super) fn speak_of_a_time(marks: &[Mark]) -> bool {
    let idle = |mark: &Mark| matches!(mark, Mark::Vague | Mark::Amount(_) | Mark::Relation(Relation::At, _));
    !marks.iter().all(idle)
}

/// Whether the marks can be about nothing but a time of day or a day: not "six", which may be an answer, nor "two
/// minutes", which asks for patience.
pub(super) fn are_only_about_time(marks: &[Mark]) -> bool {
    let is_wait = |mark: &Mark| {
        let amount = matches!(
            mark,
            Mark::Number(_) | Mark::Amount(_) | Mark::Fraction(_) | Mark::Vague
        );
        amount || *mark == Mark::Unit(Unit::Minute)
    };
    !marks.iter().all(is_wait)
        && marks.iter().any(|mark| {
            matches!(
                mark,
                Mark::Unit(_)
                    | Mark::Hour
                    | Mark::BeforeNoon
                    | Mark::AfterNoon
                    | Mark::Part(_)
                    | Mark::Day(_)
                    | Mark::Weekday(_)
                    | Mark::Weekend
                    | Mark::Relation(Relation::After | Relation::Before | Relation::Between, _)
            )
        })
}

/// Whether the marks say within what time something was, or for how long: an amount with "in" or "within".
pub(super) fn are_a_span(marks: &[Mark]) -> bool {
    let of_a_span = |mark: &Mark| {
        matches!(
            mark,
            Mark::Number(_)
                | Mark::Amount(_)
                | Mark::Fraction(_)
                | Mark::Unit(_)
                | Mark::Vague
                | Mark::Relation(Relation::At | Relation::Before, _)
        )
    };
    marks.iter().all(of_a_span)
        && marks.iter().any(|mark| matches!(mark, Mark::Unit(_)))
        && marks.iter().any(|mark| matches!(mark, Mark::Relation(..)))
}

/// Whether the marks name an hour by the clock and nothing else: "two o'clock".
pub(super) fn name_an_hour(marks: &[Mark]) -> bool {
    let of_an_hour = |mark: &Mark| {
        matches!(
            mark,
            Mark::Number(_) | Mark::Fraction(_) | Mark::Relation(Relation::At, _)
        )
    };
    let is_mark = |mark: &Mark| matches!(mark, Mark::Hour | Mark::BeforeNoon | Mark::AfterNoon);
    marks.iter().any(is_mark) && marks.iter().all(|mark| of_an_hour(mark) || is_mark(mark))
}

/// Whether the marks begin with a number or an amount of some unit.
pub(super) fn speak_of_an_amount(marks: &[Mark]) -> bool {
    let unit = marks.iter().position(|mark| matches!(mark, Mark::Unit(_)));
    let counted = |mark: &Mark| matches!(mark, Mark::Number(_) | Mark::Amount(_) | Mark::Fraction(_));
    unit.is_some_and(|unit| unit > 0 && marks[..unit].iter().all(counted))
}

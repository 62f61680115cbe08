//! Numbers as they are said, after a table of the language.

use super::words::words;
use std::collections::BTreeMap;

/// Number words of one language.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct NumberWords {
    /// Each number's phrases, as words; the first is how we say it ourselves.
    phrases: BTreeMap<i64, Vec<Vec<String>>>,
    /// The number of each phrase.
    values: BTreeMap<Vec<String>, i64>,
    /// Longest phrase in words.
    longest: usize,
}

impl NumberWords {
    pub(crate) fn new(table: &BTreeMap<i64, Vec<String>>) -> Self {
        let mut numbers = Self::default();
        for (value, forms) in table {
            for form in forms {
                numbers.add(*value, words(form));
            }
        }
        numbers
    }

    /// Adds a phrase for a number, unless it is one already.
    pub(crate) fn add(&mut self, value: i64, phrase: Vec<String>) {
        if !self.values.contains_key(&phrase) {
            self.longest = self.longest.max(phrase.len());
            self.values.insert(phrase.clone(), value);
            self.phrases.entry(value).or_default().push(phrase);
        }
    }

    /// Reads a number at the beginning of `text`: its value and how many words it took. Digits are read too. A ten
    /// and a unit after it make one number ("twenty three") where the table does not list the sum itself; a unit and
    /// the word for a hundred after it so many hundreds, with what follows ("two hundred fifty").
    pub(crate) fn read(&self, text: &[String]) -> Option<(i64, usize)> {
        let first = text.first()?;
        if first.bytes().all(|byte| byte.is_ascii_digit()) {
            return first.parse().ok().map(|value| (value, 1));
        }
        let (value, taken) = self.read_below_a_hundred(text)?;
        if (1..10).contains(&value)
            && let Some(&100) = text
                .get(taken)
                .and_then(|word| self.values.get(std::slice::from_ref(word)))
        {
            let rest = self.read_below_a_hundred(&text[taken + 1..]);
            let (rest, more) = rest.filter(|(rest, _)| (1..100).contains(rest)).unwrap_or((0, 0));
            return Some((value * 100 + rest, taken + 1 + more));
        }
        Some((value, taken))
    }

    fn read_below_a_hundred(&self, text: &[String]) -> Option<(i64, usize)> {
        let (value, taken) = self.read_listed(text)?;
        let tens = (20..100).contains(&value) && value % 10 == 0;
        if tens
            && let Some((unit, more)) = self.read_listed(&text[taken..])
            && (1..10).contains(&unit)
        {
            return Some((value + unit, taken + more));
        }
        Some((value, taken))
    }

    /// How a number is said; `None` if the table does not reach it.
    pub(crate) fn say(&self, value: i64) -> Option<String> {
        if let Some(forms) = self.phrases.get(&value) {
            return forms.first().map(|form| form.join(" "));
        }
        let unit = value % 10;
        (value > 20 && value < 100 && unit != 0)
            .then(|| Some(format!("{} {}", self.say(value - unit)?, self.say(unit)?)))
            .flatten()
    }

    /// Every way a number is said.
    pub(crate) fn forms(&self, value: i64) -> Vec<String> {
        match self.phrases.get(&value) {
            Some(forms) => forms.iter().map(|form| form.join(" ")).collect(),
            None => self.say(value).into_iter().collect(),
        }
    }

    fn read_listed(&self, text: &[String]) -> Option<(i64, usize)> {
        (1..=self.longest.min(text.len()))
            .rev()
            .find_map(|length| self.values.get(&text[..length]).map(|value| (*value, length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::LanguagePack;
    use crate::domain::Language;

    fn english() -> NumberWords {
        LanguagePack::embedded(&Language::default())
            .expect("embedded")
            .lexicon()
            .numbers()
            .clone()
    }

    #[test]
    fn every_number_to_a_hundred_is_read_as_it_is_said() {
        let numbers = english();
        for value in 0..=100 {
            let said = words(&numbers.say(value).expect("said"));
            assert_eq!(numbers.read(&said), Some((value, said.len())), "{said:?}");
        }
    }

    #[test]
    fn digits_are_read_and_what_is_no_number_is_not() {
        let numbers = english();
        assert_eq!(numbers.read(&words("250 please")), Some((250, 1)));
        assert_eq!(numbers.read(&words("twenty thirty")), Some((20, 1)));
        assert_eq!(numbers.read(&words("twenty-five please")), Some((25, 2)));
        assert_eq!(numbers.read(&words("uh-huh")), None);
        assert_eq!(numbers.read(&words("for")), None);
        assert_eq!(numbers.read(&words("99999999999999999999999")), None);
        assert_eq!(numbers.read(&[]), None);
    }
}

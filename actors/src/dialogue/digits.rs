//! Digits in a row, written or said: what a telephone number is known by, in texts to and from a language model.

use super::numbers::NumberWords;
use super::words::words;

/// Digits in a row that may be a telephone number. The longest number a survey asks for has six.
pub(super) const TELEPHONE_DIGITS: usize = 7;

/// Stands where a telephone number was.
const HIDDEN: &str = "[number]";

/// What stands between the digits of one number.
const SEPARATORS: &[char] = &['-', '.', ',', '/', '(', ')', '+', ';', ':'];

/// The most digits that stand in a row in a text, spaces and separators passed over, number words counted as digits.
pub(super) fn longest_run(text: &str, numbers: &NumberWords) -> usize {
    let runs = runs(text, numbers);
    runs.into_iter().map(|run| run.digits).max().unwrap_or(0)
}

/// The text with every run of at least [`TELEPHONE_DIGITS`] digits replaced.
pub(super) fn hide_numbers(text: &str, numbers: &NumberWords) -> String {
    let shown = runs(text, numbers).into_iter().map(|run| {
        if run.digits >= TELEPHONE_DIGITS {
            HIDDEN.to_owned()
        } else {
            run.tokens.join(" ")
        }
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Tokens that go together: a run of digits, or one token without any.
struct Run<'a> {
    tokens: Vec<&'a str>,
    digits: usize,
}

fn runs<'a>(text: &'a str, numbers: &NumberWords) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for token in text.split_whitespace() {
        let separator = token.chars().all(|c| SEPARATORS.contains(&c));
        let digits = if separator { 0 } else { digits(token, numbers) };
        match runs.last_mut() {
            Some(run) if run.digits > 0 && (digits > 0 || separator) => {
                run.tokens.push(token);
                run.digits += digits;
            }
            _ => runs.push(Run {
                tokens: vec![token],
                digits,
            }),
        }
    }
    runs
}

/// The digits of one token: those it is written with, or those of the numbers it is the words of.
fn digits(token: &str, numbers: &NumberWords) -> usize {
    let written = token.chars().filter(|c| c.is_numeric()).count();
    if written > 0 {
        return written;
    }
    let parts = token.split(SEPARATORS).filter(|part| !part.is_empty());
    let said = parts.map(|part| {
        let part = words(part);
        let (value, taken) = numbers.read(&part)?;
        (taken == part.len()).then(|| value.to_string().len())
    });
    said.sum::<Option<usize>>().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::LanguagePack;
    use crate::domain::Language;
    use proptest::prelude::*;

    fn hidden(text: &str) -> String {
        let pack = LanguagePack::embedded(&Language::default()).expect("English");
        hide_numbers(text, pack.lexicon().numbers())
    }

    fn longest(text: &str) -> usize {
        let pack = LanguagePack::embedded(&Language::default()).expect("English");
        longest_run(text, pack.lexicon().numbers())
    }

    #[test]
    fn telephone_numbers_are_hidden_however_they_are_put() {
        for number in [
            "+14155550123",
            "(415) 555-0123",
            "415.555.0123",
            "415 - 555 - 0123",
            "four one five five five five zero one two three",
            "four-one-five five-five-five",
            "tel:+14155550123",
            "forty one fifty five fifty five oh one twenty three",
            "४१५५५५०१२३",
        ] {
            let shown = hidden(&format!("ring {number} please"));
            assert!(
                shown.starts_with("ring [number]") && shown.ends_with("please"),
                "{number}: {shown}"
            );
        }
    }

    #[test]
    fn answers_stay_as_they_are() {
        for text in [
            "",
            "four out of five",
            "five, five",
            "about 250000 I think",
            "between 3 and 4, on 2 days",
            "one hundred and twenty three",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    #[test]
    fn the_longest_run_counts_digits_and_not_words() {
        assert_eq!(longest("it takes 2 to 3 minutes"), 1);
        assert_eq!(longest("call 555 0123 now"), 7);
        assert_eq!(longest("twenty three"), 3);
        assert_eq!(longest("nothing"), 0);
    }

    proptest! {
        #[test]
        fn no_run_of_telephone_length_is_left(text in "[0-9a-c +().-]{0,60}") {
            prop_assert!(longest(&hidden(&text)) < TELEPHONE_DIGITS);
        }

        #[test]
        fn no_text_whatever_makes_it_panic(text in ".{0,80}") {
            hidden(&text);
        }
    }
}

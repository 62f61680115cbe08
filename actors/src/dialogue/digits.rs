//! Digits in a row, written or said: what a telephone number is known by, in texts to and from a language model.

use super::lexicon::Lexicon;

/// Digits in a row that may be a telephone number. The longest number a survey asks for has six.
pub(super) const TELEPHONE_DIGITS: usize = 7;

/// Stands where a telephone number was.
const HIDDEN: &str = "[number]";

/// A longer word between two digits is no digit's name that the language's numbers lack ("oh").
const SHORT_WORD: usize = 2;

/// What stands between the digits of one number.
const SEPARATORS: &[char] = &['-', '.', ',', '/', '(', ')', '+', ';', ':'];

/// The most digits that stand in a row in a text, spaces and separators passed over, number words counted as digits. One other
/// word between two of them does not part them.
pub(super) fn longest_run(text: &str, lexicon: &Lexicon) -> usize {
    let runs = runs(text, lexicon);
    runs.into_iter().map(|run| run.digits).max().unwrap_or(0)
}

/// The text with every run of at least [`TELEPHONE_DIGITS`] digits replaced.
pub(super) fn hide_numbers(text: &str, lexicon: &Lexicon) -> String {
    let shown = runs(text, lexicon).into_iter().map(|run| {
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
    /// Digits before and after it belong together: "five five oh one", "555 and 0123".
    joins: bool,
}

/// What a token is to a run of digits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Digits(usize),
    Separator,
    Word,
    /// "hundred" and more: telephone numbers are not said that way.
    Large,
}

fn runs<'a>(text: &'a str, lexicon: &Lexicon) -> Vec<Run<'a>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for text in text.split_whitespace() {
        let token = token(text, lexicon);
        if let Token::Digits(_) = token
            && let [.., before, between] = runs.as_mut_slice()
            && before.digits > 0
            && between.joins
        {
            let names_digit = between.tokens.iter().all(|word| word.chars().count() <= SHORT_WORD);
            before.digits += usize::from(names_digit);
            before.tokens.append(&mut between.tokens);
            runs.pop();
        }
        match (token, runs.last_mut()) {
            (Token::Digits(digits), Some(run)) if run.digits > 0 => {
                run.tokens.push(text);
                run.digits += digits;
            }
            (Token::Separator, Some(run)) if run.digits > 0 => run.tokens.push(text),
            _ => runs.push(Run {
                tokens: vec![text],
                digits: if let Token::Digits(digits) = token { digits } else { 0 },
                joins: token == Token::Word,
            }),
        }
    }
    runs
}

/// By the digits a token is written with, or those of the numbers it is the words of.
fn token(text: &str, lexicon: &Lexicon) -> Token {
    if text.chars().all(|c| SEPARATORS.contains(&c)) {
        return Token::Separator;
    }
    let written = text.chars().filter(|c| c.is_numeric()).count();
    if written > 0 {
        return Token::Digits(written);
    }
    let mut digits = 0;
    for part in text.split(SEPARATORS).filter(|part| !part.is_empty()) {
        let part = lexicon.heard(&lexicon.said(part));
        match lexicon.number(&part) {
            Some((0..10, taken)) if taken == part.len() => digits += 1,
            Some((10..100, taken)) if taken == part.len() => digits += 2,
            Some((_, taken)) if taken == part.len() => return Token::Large,
            _ => return Token::Word,
        }
    }
    Token::Digits(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::LanguagePack;
    use crate::domain::Language;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static PACK: LazyLock<LanguagePack> =
        LazyLock::new(|| LanguagePack::embedded(&Language::default()).expect("English"));

    fn hidden(text: &str) -> String {
        hide_numbers(text, PACK.lexicon())
    }

    fn longest(text: &str) -> usize {
        longest_run(text, PACK.lexicon())
    }

    #[test]
    fn telephone_numbers_are_hidden_however_they_are_put() {
        for number in [
            "+14155550123",
            "(415) 555-0123",
            "415.555.0123",
            "415 - 555 - 0123",
            "four one five five five five zero one two three",
            "four-one-five five-five-five-one",
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
    fn numbers_are_hidden_in_every_spelling_that_answers_are_understood_in() {
        let hindi = LanguagePack::embedded(&Language("hi".to_owned())).expect("Hindi");
        for number in [
            "nau aath saat chhe paanch chaar teen do ek shunya",
            "nau aath saatt chhe paanchh chaar teen",
            "नौ आठ सात छह पाँच चार तीन दो",
        ] {
            assert_eq!(hide_numbers(number, hindi.lexicon()), HIDDEN, "{number}");
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
            "a hundred twenty three thousand four hundred fifty six",
        ] {
            assert_eq!(hidden(text), text);
        }
    }

    #[test]
    fn the_longest_run_counts_digits_and_not_words() {
        assert_eq!(longest("it takes 2 to 3 minutes"), 3);
        assert_eq!(longest("call 555 0123 now"), 7);
        assert_eq!(longest("five five oh one and two"), 5);
        assert_eq!(longest("five five five oh one two three"), 7);
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

//! Texts of services in the form that the lexicon reads.

use samvad_actors::dialogue::normalise;

/// Lower case, no punctuation, words separated by one space, digits as ASCII digits without separators ("1,500" is
/// one number; "१०" is 10): the form of [`normalise`], which the lexicon is written in.
pub fn plain(text: &str) -> String {
    let ascii: Vec<char> = text.chars().map(ascii_digit).collect();
    let digit_at = |index: Option<usize>| {
        index
            .and_then(|index| ascii.get(index))
            .is_some_and(char::is_ascii_digit)
    };
    let joined: String = ascii
        .iter()
        .enumerate()
        .filter(|(index, c)| **c != ',' || !(digit_at(index.checked_sub(1)) && digit_at(index.checked_add(1))))
        // The sentence's end in Indic scripts, which the lexicon would take as part of the word before it.
        .map(|(_, c)| if matches!(c, '।' | '॥') { ' ' } else { *c })
        .collect();
    normalise(&joined)
}

/// A decimal digit of an Indic script (Unicode 16, blocks U+0900 to U+0D7F: each script's zero is at …66) as ASCII's.
fn ascii_digit(c: char) -> char {
    let code = u32::from(c);
    let offset = (code % 0x80).wrapping_sub(0x66);
    match (0x0900..0x0D80).contains(&code) && offset < 10 {
        true => char::from_digit(offset, 10).unwrap_or(c),
        false => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn punctuation_case_and_separators_go_and_words_stay() {
        assert_eq!(plain("Yes, please."), "yes please");
        assert_eq!(plain("I’d say 4."), "i'd say 4");
        assert_eq!(plain("1,500 rupees, 2, 3"), "1500 rupees 2 3");
        assert_eq!(plain("  "), "");
    }

    #[test]
    fn indic_digits_and_full_stops_are_read() {
        assert_eq!(plain("हाँ, ४।"), "हाँ 4");
        assert_eq!(plain("௫ ১ ੩ ౯ ൯"), "5 1 3 9 9");
    }

    proptest! {
        #[test]
        fn what_is_plain_stays_so(text in ".{0,60}") {
            let once = plain(&text);
            prop_assert_eq!(plain(&once), once);
        }
    }
}

//! Ways of writing one word in Devanagari that nobody hears apart, brought to one.
//!
//! Recognisers and people differ in the dot of loan sounds (फ़ोन, फोन), in the nasal signs (हाँ, हां; हिन्दी, हिंदी), in
//! the glide between vowels (चाहिये, चाहिए) and in digits (४, 4).

const CANDRABINDU: char = '\u{0901}';
const ANUSVARA: char = '\u{0902}';
const VISARGA: char = '\u{0903}';
const NUKTA: char = '\u{093C}';
const VIRAMA: char = '\u{094D}';
const YA: char = '\u{092F}';
const SIGN_E: char = '\u{0947}';
const LETTER_E: char = '\u{090F}';

/// The one form of a word; words of other scripts stay as they are.
pub(super) fn fold(word: &str) -> String {
    let letters: Vec<char> = word.chars().filter(|&c| c != NUKTA && c != VISARGA).collect();
    let mut folded = String::with_capacity(word.len());
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let (next, after) = (letters.get(at + 1), letters.get(at + 2));
        let before = at.checked_sub(1).and_then(|index| letters.get(index));
        match letter {
            CANDRABINDU => folded.push(ANUSVARA),
            // A nasal consonant joined to a stop of its own class.
            _ if next == Some(&VIRAMA) && is_nasal_before(letter, after) => {
                folded.push(ANUSVARA);
                at += 1;
            }
            YA if next == Some(&SIGN_E) && before.is_some_and(|&c| is_vowel(c)) => {
                folded.push(LETTER_E);
                at += 1;
            }
            '\u{0966}'..='\u{096F}' => {
                let digit = u32::from(letter) - 0x0966;
                folded.extend(char::from_digit(digit, 10));
            }
            _ => folded.push(letter),
        }
        at += 1;
    }
    folded
}

/// Whether a nasal is of the class (velar, palatal, retroflex, dental, labial) of the stop after it.
fn is_nasal_before(nasal: char, stop: Option<&char>) -> bool {
    const FIRST: u32 = 0x0915;
    let Some(&stop) = stop else { return false };
    let (nasal, stop) = (u32::from(nasal), u32::from(stop));
    let class = |letter: u32| match letter {
        0x0915..=0x0928 => Some((letter - FIRST) / 5),
        // U+0929 is a letter of another language and stands within the row.
        0x092A..=0x092E => Some(4),
        _ => None,
    };
    let is_nasal = matches!(nasal, 0x0919 | 0x091E | 0x0923 | 0x0928 | 0x092E);
    let is_stop = !matches!(stop, 0x0919 | 0x091E | 0x0923 | 0x0928 | 0x092E);
    is_nasal && is_stop && class(nasal).is_some() && class(nasal) == class(stop)
}

fn is_vowel(c: char) -> bool {
    matches!(c, '\u{0904}'..='\u{0914}' | '\u{093E}'..='\u{094C}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_that_sound_alike_are_one() {
        for (one, other) in [
            ("हाँ", "हां"),
            ("फ़ोन", "फोन"),
            ("चाहिये", "चाहिए"),
            ("बताइये", "बताइए"),
            ("हिन्दी", "हिंदी"),
            ("नम्बर", "नंबर"),
            ("घण्टे", "घंटे"),
            ("पन्द्रह", "पंद्रह"),
            ("छः", "छ"),
            ("४२", "42"),
        ] {
            assert_eq!(fold(one), fold(other));
        }
    }

    #[test]
    fn words_that_differ_stay_apart() {
        for (one, other) in [("ये", "ए"), ("जन्म", "जंम"), ("उन्नीस", "उंनीस"), ("कल", "काल"), ("में", "मे")]
        {
            assert_ne!(fold(one), fold(other));
        }
        assert_eq!(fold("it's"), "it's");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(word in "[\\u{0900}-\\u{097F}a-z]{0,12}") {
            let once = fold(&word);
            prop_assert_eq!(fold(&once), once);
        }
    }
}

//! Texts as words: what recognisers write, in one form that can be compared.

use super::devanagari;
use unicode_normalization::UnicodeNormalization;

/// Brings a text into the form the lexicon is written in: composed (NFC), lower case, words separated by one space, no
/// punctuation but apostrophes within words; `a.m.` and hyphens within words stay. How a word is spelt stays too.
pub fn normalise(text: &str) -> String {
    spelt(text).collect::<Vec<_>>().join(" ")
}

/// The words of a text in the form of [`normalise`], with ways of writing that cannot be heard apart brought to one and
/// hyphens as spaces; at most 200, so that no input costs more than it is worth.
pub(crate) fn words(text: &str) -> Vec<String> {
    const MOST_WORDS: usize = 200;
    let spelt: Vec<String> = spelt(text).take(MOST_WORDS).collect();
    let parts = spelt.iter().flat_map(|word| word.split('-'));
    parts
        .map(|part| devanagari::fold(trimmed(part)))
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .collect()
}

fn spelt(text: &str) -> impl Iterator<Item = String> {
    let plain = |text: &str| text.nfc().filter(|&c| !is_invisible(c)).collect::<String>();
    let text = plain(&plain(text).replace(['’', '‘', '`'], "'").to_lowercase());
    text.split(|c: char| !(c.is_alphanumeric() || is_mark(c) || matches!(c, '\'' | '-' | '.')))
        .map(|word| trimmed(word).to_owned())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .into_iter()
}

/// Without what may only stand within a word.
fn trimmed(word: &str) -> &str {
    word.trim_matches(|c: char| matches!(c, '\'' | '-' | '.'))
}

/// Vowel signs and other marks that belong to a letter before them (Indic scripts and combining accents), which
/// `char::is_alphanumeric` does not count; not the full stops of Indic scripts.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0900..=0x0963 | 0x0966..=0x096F | 0x0971..=0x0DF3)
}

/// Joiners and other marks that change how a word looks, and not what it is.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0x00AD | 0x200B..=0x200F | 0x2060 | 0xFE00..=0xFE0F | 0xFEFF)
}

/// Where `part` stands in `whole` as consecutive words.
pub(crate) fn find(whole: &[String], part: &[String]) -> Option<usize> {
    if part.is_empty() || part.len() > whole.len() {
        return None;
    }
    (0..=whole.len() - part.len()).find(|&start| whole[start..start + part.len()] == *part)
}

/// Fills `{name}` placeholders.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// Names of the placeholders in a template, in their order. An opening brace without a closing one gives the rest.
pub(crate) fn placeholders(template: &str) -> Vec<&str> {
    template
        .split('{')
        .skip(1)
        .map(|rest| rest.split_once('}').map_or(rest, |(name, _)| name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn punctuation_case_and_typographic_apostrophes_do_not_matter() {
        assert_eq!(normalise("  Yes,  THAT’s fine! "), "yes that's fine");
        assert_eq!(normalise("at 6 p.m."), "at 6 p.m");
        assert_eq!(normalise("'uh-huh' -"), "uh-huh");
        assert_eq!(normalise("नहीं, धन्यवाद।"), "नहीं धन्यवाद");
    }

    #[test]
    fn composed_decomposed_and_joined_writing_is_one() {
        // The letter with its dot as one code point, and as two; a joiner within a word.
        assert_eq!(normalise("\u{095E}ोन"), normalise("\u{092B}\u{093C}ोन"));
        assert_eq!(normalise("क\u{200D}्या"), "क्या");
        assert_eq!(normalise("cafe\u{0301}"), "caf\u{00E9}");
        assert_eq!(words("फ़ोन पाँच।"), words("फोन पांच"));
        assert_eq!(words("twenty-five"), words("Twenty five"));
    }

    #[test]
    fn consecutive_words_are_found() {
        let whole = words("please remove me now");
        assert_eq!(find(&whole, &words("remove me")), Some(1));
        assert_eq!(find(&whole, &words("me remove")), None);
        assert_eq!(find(&whole, &[]), None);
    }

    proptest! {
        #[test]
        fn normalising_twice_is_normalising_once(text in "(.|[\\u{0900}-\\u{097F}]){0,80}") {
            let once = normalise(&text);
            prop_assert_eq!(&normalise(&once), &once);
            let heard = words(&text).join(" ");
            prop_assert_eq!(words(&heard).join(" "), heard);
        }
    }
}

//! Texts as words: what recognisers write, in one form that can be compared.

/// Brings a text into the form the lexicon is written in: lower case, words separated by one space, no punctuation
/// but apostrophes within words; `a.m.` and hyphens within words stay.
pub fn normalise(text: &str) -> String {
    words(text).join(" ")
}

/// The words of a text in the form of [`normalise`]; at most 200, so that no input costs more than it is worth.
pub(crate) fn words(text: &str) -> Vec<String> {
    const MOST_WORDS: usize = 200;
    text.replace(['’', '‘', '`'], "'")
        .split(|c: char| !(c.is_alphanumeric() || is_mark(c) || matches!(c, '\'' | '-' | '.')))
        .map(|word| {
            word.trim_matches(|c: char| matches!(c, '\'' | '-' | '.'))
                .to_lowercase()
        })
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .collect()
}

/// Vowel signs and other marks that belong to a letter before them (Indic scripts and combining accents), which
/// `char::is_alphanumeric` does not count.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0900..=0x0DFF | 0x200C..=0x200D)
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
        assert_eq!(normalise("नहीं, धन्यवाद।"), "नहीं धन्यवाद।");
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
        fn normalising_twice_is_normalising_once(text in ".{0,80}") {
            let once = normalise(&text);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}

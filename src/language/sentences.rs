//! Cuts text that comes in pieces into sentences, each as soon as what follows shows that it is whole.
//!
//! Pure, and a function of the text alone: however the text is torn into pieces, the sentences are the same, and joined
//! they are the text. Where it is in doubt (an abbreviation before a name) it goes on: two sentences spoken as one are
//! heard as two, one spoken as two is not heard as one.

/// Text whose sentences have not ended yet.
#[derive(Default, Debug)]
pub struct Sentences {
    text: String,
    /// No sentence ends before this byte.
    searched: usize,
}

impl Sentences {
    /// Adds a piece, and gives the sentences that are whole now, each with the blanks before it.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        self.text.push_str(piece);
        let mut whole = Vec::new();
        loop {
            match end_of_first(&self.text, self.searched) {
                Ok(end) => {
                    let rest = self.text.split_off(end);
                    whole.push(std::mem::replace(&mut self.text, rest));
                    self.searched = 0;
                }
                Err(searched) => {
                    self.searched = searched;
                    break;
                }
            }
        }
        whole
    }

    /// What is left when no more will come, if anything is.
    pub fn finish(self) -> Option<String> {
        Some(self.text).filter(|text| !text.is_empty())
    }
}

/// Ends a sentence if blanks follow.
const ENDS: &str = ".!?…؟۔";
/// Ends a sentence whatever follows: danda, double danda, and the full-width signs of Chinese and Japanese.
const ENDS_ANYWHERE: &str = "।॥。！？";
/// Belongs to the sentence that it follows.
const CLOSERS: &str = "\"'”’»)]}";
/// Before a word.
const OPENERS: &str = "\"'“‘«([{";
/// Never the last word of a sentence; in lower case, without the full stop.
const ABBREVIATIONS: [&str; 16] = [
    "mr",
    "mrs",
    "ms",
    "dr",
    "prof",
    "st",
    "mt",
    "vs",
    "approx",
    "e.g",
    "i.e",
    "smt",
    "shri",
    "sri",
    "डॉ",
    "प्रो",
];
/// A number follows them, or they are words.
const BEFORE_NUMBERS: [&str; 3] = ["no", "nos", "nr"];

/// Where the first sentence ends, in bytes; if that cannot be told yet, where to look on when more has come.
fn end_of_first(text: &str, searched: usize) -> Result<usize, usize> {
    let is_sign = |c: char| c == '\n' || ENDS.contains(c) || ENDS_ANYWHERE.contains(c);
    let mut from = searched;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(is_sign)) {
        let at = from + at;
        let (before, tail) = text.split_at(at);
        let after_signs = tail.trim_start_matches(|c| ENDS.contains(c) || ENDS_ANYWHERE.contains(c));
        if after_signs.len() == tail.len() {
            // A line break.
            if has_words(before) {
                return Ok(at);
            }
            from = at + 1;
            continue;
        }
        let rest = after_signs.trim_start_matches(|c| CLOSERS.contains(c));
        let end = text.len() - rest.len();
        match is_end(before, &text[at..end], rest) {
            Some(true) => return Ok(end),
            Some(false) => from = end,
            None => return Err(at),
        }
    }
    Err(text.len())
}

/// Whether signs after `before` end a sentence; `None` if it depends on what has not come yet.
fn is_end(before: &str, signs: &str, rest: &str) -> Option<bool> {
    let next = rest.chars().next()?;
    if !has_words(before) {
        return Some(false);
    }
    if signs.contains(|c| ENDS_ANYWHERE.contains(c)) {
        return Some(true);
    }
    if !next.is_whitespace() {
        return Some(false);
    }
    if !signs.starts_with(['.', '…']) {
        return Some(true);
    }
    let following = rest.chars().find(|c| *c == '\n' || !c.is_whitespace())?;
    Some(match following {
        '\n' => true,
        _ if following.is_lowercase() => false,
        _ => !signs.starts_with('.') || signs.starts_with("..") || !is_abbreviated(before, following),
    })
}

/// Whether the full stop after `before` belongs to its last word.
fn is_abbreviated(before: &str, following: char) -> bool {
    let is_outside = |c: char| c.is_whitespace() || OPENERS.contains(c);
    let word = before.rsplit(is_outside).next().unwrap_or_default();
    let lower = word.to_lowercase();
    let letters = word.chars().count();
    let is_initial = letters == 1 && word.chars().all(char::is_uppercase) && word != "I";
    // U.S., but not a.m., with which sentences do end.
    let is_dotted = word.len() > 1
        && word.split('.').all(|part| part.chars().count() == 1)
        && !["a.m", "p.m"].contains(&lower.as_str());
    let is_list_number = word.bytes().all(|byte| byte.is_ascii_digit()) && !has_words(before.trim_end_matches(word));
    is_initial
        || is_dotted
        || is_list_number
        || ABBREVIATIONS.contains(&lower.as_str())
        || (following.is_numeric() && BEFORE_NUMBERS.contains(&lower.as_str()))
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut<'t>(pieces: impl IntoIterator<Item = &'t str>) -> Vec<String> {
        let mut sentences = Sentences::default();
        let mut whole: Vec<String> = pieces.into_iter().flat_map(|piece| sentences.push(piece)).collect();
        whole.extend(sentences.finish());
        whole
    }

    fn trimmed(text: &str) -> Vec<String> {
        cut([text]).iter().map(|sentence| sentence.trim().to_owned()).collect()
    }

    #[test]
    fn sentences_end_at_their_signs() {
        assert_eq!(
            trimmed("Good morning! Is it you? Fine. Let us begin"),
            ["Good morning!", "Is it you?", "Fine.", "Let us begin"]
        );
        assert_eq!(
            trimmed("She said \"Yes.\" Then (no!) He"),
            ["She said \"Yes.\"", "Then (no!)", "He"]
        );
        assert_eq!(
            trimmed("First line\nsecond line\n\n- third"),
            ["First line", "second line", "- third"]
        );
        assert_eq!(trimmed("What?! No way."), ["What?!", "No way."]);
    }

    #[test]
    fn decimals_abbreviations_initials_and_addresses_do_not_end_one() {
        for whole in [
            "It is 3.5 out of 5 today",
            "Dr. Rao and Mrs. Iyer will call",
            "Some fruit, e.g. Mangoes",
            "Ask J. Smith of the U.S. Office",
            "Room No. 5 is free",
            "See example.org for more",
            "1. Press a key",
            "At 9 a.m. on Monday",
            "डॉ. राव बोलेंगे",
        ] {
            assert_eq!(trimmed(whole), [whole]);
        }
        assert_eq!(
            trimmed("The answer is no. Thank you."),
            ["The answer is no.", "Thank you."]
        );
        assert_eq!(trimmed("So do I. Good."), ["So do I.", "Good."]);
        assert_eq!(trimmed("At 9 a.m. We begin."), ["At 9 a.m.", "We begin."]);
    }

    #[test]
    fn an_ellipsis_ends_a_sentence_only_before_another() {
        assert_eq!(trimmed("Well... maybe later"), ["Well... maybe later"]);
        assert_eq!(trimmed("Well… maybe"), ["Well… maybe"]);
        assert_eq!(trimmed("Well... Good."), ["Well...", "Good."]);
        assert_eq!(trimmed("... and so on. Yes"), ["... and so on.", "Yes"]);
    }

    #[test]
    fn a_danda_ends_a_sentence_with_or_without_blanks() {
        assert_eq!(trimmed("नमस्ते। आप कैसे हैं? ठीक।"), ["नमस्ते।", "आप कैसे हैं?", "ठीक।"]);
        assert_eq!(trimmed("हाँ।नहीं॥ १"), ["हाँ।", "नहीं॥", "१"]);
        assert_eq!(trimmed("你好。再见！"), ["你好。", "再见！"]);
    }

    #[test]
    fn a_sentence_is_given_as_soon_as_what_follows_shows_its_end() {
        let mut sentences = Sentences::default();
        assert_eq!(sentences.push("Good morning!"), [""; 0]);
        assert_eq!(sentences.push(" "), ["Good morning!"]);
        assert_eq!(sentences.push("It is fine."), [""; 0]);
        assert_eq!(sentences.push(" "), [""; 0], "the next word may be a small one");
        assert_eq!(sentences.push("So"), [" It is fine."]);
        assert_eq!(sentences.finish().as_deref(), Some(" So"));
    }

    proptest! {
        #[test]
        fn joined_the_sentences_are_the_text_and_the_same_however_it_is_torn(
            text in "([aBI1९ \n.!?…।\"')(]|Dr|No|e\\.g|a\\.m){0,60}",
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let whole = cut([text.as_str()]);
            prop_assert_eq!(whole.concat(), text.clone());
            let mut places: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let mut chosen: Vec<usize> = cuts.iter().map(|cut| *cut.get(&places)).collect();
            chosen.sort_unstable();
            places.clear();
            let mut from = 0;
            let mut pieces = Vec::new();
            for at in chosen.into_iter().chain([text.len()]) {
                pieces.push(&text[from..at]);
                from = at;
            }
            prop_assert_eq!(cut(pieces), whole.clone());
            let characters: Vec<String> = text.chars().map(String::from).collect();
            prop_assert_eq!(cut(characters.iter().map(String::as_str)), whole);
        }

        #[test]
        fn any_text_is_cut_without_loss_and_every_sentence_has_words_but_the_last(text in ".{0,80}") {
            let sentences = cut([text.as_str()]);
            prop_assert_eq!(sentences.concat(), text);
            if let Some((_, whole)) = sentences.split_last() {
                prop_assert!(whole.iter().all(|sentence| has_words(sentence)), "{:?}", sentences);
            }
        }

        #[test]
        fn a_number_is_never_torn(before in 0_u32..1000, after in 0_u32..1000) {
            let text = format!("It costs {before}.{after} rupees. Good.");
            prop_assert_eq!(trimmed(&text), [format!("It costs {before}.{after} rupees."), "Good.".to_owned()]);
        }
    }
}

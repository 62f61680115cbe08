//! Live replies: where the campaign allows it, a language model answers questions about the call in its own words, a
//! sentence at a time; then the open question is asked again. What cannot be spoken, or comes too late, is replaced by
//! the fixed lines about who calls and why.

use super::digits::longest_run;
use super::hearing::Said;
use super::input::RequestId;
use super::lexicon::Lexicon;
use super::machine::Dialogue;
use super::output::Output;
use super::prompt::Prompt;
use super::understanding::{About, Consultation};
use super::words::words;
use crate::domain::Intent;

/// Longest reply.
const MOST_SENTENCES: usize = 2;
/// Longest sentence of a reply, in characters: some twelve seconds.
const LONGEST_SENTENCE: usize = 200;
/// Digits in a row that nobody could follow, or that are a telephone number.
const MOST_DIGITS: usize = 4;

impl Dialogue {
    /// The caller wants to know something about the call.
    pub(super) fn answer_about_call(&mut self, said: &Said) {
        if !self.script.campaign.spoken_replies {
            self.detour(Intent::WhoIsThis);
            return;
        }
        if !self.may_digress() {
            return;
        }
        let query = self.query(said);
        self.back_to_the_question();
        self.speak(Prompt::open(), true);
        self.consult(query.request, About::Reply(0));
        self.put(Output::Reply(query));
    }

    pub(super) fn reply_sentence(&mut self, request: RequestId, text: &str) {
        let Some(Consultation {
            about: About::Reply(count),
            request: open,
        }) = &mut self.consultation
        else {
            return;
        };
        if *open != request {
            return;
        }
        match speakable(text, self.script.lexicon()) {
            Some(sentence) => {
                *count += 1;
                let complete = *count >= MOST_SENTENCES;
                self.speak_live(sentence.to_owned());
                if complete {
                    self.reply_over();
                } else {
                    self.await_model();
                }
            }
            None => self.reply_over(),
        }
    }

    /// No more of a reply will come: the question follows it. If nothing came, the fixed lines stand in for it.
    pub(super) fn reply_over(&mut self) {
        let Some(Consultation {
            about: About::Reply(count),
            ..
        }) = self.consultation
        else {
            return;
        };
        self.forget_consultation();
        let asking = if count == 0 {
            let lines = &self.script.lines.who_is_this;
            self.open_question_prompt(true).map(|prompt| prompt.after(lines))
        } else {
            self.open_question_prompt(false)
        };
        if let Some(asking) = asking {
            self.turn.asked = self.turn.asked.saturating_add(1);
            self.speak_asking(asking);
        }
    }

    /// The fixed lines in place of a reply.
    pub(super) fn reply_unspoken(&mut self) {
        let lines = self.script.lines.who_is_this.clone();
        self.ask_open_question(&lines);
    }
}

/// The sentence if it may be spoken: short, of words alone, asking nothing, and with nothing in it that a caller should
/// not hear from us. Its echo on a speaker phone must not be an opt-out, as for every sentence of the prompts.
fn speakable<'a>(text: &'a str, lexicon: &Lexicon) -> Option<&'a str> {
    let sentence = text.trim();
    let said = words(sentence);
    let short = !said.is_empty() && sentence.chars().count() <= LONGEST_SENTENCE;
    let plain =
        !sentence.contains(char::is_control) && !sentence.contains(['<', '>', '{', '}', '[', ']', '@', '\\', '*']);
    let asks = sentence.contains(['?', '？', '؟']);
    let address = sentence.contains("://") || said.iter().any(|word| is_host_name(word));
    let number = longest_run(sentence, lexicon) > MOST_DIGITS;
    let opts_out = lexicon.anywhere(&lexicon.heard(&lexicon.said(sentence)), Intent::RemoveMe);
    (short && plain && !asks && !address && !number && !opts_out).then_some(sentence)
}

/// "example.com" and "www.example.com", but not "p.m".
fn is_host_name(word: &str) -> bool {
    word.rsplit_once('.')
        .is_some_and(|(_, last)| last.chars().filter(|c| c.is_alphabetic()).count() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialogue::LanguagePack;
    use crate::domain::Language;
    use proptest::prelude::*;

    fn is_speakable(text: &str) -> bool {
        let pack = LanguagePack::embedded(&Language::default()).expect("English");
        speakable(text, pack.lexicon()).is_some()
    }

    #[test]
    fn short_plain_sentences_are_spoken() {
        for text in [
            "It takes about two minutes.",
            " Your answers are written down, and the call comes from Riverside Health. ",
            "We call until 8 p.m. on weekdays.",
            "There are 3 questions.",
        ] {
            assert!(is_speakable(text), "{text}");
        }
    }

    #[test]
    fn numbers_addresses_questions_marks_and_long_sentences_are_not_spoken() {
        let long = "word ".repeat(41);
        for text in [
            "",
            " .",
            "Call 555 0123 for more.",
            "Our number is five five five oh one two three.",
            "See https://example.com for more.",
            "See www.example.com for more.",
            "Write to someone@example for more.",
            "How old are you?",
            "**Two** minutes.",
            "Two\nminutes.",
            "<speak>Two minutes.</speak>",
            "Say please remove me from your list if you like.",
            "If you wish, say don't call again.",
            long.as_str(),
        ] {
            assert!(!is_speakable(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_whatever_makes_the_check_panic_and_what_passes_is_short(text in ".{0,300}") {
            if is_speakable(&text) {
                prop_assert!(text.trim().chars().count() <= LONGEST_SENTENCE);
            }
        }
    }
}

//! Beginning in another language of the campaign, for somebody who chose it beforehand, and going on in another, for a
//! caller who names it. Which language somebody speaks is never guessed.

use super::machine::Dialogue;
use super::output::Output;
use super::prompt::Prompt;
use super::script::Script;
use super::state::{Ask, Phase, Step};
use crate::domain::Language;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Dialogue {
    /// The call begins in this language, if the campaign has it.
    pub(super) fn begin_in(&mut self, language: &Language) {
        let known = self.survey.campaign.language_of(language);
        if let Some(script) = known.and_then(|language| self.survey.speaking(language)) {
            self.speak_in(script);
        }
    }

    fn speak_in(&mut self, script: Arc<Script>) {
        let language = script.campaign.language.clone();
        if language != self.script.campaign.language {
            self.script = script;
            self.put(Output::SwitchLanguage { language });
        }
    }

    /// The caller wants another language, and named these.
    pub(super) fn asked_for_language(&mut self, named: &BTreeSet<Language>) {
        let spoken = self.script.campaign.language.clone();
        let mut others = named.iter().filter(|language| !spoken.is_kind_of(language));
        match (others.next(), others.next()) {
            (Some(other), None) => match self.survey.speaking(other) {
                Some(script) => self.go_on_in(script),
                None => self.offer_languages(),
            },
            // It is spoken already.
            (None, _) if !named.is_empty() => self.repeat_question(&[]),
            _ => self.offer_languages(),
        }
    }

    /// Says which languages there are, each in its own words: who wants another one may not understand this one.
    fn offer_languages(&mut self) {
        let lines = match self.script.lines.one_language.as_slice() {
            [] => {
                let languages = self.survey.in_all_languages();
                languages
                    .flat_map(|script| script.lines.offer_language.clone())
                    .collect()
            }
            one => one.to_vec(),
        };
        self.repeat_question(&lines);
    }

    fn repeat_question(&mut self, before: &[String]) {
        if self.may_digress() {
            self.ask_open_question(before);
        }
    }

    /// From here on the conversation is in this script's language. What is open is asked again in it.
    fn go_on_in(&mut self, script: Arc<Script>) {
        self.speak_in(script);
        // What is being said has been heard as the other language.
        self.turn.number = self.turn.number.wrapping_add(1);
        if self.phase == Phase::Asking(Ask::Consent) {
            // Consent is to who calls and why, in a language that is understood.
            self.introduced = false;
        }
        if !self.may_digress() {
            return;
        }
        // What was not understood in the other language says nothing about this one.
        self.turn.reprompts = 0;
        if let Some(prompt) = self.switched_prompt() {
            self.turn.asked = self.turn.asked.saturating_add(1);
            self.speak(prompt, true);
        }
    }

    /// That the language is another now, and what is open. A wish that is being confirmed stays; what would be recorded
    /// as an answer is asked for anew, because the question has not been put in this language.
    fn switched_prompt(&mut self) -> Option<Prompt> {
        let wish = match &self.turn.step {
            Step::Confirming(pending) if pending.what.is_wish() => self.confirming_prompt(&pending.what),
            _ => None,
        };
        if wish.is_none() {
            self.back_to_the_question();
        }
        let lines = &self.script.lines;
        let prompt = match wish {
            Some(wish) => wish,
            None if self.phase == Phase::Asking(Ask::Consent) => lines.consent().after(&lines.who_is_this),
            None => self.open_question_prompt(false)?,
        };
        Some(prompt.after(&self.script.lines.language_switched))
    }
}

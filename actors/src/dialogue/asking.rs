//! Asking, asking again, and what an utterance means for what was asked.

use super::hearing::{Level, Said};
use super::input::NamedGreeting;
use super::machine::Dialogue;
use super::prompt::Prompt;
use super::state::{Ask, Doubt, Ending, Pending, Phase, Shown, Step, Turn};
use super::timers::Timer;
use crate::domain::{Answer, AnswerValue, AnswerVia, EndReason, Intent, QuestionKind};

/// Why a question is asked again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    Silence,
    Unclear,
    /// The answer is outside the question's range.
    Invalid,
    /// A guess of ours was wrong.
    Denied,
}

impl Dialogue {
    /// The greeting, which ends in the consent question. It begins with the person's name if that is there in time.
    pub(super) fn greet(&mut self) {
        if self.phase != Phase::Opening {
            return;
        }
        let lines = &self.script.lines;
        let opening = match self.named {
            NamedGreeting::Coming => {
                let grace = self.after(self.config.name_grace_ms);
                self.timers.ensure(Timer::Name, grace);
                return;
            }
            NamedGreeting::Ready => lines.opening_by_name(),
            NamedGreeting::Lost => lines.opening(),
        };
        self.timers.stop(Timer::Name);
        self.turn = Turn::new(self.turn.number.wrapping_add(1));
        self.phase = Phase::Asking(Ask::Consent);
        self.speak(opening, true);
    }

    /// News of the sentence with the name; a greeting that waits for it waits no more.
    pub(super) fn named_greeting(&mut self, state: NamedGreeting) {
        self.named = state;
        if self.timers.due(Timer::Name).is_some() {
            self.greet();
        }
    }

    /// It has not come in time: the greeting goes without.
    pub(super) fn name_overdue(&mut self) {
        self.named = NamedGreeting::Lost;
        self.greet();
    }

    pub(super) fn ask_question(&mut self, index: usize, after_no_answer: bool) {
        let Some(lines) = self.script.lines.questions.get(index) else {
            self.survey_done();
            return;
        };
        let lead = if after_no_answer {
            self.script.lines.go_on.clone()
        } else {
            lines.lead.clone()
        };
        let prompt = Prompt::asking(&lead, &lines.text, &lines.hint);
        self.turn = Turn::new(self.turn.number.wrapping_add(1));
        self.phase = Phase::Asking(Ask::Question(index));
        self.speak(prompt, true);
    }

    /// An utterance of the current turn.
    pub(super) fn said(&mut self, said: Said) {
        let idle = said.meant.acknowledgement && said.meant.is_unclear();
        if said.level == Level::Low || idle {
            self.odd(&said);
        } else if said.meant.acknowledgement
            && (said.over_prompt || said.speech.shown == Shown::Acknowledgement)
            && said.before_asked
            && self.turn.step == Step::Asked
        {
            // Shows that one listens, no more; and what came before the question cannot agree to it.
            self.heard_nothing(said.speech.id);
        } else if self.is_for_the_model(&said) {
            self.supersede(said.speech.id);
            self.classify(said);
        } else if said.means_nothing() {
            // What the model is at goes on: this takes the place of nothing.
            self.odd(&said);
        } else {
            self.supersede(said.speech.id);
            self.understood(said);
        }
    }

    /// An utterance with its meaning, as far as it has one.
    pub(super) fn understood(&mut self, said: Said) {
        if said.means_nothing() {
            self.odd(&said);
            return;
        }
        match self.turn.step.clone() {
            Step::Holding => self.said_while_holding(said),
            Step::Confirming(pending) => self.said_to_confirm(&pending, said),
            Step::Asked => self.said_to_question(said),
        }
    }

    fn said_to_question(&mut self, said: Said) {
        if self.said_anything_else(&said) {
            return;
        }
        match self.phase {
            Phase::Asking(Ask::Consent) => self.said_to_consent(said),
            Phase::Asking(Ask::Question(index)) => self.said_to_survey(index, said),
            _ => {}
        }
    }

    fn said_to_consent(&mut self, said: Said) {
        match said.meant.intent {
            Intent::Yes | Intent::Interested if said.before_asking => self.heard_nothing(said.speech.id),
            Intent::Yes | Intent::Interested if said.level == Level::Binding && said.is_deliberate() => {
                self.consent_given(&said.utterance, AnswerVia::Speech);
            }
            Intent::Yes | Intent::Interested => self.confirm(Doubt::Consent, said),
            // Who interrupts the greeting with "no thank you" has refused; a mere "no" may be meant for somebody else.
            Intent::No if said.level >= Level::Certain && (!said.before_asking || said.is_insistent()) => {
                self.refuse(&said.utterance, AnswerVia::Speech, "no");
            }
            Intent::No if said.level >= Level::Certain || !said.before_asking => self.confirm(Doubt::Refusal, said),
            Intent::No => self.heard_nothing(said.speech.id),
            _ => self.odd(&said),
        }
    }

    fn said_to_survey(&mut self, index: usize, said: Said) {
        if said.before_asking && self.turn.reprompts == 0 {
            // The tail of an earlier answer ("yes … go ahead"). What comes over "sorry, I did not understand" answers:
            // the question is known.
            self.heard_nothing(said.speech.id);
        } else if said.meant.out_of_range {
            self.out_of_range(&said);
        } else if let Some(value) = said.meant.value.clone() {
            let free = matches!(value, AnswerValue::FreeText(_));
            if free && !said.is_deliberate() {
                self.heard_nothing(said.speech.id);
            } else if free || said.level >= Level::Certain {
                self.answered(index, value, &said.utterance, AnswerVia::Speech);
            } else {
                self.confirm(Doubt::Value(value), said);
            }
        } else if said.meant.intent == Intent::NoAnswer && said.level >= Level::Certain {
            self.skipped(index);
        } else {
            self.odd(&said);
        }
    }

    /// Intents that mean the same in every phase. False if it is none of them.
    pub(super) fn said_anything_else(&mut self, said: &Said) -> bool {
        let certain = said.level >= Level::Certain;
        match said.meant.intent {
            // A binding one has been dealt with before.
            Intent::RemoveMe => self.confirm(Doubt::Removal, said.clone()),
            Intent::NotInterested if certain => self.refuse(&said.utterance, AnswerVia::Speech, "not interested"),
            Intent::NotInterested => self.confirm(Doubt::Refusal, said.clone()),
            // A recogniser that does not know an acknowledgement ("achha") hears some short phrase in it. Whoever
            // means it says it again once asked.
            Intent::CallLater | Intent::WrongPerson if !certain && said.before_asked => {
                self.heard_nothing(said.speech.id);
            }
            Intent::CallLater if certain => self.call_later(said.meant.when.clone()),
            Intent::CallLater => self.confirm(Doubt::Callback(said.meant.when.clone()), said.clone()),
            Intent::WrongPerson if certain => self.wrong_person(),
            Intent::WrongPerson => self.confirm(Doubt::WrongPerson, said.clone()),
            Intent::Repeat | Intent::WhoIsThis | Intent::HoldOn | Intent::SwitchLanguage => {
                if !certain && said.over_prompt && !said.speech.sustained {
                    self.heard_nothing(said.speech.id);
                } else if said.meant.intent == Intent::SwitchLanguage {
                    self.asked_for_language(&said.meant.languages);
                } else {
                    self.detour(said.meant.intent);
                }
            }
            _ => return false,
        }
        true
    }

    fn out_of_range(&mut self, said: &Said) {
        if said.level >= Level::Certain {
            self.ask_again(Why::Invalid);
        } else {
            self.odd(said);
        }
    }

    /// Something that means nothing at this point.
    pub(super) fn odd(&mut self, said: &Said) {
        self.not_understood(&said.speech);
    }

    /// Repetition, identity, a wait: the question is still open afterwards.
    pub(super) fn detour(&mut self, intent: Intent) {
        if !self.may_digress() {
            return;
        }
        if intent == Intent::HoldOn {
            self.hold();
            return;
        }
        let before = match intent {
            Intent::WhoIsThis => self.script.lines.who_is_this.clone(),
            _ => Vec::new(),
        };
        self.ask_open_question(&before);
    }

    /// One more thing besides the question. False if there were too many: it is only asked again then.
    pub(super) fn may_digress(&mut self) -> bool {
        self.turn.detours = self.turn.detours.saturating_add(1);
        let may = self.turn.detours <= self.config.detours;
        if !may {
            self.ask_again(Why::Unclear);
        }
        may
    }

    /// What is open, asked in full after some words; in a confirming turn, the question behind it.
    pub(super) fn ask_open_question(&mut self, before: &[String]) {
        self.back_to_the_question();
        let introduces = before == self.script.lines.who_is_this;
        if let Some(prompt) = self.open_question_prompt(introduces) {
            self.turn.asked = self.turn.asked.saturating_add(1);
            self.speak(prompt.after(before), true);
        }
    }

    /// Out of a confirming turn or a wait.
    pub(super) fn back_to_the_question(&mut self) {
        if self.turn.step != Step::Asked {
            self.turn.step = Step::Asked;
            self.turn.number = self.turn.number.wrapping_add(1);
        }
    }

    /// What is open, in full. Consent is not asked of somebody who has not been told by whom.
    pub(super) fn open_question_prompt(&self, introduced_before_it: bool) -> Option<Prompt> {
        match self.phase {
            Phase::Asking(Ask::Question(index)) => {
                let lines = self.script.lines.questions.get(index)?;
                Some(Prompt::asking(&[], &lines.text, &lines.hint))
            }
            Phase::Asking(Ask::Consent) if !self.introduced && !introduced_before_it => {
                Some(self.script.lines.opening())
            }
            Phase::Asking(Ask::Consent) => Some(self.script.lines.consent()),
            _ => None,
        }
    }

    /// Asks again, saying why and how keys can answer; or goes on without an answer if that was often enough.
    pub(super) fn ask_again(&mut self, why: Why) {
        if self.turn.reprompts >= self.script.campaign.max_reprompts {
            self.give_up();
            return;
        }
        self.turn.reprompts += 1;
        self.turn.asked = self.turn.asked.saturating_add(1);
        self.back_to_the_question();
        let lines = &self.script.lines;
        let question = match self.phase {
            Phase::Asking(Ask::Question(index)) => lines.questions.get(index),
            _ => None,
        };
        let reason = match why {
            Why::Silence => lines.did_not_hear.as_slice(),
            Why::Unclear => &lines.did_not_understand,
            Why::Invalid => question.map_or(&lines.did_not_understand, |question| &question.invalid),
            Why::Denied => &[],
        };
        let prompt = match question {
            Some(question) => Prompt::asking(
                reason,
                &question.text,
                &[question.hint.as_slice(), &question.keys].concat(),
            ),
            None if !self.introduced => lines.opening(),
            None => lines.consent().after(reason),
        };
        self.speak(prompt, true);
    }

    fn give_up(&mut self) {
        match self.phase {
            Phase::Asking(Ask::Question(index)) => self.not_answered(index),
            _ => {
                let (outcome, disposition) = self.outcome_for(EndReason::NoInput);
                let lines = self.script.lines.goodbye_no_input.clone();
                self.close(
                    Ending {
                        reason: EndReason::NoInput,
                        outcome,
                        disposition,
                    },
                    &lines,
                );
            }
        }
    }

    /// The wait for an answer is over.
    pub(super) fn no_answer_came(&mut self) {
        if self.silence_tells_machine() {
            return;
        }
        if matches!(self.phase, Phase::Asking(_)) {
            // Whatever is still being said has had its time.
            self.speeches.clear();
            self.timers.stop(Timer::Speech);
            self.timers.stop(Timer::Recognition);
            match self.held.take() {
                Some(said) => self.said(*said),
                None => self.ask_again(Why::Silence),
            }
        }
    }

    fn hold(&mut self) {
        if self.turn.step != Step::Holding {
            self.turn.number = self.turn.number.wrapping_add(1);
        }
        self.turn.step = Step::Holding;
        self.forget_consultation();
        self.held = None;
        self.hush();
        self.timers.stop(Timer::Silence);
        self.timers.stop(Timer::Turn);
        self.timers.set(Timer::Hold, self.after(self.config.hold_ms));
        self.listen();
    }

    pub(super) fn hold_over(&mut self) {
        if self.is_holding() {
            let lines = self.script.lines.still_there.clone();
            self.ask_open_question(&lines);
        }
    }

    fn said_while_holding(&mut self, said: Said) {
        if said.meant.intent == Intent::HoldOn || !self.said_anything_else(&said) {
            // Anything understood shows that they are back.
            self.ask_open_question(&[]);
        }
    }

    /// Asks whether something was heard rightly.
    pub(super) fn confirm(&mut self, what: Doubt, said: Said) {
        let Some(prompt) = self.confirming_prompt(&what) else {
            // Too many values to have a sentence for each: keys settle it.
            return self.ask_again(Why::Unclear);
        };
        if !self.may_digress() {
            return;
        }
        self.turn.number = self.turn.number.wrapping_add(1);
        self.turn.step = Step::Confirming(Pending {
            what,
            heard: said.utterance,
        });
        self.speak(prompt, true);
    }

    /// "Did I hear …?"; `None` if there is no sentence for it.
    pub(super) fn confirming_prompt(&self, what: &Doubt) -> Option<Prompt> {
        let lines = &self.script.lines;
        let asking = match what {
            Doubt::Consent => lines.confirm_consent.as_slice(),
            Doubt::Refusal => &lines.confirm_refusal,
            Doubt::Removal => &lines.confirm_removal,
            Doubt::WrongPerson => &lines.confirm_wrong_person,
            Doubt::Callback(_) => &lines.confirm_callback,
            Doubt::Value(value) => {
                let (index, _) = self.open_question()?;
                lines.questions.get(index)?.confirm(value)?
            }
        };
        Some(Prompt::asking(&[], asking, &lines.confirm_keys))
    }

    /// A value for a question, by speech or keys.
    pub(super) fn answered(
        &mut self,
        index: usize,
        value: AnswerValue,
        heard: &super::state::Utterance,
        via: AnswerVia,
    ) {
        let uncertain = heard.uncertain
            || matches!(value, AnswerValue::FreeText(_))
                && heard.confidence.is_some_and(|c| c < crate::ports::Heard::CERTAIN);
        self.record_answer(Answer {
            question: index,
            value,
            via,
            heard: Some(heard.text.clone()),
            confidence: heard.confidence,
            uncertain,
            times_asked: self.turn.asked,
        });
        self.ask_question(index + 1, false);
    }

    /// The respondent would rather not answer.
    pub(super) fn skipped(&mut self, index: usize) {
        self.record.skipped = true;
        self.not_answered(index);
    }

    fn not_answered(&mut self, index: usize) {
        self.record_answer(Answer {
            question: index,
            value: AnswerValue::NotAnswered,
            via: AnswerVia::None,
            heard: None,
            confidence: None,
            uncertain: false,
            times_asked: self.turn.asked,
        });
        self.ask_question(index + 1, true);
    }

    /// Longest turn, free speech allowed for.
    pub(super) fn turn_limit(&self) -> u64 {
        match self.open_question() {
            Some((_, QuestionKind::FreeText { max_seconds })) => self
                .config
                .turn_limit_ms
                .saturating_add(u64::from(*max_seconds) * 1_000),
            _ => self.config.turn_limit_ms,
        }
    }
}

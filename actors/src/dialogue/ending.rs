//! Consent, refusal, removal and every way a conversation ends: exactly one `End`, nothing spoken after it, the
//! goodbye heard to its end (L11).

use super::machine::Dialogue;
use super::output::Output;
use super::prompt::Prompt;
use super::state::{Ending, Phase, Utterance};
use super::timers::Timer;
use crate::domain::{Answer, AnswerVia, AnsweredBy, AskedTime, ConsentEvidence, Disposition, EndReason, Outcome};

impl Dialogue {
    pub(super) fn consent_given(&mut self, heard: &Utterance, via: AnswerVia) {
        self.record_consent(true, heard, via, None);
        self.ask_question(0, false);
    }

    /// Consent refused, or the survey broken off.
    pub(super) fn refuse(&mut self, heard: &Utterance, via: AnswerVia, reason: &str) {
        let (outcome, disposition) = self.outcome_for(EndReason::Refused);
        self.record_consent(false, heard, via, Some(reason));
        let lines = self.script.lines.goodbye_refused.clone();
        self.close(
            Ending {
                reason: EndReason::Refused,
                outcome,
                disposition,
            },
            &lines,
        );
    }

    pub(super) fn call_later(&mut self, asked: Option<AskedTime>) {
        let (when, time) = asked.map_or((None, None), |asked| (Some(asked.words), asked.time));
        self.put(Output::RequestCallback { when, time });
        let lines = self.script.lines.goodbye_callback.clone();
        self.close_for(EndReason::CallbackAgreed, &lines);
    }

    pub(super) fn wrong_person(&mut self) {
        let lines = self.script.lines.goodbye_wrong_person.clone();
        self.close_for(EndReason::WrongPerson, &lines);
    }

    pub(super) fn survey_done(&mut self) {
        if self.record.answered() || self.record.skipped {
            let lines = self.script.lines.thanks.clone();
            self.close_for(EndReason::SurveyDone, &lines);
        } else {
            let lines = self.script.lines.goodbye_no_input.clone();
            self.close_for(EndReason::NoInput, &lines);
        }
    }

    /// "Remove me": do-not-call is written before anything else is said.
    pub(super) fn remove(&mut self, heard: Utterance) {
        if self.record.removal {
            return;
        }
        self.answered_by = AnsweredBy::Person;
        self.record.removal = true;
        self.record.removal_pending = true;
        let via = if heard.confidence.is_some() {
            AnswerVia::Speech
        } else {
            AnswerVia::Keys
        };
        let (outcome, disposition) = self.outcome_for(EndReason::Removed);
        self.put(Output::AddDoNotCall);
        self.timers
            .set(Timer::DoNotCall, self.after(self.config.do_not_call_limit_ms));
        if let Phase::Closing(ending) = &mut self.phase {
            // Said into our goodbye: that goes on, and waits for the writing.
            if ending.reason != EndReason::SurveyDone {
                *ending = Ending {
                    reason: EndReason::Removed,
                    outcome,
                    disposition,
                };
            }
            return;
        }
        self.record_consent(false, &heard, via, Some("remove me"));
        self.forget_consultation();
        self.held = None;
        self.hush();
        let waits: [Timer; 9] = [
            Timer::Opening,
            Timer::LongSpeech,
            Timer::Silence,
            Timer::Turn,
            Timer::Keys,
            Timer::Hold,
            Timer::Beep,
            Timer::BeepSilence,
            Timer::Playback,
        ];
        for timer in waits {
            self.timers.stop(timer);
        }
        self.phase = Phase::Removing;
        self.listen();
    }

    /// Word of the writing came, or the wait for it is over.
    pub(super) fn do_not_call_recorded(&mut self, stored: bool) {
        if !self.record.removal_pending {
            return;
        }
        self.record.removal_pending = false;
        self.timers.stop(Timer::DoNotCall);
        match self.phase {
            Phase::Removing => {
                let lines = &self.script.lines;
                let lines = if stored {
                    lines.goodbye_removed.clone()
                } else {
                    lines.goodbye_removal_noted.clone()
                };
                self.close_for(EndReason::Removed, &lines);
            }
            Phase::Closing(_) if self.voice.is_done() => self.last_words_spoken(),
            _ => {}
        }
    }

    pub(super) fn longest_call_reached(&mut self) {
        self.act_on_what_is_held();
        match self.phase {
            Phase::Asking(_) => {
                let lines = self.script.lines.goodbye_limit.clone();
                self.close_for(EndReason::LimitReached, &lines);
            }
            // A goodbye has its own deadline, and so has the writing of do-not-call.
            Phase::Closing(_) | Phase::Removing => {}
            _ => self.end_with(EndReason::LimitReached),
        }
    }

    fn close_for(&mut self, reason: EndReason, lines: &[String]) {
        let (outcome, disposition) = self.outcome_for(reason);
        self.close(
            Ending {
                reason,
                outcome,
                disposition,
            },
            lines,
        );
    }

    /// Says goodbye, not to be interrupted, and ends after it.
    pub(super) fn close(&mut self, ending: Ending, lines: &[String]) {
        self.timers.stop(Timer::Call);
        self.phase = Phase::Closing(ending);
        self.speak(Prompt::statement(lines), false);
    }

    pub(super) fn last_words_spoken(&mut self) {
        if let Phase::Closing(ending) = self.phase
            && !self.record.removal_pending
        {
            self.finish(ending);
        }
    }

    /// From outside: only reasons that come from there are believed.
    pub(super) fn terminate(&mut self, reason: EndReason) {
        let from_outside = matches!(
            reason,
            EndReason::HungUp
                | EndReason::StreamLost
                | EndReason::LimitReached
                | EndReason::Terminated
                | EndReason::Fault
                | EndReason::Machine
                | EndReason::Fax
        );
        self.end_with(if from_outside { reason } else { EndReason::Terminated });
    }

    /// Ends at once, without a word.
    pub(super) fn end_with(&mut self, reason: EndReason) {
        let ending = match self.phase {
            // All was said but the goodbye: what was decided stands.
            Phase::Closing(ending) => ending,
            _ => {
                let reason = match self.phase {
                    Phase::Removing => EndReason::Removed,
                    Phase::Machine(_) if reason != EndReason::Fax => EndReason::Machine,
                    Phase::Screened if reason == EndReason::HungUp => EndReason::Screened,
                    _ => reason,
                };
                let (outcome, disposition) = self.outcome_for(reason);
                Ending {
                    reason,
                    outcome,
                    disposition,
                }
            }
        };
        if self.voice.is_sounding() {
            self.put(Output::Clear);
        }
        self.finish(ending);
    }

    fn finish(&mut self, ending: Ending) {
        self.forget_consultation();
        self.timers.stop_all();
        self.speeches.clear();
        self.phase = Phase::Over;
        let Ending {
            reason,
            outcome,
            disposition,
        } = ending;
        match reason {
            EndReason::Machine => self.answered_by = AnsweredBy::Voicemail,
            EndReason::Fax => self.answered_by = AnsweredBy::Fax,
            _ => {}
        }
        self.put(Output::End {
            reason,
            outcome,
            disposition,
        });
    }

    /// What comes of a call that ends for this reason now (AAPOR Standard Definitions).
    pub(super) fn outcome_for(&self, reason: EndReason) -> (Outcome, Disposition) {
        let answered = self.record.answered();
        let consented = self.record.consented();
        let begun = if consented {
            Disposition::BreakOff
        } else {
            Disposition::NonContact
        };
        match reason {
            EndReason::SurveyDone => (Outcome::Completed, Disposition::Complete),
            EndReason::Refused | EndReason::Removed if consented => (Outcome::Refused, Disposition::BreakOff),
            EndReason::Refused | EndReason::Removed => (Outcome::Refused, Disposition::RespondentRefusal),
            EndReason::CallbackAgreed if answered => (Outcome::Callback, Disposition::Partial),
            EndReason::CallbackAgreed => (Outcome::Callback, Disposition::NonContact),
            EndReason::WrongPerson => (Outcome::WrongPerson, Disposition::NonContact),
            EndReason::Machine => (Outcome::Voicemail, Disposition::Machine),
            EndReason::Fax => (Outcome::Failed, Disposition::Fax),
            _ if answered => (Outcome::Partial, Disposition::Partial),
            EndReason::HungUp | EndReason::NoInput | EndReason::LimitReached | EndReason::Screened => {
                (Outcome::Abandoned, begun)
            }
            EndReason::StreamLost | EndReason::Terminated | EndReason::Fault => {
                (Outcome::Failed, Disposition::TechnicalProblem)
            }
        }
    }

    /// At most one answer per question, in their order.
    pub(super) fn record_answer(&mut self, answer: Answer) {
        self.record.answers.push(answer.clone());
        self.put(Output::RecordAnswer(answer));
    }

    /// Agreement or refusal, once; a survey broken off later does not take back that it was agreed to.
    fn record_consent(&mut self, granted: bool, heard: &Utterance, via: AnswerVia, reason: Option<&str>) {
        if self.record.consent.is_some() {
            return;
        }
        self.record.consent = Some(granted);
        let evidence = ConsentEvidence {
            granted,
            wording: self.consent_script.lines.consent_wording(),
            language: self.consent_script.campaign.language.0.clone(),
            heard: heard.text.clone(),
            confidence: heard.confidence,
            via,
            at_ms: self.now,
            reason: reason.map(str::to_owned),
        };
        self.put(Output::RecordConsent(evidence));
    }
}

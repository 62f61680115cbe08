//! Services that screen calls: a telephone, or its network, asks who calls and why, and shows or plays the answer to
//! the person called, who may then be put through. They are told that much, and nothing of the survey is said before
//! somebody else speaks.

use super::hearing::Level;
use super::input::Millis;
use super::interpret::Interpretation;
use super::machine::Dialogue;
use super::prompt::Prompt;
use super::state::{Phase, Speech};
use super::timers::Timer;
use crate::domain::{AnsweredBy, EndReason, Intent};

/// While somebody speaks at the end of the wait, whether they still do is looked at so often, in milliseconds.
const STILL_SPEAKING_MS: Millis = 500;

impl Dialogue {
    /// What was recognised asks who calls, and nobody has been met.
    pub(super) fn is_screening(&self, meant: &Interpretation, level: Level) -> bool {
        self.may_be_machine() && level > Level::Low && meant.intent == Intent::CallScreening
    }

    /// Says who calls and why, and waits for a person.
    pub(super) fn screened(&mut self) {
        self.answered_by = AnsweredBy::CallScreening;
        self.phase = Phase::Screened;
        let limit = self.after(self.config.screening_limit_ms);
        self.timers.ensure(Timer::Screening, limit);
        self.speak(Prompt::statement(&self.script.lines.who_is_this.clone()), false);
    }

    /// Somebody speaks after the service has been told: the service once more, a voicemail, or the person.
    pub(super) fn said_while_screened(&mut self, speech: &Speech, meant: &Interpretation, level: Level) {
        let understood = level > Level::Low && !meant.is_unclear();
        let began = speech.began.saturating_add(self.config.early_ms);
        let before_end = speech.prompt == self.voice.prompt && self.voice.asked_at.is_none_or(|at| began < at);
        let long = speech.length(self.now) >= self.config.machine_speech_ms;
        match meant.intent {
            Intent::Voicemail if understood => self.machine_answered(Some(speech.id)),
            // The end of what was asked before, or our own echo.
            _ if before_end => {}
            Intent::CallScreening if understood => self.screened(),
            Intent::HoldOn if understood => {}
            _ if long && !understood => self.machine_answered(Some(speech.id)),
            _ => self.put_through(),
        }
    }

    /// The person called is there: the call begins as any other.
    pub(super) fn put_through(&mut self) {
        self.timers.stop(Timer::Screening);
        self.hush();
        self.phase = Phase::Opening;
        self.greet();
    }

    /// Nobody came in time.
    pub(super) fn nobody_was_put_through(&mut self) {
        if self.phase != Phase::Screened {
            return;
        }
        if self.speeches.is_empty() {
            self.end_with(EndReason::Screened);
        } else {
            // Somebody speaks, or has and is not understood yet.
            self.timers.set(Timer::Screening, self.after(STILL_SPEAKING_MS));
        }
    }
}

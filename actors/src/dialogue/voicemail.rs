//! Machines: told from people by the carrier's verdict, by what they say, by how long they talk at the beginning,
//! and by their beep; never after a person has answered (L16).

use super::hearing::Level;
use super::input::{Millis, SpeechId};
use super::interpret::Interpretation;
use super::machine::Dialogue;
use super::prompt::Prompt;
use super::state::{Ask, MachineStage, Phase, Speech};
use super::timers::Timer;
use crate::domain::{AnsweredBy, EndReason, Intent, MachineVerdict, VoicemailPolicy};

/// Speech of a person who answers and then listens; a machine's greeting is longer or goes on.
const SHORTEST_HELLO_MS: Millis = 150;
pub(super) const LONGEST_HELLO_MS: Millis = 2_000;
const SILENCE_AFTER_HELLO_MS: Millis = 1_000;

impl Dialogue {
    pub(super) fn machine_verdict(&mut self, verdict: MachineVerdict) {
        let waiting = matches!(self.phase, Phase::Machine(_));
        match verdict {
            // What is not known is treated as a person.
            MachineVerdict::Human => self.person_by_verdict = true,
            MachineVerdict::Unknown => {}
            _ if !waiting && !self.may_be_machine() => {}
            MachineVerdict::Fax => self.end_with(EndReason::Fax),
            // A recogniser that is late must not cost a person the call (L16): what was said decides first.
            _ if !waiting && self.is_recognizing() => self.verdict = Some(verdict),
            _ if !waiting && self.sounds_like_a_person() => self.suspected = true,
            MachineVerdict::MachineStart => self.machine_answered(None),
            MachineVerdict::MachineEnd => {
                self.machine_answered(None);
                self.leave_message();
            }
        }
    }

    /// Acts upon a verdict that waited, once there is a stream and what was said has been recognised.
    pub(super) fn settle_verdict(&mut self) {
        if self.phase != Phase::Waiting
            && !self.is_recognizing()
            && let Some(verdict) = self.verdict.take()
        {
            self.machine_verdict(verdict);
        }
    }

    /// Somebody has spoken and is not understood yet; that takes no longer than the limit of recognition.
    fn is_recognizing(&self) -> bool {
        self.speeches.iter().any(|speech| speech.ended.is_some())
    }

    pub(super) fn beep(&mut self) {
        match self.phase {
            Phase::Machine(MachineStage::Greeting) => self.leave_message(),
            // The message began in a pause of the greeting: again, from its start.
            Phase::Machine(MachineStage::Leaving { restarted: false }) => self.speak_message(true),
            _ if self.may_be_machine() => {
                self.machine_answered(None);
                self.leave_message();
            }
            _ => {}
        }
    }

    /// What was recognised, or how long it went on without being understood, is a machine's.
    pub(super) fn is_machine(&mut self, speech: &Speech, meant: &Interpretation, level: Level) -> bool {
        if !self.may_be_machine() {
            return false;
        }
        let understood = level > Level::Low && !meant.is_unclear();
        if understood || meant.bystander && level > Level::Low {
            return meant.intent == Intent::Voicemail;
        }
        if speech.began < self.config.machine_window_ms {
            self.odd_speech_ms = self.odd_speech_ms.saturating_add(speech.length(self.now));
        }
        self.odd_speech_ms >= self.config.machine_speech_ms
    }

    /// A first speech goes on longer than anybody's "hello".
    pub(super) fn long_speech(&mut self) {
        if self.phase == Phase::Opening && self.may_be_machine() {
            self.machine_answered(None);
        }
    }

    /// Stops talking to the person who is not there. `speech` is what gave the machine away.
    pub(super) fn machine_answered(&mut self, speech: Option<SpeechId>) {
        if matches!(self.phase, Phase::Machine(_) | Phase::Over) {
            if speech.is_some() {
                self.machine_may_be_done();
            }
            return;
        }
        match self.script.campaign.voicemail {
            VoicemailPolicy::HangUp => self.end_with(EndReason::Machine),
            VoicemailPolicy::LeaveMessage(_) => {
                self.forget_consultation();
                self.held = None;
                self.hush();
                for timer in [
                    Timer::Opening,
                    Timer::LongSpeech,
                    Timer::Silence,
                    Timer::Turn,
                    Timer::Keys,
                    Timer::Hold,
                ] {
                    self.timers.stop(timer);
                }
                self.answered_by = AnsweredBy::Voicemail;
                self.phase = Phase::Machine(MachineStage::Greeting);
                self.timers.set(Timer::Beep, self.after(self.config.beep_limit_ms));
                self.machine_may_be_done();
                self.listen();
            }
        }
    }

    /// Nobody speaks any more: if that lasts, the greeting is over.
    pub(super) fn machine_may_be_done(&mut self) {
        let greeting = self.phase == Phase::Machine(MachineStage::Greeting);
        if greeting && self.speeches.iter().all(|speech| speech.ended.is_some()) {
            self.timers
                .ensure(Timer::BeepSilence, self.after(self.config.beep_silence_ms));
        }
    }

    /// Speaks the campaign's message.
    pub(super) fn leave_message(&mut self) {
        if self.phase == Phase::Machine(MachineStage::Greeting) {
            self.speak_message(false);
        }
    }

    fn speak_message(&mut self, restarted: bool) {
        self.timers.stop(Timer::Beep);
        self.timers.stop(Timer::BeepSilence);
        self.phase = Phase::Machine(MachineStage::Leaving { restarted });
        self.speak(Prompt::statement(&self.script.lines.voicemail.clone()), false);
    }

    /// The first silence after a doubtful verdict: a person would have answered by now. True if it was a machine.
    pub(super) fn silence_tells_machine(&mut self) -> bool {
        let machine = self.suspected && self.may_be_machine();
        if machine {
            self.machine_answered(None);
        }
        machine
    }

    /// A short "hello", and then nothing while we speak: false verdicts on live people are common.
    fn sounds_like_a_person(&self) -> bool {
        let hello = (SHORTEST_HELLO_MS..=LONGEST_HELLO_MS).contains(&self.spoken_ms);
        hello
            && self.speeches.iter().all(|speech| speech.ended.is_some())
            && self.now.saturating_sub(self.last_voice) >= SILENCE_AFTER_HELLO_MS
    }

    pub(super) fn may_be_machine(&self) -> bool {
        self.answered_by != AnsweredBy::Person && matches!(self.phase, Phase::Opening | Phase::Asking(Ask::Consent))
    }
}

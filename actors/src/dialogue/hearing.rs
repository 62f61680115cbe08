//! Speech as it comes and goes, and how far what was recognised can be trusted.

use super::input::{Millis, SpeechId};
use super::interpret::{Context, Interpretation};
use super::machine::Dialogue;
use super::output::Expectation;
use super::state::{Phase, Shown, Speech, Step, Utterance};
use super::timers::Timer;
use super::voicemail::LONGEST_HELLO_MS;
use super::words::{find, words};
use crate::domain::{AnswerValue, AnsweredBy, Intent};
use crate::ports::{Heard, TranscriptSpeaker};

/// More speeches than this without a result cannot be real: the oldest is forgotten.
const MOST_SPEECHES: usize = 8;
/// Words in a row of our own that are an echo of the prompt and not an answer (L9).
const ECHO_WORDS: usize = 3;
/// A plausible yes or no longer than this may be a machine's greeting misheard.
const SHORT_ANSWER_MS: Millis = 2_500;

/// How far an utterance can be trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Level {
    /// As good as nothing.
    Low,
    /// To be confirmed where it matters.
    Plausible,
    /// To be acted upon.
    Certain,
    /// Sure enough for what binds: consent, and removal.
    Binding,
}

/// An utterance of the current turn with everything known about it.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) speech: Speech,
    pub(super) level: Level,
    pub(super) meant: Interpretation,
    pub(super) utterance: Utterance,
    /// It began before the asking sentence did: it cannot be an answer to it.
    pub(super) before_asking: bool,
    /// It began before the asking sentence had been heard whole.
    pub(super) before_asked: bool,
    /// The prompt was still under way when it was understood, or was interrupted for it.
    pub(super) over_prompt: bool,
    /// The meaning is a language model's.
    pub(super) by_model: bool,
}

impl Level {
    /// By the recogniser's confidence, and whether the words have one sure meaning.
    pub(super) fn of(utterance: &Utterance, certain: bool) -> Self {
        let certain = certain && !utterance.uncertain;
        match utterance.confidence.unwrap_or_default() {
            c if c >= Heard::BINDING && certain => Self::Binding,
            c if c >= Heard::CERTAIN && certain => Self::Certain,
            c if c >= Heard::PLAUSIBLE => Self::Plausible,
            _ => Self::Low,
        }
    }
}

impl Said {
    /// Nothing that this turn could act upon was read in it.
    pub(super) fn means_nothing(&self) -> bool {
        self.meant.is_unclear() && !self.meant.out_of_range && !self.meant.resume
    }

    /// Said as an answer is said: after the question, or over it with such insistence that it interrupted.
    pub(super) fn is_deliberate(&self) -> bool {
        !self.before_asking && (!self.before_asked || self.speech.sustained)
    }

    /// More than a word, and said so that it interrupted.
    pub(super) fn is_insistent(&self) -> bool {
        self.speech.sustained && words(&self.utterance.text).len() > 1
    }
}

impl Dialogue {
    pub(super) fn speech_started(&mut self, id: SpeechId, began: Millis) {
        if self.speeches.iter().any(|speech| speech.id == id) {
            return;
        }
        if self.speeches.len() >= MOST_SPEECHES {
            self.speeches.remove(0);
        }
        self.speeches.push(Speech {
            id,
            began: began.min(self.now),
            ended: None,
            sustained: false,
            shown: Shown::Untold,
            turn: self.turn.number,
            prompt: self.voice.prompt,
        });
        self.timers.stop(Timer::Silence);
        self.timers.stop(Timer::BeepSilence);
        self.timers.ensure(Timer::Speech, self.after(self.speech_limit()));
        if self.phase == Phase::Opening {
            self.timers.stop(Timer::Opening);
            self.timers
                .ensure(Timer::LongSpeech, self.after(self.config.machine_speech_limit_ms));
        }
    }

    pub(super) fn speech_sustained(&mut self, id: SpeechId) {
        let turn = self.turn.number;
        let Some(speech) = self.speeches.iter_mut().find(|speech| speech.id == id) else {
            return;
        };
        speech.sustained = true;
        let speech = *speech;
        if speech.turn == turn && matches!(self.phase, Phase::Asking(_)) {
            self.may_interrupt(&speech);
        }
    }

    pub(super) fn speech_ended(&mut self, id: SpeechId, ended: Millis) {
        let now = self.now;
        let Some(speech) = self.speeches.iter_mut().find(|speech| speech.id == id) else {
            return;
        };
        // The end-point comes later than the last voice, by as much silence as it waited for.
        let ended = ended.clamp(speech.began, now);
        speech.ended = Some(ended);
        let length = speech.length(now);
        self.spoken_ms = self.spoken_ms.saturating_add(length);
        self.last_voice = self.last_voice.max(ended);
        if self.speeches.iter().all(|speech| speech.ended.is_some()) {
            self.timers.stop(Timer::Speech);
            self.machine_may_be_done();
        }
        self.timers
            .ensure(Timer::Recognition, self.after(self.config.recognition_limit_ms));
        self.await_response(ended);
        if self.phase == Phase::Opening && length <= LONGEST_HELLO_MS {
            // A "hello": answered at once, whatever the words were. What is longer may be a machine's.
            self.greet();
        }
    }

    pub(super) fn speech_discarded(&mut self, id: SpeechId) {
        if self.forget(id).is_some() {
            self.go_on_without(id);
            self.resume_after(id);
            self.await_answer();
            self.machine_may_be_done();
            if self.phase == Phase::Opening && self.speeches.is_empty() {
                self.timers.stop(Timer::LongSpeech);
                self.timers.ensure(Timer::Opening, self.after(self.hello_wait_ms()));
            }
        }
    }

    pub(super) fn recognized(&mut self, id: SpeechId, text: String, confidence: f32, uncertain: bool) {
        if !text.trim().is_empty() {
            self.note(TranscriptSpeaker::Caller, text.clone(), Some(confidence));
        }
        let speech = self.forget(id);
        let meant = self.interpret(&text);
        let utterance = Utterance {
            text,
            confidence: Some(confidence),
            uncertain,
        };
        let level = Level::of(&utterance, meant.certain);
        if level > Level::Low && self.is_echo(&utterance.text, &meant, speech.as_ref()) {
            if !self.go_on_without(id) {
                self.heard_nothing(id);
            }
            return;
        }
        if meant.intent == Intent::RemoveMe && level == Level::Binding {
            // Never lost, however late it comes and whatever is going on.
            self.remove(utterance);
            return;
        }
        let Some(speech) = speech else {
            return;
        };
        if self.phase == Phase::Screened {
            self.said_while_screened(&speech, &meant, level);
            return;
        }
        if self.is_screening(&meant, level) {
            self.screened();
            return;
        }
        if self.is_machine(&speech, &meant, level) {
            self.machine_answered(Some(id));
            return;
        }
        self.meet(&speech, &meant, level);
        if self.phase == Phase::Opening {
            self.greet();
        } else if speech.turn == self.turn.number && matches!(self.phase, Phase::Asking(_)) {
            let said = self.placed(speech, level, meant, utterance);
            self.said_in_parts(said);
        } else {
            self.heard_nothing(id);
        }
    }

    pub(super) fn recognition_failed(&mut self, id: SpeechId) {
        if let Some(speech) = self.forget(id) {
            if self.phase == Phase::Opening {
                self.greet();
            } else if self.phase == Phase::Screened {
                self.said_while_screened(&speech, &Interpretation::unclear(), Level::Low);
            } else if self.go_on_without(id) {
                // What was said before it stands.
            } else if speech.turn == self.turn.number {
                self.not_understood(&speech);
            } else {
                self.heard_nothing(id);
            }
        }
    }

    /// A speech did not end, or its result did not come, in time.
    pub(super) fn speech_overdue(&mut self, timer: Timer) {
        if matches!(self.phase, Phase::Machine(_)) {
            // A greeting may be long; it has a deadline of its own.
            return;
        }
        let overdue = self
            .speeches
            .iter()
            .find(|speech| speech.ended.is_some() == (timer == Timer::Recognition));
        if let Some(id) = overdue.map(|speech| speech.id) {
            self.recognition_failed(id);
        }
    }

    /// A speech that meant nothing here: what it interrupted goes on, and the wait for an answer too.
    pub(super) fn heard_nothing(&mut self, id: SpeechId) {
        self.resume_after(id);
        self.await_answer();
        self.machine_may_be_done();
    }

    /// A speech of this turn that was not understood. Over a prompt it is noise; after it, the question is asked
    /// again, unless somebody is speaking already or what was said before is still being made out.
    pub(super) fn not_understood(&mut self, speech: &Speech) {
        let asking = matches!(self.phase, Phase::Asking(_)) && !self.is_holding();
        let before_end = speech.prompt == self.voice.prompt && self.voice.asked_at.is_none_or(|at| speech.began < at);
        let speaking_again = self.speeches.iter().any(|other| other.turn == speech.turn);
        let coming = speaking_again || self.consultation.is_some() || !self.turn.keys.is_empty();
        if !asking || !self.voice.is_done() || before_end || coming {
            self.heard_nothing(speech.id);
        } else {
            self.ask_again(super::asking::Why::Unclear);
        }
    }

    pub(super) fn speech_limit(&self) -> Millis {
        match self.open_question() {
            Some((_, crate::domain::QuestionKind::FreeText { max_seconds })) => Millis::from(*max_seconds)
                .saturating_mul(1_000)
                .max(self.config.speech_limit_ms),
            _ => self.config.speech_limit_ms,
        }
    }

    fn forget(&mut self, id: SpeechId) -> Option<Speech> {
        let position = self.speeches.iter().position(|speech| speech.id == id)?;
        let speech = self.speeches.remove(position);
        // Each wait is for the oldest speech of its kind; the next one starts anew.
        self.timers.stop(Timer::Recognition);
        if self.speeches.iter().any(|speech| speech.ended.is_some()) {
            self.timers
                .set(Timer::Recognition, self.after(self.config.recognition_limit_ms));
        }
        self.timers.stop(Timer::Speech);
        if self.speeches.iter().any(|speech| speech.ended.is_none()) {
            self.timers.set(Timer::Speech, self.after(self.speech_limit()));
        }
        Some(speech)
    }

    pub(super) fn interpret(&self, text: &str) -> Interpretation {
        self.script.interpreter().interpret(&self.context(), text)
    }

    /// What what is said now is about.
    pub(super) fn context(&self) -> Context<'_> {
        let expectation = self.expectation();
        let question = match expectation {
            Expectation::Question(index) | Expectation::ConfirmAnswer(index) => self.script.kind(index),
            Expectation::Resume => self.open_question().map(|(_, kind)| kind),
            Expectation::Consent | Expectation::Confirm => None,
        };
        Context { expectation, question }
    }

    /// Words in a row that we are saying ourselves, unless they answer the question as a whole.
    fn is_echo(&self, text: &str, meant: &Interpretation, speech: Option<&Speech>) -> bool {
        let over_prompt = speech.is_some_and(|speech| speech.prompt == self.voice.prompt)
            && (!self.voice.is_done() || speech.is_some_and(|s| self.voice.asked_at.is_none_or(|at| s.began < at)));
        let said = words(text);
        let free = matches!(meant.value, Some(AnswerValue::FreeText(_)));
        let answers = meant.value.is_some() && meant.certain && !free;
        over_prompt
            && said.len() >= ECHO_WORDS
            && !answers
            && self
                .voice
                .saying
                .sentences
                .iter()
                .any(|sentence| find(&words(sentence), &said).is_some())
    }

    /// Whether it shows that a person has answered.
    pub(super) fn meet(&mut self, speech: &Speech, meant: &Interpretation, level: Level) {
        let machines = matches!(meant.intent, Intent::Voicemail | Intent::CallScreening);
        let answer = !meant.is_unclear() && !machines || meant.bystander;
        // No machine says what somebody says who answers for another, however long it takes.
        let short = speech.length(self.now) <= SHORT_ANSWER_MS || meant.bystander;
        if answer && (level >= Level::Certain || level == Level::Plausible && short) {
            self.answered_by = AnsweredBy::Person;
        }
    }

    fn placed(&self, speech: Speech, level: Level, meant: Interpretation, utterance: Utterance) -> Said {
        let same_prompt = speech.prompt == self.voice.prompt;
        Said {
            speech,
            level,
            meant,
            utterance,
            before_asking: same_prompt && self.voice.asking_at.is_none_or(|at| speech.began < at),
            before_asked: same_prompt
                && self
                    .voice
                    .asked_at
                    .is_none_or(|at| speech.began.saturating_add(self.config.early_ms) < at),
            over_prompt: !self.voice.is_done(),
            by_model: false,
        }
    }

    pub(super) fn is_holding(&self) -> bool {
        self.turn.step == Step::Holding
    }

    /// The time at which a wait that begins now is over.
    pub(super) fn after(&self, wait: Millis) -> Millis {
        self.now.saturating_add(wait)
    }
}

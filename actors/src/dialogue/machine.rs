//! The conversation: its inputs and waits, each handed to the part that deals with it.

use super::config::DialogueConfig;
use super::hearing::Said;
use super::input::{Input, Millis, NamedGreeting, RequestId};
use super::output::{Expectation, Output, TurnNote};
use super::script::Script;
use super::state::{Ask, Phase, Record, Speech, Step, Turn, Voice};
use super::timers::{Timer, Timers};
use super::understanding::{Consultation, Memory};
use crate::domain::{AnsweredBy, EndReason, MachineVerdict, Opening, QuestionKind};
use crate::ports::TranscriptSpeaker;
use std::collections::VecDeque;
use std::sync::Arc;

/// One conversation. See the [module's contract](super).
///
/// ```text
/// Waiting → Opening → Asking(Consent) → Asking(Question 0, 1, 2) → Closing → Over
/// ```
/// From every state there are ways to `Closing` (goodbye, then `End`) and to `Over` (the stream is gone); a wish to
/// be removed passes through `Removing`, a machine through `Machine`, a service that screens calls through `Screened`.
#[derive(Debug)]
pub struct Dialogue {
    /// With all its languages.
    pub(super) survey: Arc<Script>,
    /// In the language that is spoken.
    pub(super) script: Arc<Script>,
    /// In the language that consent was last asked for in.
    pub(super) consent_script: Arc<Script>,
    pub(super) config: DialogueConfig,
    outputs: VecDeque<Output>,
    pub(super) timers: Timers,
    pub(super) now: Millis,
    pub(super) phase: Phase,
    pub(super) turn: Turn,
    pub(super) voice: Voice,
    /// Speeches whose meaning is not known yet, oldest first.
    pub(super) speeches: Vec<Speech>,
    /// What has been said of an answer whose speaker goes on.
    pub(super) held: Option<Box<Said>>,
    listening: Option<(Expectation, u32)>,
    pub(super) playbacks: u32,
    /// By what was heard and pressed. A person is never taken for a machine from then on (L16).
    pub(super) answered_by: AnsweredBy,
    /// The carrier calls it a person.
    pub(super) person_by_verdict: bool,
    /// Who calls and why has been heard, so that consent may be asked without saying it again.
    pub(super) introduced: bool,
    /// Whether the person can be greeted by name.
    pub(super) named: NamedGreeting,
    /// A machine verdict that came before the stream was up, or while what was said was being recognised.
    pub(super) verdict: Option<MachineVerdict>,
    /// Speech at the very beginning that was not understood.
    pub(super) odd_speech_ms: Millis,
    /// All speech so far, and when the last of it ended: what a "hello" is known by.
    pub(super) spoken_ms: Millis,
    pub(super) last_voice: Millis,
    /// The carrier takes for a machine who sounded like a person: the first silence decides.
    pub(super) suspected: bool,
    /// Playbacks in a row that could not be spoken.
    pub(super) playback_failures: u8,
    pub(super) record: Record,
    /// What the language model has been asked and has not settled.
    pub(super) consultation: Option<Consultation>,
    pub(super) requests: u32,
    /// What was said last, for the language model.
    pub(super) memory: Memory,
}

impl Dialogue {
    /// A conversation that has not begun: its first input is [`Input::Started`].
    pub fn new(script: Arc<Script>, config: DialogueConfig) -> Self {
        Self {
            survey: Arc::clone(&script),
            consent_script: Arc::clone(&script),
            script,
            config,
            outputs: VecDeque::new(),
            timers: Timers::default(),
            now: 0,
            phase: Phase::Waiting,
            turn: Turn::new(0),
            voice: Voice::default(),
            speeches: Vec::new(),
            held: None,
            listening: None,
            playbacks: 0,
            answered_by: AnsweredBy::Unknown,
            person_by_verdict: false,
            introduced: false,
            named: NamedGreeting::Lost,
            verdict: None,
            odd_speech_ms: 0,
            spoken_ms: 0,
            last_voice: 0,
            suspected: false,
            playback_failures: 0,
            record: Record::default(),
            consultation: None,
            requests: 0,
            memory: Memory::default(),
        }
    }

    /// Takes one input. `now` never goes back; a smaller one is taken as the last. Every input is harmless in every
    /// state: what does not fit is ignored.
    pub fn handle(&mut self, now: Millis, input: Input) {
        self.now = self.now.max(now);
        match input.sane() {
            _ if self.is_over() => {}
            Input::StreamEnded { orderly } => {
                self.act_on_what_is_held();
                self.end_with(if orderly {
                    EndReason::HungUp
                } else {
                    EndReason::StreamLost
                });
            }
            Input::Terminate { reason } => self.terminate(reason),
            Input::Machine { verdict } if self.phase == Phase::Waiting => self.verdict = Some(verdict),
            Input::ChosenLanguage { language } if self.phase == Phase::Waiting => self.begin_in(&language),
            Input::Started if self.phase == Phase::Waiting => self.start(),
            _ if self.phase == Phase::Waiting => {}
            Input::Started | Input::ChosenLanguage { .. } => {}
            Input::SpeechStarted { speech, began_ms } => self.speech_started(speech, began_ms),
            Input::SpeechSustained { speech } => self.speech_sustained(speech),
            Input::Partial { speech, text } => self.partly_recognized(speech, &text),
            Input::SpeechEnded { speech, ended_ms } => self.speech_ended(speech, ended_ms),
            Input::SpeechDiscarded { speech } => self.speech_discarded(speech),
            Input::Recognized {
                speech,
                text,
                confidence,
                uncertain,
            } => {
                self.recognized(speech, text, confidence, uncertain);
            }
            Input::RecognitionFailed { speech, .. } => self.recognition_failed(speech),
            Input::Key { key } => self.key(key),
            Input::PlaybackBegan { playback } => self.playback_began(playback),
            Input::SentencePlayed { playback, sentence } => self.sentence_played(playback, sentence),
            Input::PlaybackEnded { playback } => self.playback_ended(playback),
            Input::PlaybackCleared { playback, cut_sentence } => self.playback_cleared(playback, cut_sentence),
            Input::PlaybackFailed { playback } => self.playback_failed(playback),
            Input::NamedGreeting { state } => self.named_greeting(state),
            Input::Machine { verdict } => self.machine_verdict(verdict),
            Input::Beep => self.beep(),
            Input::FaxTone => self.machine_verdict(MachineVerdict::Fax),
            Input::DoNotCallRecorded { stored } => self.do_not_call_recorded(stored),
            Input::Classified { request, meaning } => self.classified(request, meaning),
            Input::ReplySentence { request, text } => self.reply_sentence(request, &text),
            Input::ClassifyFailed { request, .. }
            | Input::ReplyEnded { request }
            | Input::ReplyFailed { request, .. } => self.consultation_over(request),
        }
        self.settle_consultation();
        self.settle_verdict();
    }

    /// The next thing to do; `None` when all is done for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Dialogue::handle_timeout`] must be called next; `None` if nothing is waited for.
    pub fn poll_timeout(&self) -> Option<Millis> {
        self.timers.next()
    }

    /// Lets every wait that is over by `now` take its effect. Harmless if none is.
    pub fn handle_timeout(&mut self, now: Millis) {
        self.now = self.now.max(now);
        while let Some(timer) = self.timers.take_due(self.now) {
            match timer {
                Timer::Opening => self.greet(),
                Timer::Name => self.name_overdue(),
                Timer::LongSpeech => self.long_speech(),
                Timer::Speech | Timer::Recognition => self.speech_overdue(timer),
                Timer::Understanding => self.consultation_overdue(),
                Timer::Filler => self.filler_due(),
                Timer::Acknowledgement => self.acknowledgement_overdue(),
                Timer::Response => self.response_overdue(),
                Timer::Keys => self.keys_complete(),
                Timer::Silence | Timer::Turn => self.no_answer_came(),
                Timer::Hold => self.hold_over(),
                Timer::Playback => self.marks_lost(),
                Timer::DoNotCall => self.do_not_call_recorded(false),
                Timer::BeepSilence | Timer::Beep => self.leave_message(),
                Timer::Screening => self.nobody_was_put_through(),
                Timer::Call => self.longest_call_reached(),
            }
        }
        self.settle_consultation();
        self.settle_verdict();
    }

    /// The one request whose answer is waited for: what comes of any other is passed over, and whoever asked for it may
    /// stop.
    pub fn open_request(&self) -> Option<RequestId> {
        self.consultation
            .as_ref()
            .filter(|asked| asked.is_open())
            .map(|asked| asked.request)
    }

    /// True once `End` has been put out: every further input is ignored.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// True while the last words are spoken, or the wish to be removed is written before them.
    pub fn is_closing(&self) -> bool {
        matches!(self.phase, Phase::Closing(_) | Phase::Removing)
    }

    /// True while partial results can change anything: a prompt is spoken that speech may interrupt, or has been.
    pub fn heeds_partials(&self) -> bool {
        matches!(self.phase, Phase::Asking(_)) && !self.voice.is_done()
    }

    /// Who answered, as far as is known now.
    pub fn answered_by(&self) -> AnsweredBy {
        match self.answered_by {
            AnsweredBy::Unknown if self.person_by_verdict => AnsweredBy::Person,
            known => known,
        }
    }

    fn start(&mut self) {
        self.phase = Phase::Opening;
        self.timers.set(
            Timer::Call,
            self.after(Millis::from(self.script.campaign.longest_call_seconds) * 1_000),
        );
        self.timers.set(Timer::Opening, self.after(self.hello_wait_ms()));
        self.listen();
    }

    /// How long the callee's "hello" is waited for.
    pub(super) fn hello_wait_ms(&self) -> Millis {
        let campaign = &self.script.campaign;
        match campaign.opening {
            // The next moment: whether there is a name to greet by comes right after the start.
            Opening::AtOnce => 0,
            Opening::AfterHello => campaign.hello_wait_ms.map_or(self.config.opening_wait_ms, Millis::from),
        }
    }

    pub(super) fn put(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn note(&mut self, speaker: TranscriptSpeaker, text: String, confidence: Option<f32>) {
        if self.config.language_model {
            self.memory.keep(speaker, &text, confidence);
        }
        self.put(Output::Note(TurnNote {
            speaker,
            text,
            confidence,
        }));
    }

    /// The question that is open.
    pub(super) fn open_question(&self) -> Option<(usize, &QuestionKind)> {
        match self.phase {
            Phase::Asking(Ask::Question(index)) => self.script.kind(index).map(|kind| (index, kind)),
            _ => None,
        }
    }

    /// What may be said now.
    pub(super) fn expectation(&self) -> Expectation {
        match (&self.phase, &self.turn.step) {
            (Phase::Asking(_), Step::Holding) => Expectation::Resume,
            (Phase::Asking(Ask::Question(index)), Step::Confirming(pending)) if pending.what.is_value() => {
                Expectation::ConfirmAnswer(*index)
            }
            (Phase::Asking(_), Step::Confirming(_)) => Expectation::Confirm,
            (Phase::Asking(Ask::Question(index)), Step::Asked) => Expectation::Question(*index),
            (Phase::Closing(_) | Phase::Removing, _) => Expectation::Confirm,
            _ => Expectation::Consent,
        }
    }

    /// Tells the recogniser what may be said now, if that has changed.
    pub(super) fn listen(&mut self) {
        let expectation = self.expectation();
        let patience_ms = match expectation {
            Expectation::Question(index) => self.patience(index),
            Expectation::ConfirmAnswer(_) | Expectation::Consent | Expectation::Confirm | Expectation::Resume => {
                self.config.patience_closed_ms
            }
        };
        if self.listening != Some((expectation, patience_ms)) {
            self.listening = Some((expectation, patience_ms));
            self.put(Output::Listen {
                expectation,
                patience_ms,
            });
        }
    }

    fn patience(&self, index: usize) -> u32 {
        let Some(question) = self.script.campaign.questions.get(index) else {
            return self.config.patience_closed_ms;
        };
        question.patience_ms.unwrap_or(match question.answer {
            QuestionKind::YesNo | QuestionKind::Choice { .. } => self.config.patience_closed_ms,
            QuestionKind::Number { .. } | QuestionKind::Scale { .. } => self.config.patience_number_ms,
            QuestionKind::FreeText { .. } => self.config.patience_free_ms,
        })
    }
}

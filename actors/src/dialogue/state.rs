//! What a conversation remembers.

use super::input::{Millis, PlaybackId, SpeechId};
use super::prompt::Prompt;
use crate::domain::{Answer, AnswerValue, AskedTime, Disposition, EndReason, Outcome};

/// Where the conversation stands.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Phase {
    /// The stream is not up yet.
    Waiting,
    /// The person called may say "hello" before the greeting begins.
    Opening,
    /// Something has been asked.
    Asking(Ask),
    /// Do-not-call is being written.
    Removing,
    /// A machine answered.
    Machine(MachineStage),
    /// A service asked who calls; it was told, and a person may follow.
    Screened,
    /// The last words are being spoken.
    Closing(Ending),
    /// `End` has been put out.
    Over,
}

/// What is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ask {
    Consent,
    Question(usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum MachineStage {
    /// Until its greeting is over.
    Greeting,
    /// The message is being spoken; again from its start if the beep comes only now.
    Leaving { restarted: bool },
}

/// How the call will end once the last words are spoken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ending {
    pub(super) reason: EndReason,
    pub(super) outcome: Outcome,
    pub(super) disposition: Disposition,
}

/// One exchange: from asking to an answer, a change of subject or the end of patience.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Turn {
    /// Counts up whenever something else is asked; speech of an older turn is out of date.
    pub(super) number: u32,
    pub(super) step: Step,
    /// How often the question was asked in full.
    pub(super) asked: u8,
    pub(super) reprompts: u8,
    pub(super) detours: u8,
    /// The caller has been told that it takes a moment.
    pub(super) filled: bool,
    /// Keys of a number so far.
    pub(super) keys: String,
}

impl Turn {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            step: Step::Asked,
            asked: 1,
            reprompts: 0,
            detours: 0,
            filled: false,
            keys: String::new(),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Step {
    /// The question itself.
    Asked,
    /// "Did I hear …?"
    Confirming(Pending),
    /// "Hold on."
    Holding,
}

/// What was heard and waits for a yes.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Pending {
    pub(super) what: Doubt,
    /// As it was heard.
    pub(super) heard: Utterance,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Doubt {
    Consent,
    Refusal,
    Value(AnswerValue),
    Removal,
    WrongPerson,
    Callback(Option<AskedTime>),
}

/// Recognised words with what the recogniser thinks of them; the evidence for what is recorded.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Utterance {
    pub(super) text: String,
    /// `None` for keys.
    pub(super) confidence: Option<f32>,
    pub(super) uncertain: bool,
}

impl Utterance {
    pub(super) fn keys(keys: impl Into<String>) -> Self {
        Self {
            text: keys.into(),
            confidence: None,
            uncertain: false,
        }
    }
}

/// A stretch of speech whose meaning is not known yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Speech {
    pub(super) id: SpeechId,
    pub(super) began: Millis,
    /// The last voiced instant, once it has ended.
    pub(super) ended: Option<Millis>,
    pub(super) sustained: bool,
    /// What the recogniser has shown of it.
    pub(super) shown: Shown,
    /// The turn it began in.
    pub(super) turn: u32,
    /// The prompt it began in.
    pub(super) prompt: u32,
}

/// What a recogniser shows of a speech before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// It shows nothing.
    Untold,
    /// No word yet.
    Nothing,
    /// Words that only show that their speaker listens.
    Acknowledgement,
    /// Other words.
    Words,
}

impl Speech {
    pub(super) fn length(&self, now: Millis) -> Millis {
        self.ended.unwrap_or(now).saturating_sub(self.began)
    }
}

/// What we are saying, and how much of it has been heard.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Voice {
    /// Counts prompts; resuming one does not count.
    pub(super) prompt: u32,
    /// The playbacks under way, in their order; empty once they have ended or were silenced for good. More than one only
    /// while a reply is spoken as it comes.
    pub(super) parts: Vec<Part>,
    /// What is being said since it was begun or resumed, with what of it asks.
    pub(super) saying: Prompt,
    /// Sentences of it heard to their end.
    pub(super) heard: usize,
    /// When the asking sentence began to be heard.
    pub(super) asking_at: Option<Millis>,
    /// When it had been heard whole.
    pub(super) asked_at: Option<Millis>,
    /// The speech for which playing was interrupted, while its meaning is not known.
    pub(super) cut_by: Option<SpeechId>,
    /// Whether speech may interrupt it.
    pub(super) interruptible: bool,
    pub(super) false_interruptions: u8,
    /// Something of a language model's words in it has been heard.
    pub(super) reply_began: bool,
    /// The words that bridge a wait, while they are played. They are no part of the prompt.
    pub(super) filler: Option<PlaybackId>,
}

/// One playback: which sentences of the prompt it says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) playback: PlaybackId,
    /// Its first sentence.
    pub(super) from: usize,
    /// The one after its last.
    pub(super) to: usize,
}

impl Voice {
    /// Sound is on its way to the caller.
    pub(super) fn is_playing(&self) -> bool {
        !self.parts.is_empty() && self.cut_by.is_none()
    }

    /// The prompt is over: heard to its end or silenced for good.
    pub(super) fn is_done(&self) -> bool {
        self.parts.is_empty() && !self.saying.is_open()
    }

    /// Anything of ours is on its way to the caller.
    pub(super) fn is_sounding(&self) -> bool {
        self.is_playing() || self.filler.is_some()
    }

    /// The part that a playback says.
    pub(super) fn part(&self, playback: PlaybackId) -> Option<Part> {
        self.parts.iter().find(|part| part.playback == playback).copied()
    }
}

/// What has been recorded.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Record {
    /// Agreed or refused; `None` while neither.
    pub(super) consent: Option<bool>,
    pub(super) answers: Vec<Answer>,
    /// A question was skipped in so many words.
    pub(super) skipped: bool,
    /// Do-not-call was asked for.
    pub(super) removal: bool,
    /// Its writing is under way.
    pub(super) removal_pending: bool,
}

impl Record {
    pub(super) fn consented(&self) -> bool {
        self.consent == Some(true)
    }

    /// At least one question has a value.
    pub(super) fn answered(&self) -> bool {
        self.answers
            .iter()
            .any(|answer| answer.value != AnswerValue::NotAnswered)
    }
}

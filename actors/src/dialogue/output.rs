//! What a conversation asks for.

use super::input::{PlaybackId, RequestId};
use crate::domain::{Answer, ConsentEvidence, Disposition, EndReason, Language, Outcome, SpokenTime};
use crate::ports::{Spoken, TranscriptSpeaker};
use serde::{Deserialize, Serialize};

/// What the caller may be expected to say now: chooses the recogniser's grammar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    /// Agreement or refusal to take part.
    Consent,
    /// An answer to question 0, 1 or 2.
    Question(usize),
    /// Yes or no to "did you say …?" about question 0, 1 or 2; the answer itself may be given again.
    ConfirmAnswer(usize),
    /// Yes or no to a confirming turn outside the questions (consent, removal, wrong person, …).
    Confirm,
    /// Anything that ends a wait ("hold on").
    Resume,
}

/// One line for transcript and live view.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TurnNote {
    /// Who.
    pub speaker: TranscriptSpeaker,
    /// Of the agent's words, what has been heard by the caller; of the caller's, what was recognised.
    pub text: String,
    /// Recogniser's confidence.
    pub confidence: Option<f32>,
}

/// What the language model is asked about; [`Script`](super::Script) puts it into words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelQuery {
    /// Named in the inputs about it.
    pub request: RequestId,
    /// What was expected: names phase and question.
    pub expectation: Expectation,
    /// What the caller said, as recognised.
    pub text: String,
    /// What was said before, oldest first: of our words what was heard, of the caller's what was recognised.
    pub history: Vec<Spoken>,
}

/// One thing to do. The runtime carries them out in order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "output", rename_all = "snake_case")]
pub enum Output {
    /// Speak these sentences, after what is still playing. Each is a whole sentence and the unit of resuming.
    Play {
        /// Named in the inputs about it.
        playback: PlaybackId,
        /// Texts.
        sentences: Vec<String>,
    },
    /// Stop speaking at once; `PlaybackCleared` will follow for each playback under way.
    Clear,
    /// From now on, utterances are recognised against this.
    Listen {
        /// Which grammar.
        expectation: Expectation,
        /// Silence that ends an utterance, in milliseconds.
        patience_ms: u32,
    },
    /// From now on the call is in this language: what is played, what is recognised, and what a language model is told.
    /// Sentences that offer other languages are played in theirs all the same.
    SwitchLanguage {
        /// One of the campaign's.
        language: Language,
    },
    /// Keep the consent or the refusal.
    RecordConsent(ConsentEvidence),
    /// Keep an answer. At most one per question.
    RecordAnswer(Answer),
    /// Put the number on do-not-call now; `DoNotCallRecorded` will follow.
    AddDoNotCall,
    /// Keep the wish to be called later, with the time as said.
    RequestCallback {
        /// For example "after six"; `None` if no time was said.
        when: Option<String>,
        /// What it means; `None` if it names no time that could be kept. Journals of earlier versions do not have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        time: Option<SpokenTime>,
    },
    /// Ask the language model what was meant; `Classified` or `ClassifyFailed` will follow. At most one request is
    /// open at a time: see [`Dialogue::open_request`](super::Dialogue::open_request).
    Classify(ModelQuery),
    /// Ask the language model to answer what the caller wants to know about the call; `ReplySentence`s and then
    /// `ReplyEnded` or `ReplyFailed` will follow.
    Reply(ModelQuery),
    /// A line of the transcript.
    Note(TurnNote),
    /// Hang up. The last output; nothing is spoken after it.
    End {
        /// Why.
        reason: EndReason,
        /// What came of it.
        outcome: Outcome,
        /// Standard code.
        disposition: Disposition,
    },
}

//! What can happen to a conversation.

use super::meaning::ModelMeaning;
use crate::domain::{EndReason, Language, MachineVerdict};
use serde::{Deserialize, Serialize};

/// Milliseconds since the media stream's start.
pub type Millis = u64;

/// A stretch of speech by the caller, numbered from 0 as the voice activity detector finds them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SpeechId(pub u32);

/// One `Play`, numbered from 0 by the dialogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PlaybackId(pub u32);

/// One thing asked of the language model, numbered from 0 by the dialogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RequestId(pub u32);

/// Why the language model did not help.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFault {
    /// No answer in time.
    TimedOut,
    /// It is gone, busy, or refuses.
    Lost,
    /// It answered with something else than was asked for.
    Unusable,
}

/// Why an utterance has no recognition.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecognitionFault {
    /// No result in time.
    TimedOut,
    /// The recogniser is gone or overloaded.
    Lost,
    /// It cannot serve this utterance.
    Unsupported,
}

/// What is known of the sentence that greets a person by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedGreeting {
    /// It is being spoken, for this call.
    Coming,
    /// It can be played at once.
    Ready,
    /// It cannot be had.
    Lost,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// The media stream is up. The first input, once.
    Started,
    /// Voice activity began; `began_ms` is its estimated onset (a little before now).
    SpeechStarted {
        /// Which.
        speech: SpeechId,
        /// Estimated onset.
        began_ms: Millis,
    },
    /// The speech has lasted long enough to be meant (barge-in). At most once per speech.
    SpeechSustained {
        /// Which.
        speech: SpeechId,
    },
    /// What the recogniser makes of a speech that goes on; from recognisers that show it, as it changes.
    Partial {
        /// Which.
        speech: SpeechId,
        /// Lower-case words so far; empty if there are none yet.
        text: String,
    },
    /// The speech is over (end-pointed); `Recognized` or `RecognitionFailed` will follow, or `SpeechDiscarded` came
    /// instead of this.
    SpeechEnded {
        /// Which.
        speech: SpeechId,
        /// Last voiced instant.
        ended_ms: Millis,
    },
    /// Too short to be speech (a click, a burst): nothing follows.
    SpeechDiscarded {
        /// Which.
        speech: SpeechId,
    },
    /// What the recogniser made of a speech.
    Recognized {
        /// Which.
        speech: SpeechId,
        /// Lower-case words; empty for a rejection.
        text: String,
        /// 0 to 1, see `ports::Heard`.
        confidence: f32,
        /// A guess at free speech.
        uncertain: bool,
    },
    /// The recogniser gave no result.
    RecognitionFailed {
        /// Which.
        speech: SpeechId,
        /// Why.
        fault: RecognitionFault,
    },
    /// A key was pressed: `0`-`9`, `*`, `#`.
    Key {
        /// Which.
        key: char,
    },
    /// The first audio of a playback has been sent.
    PlaybackBegan {
        /// Which.
        playback: PlaybackId,
    },
    /// A sentence of a playback has been heard to its end.
    SentencePlayed {
        /// Of which playback.
        playback: PlaybackId,
        /// Index in its `sentences`.
        sentence: usize,
    },
    /// Every sentence of a playback has been heard to its end.
    PlaybackEnded {
        /// Which.
        playback: PlaybackId,
    },
    /// A `Clear` took effect: what follows in the playback was not heard.
    PlaybackCleared {
        /// Which.
        playback: PlaybackId,
        /// The first sentence that was not heard to its end.
        cut_sentence: usize,
    },
    /// A playback cannot be spoken, or not to its end (no audio from synthesis). What was sent of it has been heard.
    PlaybackFailed {
        /// Which.
        playback: PlaybackId,
    },
    /// The state of the greeting by name has changed. A call without a name has no such input.
    NamedGreeting {
        /// The new state.
        state: NamedGreeting,
    },
    /// The carrier's machine detection has spoken.
    Machine {
        /// What it says.
        verdict: MachineVerdict,
    },
    /// A long tone as at the end of a voicemail greeting was heard.
    Beep,
    /// The tones of a fax were heard.
    FaxTone,
    /// The do-not-call entry is written (`stored`), or could not be written now (it will be with the outcome).
    DoNotCallRecorded {
        /// Whether it is in the store.
        stored: bool,
    },
    /// What the language model takes an utterance to mean.
    Classified {
        /// Which request; an answer to any but the open one is passed over.
        request: RequestId,
        /// As it came; checked against the open question by the dialogue.
        meaning: ModelMeaning,
    },
    /// The language model does not say what an utterance means.
    ClassifyFailed {
        /// Which request.
        request: RequestId,
        /// Why.
        fault: ModelFault,
    },
    /// A sentence of a reply, whole, in its order.
    ReplySentence {
        /// Which request.
        request: RequestId,
        /// The sentence; checked by the dialogue before it is spoken.
        text: String,
    },
    /// A reply is complete.
    ReplyEnded {
        /// Which request.
        request: RequestId,
    },
    /// A reply broke off or did not come.
    ReplyFailed {
        /// Which request.
        request: RequestId,
        /// Why.
        fault: ModelFault,
    },
    /// The person called chose this language beforehand. Before `Started`; a language that the campaign has not, and
    /// one that comes later, changes nothing.
    ChosenLanguage {
        /// The campaign's tag of it, or a variety.
        language: Language,
    },
    /// The stream stopped or its socket closed.
    StreamEnded {
        /// True for an orderly `stop`; false if the socket broke.
        orderly: bool,
    },
    /// End now, from outside: a limit, an operator, a fault.
    Terminate {
        /// Why.
        reason: EndReason,
    },
}

impl Input {
    /// The same with a confidence between 0 and 1; what is no number is 0. A journal can hold no other.
    pub(super) fn sane(mut self) -> Self {
        if let Self::Recognized { confidence, .. } = &mut self {
            *confidence = if confidence.is_nan() {
                0.0
            } else {
                confidence.clamp(0.0, 1.0)
            };
        }
        self
    }
}

//! How a call ended, in four separate vocabularies: who took it ([`AnsweredBy`]), what the respondent did
//! ([`Outcome`]), the standard disposition code ([`Disposition`]), and why we stopped talking ([`EndReason`]).

use super::AnswerVia;
use serde::{Deserialize, Serialize};

/// What came of a call, apart from what the carrier says of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Consent, and every question asked to its end.
    Completed,
    /// Consent and at least one answer, then the call ended.
    Partial,
    /// Consent refused, not interested, or a wish to be removed.
    Refused,
    /// A wish to be called later.
    Callback,
    /// Not the person, or not the number, that was meant.
    WrongPerson,
    /// An answering machine.
    Voicemail,
    /// Answered, and then nothing that could be used: silence, or hung up before consent.
    Abandoned,
    /// The call was not answered, or a fault of ours or of the carrier ended it.
    Failed,
}

/// AAPOR final disposition code (Standard Definitions, 10th edition), as the digits after which rates are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Disposition {
    /// 1.1
    #[serde(rename = "1.1")]
    Complete,
    /// 1.2
    #[serde(rename = "1.2")]
    Partial,
    /// 2.112
    #[serde(rename = "2.112")]
    RespondentRefusal,
    /// 2.12
    #[serde(rename = "2.12")]
    BreakOff,
    /// 2.20
    #[serde(rename = "2.20")]
    NonContact,
    /// 3.11
    #[serde(rename = "3.11")]
    NotAttempted,
    /// 3.12
    #[serde(rename = "3.12")]
    Busy,
    /// 3.13
    #[serde(rename = "3.13")]
    NoAnswer,
    /// 3.14
    #[serde(rename = "3.14")]
    Machine,
    /// 3.16
    #[serde(rename = "3.16")]
    TechnicalProblem,
    /// 4.2
    #[serde(rename = "4.2")]
    Fax,
    /// 4.31
    #[serde(rename = "4.31")]
    NonWorkingNumber,
}

impl Disposition {
    /// The code as text, for example `2.112`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Complete => "1.1",
            Self::Partial => "1.2",
            Self::RespondentRefusal => "2.112",
            Self::BreakOff => "2.12",
            Self::NonContact => "2.20",
            Self::NotAttempted => "3.11",
            Self::Busy => "3.12",
            Self::NoAnswer => "3.13",
            Self::Machine => "3.14",
            Self::TechnicalProblem => "3.16",
            Self::Fax => "4.2",
            Self::NonWorkingNumber => "4.31",
        }
    }
}

/// Why a conversation ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Everything was asked; the thanks were played.
    SurveyDone,
    /// Consent refused or not interested.
    Refused,
    /// Do-not-call recorded.
    Removed,
    /// A callback was agreed.
    CallbackAgreed,
    /// Wrong person.
    WrongPerson,
    /// A machine answered.
    Machine,
    /// A fax answered.
    Fax,
    /// A service that screens calls did not put us through.
    Screened,
    /// Nothing was heard, or nothing understood, in spite of re-prompts.
    NoInput,
    /// The person hung up, or the carrier ended the call.
    HungUp,
    /// The media stream broke while the call may have gone on.
    StreamLost,
    /// One of the limits on every call (CALL-14) was reached.
    LimitReached,
    /// An operator ended it, or the server is draining past its limit.
    Terminated,
    /// A fault of ours: a panic, a stuck worker, speech services gone.
    Fault,
}

/// Who took a call, as far as it showed by its end: the result of answer supervision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// Somebody who said or pressed something that no machine does; without that, whom the carrier calls one.
    Person,
    /// An answering machine, or an announcement of the network's.
    Voicemail,
    /// A service that screens calls, and nobody after it who showed to be a person.
    CallScreening,
    /// A fax.
    Fax,
    /// Nothing told: treated as a person.
    #[default]
    Unknown,
}

impl AnsweredBy {
    /// The class as one word, for example `call_screening`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Voicemail => "voicemail",
            Self::CallScreening => "call_screening",
            Self::Fax => "fax",
            Self::Unknown => "unknown",
        }
    }
}

/// What the carrier's machine detection says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineVerdict {
    /// A person.
    Human,
    /// A machine; its greeting may still be playing.
    MachineStart,
    /// A machine whose greeting has ended (beep, silence or otherwise).
    MachineEnd,
    /// A fax.
    Fax,
    /// Not known: treated as a person.
    Unknown,
}

/// Consent or refusal with its evidence: what is kept to show that a person was asked and what they said.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ConsentEvidence {
    /// True: agreed. False: refused.
    pub granted: bool,
    /// The wording of the question as it was spoken.
    pub wording: String,
    /// BCP 47 tag of the language it was asked in.
    pub language: String,
    /// What was recognised, or the key pressed.
    pub heard: String,
    /// Recogniser's confidence, 0 to 1; `None` for keys.
    pub confidence: Option<f32>,
    /// How it came.
    pub via: AnswerVia,
    /// Milliseconds since the stream's start.
    pub at_ms: u64,
    /// The reason for a refusal if one was given ("not interested", "remove me").
    pub reason: Option<String>,
}

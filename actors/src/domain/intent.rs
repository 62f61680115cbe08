//! What a person may mean, whatever the phase of the call.

use serde::{Deserialize, Serialize};

/// The meaning of one utterance apart from an answer's value. One set for every language.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// Agreement: "yes", "go ahead".
    Yes,
    /// Disagreement: "no", "no thank you".
    No,
    /// "I am interested" (outreach; agreement to a survey).
    Interested,
    /// "Not interested": a refusal of the call, not of one question.
    NotInterested,
    /// "Could you repeat that?"
    Repeat,
    /// "Who is this?", "where are you calling from?"
    WhoIsThis,
    /// "Call me later", with a time if one was said.
    CallLater,
    /// "Wrong number", "there is nobody of that name here".
    WrongPerson,
    /// "Remove me", "do not call again": do-not-call.
    RemoveMe,
    /// A wish for another language.
    SwitchLanguage,
    /// What an answering machine says.
    Voicemail,
    /// "Hold on", "one moment".
    HoldOn,
    /// "I don't know", "skip": no answer to this question, but a wish to go on.
    NoAnswer,
    /// Nothing that is understood.
    Unclear,
}

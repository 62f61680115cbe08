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
    /// What a service says that asks callers who they are before it puts them through.
    CallScreening,
    /// "Hold on", "one moment".
    HoldOn,
    /// "I don't know", "skip": no answer to this question, but a wish to go on.
    NoAnswer,
    /// Nothing that is understood.
    Unclear,
}

impl Intent {
    /// Every intent, in the order above.
    pub const ALL: [Self; 15] = [
        Self::Yes,
        Self::No,
        Self::Interested,
        Self::NotInterested,
        Self::Repeat,
        Self::WhoIsThis,
        Self::CallLater,
        Self::WrongPerson,
        Self::RemoveMe,
        Self::SwitchLanguage,
        Self::Voicemail,
        Self::CallScreening,
        Self::HoldOn,
        Self::NoAnswer,
        Self::Unclear,
    ];

    /// As it is written in files and told to models: `call_later`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Interested => "interested",
            Self::NotInterested => "not_interested",
            Self::Repeat => "repeat",
            Self::WhoIsThis => "who_is_this",
            Self::CallLater => "call_later",
            Self::WrongPerson => "wrong_person",
            Self::RemoveMe => "remove_me",
            Self::SwitchLanguage => "switch_language",
            Self::Voicemail => "voicemail",
            Self::CallScreening => "call_screening",
            Self::HoldOn => "hold_on",
            Self::NoAnswer => "no_answer",
            Self::Unclear => "unclear",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_intent_is_listed_once_in_order_and_named_as_it_is_written() {
        assert!(Intent::ALL.is_sorted_by(|one, next| one < next));
        assert_eq!(Intent::ALL.last(), Some(&Intent::Unclear));
        for intent in Intent::ALL {
            assert_eq!(serde_json::to_value(intent).expect("a name"), intent.name());
        }
    }
}

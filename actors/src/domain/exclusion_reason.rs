//! Why somebody takes a contact out of a campaign by hand.

use std::fmt;

/// Most characters of a reason.
pub const LONGEST_REASON: usize = 200;

/// The word that a contact has for a reason which is out because its number is on the exclusion list.
pub const LISTED: &str = "do_not_call";

/// Why a contact is taken out by hand: trimmed, 1 to 200 characters, none of them a control character, and not
/// [`LISTED`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExclusionReason(String);

/// Why a text is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExclusionReasonError {
    /// Nothing is said.
    #[error("is empty; say why, in 1 to {LONGEST_REASON} characters")]
    Empty,
    /// A line break, a tab or the like.
    #[error("has a control character (a line break, a tab); remove it")]
    ControlCharacter,
    /// Longer than a list shows.
    #[error("has more than {LONGEST_REASON} characters; shorten it")]
    TooLong,
    /// It would be taken for an entry of the exclusion list.
    #[error("means that the number is on the exclusion list; add it there, or say it in other words")]
    Reserved,
}

impl ExclusionReason {
    /// Reads a reason, without the white space around it.
    ///
    /// # Errors
    /// [`ExclusionReasonError`] says why a text is none.
    pub fn parse(text: &str) -> Result<Self, ExclusionReasonError> {
        let reason = text.trim();
        if reason.chars().any(char::is_control) {
            Err(ExclusionReasonError::ControlCharacter)
        } else if reason.chars().count() > LONGEST_REASON {
            Err(ExclusionReasonError::TooLong)
        } else if reason.is_empty() {
            Err(ExclusionReasonError::Empty)
        } else if reason == LISTED {
            Err(ExclusionReasonError::Reserved)
        } else {
            Ok(Self(reason.to_owned()))
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ExclusionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_trimmed_and_may_be_in_any_script() {
        for (text, reason) in [(" moved away ", "moved away"), ("पता बदला", "पता बदला")] {
            assert_eq!(ExclusionReason::parse(text).expect("a reason").as_str(), reason);
        }
        assert!(
            ExclusionReason::parse(&"ß".repeat(200)).is_ok(),
            "characters are counted, not bytes"
        );
    }

    #[test]
    fn what_is_no_reason_is_refused_with_what_to_do() {
        for (text, fault) in [
            ("", ExclusionReasonError::Empty),
            (" ", ExclusionReasonError::Empty),
            ("moved\naway", ExclusionReasonError::ControlCharacter),
            ("a\u{0}b", ExclusionReasonError::ControlCharacter),
            (&"a".repeat(201), ExclusionReasonError::TooLong),
            (" do_not_call ", ExclusionReasonError::Reserved),
        ] {
            assert_eq!(ExclusionReason::parse(text), Err(fault), "{text:?}");
            assert!(fault.to_string().contains("; "), "{fault}");
        }
    }
}

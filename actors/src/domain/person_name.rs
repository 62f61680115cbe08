//! Names of people, never printed.

use std::fmt;

/// Most characters of a name.
pub const LONGEST_NAME: usize = 80;

/// The name of a person as they are addressed: trimmed, with a letter in it, at most 80 characters.
///
/// `Debug` does not show it, and there is no `Display`, so that no log or panic message ever holds it;
/// [`PersonName::expose`] is the one way to the text.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Why a text is no name. The text itself is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonNameError {
    /// Nothing that could be spoken as a name.
    #[error("no name: it has no letter; write it as the person is addressed, or leave it empty")]
    NoLetter,
    /// A line break, a tab or the like.
    #[error("a name with a control character (a line break, a tab); remove it")]
    ControlCharacter,
    /// Longer than anybody is addressed.
    #[error("a name of more than {LONGEST_NAME} characters; shorten it, or leave it empty")]
    TooLong,
}

impl PersonName {
    /// Reads a name, without the white space around it.
    ///
    /// # Errors
    /// [`PersonNameError`] says why a text is none.
    pub fn parse(text: &str) -> Result<Self, PersonNameError> {
        let name = text.trim();
        if name.chars().any(char::is_control) {
            Err(PersonNameError::ControlCharacter)
        } else if name.chars().count() > LONGEST_NAME {
            Err(PersonNameError::TooLong)
        } else if !name.chars().any(char::is_alphabetic) {
            Err(PersonNameError::NoLetter)
        } else {
            Ok(Self(name.to_owned()))
        }
    }

    /// The name, for the database and for who speaks it; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_trimmed_and_may_be_in_any_script() {
        for (text, name) in [
            (" Priya Sharma ", "Priya Sharma"),
            ("प्रिया", "प्रिया"),
            ("O'Neil-Żuk, Dr.", "O'Neil-Żuk, Dr."),
        ] {
            assert_eq!(PersonName::parse(text).expect("a name").expose(), name);
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_what_to_do() {
        for (text, fault) in [
            ("", PersonNameError::NoLetter),
            (" - ", PersonNameError::NoLetter),
            ("+14155550123", PersonNameError::NoLetter),
            ("Ann\nPress 1", PersonNameError::ControlCharacter),
            ("A\u{0}", PersonNameError::ControlCharacter),
            (&"a".repeat(81), PersonNameError::TooLong),
        ] {
            assert_eq!(PersonName::parse(text), Err(fault), "{text:?}");
            assert!(fault.to_string().contains([';']), "{fault}");
        }
        assert!(
            PersonName::parse(&"ß".repeat(80)).is_ok(),
            "characters are counted, not bytes"
        );
    }

    proptest! {
        #[test]
        fn a_name_is_printed_nowhere_and_reading_it_again_changes_nothing(text in "\\PC{0,100}") {
            if let Ok(name) = PersonName::parse(&text) {
                prop_assert_eq!(format!("{name:?}"), "PersonName(***)");
                prop_assert_eq!(PersonName::parse(name.expose()), Ok(name));
            }
        }
    }
}

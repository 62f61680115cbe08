//! Telephone numbers in E.164 form, masked wherever they are printed.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A telephone number in E.164 form: `+`, then 7 to 15 digits, the first not 0 (ITU-T E.164).
///
/// `Debug` and `Display` mask it (`+91********34`), so that a log or a panic message never shows it whole;
/// [`PhoneNumber::expose`] is the one way to the digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// Why a text is not an E.164 number. The text itself is left out: it may be somebody's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an E.164 telephone number: write a plus sign, the country code and the number, 7 to 15 digits in all, for example +14155550123"
)]
pub struct PhoneNumberError;

impl PhoneNumber {
    /// Checks the form only, not whether the number exists.
    ///
    /// # Errors
    /// [`PhoneNumberError`] if the text is not `+` and 7 to 15 digits starting with 1 to 9.
    pub fn parse(text: &str) -> Result<Self, PhoneNumberError> {
        let digits = text.strip_prefix('+').ok_or(PhoneNumberError)?;
        let well_formed =
            (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
        if well_formed {
            Ok(Self(text.to_owned()))
        } else {
            Err(PhoneNumberError)
        }
    }

    /// The country calling code with its plus sign (`+91`), as ITU-T E.164 assigns them: 1 and 7 alone, a list of pairs
    /// of digits, triples otherwise. Countries of one numbering plan (`+1`) share it.
    pub fn calling_code(&self) -> &str {
        const PAIRS: &[&str] = &[
            "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49",
            "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84",
            "86", "90", "91", "92", "93", "94", "95", "98",
        ];
        let digits = &self.0[1..];
        let length = match digits.as_bytes() {
            [b'1' | b'7', ..] => 1,
            _ if PAIRS.contains(&&digits[..2]) => 2,
            _ => 3,
        };
        &self.0[..=length]
    }

    /// The whole number, for the carrier and the database only; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = self.0.len().saturating_sub(5);
        write!(
            f,
            "{}{}{}",
            &self.0[..3],
            "*".repeat(hidden),
            &self.0[self.0.len() - 2..]
        )
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneNumberError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calling_code_is_as_long_as_the_country_has_it() {
        for (number, code) in [
            ("+14155550123", "+1"),
            ("+919812345678", "+91"),
            ("+77011234567", "+7"),
            ("+353861234567", "+353"),
            ("+442071234567", "+44"),
        ] {
            assert_eq!(PhoneNumber::parse(number).expect("a number").calling_code(), code);
        }
    }

    #[test]
    fn a_number_is_masked_in_every_printed_form() {
        let number = PhoneNumber::parse("+919876543210").expect("well formed");
        assert_eq!(number.to_string(), "+91********10");
        assert!(!format!("{number:?}").contains("98765"));
        assert_eq!(number.expose(), "+919876543210");
    }

    #[test]
    fn a_text_that_is_not_e164_is_refused() {
        for text in [
            "",
            "+",
            "919876543210",
            "+0123456789",
            "+123456",
            "+1234567890123456",
            "+91 98765",
            "+९१९८७६५४३२१०",
        ] {
            assert_eq!(PhoneNumber::parse(text), Err(PhoneNumberError), "{text:?}");
        }
    }
}

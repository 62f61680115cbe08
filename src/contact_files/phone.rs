//! Telephone numbers as people write them, to E.164.

use phonenumber::{Mode, country};
use samvad_actors::domain::PhoneNumber;

/// A country whose way of writing numbers is understood, by its ISO 3166-1 code: `IN`, `US`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region(country::Id);

impl Region {
    /// Reads a code of two letters, large or small.
    ///
    /// # Errors
    /// A sentence for people, if there is no such country.
    pub fn parse(text: &str) -> Result<Self, String> {
        let id = text.trim().to_ascii_uppercase().parse();
        id.map(Self)
            .map_err(|_| "write the country's code of two letters (ISO 3166-1), for example IN or US".to_owned())
    }
}

/// Why a text is no number that can be called. The text itself is left out: it may be somebody's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberFault {
    /// Nothing is there.
    #[error("no telephone number; write one")]
    Empty,
    /// A spreadsheet has rounded it.
    #[error("a number that a spreadsheet has rounded (as 9.19E+11); format the column as text and export again")]
    Rounded,
    /// Letters in it.
    #[error("letters in a telephone number; write digits alone")]
    Letters,
    /// An extension cannot be called.
    #[error("an extension, which cannot be dialled; write the number alone")]
    Extension,
    /// Written as in its country, and nobody has said in which.
    #[error("no country code; write + and the country code, or name the country with --region")]
    NoCountry,
    /// Too short, too long, or otherwise not to be read.
    #[error("not a telephone number; write + and the country code, for example +14155550123")]
    Unreadable,
    /// There is no such number in its country's plan.
    #[error("a number that its country's numbering plan does not have; check its digits and the country")]
    NotInPlan,
}

/// Reads a number as people write it: with spaces, brackets and dashes, with `+` or `00` and a country code, or as in
/// `region`.
///
/// # Errors
/// [`NumberFault`].
pub fn read_number(text: &str, region: Option<Region>) -> Result<PhoneNumber, NumberFault> {
    // An apostrophe keeps a spreadsheet from taking the cell for a formula.
    let text = text.trim().trim_start_matches('\'').trim();
    if text.is_empty() {
        return Err(NumberFault::Empty);
    }
    let is_rounded = |text: &str| text.contains(['e', 'E']) && text.contains(['+', '.']) && text.parse::<f64>().is_ok();
    if is_rounded(text) {
        return Err(NumberFault::Rounded);
    }
    let lower = text.to_ascii_lowercase();
    if ["ext", "x", ";", "#"].iter().any(|mark| lower.contains(mark)) {
        return Err(NumberFault::Extension);
    }
    if text.chars().any(char::is_alphabetic) {
        return Err(NumberFault::Letters);
    }
    let international = text
        .strip_prefix("00")
        .map_or_else(|| text.to_owned(), |rest| format!("+{rest}"));
    if region.is_none() && !international.starts_with('+') {
        return Err(NumberFault::NoCountry);
    }
    let parsed =
        phonenumber::parse(region.map(|region| region.0), &international).map_err(|_| NumberFault::Unreadable)?;
    if parsed.extension().is_some() {
        return Err(NumberFault::Extension);
    }
    if !parsed.is_valid() {
        return Err(NumberFault::NotInPlan);
    }
    PhoneNumber::parse(&parsed.format().mode(Mode::E164).to_string()).map_err(|_| NumberFault::Unreadable)
}

/// The country of a number, by its ISO 3166-1 code; `None` if its code is nobody's or several countries'.
pub fn country_of(number: &PhoneNumber) -> Option<String> {
    let parsed = phonenumber::parse(None, number.expose()).ok()?;
    Some(parsed.country().id()?.as_ref().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn india() -> Option<Region> {
        Some(Region::parse("in").expect("a country"))
    }

    #[test]
    fn a_number_is_read_however_people_write_it() {
        for (text, region, number) in [
            ("+91 98123 45678", None, "+919812345678"),
            ("098123-45678", india(), "+919812345678"),
            ("98123 45678", india(), "+919812345678"),
            ("0091 9812345678", None, "+919812345678"),
            ("'+14155550123", None, "+14155550123"),
            ("(415) 555-0123", Region::parse("US").ok(), "+14155550123"),
            ("+1 415 555 0123", india(), "+14155550123"),
        ] {
            let read = read_number(text, region).map(|number| number.expose().to_owned());
            assert_eq!(read.as_deref(), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_called_is_named() {
        for (text, region, fault) in [
            ("", None, NumberFault::Empty),
            ("9.19877E+11", india(), NumberFault::Rounded),
            ("1-800-FLOWERS", None, NumberFault::Letters),
            ("+1 415 555 0123 ext 5", None, NumberFault::Extension),
            ("9812345678", None, NumberFault::NoCountry),
            ("+", None, NumberFault::Unreadable),
            ("12345", india(), NumberFault::NotInPlan),
        ] {
            assert_eq!(read_number(text, region), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_country_of_a_number_is_known() {
        let number = |text| PhoneNumber::parse(text).expect("a number");
        assert_eq!(country_of(&number("+919812345678")).as_deref(), Some("IN"));
        assert_eq!(country_of(&number("+14155550123")).as_deref(), Some("US"));
        assert!(Region::parse("India").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic_and_what_is_read_reads_again_as_itself(text in "[+0-9 ()-]{0,18}|.{0,30}") {
            for region in [None, india()] {
                if let Ok(number) = read_number(&text, region) {
                    prop_assert_eq!(read_number(number.expose(), None), Ok(number));
                }
            }
        }
    }
}

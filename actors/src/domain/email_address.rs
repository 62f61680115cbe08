//! E-mail addresses, masked wherever they are printed.

use std::fmt;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Most octets of an address (RFC 5321, section 4.5.3.1.3, without the angle brackets).
pub const LONGEST_EMAIL_ADDRESS: usize = 254;
/// Most octets before the `@` (RFC 5321, section 4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;
/// Most characters between two dots of a domain (RFC 1035, section 2.3.4).
const LONGEST_LABEL: usize = 63;
/// What an atom may have besides letters and digits (RFC 5322, section 3.2.3).
const ATOM_SIGNS: &str = "!#$%&'*+-/=?^_`{|}~";

/// An e-mail address as people write theirs: a local part of atoms and dots, one `@`, a domain with a dot. Letters may
/// be of any script (RFC 6531). The domain is in small letters; the local part is as it was written, because only its
/// host knows whether the case matters. Quoted local parts, comments, display names and IP addresses are none.
///
/// `Debug` and `Display` mask it (`***@***.org`), so that a log or a panic message never shows it;
/// [`EmailAddress::expose`] is the one way to the text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailAddress(String);

/// Why a text is no e-mail address. The text itself is left out: it may be nearly somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailAddressError {
    /// A blank, a line break or the like within.
    #[error("an e-mail address with a blank or a control character; write one address, without a name")]
    Blank,
    /// No `@`, or more than one.
    #[error("no e-mail address: it must have one @; write one as name@example.org, or leave it empty")]
    Separator,
    /// What is before the `@` is nobody's.
    #[error("no e-mail address: letters, digits and dots between them go before the @; correct it, or leave it empty")]
    LocalPart,
    /// What is after the `@` is no name of a host.
    #[error("no e-mail address: a domain such as example.org goes after the @; correct it, or leave it empty")]
    Domain,
    /// Longer than mail can be sent to.
    #[error(
        "an e-mail address of more than {LONGEST_EMAIL_ADDRESS} octets, or {LONGEST_LOCAL_PART} before the @; correct it, or leave it empty"
    )]
    TooLong,
}

impl EmailAddress {
    /// Reads an address, without the white space around it. Checks the form only, not whether mail arrives there.
    ///
    /// # Errors
    /// [`EmailAddressError`] says why a text is none.
    pub fn parse(text: &str) -> Result<Self, EmailAddressError> {
        let text = text.trim();
        // Before anything is made of it: no address is longer in its composed form than four times its limit.
        if text.len() > 4 * LONGEST_EMAIL_ADDRESS {
            return Err(EmailAddressError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(EmailAddressError::Blank);
        }
        let (local, domain) = text.split_once('@').ok_or(EmailAddressError::Separator)?;
        if domain.contains('@') {
            return Err(EmailAddressError::Separator);
        }
        let local: String = local.nfc().collect();
        let domain: String = domain.to_lowercase().nfc().collect();
        if !local.split('.').all(is_atom) {
            return Err(EmailAddressError::LocalPart);
        }
        if !is_domain(&domain) {
            return Err(EmailAddressError::Domain);
        }
        let address = format!("{local}@{domain}");
        if local.len() > LONGEST_LOCAL_PART || address.len() > LONGEST_EMAIL_ADDRESS {
            return Err(EmailAddressError::TooLong);
        }
        Ok(Self(address))
    }

    /// The whole address, for the database and for who writes to it; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Letters of any script with their marks, and digits.
fn is_letter(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| is_letter(c) || ATOM_SIGNS.contains(c))
}

/// At least two labels, and the last one's not a part of an IP address.
fn is_domain(text: &str) -> bool {
    let top = text.rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.split('.').all(is_label)
        && top.chars().nth(1).is_some()
        && !top.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(text: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&text.chars().count())
        && text.chars().all(|c| is_letter(c) || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let top = self.0.rsplit('.').next().unwrap_or_default();
        write!(f, "***@***.{top}")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EmailAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_address_is_trimmed_and_its_domain_is_in_small_letters_while_the_rest_stays() {
        for (text, address) in [
            (" Asha.Rao@Example.ORG ", "Asha.Rao@example.org"),
            ("a@b.co", "a@b.co"),
            ("o'neil+survey/1@mail.x-y.example", "o'neil+survey/1@mail.x-y.example"),
            ("प्रिया@उदाहरण.भारत", "प्रिया@उदाहरण.भारत"),
            ("jose\u{301}@EXEMPLE.fr", "jos\u{e9}@exemple.fr"),
            ("a@xn--h2brj9c.xn--h2brj9c", "a@xn--h2brj9c.xn--h2brj9c"),
        ] {
            let read = EmailAddress::parse(text).expect("an address");
            assert_eq!(read.expose(), address);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_to_do() {
        use EmailAddressError::{Blank, Domain, LocalPart, Separator, TooLong};
        for (text, fault) in [
            ("", Separator),
            ("none", Separator),
            ("a@b@example.org", Separator),
            ("Asha Rao <asha@example.org>", Blank),
            ("a@example.org, b@example.org", Blank),
            ("a\n@example.org", Blank),
            ("a\u{0}@example.org", Blank),
            ("a\u{a0}b@example.org", Blank),
            ("<asha@example.org>", LocalPart),
            ("mailto:asha@example.org", LocalPart),
            ("\"asha\"@example.org", LocalPart),
            ("@example.org", LocalPart),
            (".a@example.org", LocalPart),
            ("a..b@example.org", LocalPart),
            ("a\u{200b}@example.org", LocalPart),
            ("a@", Domain),
            ("a@example", Domain),
            ("a@example.", Domain),
            ("a@.org", Domain),
            ("a@exa_mple.org", Domain),
            ("a@-example.org", Domain),
            ("a@example.o", Domain),
            ("a@192.0.2.1", Domain),
            ("a@[192.0.2.1]", Domain),
        ] {
            assert_eq!(EmailAddress::parse(text), Err(fault), "{text:?}");
            let told = fault.to_string();
            assert!(told.contains(';') && told.contains("e-mail address"), "{told}");
        }
        for (local, domain) in [(65, 1), (64, 190), (1, 2_000)] {
            let text = format!("{}@{}example.org", "a".repeat(local), "d.".repeat(domain / 2));
            assert_eq!(EmailAddress::parse(&text), Err(TooLong), "{text}");
        }
    }

    #[test]
    fn the_longest_address_is_taken() {
        let text = format!("{}@{}.org", "a".repeat(64), vec!["d".repeat(61); 3].join("."));
        assert_eq!(text.len(), LONGEST_EMAIL_ADDRESS);
        assert!(EmailAddress::parse(&text).is_ok());
    }

    #[test]
    fn an_address_is_masked_in_every_printed_form() {
        let address = EmailAddress::parse("asha.rao@riverside.example").expect("an address");
        assert_eq!(address.to_string(), "***@***.example");
        assert_eq!(format!("{address:?}"), "EmailAddress(***@***.example)");
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic_and_what_is_read_reads_again_as_itself_and_is_masked(
            text in "\\PC{0,20}|[\\p{L}\\p{M}\\p{N}.+]{1,12}@[\\p{L}\\p{M}\\p{N}-]{1,9}\\.[\\p{L}\\p{M}]{1,9}|.{0,300}"
        ) {
            if let Ok(address) = EmailAddress::parse(&text) {
                prop_assert!(address.expose().len() <= LONGEST_EMAIL_ADDRESS);
                let top = address.expose().rsplit('.').next().expect("a domain");
                prop_assert_eq!(format!("{address:?}"), format!("EmailAddress(***@***.{top})"));
                prop_assert_eq!(EmailAddress::parse(address.expose()), Ok(address));
            }
        }
    }
}

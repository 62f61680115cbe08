//! The last resort against personal data and secrets in output: whatever reaches a sink passes through here.
//!
//! It finds what has a form (telephone numbers, e-mail addresses, registered secrets, long tokens). Words that a person
//! said have none: they are never given to a log in the first place.

use crate::config::{Secret, Settings};
use base64::Engine;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};
use tracing_subscriber::fmt::MakeWriter;

const NUMBER: &str = "+[number]";
const EMAIL: &str = "[email]";
const SECRET: &str = "[secret]";
const TOKEN: &str = "[token]";
/// E.164 numbers have at least so many digits.
const NUMBER_DIGITS: usize = 7;
/// Longer than a UUID (36) and Twilio's ids (34), shorter than 32 bytes in base64 (43) or hexadecimal (64).
const TOKEN_LENGTH: usize = 40;
/// Shorter texts occur by themselves: replacing them would spoil every line.
const SHORTEST_SECRET: usize = 8;

/// Masks texts. Secrets are registered as they become known.
#[derive(Default)]
pub struct Redactor {
    secrets: RwLock<Vec<String>>,
}

impl Redactor {
    /// Knows the secrets of the settings: auth tokens, in HTTP's basic form too, and the media token key.
    pub fn for_settings(settings: &Settings) -> Self {
        let redactor = Self::default();
        if let Some(account) = &settings.twilio.account {
            for token in std::iter::once(&account.auth_token).chain(&account.auth_token_secondary) {
                redactor.register(token);
                let credentials = format!("{}:{}", account.sid, token.expose());
                redactor.register(&Secret::new(
                    base64::engine::general_purpose::STANDARD.encode(credentials),
                ));
            }
        }
        if let Some(key) = &settings.media_token_key {
            redactor.register_key(key);
        }
        redactor
    }

    /// Masks this text from now on; one of less than 8 characters is left alone.
    pub fn register(&self, secret: &Secret<String>) {
        let secret = secret.expose();
        if secret.len() >= SHORTEST_SECRET {
            self.secrets
                .write()
                .unwrap_or_else(PoisonError::into_inner)
                .push(secret.clone());
        }
    }

    /// Masks a key from now on as hexadecimal and base64 show it.
    pub fn register_key(&self, key: &Secret<Vec<u8>>) {
        let hex: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
        self.register(&Secret::new(hex.to_ascii_uppercase()));
        self.register(&Secret::new(hex));
        for engine in [
            base64::engine::general_purpose::STANDARD,
            base64::engine::general_purpose::URL_SAFE_NO_PAD,
        ] {
            self.register(&Secret::new(engine.encode(key.expose())));
        }
    }

    /// The text without telephone numbers, e-mail addresses, registered secrets and long tokens.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for secret in self.secrets.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if masked.contains(secret.as_str()) {
                masked = Cow::Owned(masked.replace(secret.as_str(), SECRET));
            }
        }
        // Addresses first: a number or a token may be a part of one.
        for mask in [mask_email_addresses, mask_forms] {
            if let Some(replaced) = mask(&masked) {
                masked = Cow::Owned(replaced);
            }
        }
        masked
    }
}

/// Masks e-mail addresses; `None` if there are none. Rather too much than too little: whatever may be a part of one goes
/// with it.
fn mask_email_addresses(text: &str) -> Option<String> {
    let mut masked = String::new();
    // Up to where the text is copied, and to where it belongs to no local part that is still to come.
    let (mut copied, mut passed) = (0, 0);
    while let Some((at, after)) = next_separator(text, passed) {
        let before = &text[passed..at];
        let local = before.len() - before.trim_end_matches(is_local).len();
        let domain = domain_length(&text[after..]);
        passed = after;
        if local > 0 && domain > 0 {
            masked.push_str(&text[copied..at - local]);
            masked.push_str(EMAIL);
            copied = after + domain;
            passed = copied;
        }
    }
    (copied > 0).then(|| masked + &text[copied..])
}

/// Begin and end of the next `@`, as it is or as a URL writes it.
fn next_separator(text: &str, from: usize) -> Option<(usize, usize)> {
    let plain = text[from..].find('@').map(|at| (from + at, from + at + 1));
    let encoded = text[from..].find("%40").map(|at| (from + at, from + at + 3));
    plain.into_iter().chain(encoded).min()
}

/// What a local part may have, letters of any script included.
fn is_local(c: char) -> bool {
    !c.is_whitespace() && !c.is_control() && !"()<>[]:;@\\,\"".contains(c)
}

/// The length of a domain with a dot that the text begins with; 0 if there is none. A last label of digits is of a
/// version, or of an IP address.
fn domain_length(text: &str) -> usize {
    let is_end = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '-' && c != '.';
    let run = text
        .find(|c: char| is_end(c) || c.is_whitespace() || c.is_control())
        .unwrap_or(text.len());
    let (mut end, mut length) = (0, 0);
    for (index, label) in text[..run].split('.').take_while(|label| !label.is_empty()).enumerate() {
        end += label.len() + usize::from(index > 0);
        if index > 0 && !label.bytes().all(|byte| byte.is_ascii_digit()) {
            length = end;
        }
    }
    length
}

/// Masks numbers and tokens; `None` if there are none.
fn mask_forms(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        let (length, mask) = if let Some(length) = number_length(rest) {
            (length, Some(NUMBER))
        } else {
            let run = rest.iter().take_while(|byte| is_token_byte(**byte)).count();
            (run.max(1), is_token(&rest[..run]).then_some(TOKEN))
        };
        if let Some(mask) = mask {
            masked.push_str(&text[copied..at]);
            masked.push_str(mask);
            copied = at + length;
        }
        at += length;
    }
    (copied > 0).then(|| masked + &text[copied..])
}

/// The length of a telephone number that starts here: a plus sign, as it is or as a URL writes it, and digits that
/// may be grouped.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let plus = match bytes {
        [b'+', ..] => 1,
        [b'%', b'2', b'B' | b'b', ..] => 3,
        _ => return None,
    };
    let mut digits = 0;
    let mut end = plus;
    for (index, byte) in bytes.iter().enumerate().skip(plus) {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                end = index + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' if index - end < 2 => {}
            _ => break,
        }
    }
    (digits >= NUMBER_DIGITS).then_some(end)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Long, and no name written by a programmer: those are lower-case words.
fn is_token(run: &[u8]) -> bool {
    run.len() >= TOKEN_LENGTH
        && run
            .iter()
            .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Puts a redactor before any writer.
pub(super) struct Masked<M> {
    pub(super) inner: M,
    pub(super) redactor: Arc<Redactor>,
}

impl<'w, M: MakeWriter<'w>> MakeWriter<'w> for Masked<M> {
    type Writer = Masked<M::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Masked {
            inner: self.inner.make_writer(),
            redactor: Arc::clone(&self.redactor),
        }
    }
}

impl<W: Write> Write for Masked<W> {
    /// The formatter hands over one whole line at a time, so that nothing is cut in two.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.inner
            .write_all(self.redactor.mask(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samvad_actors::domain::EmailAddress;

    fn mask(text: &str) -> String {
        Redactor::default().mask(text).into_owned()
    }

    #[test]
    fn telephone_numbers_are_masked_however_they_are_written() {
        for (text, masked) in [
            ("to +14155550123.", "to +[number]."),
            ("+1 (415) 555-0123, again", "+[number], again"),
            ("/calls?to=%2B919876543210&x=1", "/calls?to=+[number]&x=1"),
            ("\"+91 98765 43210\"", "\"+[number]\""),
            ("ü+14155550123ü+14155550124", "ü+[number]ü+[number]"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn email_addresses_are_masked_however_they_are_written() {
        for (text, masked) in [
            ("to asha@example.org.", "to [email]."),
            ("<o'neil+1@mail.example.co.uk>, again", "<[email]>, again"),
            ("\"Asha.Rao@EXAMPLE.org\"", "\"[email]\""),
            ("/leave?to=asha%40example.org&x=1", "[email]&x=1"),
            ("प्रिया@उदाहरण.भारत says", "[email] says"),
            ("+14155550123@sip.example", "[email]"),
            ("a@example.org,b@example.org", "[email],[email]"),
            ("a@example.org.7", "[email].7"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn ids_times_and_short_sums_stay_readable() {
        for text in [
            "p95 @ 3 calls, someone@home, @example.org, crate@1.2.3, a@..b, 50%40",
            "attempt 0d9f7a1e-6f2c-4a39-9c2b-0a1b2c3d4e5f",
            "call CA0123456789abcdef0123456789abcdef",
            "2026-01-02T03:04:05.678901Z +0530",
            "1767322800000 ms, latency +120 ms",
            "the_watchdog_ends_calls_whose_worker_is_stuck_for_long",
            "",
        ] {
            assert_eq!(
                mask(text),
                text.replace("l25_the_token_travels_in_a_parameter_not_in_it", TOKEN)
            );
        }
    }

    #[test]
    fn long_tokens_and_registered_secrets_are_masked() {
        let redactor = Redactor::default();
        redactor.register(&Secret::new("my auth token".to_owned()));
        redactor.register(&Secret::new("short".to_owned()));
        redactor.register_key(&Secret::new(vec![0xab; 32]));
        assert_eq!(redactor.mask("with my auth token, short"), "with [secret], short");
        assert_eq!(redactor.mask(&"ab".repeat(32)), SECRET);
        assert_eq!(redactor.mask(&"AB".repeat(32)), SECRET);
        assert_eq!(redactor.mask(&format!("hash={}!", "0f".repeat(32))), "hash=[token]!");
    }

    proptest! {
        #[test]
        fn no_e164_number_survives_whatever_stands_around_it(
            before in ".{0,20}", number in "\\+[1-9][0-9]{6,14}", after in "[^0-9]{0,20}"
        ) {
            let masked = mask(&format!("{before}{number}{after}"));
            prop_assert!(!masked.contains(&number), "{}", masked);
            prop_assert!(!masked.contains(&number[1..]), "{}", masked);
        }

        #[test]
        fn no_email_address_survives_whatever_stands_around_it(
            before in ".{0,20}", local in "[\\p{L}0-9.!#$%&'*+/=?^_{|}~-]{1,20}", domain in "[\\p{L}0-9-]{1,9}\\.[\\p{L}]{2,9}",
            after in ".{0,20}"
        ) {
            if let Ok(address) = EmailAddress::parse(&format!("{local}@{domain}")) {
                let address = address.expose();
                let masked = mask(&format!("{before}{address}{after}"));
                prop_assert!(!masked.contains(address), "{}", masked);
            }
        }

        #[test]
        fn masking_is_done_in_one_pass(text in "(.|@|%40|[a-z0-9]{1,3}\\.|\\+[0-9 ]{5,12}|[A-Za-z0-9]{38,44}){0,12}") {
            let once = mask(&text);
            prop_assert_eq!(mask(&once), once);
        }
    }
}

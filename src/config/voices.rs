//! Voices of a service: one for all languages, or one for each.

use super::reader::Invalid;
use samvad_actors::domain::Language;
use std::collections::BTreeMap;
use std::fmt;

const REMEDY: &str = "write the voice as the service names it; for several languages hi=VOICE,ta=VOICE, with a plain VOICE for all others";

/// The voices that a setting names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Voices {
    /// For a language without one of its own.
    default: Option<String>,
    /// By the language, as campaigns write it.
    by_language: BTreeMap<String, String>,
}

impl Voices {
    /// The voice for a language: its own, that of its first subtag (`en` for `en-IN`), or the one for all.
    pub fn of(&self, language: &Language) -> Option<&str> {
        let tag = language.0.to_ascii_lowercase();
        let subtag = tag.split('-').next().unwrap_or_default();
        let own = self.by_language.get(&tag).or_else(|| self.by_language.get(subtag));
        own.or(self.default.as_ref()).map(String::as_str)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let mut voices = Self::default();
        for part in text.split(',').map(str::trim) {
            let (language, voice) = match part.split_once('=') {
                Some((language, voice)) => (Some(language.trim()), voice.trim()),
                None => (None, part),
            };
            let is_voice = !voice.is_empty()
                && voice.len() <= 128
                && voice.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=');
            if !is_voice {
                return Err(("names no voice", REMEDY));
            }
            let before = match language {
                None => voices.default.replace(voice.to_owned()),
                Some(language) if is_language(language) => voices
                    .by_language
                    .insert(language.to_ascii_lowercase(), voice.to_owned()),
                Some(_) => return Err(("names no language", REMEDY)),
            };
            if before.is_some() {
                return Err(("names two voices for the same", REMEDY));
            }
        }
        Ok(voices)
    }
}

/// Subtags of letters and digits (BCP 47).
fn is_language(text: &str) -> bool {
    text.split('-')
        .all(|subtag| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// As the variable writes it.
impl fmt::Display for Voices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.default.iter().cloned();
        let of_languages = self
            .by_language
            .iter()
            .map(|(language, voice)| format!("{language}={voice}"));
        f.write_str(&plain.chain(of_languages).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of<'v>(voices: &'v Voices, language: &str) -> Option<&'v str> {
        voices.of(&Language(language.to_owned()))
    }

    #[test]
    fn a_language_has_its_own_voice_or_the_one_for_all() {
        let voices = Voices::parse("george, hi=asha,en-GB=harry").expect("voices");
        assert_eq!(of(&voices, "hi-IN"), Some("asha"));
        assert_eq!(of(&voices, "en-gb"), Some("harry"));
        assert_eq!(of(&voices, "en"), Some("george"));
        let voices = Voices::parse("hi=asha").expect("voices");
        assert_eq!(of(&voices, "en"), None);
    }

    #[test]
    fn what_is_no_voice_or_is_named_twice_is_refused() {
        for wrong in [
            "",
            "a,",
            "hi=",
            "=a",
            "a,b",
            "hi=a,HI=b",
            "hi=a b",
            "a b",
            "h_i=a",
            "hi=a=b",
        ] {
            assert!(Voices::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_so_that_it_reads_the_same(text in "([a-z0-9]{1,3}(=[A-Za-z0-9:]{0,4})?,?){0,4}|\\PC{0,20}") {
            if let Ok(voices) = Voices::parse(&text) {
                prop_assert_eq!(Voices::parse(&voices.to_string()), Ok(voices));
            }
        }
    }
}

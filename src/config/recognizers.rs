//! The recognisers that a setting names.

use super::preference::{self, Faults};
use super::reader::Invalid;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A recogniser that may understand the callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecognizerSetting {
    /// PocketSphinx in a child process.
    Embedded,
    /// The same answer to everything after a fixed delay: for load tests.
    Fixed {
        /// How long it takes.
        delay: Duration,
    },
    /// Deepgram.
    Deepgram,
    /// OpenAI, or a server compatible with it.
    OpenAi,
    /// Sarvam.
    Sarvam,
}

impl RecognizerSetting {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "embedded" => Some(Self::Embedded),
            "deepgram" => Some(Self::Deepgram),
            "openai" => Some(Self::OpenAi),
            "sarvam" => Some(Self::Sarvam),
            _ => text
                .strip_prefix("fixed:")
                .and_then(|delay| delay.strip_suffix("ms"))
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|delay| *delay <= 10_000)
                .map(|delay| Self::Fixed {
                    delay: Duration::from_millis(delay),
                }),
        }
    }
}

/// As the variable and the command line write it.
impl fmt::Display for RecognizerSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::Fixed { delay } => write!(f, "fixed:{}ms", delay.as_millis()),
            Self::Deepgram => f.write_str("deepgram"),
            Self::OpenAi => f.write_str("openai"),
            Self::Sarvam => f.write_str("sarvam"),
        }
    }
}

/// Recognisers in the order of preference: at least one, each once. One of a fixed delay is alone: it never fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognizers(Vec<RecognizerSetting>);

impl Recognizers {
    /// The recognisers, the preferred one first.
    pub fn list(&self) -> &[RecognizerSetting] {
        &self.0
    }

    /// Whether a recogniser is among them.
    pub fn includes(&self, setting: RecognizerSetting) -> bool {
        self.0.contains(&setting)
    }

    /// Whether services on the network are among them.
    pub fn names_services(&self) -> bool {
        let is_service = |setting: &_| {
            matches!(
                setting,
                RecognizerSetting::Deepgram | RecognizerSetting::OpenAi | RecognizerSetting::Sarvam
            )
        };
        self.0.iter().any(is_service)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        const FAULTS: Faults = Faults {
            unknown: "names no recogniser",
            twice: "names a recogniser twice",
            remedy: "write deepgram, openai, sarvam or embedded, with commas between them; or fixed: and a delay of at most 10000 ms such as fixed:60ms",
        };
        let list = preference::parse(text, RecognizerSetting::parse, &FAULTS)?;
        let is_fixed = |setting: &_| matches!(setting, RecognizerSetting::Fixed { .. });
        if list.len() > 1 && list.iter().any(is_fixed) {
            return Err(("names others beside one for load tests", FAULTS.remedy));
        }
        Ok(Self(list))
    }
}

impl Default for Recognizers {
    /// The embedded one, which needs no key and no network.
    fn default() -> Self {
        Self(vec![RecognizerSetting::Embedded])
    }
}

impl fmt::Display for Recognizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        preference::write(&self.0, f)
    }
}

/// For the command line; the message names fault and remedy.
impl FromStr for Recognizers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).map_err(preference::told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_is_read_in_its_order() {
        let recognizers = Recognizers::parse("deepgram, openai,embedded").expect("a list");
        assert_eq!(
            recognizers.list(),
            [
                RecognizerSetting::Deepgram,
                RecognizerSetting::OpenAi,
                RecognizerSetting::Embedded
            ]
        );
        assert_eq!(recognizers.to_string(), "deepgram,openai,embedded");
        assert_eq!(Recognizers::parse("fixed:60ms").expect("one").to_string(), "fixed:60ms");
    }

    #[test]
    fn what_is_unknown_twice_or_does_not_go_together_is_refused() {
        for wrong in [
            "",
            ",",
            "deepgramm",
            "embedded,",
            "sarvam,sarvam",
            "fixed:60ms,embedded",
            "fixed:x",
        ] {
            assert!(Recognizers::parse(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "(deepgram|openai|sarvam|embedded|fixed:[0-9]{1,5}ms|x)(,(deepgram|openai|sarvam|embedded))?") {
            if let Ok(recognizers) = Recognizers::parse(&text) {
                prop_assert_eq!(Recognizers::parse(&recognizers.to_string()), Ok(recognizers));
            }
        }
    }
}

//! The synthesisers that a setting names, and their models and voices. Their keys and addresses are those of
//! [`services`](super::services).

use super::preference::{self, Faults};
use super::reader::{Invalid, Reader};
use super::services::{model, read_key, read_of, service_url};
use super::{Secret, Voices};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

/// A synthesiser that may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynthesizerSetting {
    /// flite and espeak-ng, as programs on this machine.
    Embedded,
    /// ElevenLabs.
    ElevenLabs,
    /// OpenAI, or a server compatible with it.
    OpenAi,
    /// Deepgram.
    Deepgram,
    /// Sarvam.
    Sarvam,
}

impl SynthesizerSetting {
    const ALL: [Self; 5] = [
        Self::Embedded,
        Self::ElevenLabs,
        Self::OpenAi,
        Self::Deepgram,
        Self::Sarvam,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::ElevenLabs => "elevenlabs",
            Self::OpenAi => "openai",
            Self::Deepgram => "deepgram",
            Self::Sarvam => "sarvam",
        }
    }
}

/// As the variable writes it.
impl fmt::Display for SynthesizerSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Synthesisers in the order of preference: at least one, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthesizers(Vec<SynthesizerSetting>);

impl Synthesizers {
    /// The synthesisers, the preferred one first.
    pub fn list(&self) -> &[SynthesizerSetting] {
        &self.0
    }

    /// Whether a synthesiser is among them.
    pub fn includes(&self, setting: SynthesizerSetting) -> bool {
        self.0.contains(&setting)
    }

    /// Whether services on the network are among them.
    pub fn names_services(&self) -> bool {
        self.0.iter().any(|setting| *setting != SynthesizerSetting::Embedded)
    }

    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        const FAULTS: Faults = Faults {
            unknown: "names no synthesiser",
            twice: "names a synthesiser twice",
            remedy: "write elevenlabs, openai, deepgram, sarvam or embedded, with commas between them",
        };
        let all = SynthesizerSetting::ALL;
        let list = preference::parse(
            text,
            |name| all.into_iter().find(|setting| setting.name() == name),
            &FAULTS,
        );
        list.map(Self)
    }
}

impl fmt::Display for Synthesizers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        preference::write(&self.0, f)
    }
}

/// The embedded one alone.
impl Default for Synthesizers {
    fn default() -> Self {
        Self(vec![SynthesizerSetting::Embedded])
    }
}

/// For the command line; the message names fault and remedy.
impl FromStr for Synthesizers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).map_err(preference::told)
    }
}

/// Everything that is set of synthesis, beside keys and addresses. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct SynthesisSettings {
    /// Which synthesisers, in the order of preference.
    pub synthesizers: Synthesizers,
    /// Sentences asked of one service at a time.
    pub at_once: usize,
    /// In a call, longest wait for the first sound of each synthesiser that is asked, and for each further piece.
    pub live_deadline: Duration,
    /// ElevenLabs.
    pub elevenlabs: ElevenLabsSettings,
    /// OpenAI's model for speech.
    pub openai_model: String,
    /// OpenAI's voices.
    pub openai_voices: Voices,
    /// Deepgram's voices, each a model of its own.
    pub deepgram_voices: Voices,
    /// Sarvam's model for speech.
    pub sarvam_model: String,
    /// Sarvam's voices.
    pub sarvam_voices: Voices,
}

/// ElevenLabs' settings.
#[derive(Clone, Debug)]
pub struct ElevenLabsSettings {
    /// Its key; present if it is one of the synthesisers.
    pub api_key: Option<Secret<String>>,
    /// Base URL of its API: `https`, or `http` on this machine.
    pub base_url: Url,
    /// Its model.
    pub model: String,
    /// Its voices; some if it is one of the synthesisers.
    pub voices: Voices,
}

/// Reads them. As with the other services, what is set for one that is not used is left alone.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<SynthesisSettings> {
    let synthesizers = reader.parsed("SAMVAD_SYNTHESIZER", Synthesizers::parse);
    let speaks = |setting| synthesizers.as_ref().is_some_and(|list| list.includes(setting));
    let at_once = reader.number("SAMVAD_SYNTHESIS_AT_ONCE", 1..=100);
    let live_deadline_ms = reader.number("SAMVAD_LIVE_SPEECH_DEADLINE_MS", 200..=8_000);

    let used = speaks(SynthesizerSetting::ElevenLabs);
    let api_key = read_key(reader, "ELEVENLABS_API_KEY", used.then_some("SAMVAD_SYNTHESIZER"), true);
    let base_url = read_of(reader, "ELEVENLABS_BASE_URL", used, service_url);
    let elevenlabs_model = read_of(reader, "ELEVENLABS_MODEL", used, model);
    let elevenlabs_voices = read_of(reader, "ELEVENLABS_VOICE", used, Voices::parse);
    if used && reader.text("ELEVENLABS_VOICE").is_none() {
        reader.fault(
            "ELEVENLABS_VOICE",
            "is not set, but SAMVAD_SYNTHESIZER names the service",
            "write the id of one of the account's voices, or take the service out of SAMVAD_SYNTHESIZER",
        );
    }

    let used = speaks(SynthesizerSetting::OpenAi);
    let openai_model = read_of(reader, "OPENAI_SPEECH_MODEL", used, model);
    let openai_voices = read_of(reader, "OPENAI_SPEECH_VOICE", used, Voices::parse);
    let used = speaks(SynthesizerSetting::Deepgram);
    let deepgram_voices = read_of(reader, "DEEPGRAM_VOICE", used, Voices::parse);
    let used = speaks(SynthesizerSetting::Sarvam);
    let sarvam_model = read_of(reader, "SARVAM_SPEECH_MODEL", used, model);
    let sarvam_voices = read_of(reader, "SARVAM_VOICE", used, Voices::parse);
    Some(SynthesisSettings {
        synthesizers: synthesizers?,
        at_once: at_once?,
        live_deadline: Duration::from_millis(live_deadline_ms?),
        elevenlabs: ElevenLabsSettings {
            api_key,
            base_url: base_url?,
            model: elevenlabs_model?,
            voices: elevenlabs_voices.unwrap_or_default(),
        },
        openai_model: openai_model?,
        openai_voices: openai_voices?,
        deepgram_voices: deepgram_voices?,
        sarvam_model: sarvam_model?,
        sarvam_voices: sarvam_voices?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, read};
    use super::*;
    use proptest::prelude::*;
    use samvad_actors::services::LIVE_SPEECH_DEADLINE;

    #[test]
    fn the_embedded_synthesiser_speaks_unless_others_are_named_in_their_order() {
        let settings = read(&[]).expect("defaults");
        assert_eq!(settings.synthesis.synthesizers, Synthesizers::default());
        assert!(!settings.synthesis.synthesizers.names_services());
        assert_eq!(settings.synthesis.live_deadline, LIVE_SPEECH_DEADLINE);
        let settings = read(&[
            ("SAMVAD_SYNTHESIZER", "elevenlabs, embedded"),
            ("ELEVENLABS_API_KEY", "canary"),
            ("ELEVENLABS_VOICE", "JBFqnCBsd6RMkjVDRZzb,hi=abc"),
        ])
        .expect("usable");
        assert_eq!(settings.synthesis.synthesizers.to_string(), "elevenlabs,embedded");
        assert!(!format!("{settings:?}").contains("canary"));
    }

    #[test]
    fn a_service_that_speaks_needs_its_key_and_all_that_lack_are_named_at_once() {
        let mut lacking = faults(&[("SAMVAD_SYNTHESIZER", "elevenlabs,openai,deepgram,sarvam")]);
        lacking.sort();
        assert_eq!(
            lacking,
            [
                "DEEPGRAM_API_KEY",
                "ELEVENLABS_API_KEY",
                "ELEVENLABS_VOICE",
                "OPENAI_API_KEY",
                "SARVAM_API_KEY"
            ]
        );
        let wrong = read(&[("SAMVAD_SYNTHESIZER", "deepgram")])
            .expect_err("faulty")
            .to_string();
        assert!(wrong.contains("out of SAMVAD_SYNTHESIZER"), "{wrong}");
    }

    #[test]
    fn addresses_voices_and_numbers_that_cannot_be_are_faults() {
        for (name, value) in [
            ("SAMVAD_SYNTHESIZER", "elevenlab"),
            ("SAMVAD_SYNTHESIZER", "embedded,embedded"),
            ("SAMVAD_SYNTHESIS_AT_ONCE", "0"),
            ("SAMVAD_LIVE_SPEECH_DEADLINE_MS", "199"),
            ("SAMVAD_LIVE_SPEECH_DEADLINE_MS", "8001"),
            ("SAMVAD_LIVE_SPEECH_DEADLINE_MS", "soon"),
        ] {
            assert_eq!(faults(&[(name, value)]), [name], "{value}");
        }
        let used = [
            ("SAMVAD_SYNTHESIZER", "elevenlabs,deepgram"),
            ("ELEVENLABS_API_KEY", "key"),
            ("ELEVENLABS_VOICE", "voice"),
            ("DEEPGRAM_API_KEY", "key"),
        ];
        for (name, value) in [
            ("ELEVENLABS_BASE_URL", "http://api.example.org"),
            ("ELEVENLABS_MODEL", "a model"),
            ("ELEVENLABS_VOICE", "a,b"),
            ("DEEPGRAM_VOICE", "=a"),
            ("DEEPGRAM_BASE_URL", "api.example.org"),
        ] {
            let pairs: Vec<_> = used
                .into_iter()
                .filter(|(set, _)| *set != name)
                .chain([(name, value)])
                .collect();
            assert_eq!(faults(&pairs), [name], "{value}");
            read(&[(name, value)]).expect("left alone where the service does not speak");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "(openai|deepgram|sarvam|elevenlabs|embedded|x)(,(sarvam|embedded))?") {
            if let Ok(list) = Synthesizers::parse(&text) {
                prop_assert_eq!(Synthesizers::parse(&list.to_string()), Ok(list));
            }
        }
    }
}

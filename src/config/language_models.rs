//! The language models that a setting names: where they are, and how long an answer may take.

use super::preference::{self, Faults};
use super::reader::{Invalid, Reader};
use super::services::{OpenAiSettings, model, read_key, read_of, service_url};
use super::{Secret, is_loopback};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use url::Url;

const LIST: &str = "SAMVAD_LANGUAGE_MODEL";

/// A language model that may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LanguageModelSetting {
    /// OpenAI, or the server that stands in its place for speech too.
    OpenAi,
    /// A server compatible with OpenAI, with an address and a key of its own.
    Compatible,
}

impl LanguageModelSetting {
    const ALL: [Self; 2] = [Self::OpenAi, Self::Compatible];

    /// As the variable writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Compatible => "compatible",
        }
    }
}

impl fmt::Display for LanguageModelSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Language models to ask, in the order of preference, each once; none if nobody is to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LanguageModels(Vec<LanguageModelSetting>);

impl LanguageModels {
    /// Whether anybody is to be asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LanguageModels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        preference::write(&self.0, f)
    }
}

impl FromStr for LanguageModels {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_list(text).map(Self).map_err(preference::told)
    }
}

/// How a structured answer is asked for (`response_format`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructuredOutput {
    /// By its JSON Schema, which the server enforces.
    JsonSchema,
    /// By the word JSON, with the schema in the instructions: for servers that know no schemas.
    JsonObject,
}

/// A chat completions API and the model behind it. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct ChatSettings {
    /// The key; present unless the server is on this machine and wants none.
    pub api_key: Option<Secret<String>>,
    /// Base URL of the API, version included: `https`, or `http` on this machine.
    pub base_url: Url,
    /// The model.
    pub model: String,
    /// How structured answers are asked for.
    pub structured: StructuredOutput,
}

/// Everything that is set of language models. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct LanguageSettings {
    /// Those to ask, in the order of preference, each once; none if nobody is to be asked.
    pub models: Vec<(LanguageModelSetting, ChatSettings)>,
    /// Longest wait for an answer, or for a sentence of a spoken one.
    pub deadline: Duration,
}

/// The list alone: its names decide which other settings are needed.
pub(super) fn read_list(reader: &mut Reader<'_>) -> Option<Vec<LanguageModelSetting>> {
    match reader.text(LIST) {
        Some(_) => reader.parsed(LIST, parse_list),
        None => Some(Vec::new()),
    }
}

/// Reads them. `openai`: key and address of OpenAI, which recognition and synthesis share. As with the other services,
/// what is set for one that is not used is left alone.
pub(super) fn read(
    reader: &mut Reader<'_>,
    list: &[LanguageModelSetting],
    openai: Option<&OpenAiSettings>,
) -> Option<LanguageSettings> {
    let deadline_ms = reader.number("SAMVAD_LANGUAGE_DEADLINE_MS", 100..=10_000);
    let used = list.contains(&LanguageModelSetting::OpenAi);
    let openai_model = read_of(reader, "OPENAI_LANGUAGE_MODEL", used, model);
    let openai_structured = read_of(reader, "OPENAI_LANGUAGE_STRUCTURED", used, structured);
    let compatible = if list.contains(&LanguageModelSetting::Compatible) {
        // What is wrong with it has been noted; the others are read all the same.
        read_compatible(reader)
    } else {
        None
    };
    let openai = match (openai, openai_model, openai_structured) {
        (Some(openai), Some(model), Some(structured)) => Some(ChatSettings {
            api_key: openai.api_key.clone(),
            base_url: openai.base_url.clone(),
            model,
            structured,
        }),
        _ => None,
    };
    let settings = |setting: &LanguageModelSetting| {
        let settings = match setting {
            LanguageModelSetting::OpenAi => openai.clone(),
            LanguageModelSetting::Compatible => compatible.clone(),
        };
        settings.map(|settings| (*setting, settings))
    };
    Some(LanguageSettings {
        models: list.iter().map(settings).collect::<Option<_>>()?,
        deadline: Duration::from_millis(deadline_ms?),
    })
}

fn read_compatible(reader: &mut Reader<'_>) -> Option<ChatSettings> {
    for (name, remedy) in [
        (
            "LANGUAGE_MODEL_BASE_URL",
            "write its base URL, for example http://127.0.0.1:11434/v1",
        ),
        ("LANGUAGE_MODEL_NAME", "write the model's name as the server does"),
    ] {
        if reader.text(name).is_none() {
            reader.fault(name, &format!("is not set, but {LIST} names compatible"), remedy);
        }
    }
    let base_url = reader.parsed("LANGUAGE_MODEL_BASE_URL", service_url);
    let is_elsewhere = base_url.as_ref().is_some_and(|url| !is_loopback(url));
    let api_key = read_key(reader, "LANGUAGE_MODEL_API_KEY", Some(LIST), is_elsewhere);
    let model = reader.parsed("LANGUAGE_MODEL_NAME", model);
    let structured = reader.parsed("LANGUAGE_MODEL_STRUCTURED", structured);
    Some(ChatSettings {
        api_key,
        base_url: base_url?,
        model: model?,
        structured: structured?,
    })
}

fn parse_list(text: &str) -> Result<Vec<LanguageModelSetting>, Invalid> {
    const FAULTS: Faults = Faults {
        unknown: "names no language model",
        twice: "names a language model twice",
        remedy: "write openai or compatible, with commas between them, or leave it out",
    };
    let all = LanguageModelSetting::ALL;
    preference::parse(
        text,
        |name| all.into_iter().find(|setting| setting.name() == name),
        &FAULTS,
    )
}

fn structured(text: &str) -> Result<StructuredOutput, Invalid> {
    match text {
        "json_schema" => Ok(StructuredOutput::JsonSchema),
        "json_object" => Ok(StructuredOutput::JsonObject),
        _ => Err(("names no form of answer", "write json_schema or json_object")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, read};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_is_asked_unless_one_is_named_and_an_answer_has_a_second_and_a_half() {
        let settings = read(&[
            ("LANGUAGE_MODEL_BASE_URL", "http://10.0.0.1"),
            ("OPENAI_LANGUAGE_STRUCTURED", "x"),
        ])
        .expect("what is set for other programs is left alone")
        .language;
        assert!(settings.models.is_empty());
        assert_eq!(settings.deadline, Duration::from_millis(1_500));
    }

    #[test]
    fn speech_and_language_may_be_of_different_servers_and_each_keeps_its_key() {
        let settings = read(&[
            ("SAMVAD_LANGUAGE_MODEL", "compatible, openai"),
            ("OPENAI_API_KEY", "canary-1"),
            ("LANGUAGE_MODEL_API_KEY", "canary-2"),
            ("LANGUAGE_MODEL_BASE_URL", "https://models.example.org/v1"),
            ("LANGUAGE_MODEL_NAME", "meta-llama/Llama-3.1-8B-Instruct"),
            ("LANGUAGE_MODEL_STRUCTURED", "json_object"),
            ("SAMVAD_LANGUAGE_DEADLINE_MS", "900"),
        ])
        .expect("usable")
        .language;
        assert!(!format!("{settings:?}").contains("canary"), "{settings:?}");
        assert_eq!(settings.deadline, Duration::from_millis(900));
        let [(first, compatible), (second, openai)] = settings.models.as_slice() else {
            panic!("two models: {settings:?}");
        };
        assert_eq!((first.name(), second.name()), ("compatible", "openai"));
        assert_eq!(
            compatible.api_key.as_ref().map(|key| key.expose().as_str()),
            Some("canary-2")
        );
        assert_eq!(compatible.structured, StructuredOutput::JsonObject);
        assert_eq!(openai.base_url.as_str(), "https://api.openai.com/v1");
        assert_eq!(openai.structured, StructuredOutput::JsonSchema);
        assert_eq!(
            openai.api_key.as_ref().map(|key| key.expose().as_str()),
            Some("canary-1")
        );
    }

    #[test]
    fn everything_that_is_missing_is_named_at_once() {
        let mut missing = faults(&[("SAMVAD_LANGUAGE_MODEL", "openai,compatible")]);
        missing.sort();
        assert_eq!(
            missing,
            ["LANGUAGE_MODEL_BASE_URL", "LANGUAGE_MODEL_NAME", "OPENAI_API_KEY"]
        );
        let wrong = read(&[("SAMVAD_LANGUAGE_MODEL", "openai")])
            .expect_err("faulty")
            .to_string();
        assert!(wrong.contains("out of SAMVAD_LANGUAGE_MODEL"), "{wrong}");
    }

    #[test]
    fn what_cannot_be_used_is_a_fault_and_no_value_is_repeated() {
        let used = [
            ("SAMVAD_LANGUAGE_MODEL", "compatible"),
            ("LANGUAGE_MODEL_API_KEY", "key"),
            ("LANGUAGE_MODEL_BASE_URL", "https://models.example.org/v1"),
            ("LANGUAGE_MODEL_NAME", "model"),
        ];
        for (name, value) in [
            ("SAMVAD_LANGUAGE_MODEL", "canary"),
            ("SAMVAD_LANGUAGE_MODEL", "compatible,compatible"),
            ("SAMVAD_LANGUAGE_DEADLINE_MS", "5"),
            ("LANGUAGE_MODEL_BASE_URL", "http://canary.example.org/v1"),
            ("LANGUAGE_MODEL_NAME", "canary model"),
            ("LANGUAGE_MODEL_STRUCTURED", "canary"),
            ("LANGUAGE_MODEL_API_KEY", "canary key"),
            ("LANGUAGE_MODEL_API_KEY", ""),
        ] {
            let others = used.into_iter().filter(|(set, _)| *set != name);
            let pairs: Vec<_> = others.chain([(name, value)]).collect();
            assert_eq!(faults(&pairs), [name], "{value}");
            assert!(!read(&pairs).expect_err("faulty").to_string().contains("canary"));
        }
        let here = [
            ("SAMVAD_LANGUAGE_MODEL", "compatible"),
            ("LANGUAGE_MODEL_BASE_URL", "http://127.0.0.1:11434/v1"),
            ("LANGUAGE_MODEL_NAME", "llama3.2"),
        ];
        let settings = read(&here).expect("a server on this machine needs no key").language;
        assert!(settings.models[0].1.api_key.is_none());
    }

    #[test]
    fn a_key_may_be_in_a_file() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("key");
        std::fs::write(&file, "from-a-file\n").expect("written");
        let settings = read(&[
            ("SAMVAD_LANGUAGE_MODEL", "openai"),
            ("OPENAI_API_KEY_FILE", &file.display().to_string()),
        ])
        .expect("usable")
        .language;
        let key = settings.models[0].1.api_key.as_ref().expect("a key");
        assert_eq!(key.expose(), "from-a-file");
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "(openai|compatible|x)(, ?(openai|compatible))?") {
            if let Ok(list) = parse_list(&text) {
                let names: Vec<&str> = list.iter().map(|setting| setting.name()).collect();
                prop_assert_eq!(names.join(","), text.replace(' ', ""));
            }
        }
    }
}

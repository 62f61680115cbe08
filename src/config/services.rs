//! Settings of speech services: keys, addresses, models, and the proxy on the way to them.

use super::reader::{Invalid, Reader};
use super::variables::default_of;
use super::{
    LanguageModelSetting, RecognizerSetting, Recognizers, Secret, SynthesizerSetting, Synthesizers, is_loopback, values,
};
use url::Url;

/// Everything that is set of services. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Connections to one service at most.
    pub connections: usize,
    /// The proxy to services; it may hold a password. `None`: what the environment says.
    pub proxy: Option<Secret<Url>>,
    /// Deepgram.
    pub deepgram: DeepgramSettings,
    /// OpenAI, or a server compatible with it.
    pub openai: OpenAiSettings,
    /// Sarvam.
    pub sarvam: SarvamSettings,
}

/// Deepgram's settings.
#[derive(Clone, Debug)]
pub struct DeepgramSettings {
    /// Its key; present if it recognises or speaks.
    pub api_key: Option<Secret<String>>,
    /// Base URL of its API: `https`, or `http` on this machine.
    pub base_url: Url,
    /// Its model for recognition.
    pub model: String,
}

/// Settings of OpenAI or a server compatible with it.
#[derive(Clone, Debug)]
pub struct OpenAiSettings {
    /// Its key; present if it recognises, speaks or is asked as a language model, unless the server is on this machine.
    pub api_key: Option<Secret<String>>,
    /// Base URL of its API, version included: `https`, or `http` on this machine.
    pub base_url: Url,
    /// Its model for recognition.
    pub transcription_model: String,
    /// Which of its interfaces recognises.
    pub transcription_api: TranscriptionApi,
}

/// The interface of OpenAI that recognises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscriptionApi {
    /// A transcription session of the Realtime API.
    Realtime,
    /// `POST …/audio/transcriptions`, an utterance at a time.
    File,
}

/// Sarvam's settings.
#[derive(Clone, Debug)]
pub struct SarvamSettings {
    /// Its key; present if it recognises or speaks.
    pub api_key: Option<Secret<String>>,
    /// Base URL of its API: `https`, or `http` on this machine.
    pub base_url: Url,
    /// Its model for recognition.
    pub model: String,
}

/// Reads them. The services that recognise, speak or are asked as language models need their keys. What is set for one that is not used is left alone:
/// such variables are often there for other programs.
pub(super) fn read(
    reader: &mut Reader<'_>,
    recognizers: Option<&Recognizers>,
    synthesizers: Option<&Synthesizers>,
    language_models: &[LanguageModelSetting],
) -> Option<ServiceSettings> {
    let recognizes = |setting| recognizers.is_some_and(|list| list.includes(setting));
    // The variable that names a service, if one does.
    let used_by = |recognizer, synthesizer| match synthesizers {
        _ if recognizes(recognizer) => Some("SAMVAD_RECOGNIZER"),
        Some(list) if list.includes(synthesizer) => Some("SAMVAD_SYNTHESIZER"),
        _ => None,
    };
    let connections = reader.number("SAMVAD_SERVICE_CONNECTIONS", 1..=10_000);
    let proxy = read_proxy(reader);

    let used = used_by(RecognizerSetting::Deepgram, SynthesizerSetting::Deepgram);
    let recognizes_here = recognizes(RecognizerSetting::Deepgram);
    let deepgram_key = read_key(reader, "DEEPGRAM_API_KEY", used, true);
    let deepgram_url = read_of(reader, "DEEPGRAM_BASE_URL", used.is_some(), service_url);
    let deepgram_model = read_of(reader, "DEEPGRAM_MODEL", recognizes_here, model);

    let used = used_by(RecognizerSetting::OpenAi, SynthesizerSetting::OpenAi);
    let is_asked = language_models.contains(&LanguageModelSetting::OpenAi);
    let used = used.or_else(|| is_asked.then_some("SAMVAD_LANGUAGE_MODEL"));
    let recognizes_here = recognizes(RecognizerSetting::OpenAi);
    let openai_url = read_of(reader, "OPENAI_BASE_URL", used.is_some(), service_url);
    let is_elsewhere = openai_url.as_ref().is_some_and(|url| !is_loopback(url));
    let openai_key = read_key(reader, "OPENAI_API_KEY", used, is_elsewhere);
    let openai_model = read_of(reader, "OPENAI_TRANSCRIPTION_MODEL", recognizes_here, model);
    let openai_api = read_of(reader, "OPENAI_TRANSCRIPTION_API", recognizes_here, |text| match text {
        "realtime" => Ok(TranscriptionApi::Realtime),
        "file" => Ok(TranscriptionApi::File),
        _ => Err(("names no interface", "write realtime or file")),
    });

    let used = used_by(RecognizerSetting::Sarvam, SynthesizerSetting::Sarvam);
    let recognizes_here = recognizes(RecognizerSetting::Sarvam);
    let sarvam_key = read_key(reader, "SARVAM_API_KEY", used, true);
    let sarvam_url = read_of(reader, "SARVAM_BASE_URL", used.is_some(), service_url);
    let sarvam_model = read_of(reader, "SARVAM_MODEL", recognizes_here, model);
    Some(ServiceSettings {
        connections: connections?,
        proxy,
        deepgram: DeepgramSettings {
            api_key: deepgram_key,
            base_url: deepgram_url?,
            model: deepgram_model?,
        },
        openai: OpenAiSettings {
            api_key: openai_key,
            base_url: openai_url?,
            transcription_model: openai_model?,
            transcription_api: openai_api?,
        },
        sarvam: SarvamSettings {
            api_key: sarvam_key,
            base_url: sarvam_url?,
            model: sarvam_model?,
        },
    })
}

/// A variable of a service; of one that is not used, what cannot be read is as if it were not set.
pub(super) fn read_of<T>(
    reader: &mut Reader<'_>,
    name: &str,
    is_used: bool,
    parse: impl Fn(&str) -> Result<T, Invalid>,
) -> Option<T> {
    if is_used {
        return reader.parsed(name, parse);
    }
    let set = reader.text(name).and_then(|text| parse(text).ok());
    set.or_else(|| default_of(name).and_then(|text| parse(text).ok()))
}

/// The key of a service that the variable `used_by` names; without one it is left alone. It travels in a header, which
/// takes visible ASCII only.
pub(super) fn read_key(
    reader: &mut Reader<'_>,
    name: &str,
    used_by: Option<&str>,
    is_needed: bool,
) -> Option<Secret<String>> {
    let list = used_by?;
    let file = format!("{name}_FILE");
    let is_set = reader.text(name).or_else(|| reader.text(&file)).is_some();
    let key = reader.secret(name);
    match &key {
        Some(key) if !key.expose().bytes().all(|byte| byte.is_ascii_graphic()) => {
            reader.fault(
                name,
                "holds blanks or other signs that no key has",
                "copy it from the service's console",
            );
            None
        }
        None if is_needed && !is_set => {
            let remedy = format!("set it or {file}, or take the service out of {list}");
            reader.fault(name, &format!("is not set, but {list} names the service"), &remedy);
            None
        }
        _ => key,
    }
}

fn read_proxy(reader: &mut Reader<'_>) -> Option<Secret<Url>> {
    const NAME: &str = "SAMVAD_SERVICE_PROXY";
    let text = reader.secret(NAME)?;
    let url = Url::parse(text.expose())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        reader.fault(
            NAME,
            "is no proxy's URL",
            "write for example http://proxy.example.org:3128",
        );
    }
    url.map(Secret::new)
}

/// `https` or `wss`, or `http` or `ws` on this machine; what is a WebSocket begins as an HTTP request.
pub(super) fn service_url(text: &str) -> Result<Url, Invalid> {
    const REMEDY: &str = "write https:// and the host, or for a server on this machine http://127.0.0.1:PORT";
    let text = match text.strip_prefix("ws") {
        Some(rest) if rest.starts_with(':') || rest.starts_with("s:") => format!("http{rest}"),
        _ => text.to_owned(),
    };
    values::web_url(&text, REMEDY)
}

pub(super) fn model(text: &str) -> Result<String, Invalid> {
    let is_name = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_name
        .then(|| text.to_owned())
        .ok_or(("is no model's name", "write it as the service does, without blanks"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, read};

    #[test]
    fn a_service_that_recognises_needs_its_key_and_all_that_lack_are_named_at_once() {
        assert_eq!(
            faults(&[("SAMVAD_RECOGNIZER", "deepgram,openai,sarvam,embedded")]),
            ["DEEPGRAM_API_KEY", "OPENAI_API_KEY", "SARVAM_API_KEY"]
        );
        let here = [
            ("SAMVAD_RECOGNIZER", "openai"),
            ("OPENAI_BASE_URL", "ws://127.0.0.1:9/v1"),
        ];
        let settings = read(&here).expect("a server on this machine needs no key");
        assert_eq!(settings.services.openai.base_url.as_str(), "http://127.0.0.1:9/v1");
    }

    #[test]
    fn addresses_are_encrypted_or_of_this_machine() {
        let with = |url: &'static str| {
            [
                ("SAMVAD_RECOGNIZER", "sarvam"),
                ("SARVAM_API_KEY", "key"),
                ("SARVAM_BASE_URL", url),
            ]
        };
        for wrong in [
            "http://api.example.org",
            "ws://api.example.org",
            "api.example.org",
            "https://a:b@example.org",
        ] {
            assert_eq!(faults(&with(wrong)), ["SARVAM_BASE_URL"], "{wrong}");
        }
        let settings = read(&with("wss://api.example.org/x")).expect("usable");
        assert_eq!(settings.services.sarvam.base_url.as_str(), "https://api.example.org/x");
    }

    #[test]
    fn what_is_set_for_other_programs_is_no_fault_where_the_service_is_not_used() {
        let settings = read(&[
            ("OPENAI_BASE_URL", "http://10.0.0.1:11434/v1"),
            ("OPENAI_API_KEY", "two words"),
        ])
        .expect("usable");
        assert_eq!(settings.services.openai.base_url.as_str(), "https://api.openai.com/v1");
        assert!(
            settings.services.openai.api_key.is_none(),
            "what is not used is not kept"
        );
    }

    #[test]
    fn keys_and_the_proxys_password_are_never_shown() {
        let settings = read(&[
            ("SAMVAD_RECOGNIZER", "deepgram,openai,sarvam"),
            ("DEEPGRAM_API_KEY", "canary-1"),
            ("OPENAI_API_KEY", "canary-2"),
            ("SARVAM_API_KEY", "canary-3"),
            ("SAMVAD_SERVICE_PROXY", "http://me:canary-4@proxy.example.org:3128"),
        ])
        .expect("usable");
        assert!(!format!("{settings:?}").contains("canary"), "{settings:?}");
        let wrong = read(&[
            ("SAMVAD_RECOGNIZER", "deepgram,openai"),
            ("DEEPGRAM_API_KEY", "canary with blanks"),
            ("OPENAI_API_KEY", "key"),
            ("SAMVAD_SERVICE_PROXY", "socks5://canary"),
            ("OPENAI_TRANSCRIPTION_API", "canary"),
            ("DEEPGRAM_MODEL", "canary model"),
            ("SAMVAD_SERVICE_CONNECTIONS", "0"),
        ])
        .expect_err("faulty");
        assert_eq!(wrong.0.len(), 5, "{wrong}");
        assert!(!wrong.to_string().contains("canary"), "{wrong}");
    }
}

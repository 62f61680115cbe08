//! Embedded synthesis: flite for English, espeak-ng for the other languages, each as a program of its own.
//!
//! espeak-ng is under GPL-3 and is therefore run, never linked. Texts are handed over as files, not as arguments: an
//! argument would be seen by every user of the machine.

use super::voice_names::{EMBEDDED, own_voice};
use async_trait::async_trait;
use samvad_actors::ports::{Pcm, ServiceKind, ServiceUse, SynthesisError, SynthesisRequest, Synthesizer, UsedService};
use samvad_actors::services::check_speech;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Longest a sentence may take; either program needs about 0.1 s.
const DEADLINE: Duration = Duration::from_secs(20);

/// Longest text of one sentence, in characters.
const LONGEST_TEXT: usize = 1_000;

/// flite's voice unless the campaign names one.
const FLITE_VOICE: &str = "slt";
/// flite's voices in Debian's package.
const FLITE_VOICES: [&str; 4] = ["slt", "rms", "awb", "kal16"];
/// Languages that espeak-ng speaks here: those of India it knows, and English.
const ESPEAK_LANGUAGES: [&str; 11] = ["hi", "bn", "gu", "kn", "ml", "mr", "pa", "ta", "te", "ur", "en"];

/// flite and espeak-ng.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmbeddedSynthesizer;

/// What speaks a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Engine<'r> {
    Flite { voice: &'r str },
    Espeak { voice: &'r str },
}

impl<'r> Engine<'r> {
    /// English goes to flite, unless the voice is one of espeak-ng's (`es:en-gb`); everything else to espeak-ng.
    fn of(request: &'r SynthesisRequest) -> Result<Self, SynthesisError> {
        let language = request.language.0.as_str();
        let primary = language.split('-').next().unwrap_or(language);
        let voice = own_voice(EMBEDDED, request.voice.as_deref());
        if let Some(voice) = voice.and_then(|voice| voice.strip_prefix("es:")) {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+');
            return if !voice.is_empty() && voice.chars().all(plain) {
                Ok(Self::Espeak { voice })
            } else {
                Err(unsupported(format!(
                    "{voice:?} is no espeak-ng voice; write for example es:en-gb+f2"
                )))
            };
        }
        match voice {
            None if primary == "en" => Ok(Self::Flite { voice: FLITE_VOICE }),
            None if ESPEAK_LANGUAGES.contains(&primary) => Ok(Self::Espeak { voice: primary }),
            None => Err(unsupported(format!(
                "the language {language:?} has no voice here; there are {}",
                ESPEAK_LANGUAGES.join(", ")
            ))),
            Some(voice) if primary == "en" && FLITE_VOICES.contains(&voice) => Ok(Self::Flite { voice }),
            Some(voice) => Err(unsupported(format!(
                "the voice {voice:?} is unknown for {language:?}; flite has {}, espeak-ng voices are written es:NAME",
                FLITE_VOICES.join(", ")
            ))),
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Flite { .. } => "flite",
            Self::Espeak { .. } => "espeak-ng",
        }
    }
}

#[async_trait]
impl Synthesizer for EmbeddedSynthesizer {
    fn name(&self) -> &'static str {
        EMBEDDED
    }

    /// The packages' versions are those of Debian 12; a new distribution brings a new identity here.
    fn identity(&self, request: &SynthesisRequest) -> String {
        match Engine::of(request) {
            Ok(Engine::Flite { voice }) => format!("flite 2.2 {voice}"),
            Ok(Engine::Espeak { voice }) => format!("espeak-ng 1.51 {voice}"),
            Err(_) => "none".to_owned(),
        }
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let engine = Engine::of(request)?;
        let text = plain_text(&request.text)?;
        let service = UsedService {
            kind: ServiceKind::Synthesis,
            service: EMBEDDED.to_owned(),
            model: engine.program().to_owned(),
        };
        request.meter.add(&service, ServiceUse::of_text(&text));
        let run = run(engine, &text);
        let wav = tokio::time::timeout(DEADLINE, run)
            .await
            .map_err(|_| SynthesisError::Unavailable {
                reason: format!("{} did not finish within {} s", engine.program(), DEADLINE.as_secs()),
            })??;
        let audio = samvad_media::wav::read(&wav)
            .map_err(|error| unusable(format!("{} did not write a WAV file: {error}", engine.program())))?;
        let pcm = Pcm {
            sample_rate: audio.sample_rate,
            samples: audio.samples,
        };
        check_speech(&pcm, &text)?;
        Ok(pcm)
    }
}

/// Runs the program: text in by standard input, WAV out by a file or by standard output.
async fn run(engine: Engine<'_>, text: &str) -> Result<Vec<u8>, SynthesisError> {
    let scratch = tempfile::Builder::new()
        .prefix("samvad-speech-")
        .tempdir()
        .map_err(|error| unavailable(engine, &error))?;
    let (input, output) = (scratch.path().join("text"), scratch.path().join("speech.wav"));
    let mut command = Command::new(engine.program());
    match engine {
        Engine::Flite { voice } => {
            // flite cannot read standard input; the directory is for its owner alone.
            tokio::fs::write(&input, text)
                .await
                .map_err(|error| unavailable(engine, &error))?;
            command
                .arg("-voice")
                .arg(voice)
                .arg("-f")
                .arg(&input)
                .arg("-o")
                .arg(&output);
        }
        Engine::Espeak { voice } => {
            command
                .arg("-v")
                .arg(voice)
                .arg("-s")
                .arg("150")
                .arg("--stdin")
                .arg("-w")
                .arg(&output);
        }
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| unavailable(engine, &error))?;
    if let Some(mut stdin) = child.stdin.take()
        && matches!(engine, Engine::Espeak { .. })
    {
        stdin
            .write_all(text.as_bytes())
            .await
            .map_err(|error| unavailable(engine, &error))?;
    }
    let status = child.wait().await.map_err(|error| unavailable(engine, &error))?;
    if !status.success() {
        return Err(unusable(format!("{} failed ({status})", engine.program())));
    }
    tokio::fs::read(&output)
        .await
        .map_err(|error| unavailable(engine, &error))
}

/// One line without control characters and without marks that either program would take for instructions.
fn plain_text(text: &str) -> Result<String, SynthesisError> {
    let without_marks = text.replace(['<', '>', '[', ']', '{', '}', '\\', '|'], " ");
    let words: Vec<&str> = without_marks
        .split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|w| !w.is_empty())
        .collect();
    let plain = words.join(" ");
    if !plain.chars().any(char::is_alphanumeric) {
        return Err(unusable("the text has nothing that can be spoken".to_owned()));
    }
    if plain.chars().count() > LONGEST_TEXT {
        return Err(unusable(format!(
            "the text is longer than {LONGEST_TEXT} characters; split it into sentences"
        )));
    }
    Ok(plain)
}

fn unavailable(engine: Engine<'_>, error: &std::io::Error) -> SynthesisError {
    let program = engine.program();
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => format!("{program} is not installed; install Debian's package {program}"),
        kind => format!("{program} cannot be run: {kind}"),
    };
    SynthesisError::Unavailable { reason }
}

fn unsupported(reason: String) -> SynthesisError {
    SynthesisError::Unsupported { reason }
}

fn unusable(reason: String) -> SynthesisError {
    SynthesisError::Unusable { reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use samvad_actors::domain::Language;
    use samvad_actors::ports::ServiceMeter;

    fn request(text: &str, language: &str, voice: Option<&str>) -> SynthesisRequest {
        SynthesisRequest {
            text: text.to_owned(),
            language: Language(language.to_owned()),
            voice: voice.map(str::to_owned),
            meter: ServiceMeter::default(),
        }
    }

    fn seconds(pcm: &Pcm) -> f32 {
        pcm.samples.len() as f32 / pcm.sample_rate as f32
    }

    #[tokio::test]
    async fn english_is_spoken_by_flite_and_hindi_by_espeak() {
        for (text, language, voice) in [
            ("May I ask you three questions?", "en", None),
            ("May I ask you three questions?", "en", Some("rms")),
            ("May I ask you three questions?", "en", Some("es:en-gb+f2")),
            ("क्या मैं आपसे तीन सवाल पूछ सकता हूँ?", "hi", None),
        ] {
            let pcm = EmbeddedSynthesizer
                .synthesize(&request(text, language, voice))
                .await
                .expect("speech");
            assert!(
                (1.0..6.0).contains(&seconds(&pcm)),
                "{language} {voice:?}: {} s",
                seconds(&pcm)
            );
        }
    }

    #[tokio::test]
    async fn a_text_that_looks_like_an_option_or_a_command_is_only_spoken() {
        for text in ["-o /tmp/x", "$(reboot) `id`", "[[h@l'oU]] <break time='60s'/> hello"] {
            let pcm = EmbeddedSynthesizer
                .synthesize(&request(text, "en", None))
                .await
                .expect("speech");
            assert!(seconds(&pcm) < 8.0, "{text}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_spoken_is_refused_with_the_remedy() {
        for (text, language, voice, word) in [
            ("hello", "xx", None, "has no voice"),
            ("hello", "en", Some("nobody"), "slt, rms"),
            ("hello", "en", Some("es:../x"), "no espeak-ng voice"),
            ("...", "en", None, "nothing that can be spoken"),
        ] {
            let fault = EmbeddedSynthesizer
                .synthesize(&request(text, language, voice))
                .await
                .expect_err("refused");
            assert!(fault.to_string().contains(word), "{fault}");
        }
    }

    proptest! {
        #[test]
        fn a_plain_text_is_one_line_without_marks(text in "\\PC{0,40}[<>\\[\\]\\n\\t\\x00-\\x1f]{0,5}\\PC{0,40}") {
            if let Ok(plain) = plain_text(&text) {
                prop_assert!(!plain.contains(['<', '>', '[', ']', '\n', '\t', '\0']));
            }
        }
    }
}

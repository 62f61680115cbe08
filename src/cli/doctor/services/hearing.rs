//! A recorded sentence for each recognition service.

use super::{PATIENCE, failed, reach, silent};
use crate::app::{SERVICE_PATIENCE, start_recognition_service};
use crate::cli::doctor::Finding;
use crate::config::{RecognizerSetting, Settings};
use crate::speech::services::{ServiceThreads, text};
use samvad_actors::domain::{AttemptId, Language};
use samvad_actors::ports::{Grammar, Heard, RecognitionRequest, Recognizer, RecognizerError, ServiceMeter};
use samvad_media::wav;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CHECK: &str = "service hears";

/// A recorded sentence, and its words.
const RECORDING: &[u8] = include_bytes!("../../../../fixtures/audio/20_free_service.wav");
const RECORDED: &str = "the service was slow but the staff were very friendly";
/// The share of the recorded words that must have been heard.
const ENOUGH_WORDS: f64 = 0.7;

/// The settings that a fault of a service may lie in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables {
    key: &'static str,
    base_url: &'static str,
    model: &'static str,
}

/// Those of a service; `None` for what is none.
pub(super) fn variables_of(setting: RecognizerSetting) -> Option<Variables> {
    Some(match setting {
        RecognizerSetting::Deepgram => Variables {
            key: "DEEPGRAM_API_KEY",
            base_url: "DEEPGRAM_BASE_URL",
            model: "DEEPGRAM_MODEL",
        },
        RecognizerSetting::Sarvam => Variables {
            key: "SARVAM_API_KEY",
            base_url: "SARVAM_BASE_URL",
            model: "SARVAM_MODEL",
        },
        RecognizerSetting::OpenAi => Variables {
            key: "OPENAI_API_KEY",
            base_url: "OPENAI_BASE_URL",
            model: "OPENAI_TRANSCRIPTION_MODEL",
        },
        RecognizerSetting::Embedded | RecognizerSetting::Fixed { .. } => return None,
    })
}

/// What it hears, and how fast.
pub(super) async fn check(
    setting: RecognizerSetting,
    variables: Variables,
    settings: &Settings,
    threads: Arc<ServiceThreads>,
) -> Finding {
    let name = setting.to_string();
    let recognizer = match start_recognition_service(setting, settings, threads) {
        Ok(recognizer) => recognizer,
        Err(error) => return failed(CHECK, &name, &format!("{error:#}"), &reach(variables.base_url)),
    };
    match tokio::time::timeout(PATIENCE, recognize(&*recognizer)).await {
        Ok(Ok(result)) => judge_hearing(&name, &result, variables),
        Ok(Err(error)) => Finding::fault(CHECK, format!("{name}: {error}"), mend(&error, variables)),
        Err(_elapsed) => silent(CHECK, &name, variables.base_url),
    }
}

/// What was heard, and how long it took to connect, and from the end of the recording to the result.
struct Hearing {
    heard: Heard,
    connected: Duration,
    result: Duration,
}

async fn recognize(recognizer: &dyn Recognizer) -> Result<Hearing, RecognizerError> {
    let recording = wav::read(RECORDING).map_err(|error| RecognizerError::Unsupported {
        reason: format!("the recording cannot be read: {error}"),
    })?;
    let grammar = Arc::new(Grammar {
        id: "doctor".to_owned(),
        phrases: Vec::new(),
        free_text: true,
    });
    let begun = Instant::now();
    recognizer.prepare(&Language::default(), &grammar).await?;
    let connected = begun.elapsed();
    let mut utterance = recognizer.start(RecognitionRequest {
        attempt: AttemptId::new("doctor"),
        language: Language::default(),
        grammar,
        meter: ServiceMeter::default(),
    });
    utterance.push(&recording.samples);
    let ended = Instant::now();
    let heard = utterance.finish().await?;
    Ok(Hearing {
        heard,
        connected,
        result: ended.elapsed(),
    })
}

fn judge_hearing(name: &str, hearing: &Hearing, variables: Variables) -> Finding {
    let heard = &hearing.heard;
    let found = format!(
        "{name}: connected in {} ms; {:?} heard {} ms after its end, confidence {:.2}",
        hearing.connected.as_millis(),
        heard.text,
        hearing.result.as_millis(),
        heard.confidence
    );
    let words: Vec<&str> = heard.text.split_whitespace().collect();
    let recorded = text::plain(RECORDED);
    let recorded: Vec<&str> = recorded.split_whitespace().collect();
    let common = recorded.iter().filter(|word| words.contains(word)).count();
    let remedy = format!(
        "see that the model in {} understands English at 8 kHz; if callers speak another language, try it by a call",
        variables.model
    );
    if words.is_empty() {
        Finding::fault(
            CHECK,
            format!("{name}: nothing was heard in a recorded sentence"),
            remedy,
        )
    } else if (common as f64) < recorded.len() as f64 * ENOUGH_WORDS {
        Finding::warning(CHECK, format!("{found}, where {RECORDED:?} was said"), remedy)
    } else if hearing.result > SERVICE_PATIENCE {
        let remedy = "a call gives it up by then, and asks the next in SAMVAD_RECOGNIZER: choose a faster model or a \
                      nearer region";
        Finding::warning(CHECK, found, remedy)
    } else {
        Finding::ok(CHECK, found)
    }
}

/// What to do about a recogniser's error. Those of WebSockets tell a code of the service's; its words are few.
fn mend(error: &RecognizerError, variables: Variables) -> String {
    let Variables { key, base_url, model } = variables;
    match error {
        RecognizerError::Refused { reason } => {
            let reason = reason.to_ascii_lowercase();
            let says = |words: &[&str]| words.iter().any(|word| reason.contains(word));
            if says(&[
                "quota",
                "credit",
                "payment",
                "billing",
                "balance",
                "asked of it at once",
            ]) {
                "see the account's quota, credit and rate limit in the service's console".to_owned()
            } else if says(&["model", "language"]) {
                format!("check {model}, whether the model knows the language, and {base_url}")
            } else if says(&["key", "auth", "permission", "forbidden"]) {
                format!("check {key}")
            } else {
                format!("check {key}, {model} and {base_url}")
            }
        }
        RecognizerError::Unsupported { .. } => format!("choose a service or a model ({model}) that knows the language"),
        RecognizerError::Overloaded => "raise SAMVAD_SERVICE_CONNECTIONS".to_owned(),
        RecognizerError::TimedOut { .. } | RecognizerError::Lost { .. } => reach(variables.base_url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    fn hearing(text: &str, result: Duration) -> Finding {
        let hearing = Hearing {
            heard: Heard {
                text: text.to_owned(),
                confidence: 0.9,
                uncertain: false,
            },
            connected: Duration::from_millis(80),
            result,
        };
        judge_hearing(
            "deepgram",
            &hearing,
            variables_of(RecognizerSetting::Deepgram).expect("a service"),
        )
    }

    #[test]
    fn nothing_heard_is_a_fault_and_other_words_or_a_late_result_a_warning() {
        let fast = Duration::from_millis(200);
        assert_eq!(hearing(RECORDED, fast).state, State::Ok);
        let nearly = "the service was slow but the stuff were very friendly";
        assert_eq!(hearing(nearly, fast).state, State::Ok);
        assert_eq!(hearing("el servicio era lento", fast).state, State::Warning);
        assert_eq!(hearing(RECORDED, SERVICE_PATIENCE * 2).state, State::Warning);
        let nothing = hearing("", fast);
        assert_eq!(nothing.state, State::Fault);
        assert!(nothing.remedy.is_some_and(|remedy| remedy.contains("DEEPGRAM_MODEL")));
    }

    #[test]
    fn a_refusals_remedy_is_the_setting_it_is_about() {
        let remedy = |reason: &str| {
            let error = RecognizerError::Refused {
                reason: reason.to_owned(),
            };
            mend(&error, variables_of(RecognizerSetting::Sarvam).expect("a service"))
        };
        assert_eq!(
            remedy("it does not accept the key (401, without a code)"),
            "check SARVAM_API_KEY"
        );
        assert_eq!(remedy("it reports an error, invalid_auth"), "check SARVAM_API_KEY");
        assert!(
            remedy("it does not take the model, the language or another parameter (400, x)").contains("SARVAM_MODEL")
        );
        assert!(remedy("it reports an error, insufficient_quota").contains("console"));
        assert!(remedy("it closed the connection (1008, x)").contains("SARVAM_BASE_URL"));
        let lost = RecognizerError::TimedOut { deadline_ms: 5_000 };
        assert!(mend(&lost, variables_of(RecognizerSetting::OpenAi).expect("a service")).contains("OPENAI_BASE_URL"));
    }

    #[test]
    fn the_recording_is_one_of_the_telephone() {
        let recording = wav::read(RECORDING).expect("a WAV file");
        assert_eq!(recording.sample_rate, 8_000);
        assert_eq!(text::plain(RECORDED), RECORDED);
    }
}

//! A sentence from each synthesis service.

use super::{PATIENCE, Twice, failed, reach, silent, twice};
use crate::app::start_synthesis_service;
use crate::cli::doctor::Finding;
use crate::cli::doctor::speech::{PLAUSIBLE_DBFS, level_and_length};
use crate::config::{Settings, SynthesizerSetting};
use crate::speech::services::ServiceThreads;
use samvad_actors::domain::Language;
use samvad_actors::ports::{Pcm, ServiceMeter, SynthesisError, SynthesisRequest, Synthesizer};
use std::sync::Arc;
use std::time::Duration;

const CHECK: &str = "service speaks";

/// What is spoken.
const SENTENCE: &str = "May I ask you three questions?";
/// Some 40 sentences of a campaign are spoken before its first call.
const SLOW: Duration = Duration::from_secs(5);

/// Where the address of a service is set; `None` for what is none.
pub(super) fn base_url_of(setting: SynthesizerSetting) -> Option<&'static str> {
    match setting {
        SynthesizerSetting::ElevenLabs => Some("ELEVENLABS_BASE_URL"),
        SynthesizerSetting::OpenAi => Some("OPENAI_BASE_URL"),
        SynthesizerSetting::Deepgram => Some("DEEPGRAM_BASE_URL"),
        SynthesizerSetting::Sarvam => Some("SARVAM_BASE_URL"),
        SynthesizerSetting::Embedded => None,
    }
}

/// What it says, and how fast.
pub(super) async fn check(
    setting: SynthesizerSetting,
    base_url: &str,
    settings: &Settings,
    threads: Arc<ServiceThreads>,
) -> Finding {
    let name = setting.to_string();
    let synthesizer = match start_synthesis_service(setting, settings, threads) {
        Ok(synthesizer) => synthesizer,
        Err(error) => return failed(CHECK, &name, &format!("{error:#}"), &reach(base_url)),
    };
    let request = SynthesisRequest {
        text: SENTENCE.to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    };
    let spoken = twice(async || synthesizer.synthesize(&request).await);
    match tokio::time::timeout(PATIENCE, spoken).await {
        Ok(Ok(spoken)) => judge_speech(&name, &spoken),
        Ok(Err(error @ SynthesisError::Unusable { .. })) => {
            let remedy = "try another voice or model, or take it out of SAMVAD_SYNTHESIZER";
            failed(CHECK, &name, &error, remedy)
        }
        Ok(Err(error)) => failed(CHECK, &name, &error, &reach(base_url)),
        Err(_elapsed) => silent(CHECK, &name, base_url),
    }
}

fn judge_speech(name: &str, spoken: &Twice<Pcm>) -> Finding {
    let (level, ms) = level_and_length(&spoken.last);
    let found = format!(
        "{name}: {SENTENCE:?} spoken in {ms} ms at {level:.0} dBFS, {}",
        spoken.times()
    );
    if !PLAUSIBLE_DBFS.contains(&level) {
        let remedy = "choose another voice: callers would hear it badly, or not at all";
        Finding::fault(CHECK, found, remedy)
    } else if spoken.open_connection > SLOW {
        Finding::warning(CHECK, found, "campaigns will take long to begin: choose a faster model")
    } else {
        Finding::ok(CHECK, found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    #[test]
    fn speech_that_nobody_hears_is_a_fault_and_slow_speech_a_warning() {
        let spoken = |sample, took| {
            let twice = Twice {
                last: Pcm {
                    sample_rate: 8_000,
                    samples: vec![sample; 16_000],
                },
                new_connection: took,
                open_connection: took,
            };
            judge_speech("openai", &twice).state
        };
        assert_eq!(spoken(3_000, Duration::from_millis(500)), State::Ok);
        assert_eq!(spoken(0, Duration::from_millis(500)), State::Fault);
        assert_eq!(spoken(3_000, SLOW * 2), State::Warning);
    }
}

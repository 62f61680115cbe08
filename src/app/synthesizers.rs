//! The synthesisers that the settings name.

use crate::config::{Secret, Settings, SynthesizerSetting};
use crate::speech::EmbeddedSynthesizer;
use crate::speech::services::{
    ServiceSynthesizer, ServiceThreads, SpeechDeadlines, deepgram, elevenlabs, openai, sarvam,
};
use anyhow::Context;
use rand::RngExt;
use samvad_actors::ports::{Clock, Synthesizer};
use samvad_actors::services::{FailoverSynthesizer, Jitter, RankedSynthesizer};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Longest wait for a sentence, whoever speaks it: beyond their own deadlines, for those that keep none.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sentences that the embedded synthesiser speaks at a time: processes on this machine.
const EMBEDDED_AT_ONCE: usize = 2;

/// Makes them, in the order of preference.
///
/// Services have threads of their own, apart from the recognisers': a campaign that is rendered delays no caller.
///
/// # Errors
/// Why a service cannot be used.
pub fn synthesizers(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Arc<FailoverSynthesizer>> {
    let mut threads = None;
    let mut ranked = Vec::new();
    for setting in settings.synthesis.synthesizers.list() {
        let (synthesizer, at_once): (Arc<dyn Synthesizer>, _) = match setting {
            SynthesizerSetting::Embedded => (Arc::new(EmbeddedSynthesizer), EMBEDDED_AT_ONCE),
            service => {
                let threads = match &threads {
                    Some(threads) => Arc::clone(threads),
                    None => Arc::clone(threads.insert(Arc::new(ServiceThreads::start()?))),
                };
                let synthesizer = start_service(*service, settings, threads);
                let synthesizer = synthesizer.with_context(|| format!("{service} cannot be used"))?;
                (Arc::new(synthesizer), settings.synthesis.at_once)
            }
        };
        ranked.push(RankedSynthesizer {
            synthesizer,
            patience: PATIENCE,
            at_once,
        });
    }
    let jitter: Jitter = Arc::new(|| rand::rng().random());
    Ok(Arc::new(FailoverSynthesizer::new(ranked, clock, &jitter)))
}

/// A service that speaks, alone.
///
/// # Errors
/// Why it cannot be used.
pub(crate) fn start_service(
    service: SynthesizerSetting,
    settings: &Settings,
    threads: Arc<ServiceThreads>,
) -> anyhow::Result<ServiceSynthesizer> {
    let (services, synthesis) = (&settings.services, &settings.synthesis);
    let proxy: Option<&Url> = services.proxy.as_ref().map(Secret::expose);
    let deadlines = SpeechDeadlines::default();
    Ok(match service {
        SynthesizerSetting::ElevenLabs => {
            let elevenlabs = &synthesis.elevenlabs;
            let key = elevenlabs.api_key.as_ref().context("ELEVENLABS_API_KEY is not set")?;
            elevenlabs::synthesizer(elevenlabs, key, proxy, deadlines, threads)?
        }
        SynthesizerSetting::OpenAi => {
            let (model, voices) = (&synthesis.openai_model, &synthesis.openai_voices);
            openai::speech::synthesizer(&services.openai, model, voices, proxy, deadlines, threads)?
        }
        SynthesizerSetting::Deepgram => {
            let key = services
                .deepgram
                .api_key
                .as_ref()
                .context("DEEPGRAM_API_KEY is not set")?;
            let voices = &synthesis.deepgram_voices;
            deepgram::speech::synthesizer(&services.deepgram, key, voices, proxy, deadlines, threads)?
        }
        SynthesizerSetting::Sarvam => {
            let key = services.sarvam.api_key.as_ref().context("SARVAM_API_KEY is not set")?;
            let (model, voices) = (&synthesis.sarvam_model, &synthesis.sarvam_voices);
            sarvam::speech::synthesizer(&services.sarvam, key, model, voices, proxy, deadlines, threads)?
        }
        SynthesizerSetting::Embedded => anyhow::bail!("it is no service"),
    })
}

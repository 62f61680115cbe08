//! The voices of a node: the synthesisers that the settings name, and who greets by name.

use crate::config::{Secret, Settings, SynthesizerSetting};
use crate::speech::services::{
    ServiceSynthesizer, ServiceThreads, SpeechDeadlines, deepgram, elevenlabs, openai, sarvam,
};
use crate::speech::{EmbeddedSynthesizer, NameCache, NamePrompts, OnThreads};
use anyhow::Context;
use rand::RngExt;
use samvad_actors::domain::Campaign;
use samvad_actors::ports::{Clock, NameVoice, Synthesizer};
use samvad_actors::services::{FailoverSynthesizer, Jitter, RankedSynthesizer};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Longest wait for a sentence, whoever speaks it: beyond their own deadlines, for those that keep none.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sentences that the embedded synthesiser speaks at a time: processes on this machine.
const EMBEDDED_AT_ONCE: usize = 2;

/// Everybody who speaks on a node.
pub struct Voices {
    /// In the order of preference.
    pub synthesizers: Arc<FailoverSynthesizer>,
    names: Arc<NameCache>,
    threads: Arc<ServiceThreads>,
}

impl Voices {
    /// Makes them. They have threads of their own, apart from the recognisers': a campaign that is rendered delays no
    /// caller.
    ///
    /// # Errors
    /// Why a service cannot be used.
    pub fn start(settings: &Settings, clock: &Arc<dyn Clock>) -> anyhow::Result<Self> {
        let threads = Arc::new(ServiceThreads::start()?);
        Ok(Self::new(synthesizers(settings, clock, &threads)?, threads))
    }

    /// These synthesisers, with threads for what they speak for one person.
    pub fn new(synthesizers: FailoverSynthesizer, threads: Arc<ServiceThreads>) -> Self {
        Self {
            synthesizers: Arc::new(synthesizers),
            names: Arc::default(),
            threads,
        }
    }

    /// Who speaks what is made in a call of a campaign: the one at this place, whose voice its prompts have, else another.
    pub fn live(&self, speaker: usize) -> Arc<dyn Synthesizer> {
        Arc::new(self.synthesizers.preferring(speaker))
    }

    /// Who greets by name in a campaign whose prompts the one at this place has spoken: that one or nobody.
    pub fn names(&self, campaign: &Campaign, speaker: usize) -> Option<Arc<dyn NameVoice>> {
        let speaker = self.synthesizers.list().get(speaker)?.clone();
        Some(Arc::new(NamePrompts::new(
            speaker,
            campaign.language.clone(),
            campaign.voice.clone(),
            Arc::clone(&self.names),
            Arc::clone(&self.threads),
        )))
    }

    /// The threads on which they are talked to.
    pub fn threads(&self) -> &Arc<ServiceThreads> {
        &self.threads
    }

    /// Runs something beside the calls.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.threads.spawn(work);
    }
}

fn synthesizers(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
    threads: &Arc<ServiceThreads>,
) -> anyhow::Result<FailoverSynthesizer> {
    let mut ranked = Vec::new();
    for setting in settings.synthesis.synthesizers.list() {
        let threads = Arc::clone(threads);
        let (synthesizer, at_once): (Arc<dyn Synthesizer>, _) = match setting {
            SynthesizerSetting::Embedded => (Arc::new(OnThreads::new(EmbeddedSynthesizer, threads)), EMBEDDED_AT_ONCE),
            service => {
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
    Ok(FailoverSynthesizer::new(ranked, clock, &jitter).with_live_deadline(settings.synthesis.live_deadline))
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

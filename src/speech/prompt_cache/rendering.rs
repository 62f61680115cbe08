//! Speaking what is not on disk yet: several sentences at a time, with patience for services that are busy.

use super::{PromptCache, PromptCacheError, PromptFailure, level, prompt, write};
use crate::config::private_files::PrivateFileError;
use futures_util::{StreamExt, stream};
use samvad_actors::ports::{Pcm, Prompt, PromptBook, SynthesisError, SynthesisRequest, Synthesizer};
use samvad_actors::services::GuardedSynthesizer;
use std::time::Duration;

/// Longest that a sentence is waited for while a service says that it is busy, all waits together.
const LONGEST_WAIT: Duration = Duration::from_secs(180);
/// First wait if it does not say how long; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(2);
/// Tries of a sentence whose audio was cut off, late or unusable: that passes, or it does not.
const MOST_TRIES: u32 = 2;

/// Why one synthesiser has not spoken all sentences.
pub(super) enum Failed {
    Files(PrivateFileError),
    Speech(PromptFailure),
}

impl Failed {
    /// The failure, if another synthesiser may do better.
    pub(super) fn into_failure(self) -> Result<PromptFailure, PromptCacheError> {
        match self {
            Self::Speech(failure) => {
                tracing::warn!(
                    synthesizer = failure.synthesizer,
                    error = %failure.fault,
                    "a synthesiser cannot speak a campaign; the next one is asked"
                );
                Ok(failure)
            }
            Self::Files(error) => Err(PromptCacheError::Files(error)),
        }
    }
}

impl PromptCache {
    /// All sentences by one synthesiser; `kept` are those of them that are on disk, in the same order.
    pub(super) async fn render_by(
        &self,
        synthesizer: &GuardedSynthesizer,
        requests: &[SynthesisRequest],
        kept: Vec<Option<Prompt>>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<PromptBook, Failed> {
        let mut renderings = stream::iter(requests.iter().zip(kept).map(|(request, kept)| async move {
            let prompt = match kept {
                Some(prompt) => prompt,
                None => self.prompt(synthesizer, request).await?,
            };
            Ok::<_, Failed>((request.text.clone(), prompt))
        }))
        .buffer_unordered(synthesizer.at_once());
        let mut prompts = Vec::with_capacity(requests.len());
        while let Some(rendered) = renderings.next().await {
            prompts.push(rendered?);
            progress(prompts.len(), requests.len());
        }
        Ok(prompts.into_iter().collect())
    }

    /// One sentence, spoken now and kept.
    async fn prompt(&self, synthesizer: &GuardedSynthesizer, request: &SynthesisRequest) -> Result<Prompt, Failed> {
        let pcm = speak(synthesizer, request).await;
        let mulaw = pcm.and_then(|pcm| telephone_audio(&pcm)).map_err(|fault| {
            Failed::Speech(PromptFailure {
                synthesizer: synthesizer.name(),
                text: request.text.clone(),
                fault,
            })
        })?;
        write(&self.path_of(synthesizer, request), &mulaw).map_err(Failed::Files)?;
        Ok(prompt(mulaw.into()))
    }
}

/// Asks again where that may help: after the wait that a busy service asks for, and once after a fault that may pass.
async fn speak(synthesizer: &dyn Synthesizer, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
    let (mut tries, mut waited, mut next_wait) = (1, Duration::ZERO, FIRST_WAIT);
    loop {
        let error = match synthesizer.synthesize(request).await {
            Ok(pcm) => return Ok(pcm),
            Err(error) => error,
        };
        match &error {
            SynthesisError::Busy { retry_after, .. } => {
                let wait = retry_after.unwrap_or(next_wait).max(Duration::from_millis(100));
                if waited + wait > LONGEST_WAIT {
                    return Err(error);
                }
                tracing::info!(
                    synthesizer = synthesizer.name(),
                    wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                    "a synthesiser is busy; its prompts wait"
                );
                tokio::time::sleep(wait).await;
                waited += wait;
                next_wait = wait * 2;
            }
            SynthesisError::Unavailable { .. } | SynthesisError::Unusable { .. } | SynthesisError::TimedOut { .. }
                if tries < MOST_TRIES =>
            {
                tries += 1;
            }
            _ => return Err(error),
        }
    }
}

/// Resampled once, cut to speech, brought to level, and coded as the line wants it.
pub(super) fn telephone_audio(pcm: &Pcm) -> Result<Vec<u8>, SynthesisError> {
    let unusable = |reason| SynthesisError::Unusable { reason };
    let samples = samvad_media::resample::to_8k(&pcm.samples, pcm.sample_rate)
        .map_err(|fault| unusable(format!("it cannot be resampled: {fault}")))?;
    let samples = level::speech_at_level(&samples).ok_or_else(|| unusable("the audio is silent".to_owned()))?;
    let mut mulaw = Vec::with_capacity(samples.len());
    samvad_media::codec::encode_mulaw(&samples, &mut mulaw);
    Ok(mulaw)
}

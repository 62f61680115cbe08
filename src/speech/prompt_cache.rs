//! Fixed prompts, spoken once and kept on disk by content.
//!
//! A file's name is the SHA-256 of everything its audio depends on: text, language, voice, synthesiser, and the version
//! of what is done to the audio here. Its content is a header with a checksum, then mu-law at 8 kHz. What plays is the
//! cache.

mod level;

use crate::config::private_files::{self, PrivateFileError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use samvad_actors::domain::Language;
use samvad_actors::ports::{Prompt, PromptBook, SynthesisError, SynthesisRequest, Synthesizer};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Changed whenever the same synthesis would be stored differently.
const PROCESSING_VERSION: u32 = 1;

/// Begins every file.
const MAGIC: &[u8; 8] = b"SMVPRMT1";

/// Bytes of the checksum that follows: SHA-256 of the audio.
const CHECKSUM_BYTES: usize = 32;

/// Sentences rendered at the same time.
const AT_ONCE: usize = 2;

/// Mu-law bytes per millisecond at 8 kHz.
const BYTES_PER_MS: u64 = 8;

/// Why prompts cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PromptCacheError {
    /// The directory or a file cannot be had.
    #[error("the prompt cache is not usable: {0}")]
    Files(#[from] PrivateFileError),
    /// A sentence cannot be spoken.
    #[error("the sentence {text:?} cannot be spoken: {fault}")]
    Synthesis {
        /// Which; it is a prompt's text, not somebody's words.
        text: String,
        /// Why.
        fault: SynthesisError,
    },
    /// The synthesiser's sample rate cannot be converted.
    #[error("the sentence {text:?} cannot be resampled: {fault}")]
    Resampling {
        /// Which.
        text: String,
        /// Why.
        fault: samvad_media::resample::ResampleError,
    },
}

/// Prompts on disk.
pub struct PromptCache {
    directory: PathBuf,
    synthesizer: Arc<dyn Synthesizer>,
}

impl PromptCache {
    /// Opens the directory (made if missing, 0700).
    ///
    /// # Errors
    /// [`PromptCacheError::Files`].
    pub fn open(directory: &Path, synthesizer: Arc<dyn Synthesizer>) -> Result<Self, PromptCacheError> {
        private_files::ensure_directory(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            synthesizer,
        })
    }

    /// The audio of these sentences: from disk where it is there and sound, else spoken now and kept. `progress` is
    /// told how many are ready, and of how many.
    ///
    /// # Errors
    /// [`PromptCacheError`] of the first sentence that cannot be had.
    pub async fn render(
        &self,
        sentences: &[String],
        language: &Language,
        voice: Option<&str>,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<PromptBook, PromptCacheError> {
        let mut renderings = stream::iter(sentences.iter().map(|text| async move {
            let request = SynthesisRequest {
                text: text.clone(),
                language: language.clone(),
                voice: voice.map(str::to_owned),
            };
            self.prompt(&request).await.map(|prompt| (text.clone(), prompt))
        }))
        .buffer_unordered(AT_ONCE);
        let mut prompts = Vec::with_capacity(sentences.len());
        while let Some(rendered) = renderings.next().await {
            prompts.push(rendered?);
            progress(prompts.len(), sentences.len());
        }
        Ok(prompts.into_iter().collect())
    }

    /// One sentence.
    async fn prompt(&self, request: &SynthesisRequest) -> Result<Prompt, PromptCacheError> {
        let path = self.path_of(request);
        if let Some(prompt) = read(&path) {
            return Ok(prompt);
        }
        let synthesis = |fault| PromptCacheError::Synthesis {
            text: request.text.clone(),
            fault,
        };
        let pcm = self.synthesizer.synthesize(request).await.map_err(synthesis)?;
        let samples = samvad_media::resample::to_8k(&pcm.samples, pcm.sample_rate).map_err(|fault| {
            PromptCacheError::Resampling {
                text: request.text.clone(),
                fault,
            }
        })?;
        let samples = level::speech_at_level(&samples).ok_or_else(|| {
            synthesis(SynthesisError::Unusable {
                reason: "the audio is silent".to_owned(),
            })
        })?;
        let mut mulaw = Vec::with_capacity(samples.len());
        samvad_media::codec::encode_mulaw(&samples, &mut mulaw);
        write(&path, &mulaw)?;
        Ok(prompt(mulaw.into()))
    }

    /// Where a sentence is, or would be.
    fn path_of(&self, request: &SynthesisRequest) -> PathBuf {
        let mut hash = Sha256::new();
        let version = PROCESSING_VERSION.to_string();
        let identity = self.synthesizer.identity();
        let voice = request.voice.as_deref().unwrap_or_default();
        for part in [version.as_str(), &identity, &request.language.0, voice, &request.text] {
            // The length keeps two different lists of parts from reading the same.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let name: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(format!("{name}.prompt"))
    }
}

fn prompt(mulaw: Bytes) -> Prompt {
    Prompt {
        duration_ms: mulaw.len() as u64 / BYTES_PER_MS,
        mulaw,
    }
}

/// A file's audio; `None` if it is not there, or damaged: it is spoken again then.
fn read(path: &Path) -> Option<Prompt> {
    let content = Bytes::from(std::fs::read(path).ok()?);
    let header = MAGIC.len() + CHECKSUM_BYTES;
    if content.len() <= header || !content.starts_with(MAGIC) {
        return None;
    }
    let audio = content.slice(header..);
    (Sha256::digest(&audio)[..] == content[MAGIC.len()..header]).then(|| prompt(audio))
}

/// Writes a file whole or not at all, in place of a damaged one.
fn write(path: &Path, mulaw: &[u8]) -> Result<(), PrivateFileError> {
    let content = [MAGIC.as_slice(), Sha256::digest(mulaw).as_slice(), mulaw].concat();
    private_files::replace(path, &content)
}

#[cfg(test)]
mod tests;

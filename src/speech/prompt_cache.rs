//! Fixed prompts, spoken once and kept on disk by content.
//!
//! A file's name is the SHA-256 of everything its audio depends on: text, language, synthesiser with its model and voice,
//! and the version of what is done to the audio here. Its content is a header with a checksum, then mu-law at 8 kHz. What
//! plays is the cache.
//!
//! Several nodes may share the directory: a file appears whole or not at all, and equal names mean equal audio.

mod level;
mod names;
mod rendering;

pub use names::{NameCache, NamePrompts};

use crate::config::private_files::{self, PrivateFileError};
use bytes::Bytes;
use samvad_actors::domain::Language;
use samvad_actors::ports::{Prompt, PromptBook, ServiceMeter, SynthesisError, SynthesisRequest, Synthesizer};
use samvad_actors::services::FailoverSynthesizer;
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Changed whenever the same synthesis would be stored differently.
const PROCESSING_VERSION: u32 = 2;

/// Begins every file.
const MAGIC: &[u8; 8] = b"SMVPRMT1";

/// Bytes of the checksum that follows: SHA-256 of the audio.
const CHECKSUM_BYTES: usize = 32;

/// Mu-law bytes per millisecond at 8 kHz.
const BYTES_PER_MS: u64 = 8;

/// Why prompts cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PromptCacheError {
    /// The directory or a file cannot be had.
    #[error("the prompt cache is not usable: {0}")]
    Files(#[from] PrivateFileError),
    /// No synthesiser speaks all of the sentences.
    #[error("{}", list(.0))]
    NobodySpeaks(Vec<PromptFailure>),
}

/// Which sentence a synthesiser could not speak, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromptFailure {
    /// The synthesiser.
    pub synthesizer: &'static str,
    /// The sentence; it is a prompt's text, not somebody's words.
    pub text: String,
    /// Why, with the remedy.
    pub fault: SynthesisError,
}

impl fmt::Display for PromptFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot speak {:?}: {}", self.synthesizer, self.text, self.fault)
    }
}

fn list(failures: &[PromptFailure]) -> String {
    let failures: Vec<String> = failures.iter().map(ToString::to_string).collect();
    failures.join("; ")
}

/// A campaign's sentences as audio.
#[derive(Clone, Debug)]
pub struct RenderedPrompts {
    /// All of them.
    pub book: PromptBook,
    /// Whose voice it is: a place in the list of synthesisers.
    pub speaker: usize,
}

/// Prompts on disk.
pub struct PromptCache {
    directory: PathBuf,
    synthesizers: Arc<FailoverSynthesizer>,
}

impl PromptCache {
    /// Opens the directory (made if missing, 0700).
    ///
    /// # Errors
    /// [`PromptCacheError::Files`].
    pub fn open(directory: &Path, synthesizers: Arc<FailoverSynthesizer>) -> Result<Self, PromptCacheError> {
        private_files::ensure_directory(directory)?;
        Ok(Self {
            directory: directory.to_owned(),
            synthesizers,
        })
    }

    /// The audio of these sentences, all of one synthesiser, so that a call has one voice: of the first that has them on
    /// disk or can speak those that are missing. `progress` is told how many are ready, and of how many; it begins anew
    /// with the next synthesiser. What has to be spoken counts into `meter`.
    ///
    /// # Errors
    /// [`PromptCacheError`]: the disk, or what each synthesiser could not speak.
    pub async fn render(
        &self,
        sentences: &[String],
        language: &Language,
        voice: Option<&str>,
        meter: &ServiceMeter,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<RenderedPrompts, PromptCacheError> {
        let request = |text: &String| SynthesisRequest {
            text: text.clone(),
            language: language.clone(),
            voice: voice.map(str::to_owned),
            meter: meter.clone(),
        };
        let requests: Vec<SynthesisRequest> = sentences.iter().map(request).collect();
        let mut failures = Vec::new();
        let mut at_rest = Vec::new();
        for (speaker, synthesizer) in self.synthesizers.list().iter().enumerate() {
            let kept: Vec<Option<Prompt>> = requests
                .iter()
                .map(|request| read(&self.path_of(synthesizer, request)))
                .collect();
            // What it has spoken before needs nobody who is at rest.
            if kept.iter().any(Option::is_none) && !synthesizer.try_pass() {
                at_rest.push((speaker, synthesizer, kept));
                continue;
            }
            match self.render_by(synthesizer, &requests, kept, progress).await {
                Ok(book) => return Ok(RenderedPrompts { book, speaker }),
                Err(failed) => failures.push(failed.into_failure()?),
            }
        }
        for (speaker, synthesizer, kept) in at_rest {
            match self.render_by(synthesizer, &requests, kept, progress).await {
                Ok(book) => return Ok(RenderedPrompts { book, speaker }),
                Err(failed) => failures.push(failed.into_failure()?),
            }
        }
        Err(PromptCacheError::NobodySpeaks(failures))
    }

    /// Where a sentence of a synthesiser is, or would be.
    fn path_of(&self, synthesizer: &dyn Synthesizer, request: &SynthesisRequest) -> PathBuf {
        let mut hash = Sha256::new();
        let version = PROCESSING_VERSION.to_string();
        let identity = synthesizer.identity(request);
        for part in [version.as_str(), &identity, &request.language.0, &request.text] {
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

//! Greetings by name: spoken for one person, as loud as the prompts, and kept in memory alone, because they are personal
//! data.

use super::{Prompt, prompt, rendering::telephone_audio};
use crate::speech::services::ServiceThreads;
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use samvad_actors::domain::Language;
use samvad_actors::ports::{NameVoice, ServiceMeter, SynthesisRequest, Synthesizer};
use samvad_actors::services::GuardedSynthesizer;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Most bytes of audio that are kept: some 500 greetings of two seconds.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// Greetings under way at a time, those that wait for the synthesiser included; who comes then is greeted without a name.
const MOST_UNDER_WAY: usize = 64;

/// What a greeting depends on: who speaks it, in which language, and the sentence.
type Key = (String, String, String);
type Speaking = Shared<BoxFuture<'static, Option<Prompt>>>;

/// The greetings of a node, those under way included. Those that were not asked for the longest go first.
pub struct NameCache {
    most_bytes: usize,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_key: BTreeMap<Key, Entry>,
    bytes: usize,
    /// Counts what was asked for.
    asked: u64,
}

struct Entry {
    speaking: Speaking,
    /// 0 while it is being spoken.
    bytes: usize,
    last_asked: u64,
}

impl Default for NameCache {
    fn default() -> Self {
        Self::new(MOST_BYTES)
    }
}

impl NameCache {
    /// A cache of at most so many bytes of audio.
    pub fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes,
            entries: Mutex::default(),
        }
    }

    /// Bytes of audio that are kept now.
    pub fn bytes(&self) -> usize {
        self.entries().bytes
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Every change under this lock is whole before anything can panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is there or under way, else what `begin` begins; `None` if too much is under way.
    fn get_or_begin(&self, key: &Key, begin: impl FnOnce() -> Speaking) -> Option<Speaking> {
        let mut entries = self.entries();
        entries.asked += 1;
        let asked = entries.asked;
        if let Some(entry) = entries.by_key.get_mut(key) {
            entry.last_asked = asked;
            return Some(entry.speaking.clone());
        }
        if entries.by_key.values().filter(|entry| entry.bytes == 0).count() >= MOST_UNDER_WAY {
            return None;
        }
        let speaking = begin();
        let entry = Entry {
            speaking: speaking.clone(),
            bytes: 0,
            last_asked: asked,
        };
        entries.by_key.insert(key.clone(), entry);
        Some(speaking)
    }

    /// Keeps what was spoken, or forgets what could not be.
    fn ended(&self, key: &Key, spoken: Option<&Prompt>) {
        let mut entries = self.entries();
        let bytes = spoken.map_or(0, |prompt| prompt.mulaw.len());
        if bytes == 0 {
            entries.by_key.remove(key);
            return;
        }
        if let Some(entry) = entries.by_key.get_mut(key) {
            entry.bytes = bytes;
            entries.bytes += bytes;
        }
        while entries.bytes > self.most_bytes {
            let kept = entries.by_key.iter().filter(|(_, entry)| entry.bytes > 0);
            let Some(oldest) = kept
                .min_by_key(|(_, entry)| entry.last_asked)
                .map(|(key, _)| key.clone())
            else {
                return;
            };
            if let Some(entry) = entries.by_key.remove(&oldest) {
                entries.bytes -= entry.bytes;
            }
        }
    }
}

/// One campaign's greetings by name.
pub struct NamePrompts {
    speaker: GuardedSynthesizer,
    language: Language,
    voice: Option<String>,
    cache: Arc<NameCache>,
    threads: Arc<ServiceThreads>,
}

impl NamePrompts {
    /// Greetings in the voice of `speaker`, who spoke the campaign's prompts. They are made on `threads`.
    pub fn new(
        speaker: GuardedSynthesizer,
        language: Language,
        voice: Option<String>,
        cache: Arc<NameCache>,
        threads: Arc<ServiceThreads>,
    ) -> Self {
        Self {
            speaker,
            language,
            voice,
            cache,
            threads,
        }
    }
}

#[async_trait]
impl NameVoice for NamePrompts {
    async fn speak(&self, sentence: &str, meter: &ServiceMeter) -> Option<Prompt> {
        let request = SynthesisRequest {
            text: sentence.to_owned(),
            language: self.language.clone(),
            voice: self.voice.clone(),
            meter: meter.clone(),
        };
        let key = (
            self.speaker.identity(&request),
            self.language.0.clone(),
            sentence.to_owned(),
        );
        let begin = || {
            let (spoken, waiting) = oneshot::channel();
            let (speaker, cache, key) = (self.speaker.clone(), Arc::clone(&self.cache), key.clone());
            // To its end, whoever waits for it.
            self.threads.spawn(async move {
                let greeting = AssertUnwindSafe(render(&speaker, &request)).catch_unwind().await;
                let greeting = greeting.ok().flatten();
                cache.ended(&key, greeting.as_ref());
                // Nobody may wait.
                let _ = spoken.send(greeting);
            });
            waiting.map(|greeting| greeting.ok().flatten()).boxed().shared()
        };
        self.cache.get_or_begin(&key, begin)?.await
    }
}

/// A synthesiser at rest is not asked: whoever is called now is greeted without a name. Faults are told without the
/// sentence.
async fn render(speaker: &GuardedSynthesizer, request: &SynthesisRequest) -> Option<Prompt> {
    let spoken = speaker.synthesize_unless_at_rest(request).await?;
    match spoken.and_then(|pcm| telephone_audio(&pcm)) {
        Ok(mulaw) => Some(prompt(mulaw.into())),
        Err(error) => {
            tracing::warn!(synthesizer = speaker.name(), %error, "a greeting by name cannot be spoken");
            None
        }
    }
}

#[cfg(test)]
mod tests;

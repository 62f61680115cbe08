//! An utterance in a request: `POST …/audio/transcriptions` (multipart), which nearly every compatible server has.

use super::super::client::{ServiceClient, ServiceClientError, lost, refusal};
use super::super::threads::ServiceThreads;
use super::super::{score, text};
use super::{Token, gives_scores, headers, language_code, probabilities, under};
use crate::config::{OpenAiSettings, Secret};
use async_trait::async_trait;
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use samvad_actors::domain::Language;
use samvad_actors::ports::{
    AudioMeter, Grammar, Heard, RecognitionRequest, Recognizer, RecognizerError, UtteranceStream,
};
use samvad_media::{resample, wav};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use url::Url;

/// What the settings call it.
const NAME: &str = "openai";
/// Samples of an utterance that are kept: a minute.
const MOST_SAMPLES: usize = 60 * 8_000;
/// Samples below which nothing can have been said: 100 ms. The service is not asked.
const FEWEST_SAMPLES: usize = 800;
/// Longest wait for an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Whisper's own rule for "nobody spoke" (`no_speech_threshold` and `logprob_threshold` of `openai/whisper`).
const NO_SPEECH: f32 = 0.6;
const UNLIKELY: f32 = -1.0;

/// A recogniser over file transcription. It shows nothing before the end of an utterance.
///
/// Confidence: the tokens' probabilities where the model gives them, else the mean of the segments' (`avg_logprob` of
/// Whisper), else [`score::UNSCORED`].
pub struct FileRecognizer {
    shared: Arc<Shared>,
}

struct Shared {
    client: ServiceClient,
    base_url: Url,
    model: String,
    key: Option<Secret<String>>,
    threads: Arc<ServiceThreads>,
    places: Arc<Semaphore>,
}

impl FileRecognizer {
    /// One with at most `most` requests at a time.
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(
        settings: &OpenAiSettings,
        proxy: Option<&Url>,
        most: usize,
        threads: Arc<ServiceThreads>,
    ) -> Result<Self, ServiceClientError> {
        Ok(Self {
            shared: Arc::new(Shared {
                client: ServiceClient::new(&settings.base_url, proxy)?,
                base_url: settings.base_url.clone(),
                model: settings.transcription_model.clone(),
                key: settings.api_key.clone(),
                threads,
                places: Arc::new(Semaphore::new(most)),
            }),
        })
    }
}

#[async_trait]
impl Recognizer for FileRecognizer {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Asks for the list of models, which shows whether the key is taken; servers without a list are taken as they are.
    async fn prepare(&self, _language: &Language, _grammar: &Grammar) -> Result<(), RecognizerError> {
        let shared = Arc::clone(&self.shared);
        on_threads(&self.shared.threads, async move { shared.check().await }).await
    }

    fn start(&self, request: RecognitionRequest) -> Box<dyn UtteranceStream> {
        Box::new(FileUtterance {
            shared: Arc::clone(&self.shared),
            language: language_code(&request.language),
            audio: AudioMeter::new(request.meter, NAME, &self.shared.model),
            samples: Vec::new(),
        })
    }
}

struct FileUtterance {
    shared: Arc<Shared>,
    language: String,
    audio: AudioMeter,
    samples: Vec<i16>,
}

#[async_trait]
impl UtteranceStream for FileUtterance {
    fn push(&mut self, samples: &[i16]) {
        let room = MOST_SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(samples.iter().take(room));
    }

    async fn finish(self: Box<Self>) -> Result<Heard, RecognizerError> {
        if self.samples.len() < FEWEST_SAMPLES {
            return Ok(Heard::rejected());
        }
        let Ok(place) = Arc::clone(&self.shared.places).try_acquire_owned() else {
            return Err(RecognizerError::Overloaded);
        };
        let threads = Arc::clone(&self.shared.threads);
        on_threads(&threads, async move {
            let _place = place;
            self.shared.transcribe(self.language, &self.samples, self.audio).await
        })
        .await
    }
}

/// Runs a future on the services' threads. If its result is awaited no more, it ends.
async fn on_threads<T: Send + 'static>(
    threads: &ServiceThreads,
    future: impl Future<Output = Result<T, RecognizerError>> + Send + 'static,
) -> Result<T, RecognizerError> {
    let (mut reply, result) = oneshot::channel();
    threads.spawn(async move {
        let done = tokio::select! {
            done = tokio::time::timeout(DEADLINE, future) => done,
            () = reply.closed() => return,
        };
        let done = done.unwrap_or_else(|_| {
            Err(RecognizerError::TimedOut {
                deadline_ms: DEADLINE.as_millis() as u64,
            })
        });
        // Whether anybody waits for it is theirs.
        let _ = reply.send(done);
    });
    result.await.unwrap_or_else(|_| {
        Err(RecognizerError::Lost {
            reason: "it was shut down".to_owned(),
        })
    })
}

/// `Transcription` or `TranscriptionVerbose`, as far as they are read.
#[derive(Debug, Deserialize)]
struct Transcription {
    text: String,
    #[serde(default)]
    logprobs: Option<Vec<Token>>,
    #[serde(default)]
    segments: Option<Vec<Segment>>,
}

#[derive(Debug, Deserialize)]
struct Segment {
    #[serde(default)]
    avg_logprob: Option<f32>,
    #[serde(default)]
    no_speech_prob: Option<f32>,
}

impl Transcription {
    fn heard(self) -> Heard {
        let segments = self.segments.unwrap_or_default();
        let is_silence = |segment: &Segment| {
            segment
                .no_speech_prob
                .is_some_and(|probability| probability > NO_SPEECH)
                && segment.avg_logprob.is_some_and(|logprob| logprob < UNLIKELY)
        };
        let text = text::plain(&self.text);
        if text.is_empty() || (!segments.is_empty() && segments.iter().all(is_silence)) {
            return Heard::rejected();
        }
        let tokens = probabilities(&self.logprobs.unwrap_or_default());
        let means: Vec<f32> = segments
            .iter()
            .filter_map(|segment| segment.avg_logprob)
            .map(f32::exp)
            .collect();
        let scores = if tokens.is_empty() { means } else { tokens };
        Heard {
            text,
            confidence: score::of_words(&scores),
            uncertain: false,
        }
    }
}

impl Shared {
    async fn check(&self) -> Result<(), RecognizerError> {
        let request = self.client.http().get(under(&self.base_url, "models"));
        let answer = request.headers(headers(self.key.as_ref())).send().await.map_err(lost)?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(()),
            _ => Err(refusal(answer).await),
        }
    }

    async fn transcribe(
        &self,
        language: String,
        samples: &[i16],
        mut audio: AudioMeter,
    ) -> Result<Heard, RecognizerError> {
        // Models of the family listen at 16 kHz.
        let file = Part::bytes(wav::write_pcm16(&resample::double(samples), 16_000)).file_name("speech.wav");
        let file = file.mime_str("audio/wav").map_err(lost)?;
        let format = if self.model.contains("whisper") {
            "verbose_json"
        } else {
            "json"
        };
        let mut form = Form::new()
            .part("file", file)
            .text("model", self.model.clone())
            .text("language", language)
            .text("response_format", format);
        if gives_scores(&self.model) {
            form = form.text("include[]", "logprobs");
        }
        let request = self.client.http().post(under(&self.base_url, "audio/transcriptions"));
        let request = request.headers(headers(self.key.as_ref())).multipart(form);
        audio.sent(samples.len());
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                if error.is_connect() {
                    audio.take_back();
                }
                return Err(lost(error));
            }
        };
        if !answer.status().is_success() {
            return Err(refusal(answer).await);
        }
        let transcription = answer.json::<Transcription>().await.map_err(lost)?;
        Ok(transcription.heard())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(body: &str) -> Heard {
        serde_json::from_str::<Transcription>(body)
            .expect("a transcription")
            .heard()
    }

    #[test]
    fn tokens_segments_or_nothing_give_the_confidence() {
        let tokens =
            heard(r#"{"text":"Yes.","logprobs":[{"token":"Yes","logprob":-0.001},{"token":".","logprob":-0.4}]}"#);
        assert!(tokens.text == "yes" && tokens.confidence < Heard::CERTAIN, "{tokens:?}");
        let segments =
            heard(r#"{"text":" Yes.","segments":[{"avg_logprob":-0.01,"no_speech_prob":0.1}],"language":"en"}"#);
        assert!(segments.confidence >= Heard::BINDING, "{segments:?}");
        assert_eq!(heard(r#"{"text":"Yes."}"#).confidence, score::UNSCORED);
    }

    #[test]
    fn what_whisper_makes_up_in_silence_is_a_rejection() {
        let silence = r#"{"text":"Thank you.","segments":[{"avg_logprob":-1.4,"no_speech_prob":0.9}]}"#;
        assert_eq!(heard(silence), Heard::rejected());
        assert_eq!(heard(r#"{"text":" "}"#), Heard::rejected());
    }
}

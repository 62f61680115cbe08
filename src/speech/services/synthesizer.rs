//! What the services that speak have in common: a request for one sentence, audio that streams back, deadlines, and what
//! their refusals mean.

mod decoder;

use self::decoder::Decoder;
use super::client::{ServiceClient, code_in};
use super::protocol::{code_of, is_of_credit};
use super::threads::ServiceThreads;
use crate::config::Voices;
use crate::speech::voice_names::own_voice;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use samvad_actors::ports::{
    Pcm, ServiceKind, ServiceMeter, ServiceUse, SpeechStream, SynthesisError, SynthesisRequest, Synthesizer,
    UsedService,
};
use samvad_actors::services::SpeechCheck;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

/// Longest answer that is read, in bytes: a minute and a half of 24 kHz audio.
const LONGEST_AUDIO: usize = 4 * 1024 * 1024;
/// A longer request to wait is not believed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Pieces of audio that wait to be taken; more are left to the connection's own flow control.
const PIECES_WAITING: usize = 32;

/// How long a service may take with a sentence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpeechDeadlines {
    /// From the request to the first byte of audio.
    pub first_byte: Duration,
    /// From the request to the last.
    pub total: Duration,
}

impl Default for SpeechDeadlines {
    /// 5 s and 20 s: services begin within a second, and speak faster than people listen.
    fn default() -> Self {
        Self {
            first_byte: Duration::from_secs(5),
            total: Duration::from_secs(20),
        }
    }
}

/// Raw audio as a service was asked for it. One that begins as a WAV file does is read as one all the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    /// G.711 mu-law, 8 kHz.
    Mulaw,
    /// 16-bit linear samples, low byte first, at this rate.
    Linear(u32),
}

/// What a sentence is spoken with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Speaker {
    pub model: String,
    pub voice: String,
    /// As the service writes it.
    pub language: String,
}

/// The names of the settings that a fault may lie in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variables {
    pub key: &'static str,
    pub base_url: &'static str,
    pub voice: &'static str,
    pub model: &'static str,
}

/// A service that speaks, as far as its protocol goes.
pub(super) trait SpeechApi: Send + Sync + 'static {
    /// A short name for logs and figures; campaigns name its voices with it.
    fn name(&self) -> &'static str;

    /// What a request is spoken with, or what the service lacks for it.
    fn speaker(&self, request: &SynthesisRequest) -> Result<Speaker, SynthesisError>;

    /// The request for a sentence.
    fn request(&self, http: &Client, speaker: &Speaker, text: &str) -> RequestBuilder;

    /// The audio it is asked for.
    fn encoding(&self) -> Encoding;

    /// Where its settings are.
    fn variables(&self) -> Variables;
}

/// A service that speaks, as a synthesiser. All its I/O happens on the services' threads.
pub struct ServiceSynthesizer {
    shared: Arc<Shared>,
    threads: Arc<ServiceThreads>,
}

struct Shared {
    api: Box<dyn SpeechApi>,
    client: ServiceClient,
    deadlines: SpeechDeadlines,
}

impl ServiceSynthesizer {
    pub(super) fn new(
        api: impl SpeechApi,
        client: ServiceClient,
        deadlines: SpeechDeadlines,
        threads: Arc<ServiceThreads>,
    ) -> Self {
        let shared = Shared {
            api: Box::new(api),
            client,
            deadlines,
        };
        Self {
            shared: Arc::new(shared),
            threads,
        }
    }
}

#[async_trait]
impl Synthesizer for ServiceSynthesizer {
    fn name(&self) -> &'static str {
        self.shared.api.name()
    }

    fn identity(&self, request: &SynthesisRequest) -> String {
        let name = self.name();
        match self.shared.api.speaker(request) {
            Ok(speaker) => format!("{name} {} {} {}", speaker.model, speaker.voice, speaker.language),
            Err(_) => format!("{name} without a voice"),
        }
    }

    async fn synthesize(&self, request: &SynthesisRequest) -> Result<Pcm, SynthesisError> {
        let mut speech = self.stream(request).await?;
        let mut whole: Option<Pcm> = None;
        while let Some(piece) = speech.next().await.transpose()? {
            match &mut whole {
                Some(whole) => whole.samples.extend(piece.samples),
                None => whole = Some(piece),
            }
        }
        whole.ok_or_else(|| unusable("there is no audio in it"))
    }

    async fn stream(&self, request: &SynthesisRequest) -> Result<SpeechStream, SynthesisError> {
        let speaker = self.shared.api.speaker(request)?;
        if !request.text.chars().any(char::is_alphanumeric) {
            return Err(unusable("the text has nothing that can be spoken"));
        }
        let (shared, text, meter) = (Arc::clone(&self.shared), request.text.clone(), request.meter.clone());
        let (spoken, mut pieces) = mpsc::channel(PIECES_WAITING);
        self.threads.spawn(async move {
            let speak = async {
                let end = shared.speak(&speaker, &text, &meter, &spoken).await;
                // Whether anybody still listens is theirs.
                let _ = spoken.send(end.map(|()| Spoken::End)).await;
            };
            tokio::select! {
                () = speak => {}
                () = spoken.closed() => {}
            }
        });
        let first = next(&mut pieces).await.transpose()?;
        // An error is the last that comes.
        let rest = stream::unfold(Some(pieces), |pieces| async move {
            let mut pieces = pieces?;
            let piece = next(&mut pieces).await?;
            let pieces = piece.is_ok().then_some(pieces);
            Some((piece, pieces))
        });
        Ok(stream::iter(first.map(Ok)).chain(rest).boxed())
    }
}

/// What comes from the services' threads.
enum Spoken {
    Piece(Pcm),
    End,
}

type Pieces = mpsc::Receiver<Result<Spoken, SynthesisError>>;

/// `None` at the end of the sentence.
async fn next(pieces: &mut Pieces) -> Option<Result<Pcm, SynthesisError>> {
    match pieces.recv().await {
        Some(Ok(Spoken::Piece(piece))) => Some(Ok(piece)),
        Some(Ok(Spoken::End)) => None,
        Some(Err(error)) => Some(Err(error)),
        None => Some(Err(SynthesisError::Unavailable {
            reason: "it was shut down".to_owned(),
        })),
    }
}

impl Shared {
    /// Speaks a sentence piece by piece; judges it when it is whole.
    async fn speak(
        &self,
        speaker: &Speaker,
        text: &str,
        meter: &ServiceMeter,
        spoken: &mpsc::Sender<Result<Spoken, SynthesisError>>,
    ) -> Result<(), SynthesisError> {
        let (begun, deadlines) = (Instant::now(), self.deadlines);
        let too_late = |what, deadline: Duration| SynthesisError::TimedOut {
            what,
            deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
        };
        let begin = async {
            let request = self.api.request(self.client.http(), speaker, text);
            let mut answer = self.send(request, speaker, text, meter).await?;
            if answer.status() != StatusCode::OK {
                return Err(self.refusal(answer).await);
            }
            refuse_other_formats(answer.headers())?;
            let first = answer.chunk().await.map_err(|error| self.lost(error))?;
            Ok((answer, first))
        };
        let first_byte = deadlines.first_byte.min(deadlines.total);
        let begin = timeout(first_byte, begin).await;
        let (mut answer, mut chunk) = begin.map_err(|_| too_late("the first byte", first_byte))??;
        let mut decoder = Decoder::new(self.api.encoding());
        let mut check: Option<SpeechCheck> = None;
        let mut bytes = 0;
        loop {
            let piece = match &chunk {
                Some(chunk) => decoder.push(chunk),
                None => decoder.finish()?,
            };
            if let Some(piece) = piece {
                let check = check.get_or_insert_with(|| SpeechCheck::new(piece.sample_rate));
                check.push(&piece.samples);
                if spoken.send(Ok(Spoken::Piece(piece))).await.is_err() {
                    // Nobody wants it any more.
                    return Ok(());
                }
            }
            bytes += match chunk {
                Some(chunk) => chunk.len(),
                None => break,
            };
            if bytes > LONGEST_AUDIO {
                return Err(unusable("it does not end"));
            }
            let next = timeout_at(begun + deadlines.total, answer.chunk()).await;
            let next = next.map_err(|_| too_late("the whole sentence", deadlines.total))?;
            chunk = next.map_err(|error| self.lost(error))?;
        }
        check.unwrap_or_else(|| SpeechCheck::new(1)).finish(text)
    }

    /// Sends a request and counts it: from when it is sent, and not if the service could not be reached.
    async fn send(
        &self,
        request: RequestBuilder,
        speaker: &Speaker,
        text: &str,
        meter: &ServiceMeter,
    ) -> Result<Response, SynthesisError> {
        let service = UsedService {
            kind: ServiceKind::Synthesis,
            service: self.api.name().to_owned(),
            model: speaker.model.clone(),
        };
        let amount = ServiceUse::of_text(text);
        meter.add(&service, amount);
        request.send().await.map_err(|error| {
            if error.is_connect() {
                meter.take_back(&service, amount);
            }
            self.lost(error)
        })
    }

    /// What failed on the way. The URL is left out: a voice may stand in it.
    fn lost(&self, error: reqwest::Error) -> SynthesisError {
        let what = super::client::innermost(&error.without_url());
        let base_url = self.api.variables().base_url;
        SynthesisError::Unavailable {
            reason: format!("{what}; check {base_url} and the way to it"),
        }
    }

    /// What an answer other than audio means.
    async fn refusal(&self, answer: Response) -> SynthesisError {
        let status = answer.status();
        let retry_after = retry_after(answer.headers());
        let code = code_in(answer).await;
        refusal(status, &code, retry_after, &self.api.variables())
    }
}

/// The error that a status and a code stand for. Codes come first: ElevenLabs tells of a used quota with 401, Sarvam
/// with 429.
fn refusal(status: StatusCode, code: &str, retry_after: Option<Duration>, names: &Variables) -> SynthesisError {
    let told = format!("({}, {})", status.as_u16(), code_of(code));
    match status.as_u16() {
        400..500 if is_of_credit(code) => SynthesisError::Refused {
            reason: format!("the account's quota or credit is used up {told}; raise it in the service's console"),
        },
        402 => SynthesisError::Refused {
            reason: format!("the account has no credit {told}; raise it in the service's console"),
        },
        401 | 403 => SynthesisError::Refused {
            reason: format!("it does not accept the key {told}; check {}", names.key),
        },
        408 | 429 => SynthesisError::Busy {
            reason: format!("too much is asked of it at once {told}; lower SAMVAD_SYNTHESIS_AT_ONCE"),
            retry_after,
        },
        400 | 404 | 405 | 422 => SynthesisError::Unsupported {
            reason: format!(
                "it does not take the voice, the model, the language or the text {told}; check {}, {} and {}",
                names.voice, names.model, names.base_url
            ),
        },
        503 if retry_after.is_some() => SynthesisError::Busy {
            reason: format!("it is overloaded {told}; try again later"),
            retry_after,
        },
        _ => SynthesisError::Unavailable {
            reason: format!("it has a fault of its own {told}; try again later"),
        },
    }
}

/// `Retry-After` in seconds; a date is not worth a parser: the wait is the default then.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

/// Text and compressed audio are not what was asked for, and would be noise as samples.
fn refuse_other_formats(headers: &HeaderMap) -> Result<(), SynthesisError> {
    const OTHERS: [&str; 9] = [
        "text/",
        "application/json",
        "application/xml",
        "audio/mpeg",
        "audio/mp3",
        "audio/ogg",
        "audio/opus",
        "audio/aac",
        "audio/flac",
    ];
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    match OTHERS.iter().find(|other| kind.starts_with(**other)) {
        Some(other) => Err(unusable(&format!(
            "it sends {other} in place of the audio it was asked for"
        ))),
        None => Ok(()),
    }
}

/// The voice of a request: the campaign's if it is meant for this service, else the settings' for the language.
pub(super) fn voice_of(
    service: &str,
    voices: &Voices,
    variable: &str,
    request: &SynthesisRequest,
) -> Result<String, SynthesisError> {
    let language = &request.language;
    let voice = own_voice(service, request.voice.as_deref()).or_else(|| voices.of(language));
    let is_name = |voice: &&str| (1..=128).contains(&voice.len()) && voice.bytes().all(|byte| byte.is_ascii_graphic());
    match voice {
        Some(voice) if is_name(&voice) => Ok(voice.to_owned()),
        Some(voice) => Err(unsupported(format!(
            "{voice:?} is no voice of {service}; check the campaign's voice"
        ))),
        None => Err(unsupported(format!(
            "{service} has no voice for the language {:?}; set {variable}={}=VOICE",
            language.0,
            subtag(request)
        ))),
    }
}

/// The first subtag of a request's language: ISO 639.
pub(super) fn subtag(request: &SynthesisRequest) -> String {
    request
        .language
        .0
        .split('-')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
}

pub(super) fn unsupported(reason: String) -> SynthesisError {
    SynthesisError::Unsupported { reason }
}

fn unusable(reason: &str) -> SynthesisError {
    SynthesisError::Unusable {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests;

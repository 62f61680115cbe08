//! A model behind a chat completions API.

use super::answer::{Part, unusable};
use super::sentences::Sentences;
use super::transport::{Endpoint, Kind, Transport, error_of, is_unreached};
use super::{ChatService, TokenLimit};
use crate::config::{ChatSettings, StructuredOutput};
use crate::speech::services::{ServiceClient, ServiceClientError, ServiceThreads};
use async_openai::Client;
use async_openai::error::OpenAIError;
use async_openai::types::chat::{
    ChatCompletionRequestAssistantMessage, ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestUserMessage, ChatCompletionStreamOptions, CreateChatCompletionRequest, ResponseFormat,
    ResponseFormatJsonSchema,
};
use async_openai::types::stream::StreamResponse;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use samvad_actors::ports::{
    AnswerSchema, LanguageModel, LanguageModelError, LanguageRequest, SentenceStream, ServiceKind, ServiceMeter,
    ServiceUse, Speaker, UsedService,
};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// Longest wait for the number of tokens after the last word of a spoken answer.
const COUNT_DEADLINE: Duration = Duration::from_secs(1);

const ONE_REQUEST: ServiceUse = ServiceUse {
    requests: 1,
    audio_ms: 0,
    characters: 0,
    input_tokens: 0,
    output_tokens: 0,
};

type Events = StreamResponse<Value>;
type Sentence = Result<String, LanguageModelError>;

/// A model behind the chat completions API of OpenAI or of a compatible server. All its I/O happens on the services'
/// threads. It asks once: whether to ask again, or another, is for the [list](samvad_actors::services::FailoverLanguageModel).
pub struct ChatModel {
    shared: Arc<Shared>,
    threads: Arc<ServiceThreads>,
}

struct Shared {
    service: ChatService,
    model: String,
    structured: StructuredOutput,
    whole: Client<Endpoint>,
    events: Client<Endpoint>,
}

impl ChatModel {
    /// A model of a service. `proxy`: as of [`ServiceClient::new`].
    ///
    /// # Errors
    /// If no HTTP client can be made.
    pub fn new(
        service: ChatService,
        settings: &ChatSettings,
        proxy: Option<&Url>,
        threads: Arc<ServiceThreads>,
    ) -> Result<Self, ServiceClientError> {
        let client = ServiceClient::new(&settings.base_url, proxy)?;
        let key = settings.api_key.as_ref().map(|key| key.expose().as_str());
        let over =
            |kind| {
                let client = client.clone();
                Client::build(client.http().clone(), Endpoint::new(&settings.base_url, key))
                    .with_http_service(Transport { client, kind, service })
            };
        let shared = Shared {
            service,
            model: settings.model.clone(),
            structured: settings.structured,
            whole: over(Kind::Whole),
            events: over(Kind::Events),
        };
        Ok(Self {
            shared: Arc::new(shared),
            threads,
        })
    }
}

#[async_trait]
impl LanguageModel for ChatModel {
    fn name(&self) -> &'static str {
        self.shared.service.name
    }

    async fn structured(&self, request: &LanguageRequest, schema: &AnswerSchema) -> Result<Value, LanguageModelError> {
        let body = self.shared.structured_body(request, schema);
        let (shared, meter, deadline) = (Arc::clone(&self.shared), request.meter.clone(), request.deadline);
        let answered = self.threads.run(async move {
            let answered = timeout(deadline, shared.answer(body, shared.tally(meter))).await;
            answered.unwrap_or_else(|_| Err(too_slow(deadline)))
        });
        answered.await.unwrap_or_else(|| Err(shut_down()))
    }

    /// Ready with the first sentence.
    async fn spoken(&self, request: &LanguageRequest) -> Result<SentenceStream, LanguageModelError> {
        let body = self.shared.spoken_body(request);
        let (shared, meter, deadline) = (Arc::clone(&self.shared), request.meter.clone(), request.deadline);
        // As long as the longest answer at most; whoever speaks is slower than the model.
        let (sender, mut sentences) = unbounded_channel();
        self.threads.spawn(async move {
            let mut tally = shared.tally(meter);
            let events = tokio::select! {
                events = shared.speak(body, deadline, &mut tally, &sender) => events,
                () = sender.closed() => return,
            };
            // The sentences end here: nobody waits for the number of tokens.
            match events {
                Ok(events) => {
                    drop(sender);
                    count_rest(events, &mut tally).await;
                }
                // Whether anybody listens is theirs.
                Err(error) => drop(sender.send(Err(error))),
            }
        });
        let first = sentences.recv().await.unwrap_or_else(|| Err(shut_down()))?;
        Ok(stream::iter([Ok(first)]).chain(received(sentences)).boxed())
    }
}

fn received(sentences: UnboundedReceiver<Sentence>) -> impl futures_util::Stream<Item = Sentence> {
    stream::unfold(sentences, |mut sentences| async move {
        let sentence = sentences.recv().await?;
        Some((sentence, sentences))
    })
}

impl Shared {
    async fn answer(&self, body: CreateChatCompletionRequest, mut tally: Tally) -> Result<Value, LanguageModelError> {
        let answer: Result<Value, _> = self.whole.chat().create_byot(body).await;
        let answer = answer.map_err(|error| self.failed(error, &tally))?;
        // Before it is judged: one that cannot be used is charged too.
        tally.read(&answer);
        Part::read(answer)?.into_object()
    }

    /// Tells the sentences of an answer, and returns what comes after them.
    async fn speak(
        &self,
        body: CreateChatCompletionRequest,
        deadline: Duration,
        tally: &mut Tally,
        listener: &UnboundedSender<Sentence>,
    ) -> Result<Events, LanguageModelError> {
        let mut end = Instant::now() + deadline;
        let opened = timeout_at(end, self.events.chat().create_stream_byot(body)).await;
        let opened: Result<Events, _> = opened.map_err(|_| too_slow(deadline))?;
        let mut events = opened.map_err(|error| self.failed(error, tally))?;
        let (mut sentences, mut said) = (Sentences::default(), false);
        let mut tell = |sentence: String| {
            let sentence = sentence.trim();
            // What has no words cannot be spoken.
            let is_told = sentence.contains(char::is_alphanumeric);
            if is_told {
                // Who has gone ends this by that.
                let _ = listener.send(Ok(sentence.to_owned()));
                said = true;
            }
            is_told
        };
        loop {
            let event = timeout_at(end, events.next()).await.map_err(|_| too_slow(deadline))?;
            let Some(event) = event else {
                return Err(LanguageModelError::Unavailable {
                    reason: "it broke off within its answer".to_owned(),
                });
            };
            let event = event.map_err(|error| error_of(error, &self.service))?;
            tally.read(&event);
            let part = Part::read(event)?;
            for sentence in sentences.push(&part.text) {
                if tell(sentence) {
                    end = Instant::now() + deadline;
                }
            }
            if part.is_end {
                break;
            }
        }
        sentences.finish().map(&mut tell);
        match said {
            true => Ok(events),
            false => Err(unusable("it is empty")),
        }
    }

    /// Counts a request that is about to be sent.
    fn tally(&self, meter: ServiceMeter) -> Tally {
        let service = UsedService {
            kind: ServiceKind::Language,
            service: self.service.name.to_owned(),
            model: self.model.clone(),
        };
        meter.add(&service, ONE_REQUEST);
        Tally {
            service,
            meter,
            tokens: None,
        }
    }

    /// The error of a request that has no answer. One that never reached the service counts no more.
    fn failed(&self, error: OpenAIError, tally: &Tally) -> LanguageModelError {
        if is_unreached(&error) {
            tally.meter.take_back(&tally.service, ONE_REQUEST);
        }
        error_of(error, &self.service)
    }

    fn body(&self, request: &LanguageRequest, instructions: String) -> CreateChatCompletionRequest {
        let conversation = request.conversation.iter().map(|spoken| match spoken.speaker {
            Speaker::Caller => {
                ChatCompletionRequestMessage::User(ChatCompletionRequestUserMessage::from(spoken.text.as_str()))
            }
            Speaker::Agent => ChatCompletionRequestMessage::Assistant(ChatCompletionRequestAssistantMessage::from(
                spoken.text.as_str(),
            )),
        });
        let instructions = ChatCompletionRequestSystemMessage::from(instructions);
        let mut body = CreateChatCompletionRequest {
            messages: std::iter::once(ChatCompletionRequestMessage::System(instructions))
                .chain(conversation)
                .collect(),
            model: self.model.clone(),
            ..CreateChatCompletionRequest::default()
        };
        match self.service.token_limit {
            TokenLimit::Completion => body.max_completion_tokens = Some(request.most_tokens),
            #[expect(deprecated, reason = "compatible servers know no other")]
            TokenLimit::Older => body.max_tokens = Some(request.most_tokens),
        }
        body
    }

    fn structured_body(&self, request: &LanguageRequest, schema: &AnswerSchema) -> CreateChatCompletionRequest {
        let (instructions, format) = match self.structured {
            StructuredOutput::JsonSchema => {
                let json_schema = ResponseFormatJsonSchema {
                    description: None,
                    name: schema.name.clone(),
                    schema: schema.schema.clone(),
                    strict: Some(true),
                };
                (request.instructions.clone(), ResponseFormat::JsonSchema { json_schema })
            }
            // "JSON mode" wants the word JSON in the instructions, and knows of no schema but what they say.
            StructuredOutput::JsonObject => (
                format!(
                    "{}\n\nAnswer with one JSON object and nothing else. Its JSON Schema: {}",
                    request.instructions, schema.schema
                ),
                ResponseFormat::JsonObject,
            ),
        };
        CreateChatCompletionRequest {
            response_format: Some(format),
            temperature: Some(0.0),
            stream: Some(false),
            ..self.body(request, instructions)
        }
    }

    fn spoken_body(&self, request: &LanguageRequest) -> CreateChatCompletionRequest {
        CreateChatCompletionRequest {
            stream: Some(true),
            stream_options: Some(ChatCompletionStreamOptions {
                include_usage: Some(true),
                include_obfuscation: None,
            }),
            ..self.body(request, request.instructions.clone())
        }
    }
}

/// Reads what comes after the last word, for its number of tokens. Who does not tell is counted by 0.
async fn count_rest(mut events: Events, tally: &mut Tally) {
    let rest = async {
        while let Some(Ok(event)) = events.next().await {
            tally.read(&event);
        }
    };
    let _ = timeout(COUNT_DEADLINE, rest).await;
}

/// The tokens of one request. They are counted when it is over, however it ends: some servers tell them once, others
/// with every piece, each time from the beginning.
struct Tally {
    service: UsedService,
    meter: ServiceMeter,
    tokens: Option<ServiceUse>,
}

impl Tally {
    fn read(&mut self, answer: &Value) {
        self.tokens = Part::tokens(answer).or(self.tokens);
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        if let Some(tokens) = self.tokens {
            self.meter.add(&self.service, tokens);
        }
    }
}

fn too_slow(deadline: Duration) -> LanguageModelError {
    LanguageModelError::TimedOut {
        deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
    }
}

fn shut_down() -> LanguageModelError {
    LanguageModelError::Unavailable {
        reason: "it was shut down".to_owned(),
    }
}

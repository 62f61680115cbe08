//! Language models over test servers.

use crate::server::{KEY, LanguageServer};
use futures_util::StreamExt;
use samvad::app::SystemClock;
use samvad::config::{ChatSettings, Settings};
use samvad::language::{COMPATIBLE, ChatModel, OPENAI};
use samvad::speech::services::ServiceThreads;
use samvad_actors::ports::{
    AnswerSchema, Clock, LanguageModel, LanguageModelError, LanguageRequest, ServiceMeter, ServiceUse, Speaker, Spoken,
};
use samvad_actors::services::{FailoverLanguageModel, Jitter};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a busy machine.
pub const PATIENT: Duration = Duration::from_secs(60);
/// Short enough for a test of what never comes.
pub const SHORT: Duration = Duration::from_millis(300);

/// What implements the port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// OpenAI's settings, answers by schema.
    Schema,
    /// A compatible server's settings, answers in JSON mode.
    JsonMode,
    /// Both in a list.
    List,
}

pub const KINDS: [Kind; 3] = [Kind::Schema, Kind::JsonMode, Kind::List];

fn settings(server: &LanguageServer, key: &str, model: &str) -> Vec<ChatSettings> {
    let url = server.url();
    let pairs = [
        ("SAMVAD_LANGUAGE_MODEL", "openai,compatible"),
        ("OPENAI_API_KEY", key),
        ("OPENAI_BASE_URL", &url),
        ("OPENAI_LANGUAGE_MODEL", model),
        ("LANGUAGE_MODEL_API_KEY", key),
        ("LANGUAGE_MODEL_BASE_URL", &url),
        ("LANGUAGE_MODEL_NAME", model),
        ("LANGUAGE_MODEL_STRUCTURED", "json_object"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::from_env(&pairs.into()).unwrap();
    settings.language.models.into_iter().map(|(_, chat)| chat).collect()
}

pub fn threads() -> Arc<ServiceThreads> {
    Arc::new(ServiceThreads::start().unwrap())
}

/// A model of a service at a test server, with a key and a model's name.
pub fn over(
    kind: Kind,
    server: &LanguageServer,
    key: &str,
    model: &str,
    threads: &Arc<ServiceThreads>,
) -> Arc<dyn LanguageModel> {
    let settings = settings(server, key, model);
    let schema = ChatModel::new(OPENAI, &settings[0], None, Arc::clone(threads)).unwrap();
    let json_mode = ChatModel::new(COMPATIBLE, &settings[1], None, Arc::clone(threads)).unwrap();
    match kind {
        Kind::Schema => Arc::new(schema),
        Kind::JsonMode => Arc::new(json_mode),
        Kind::List => {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
            let jitter: Jitter = Arc::new(|| 0.5);
            let list: Vec<Arc<dyn LanguageModel>> = vec![Arc::new(schema), Arc::new(json_mode)];
            Arc::new(FailoverLanguageModel::new(list, &clock, &jitter))
        }
    }
}

/// One that its server takes.
pub fn well(kind: Kind, server: &LanguageServer) -> Arc<dyn LanguageModel> {
    over(kind, server, KEY, "gpt-4.1-mini", &threads())
}

pub fn request(deadline: Duration) -> LanguageRequest {
    let said = |speaker, text: &str| Spoken {
        speaker,
        text: text.to_owned(),
    };
    LanguageRequest {
        instructions: "Understand the answer.".to_owned(),
        conversation: vec![
            said(Speaker::Agent, "How are you?"),
            said(Speaker::Caller, "not too bad"),
        ],
        most_tokens: 64,
        deadline,
        meter: ServiceMeter::default(),
    }
}

pub fn schema() -> AnswerSchema {
    AnswerSchema {
        name: "understood".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {"answer": {"type": "string"}},
            "required": ["answer"],
            "additionalProperties": false
        }),
    }
}

/// A structured answer; the deadline must hold, or the test ends here.
pub async fn ask(model: &dyn LanguageModel, deadline: Duration) -> Result<Value, LanguageModelError> {
    let (request, schema) = (request(deadline), schema());
    let answer = model.structured(&request, &schema);
    tokio::time::timeout(PATIENT * 2, answer).await.expect("a deadline")
}

/// A spoken answer: its sentences, and the error that ended it.
pub async fn listen(model: &dyn LanguageModel, deadline: Duration) -> (Vec<String>, Option<LanguageModelError>) {
    hear(model, &request(deadline)).await
}

pub async fn hear(model: &dyn LanguageModel, request: &LanguageRequest) -> (Vec<String>, Option<LanguageModelError>) {
    let listen = async {
        let mut said = Vec::new();
        let mut sentences = match model.spoken(request).await {
            Ok(sentences) => sentences,
            Err(error) => return (said, Some(error)),
        };
        while let Some(sentence) = sentences.next().await {
            match sentence {
                Ok(sentence) => said.push(sentence),
                Err(error) => {
                    assert!(sentences.next().await.is_none(), "it ends after an error");
                    return (said, Some(error));
                }
            }
        }
        (said, None)
    };
    tokio::time::timeout(PATIENT * 2, listen).await.expect("a deadline")
}

/// Everything that a meter has counted.
pub fn counted(meter: &ServiceMeter) -> ServiceUse {
    let sheet = meter.read();
    sheet
        .into_iter()
        .fold(ServiceUse::default(), |sum, (_, amount)| sum.plus(amount))
}

/// Waits for what another thread does; there is no event to wait for.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never happened: {what}");
}

//! A language model that does as told.

use crate::world::RealClock;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use samvad_actors::ports::{
    AnswerSchema, LanguageModel, LanguageModelError, LanguageRequest, SentenceStream, ServiceKind, ServiceUse,
    UsedService,
};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What it does with a request, for both kinds of answer.
#[derive(Clone, Debug)]
pub enum Does {
    /// Answers with this; speaks these sentences.
    Answers(Value, Vec<&'static str>),
    Fails,
    Never,
    Panics,
    /// Speaks one sentence and panics; a structured answer is a question about the call.
    SpeaksAndPanics,
    /// Speaks one sentence and then no more; a structured answer is a question about the call.
    SpeaksAndStalls,
    /// Speaks without end; a structured answer is a question about the call.
    SpeaksForEver,
}

/// See the module.
pub struct ScriptedModel {
    does: Does,
    /// How far the clock goes on while it thinks.
    takes: Option<(Arc<RealClock>, u64)>,
    requests: Mutex<Vec<LanguageRequest>>,
    /// Requests whose work has not been dropped or finished.
    pub at_work: Arc<AtomicUsize>,
}

/// Counts down when the work is over, however it ends.
struct AtWork(Arc<AtomicUsize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An answer of the shape that is asked for.
pub fn meaning(intent: &str, value: Value, question_about_call: bool) -> Value {
    json!({
        "intent": intent,
        "value": value,
        "callback_words": null,
        "question_about_call": question_about_call,
    })
}

impl ScriptedModel {
    pub fn new(does: Does) -> Arc<Self> {
        Self::slow(does, None)
    }

    /// One that takes so many milliseconds of this clock.
    pub fn slow(does: Does, takes: Option<(Arc<RealClock>, u64)>) -> Arc<Self> {
        Arc::new(Self {
            does,
            takes,
            requests: Mutex::default(),
            at_work: Arc::default(),
        })
    }

    pub fn requests(&self) -> Vec<LanguageRequest> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self, request: &LanguageRequest) -> AtWork {
        let service = UsedService {
            kind: ServiceKind::Language,
            service: "scripted".into(),
            model: String::new(),
        };
        request.meter.add(
            &service,
            ServiceUse {
                requests: 1,
                ..ServiceUse::default()
            },
        );
        if let Some((clock, ms)) = &self.takes {
            clock.jump_ms(*ms);
        }
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(request.clone());
        self.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(self.at_work.clone())
    }
}

#[async_trait]
impl LanguageModel for ScriptedModel {
    fn name(&self) -> &'static str {
        "scripted"
    }

    async fn structured(&self, request: &LanguageRequest, _schema: &AnswerSchema) -> Result<Value, LanguageModelError> {
        let _at_work = self.begin(request);
        match &self.does {
            Does::Answers(answer, _) => Ok(answer.clone()),
            Does::Fails => Err(LanguageModelError::Busy {
                reason: "told to".into(),
                retry_after: None,
            }),
            Does::Never => std::future::pending().await,
            Does::Panics => panic!("the language model panics, as told"),
            Does::SpeaksAndPanics | Does::SpeaksAndStalls | Does::SpeaksForEver => {
                Ok(meaning("unclear", Value::Null, true))
            }
        }
    }

    async fn spoken(&self, request: &LanguageRequest) -> Result<SentenceStream, LanguageModelError> {
        let at_work = self.begin(request);
        let sentence = || Ok("It takes two minutes.".to_owned());
        let sentences: SentenceStream = match &self.does {
            Does::Answers(_, sentences) => {
                let sentences: Vec<_> = sentences.iter().map(|text| Ok((*text).to_owned())).collect();
                stream::iter(sentences).boxed()
            }
            Does::Fails => {
                return Err(LanguageModelError::TimedOut {
                    deadline_ms: u64::try_from(Duration::from_millis(1).as_millis()).unwrap_or(1),
                });
            }
            Does::Never => stream::pending().boxed(),
            Does::Panics => panic!("the language model panics, as told"),
            Does::SpeaksAndPanics => stream::iter([sentence()])
                .chain(stream::once(async { panic!("the language model panics, as told") }))
                .boxed(),
            Does::SpeaksAndStalls => stream::iter([sentence()]).chain(stream::pending()).boxed(),
            Does::SpeaksForEver => stream::repeat_with(sentence).boxed(),
        };
        Ok(sentences
            .map(move |sentence| {
                let _held = &at_work;
                sentence
            })
            .boxed())
    }
}

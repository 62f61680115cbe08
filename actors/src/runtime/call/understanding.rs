//! From the dialogue's questions to the language model, and from its answers to inputs.

use super::CallActor;
use super::live::in_span;
use crate::dialogue::{Input, ModelFault, ModelMeaning, ModelQuery, ModelTask, RequestId};
use crate::ports::{LanguageModel, LanguageModelError, LanguageRequest};
use actix::fut::{self, ActorStreamExt};
use actix::{ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tracing::Instrument;

/// Sentences of a reply that are passed on; the dialogue wants fewer.
const MOST_SENTENCES: usize = 4;

/// What a caught panic leaves.
type Panic = Box<dyn Any + Send>;

impl CallActor {
    /// Asks what was meant; `Classified` or `ClassifyFailed` follows.
    pub(super) fn classify(&mut self, query: &ModelQuery, ctx: &mut Context<Self>) {
        let request = query.request;
        let (Some(model), Some((task, schema))) =
            (self.ports.language_model.clone(), self.script.understanding_task(query))
        else {
            let fault = ModelFault::Lost;
            self.pending.push_back(Input::ClassifyFailed { request, fault });
            return;
        };
        let asked = self.request(task);
        // A model that panics costs its request, not the call.
        let answer = AssertUnwindSafe(async move { model.structured(&asked, &schema).await }).catch_unwind();
        let answer = answer.instrument(self.span.clone());
        let handle = ctx.spawn(answer.into_actor(self).map(move |answer, call, ctx| {
            let meaning = sound(answer).map_err(|error| fault_of(&error)).and_then(|answer| {
                ModelMeaning::read(answer).map_err(|error| {
                    tracing::warn!(parent: &call.span, error, "the language model's answer makes no sense");
                    ModelFault::Unusable
                })
            });
            let input = match meaning {
                Ok(meaning) => Input::Classified { request, meaning },
                Err(fault) => Input::ClassifyFailed { request, fault },
            };
            call.feed(input, ctx);
        }));
        self.consulted(request, handle, ctx);
    }

    /// Asks for a reply; its sentences follow as they come.
    pub(super) fn reply(&mut self, query: &ModelQuery, ctx: &mut Context<Self>) {
        let request = query.request;
        let (Some(model), Some(task)) = (self.ports.language_model.clone(), self.script.reply_task(query)) else {
            let fault = ModelFault::Lost;
            self.pending.push_back(Input::ReplyFailed { request, fault });
            return;
        };
        let sentences = in_span(self.span.clone(), sentences(model, self.request(task)));
        let sentences = sentences.map(move |sentence| match sound(sentence) {
            Ok(text) => Ok(Input::ReplySentence { request, text }),
            Err(error) => Err(error),
        });
        let ended = stream::once(async move { Ok(Input::ReplyEnded { request }) });
        let inputs = sentences.take(MOST_SENTENCES).chain(ended);
        let fed = fut::wrap_stream::<_, Self>(inputs).map(move |input, call, ctx| {
            let input = input.unwrap_or_else(|error| Input::ReplyFailed {
                request,
                fault: fault_of(&error),
            });
            call.feed(input, ctx);
        });
        let handle = ctx.spawn(fed.finish());
        self.consulted(request, handle, ctx);
    }

    /// Ends the work on what the dialogue does not wait for any more.
    pub(super) fn drop_stale_request(&mut self, ctx: &mut Context<Self>) {
        let open = self.dialogue.open_request();
        if let Some((_, handle)) = self.consulted.take_if(|(request, _)| Some(*request) != open) {
            ctx.cancel_future(handle);
        }
    }

    fn consulted(&mut self, request: RequestId, handle: SpawnHandle, ctx: &mut Context<Self>) {
        if let Some((_, stale)) = self.consulted.replace((request, handle)) {
            ctx.cancel_future(stale);
        }
    }

    fn request(&self, task: ModelTask) -> LanguageRequest {
        LanguageRequest {
            instructions: task.instructions,
            conversation: task.conversation,
            most_tokens: task.most_tokens,
            deadline: self.ports.language_deadline,
            meter: self.meter.clone(),
        }
    }
}

/// What a failure means to the dialogue. Whoever counts it among the model's faults has logged it.
fn fault_of(error: &LanguageModelError) -> ModelFault {
    match error {
        LanguageModelError::TimedOut { .. } => ModelFault::TimedOut,
        LanguageModelError::Unusable { .. } => ModelFault::Unusable,
        LanguageModelError::Unavailable { .. }
        | LanguageModelError::Refused { .. }
        | LanguageModelError::Busy { .. } => ModelFault::Lost,
    }
}

/// The sentences of a reply, a panic in place of one included.
fn sentences(
    model: Arc<dyn LanguageModel>,
    request: LanguageRequest,
) -> impl stream::Stream<Item = Result<Result<String, LanguageModelError>, Panic>> {
    let begun = stream::once(async move { model.spoken(&request).await });
    AssertUnwindSafe(begun.try_flatten()).catch_unwind()
}

/// A panic is one more way of not being available.
fn sound<T>(answer: Result<Result<T, LanguageModelError>, Panic>) -> Result<T, LanguageModelError> {
    answer.unwrap_or_else(|_panic| {
        Err(LanguageModelError::Unavailable {
            reason: "it panicked".into(),
        })
    })
}

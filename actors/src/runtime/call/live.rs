//! Sentences that are made in the call: asked of the campaign's voice one ahead of what is heard, and sent as they come.
//!
//! What is to be spoken stands in a queue, and only its first sentence is sent from; what comes early of the next one
//! waits. So nothing overlaps, and a piece that comes late leaves a gap. Whatever ends the wait for a sentence (its end,
//! a fault, a clear, the end of the call) drops its stream, and with it the request.

use super::CallActor;
use crate::dialogue::{Input, Millis, NamedGreeting, PlaybackId};
use crate::ports::{Pcm, SynthesisError, SynthesisRequest, Synthesizer};
use crate::runtime::pulse::monotonic_ms;
use crate::services::TelephoneAudio;
use actix::fut::ActorStreamExt;
use actix::{ActorFutureExt, AsyncContext, Context, SpawnHandle, WrapFuture, WrapStream};
use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, TryFutureExt, stream};
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What is to be spoken and has not been sent whole, in its order.
#[derive(Default)]
pub(super) struct LiveSpeech {
    queue: VecDeque<Sentence>,
    /// The name of the next sentence in the queue.
    next: u64,
    /// Playbacks that broke off at a sentence, of which something is still to be heard.
    broken: Vec<(PlaybackId, usize)>,
}

struct Sentence {
    id: u64,
    playback: PlaybackId,
    index: usize,
    text: String,
    /// Nothing of its playback follows.
    is_last: bool,
    stage: Stage,
    /// Came before its turn.
    waiting: VecDeque<Bytes>,
    /// Something of it is on the line.
    begun: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Not asked for.
    Idle,
    /// Audio comes.
    Coming(SpawnHandle),
    /// All of it has come.
    Whole,
    /// No more will come.
    Failed,
}

impl LiveSpeech {
    /// Whether everything has been sent.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// The sentence at which a playback broke off.
    pub(super) fn broken_at(&self, playback: PlaybackId) -> Option<usize> {
        let broken = self.broken.iter().find(|(broken, _)| *broken == playback);
        broken.map(|(_, sentence)| *sentence)
    }

    /// A playback is over.
    pub(super) fn forget(&mut self, playback: PlaybackId) {
        self.broken.retain(|(broken, _)| *broken != playback);
    }

    fn add(&mut self, playback: PlaybackId, sentences: Vec<String>) {
        let last = sentences.len().saturating_sub(1);
        for (index, text) in sentences.into_iter().enumerate() {
            self.queue.push_back(Sentence {
                id: self.next,
                playback,
                index,
                text,
                is_last: index == last,
                stage: Stage::Idle,
                waiting: VecDeque::new(),
                begun: false,
            });
            self.next += 1;
        }
    }
}

impl CallActor {
    /// Begins to speak the greeting by name, if there is a name and the campaign has one: the dialogue waits for it a
    /// moment, and greets without it if it is late.
    pub(super) fn speak_name(&mut self, ctx: &mut Context<Self>) {
        let survey = self.survey.clone();
        let Some(name) = self.name.take().filter(|_| survey.greets_by_name(self.language())) else {
            return;
        };
        self.feed(
            Input::NamedGreeting {
                state: NamedGreeting::Coming,
            },
            ctx,
        );
        let meter = self.meter.clone();
        let language = self.language().clone();
        let spoken =
            AssertUnwindSafe(async move { survey.greeting_for(&name, &language, &meter).await }).catch_unwind();
        ctx.spawn(spoken.into_actor(self).map(|spoken, call, ctx| {
            call.named_greeting = spoken.unwrap_or_default();
            let state = match call.named_greeting {
                Some(_) => NamedGreeting::Ready,
                None => NamedGreeting::Lost,
            };
            call.feed(Input::NamedGreeting { state }, ctx);
        }));
    }

    /// Speaks sentences of which some have no audio yet, or others are still being made.
    pub(super) fn speak_live(&mut self, playback: PlaybackId, sentences: Vec<String>, ctx: &mut Context<Self>) {
        // A name is spoken by the campaign's own voice or not at all; and the dialogue's words for it are no sentence.
        let is_name = |text: &String| self.script.named_greeting() == Some(text);
        if self.survey.voice_in(self.language()).is_none() || sentences.iter().any(is_name) {
            tracing::error!(parent: &self.span, "a sentence has no audio");
            self.pending.push_back(Input::PlaybackFailed { playback });
            return;
        }
        self.live.add(playback, sentences);
        self.send_live(ctx);
    }

    /// Drops what has not been sent, and ends the requests for it. Returns the playbacks with the first sentence of each
    /// that was not sent whole.
    pub(super) fn drop_live(&mut self, ctx: &mut Context<Self>) -> Vec<(PlaybackId, usize)> {
        let mut unsent: Vec<(PlaybackId, usize)> = Vec::new();
        for sentence in std::mem::take(&mut self.live.queue) {
            if let Stage::Coming(handle) = sentence.stage {
                ctx.cancel_future(handle);
            }
            if unsent.iter().all(|(playback, _)| *playback != sentence.playback) {
                unsent.push((sentence.playback, sentence.index));
            }
        }
        self.live.broken.clear();
        self.probe.audio_wanted_since(None);
        unsent
    }

    /// Sends what can be sent, in its order; asks for what is needed next.
    fn send_live(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        let mut sent = false;
        while let Some(mut first) = self.live.queue.pop_front() {
            let survey = self.survey.clone();
            let goes_on =
                if let (Stage::Idle, Some(prompt)) = (first.stage, survey.prompt(self.language(), &first.text)) {
                    sent = true;
                    let whole = self.send_sentence(first.playback, first.index, &prompt.mulaw, now);
                    self.note_beginning(&first);
                    whole.map(|()| true).map_err(|error| Some(error.to_string()))
                } else {
                    self.send_waiting(&mut first, now, &mut sent, ctx)
                };
            match goes_on {
                Ok(true) if first.is_last => {
                    self.playout.playback_sent(first.playback.0);
                }
                Ok(true) => {}
                Ok(false) => {
                    self.live.queue.push_front(first);
                    break;
                }
                Err(fault) => {
                    // One of the synthesisers was logged where it failed.
                    if let Some(error) = fault {
                        tracing::warn!(parent: &self.span, error, "a sentence cannot be spoken");
                    }
                    self.break_off(&first, now, ctx);
                }
            }
        }
        self.ask_ahead(ctx);
        if sent {
            self.audio_was_sent(now);
        }
        if self.live.is_idle() {
            self.probe.audio_wanted_since(None);
        } else if sent {
            self.probe
                .audio_wanted_since(Some(monotonic_ms(self.ports.clock.as_ref())));
        }
    }

    /// Sends what has come of the first sentence. True if that was all of it; an error if there will not be more, with
    /// what has not been logged of it.
    fn send_waiting(
        &mut self,
        first: &mut Sentence,
        now: Millis,
        sent: &mut bool,
        ctx: &mut Context<Self>,
    ) -> Result<bool, Option<String>> {
        if first.stage == Stage::Idle {
            first.stage = self.ask(first.id, first.text.clone(), ctx);
        }
        while let Some(piece) = first.waiting.pop_front() {
            let part = self.send_part(first.playback, first.index, &piece, now);
            part.map_err(|error| Some(error.to_string()))?;
            if !first.begun {
                self.note_beginning(first);
            }
            first.begun = true;
            *sent = true;
        }
        match first.stage {
            Stage::Idle | Stage::Coming(_) => Ok(false),
            Stage::Whole if first.begun => {
                let closed = self.close_sentence(first.playback, first.index, now);
                closed.map(|()| true).map_err(|error| Some(error.to_string()))
            }
            Stage::Whole => Err(Some("nothing can be heard in it".to_owned())),
            Stage::Failed => Err(None),
        }
    }

    /// The first audio of a sentence has gone out.
    fn note_beginning(&mut self, sentence: &Sentence) {
        if sentence.index == 0 {
            let playback = sentence.playback;
            self.pending.push_back(Input::PlaybackBegan { playback });
        }
    }

    /// While the first sentence is heard the next one is asked for, so that it follows without a gap.
    fn ask_ahead(&mut self, ctx: &mut Context<Self>) {
        let survey = self.survey.clone();
        if self.live.queue.front().is_none_or(|first| !first.begun) {
            return;
        }
        let next = self.live.queue.iter().position(|sentence| {
            sentence.stage == Stage::Idle && survey.prompt(self.language(), &sentence.text).is_none()
        });
        let is_another = |place: usize| {
            self.live
                .queue
                .range(1..place)
                .any(|between| between.stage != Stage::Idle)
        };
        let Some(place) = next.filter(|place| !is_another(*place)) else {
            return;
        };
        let Sentence { id, ref text, .. } = self.live.queue[place];
        let stage = self.ask(id, text.clone(), ctx);
        self.live.queue[place].stage = stage;
    }

    fn ask(&self, id: u64, text: String, ctx: &mut Context<Self>) -> Stage {
        let Some(voice) = self.survey.voice_in(self.language()).cloned() else {
            return Stage::Failed;
        };
        let campaign = self.script.campaign();
        let request = SynthesisRequest {
            text,
            language: campaign.language.clone(),
            voice: campaign.voice.clone(),
            meter: self.meter.clone(),
        };
        let audio = in_span(self.span.clone(), line_audio(voice, request));
        let audio = audio.map(Some).chain(stream::once(async { None }));
        let taken = audio.into_actor(self).map(move |came, call, ctx| {
            if !call.ended {
                call.take_live(id, came);
                call.send_live(ctx);
                call.settle(ctx);
            }
        });
        Stage::Coming(ctx.spawn(taken.finish()))
    }

    /// Takes what came of a sentence; `None` is its end.
    fn take_live(&mut self, id: u64, came: Option<Result<Vec<u8>, ()>>) {
        let Some(sentence) = self.live.queue.iter_mut().find(|sentence| sentence.id == id) else {
            return;
        };
        match came {
            Some(Ok(codes)) if codes.is_empty() => {}
            Some(Ok(codes)) => sentence.waiting.push_back(codes.into()),
            Some(Err(())) => sentence.stage = Stage::Failed,
            None if sentence.stage == Stage::Failed => {}
            None => sentence.stage = Stage::Whole,
        }
    }

    /// Gives up a playback at a sentence. The dialogue is told when all that went out has been heard: what it says next
    /// would be said over it, or again.
    fn break_off(&mut self, at: &Sentence, now: Millis, ctx: &mut Context<Self>) {
        let playback = at.playback;
        self.live.queue.retain(|sentence| {
            let is_left = sentence.playback != playback;
            if let (false, Stage::Coming(handle)) = (is_left, sentence.stage) {
                ctx.cancel_future(handle);
            }
            is_left
        });
        if let Stage::Coming(handle) = at.stage {
            ctx.cancel_future(handle);
        }
        if at.begun {
            // Without its mark nobody would know when it has been heard; the dialogue's own deadline is left then.
            if let Err(error) = self.close_sentence(playback, at.index, now) {
                tracing::warn!(parent: &self.span, %error, "a mark cannot be sent");
            }
        }
        if self.playout.playback_sent(playback.0) {
            self.pending.push_back(Input::PlaybackFailed { playback });
        } else {
            self.live.broken.push((playback, at.index));
        }
    }
}

/// One sentence as the line takes it. It ends after an error, which has been logged; a synthesiser that panics has failed
/// like any other.
fn line_audio(voice: Arc<dyn Synthesizer>, request: SynthesisRequest) -> impl Stream<Item = Result<Vec<u8>, ()>> {
    let speech = async move { voice.stream(&request).await }.try_flatten_stream();
    let speech = AssertUnwindSafe(speech).catch_unwind().map(|piece| {
        piece.unwrap_or_else(|_panic| {
            tracing::error!("a synthesiser panicked");
            Err(SynthesisError::Unavailable {
                reason: "it panicked".to_owned(),
            })
        })
    });
    stream::unfold(Some((Box::pin(speech), TelephoneAudio::new())), |speaking| async move {
        let (mut speech, mut audio) = speaking?;
        let piece: Option<Result<Pcm, SynthesisError>> = speech.next().await;
        match piece {
            Some(Ok(piece)) => match audio.push(&piece) {
                Ok(codes) => Some((Ok(codes), Some((speech, audio)))),
                Err(error) => Some((unfit(&error), None)),
            },
            // Whoever counts it among the synthesiser's faults has logged it, or a panic was above.
            Some(Err(_)) => Some((Err(()), None)),
            None => Some((audio.finish().or_else(|error| unfit(&error)), None)),
        }
    })
}

fn unfit(error: &SynthesisError) -> Result<Vec<u8>, ()> {
    tracing::warn!(%error, "a sentence does not fit the line");
    Err(())
}

/// The stream within a span: what services log on its way names the call.
pub(super) fn in_span<S: Stream>(span: tracing::Span, stream: S) -> impl Stream<Item = S::Item> {
    let mut stream = Box::pin(stream);
    stream::poll_fn(move |context| span.in_scope(|| stream.as_mut().poll_next(context)))
}

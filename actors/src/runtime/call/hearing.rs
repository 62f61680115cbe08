//! From the caller's audio to inputs of the dialogue.

use super::CallActor;
use super::latency::TurnClock;
use super::recording::CallRecording;
use crate::dialogue::{Expectation, Input, Millis, RecognitionFault, Script, SpeechId};
use crate::ports::{Heard, Progress, RecognitionRequest, Recognizer, RecognizerError, ServiceMeter, UtteranceStream};
use crate::runtime::probe::CallProbe;
use crate::runtime::pulse::monotonic_ms;
use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use futures_util::FutureExt;
use samvad_media::listener::ListenerSink;
use samvad_media::messages::{MediaFrame, MessageError};
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// The utterances of a call on their way to the recogniser.
#[derive(Default)]
pub(super) struct Hearing {
    /// Being spoken.
    spoken: Option<(SpeechId, Box<dyn UtteranceStream>)>,
    /// What of it the dialogue has been told.
    told: Option<Arc<str>>,
    /// Spoken to their end within the current frame.
    complete: Vec<(SpeechId, Box<dyn UtteranceStream>)>,
    /// Speeches whose recognition has not come yet.
    awaited: u32,
}

/// Takes what the listener finds in one frame.
struct Ear<'a> {
    hearing: &'a mut Hearing,
    pending: &'a mut VecDeque<Input>,
    turns: &'a mut TurnClock,
    recording: &'a mut CallRecording,
    recognizer: &'a dyn Recognizer,
    script: &'a Script,
    expectation: Expectation,
    probe: &'a CallProbe,
    meter: &'a ServiceMeter,
    now_ms: u64,
    now: Millis,
}

impl ListenerSink for Ear<'_> {
    fn speech_started(&mut self, speech: u32, began_ms: u64) {
        let speech = SpeechId(speech);
        let request = RecognitionRequest {
            attempt: self.probe.attempt.clone(),
            language: self.script.campaign().language.clone(),
            grammar: self.script.grammar(self.expectation),
            meter: self.meter.clone(),
        };
        let stream = self.recognizer.start(request);
        let shows_words = matches!(stream.progress(), Progress::Awaited | Progress::Partial(_));
        self.hearing.spoken = Some((speech, stream));
        self.hearing.told = None;
        self.pending.push_back(Input::SpeechStarted { speech, began_ms });
        if shows_words {
            // That words will be shown is known before the speech can interrupt anything.
            let text = String::new();
            self.pending.push_back(Input::Partial { speech, text });
        }
    }

    fn speech_audio(&mut self, _speech: u32, samples: &[i16]) {
        self.probe.voice_until(self.now_ms);
        if let Some((_, stream)) = &mut self.hearing.spoken {
            stream.push(samples);
        }
    }

    fn speech_sustained(&mut self, speech: u32, _at_ms: u64) {
        self.pending.push_back(Input::SpeechSustained {
            speech: SpeechId(speech),
        });
    }

    fn speech_ended(&mut self, speech: u32, ended_ms: u64, at_ms: u64) {
        self.turns.end_pointed(SpeechId(speech), ended_ms, at_ms, self.now);
        self.hearing.complete.extend(self.hearing.spoken.take());
        self.pending.push_back(Input::SpeechEnded {
            speech: SpeechId(speech),
            ended_ms,
        });
    }

    fn speech_discarded(&mut self, speech: u32, _at_ms: u64) {
        self.hearing.spoken = None;
        self.pending.push_back(Input::SpeechDiscarded {
            speech: SpeechId(speech),
        });
    }

    fn beep(&mut self, _at_ms: u64) {
        self.pending.push_back(Input::Beep);
    }

    fn fax(&mut self, _at_ms: u64) {
        self.pending.push_back(Input::FaxTone);
    }

    fn line_audio(&mut self, at: u64, codes: &[u8]) {
        self.recording.heard(at, codes);
    }
}

impl CallActor {
    /// Takes one media frame; what it brings is left in `pending`.
    pub(super) fn hear(&mut self, frame: &MediaFrame<'_>, ctx: &mut Context<Self>) -> Result<(), MessageError> {
        let now_ms = monotonic_ms(self.ports.clock.as_ref());
        let mut ear = Ear {
            hearing: &mut self.hearing,
            pending: &mut self.pending,
            turns: &mut self.turns,
            recording: &mut self.recording,
            recognizer: self.ports.recognizer.as_ref(),
            script: &self.script,
            expectation: self.expectation,
            probe: &self.probe,
            meter: &self.meter,
            now_ms,
            now: now_ms.saturating_sub(self.started_ms),
        };
        let taken = self.listener.push(frame, &mut ear);
        if self.dialogue.heeds_partials() {
            self.show_partial();
        }
        for (speech, stream) in std::mem::take(&mut self.hearing.complete) {
            self.recognize(speech, stream, now_ms, ctx);
        }
        taken
    }

    /// Tells the dialogue of words that are new.
    fn show_partial(&mut self) {
        let Some((speech, stream)) = &self.hearing.spoken else {
            return;
        };
        if let Progress::Partial(words) = stream.progress()
            && self.hearing.told.as_ref() != Some(&words)
        {
            self.pending.push_back(Input::Partial {
                speech: *speech,
                text: words.to_string(),
            });
            self.hearing.told = Some(words);
        }
    }

    fn recognize(&mut self, speech: SpeechId, stream: Box<dyn UtteranceStream>, now_ms: u64, ctx: &mut Context<Self>) {
        self.hearing.awaited += 1;
        if self.hearing.awaited == 1 {
            self.probe.recognition_since(Some(now_ms));
        }
        // A recogniser that panics costs its utterance, not the call.
        let finish = async move { stream.finish().await };
        let result = AssertUnwindSafe(tokio::time::timeout(self.ports.recognition_deadline, finish));
        ctx.spawn(result.catch_unwind().into_actor(self).map(move |result, call, ctx| {
            call.hearing.awaited = call.hearing.awaited.saturating_sub(1);
            if call.hearing.awaited == 0 {
                call.probe.recognition_since(None);
            }
            let input = match result {
                Ok(Ok(Ok(heard))) => heard_input(speech, heard),
                Ok(Ok(Err(error))) => call.recognition_failed(speech, &error),
                Ok(Err(_elapsed)) => {
                    let deadline_ms = u64::try_from(call.ports.recognition_deadline.as_millis()).unwrap_or(u64::MAX);
                    call.recognition_failed(speech, &RecognizerError::TimedOut { deadline_ms })
                }
                Err(_panic) => call.recognition_failed(
                    speech,
                    &RecognizerError::Lost {
                        reason: "it panicked".into(),
                    },
                ),
            };
            call.feed(input, ctx);
        }));
    }

    fn recognition_failed(&self, speech: SpeechId, error: &RecognizerError) -> Input {
        tracing::warn!(parent: &self.span, recognizer = self.ports.recognizer.name(), %error, "no recognition");
        let fault = match error {
            RecognizerError::TimedOut { .. } => RecognitionFault::TimedOut,
            RecognizerError::Lost { .. } | RecognizerError::Refused { .. } | RecognizerError::Overloaded => {
                RecognitionFault::Lost
            }
            RecognizerError::Unsupported { .. } => RecognitionFault::Unsupported,
        };
        Input::RecognitionFailed { speech, fault }
    }
}

fn heard_input(speech: SpeechId, heard: Heard) -> Input {
    Input::Recognized {
        speech,
        text: heard.text,
        confidence: heard.confidence,
        uncertain: heard.uncertain,
    }
}

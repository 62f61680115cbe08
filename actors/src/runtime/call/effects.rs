//! Carrying out what the dialogue asks for.

use super::CallActor;
use crate::dialogue::{Expectation, Input, Millis, Output};
use crate::domain::{CallbackRequest, Disposition, EndReason, Outcome};
use crate::runtime::endings::caught;
use crate::runtime::events::CallEvent;
use crate::runtime::supervisor::CallFinished;
use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use std::time::Duration;

/// WebSocket close code for a normal end (RFC 6455, section 7.4.1).
const NORMAL_CLOSURE: u16 = 1000;

/// Tries to write a do-not-call entry while the call still goes on; after that it goes with the outcome.
const DO_NOT_CALL_TRIES: u32 = 4;

impl CallActor {
    pub(super) fn perform(&mut self, output: Output, now: Millis, ctx: &mut Context<Self>) {
        match output {
            Output::Play { playback, sentences } => self.speak(playback, sentences, now, ctx),
            Output::Clear => self.clear(now, ctx),
            Output::Listen {
                expectation,
                patience_ms,
            } => self.listen(expectation, patience_ms),
            Output::SwitchLanguage { language } => {
                if let Some(script) = self.survey.script.speaking(&language) {
                    self.script = script;
                    self.probe.edit_draft(|draft| draft.language = Some(language));
                }
            }
            Output::RecordConsent(consent) => {
                self.recording.consent(consent.granted);
                self.probe.edit_draft(|draft| draft.consent = Some(consent));
            }
            Output::RecordAnswer(answer) => self.probe.edit_draft(|draft| draft.answers.push(answer)),
            Output::AddDoNotCall => {
                self.recording.discard();
                self.add_do_not_call(ctx);
            }
            Output::RequestCallback { when, time } => {
                let at_ms = self.ports.clock.unix_ms();
                self.probe.edit_draft(|draft| {
                    draft.callback_request = Some(CallbackRequest {
                        words: when,
                        time,
                        at_ms,
                    });
                });
            }
            Output::Classify(query) => self.classify(&query, ctx),
            Output::Reply(query) => self.reply(&query, ctx),
            Output::Note(note) => self.probe.edit_draft(|draft| draft.note(now, note)),
            Output::End {
                reason,
                outcome,
                disposition,
            } => self.end((reason, outcome, disposition), ctx),
        }
        self.tell_phase();
        self.keep_latencies();
    }

    /// Tells where the conversation is, if that is news.
    fn tell_phase(&mut self) {
        let phase = (!self.dialogue.is_closing()).then_some(self.expectation);
        if self.told == phase || self.dialogue.is_over() {
            return;
        }
        self.told = phase;
        let phase = match phase {
            None => "goodbye".to_owned(),
            Some(Expectation::Consent) => "consent".to_owned(),
            Some(Expectation::Question(index) | Expectation::ConfirmAnswer(index)) => format!("question {}", index + 1),
            Some(Expectation::Confirm) => "confirming".to_owned(),
            Some(Expectation::Resume) => "holding".to_owned(),
        };
        self.ports.events.emit(CallEvent::Phase {
            attempt: self.probe.attempt.clone(),
            phase,
        });
    }

    fn listen(&mut self, expectation: Expectation, patience_ms: u32) {
        self.listener.set_patience_ms(patience_ms);
        self.expectation = expectation;
    }

    /// Writes the entry now; `DoNotCallRecorded` follows. The wish is in the draft first, so that it is written with
    /// the outcome whatever happens to this.
    fn add_do_not_call(&mut self, ctx: &mut Context<Self>) {
        self.probe.edit_draft(|draft| draft.do_not_call = true);
        let (store, clock, attempt) = (
            self.ports.store.clone(),
            self.ports.clock.clone(),
            self.probe.attempt.clone(),
        );
        let write = async move {
            for attempt_number in 1..=DO_NOT_CALL_TRIES {
                match caught(store.add_do_not_call_by_attempt(&attempt, clock.unix_ms())).await {
                    Ok(()) => return true,
                    Err(error) => tracing::error!(%attempt, %error, "do-not-call could not be written"),
                }
                tokio::time::sleep(Duration::from_millis(100 * u64::from(attempt_number))).await;
            }
            false
        };
        ctx.spawn(
            write
                .into_actor(self)
                .map(|stored, call, ctx| call.feed(Input::DoNotCallRecorded { stored }, ctx)),
        );
    }

    fn keep_latencies(&mut self) {
        for latency in self.turns.take_done() {
            let turn = tracing::info_span!(
                parent: &self.span,
                "turn",
                turn = latency.turn,
                endpoint_ms = latency.endpoint_ms,
                recognition_ms = latency.recognition_ms,
                understanding_ms = latency.understanding_ms,
                decision_ms = latency.decision_ms,
                first_audio_ms = latency.first_audio_ms,
                total_ms = latency.total_ms,
            );
            tracing::info!(parent: &turn, "turn answered");
            self.probe.edit_draft(|draft| draft.latencies.push(latency));
        }
    }

    /// Reports what came of the call and closes the line.
    fn end(&mut self, end: (EndReason, Outcome, Disposition), ctx: &mut Context<Self>) {
        self.ended = true;
        if let Some((_, timer)) = self.timer.take() {
            ctx.cancel_future(timer);
        }
        if let Some((journal, sink)) = self.journal.take() {
            sink.append(journal.finish());
            sink.finish();
        }
        let (attempt, call_sid) = (self.probe.attempt.clone(), self.probe.call_sid.clone());
        let now_ms = self.ports.clock.unix_ms();
        // Nothing of a port's runs between here and the report: the draft must not be lost.
        let report = self.probe.edit_draft(std::mem::take).into_report(attempt, end, now_ms);
        self.death.finished(CallFinished {
            report,
            call_sid,
            ended_by_carrier: self.ended_by_carrier,
        });
        self.line.close(NORMAL_CLOSURE, "the conversation is over");
        ctx.stop();
    }
}

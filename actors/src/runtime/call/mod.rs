//! The call actor: one per live call, on the worker thread that owns its media socket.
//!
//! It translates between the media stream and the dialogue and decides nothing itself: frames and keys become
//! [`Input`]s, [`Output`](crate::dialogue::Output)s become audio, marks and notes. All of it happens in
//! [`CallActor::feed`].

mod effects;
mod hearing;
mod latency;
mod live;
mod recording;
mod speaking;
mod understanding;

use self::hearing::Hearing;
use self::latency::TurnClock;
use self::live::LiveSpeech;
use self::recording::CallRecording;
use super::events::EventSink;
use super::line::{Line, LineClosed, MediaText};
use super::probe::{CallProbe, CallTable, Limits};
use super::pulse::{monotonic_ms, start_worker_pulse};
use super::supervisor::{CallDied, CallFinished, CallStarted, Supervisor};
use super::survey::Survey;
use crate::dialogue::journal::JournalWriter;
use crate::dialogue::{Dialogue, DialogueConfig, Expectation, Input, Millis, RequestId, Script};
use crate::domain::{AnsweredBy, EndReason, Language, MachineVerdict, PersonName, StreamSid};
use crate::ports::{
    AdmittedCall, Clock, JournalFiles, JournalSink, LanguageModel, Prompt, Recognizer, RecordingFiles, ServiceMeter,
    Store,
};
use actix::{Actor, ActorContext, Addr, AsyncContext, Context, Handler, Message, SpawnHandle};
use samvad_media::listener::{Listener, ListenerConfig};
use samvad_media::messages::{Inbound, parse_inbound};
use samvad_media::playout::Playout;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Messages a call may have waiting: at 50 frames a second, more than two seconds of a stalled worker.
const MAILBOX: usize = 256;

/// Malformed messages a stream may send before the call is given up.
const MAX_MALFORMED: u32 = 50;

/// What every call of a node works with.
#[derive(Clone)]
pub struct CallPorts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// For do-not-call wishes, which are written at once.
    pub store: Arc<dyn Store>,
    /// Speech to text.
    pub recognizer: Arc<dyn Recognizer>,
    /// For what the lexicon does not understand; `None`: that is asked again.
    pub language_model: Option<Arc<dyn LanguageModel>>,
    /// Longest wait for it: for a meaning, and for each sentence of a reply.
    pub language_deadline: Duration,
    /// Where journals go.
    pub journals: Arc<dyn JournalFiles>,
    /// Where recordings go, if the campaign wants them.
    pub recordings: Arc<dyn RecordingFiles>,
    /// Who is told.
    pub events: Arc<dyn EventSink>,
    /// Every live call.
    pub calls: Arc<CallTable>,
    /// Who writes outcomes.
    pub supervisor: Addr<Supervisor>,
    /// Longest wait for a recognition.
    pub recognition_deadline: Duration,
    /// What the watchdog holds a call to.
    pub limits: Limits,
}

/// What the dialogue has beyond the campaign's longest call to end it in an orderly way.
const LONGEST_CALL_MARGIN_MS: u64 = 30_000;

/// The dialogue waits a little longer for the language model than that may take: a model that is late has then failed,
/// which is known to whoever rests it, before nobody wants its answer any more.
const LANGUAGE_MARGIN: Duration = Duration::from_millis(100);

fn limit_above(deadline: Duration) -> Millis {
    Millis::try_from(deadline.saturating_add(LANGUAGE_MARGIN).as_millis()).unwrap_or(Millis::MAX)
}

/// What one call begins with.
pub struct CallSeed {
    /// From the store.
    pub admitted: AdmittedCall,
    /// Names the stream in every message to the carrier.
    pub stream_sid: StreamSid,
    /// What is spoken and expected.
    pub survey: Arc<Survey>,
    /// The media socket.
    pub line: Rc<dyn Line>,
}

/// What others may tell a call.
#[derive(Message, Clone, Copy, Debug)]
#[rtype(result = "()")]
pub enum CallCommand {
    /// The carrier's machine detection has spoken.
    Machine(MachineVerdict),
    /// The carrier reports the call as over.
    CarrierEnded,
    /// End it.
    Terminate(EndReason),
}

/// One live call.
pub struct CallActor {
    ports: CallPorts,
    survey: Arc<Survey>,
    /// In the language that is spoken.
    script: Arc<Script>,
    stream_sid: StreamSid,
    line: Rc<dyn Line>,
    probe: Arc<CallProbe>,
    death: DeathWatch,
    span: tracing::Span,
    started_ms: u64,

    dialogue: Dialogue,
    listener: Listener,
    hearing: Hearing,
    playout: Playout,
    live: LiveSpeech,
    /// What the person chose beforehand, until the call begins.
    chosen_language: Option<Language>,
    /// Whom to greet by name.
    name: Option<PersonName>,
    /// The greeting by name, once it has been spoken.
    named_greeting: Option<Prompt>,
    journal: Option<(JournalWriter, Arc<dyn JournalSink>)>,
    recording: CallRecording,
    turns: TurnClock,
    /// What the language model works on; dropped when the dialogue waits for it no longer.
    consulted: Option<(RequestId, SpawnHandle)>,
    /// Goes with every request to a service; the draft has it too.
    meter: ServiceMeter,
    expectation: Expectation,
    /// What was last told to be expected; `None` while the last words are spoken.
    told: Option<Expectation>,

    pending: VecDeque<Input>,
    timer: Option<(Millis, SpawnHandle)>,
    malformed: u32,
    ended: bool,
    ended_by_carrier: bool,
    /// Who took the call, as the draft has it.
    answered_by: AnsweredBy,
    /// What the carrier's machine detection said last.
    machine: Option<MachineVerdict>,
}

impl CallActor {
    /// Starts a call on the calling thread, which must be an actix worker.
    pub fn launch(ports: CallPorts, seed: CallSeed) -> Addr<Self> {
        let CallSeed {
            admitted,
            stream_sid,
            survey,
            line,
        } = seed;
        let started_ms = monotonic_ms(ports.clock.as_ref());
        let worker = start_worker_pulse(&ports.clock);
        let campaign_limit_ms = u64::from(survey.campaign.longest_call_seconds) * 1_000 + LONGEST_CALL_MARGIN_MS;
        let limits = Limits {
            longest_call_ms: ports.limits.longest_call_ms.min(campaign_limit_ms),
            ..ports.limits
        };
        let probe = CallProbe::new(
            admitted.attempt.clone(),
            admitted.call_sid.clone(),
            worker,
            limits,
            started_ms,
        );
        ports.calls.insert(probe.clone());
        // From here on the call has an outcome whatever happens: the watch exists before anything can fail.
        let death = DeathWatch::new(probe.clone(), ports.supervisor.clone());
        let meter = ServiceMeter::default();
        probe.edit_draft(|draft| {
            draft.meter = meter.clone();
            draft.language = Some(survey.campaign.language.clone());
        });
        let config = DialogueConfig {
            language_model: ports.language_model.is_some() && survey.script.has_model_prompts(),
            understanding_limit_ms: limit_above(ports.language_deadline),
            ..DialogueConfig::default()
        };
        let journal = match ports.journals.open(&admitted.attempt) {
            Ok(sink) => {
                let (writer, header) = JournalWriter::new(&admitted.attempt, &survey.script, &config);
                sink.append(header);
                Some((writer, sink))
            }
            Err(error) => {
                tracing::error!(attempt = %admitted.attempt, %error, "the call goes on without a journal");
                None
            }
        };
        let recording = CallRecording::begin(survey.campaign.recording, ports.recordings.as_ref(), &admitted.attempt);
        let span = tracing::info_span!("call", attempt = %admitted.attempt, campaign = %admitted.campaign);
        let actor = Self {
            span,
            dialogue: Dialogue::new(survey.script.clone(), config),
            listener: Listener::new(ListenerConfig::default()),
            hearing: Hearing::default(),
            playout: Playout::new(),
            live: LiveSpeech::default(),
            chosen_language: admitted.language,
            name: admitted.name,
            named_greeting: None,
            journal,
            recording,
            turns: TurnClock::default(),
            consulted: None,
            meter,
            expectation: Expectation::Consent,
            told: Some(Expectation::Consent),
            pending: VecDeque::new(),
            timer: None,
            malformed: 0,
            ended: false,
            ended_by_carrier: false,
            answered_by: AnsweredBy::default(),
            machine: admitted.machine,
            ports,
            script: survey.script.clone(),
            survey,
            stream_sid,
            line,
            probe,
            death,
            started_ms,
        };
        actor.start()
    }

    /// The language that is spoken.
    fn language(&self) -> &Language {
        &self.script.campaign().language
    }

    /// Milliseconds since the stream's start, by the clock.
    fn now(&self) -> Millis {
        monotonic_ms(self.ports.clock.as_ref()).saturating_sub(self.started_ms)
    }

    /// Gives the dialogue an input and carries out everything that follows from it.
    fn feed(&mut self, input: Input, ctx: &mut Context<Self>) {
        self.pending.push_back(input);
        self.settle(ctx);
    }

    /// Feeds what is pending, carries out what is asked, until nothing is left; then sets the timer.
    fn settle(&mut self, ctx: &mut Context<Self>) {
        let span = self.span.clone();
        let _in_call = span.enter();
        while let Some(input) = self.pending.pop_front() {
            if self.ended {
                self.pending.clear();
                return;
            }
            let now = self.now();
            self.turns.input(now, &input);
            self.keep(|journal| journal.input(now, &input));
            self.dialogue.handle(now, input);
            let handled = self.now();
            if self.dialogue.open_request().is_some() {
                self.turns.understanding_began(handled);
            } else {
                self.turns.understanding_ended(handled);
                self.turns.decided(handled);
            }
            self.carry_out(now, ctx);
        }
        if !self.ended {
            self.drop_stale_request(ctx);
            self.set_timer(ctx);
        }
    }

    fn time_out(&mut self, ctx: &mut Context<Self>) {
        self.timer = None;
        if self.ended {
            return;
        }
        let span = self.span.clone();
        let _in_call = span.enter();
        let now = self.now();
        // The context's timer and our clock are not the same: too early means wait again.
        if self.dialogue.poll_timeout().is_some_and(|due| due <= now) {
            self.keep(|journal| journal.timeout(now));
            self.dialogue.handle_timeout(now);
            self.carry_out(now, ctx);
        }
        self.settle(ctx);
    }

    fn carry_out(&mut self, now: Millis, ctx: &mut Context<Self>) {
        let answered_by = self.dialogue.answered_by();
        if self.answered_by != answered_by {
            self.answered_by = answered_by;
            self.probe.edit_draft(|draft| draft.answered_by = answered_by);
        }
        while !self.ended
            && let Some(output) = self.dialogue.poll_output()
        {
            self.keep(|journal| journal.output(now, &output));
            self.perform(output, now, ctx);
        }
    }

    fn set_timer(&mut self, ctx: &mut Context<Self>) {
        let due = self.dialogue.poll_timeout();
        if self.timer.as_ref().map(|(at, _)| *at) == due {
            return;
        }
        if let Some((_, handle)) = self.timer.take() {
            ctx.cancel_future(handle);
        }
        if let Some(due) = due {
            let wait = Duration::from_millis(due.saturating_sub(self.now()));
            self.timer = Some((due, ctx.run_later(wait, Self::time_out)));
        }
    }

    fn keep(&mut self, line: impl FnOnce(&mut JournalWriter) -> String) {
        if let Some((writer, sink)) = &mut self.journal {
            sink.append(line(writer));
        }
    }

    /// Takes one message of the stream.
    fn take_frame(&mut self, text: &str, ctx: &mut Context<Self>) {
        match parse_inbound(text) {
            Ok(Inbound::Media(frame)) => {
                if let Err(error) = self.hear(&frame, ctx) {
                    self.malformed_message(&error, ctx);
                }
                if !self.pending.is_empty() {
                    self.settle(ctx);
                }
            }
            Ok(Inbound::Dtmf { digit }) => {
                self.probe.voice_until(monotonic_ms(self.ports.clock.as_ref()));
                self.feed(Input::Key { key: digit }, ctx);
            }
            Ok(Inbound::Mark { name }) => {
                self.mark_returned(&name);
                self.settle(ctx);
            }
            Ok(Inbound::Stop) => {
                self.ended_by_carrier = true;
                self.feed(Input::StreamEnded { orderly: true }, ctx);
            }
            // The socket has seen the start; a second one, or an unknown event, means nothing to a call.
            Ok(Inbound::Connected | Inbound::Start(_) | Inbound::Unknown { .. }) => {}
            Err(error) => self.malformed_message(&error, ctx),
        }
    }

    fn malformed_message(&mut self, error: &dyn std::fmt::Display, ctx: &mut Context<Self>) {
        self.malformed += 1;
        if self.malformed == 1 {
            tracing::warn!(parent: &self.span, %error, "a malformed media message was passed over");
        }
        if self.malformed == MAX_MALFORMED {
            tracing::error!(parent: &self.span, "too many malformed media messages");
            self.feed(
                Input::Terminate {
                    reason: EndReason::Fault,
                },
                ctx,
            );
        }
    }
}

impl Actor for CallActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let call = ctx.address().recipient();
        self.ports.supervisor.do_send(CallStarted {
            probe: self.probe.clone(),
            call,
        });
        if let Some(language) = self.chosen_language.take() {
            self.feed(Input::ChosenLanguage { language }, ctx);
        }
        self.feed(Input::Started, ctx);
        self.speak_name(ctx);
        if let Some(verdict) = self.machine {
            self.feed(Input::Machine { verdict }, ctx);
        }
    }
}

impl Handler<MediaText> for CallActor {
    type Result = ();

    fn handle(&mut self, message: MediaText, ctx: &mut Self::Context) {
        if !self.ended {
            self.take_frame(&message.0, ctx);
        }
    }
}

impl Handler<LineClosed> for CallActor {
    type Result = ();

    fn handle(&mut self, _message: LineClosed, ctx: &mut Self::Context) {
        if self.ended {
            ctx.stop();
        } else {
            self.feed(Input::StreamEnded { orderly: false }, ctx);
        }
    }
}

impl Handler<CallCommand> for CallActor {
    type Result = ();

    fn handle(&mut self, command: CallCommand, ctx: &mut Self::Context) {
        match command {
            // It may come from the store and from another node besides.
            CallCommand::Machine(verdict) if self.machine == Some(verdict) => {}
            CallCommand::Machine(verdict) => {
                self.machine = Some(verdict);
                self.feed(Input::Machine { verdict }, ctx);
            }
            CallCommand::CarrierEnded => {
                self.ended_by_carrier = true;
                self.feed(Input::StreamEnded { orderly: true }, ctx);
            }
            CallCommand::Terminate(reason) => self.feed(Input::Terminate { reason }, ctx),
        }
    }
}

/// Tells the supervisor when its call is gone without an end of its own. A panic unwinds through the actor and drops
/// it; `Drop` only sends one message, because a second panic would abort the process.
struct DeathWatch {
    probe: Option<Arc<CallProbe>>,
    supervisor: Addr<Supervisor>,
}

impl DeathWatch {
    fn new(probe: Arc<CallProbe>, supervisor: Addr<Supervisor>) -> Self {
        Self {
            probe: Some(probe),
            supervisor,
        }
    }

    /// The call has come to its own end.
    fn finished(&mut self, message: CallFinished) {
        if self.probe.take().is_some() {
            self.supervisor.do_send(message);
        }
    }
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        if let Some(probe) = self.probe.take() {
            self.supervisor.do_send(CallDied { probe });
        }
    }
}

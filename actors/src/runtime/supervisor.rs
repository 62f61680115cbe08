//! The supervisor: owns the registry of live calls, writes every outcome, gives every permit back.

use super::call::CallCommand;
use super::events::{CallEvent, EventSink};
use super::permits::Permits;
use super::probe::{CallProbe, CallTable};
use super::watchdog::Readiness;
use crate::domain::{AnswerValue, AttemptId, CallSid, CarrierStatus, Disposition, EndReason, MachineVerdict, Outcome};
use crate::ports::{CallReport, CallbackEffect, Carrier, CarrierError, Clock, Store};
use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the supervisor works with.
#[derive(Clone)]
pub struct SupervisorPorts {
    /// Where outcomes are written.
    pub store: Arc<dyn Store>,
    /// For hanging up.
    pub carrier: Arc<dyn Carrier>,
    /// Wall time of outcomes.
    pub clock: Arc<dyn Clock>,
    /// Who is told.
    pub events: Arc<dyn EventSink>,
    /// Every live call.
    pub calls: Arc<CallTable>,
    /// Given back here.
    pub permits: Arc<Permits>,
    /// Whether new calls are taken.
    pub readiness: Arc<Readiness>,
}

/// After a conversation's own end the carrier has this long to report the call as over; then it is told to end it.
/// (Twilio's pages disagree on whether closing the stream's socket ends the call.)
const HANG_UP_GRACE: Duration = Duration::from_secs(2);

/// Pauses between tries to write an outcome while the store is away: doubling up to this.
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(5);

/// The supervisor.
pub struct Supervisor {
    ports: SupervisorPorts,
    live: BTreeMap<AttemptId, Recipient<CallCommand>>,
    /// Machine verdicts that came before the media stream.
    early_verdicts: BTreeMap<AttemptId, MachineVerdict>,
}

impl Supervisor {
    /// A supervisor without calls.
    pub fn new(ports: SupervisorPorts) -> Self {
        Self {
            ports,
            live: BTreeMap::new(),
            early_verdicts: BTreeMap::new(),
        }
    }

    /// Writes an outcome, for as long as it takes, then gives the permit back and tells everybody.
    fn write_outcome(&self, report: CallReport) {
        let ports = self.ports.clone();
        actix::spawn(async move {
            let mut pause = Duration::from_millis(100);
            let over = AttemptOver::from_report(&report);
            while let Err(error) = ports.store.record_outcome(&report).await {
                tracing::error!(attempt = %report.attempt, %error, "an outcome cannot be written yet; trying again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_RETRY_PAUSE);
            }
            finish(&ports, over);
        });
    }

    fn hang_up(&self, attempt: AttemptId, sid: CallSid) {
        let carrier = self.ports.carrier.clone();
        actix::spawn(async move {
            match carrier.complete_call(&sid).await {
                Ok(_) | Err(CarrierError::NotInProgress { .. }) => {}
                Err(error) => tracing::error!(%attempt, %error, "a call could not be hung up"),
            }
        });
    }

    fn command(&self, attempt: &AttemptId, command: CallCommand) {
        if let Some(call) = self.live.get(attempt) {
            call.do_send(command);
        }
    }
}

fn finish(ports: &SupervisorPorts, over: AttemptOver) {
    ports.permits.release(&over.attempt);
    tracing::info!(attempt = %over.attempt, outcome = ?over.outcome, disposition = over.disposition.code(),
        reason = ?over.end_reason, "attempt ended");
    ports.events.emit(CallEvent::Ended {
        attempt: over.attempt,
        outcome: over.outcome,
        disposition: over.disposition,
        end_reason: over.end_reason,
        answers: over.answers,
    });
}

impl Actor for Supervisor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // Calls report in bursts; a full mailbox must not lose a death notice.
        ctx.set_mailbox_capacity(4_096);
    }
}

/// A call actor has started.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallStarted {
    /// Its probe.
    pub probe: Arc<CallProbe>,
    /// Its address.
    pub call: Recipient<CallCommand>,
}

impl Handler<CallStarted> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CallStarted, _ctx: &mut Self::Context) {
        let attempt = message.probe.attempt.clone();
        if let Some(verdict) = self.early_verdicts.remove(&attempt) {
            message.call.do_send(CallCommand::Machine(verdict));
        }
        // A call may be over before this message arrives; then the table has it no longer.
        if self.ports.calls.contains(&attempt) {
            self.live.insert(attempt.clone(), message.call);
        }
        self.ports.events.emit(CallEvent::Talking { attempt });
    }
}

/// A call actor has come to its own end.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallFinished {
    /// What it leaves behind.
    pub report: CallReport,
    /// The carrier's id.
    pub call_sid: CallSid,
    /// True if the carrier ended it: nobody needs to hang up.
    pub ended_by_carrier: bool,
}

impl Handler<CallFinished> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CallFinished, ctx: &mut Self::Context) {
        let CallFinished {
            report,
            call_sid,
            ended_by_carrier,
        } = message;
        self.live.remove(&report.attempt);
        // If the watchdog took it first, the outcome is written already; the store lets the first one win.
        self.ports.calls.remove(&report.attempt);
        if !ended_by_carrier {
            let attempt = report.attempt.clone();
            ctx.run_later(HANG_UP_GRACE, move |supervisor, _| {
                supervisor.hang_up(attempt, call_sid)
            });
        }
        self.write_outcome(report);
    }
}

/// A call actor is gone without having come to its end: it panicked, or its thread is shutting down. Sent by its
/// death watch.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CallDied {
    /// Whose.
    pub attempt: AttemptId,
}

impl Handler<CallDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CallDied, _ctx: &mut Self::Context) {
        self.live.remove(&message.attempt);
        let Some(probe) = self.ports.calls.remove(&message.attempt) else {
            return;
        };
        tracing::error!(attempt = %probe.attempt, "a call actor died");
        self.hang_up(probe.attempt.clone(), probe.call_sid.clone());
        let now_ms = self.ports.clock.unix_ms();
        self.write_outcome(
            probe
                .draft_so_far()
                .into_cut_report(probe.attempt.clone(), EndReason::Fault, now_ms),
        );
    }
}

/// End a live call in an orderly way.
#[derive(Message)]
#[rtype(result = "()")]
pub struct EndCall {
    /// Which.
    pub attempt: AttemptId,
    /// Why.
    pub reason: EndReason,
}

impl Handler<EndCall> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: EndCall, _ctx: &mut Self::Context) {
        self.command(&message.attempt, CallCommand::Terminate(message.reason));
    }
}

/// Write this outcome; somebody else could not.
#[derive(Message)]
#[rtype(result = "()")]
pub struct WriteOutcome {
    /// What to write.
    pub report: CallReport,
}

impl Handler<WriteOutcome> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: WriteOutcome, _ctx: &mut Self::Context) {
        self.live.remove(&message.report.attempt);
        self.write_outcome(message.report);
    }
}

/// An attempt's outcome has been written by somebody else (watchdog, callback).
#[derive(Message, Clone, Debug)]
#[rtype(result = "()")]
pub struct AttemptOver {
    /// Which.
    pub attempt: AttemptId,
    /// What came of it.
    pub outcome: Outcome,
    /// Standard code.
    pub disposition: Disposition,
    /// Why it ended; `None` if there was no conversation.
    pub end_reason: Option<EndReason>,
    /// Answers in the order of the questions.
    pub answers: Vec<AnswerValue>,
}

impl AttemptOver {
    /// The end that a report tells of.
    pub fn from_report(report: &CallReport) -> Self {
        Self {
            attempt: report.attempt.clone(),
            outcome: report.outcome,
            disposition: report.disposition,
            end_reason: Some(report.end_reason),
            answers: report.answers.iter().map(|answer| answer.value.clone()).collect(),
        }
    }
}

impl Handler<AttemptOver> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: AttemptOver, _ctx: &mut Self::Context) {
        self.live.remove(&message.attempt);
        self.early_verdicts.remove(&message.attempt);
        finish(&self.ports, message);
    }
}

/// A verified status callback took effect in the store.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CarrierStatusChanged {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The new status.
    pub status: CarrierStatus,
    /// What the store made of it.
    pub effect: CallbackEffect,
}

impl Handler<CarrierStatusChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CarrierStatusChanged, _ctx: &mut Self::Context) {
        let CarrierStatusChanged {
            attempt,
            status,
            effect,
        } = message;
        match effect {
            CallbackEffect::Duplicate | CallbackEffect::Stale => return,
            CallbackEffect::Advanced | CallbackEffect::Ended => {}
        }
        self.ports.events.emit(CallEvent::Status {
            attempt: attempt.clone(),
            status,
        });
        if effect == CallbackEffect::Ended {
            self.early_verdicts.remove(&attempt);
            let (outcome, disposition) = (Outcome::Failed, status.disposition_without_conversation(None));
            finish(
                &self.ports,
                AttemptOver {
                    attempt,
                    outcome,
                    disposition,
                    end_reason: None,
                    answers: vec![],
                },
            );
        } else if status.is_terminal() {
            // The carrier says it is over while the conversation still goes on here.
            self.command(&attempt, CallCommand::CarrierEnded);
        }
    }
}

/// A verified machine-detection callback.
#[derive(Message)]
#[rtype(result = "()")]
pub struct CarrierMachine {
    /// Which attempt.
    pub attempt: AttemptId,
    /// What it says.
    pub verdict: MachineVerdict,
}

impl Handler<CarrierMachine> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CarrierMachine, _ctx: &mut Self::Context) {
        match self.live.get(&message.attempt) {
            Some(call) => call.do_send(CallCommand::Machine(message.verdict)),
            // Kept only while the attempt is open: a verdict that comes after the end is of no use to anybody.
            None if self.ports.permits.holds(&message.attempt) => {
                self.early_verdicts.insert(message.attempt, message.verdict);
            }
            None => {}
        }
    }
}

/// Take no new calls; with `end_live`, end the live ones too.
#[derive(Message)]
#[rtype(result = "()")]
pub struct BeginDrain {
    /// True when the drain limit has passed.
    pub end_live: bool,
}

impl Handler<BeginDrain> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: BeginDrain, _ctx: &mut Self::Context) {
        self.ports.readiness.set_draining();
        if message.end_live {
            for call in self.live.values() {
                call.do_send(CallCommand::Terminate(EndReason::Terminated));
            }
        }
    }
}

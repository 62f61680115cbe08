//! The supervisor: owns the registry of live calls, writes every outcome, gives the permit of every call back that the
//! carrier reports as over.
//!
//! Nobody could end a call without it, so a handler that panics (a port's fault) costs its message and not the
//! supervisor, and whatever waits (writing, hanging up) is a task of its own.

mod messages;

pub use messages::{
    AttemptOver, BeginDrain, CallDied, CallFinished, CallStarted, CarrierMachine, CarrierStatusChanged,
    CountUnreported, EndCall, HangUpNow, ToldElsewhere, WriteOutcome,
};

use super::call::CallCommand;
use super::draft::CallDraft;
use super::endings::{Ended, SupervisorPorts};
use super::events::CallEvent;
use crate::domain::{AttemptId, CallSid, EndReason};
use crate::ports::{CallReport, CallTold, CallbackEffect};
use actix::{Actor, AsyncContext, Context, Handler, Recipient, ResponseFuture, SpawnHandle};
use futures_util::future::join_all;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

/// After a conversation's own end the carrier has this long to report the call as over; then it is told to end it.
/// (Twilio's pages disagree on whether closing the stream's socket ends the call.)
const HANG_UP_GRACE: Duration = Duration::from_secs(2);

/// A call that the carrier reports as over and that no actor has is given up after so long.
const ORPHAN_GRACE: Duration = Duration::from_secs(5);

/// The supervisor.
pub struct Supervisor {
    ports: SupervisorPorts,
    live: BTreeMap<AttemptId, Recipient<CallCommand>>,
    /// What is to be told to calls whose media stream has not begun yet.
    early: BTreeMap<AttemptId, Vec<CallCommand>>,
    /// Calls whose conversation is over and which the carrier has not reported as over.
    hang_ups: BTreeMap<AttemptId, (CallSid, SpawnHandle)>,
    /// Attempts whose outcome is being written.
    writing: Rc<RefCell<BTreeSet<AttemptId>>>,
}

impl Supervisor {
    /// A supervisor without calls.
    pub fn new(ports: SupervisorPorts) -> Self {
        Self {
            ports,
            live: BTreeMap::new(),
            early: BTreeMap::new(),
            hang_ups: BTreeMap::new(),
            writing: Rc::default(),
        }
    }

    fn guarded(&mut self, handle: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| handle(self))).is_err() {
            tracing::error!("a handler of the supervisor panicked");
        }
    }

    fn forget(&mut self, attempt: &AttemptId) {
        self.live.remove(attempt);
        self.early.remove(attempt);
    }

    fn write_outcome(&self, report: CallReport) {
        let (ports, writing, attempt) = (self.ports.clone(), self.writing.clone(), report.attempt.clone());
        writing.borrow_mut().insert(attempt.clone());
        actix::spawn(async move {
            ports.write_outcome(report).await;
            writing.borrow_mut().remove(&attempt);
        });
    }

    fn write_cut(&self, draft: CallDraft, attempt: AttemptId) {
        let now_ms = self.ports.clock.unix_ms();
        self.write_outcome(draft.into_cut_report(attempt, EndReason::Fault, now_ms));
    }

    fn hang_up(&self, attempt: AttemptId, sid: CallSid) {
        let ports = self.ports.clone();
        actix::spawn(async move { ports.hang_up(&attempt, &sid).await });
    }

    /// Tells a call something, now or when its stream begins. Nothing is kept for an attempt that is over.
    fn command(&mut self, attempt: AttemptId, command: CallCommand) {
        if let Some(call) = self.live.get(&attempt) {
            call.do_send(command);
            return;
        }
        let (permits, calls) = (self.ports.permits.clone(), self.ports.calls.clone());
        let may_begin = move |attempt: &AttemptId| permits.holds(attempt) || calls.contains(attempt);
        if may_begin(&attempt) && !self.writing.borrow().contains(&attempt) {
            self.early.retain(|attempt, _| may_begin(attempt));
            self.early.entry(attempt).or_default().push(command);
        }
    }

    /// The carrier reports a call as over: it need not be told to end it.
    fn forget_hang_up(&mut self, attempt: &AttemptId, ctx: &mut Context<Self>) {
        if let Some((_, timer)) = self.hang_ups.remove(attempt) {
            ctx.cancel_future(timer);
        }
    }

    /// The carrier's call is over and the attempt still open: if no actor comes up with an outcome, there is none (its
    /// stream was admitted and its actor never started). It must end all the same.
    fn end_orphan(&mut self, attempt: AttemptId) {
        let answered_for = self.ports.calls.contains(&attempt) || self.writing.borrow().contains(&attempt);
        if !answered_for && self.ports.permits.holds(&attempt) {
            tracing::error!(%attempt, "a call is over and nobody has its outcome");
            self.forget(&attempt);
            self.write_cut(CallDraft::default(), attempt);
        }
    }
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

impl Handler<CallStarted> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CallStarted, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| {
            let attempt = message.probe.attempt.clone();
            for command in supervisor.early.remove(&attempt).unwrap_or_default() {
                message.call.do_send(command);
            }
            // A call may be over before this message arrives; then the table has it no longer.
            if supervisor.ports.calls.contains(&attempt) {
                supervisor.live.insert(attempt.clone(), message.call);
            }
            supervisor.ports.tell(CallEvent::Talking { attempt });
        });
    }
}

impl Handler<CallFinished> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CallFinished, ctx: &mut Self::Context) {
        let CallFinished {
            report,
            call_sid,
            ended_by_carrier,
        } = message;
        self.guarded(|supervisor| {
            let attempt = report.attempt.clone();
            supervisor.forget(&attempt);
            // If the watchdog took it first, the outcome is written already; the store lets the first one win, and
            // keeps a wish for removal all the same.
            supervisor.ports.calls.remove(&attempt);
            supervisor.write_outcome(report);
            if !ended_by_carrier {
                let timer = ctx.run_later(HANG_UP_GRACE, {
                    let attempt = attempt.clone();
                    move |supervisor, _| {
                        if let Some((sid, _)) = supervisor.hang_ups.remove(&attempt) {
                            supervisor.hang_up(attempt, sid);
                        }
                    }
                });
                supervisor.hang_ups.insert(attempt, (call_sid, timer));
            }
        });
    }
}

impl Handler<CallDied> for Supervisor {
    type Result = ();

    fn handle(&mut self, CallDied { probe }: CallDied, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| {
            tracing::error!(attempt = %probe.attempt, "a call actor died");
            supervisor.forget(&probe.attempt);
            // If the watchdog took it first, it has hung up; but what the call gathered since must not be lost.
            if supervisor.ports.calls.remove(&probe.attempt).is_some() {
                supervisor.hang_up(probe.attempt.clone(), probe.call_sid.clone());
            }
            supervisor.write_cut(probe.draft_so_far(), probe.attempt.clone());
        });
    }
}

impl Handler<EndCall> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: EndCall, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| supervisor.command(message.attempt, CallCommand::Terminate(message.reason)));
    }
}

impl Handler<WriteOutcome> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: WriteOutcome, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| {
            supervisor.forget(&message.report.attempt);
            supervisor.write_outcome(message.report);
        });
    }
}

impl Handler<AttemptOver> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: AttemptOver, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| supervisor.forget(&message.attempt));
    }
}

impl Handler<CarrierStatusChanged> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CarrierStatusChanged, ctx: &mut Self::Context) {
        let CarrierStatusChanged {
            attempt,
            status,
            effect,
        } = message;
        if matches!(effect, CallbackEffect::Duplicate | CallbackEffect::Stale) {
            return;
        }
        self.guarded(|supervisor| {
            supervisor.ports.tell(CallEvent::Status {
                attempt: attempt.clone(),
                status,
            });
            if !status.is_terminal() {
                return;
            }
            supervisor.ports.permits.release(&attempt);
            supervisor.forget_hang_up(&attempt, ctx);
            if effect == CallbackEffect::Ended {
                supervisor.forget(&attempt);
                supervisor
                    .ports
                    .finish(Ended::without_conversation(attempt, status), true);
            } else {
                // The conversation may go on here, or be about to begin.
                supervisor.command(attempt.clone(), CallCommand::CarrierEnded);
                if supervisor.ports.permits.holds(&attempt) {
                    ctx.run_later(ORPHAN_GRACE, move |supervisor, _| {
                        supervisor.guarded(|supervisor| supervisor.end_orphan(attempt));
                    });
                }
            }
        });
    }
}

impl Handler<CarrierMachine> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: CarrierMachine, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| supervisor.command(message.attempt, CallCommand::Machine(message.verdict)));
    }
}

impl Handler<ToldElsewhere> for Supervisor {
    type Result = ();

    fn handle(&mut self, ToldElsewhere { attempt, told }: ToldElsewhere, ctx: &mut Self::Context) {
        self.guarded(|supervisor| {
            if told == CallTold::Over {
                supervisor.forget_hang_up(&attempt, ctx);
            }
            if !supervisor.ports.calls.contains(&attempt) {
                return;
            }
            supervisor.command(
                attempt,
                match told {
                    CallTold::Machine(verdict) => CallCommand::Machine(verdict),
                    CallTold::Over => CallCommand::CarrierEnded,
                },
            );
        });
    }
}

impl Handler<BeginDrain> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: BeginDrain, _ctx: &mut Self::Context) {
        self.guarded(|supervisor| {
            supervisor.ports.readiness.set_draining();
            if message.end_live {
                for call in supervisor.live.values() {
                    call.do_send(CallCommand::Terminate(EndReason::Terminated));
                }
            }
        });
    }
}

impl Handler<CountUnreported> for Supervisor {
    type Result = usize;

    fn handle(&mut self, _message: CountUnreported, _ctx: &mut Self::Context) -> usize {
        self.hang_ups.len()
    }
}

impl Handler<HangUpNow> for Supervisor {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _message: HangUpNow, ctx: &mut Self::Context) -> Self::Result {
        let ports = self.ports.clone();
        let calls = std::mem::take(&mut self.hang_ups);
        for (_, timer) in calls.values() {
            ctx.cancel_future(*timer);
        }
        Box::pin(async move {
            join_all(calls.iter().map(|(attempt, (sid, _))| ports.hang_up(attempt, sid))).await;
        })
    }
}

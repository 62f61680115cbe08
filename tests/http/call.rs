//! A call actor that does what the frames tell it to.

use actix::{Actor, ActorContext, AsyncContext, Context, Handler};
use samvad::http::{CallEvents, CallHandle, CallStartError, CallStarter, StreamEvent};
use samvad_actors::domain::{AttemptId, CarrierStatus, MachineVerdict, StreamSid};
use samvad_actors::ports::{AdmittedCall, CallbackEffect};
use samvad_actors::runtime::{Line, LineClosed, MediaText};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

/// How calls begin.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Beginning {
    #[default]
    Normal,
    Refused,
    Panicking,
}

/// What happened to the calls and what they were told.
#[derive(Default)]
pub struct Calls {
    pub beginning: Mutex<Beginning>,
    /// How many frames may wait for a call; 0 for the default.
    pub mailbox: AtomicUsize,
    pub admitted: Mutex<Vec<(AdmittedCall, StreamSid)>>,
    pub frames: Mutex<Vec<String>>,
    pub told_closed: AtomicUsize,
    pub alive: AtomicUsize,
    pub threads: Mutex<Vec<ThreadId>>,
    /// The largest backlog a line has shown.
    pub backlog: AtomicUsize,
    pub events: Mutex<Vec<String>>,
}

impl Calls {
    pub fn frames(&self) -> Vec<String> {
        self.frames.lock().expect("not poisoned").clone()
    }

    pub fn events(&self) -> Vec<String> {
        self.events.lock().expect("not poisoned").clone()
    }

    pub fn begin(&self, beginning: Beginning) {
        *self.beginning.lock().expect("not poisoned") = beginning;
    }
}

/// The starter and the listener the server is given.
pub struct Shared(pub Arc<Calls>);

impl CallStarter for Shared {
    fn start(
        &self,
        admitted: AdmittedCall,
        stream_sid: StreamSid,
        line: Rc<dyn Line>,
    ) -> Result<CallHandle, CallStartError> {
        let beginning = *self.0.beginning.lock().expect("not poisoned");
        match beginning {
            Beginning::Normal => {}
            Beginning::Refused => {
                return Err(CallStartError {
                    reason: "full".to_owned(),
                });
            }
            Beginning::Panicking => panic!("provoked in the starter"),
        }
        self.0
            .admitted
            .lock()
            .expect("not poisoned")
            .push((admitted, stream_sid));
        self.0
            .threads
            .lock()
            .expect("not poisoned")
            .push(std::thread::current().id());
        self.0.alive.fetch_add(1, Ordering::SeqCst);
        let call = TestCall {
            calls: self.0.clone(),
            line,
        }
        .start();
        Ok(CallHandle {
            media: call.clone().recipient(),
            closed: call.recipient(),
        })
    }
}

impl CallEvents for Shared {
    fn status(&self, attempt: &AttemptId, status: CarrierStatus, effect: CallbackEffect) {
        let event = format!("{attempt} {} {effect:?}", status.as_str());
        self.0.events.lock().expect("not poisoned").push(event);
    }

    fn machine(&self, attempt: &AttemptId, verdict: MachineVerdict) {
        self.0
            .events
            .lock()
            .expect("not poisoned")
            .push(format!("{attempt} {verdict:?}"));
    }

    fn stream(&self, attempt: &AttemptId, event: &StreamEvent) {
        let event = format!("{attempt} {} {:?}", event.kind.as_str(), event.error);
        self.0.events.lock().expect("not poisoned").push(event);
    }
}

struct TestCall {
    calls: Arc<Calls>,
    line: Rc<dyn Line>,
}

impl Actor for TestCall {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        match self.calls.mailbox.load(Ordering::SeqCst) {
            0 => {}
            capacity => ctx.set_mailbox_capacity(capacity),
        }
    }
}

impl Drop for TestCall {
    fn drop(&mut self) {
        self.calls.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Handler<MediaText> for TestCall {
    type Result = ();

    fn handle(&mut self, MediaText(text): MediaText, ctx: &mut Self::Context) {
        self.calls.frames.lock().expect("not poisoned").push(text.to_string());
        let (command, argument) = text.split_once(' ').unwrap_or((&text, ""));
        match command {
            "echo" => self.line.send(argument.to_owned()),
            "flood" => {
                for _ in 0..argument.parse().expect("a number") {
                    self.line.send("x".repeat(10_000));
                    self.calls
                        .backlog
                        .fetch_max(self.line.backlog_bytes(), Ordering::SeqCst);
                }
            }
            "close" => self.line.close(argument.parse().expect("a number"), "as told"),
            "stop" => ctx.stop(),
            "panic" => panic!("provoked in the call"),
            _ => {}
        }
    }
}

impl Handler<LineClosed> for TestCall {
    type Result = ();

    fn handle(&mut self, _: LineClosed, ctx: &mut Self::Context) {
        self.calls.told_closed.fetch_add(1, Ordering::SeqCst);
        // A moment later, so that a second notice would be counted.
        ctx.run_later(std::time::Duration::from_millis(20), |_, ctx| ctx.stop());
    }
}

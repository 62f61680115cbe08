//! A call's way: queue, dialling, ringing, answer, the verbs of its TwiML, end.

use super::at_home::{caller_line, write_recording};
use super::call::{Call, CallStatus, Detection, Document, Order};
use super::callbacks::{Callbacks, Progress, common_fields};
use super::inbound;
use super::world::World;
use crate::gateway::{Refusal, Signing};
use crate::report::{CallReport, EndedBy};
use crate::scenario::{FaultKind, Pickup};
use crate::stream::{CallerLine, LiveStream, StreamEnd, StreamFinish, StreamSetup, Wire, Writer};
use crate::twiml::{self, StreamNoun, Verb};
use rand::RngExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// How much later than usual a late verdict of machine detection comes: within Twilio's usual limit of 30 seconds, and
/// late enough for a person to have answered something.
const LATE_MS: u64 = 20_000;

/// How a call ended.
struct Ending {
    status: CallStatus,
    by: EndedBy,
    sip: Option<u16>,
}

impl Ending {
    fn unanswered(status: CallStatus, sip: Option<u16>) -> Self {
        let by = if status == CallStatus::Canceled {
            EndedBy::Agent
        } else {
            EndedBy::Network
        };
        Self { status, by, sip }
    }

    fn completed(by: EndedBy) -> Self {
        Self {
            status: CallStatus::Completed,
            by,
            sip: None,
        }
    }
}

/// Carries a call from the queue to its report.
pub(crate) async fn run(world: Arc<World>, call: Arc<Call>) {
    let callbacks = Callbacks::start(&world, call.clone());
    let mut flow = Flow {
        orders: call.orders.subscribe(),
        caller: call
            .respondent
            .as_ref()
            .map(|respondent| caller_line(&world, &call, &respondent.script)),
        callbacks: &callbacks,
        world: &world,
        call: &call,
        answered_at: None,
        time_limit: call.dial_at,
        stream_error: None,
        unplayed_ms: 0,
    };
    let ending = flow.carry().await;
    let answered_ms = flow.answered_at.map(|at| at.elapsed().as_millis() as u64);
    let (caller, stream_error, unplayed_ms) = (flow.caller, flow.stream_error, flow.unplayed_ms);
    call.finish(ending.status, answered_ms);
    if let Some(ledger) = &world.ledger {
        ledger.over(&call, ending.status.word());
    }
    let duration_s = call.state().duration_s.unwrap_or(0);
    callbacks.report(Progress::Over {
        status: ending.status,
        sip: ending.sip,
        duration_s,
    });
    let recording = caller
        .as_ref()
        .and_then(|caller| write_recording(&world, &call, caller));
    let delivered = callbacks.finish().await;
    inbound::call_back(&world, &call);
    let report = CallReport::new(
        &call,
        ending.by,
        answered_ms,
        caller.as_ref(),
        stream_error,
        unplayed_ms,
        delivered,
    );
    world.reporter.call_ends(report.with_recording(recording));
}

struct Flow<'w> {
    world: &'w Arc<World>,
    call: &'w Arc<Call>,
    callbacks: &'w Callbacks,
    orders: watch::Receiver<Order>,
    caller: Option<CallerLine>,
    answered_at: Option<Instant>,
    /// When the network ends the call.
    time_limit: Instant,
    stream_error: Option<u32>,
    unplayed_ms: u64,
}

/// What ended a wait.
enum Waited {
    Through,
    Ordered(Order),
}

/// What comes after a verb.
enum Next {
    Verb,
    Document(Document),
    End(EndedBy),
}

impl Flow<'_> {
    async fn carry(&mut self) -> Ending {
        if let Some(ending) = self.dial().await {
            return ending;
        }
        self.call.progress(CallStatus::InProgress);
        let now = Instant::now();
        self.answered_at = Some(now);
        self.time_limit = now + Duration::from_secs(self.call.request.time_limit_s);
        self.callbacks.report(Progress::Answered);
        self.detect_machine().await;
        let mut document = self.call.request.document.clone();
        loop {
            let verbs = match self.instructions(&document).await {
                Ok(verbs) => verbs,
                Err(fault) => {
                    self.call.violation(fault);
                    return Ending {
                        status: CallStatus::Failed,
                        by: EndedBy::Network,
                        sip: None,
                    };
                }
            };
            match self.follow(verbs).await {
                Next::Document(next) => document = next,
                Next::End(by) => return Ending::completed(by),
                Next::Verb => return Ending::completed(EndedBy::Agent),
            }
        }
    }

    /// From the queue to the answer; gives the end if there is none.
    async fn dial(&mut self) -> Option<Ending> {
        if self.wait_until(self.call.dial_at).await {
            return Some(Ending::unanswered(CallStatus::Canceled, None));
        }
        self.callbacks.report(Progress::Initiated);
        if self.wait(self.world.network.setup_ms).await {
            return Some(Ending::unanswered(CallStatus::Canceled, None));
        }
        let Some(respondent) = &self.call.respondent else {
            self.call
                .violation("a number was called that the scenario does not have");
            return Some(Ending::unanswered(CallStatus::Failed, Some(404)));
        };
        let timeout_ms = self.call.request.ring_timeout_s * 1_000;
        let rings_ms = match respondent.script.pickup {
            Pickup::Busy => return Some(Ending::unanswered(CallStatus::Busy, Some(486))),
            Pickup::Failed => return Some(Ending::unanswered(CallStatus::Failed, Some(404))),
            Pickup::NoAnswer { after_ms } => after_ms.unwrap_or(timeout_ms).min(timeout_ms),
            Pickup::Answers { ring_ms } => ring_ms.min(timeout_ms),
        };
        self.call.progress(CallStatus::Ringing);
        self.callbacks.report(Progress::Ringing);
        if self.wait(rings_ms).await {
            return Some(Ending::unanswered(CallStatus::Canceled, Some(487)));
        }
        match respondent.script.pickup {
            Pickup::Answers { ring_ms } if ring_ms <= timeout_ms => None,
            _ => Some(Ending::unanswered(CallStatus::NoAnswer, Some(487))),
        }
    }

    /// Machine detection: waits for the verdict, or sees to it that it comes later.
    async fn detect_machine(&mut self) {
        let (Some(detection), Some(respondent)) = (&self.call.request.detection, &self.call.respondent) else {
            return;
        };
        let late = self.call.faults.has(FaultKind::LateMachineVerdict);
        let machine = &respondent.script.machine;
        let (verdict, after_ms) = if late {
            (Some("machine_start"), machine.after_ms + LATE_MS)
        } else {
            (machine.verdict, machine.after_ms)
        };
        let Some(verdict) = verdict else {
            return;
        };
        match detection {
            Detection::Before => {
                // An order that comes meanwhile is followed at the first verb.
                tokio::time::sleep(Duration::from_millis(after_ms)).await;
                self.call.state().answered_by = Some(verdict);
            }
            Detection::Beside { url, post } => {
                let (world, call) = (self.world.clone(), self.call.clone());
                let (url, post) = (url.clone(), *post);
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(after_ms)).await;
                    tell_verdict(&world, &call, &url, post, verdict, after_ms).await;
                });
            }
        }
    }

    async fn instructions(&self, document: &Document) -> Result<Vec<Verb>, String> {
        let text = match document {
            Document::Twiml(text) => text.clone(),
            Document::Url { url, post } => {
                let mut fields = common_fields(self.call, &self.world.account_sid, CallStatus::InProgress.word());
                if let Some(verdict) = self.call.state().answered_by {
                    fields.push(("AnsweredBy".to_owned(), verdict.to_owned()));
                }
                let answer = self
                    .world
                    .gateway
                    .webhook(url, *post, &fields, Signing::Right, None)
                    .await;
                let answer = answer.map_err(|fault| format!("error 11200: the TwiML cannot be fetched: {fault}"))?;
                if answer.status != 200 {
                    return Err(format!("error 11200: the TwiML was answered with {}", answer.status));
                }
                answer.body
            }
        };
        twiml::parse(&text).map_err(|error| error.to_string())
    }

    async fn follow(&mut self, verbs: Vec<Verb>) -> Next {
        for verb in verbs {
            let next = match verb {
                Verb::Stream(noun) => self.stream(&noun).await,
                Verb::Gather { .. } => {
                    self.call.violation("<Gather> has no place in a call of a survey");
                    Next::End(EndedBy::Network)
                }
                Verb::Say { milliseconds, .. } | Verb::Pause { milliseconds } => {
                    let until = (Instant::now() + Duration::from_millis(milliseconds)).min(self.time_limit);
                    let waited = self.next_order(until).await;
                    self.after_wait(waited)
                }
                Verb::Hangup | Verb::Reject => Next::End(EndedBy::Agent),
            };
            match next {
                Next::Verb => {}
                other => return other,
            }
        }
        Next::Verb
    }

    fn after_wait(&self, waited: Waited) -> Next {
        match waited {
            Waited::Ordered(Order::Redirect(document)) => Next::Document(document),
            Waited::Ordered(Order::CallerHangsUp) => Next::End(EndedBy::Caller),
            Waited::Ordered(_) => Next::End(EndedBy::Agent),
            Waited::Through if Instant::now() >= self.time_limit => Next::End(EndedBy::Network),
            Waited::Through => Next::Verb,
        }
    }

    async fn stream(&mut self, noun: &StreamNoun) -> Next {
        let Some(caller) = self.caller.take() else {
            return Next::End(EndedBy::Network);
        };
        let socket = match self.connect(&noun.url).await {
            Ok(socket) => socket,
            Err(code) => {
                self.stream_error = Some(code);
                self.caller = Some(caller);
                self.tell_stream(noun, "", "stream-error", Some(code));
                return Next::Verb;
            }
        };
        let mut random = self.world.random(&self.call.request.to, self.call.ordinal, "stream");
        let stream_sid = format!("MZ{:016x}{:016x}", random.random::<u64>(), random.random::<u64>());
        let seeded_tone = random.random_bool(0.5);
        let (done, mut finished) = oneshot::channel();
        let asked_to_end = Arc::new(AtomicBool::new(false));
        self.tell_stream(noun, &stream_sid, "stream-started", None);
        let writer = Writer::new(
            stream_sid.clone(),
            self.world.account_sid.clone(),
            self.call.sid.clone(),
        );
        self.world.pacer.take(LiveStream::new(StreamSetup {
            wire: socket,
            writer,
            parameters: noun.parameters.clone(),
            caller,
            faults: self.call.faults.clone(),
            random,
            playout_limit_ms: self.world.network.playout_limit_ms,
            dtmf_in_audio: self.world.network.dtmf_in_audio.unwrap_or(seeded_tone),
            asked_to_end: asked_to_end.clone(),
            done,
        }));
        let time_limit = self.time_limit;
        let asked = tokio::select! {
            finish = &mut finished => return self.stream_ended(finish.ok(), noun, &stream_sid, None).await,
            waited = self.next_order(time_limit) => waited,
        };
        asked_to_end.store(true, Ordering::Relaxed);
        let next = self.after_wait(asked);
        self.stream_ended(finished.await.ok(), noun, &stream_sid, Some(next))
            .await
    }

    /// Opens the socket, after those who must be turned away if the scenario has them try.
    async fn connect(&self, url: &str) -> Result<Wire, u32> {
        for (kind, signing) in [
            (FaultKind::UnsignedUpgrade, Signing::None),
            (FaultKind::WronglySignedUpgrade, Signing::Wrong),
        ] {
            if self.call.faults.has(kind) {
                match self.world.gateway.connect(url, signing).await {
                    Err(Refusal {
                        status: Some(400..=499),
                        ..
                    }) => {}
                    Ok(_) => self
                        .call
                        .violation(format!("a media stream with signature {signing:?} was accepted")),
                    Err(refusal) => self.call.violation(format!(
                        "a media stream with signature {signing:?} was not refused as it should be: {}",
                        refusal.reason
                    )),
                }
            }
        }
        let slash = self.call.faults.has(FaultKind::SlashSignedUpgrade);
        let signing = if slash { Signing::WithSlash } else { Signing::Right };
        self.world
            .gateway
            .connect(url, signing)
            .await
            .map(Wire::new)
            .map_err(|refusal| {
                self.call
                    .violation(format!("error {}: no media stream: {}", refusal.code, refusal.reason));
                refusal.code
            })
    }

    async fn stream_ended(
        &mut self,
        finish: Option<StreamFinish>,
        noun: &StreamNoun,
        stream_sid: &str,
        asked: Option<Next>,
    ) -> Next {
        let Some(finish) = finish else {
            return Next::End(EndedBy::Network);
        };
        self.caller = Some(finish.caller);
        self.unplayed_ms = finish.unplayed_ms;
        self.call.state().violations.extend(finish.violations);
        if finish.discarded {
            self.stream_error = Some(31930);
        }
        if let StreamEnd::Error(code, _) = &finish.end {
            self.stream_error = Some(*code);
        }
        let event = if matches!(finish.end, StreamEnd::Error(..)) {
            "stream-error"
        } else {
            "stream-stopped"
        };
        self.tell_stream(noun, stream_sid, event, self.stream_error);
        if finish.end == StreamEnd::SocketReset {
            finish.wire.reset();
        } else {
            // The call goes on while the socket is being closed.
            tokio::spawn(finish.wire.close());
        }
        match finish.end {
            StreamEnd::CallerHungUp | StreamEnd::CallerGaveUp => Next::End(EndedBy::Caller),
            StreamEnd::Asked => asked.unwrap_or(Next::End(EndedBy::Network)),
            StreamEnd::ServerClosed(_) if self.world.network.next_verb_after_stream => Next::Verb,
            StreamEnd::ServerClosed(_) => Next::End(EndedBy::Agent),
            StreamEnd::Lost => {
                self.call.violation("the media stream broke without a close frame");
                Next::End(EndedBy::Network)
            }
            StreamEnd::SocketReset | StreamEnd::Error(..) => Next::End(EndedBy::Network),
        }
    }

    /// The stream's own status callback, if its noun names one.
    fn tell_stream(&self, noun: &StreamNoun, stream_sid: &str, event: &str, error: Option<u32>) {
        let Some(url) = noun.status_callback.clone() else {
            return;
        };
        let mut fields: Vec<(String, String)> = vec![
            ("AccountSid".to_owned(), self.world.account_sid.clone()),
            ("CallSid".to_owned(), self.call.sid.clone()),
            ("StreamSid".to_owned(), stream_sid.to_owned()),
            (
                "StreamName".to_owned(),
                noun.name.clone().unwrap_or_else(|| stream_sid.to_owned()),
            ),
            ("StreamEvent".to_owned(), event.to_owned()),
            ("Timestamp".to_owned(), jiff::Timestamp::now().to_string()),
        ];
        fields.extend(error.map(|code| ("StreamError".to_owned(), code.to_string())));
        let gateway = self.world.gateway.clone();
        tokio::spawn(async move { gateway.webhook(&url, true, &fields, Signing::Right, None).await });
    }

    /// Waits; true if the call is to end.
    async fn wait(&mut self, milliseconds: u64) -> bool {
        self.wait_until(Instant::now() + Duration::from_millis(milliseconds))
            .await
    }

    /// Before the answer a redirection only replaces what will be done then.
    async fn wait_until(&mut self, deadline: Instant) -> bool {
        loop {
            match self.next_order(deadline).await {
                Waited::Through => return false,
                Waited::Ordered(Order::End | Order::CallerHangsUp) => return true,
                Waited::Ordered(_) => {}
            }
        }
    }

    async fn next_order(&mut self, deadline: Instant) -> Waited {
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => Waited::Through,
            changed = self.orders.changed() => match changed {
                Ok(()) => Waited::Ordered(self.orders.borrow_and_update().clone()),
                // The sender lives in the call.
                Err(_) => Waited::Ordered(Order::End),
            },
        }
    }
}

async fn tell_verdict(world: &World, call: &Call, url: &str, post: bool, verdict: &'static str, after_ms: u64) {
    {
        let mut state = call.state();
        if state.status.is_over() {
            return;
        }
        state.answered_by = Some(verdict);
    }
    let fields: Vec<(String, String)> = [
        ("CallSid", call.sid.clone()),
        ("AccountSid", world.account_sid.clone()),
        ("AnsweredBy", verdict.to_owned()),
        ("MachineDetectionDuration", after_ms.to_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    match world.gateway.webhook(url, post, &fields, Signing::Right, None).await {
        Ok(answer) if (200..300).contains(&answer.status) => {}
        Ok(answer) => call.violation(format!(
            "the machine-detection callback was answered with {}",
            answer.status
        )),
        Err(fault) => call.violation(format!("the machine-detection callback was not answered: {fault}")),
    }
}

//! Status callbacks of one call, delivered one after the other by a task of their own: numbered from 0, only those that
//! were asked for, and repeated when the server fails.

use super::World;
use super::call::{Call, CallStatus, rfc2822};
use crate::gateway::{Gateway, Signing};
use crate::scenario::FaultKind;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Pauses before a callback is tried again. (How often Twilio does so is not documented.)
const RETRY_AFTER: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How long `answered` is held back where the media have to come first.
const HELD_BACK: Duration = Duration::from_millis(1_000);

/// What happened to a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Progress {
    Initiated,
    Ringing,
    Answered,
    /// The end, with the SIP response of a call that was not answered.
    Over {
        status: CallStatus,
        sip: Option<u16>,
        duration_s: u64,
    },
}

impl Progress {
    fn event(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Over { .. } => "completed",
        }
    }

    fn status(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => CallStatus::InProgress.word(),
            Self::Over { status, .. } => status.word(),
        }
    }
}

/// What became of a call's callbacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Delivered {
    pub accepted: u64,
    /// Never answered with 2xx.
    pub refused: u64,
}

/// Sends one call's callbacks.
#[derive(Debug)]
pub(crate) struct Callbacks {
    queue: mpsc::UnboundedSender<Progress>,
    worker: JoinHandle<Delivered>,
}

impl Callbacks {
    /// Starts the task that delivers them.
    pub(crate) fn start(world: &World, call: Arc<Call>) -> Self {
        let (queue, receiver) = mpsc::unbounded_channel();
        let worker = Worker {
            gateway: world.gateway.clone(),
            account_sid: world.account_sid.clone(),
            settling: world.settling.clone(),
            call,
            sequence: 0,
            delivered: Delivered::default(),
        };
        Self {
            queue,
            worker: tokio::spawn(worker.run(receiver)),
        }
    }

    /// Reports progress, without waiting.
    pub(crate) fn report(&self, progress: Progress) {
        // The task ends after this object only.
        let _ = self.queue.send(progress);
    }

    /// Waits until all are delivered or given up.
    pub(crate) async fn finish(self) -> Delivered {
        drop(self.queue);
        self.worker.await.unwrap_or_default()
    }
}

struct Worker {
    gateway: Arc<Gateway>,
    account_sid: String,
    settling: Arc<AtomicBool>,
    call: Arc<Call>,
    sequence: u64,
    delivered: Delivered,
}

impl Worker {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Progress>) -> Delivered {
        let mut held: Option<Vec<(String, String)>> = None;
        while let Some(progress) = queue.recv().await {
            if progress == Progress::Answered && self.has(FaultKind::MediaBeforeAnswered) {
                tokio::time::sleep(HELD_BACK).await;
            }
            if let Some(fields) = self.fields(progress) {
                let last = matches!(progress, Progress::Over { .. });
                let dropped = if last {
                    FaultKind::DroppedFinalCallback
                } else {
                    FaultKind::DroppedCallbacks
                };
                if self.has(dropped) {
                    // It was numbered, and is lost.
                } else if self.has(FaultKind::ReorderedCallbacks) && held.is_none() && !last {
                    held = Some(fields);
                } else {
                    self.deliver(&fields).await;
                    if let Some(earlier) = held.take() {
                        self.deliver(&earlier).await;
                    }
                }
            }
            if progress == Progress::Initiated {
                self.call.initiated.notify_one();
            }
        }
        self.delivered
    }

    fn has(&self, kind: FaultKind) -> bool {
        self.call.faults.has(kind)
    }

    /// The form, or nothing if this event was not asked for.
    fn fields(&mut self, progress: Progress) -> Option<Vec<(String, String)>> {
        let wanted = self.call.request.status_callback.as_ref()?;
        if !wanted.events.contains(progress.event()) {
            return None;
        }
        let request = &self.call.request;
        let mut fields = common_fields(&self.call, &self.account_sid, progress.status());
        let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
        add("Timestamp", rfc2822(Timestamp::now()));
        add("CallbackSource", "call-progress-events".to_owned());
        add("SequenceNumber", self.sequence.to_string());
        if let Progress::Over { sip, duration_s, .. } = progress {
            add("CallDuration", duration_s.to_string());
            add("Duration", duration_s.div_ceil(60).to_string());
            if let Some(sip) = sip {
                add("SipResponseCode", sip.to_string());
            }
        }
        if self.call.faults.has(FaultKind::UnknownFields) {
            add("StirVerstat", "TN-Validation-Passed-A".to_owned());
            add("Flavour", format!("new & {}", request.from));
        }
        self.sequence += 1;
        Some(fields)
    }

    async fn deliver(&mut self, fields: &[(String, String)]) {
        for (kind, signing) in [
            (FaultKind::UnsignedCallbacks, Signing::None),
            (FaultKind::WronglySignedCallbacks, Signing::Wrong),
        ] {
            if self.has(kind) {
                self.forge(fields, signing).await;
            }
        }
        let token = Uuid::new_v4().to_string();
        let times = if self.has(FaultKind::DuplicateCallbacks) { 2 } else { 1 };
        for _ in 0..times {
            self.send(fields, &token).await;
        }
    }

    async fn send(&mut self, fields: &[(String, String)], token: &str) {
        let Some(callback) = self.call.request.status_callback.clone() else {
            return;
        };
        let mut pauses = RETRY_AFTER.into_iter();
        loop {
            let result = self
                .gateway
                .webhook(&callback.url, callback.post, fields, Signing::Right, Some(token))
                .await;
            let fault = match result {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.delivered.accepted += 1;
                    return;
                }
                Ok(answer) if answer.status < 500 => {
                    self.call
                        .violation(format!("a status callback was answered with {}", answer.status));
                    self.delivered.refused += 1;
                    return;
                }
                Ok(answer) => format!("HTTP {}", answer.status),
                // Once the run is over the server may be gone.
                Err(_) if self.settling.load(Ordering::Relaxed) => {
                    self.delivered.refused += 1;
                    return;
                }
                Err(fault) => fault,
            };
            let Some(pause) = pauses.next() else {
                self.call
                    .violation(format!("a status callback was not accepted: {fault}"));
                self.delivered.refused += 1;
                return;
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Claims, unsigned or wrongly signed, that the call has failed. A server that believes it is at fault.
    async fn forge(&mut self, fields: &[(String, String)], signing: Signing) {
        let Some(callback) = self.call.request.status_callback.clone() else {
            return;
        };
        let mut forged = fields.to_vec();
        for (name, value) in &mut forged {
            if name == "CallStatus" {
                "failed".clone_into(value);
            }
        }
        match self
            .gateway
            .webhook(&callback.url, callback.post, &forged, signing, None)
            .await
        {
            Ok(answer) if (400..500).contains(&answer.status) => {}
            Ok(answer) => {
                let what = format!(
                    "a status callback with signature {signing:?} was answered with {}",
                    answer.status
                );
                self.call.violation(what);
            }
            Err(fault) => self
                .call
                .violation(format!("a forged status callback was not answered: {fault}")),
        }
    }
}

/// The fields that every webhook of a call has.
pub(crate) fn common_fields(call: &Call, account_sid: &str, status: &str) -> Vec<(String, String)> {
    let request = &call.request;
    [
        ("CallSid", call.sid.as_str()),
        ("AccountSid", account_sid),
        ("From", &request.from),
        ("To", &request.to),
        ("Caller", &request.from),
        ("Called", &request.to),
        ("CallStatus", status),
        ("ApiVersion", "2010-04-01"),
        ("Direction", "outbound-api"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

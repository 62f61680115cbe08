//! The watchdog: a thread with a runtime of its own that ends calls their actors cannot end.
//!
//! A worker whose pulse stops is found within two seconds: readiness fails, and its calls are ended through the
//! carrier. A call that overruns a hard limit is first told to end, and a little later ended through the carrier.
//! In both cases the outcome is written here, with the watchdog's own store and carrier, so that nothing it needs
//! can be blocked by what it watches.

use super::permits::Permits;
use super::probe::{CallProbe, CallTable, Overrun};
use super::pulse::monotonic_ms;
use super::supervisor::{AttemptOver, Supervisor};
use crate::domain::{AttemptId, EndReason};
use crate::ports::{Carrier, CarrierError, Clock, Store};
use actix::Addr;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// Whether this node should be given new calls. Shared with the health endpoint. Ready from the start.
#[derive(Debug, Default)]
pub struct Readiness {
    draining: AtomicBool,
    stuck_workers: AtomicUsize,
}

impl Readiness {
    /// No new calls are dialled from here on; callbacks and media are still taken.
    pub fn set_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// True once draining.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// How many worker threads do not answer at the moment.
    pub fn set_stuck_workers(&self, count: usize) {
        self.stuck_workers.store(count, Ordering::Relaxed);
    }

    /// Why this node is not ready; `None` if it is.
    pub fn fault(&self) -> Option<String> {
        let draining = self.is_draining().then(|| "draining".to_owned());
        let stuck = match self.stuck_workers.load(Ordering::Relaxed) {
            0 => None,
            count => Some(format!("worker threads stuck: {count}")),
        };
        match (draining, stuck) {
            (Some(draining), Some(stuck)) => Some(format!("{draining}; {stuck}")),
            (one, other) => one.or(other),
        }
    }
}

/// How patient the watchdog is.
#[derive(Clone, Copy, Debug)]
pub struct WatchdogSettings {
    /// How often it looks.
    pub interval: Duration,
    /// A worker silent for this long is stuck.
    pub stuck_after: Duration,
    /// A call told to end has this long to do so itself.
    pub grace: Duration,
}

impl Default for WatchdogSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(200),
            stuck_after: Duration::from_millis(1_500),
            grace: Duration::from_secs(2),
        }
    }
}

/// What the watchdog works with: its own, made on its own thread.
pub struct WatchdogPorts {
    /// Its own store.
    pub store: Arc<dyn Store>,
    /// Its own carrier.
    pub carrier: Arc<dyn Carrier>,
}

/// Makes [`WatchdogPorts`] on the watchdog's thread.
pub type MakePorts = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<WatchdogPorts, String>>>> + Send + 'static>;

/// The watchdog, seen from the thread that started it. Dropping it stops the thread.
pub struct Watchdog {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watchdog {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the operating system gives no thread.
    pub fn start(
        settings: WatchdogSettings,
        clock: Arc<dyn Clock>,
        calls: Arc<CallTable>,
        permits: Arc<Permits>,
        readiness: Arc<Readiness>,
        supervisor: Addr<Supervisor>,
        make_ports: MakePorts,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    tracing::error!(%error, "the watchdog has no runtime: calls are not guarded");
                    return;
                }
            };
            runtime.block_on(async move {
                let ports = match make_ports().await {
                    Ok(ports) => ports,
                    Err(error) => {
                        tracing::error!(%error, "the watchdog has no store or carrier: calls are not guarded");
                        return;
                    }
                };
                let mut patrol = Patrol {
                    settings,
                    clock,
                    calls,
                    permits,
                    readiness,
                    supervisor,
                    ports,
                    told: BTreeMap::new(),
                };
                tokio::select! {
                    () = patrol.walk() => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the watchdog was already reported by the panic hook.
            let _ = thread.join();
        }
    }
}

struct Patrol {
    settings: WatchdogSettings,
    clock: Arc<dyn Clock>,
    calls: Arc<CallTable>,
    permits: Arc<Permits>,
    readiness: Arc<Readiness>,
    supervisor: Addr<Supervisor>,
    ports: WatchdogPorts,
    /// Calls told to end, and when.
    told: BTreeMap<AttemptId, u64>,
}

impl Patrol {
    async fn walk(&mut self) {
        let mut tick = tokio::time::interval(self.settings.interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let now_ms = monotonic_ms(self.clock.as_ref());
        let calls = self.calls.snapshot();
        let stuck_after_ms = millis(self.settings.stuck_after);
        let (stuck, alive): (Vec<_>, Vec<_>) = calls
            .iter()
            .partition(|call| call.worker.silent_for_ms(now_ms) >= stuck_after_ms);
        let workers: BTreeSet<_> = stuck.iter().map(|call| Arc::as_ptr(&call.worker)).collect();
        self.readiness.set_stuck_workers(workers.len());
        if !stuck.is_empty() {
            tracing::error!(
                calls = stuck.len(),
                workers = workers.len(),
                "worker threads are stuck; their calls are ended"
            );
            join_all(
                stuck
                    .into_iter()
                    .map(|call| self.end_through_carrier(call, EndReason::Fault)),
            )
            .await;
        }
        for call in alive {
            if let Some(overrun) = call.overrun(now_ms) {
                self.overrun(call, overrun, now_ms).await;
            }
        }
        self.told
            .retain(|attempt, _| calls.iter().any(|call| call.attempt == *attempt));
    }

    async fn overrun(&mut self, call: &Arc<CallProbe>, overrun: Overrun, now_ms: u64) {
        match self.told.get(&call.attempt) {
            None => {
                tracing::warn!(attempt = %call.attempt, limit = overrun.as_str(), "a call overran a limit");
                self.told.insert(call.attempt.clone(), now_ms);
                self.supervisor.do_send(super::supervisor::EndCall {
                    attempt: call.attempt.clone(),
                    reason: EndReason::LimitReached,
                });
            }
            Some(told_ms) if now_ms.saturating_sub(*told_ms) >= millis(self.settings.grace) => {
                self.end_through_carrier(call, EndReason::LimitReached).await;
            }
            Some(_) => {}
        }
    }

    /// Hangs up over the carrier's REST API and writes the outcome. Whoever takes the call out of the table does.
    async fn end_through_carrier(&self, call: &Arc<CallProbe>, reason: EndReason) {
        if self.calls.remove(&call.attempt).is_none() {
            return;
        }
        match self.ports.carrier.complete_call(&call.call_sid).await {
            Ok(_) | Err(CarrierError::NotInProgress { .. }) => {}
            Err(error) => tracing::error!(attempt = %call.attempt, %error, "a call could not be hung up"),
        }
        let report = call
            .draft_so_far()
            .into_cut_report(call.attempt.clone(), reason, self.clock.unix_ms());
        match self.ports.store.record_outcome(&report).await {
            Ok(_) => {
                self.permits.release(&call.attempt);
                self.supervisor.do_send(AttemptOver::from_report(&report));
            }
            Err(error) => {
                // The supervisor goes on trying; the permit stays taken until the outcome is written.
                tracing::error!(attempt = %call.attempt, %error, "an outcome could not be written yet");
                self.supervisor.do_send(super::supervisor::WriteOutcome { report });
            }
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_says_everything_that_is_wrong() {
        let readiness = Readiness::default();
        assert_eq!(readiness.fault(), None);
        readiness.set_stuck_workers(2);
        assert_eq!(readiness.fault().as_deref(), Some("worker threads stuck: 2"));
        readiness.set_draining();
        assert_eq!(readiness.fault().as_deref(), Some("draining; worker threads stuck: 2"));
        readiness.set_stuck_workers(0);
        assert_eq!(readiness.fault().as_deref(), Some("draining"));
    }
}

//! The watchdog: a thread with a runtime of its own that ends calls their actors cannot end.
//!
//! A worker whose pulse stops is found within two seconds: readiness fails, and its calls are ended through the
//! carrier. Time in which it only waited for a processor does not count: on a busy machine calls are late, and not cut
//! off. A call that overruns a hard limit is first told to end, and a little later ended through the carrier.
//! In both cases the outcome is written here, with the watchdog's own store and carrier, so that nothing it needs
//! can be blocked by what it watches.

use super::endings::SupervisorPorts;
use super::probe::{CallProbe, Overrun};
use super::pulse::{WorkerPulse, monotonic_ms};
use super::supervisor::{AttemptOver, EndCall, Supervisor};
use super::thread_time::{ThreadTime, blamed_ms};
use crate::domain::{AttemptId, EndReason};
use crate::ports::{Carrier, Store};
use actix::Addr;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::oneshot;

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

/// Why the watchdog could not be started. No call may be made then: nobody would guard it.
#[derive(Debug, thiserror::Error)]
pub enum WatchdogError {
    /// No thread, or no runtime on it.
    #[error("the watchdog's thread cannot be started: {0}")]
    Thread(#[from] std::io::Error),
    /// No store or carrier of its own.
    #[error("the watchdog has no store or carrier of its own: {0}")]
    Ports(String),
}

/// The watchdog, seen from the thread that started it. Dropping it stops the thread.
pub struct Watchdog {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watchdog {
    /// Starts the thread; returns when it is on watch. Of `shared` it uses all but store and carrier.
    ///
    /// # Errors
    /// [`WatchdogError`].
    pub async fn start(
        settings: WatchdogSettings,
        shared: SupervisorPorts,
        supervisor: Addr<Supervisor>,
        make_ports: MakePorts,
    ) -> Result<Self, WatchdogError> {
        let (stop, stopped) = oneshot::channel();
        let (started, on_watch) = oneshot::channel();
        let thread = std::thread::Builder::new().name("watchdog".into()).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = started.send(Err(error.into()));
                    return;
                }
            };
            runtime.block_on(async move {
                let WatchdogPorts { store, carrier } = match make_ports().await {
                    Ok(ports) => ports,
                    Err(reason) => {
                        let _ = started.send(Err(WatchdogError::Ports(reason)));
                        return;
                    }
                };
                let ports = SupervisorPorts {
                    store,
                    carrier,
                    ..shared
                };
                let mut patrol = Patrol::new(settings, ports, supervisor);
                let _ = started.send(Ok(()));
                tokio::select! {
                    () = patrol.walk() => {}
                    _ = stopped => {}
                }
            });
        })?;
        let watchdog = Self {
            stop: Some(stop),
            thread: Some(thread),
        };
        match on_watch.await {
            Ok(started) => started.map(|()| watchdog),
            Err(_) => Err(WatchdogError::Ports("its thread panicked".to_owned())),
        }
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

/// A worker thread as the watchdog sees it.
struct Worker {
    pulse: Arc<WorkerPulse>,
    beat_ms: u64,
    /// How long it has been silent and to blame for it.
    silent_ms: u64,
    time: Option<ThreadTime>,
}

struct Patrol {
    settings: WatchdogSettings,
    ports: SupervisorPorts,
    supervisor: Addr<Supervisor>,
    /// Every worker that has had a call. A stuck one stays stuck when its calls have been ended.
    workers: Vec<Worker>,
    looked_ms: u64,
    /// Calls told to end, and when.
    told: BTreeMap<AttemptId, u64>,
}

impl Patrol {
    fn new(settings: WatchdogSettings, ports: SupervisorPorts, supervisor: Addr<Supervisor>) -> Self {
        Self {
            looked_ms: monotonic_ms(ports.clock.as_ref()),
            settings,
            ports,
            supervisor,
            workers: Vec::new(),
            told: BTreeMap::new(),
        }
    }

    async fn walk(&mut self) {
        let mut tick = tokio::time::interval(self.settings.interval);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if catch_unwind(AssertUnwindSafe(|| self.look())).is_err() {
                tracing::error!("the watchdog panicked; it goes on");
            }
        }
    }

    /// Looks at every call. Waits for nothing: ending a call is a task of its own, so that a carrier or a store that
    /// does not answer keeps nobody from being found.
    fn look(&mut self) {
        let now_ms = monotonic_ms(self.ports.clock.as_ref());
        let calls = self.ports.calls.snapshot();
        self.listen_to_workers(&calls, now_ms);
        for call in &calls {
            if self.is_stuck(&call.worker) {
                self.end_through_carrier(call, EndReason::Fault);
            } else if let Some(overrun) = call.overrun(now_ms) {
                self.overrun(call, overrun, now_ms);
            }
        }
        self.told
            .retain(|attempt, _| calls.iter().any(|call| call.attempt == *attempt));
    }

    fn listen_to_workers(&mut self, calls: &[Arc<CallProbe>], now_ms: u64) {
        // When this thread did not run either (a busy machine, a stopped process), no worker is to blame for it.
        let most = 2 * millis(self.settings.interval);
        let passed_ms = now_ms.saturating_sub(self.looked_ms).min(most);
        self.looked_ms = now_ms;
        for call in calls {
            if !self
                .workers
                .iter()
                .any(|worker| Arc::ptr_eq(&worker.pulse, &call.worker))
            {
                self.workers.push(Worker {
                    pulse: call.worker.clone(),
                    beat_ms: call.worker.last_beat_ms(),
                    silent_ms: 0,
                    time: call.worker.thread_time(),
                });
            }
        }
        // Nobody else knows a thread that has ended.
        self.workers.retain(|worker| Arc::strong_count(&worker.pulse) > 1);
        let stuck_before = self.stuck_workers();
        for worker in &mut self.workers {
            let beat_ms = worker.pulse.last_beat_ms();
            let time = worker.pulse.thread_time();
            if beat_ms == worker.beat_ms {
                worker.silent_ms += blamed_ms(passed_ms, worker.time, time);
            } else {
                (worker.beat_ms, worker.silent_ms) = (beat_ms, 0);
            }
            worker.time = time;
        }
        let stuck = self.stuck_workers();
        self.ports.readiness.set_stuck_workers(stuck);
        if stuck != stuck_before {
            tracing::error!(
                stuck,
                before = stuck_before,
                "worker threads that do not answer; their calls are ended"
            );
        }
    }

    fn stuck_workers(&self) -> usize {
        let stuck_after_ms = millis(self.settings.stuck_after);
        let stuck = self.workers.iter().filter(|worker| worker.silent_ms >= stuck_after_ms);
        stuck.count()
    }

    fn is_stuck(&self, pulse: &Arc<WorkerPulse>) -> bool {
        let stuck_after_ms = millis(self.settings.stuck_after);
        let mut workers = self.workers.iter();
        workers.any(|worker| Arc::ptr_eq(&worker.pulse, pulse) && worker.silent_ms >= stuck_after_ms)
    }

    fn overrun(&mut self, call: &Arc<CallProbe>, overrun: Overrun, now_ms: u64) {
        match self.told.get(&call.attempt) {
            None => {
                tracing::warn!(attempt = %call.attempt, limit = overrun.as_str(), "a call overran a limit");
                self.told.insert(call.attempt.clone(), now_ms);
                self.supervisor.do_send(EndCall {
                    attempt: call.attempt.clone(),
                    reason: EndReason::LimitReached,
                });
            }
            Some(told_ms) if now_ms.saturating_sub(*told_ms) >= millis(self.settings.grace) => {
                self.end_through_carrier(call, EndReason::LimitReached);
            }
            Some(_) => {}
        }
    }

    /// Hangs up over the carrier's REST API and writes the outcome. Whoever takes the call out of the table does.
    fn end_through_carrier(&self, call: &Arc<CallProbe>, reason: EndReason) {
        if self.ports.calls.remove(&call.attempt).is_none() {
            return;
        }
        let now_ms = self.ports.clock.unix_ms();
        let report = call
            .draft_so_far()
            .into_cut_report(call.attempt.clone(), reason, now_ms);
        let (ports, call) = (self.ports.clone(), call.clone());
        tokio::spawn(async move { ports.hang_up(&call.attempt, &call.call_sid).await });
        let (ports, supervisor) = (self.ports.clone(), self.supervisor.clone());
        tokio::spawn(async move {
            let attempt = report.attempt.clone();
            ports.write_outcome(report).await;
            supervisor.do_send(AttemptOver { attempt });
        });
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

//! The pulse of a worker thread: a counter that stands still when a handler blocks the thread.

use super::thread_time::{ThreadProbe, ThreadTime};
use crate::ports::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often a worker shows that it is alive.
pub(super) const PULSE: Duration = Duration::from_millis(250);

/// When a worker thread was last seen alive, in monotonic milliseconds of the [`Clock`].
#[derive(Debug)]
pub struct WorkerPulse {
    last_ms: AtomicU64,
    thread: ThreadProbe,
}

impl WorkerPulse {
    /// A pulse of the calling thread that has just beaten.
    pub fn new(now_ms: u64) -> Arc<Self> {
        Arc::new(Self {
            last_ms: AtomicU64::new(now_ms),
            thread: ThreadProbe::of_this_thread(),
        })
    }

    /// The worker is alive.
    pub fn beat(&self, now_ms: u64) {
        self.last_ms.store(now_ms, Ordering::Relaxed);
    }

    /// What its thread does.
    pub(super) fn thread_time(&self) -> Option<ThreadTime> {
        self.thread.read()
    }

    /// When it beat last.
    pub fn last_beat_ms(&self) -> u64 {
        self.last_ms.load(Ordering::Relaxed)
    }
}

thread_local! {
    static PULSE_OF_THIS_WORKER: std::cell::OnceCell<Arc<WorkerPulse>> = const { std::cell::OnceCell::new() };
}

/// The pulse of the calling worker thread; starts it at the first call. Must run on an actix worker.
pub fn start_worker_pulse(clock: &Arc<dyn Clock>) -> Arc<WorkerPulse> {
    PULSE_OF_THIS_WORKER.with(|cell| {
        cell.get_or_init(|| {
            let pulse = WorkerPulse::new(monotonic_ms(clock.as_ref()));
            let (weak, clock) = (Arc::downgrade(&pulse), clock.clone());
            actix::spawn(async move {
                let mut tick = tokio::time::interval(PULSE);
                loop {
                    tick.tick().await;
                    let Some(pulse) = weak.upgrade() else { return };
                    pulse.beat(monotonic_ms(clock.as_ref()));
                }
            });
            pulse
        })
        .clone()
    })
}

/// Monotonic milliseconds.
pub(super) fn monotonic_ms(clock: &dyn Clock) -> u64 {
    u64::try_from(clock.monotonic().as_millis()).unwrap_or(u64::MAX)
}

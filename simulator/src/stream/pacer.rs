//! The clock of all streams. Every 20 ms is divided into slots of 1 ms; a stream belongs to one slot and is ticked with
//! the others of its slot, so that a thousand wake-ups a second serve any number of streams and sends are spread.

use super::live::LiveStream;
use crate::audio::TICK_MS;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How well the clock was kept: with the machine overloaded, figures of latency are worth nothing.
#[derive(Debug, Default)]
pub(crate) struct Punctuality {
    ticks: AtomicU64,
    late_ticks: AtomicU64,
    latest_us: AtomicU64,
}

impl Punctuality {
    /// Slot ticks so far, those that began more than 5 ms late, and the latest in microseconds.
    pub(crate) fn read(&self) -> (u64, u64, u64) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (read(&self.ticks), read(&self.late_ticks), read(&self.latest_us))
    }

    fn note(&self, late: Duration) {
        let late_us = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        self.ticks.fetch_add(1, Ordering::Relaxed);
        if late_us > 5_000 {
            self.late_ticks.fetch_add(1, Ordering::Relaxed);
        }
        self.latest_us.fetch_max(late_us, Ordering::Relaxed);
    }
}

/// Ticks streams until they end.
#[derive(Debug)]
pub(crate) struct Pacer {
    slots: Vec<mpsc::UnboundedSender<LiveStream>>,
    next: AtomicUsize,
    punctuality: Arc<Punctuality>,
}

impl Pacer {
    /// Starts the slots on the present runtime; they end when the pacer is dropped.
    pub(crate) fn start() -> Self {
        let punctuality = Arc::new(Punctuality::default());
        let begin = Instant::now();
        let slots = (0..TICK_MS)
            .map(|slot| {
                let (sender, receiver) = mpsc::unbounded_channel();
                tokio::spawn(run_slot(
                    begin + Duration::from_millis(slot),
                    receiver,
                    punctuality.clone(),
                ));
                sender
            })
            .collect();
        Self {
            slots,
            next: AtomicUsize::new(0),
            punctuality,
        }
    }

    /// Takes a stream over; it reports its end itself.
    pub(crate) fn take(&self, stream: LiveStream) {
        let slot = self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len();
        if let Some(sender) = self.slots.get(slot) {
            // A slot ends only with the runtime, and the stream with it.
            let _ = sender.send(stream);
        }
    }

    /// How well the clock is kept.
    pub(crate) fn punctuality(&self) -> &Punctuality {
        &self.punctuality
    }
}

async fn run_slot(begin: Instant, mut arrivals: mpsc::UnboundedReceiver<LiveStream>, punctuality: Arc<Punctuality>) {
    let tick = Duration::from_millis(TICK_MS);
    let mut streams: Vec<LiveStream> = Vec::new();
    let mut due = begin;
    loop {
        if streams.is_empty() {
            let Some(stream) = arrivals.recv().await else {
                return;
            };
            streams.push(stream);
            // On the slot's own grid: the first tick that is still to come.
            let passed = Instant::now().saturating_duration_since(begin).as_nanos() / tick.as_nanos() + 1;
            due = begin + tick * u32::try_from(passed).unwrap_or(u32::MAX);
        }
        tokio::time::sleep_until(due).await;
        punctuality.note(Instant::now().saturating_duration_since(due));
        while let Ok(stream) = arrivals.try_recv() {
            streams.push(stream);
        }
        // All sockets are polled in one go: the runtime's budget for one task would end some of the reads early.
        tokio::task::unconstrained(std::future::poll_fn(|_| {
            let mut at = 0;
            while let Some(stream) = streams.get_mut(at) {
                if let Some(end) = stream.tick() {
                    streams.swap_remove(at).finish(end);
                } else {
                    at += 1;
                }
            }
            std::task::Poll::Ready(())
        }))
        .await;
        due += tick;
    }
}

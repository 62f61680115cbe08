//! The signals that ask a command to stop.

use anyhow::Context;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals closer together than this are one: `timeout` and some service managers send theirs to the process and to
/// its group.
const ONE_SIGNAL: Duration = Duration::from_secs(1);

/// SIGTERM (from a service manager) and SIGINT (ctrl-C). From its making on, neither ends the process any more.
pub(super) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    last: Option<Instant>,
}

impl StopSignals {
    /// Listens from now on. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// If the system lets nobody listen.
    pub(super) fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            last: None,
        })
    }

    /// The next of them. May be cancelled without losing one.
    pub(super) async fn next(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            // Counted from the last one that was told, so that somebody who keeps asking is heard.
            if self.last.is_none_or(|last| last.elapsed() >= ONE_SIGNAL) {
                self.last = Some(Instant::now());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use rustix::process::{Signal, getpid, kill_process};

    #[tokio::test]
    async fn a_signal_sent_to_process_and_group_counts_once() {
        let mut stop = StopSignals::new().expect("signals");
        kill_process(getpid(), Signal::TERM).expect("sent");
        kill_process(getpid(), Signal::INT).expect("sent");
        stop.next().await;
        tokio::task::yield_now().await;
        assert_eq!(stop.next().now_or_never(), None);
    }
}

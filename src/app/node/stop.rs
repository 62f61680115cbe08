//! How a node ends.

use super::super::fleet;
use super::{Gauges, IDLE_INTERVAL, Node};
use crate::store::Sharing;
use samvad_actors::runtime::{BeginDrain, CountUnreported, HangUpNow};
use std::time::Duration;

/// How long calls that were told to end are waited for.
const LAST_GRACE: Duration = Duration::from_secs(5);

impl Node {
    /// Drains and stops: waits for calls under way up to the drain limit, ends those that are left, and closes.
    /// Returns what went on at the very end: nothing, if all is well.
    ///
    /// # Errors
    /// If the store fails meanwhile.
    pub async fn stop(mut self, hurry: impl Future<Output = ()>) -> anyhow::Result<Gauges> {
        self.stop_dialling();
        // What an earlier server left queued or ringing can only end by callbacks and media.
        self.open()?;
        let limit = Duration::from_secs(u64::from(self.settings.drain_seconds));
        tokio::select! {
            idle = self.idle() => idle?,
            () = tokio::time::sleep(limit) => tracing::warn!("the drain limit has passed; calls under way are ended"),
            () = hurry => tracing::warn!("asked to hurry; calls under way are ended"),
        }
        let end_all = async {
            if fleet::sharing(&self.settings) == Sharing::Alone {
                self.reconciler.end_waiting().await?;
            }
            self.supervisor.do_send(BeginDrain { end_live: true });
            self.idle().await
        };
        match tokio::time::timeout(LAST_GRACE, end_all).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!("attempts are left open; the next start takes them over"),
        }
        // The carrier's report of the last calls is still to come; without it their status would never be known.
        let reported = async {
            let mut tick = tokio::time::interval(IDLE_INTERVAL);
            while self.supervisor.send(CountUnreported).await.is_ok_and(|count| count > 0) {
                tick.tick().await;
            }
        };
        if tokio::time::timeout(LAST_GRACE, reported).await.is_err() {
            tracing::warn!("the carrier has not reported the end of every call");
        }
        if tokio::time::timeout(LAST_GRACE, self.supervisor.send(HangUpNow))
            .await
            .is_err()
        {
            tracing::warn!("the carrier does not answer; its own time limit ends calls that are left");
        }
        let stop_api = async {
            if let Some(api) = &mut self.api {
                api.stop().await;
            }
        };
        futures_util::future::join(self.server.stop(true), stop_api).await;
        let gauges = self.gauges();
        // The watchdog's thread is joined where it may block.
        let watchdog = self.watchdog.take();
        tokio::task::spawn_blocking(move || drop(watchdog)).await?;
        // Dropping them waits for the writers of journals and recordings and ends the recogniser's child.
        drop((self.journals, self.recordings, self.running_recognizer));
        self.store.close().await;
        self.supervisor_thread.stop();
        Ok(gauges)
    }
}

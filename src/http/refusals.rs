//! What strangers are refused for, in a log that they cannot fill.
//!
//! Anybody can send requests without a signature as fast as the line allows. The first refusal for a cause is logged
//! at once; those that follow are counted, and said in one line an interval until there are none for an interval.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two lines for one cause.
const INTERVAL: Duration = Duration::from_secs(60);

/// Counts refusals by cause, for all workers.
#[derive(Debug)]
pub struct RefusalLog {
    interval: Duration,
    /// Refusals since the last line, for each cause there was one of lately. Causes are our own words, so few.
    since: Mutex<BTreeMap<Cause, u64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cause {
    what: &'static str,
    reason: String,
}

impl Default for RefusalLog {
    fn default() -> Self {
        Self::every(INTERVAL)
    }
}

impl RefusalLog {
    /// A log with at most one line for each cause in an interval, after the first.
    pub fn every(interval: Duration) -> Self {
        Self {
            interval,
            since: Mutex::default(),
        }
    }

    /// Notes that something was refused for a reason: both in our own words, never in the stranger's. Must be called
    /// in a tokio runtime.
    pub(super) fn note(self: &Arc<Self>, what: &'static str, reason: impl Into<String>) {
        let cause = Cause {
            what,
            reason: reason.into(),
        };
        match self.since().entry(cause.clone()) {
            Entry::Occupied(mut since) => *since.get_mut() += 1,
            Entry::Vacant(since) => {
                since.insert(0);
                tracing::warn!(reason = cause.reason, "{what}; more of the same are counted");
                tokio::spawn(self.clone().sum_up(cause));
            }
        }
    }

    async fn sum_up(self: Arc<Self>, cause: Cause) {
        loop {
            tokio::time::sleep(self.interval).await;
            let count = {
                let mut since = self.since();
                match since.get_mut(&cause).map(std::mem::take) {
                    None | Some(0) => {
                        since.remove(&cause);
                        return;
                    }
                    Some(count) => count,
                }
            };
            say(&cause, count);
        }
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<Cause, u64>> {
        // Every change under the lock is one step.
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RefusalLog {
    fn drop(&mut self) {
        let since = std::mem::take(&mut *self.since());
        for (cause, count) in since.into_iter().filter(|(_, count)| *count > 0) {
            say(&cause, count);
        }
    }
}

fn say(cause: &Cause, count: u64) {
    tracing::warn!(reason = cause.reason, count, "{}, again", cause.what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("unharmed").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    impl Lines {
        fn taken(&self) -> Vec<String> {
            let bytes = std::mem::take(&mut *self.0.lock().expect("unharmed"));
            let text = String::from_utf8(bytes).expect("UTF-8");
            text.lines().map(str::to_owned).collect()
        }
    }

    fn logged() -> (Lines, tracing::subscriber::DefaultGuard) {
        let lines = Lines::default();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(lines.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    const INTERVAL: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn l24_a_flood_of_refusals_is_one_line_at_once_and_then_a_count_an_interval_for_each_cause() {
        let (lines, _guard) = logged();
        let log = Arc::new(RefusalLog::every(INTERVAL));
        for _ in 0..1_000 {
            log.note("request refused", "no signature");
        }
        log.note("socket closed", "a forged token");
        let first = lines.taken();
        assert_eq!(first.len(), 2, "{first:?}");
        assert!(first[0].contains("request refused") && first[0].contains("no signature"));
        assert!(first[1].contains("socket closed") && first[1].contains("a forged token"));

        tokio::time::sleep(INTERVAL * 3 / 2).await;
        let second = lines.taken();
        assert_eq!(second.len(), 1, "{second:?}");
        assert!(second[0].contains("no signature") && second[0].contains("count=999"));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_quiet_interval_the_next_refusal_is_a_line_at_once_again() {
        let (lines, _guard) = logged();
        let log = Arc::new(RefusalLog::every(INTERVAL));
        for _ in 0..2 {
            log.note("request refused", "no signature");
            assert_eq!(lines.taken().len(), 1);
            tokio::time::sleep(INTERVAL * 3 / 2).await;
            assert!(lines.taken().is_empty());
        }
    }

    #[test]
    fn what_was_counted_is_said_though_the_server_ends_before_the_interval() {
        let (lines, _guard) = logged();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let log = Arc::new(RefusalLog::every(INTERVAL));
        runtime.block_on(async {
            for _ in 0..3 {
                log.note("request refused", "no signature");
            }
        });
        drop(runtime);
        drop(log);
        let said = lines.taken();
        assert!(said.len() == 2 && said[1].contains("count=2"), "{said:?}");
    }
}

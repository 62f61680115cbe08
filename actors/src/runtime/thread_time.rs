//! Whether a thread that does nothing is to blame for it: on a machine with too much to do it may only wait for a
//! processor. From Linux's `/proc` (proc_pid_stat(5), and `schedstat` in the kernel's scheduler statistics); elsewhere
//! nothing is known, and every silence counts.

use std::path::PathBuf;

const NS_PER_MS: u64 = 1_000_000;

/// One thread of this process, from any other.
#[derive(Debug)]
pub(super) struct ThreadProbe(Option<PathBuf>);

/// What a thread does, and has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct ThreadTime {
    /// It runs or waits for a processor; else it waits for something else.
    runnable: bool,
    /// Processor time it has had, in milliseconds.
    ran_ms: u64,
}

impl ThreadProbe {
    /// Of the calling thread.
    pub(super) fn of_this_thread() -> Self {
        // "PID/task/TID"
        let link = std::fs::read_link("/proc/thread-self").ok();
        Self(link.map(|thread| PathBuf::from("/proc").join(thread)))
    }

    /// `None` if it cannot be known, or the thread has ended.
    pub(super) fn read(&self) -> Option<ThreadTime> {
        let folder = self.0.as_ref()?;
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        let schedule = std::fs::read_to_string(folder.join("schedstat")).ok()?;
        ThreadTime::parse(&stat, &schedule)
    }
}

impl ThreadTime {
    /// `stat` has the state after the name in parentheses, which may hold any character; `schedstat` begins with the
    /// nanoseconds that it ran.
    fn parse(stat: &str, schedule: &str) -> Option<Self> {
        let (_, after_name) = stat.rsplit_once(')')?;
        let state = after_name.split_whitespace().next()?;
        let ran_ns: u64 = schedule.split_whitespace().next()?.parse().ok()?;
        Some(Self {
            runnable: state == "R",
            ran_ms: ran_ns / NS_PER_MS,
        })
    }
}

/// How much of `passed_ms` a thread that gave no sign of life is to blame for: all of it while it waits for something,
/// and while it would run, what it ran.
pub(super) fn blamed_ms(passed_ms: u64, before: Option<ThreadTime>, now: Option<ThreadTime>) -> u64 {
    match (before, now) {
        (Some(before), Some(now)) if now.runnable => passed_ms.min(now.ran_ms.saturating_sub(before.ran_ms)),
        _ => passed_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn time(runnable: bool, ran_ms: u64) -> Option<ThreadTime> {
        Some(ThreadTime { runnable, ran_ms })
    }

    #[test]
    fn a_thread_that_would_run_is_blamed_for_the_time_it_had_a_processor() {
        assert_eq!(blamed_ms(200, time(true, 1_000), time(true, 1_015)), 15, "starved");
        assert_eq!(blamed_ms(200, time(true, 1_000), time(true, 1_000)), 0, "starved");
        assert_eq!(blamed_ms(200, time(false, 1_000), time(true, 1_200)), 200, "busy");
        assert_eq!(
            blamed_ms(200, time(true, 1_000), time(true, 1_900)),
            200,
            "looked at late"
        );
    }

    #[test]
    fn a_thread_that_waits_for_something_is_blamed_for_all_of_it_and_so_is_one_of_which_nothing_is_known() {
        assert_eq!(blamed_ms(200, time(true, 1_000), time(false, 1_010)), 200);
        assert_eq!(blamed_ms(200, time(false, 1_000), time(false, 1_000)), 200);
        assert_eq!(blamed_ms(200, None, time(true, 1_000)), 200);
        assert_eq!(blamed_ms(200, time(true, 1_000), None), 200);
    }

    #[test]
    fn a_thread_is_read_by_its_name_whatever_it_holds() {
        let stat = "17 (a) R b) S 1 17 17 0 -1";
        assert_eq!(ThreadTime::parse(stat, "25999999 12 3\n"), time(false, 25));
        assert_eq!(ThreadTime::parse("17 (a) R 1", "0 0 0"), time(true, 0));
        for (stat, schedule) in [("", ""), ("17 (a)", "1 2 3"), ("17 (a) R", "x"), ("17 a R", "1")] {
            assert_eq!(ThreadTime::parse(stat, schedule), None);
        }
    }

    #[test]
    fn this_thread_runs_and_a_blocked_one_does_not() {
        let probe = ThreadProbe::of_this_thread();
        assert!(probe.read().expect("Linux").runnable);
        let (give, take) = std::sync::mpsc::channel();
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let blocked = std::thread::spawn(move || {
            give.send(ThreadProbe::of_this_thread()).expect("taken");
            wait.recv().expect("the end");
        });
        let probe = take.recv().expect("given");
        while probe.read().expect("alive").runnable {
            std::thread::yield_now();
        }
        end.send(()).expect("alive");
        blocked.join().expect("no panic");
    }
}

//! A queue to a thread with room for so many bytes. Whoever fills it never waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The near end.
pub(crate) struct ByteQueue<J> {
    /// `None` closes it.
    jobs: Sender<Option<(J, usize)>>,
    pending_bytes: Arc<AtomicUsize>,
    limit_bytes: usize,
}

/// The thread's end.
pub(crate) struct Jobs<J> {
    jobs: Receiver<Option<(J, usize)>>,
    pending_bytes: Arc<AtomicUsize>,
}

/// A queue that holds at most so many bytes of what is offered.
pub(crate) fn byte_queue<J>(limit_bytes: usize) -> (ByteQueue<J>, Jobs<J>) {
    let (sender, receiver) = channel();
    let pending_bytes = Arc::new(AtomicUsize::new(0));
    let queue = ByteQueue {
        jobs: sender,
        pending_bytes: Arc::clone(&pending_bytes),
        limit_bytes,
    };
    let jobs = Jobs {
        jobs: receiver,
        pending_bytes,
    };
    (queue, jobs)
}

impl<J> ByteQueue<J> {
    /// Hands a job of so many bytes over. False if there is no room for it.
    pub(crate) fn offer(&self, bytes: usize, job: J) -> bool {
        let pending = self.pending_bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = pending.saturating_add(bytes) <= self.limit_bytes;
        if has_room {
            self.put(job, bytes);
        } else {
            self.pending_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        has_room
    }

    /// Hands over what is small and rare, and must arrive.
    pub(crate) fn send(&self, job: J) {
        self.put(job, 0);
    }

    /// Ends it behind what is in it, whoever else may still send.
    pub(crate) fn close(&self) {
        // Who is gone needs no end.
        let _ = self.jobs.send(None);
    }

    fn put(&self, job: J, bytes: usize) {
        // The thread is gone only when the process ends; then nothing is left to do.
        let _ = self.jobs.send(Some((job, bytes)));
    }
}

impl<J> Clone for ByteQueue<J> {
    fn clone(&self) -> Self {
        Self {
            jobs: self.jobs.clone(),
            pending_bytes: Arc::clone(&self.pending_bytes),
            limit_bytes: self.limit_bytes,
        }
    }
}

impl<J> Jobs<J> {
    /// The next job; `None` at the end, or when nobody is left to send one.
    pub(crate) fn next(&self) -> Option<J> {
        self.jobs.recv().ok()?.map(|taken| self.taken(taken))
    }

    /// The next job within this time.
    pub(crate) fn next_within(&self, limit: Duration) -> Result<J, RecvTimeoutError> {
        let next = self.jobs.recv_timeout(limit)?;
        next.map(|taken| self.taken(taken))
            .ok_or(RecvTimeoutError::Disconnected)
    }

    fn taken(&self, (job, bytes): (J, usize)) -> J {
        self.pending_bytes.fetch_sub(bytes, Ordering::Relaxed);
        job
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_takes_nothing_with_bytes_and_everything_else_until_there_is_room_again() {
        let (queue, jobs) = byte_queue(5_000);
        assert!(queue.offer(3_000, "one"));
        assert!(!queue.clone().offer(2_001, "two"));
        queue.send("three");
        assert!(queue.offer(2_000, "four"));
        assert_eq!(jobs.next(), Some("one"));
        assert!(queue.offer(3_000, "five"));
        assert_eq!(jobs.next(), Some("three"));
        assert_eq!(jobs.next_within(Duration::ZERO), Ok("four"));
        assert_eq!(jobs.next(), Some("five"));
        assert_eq!(jobs.next_within(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        drop(queue);
        assert_eq!(jobs.next(), None);
    }

    #[test]
    fn a_queue_that_is_closed_ends_behind_what_is_in_it_though_others_may_still_send() {
        let (queue, jobs) = byte_queue(100);
        let other = queue.clone();
        queue.send("one");
        queue.close();
        queue.close();
        other.send("late");
        assert_eq!((jobs.next(), jobs.next()), (Some("one"), None));
        assert_eq!(jobs.next_within(Duration::ZERO), Err(RecvTimeoutError::Disconnected));
    }
}

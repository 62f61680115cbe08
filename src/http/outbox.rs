//! What is to be written to a media socket.
//!
//! It is a queue apart from the socket's actor, because a response body is only polled while the peer reads: the
//! writer of `actix-web-actors`, whose actor lives in that body, stands still with its timers when the peer does not.
//! The queue's length is the backlog: what the connection has not taken yet. Up to [`CONNECTION_BUFFER`] more may lie
//! in its buffer.

use actix_http::ws::{CloseCode, CloseReason, OpCode, Parser};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What a connection's buffer begins with in actix-http, in bytes. It keeps what it has grown to (up to 128 KiB), so for
/// the sake of memory per call it must never grow.
pub(super) const CONNECTION_BUFFER: usize = 8 * 1024;
/// From this many bytes on the connection writes its buffer out before it takes more.
pub(super) const FULL_ENOUGH: usize = CONNECTION_BUFFER / 2;
/// The connection takes this many bytes at a time, so that the backlog shrinks as they are written; with what is less
/// than full enough, they fit its buffer.
const PIECE: usize = CONNECTION_BUFFER - FULL_ENOUGH;
/// Longest reason in a close frame, in bytes (RFC 6455, section 5.5).
const LONGEST_REASON: usize = 123;

/// The peer does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

/// Frames waiting to be written, to one socket.
pub(super) struct Outbox {
    queue: RefCell<Queue>,
    limit: usize,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// A close frame is the last in the queue, or the connection is gone: nothing may follow.
    closed: bool,
    /// The connection ends once the queue is empty.
    finished: bool,
    connection: Option<Waker>,
}

impl Outbox {
    /// An empty queue that overflows beyond `limit` bytes.
    pub fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self {
            queue: RefCell::default(),
            limit,
        })
    }

    /// Queues a text frame. Does nothing after the close.
    pub fn text(&self, text: &str) -> Result<(), Overflow> {
        self.push(text.as_bytes(), OpCode::Text)
    }

    /// Queues the answer to a ping. Does nothing after the close.
    pub fn pong(&self, payload: &[u8]) -> Result<(), Overflow> {
        self.push(payload, OpCode::Pong)
    }

    /// Queues the close frame, after which nothing is written. False if it was closed before.
    pub fn close(&self, code: u16, reason: &str) -> bool {
        let mut queue = self.queue.borrow_mut();
        if queue.closed {
            return false;
        }
        let mut frame = BytesMut::new();
        let description = reason[..reason.floor_char_boundary(LONGEST_REASON)].to_owned();
        let reason = CloseReason {
            code: CloseCode::from(code),
            description: Some(description),
        };
        Parser::write_close(&mut frame, Some(reason), false);
        queue.add(frame.freeze());
        queue.closed = true;
        true
    }

    /// Ends the connection when everything queued has been written.
    pub fn finish(&self) {
        let mut queue = self.queue.borrow_mut();
        queue.finished = true;
        queue.wake();
    }

    /// Bytes that the connection has not taken yet.
    pub fn backlog_bytes(&self) -> usize {
        self.queue.borrow().bytes
    }

    /// What the connection writes: the queue's end of the response.
    pub fn body(self: &Rc<Self>) -> OutboxBody {
        OutboxBody(self.clone())
    }

    fn push(&self, payload: &[u8], opcode: OpCode) -> Result<(), Overflow> {
        let mut queue = self.queue.borrow_mut();
        if queue.closed {
            return Ok(());
        }
        if queue.bytes.saturating_add(payload.len()) > self.limit {
            return Err(Overflow);
        }
        let mut frame = BytesMut::new();
        Parser::write_message(&mut frame, payload, opcode, true, false);
        queue.add(frame.freeze());
        Ok(())
    }
}

impl Queue {
    fn add(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        self.wake();
    }

    fn wake(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.wake();
        }
    }

    fn take_piece(&mut self) -> Option<Bytes> {
        let front = self.frames.front_mut()?;
        let piece = front.split_to(front.len().min(PIECE));
        if front.is_empty() {
            self.frames.pop_front();
        }
        self.bytes -= piece.len();
        Some(piece)
    }
}

/// The response's body.
pub(super) struct OutboxBody(Rc<Outbox>);

impl Stream for OutboxBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut queue = self.0.queue.borrow_mut();
        if let Some(piece) = queue.take_piece() {
            Poll::Ready(Some(Ok(piece)))
        } else if queue.finished {
            Poll::Ready(None)
        } else {
            queue.connection = Some(cx.waker().clone());
            Poll::Pending
        }
    }
}

impl Drop for OutboxBody {
    fn drop(&mut self) {
        // The connection is gone: what is queued will not be written, and nothing more may be.
        let mut queue = self.0.queue.borrow_mut();
        *queue = Queue {
            closed: true,
            finished: true,
            ..Queue::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::StreamExt;
    use proptest::prelude::*;

    /// Everything that can be written at once, and whether the body has ended.
    fn written(body: &mut OutboxBody) -> (Vec<u8>, bool) {
        let mut bytes = Vec::new();
        loop {
            match body.next().now_or_never() {
                Some(Some(Ok(piece))) => bytes.extend_from_slice(&piece),
                Some(None) => return (bytes, true),
                None => return (bytes, false),
            }
        }
    }

    #[test]
    fn frames_are_written_in_order_and_the_close_frame_is_the_last() {
        let outbox = Outbox::new(1000);
        let mut body = outbox.body();
        outbox.text("one").expect("room");
        outbox.pong(b"two").expect("room");
        assert!(outbox.close(1000, "done"));
        assert!(!outbox.close(1011, "again"));
        outbox.text("late").expect("ignored");
        outbox.finish();
        assert_eq!(
            written(&mut body),
            (b"\x81\x03one\x8a\x03two\x88\x06\x03\xe8done".to_vec(), true)
        );
        assert_eq!(outbox.backlog_bytes(), 0);
    }

    #[test]
    fn a_peer_that_does_not_read_overflows_the_queue() {
        let outbox = Outbox::new(10);
        assert_eq!(outbox.text("12345678"), Ok(()));
        assert_eq!(outbox.text("1"), Err(Overflow));
        assert_eq!(outbox.backlog_bytes(), 10);
    }

    #[test]
    fn a_connection_that_is_gone_leaves_no_backlog() {
        let outbox = Outbox::new(100);
        let body = outbox.body();
        outbox.text("lost").expect("room");
        drop(body);
        outbox.text("too late").expect("ignored");
        assert_eq!(outbox.backlog_bytes(), 0);
        assert!(!outbox.close(1000, ""));
    }

    #[test]
    fn a_long_prompt_goes_in_pieces_that_never_make_the_connections_buffer_grow() {
        let outbox = Outbox::new(usize::MAX);
        let mut body = outbox.body();
        outbox.text(&"x".repeat(100_000)).expect("room");
        // As actix-http's dispatcher does: it takes pieces while its buffer is not full enough, then writes it out.
        let mut buffer = BytesMut::with_capacity(CONNECTION_BUFFER);
        while outbox.backlog_bytes() > 0 {
            while buffer.len() < FULL_ENOUGH
                && let Some(Some(Ok(piece))) = body.next().now_or_never()
            {
                buffer.extend_from_slice(&piece);
            }
            assert_eq!(buffer.capacity(), CONNECTION_BUFFER);
            buffer.clear();
        }
    }

    proptest! {
        #[test]
        fn the_backlog_is_what_has_not_been_taken(sizes in proptest::collection::vec(0_usize..40_000, 1..8)) {
            let outbox = Outbox::new(usize::MAX);
            let mut body = outbox.body();
            for size in sizes {
                outbox.text(&"x".repeat(size)).expect("room");
            }
            let mut left = outbox.backlog_bytes();
            while let Some(Some(Ok(piece))) = body.next().now_or_never() {
                prop_assert!(!piece.is_empty());
                left -= piece.len();
                prop_assert_eq!(outbox.backlog_bytes(), left);
            }
            prop_assert_eq!(left, 0);
        }

        #[test]
        fn a_close_frame_is_a_control_frame_whatever_the_reason(reason in any::<String>()) {
            let outbox = Outbox::new(0);
            let mut body = outbox.body();
            outbox.close(1011, &reason);
            outbox.finish();
            let (frame, ended) = written(&mut body);
            prop_assert!(ended);
            prop_assert!(frame.len() <= 2 + 125);
            prop_assert!(std::str::from_utf8(&frame[4..]).is_ok());
        }
    }
}

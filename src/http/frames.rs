//! WebSocket frames (RFC 6455) off a request's body, assembled into messages within limits.
//!
//! The reader of `actix-web-actors` collects a frame whole before it refuses it for its length, and a peer announces
//! any length it likes. Here a frame is refused by its header.

use actix_http::ws::{OpCode, Parser};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use futures_util::Stream;
use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// Longest message, in bytes. Twilio's have some hundred.
pub(super) const LONGEST_MESSAGE: usize = 64 * 1024;

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Text(ByteString),
    /// What is in it does not matter: Twilio sends none.
    Binary,
    Ping(Bytes),
    Pong,
    /// The peer's close, with its code if it gave one.
    Close(Option<u16>),
}

/// Why no message follows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameFault {
    #[error("a message longer than 64 KiB")]
    TooLong,
    #[error("more than may be sent before admission")]
    OverBudget,
    #[error("not UTF-8")]
    NotUtf8,
    #[error("against the WebSocket protocol: {0}")]
    Protocol(String),
    /// The connection has ended without a close frame.
    #[error("connection lost")]
    Lost,
}

/// How many more bytes of frames, headers included, are taken. Shared with who decides on it.
#[derive(Clone, Debug)]
pub(super) struct Budget(Rc<Cell<usize>>);

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self(Rc::new(Cell::new(bytes)))
    }

    /// From here on, this many bytes.
    pub fn set(&self, bytes: usize) {
        self.0.set(bytes);
    }

    /// From here on, more bytes than a call can have.
    pub fn lift(&self) {
        self.0.set(usize::MAX);
    }
}

/// The messages in a request's body. After a fault nothing more is understood: what follows is thrown away until the
/// connection ends.
pub(super) struct Messages<S> {
    body: S,
    buffer: BytesMut,
    /// A text message of which some fragments have arrived.
    fragments: Option<BytesMut>,
    budget: Budget,
    faulty: bool,
    ended: bool,
}

impl<S> Messages<S> {
    pub fn new(body: S, budget: Budget) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            fragments: None,
            budget,
            faulty: false,
            ended: false,
        }
    }

    /// The next message that the buffer holds whole.
    fn next_message(&mut self) -> Result<Option<Message>, FrameFault> {
        while let Some((finished, opcode, payload)) = self.next_frame()? {
            if let Some(message) = self.assemble(finished, opcode, payload)? {
                return Ok(Some(message));
            }
        }
        Ok(None)
    }

    fn next_frame(&mut self) -> Result<Option<(bool, OpCode, BytesMut)>, FrameFault> {
        if let Some(length) = announced_length(&self.buffer) {
            let pending = self.fragments.as_ref().map_or(0, BytesMut::len);
            if length.saturating_add(pending) > LONGEST_MESSAGE {
                return Err(FrameFault::TooLong);
            }
            if length > self.budget.0.get() {
                return Err(FrameFault::OverBudget);
            }
        }
        let before = self.buffer.len();
        let frame = Parser::parse(&mut self.buffer, true, LONGEST_MESSAGE)
            .map_err(|fault| FrameFault::Protocol(fault.to_string()))?;
        let Some((finished, opcode, payload)) = frame else {
            return Ok(None);
        };
        let used = before - self.buffer.len();
        let left = self.budget.0.get().checked_sub(used).ok_or(FrameFault::OverBudget)?;
        self.budget.set(left);
        Ok(Some((finished, opcode, payload.unwrap_or_default())))
    }

    /// Puts fragments together (RFC 6455, section 5.4); control frames may come between them.
    fn assemble(&mut self, finished: bool, code: OpCode, payload: BytesMut) -> Result<Option<Message>, FrameFault> {
        let protocol = |fault: &str| Err(FrameFault::Protocol(fault.to_owned()));
        match (code, self.fragments.take()) {
            (OpCode::Ping | OpCode::Pong | OpCode::Close, _) if !finished => protocol("a fragmented control frame"),
            (OpCode::Ping, fragments) => {
                self.fragments = fragments;
                Ok(Some(Message::Ping(payload.freeze())))
            }
            (OpCode::Pong, fragments) => {
                self.fragments = fragments;
                Ok(Some(Message::Pong))
            }
            (OpCode::Close, _) => match Parser::try_parse_close_payload(&payload) {
                Ok(reason) => Ok(Some(Message::Close(reason.map(|reason| reason.code.into())))),
                Err(_) => protocol("a malformed close frame"),
            },
            (OpCode::Text, None) if finished => text(payload).map(Some),
            (OpCode::Text, None) => {
                self.fragments = Some(payload);
                Ok(None)
            }
            (OpCode::Binary, None) => Ok(Some(Message::Binary)),
            (OpCode::Continue, Some(mut begun)) => {
                begun.unsplit(payload);
                if finished {
                    return text(begun).map(Some);
                }
                self.fragments = Some(begun);
                Ok(None)
            }
            (OpCode::Continue, None) => protocol("a continuation of nothing"),
            (OpCode::Text | OpCode::Binary, Some(_)) => protocol("a message within a message"),
            (OpCode::Bad, _) => protocol("an unknown opcode"),
        }
    }
}

impl<S, E> Stream for Messages<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    type Item = Result<Message, FrameFault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.ended {
                return Poll::Ready(None);
            }
            match this.next_message() {
                Ok(Some(message)) => return Poll::Ready(Some(Ok(message))),
                Ok(None) => {}
                Err(fault) => {
                    this.faulty = true;
                    this.buffer = BytesMut::new();
                    this.fragments = None;
                    return Poll::Ready(Some(Err(fault)));
                }
            }
            match ready!(Pin::new(&mut this.body).poll_next(cx)) {
                Some(Ok(_)) if this.faulty => {}
                Some(Ok(chunk)) => this.buffer.extend_from_slice(&chunk),
                Some(Err(_)) | None => {
                    this.ended = true;
                    return Poll::Ready(Some(Err(FrameFault::Lost)));
                }
            }
        }
    }
}

fn text(payload: BytesMut) -> Result<Message, FrameFault> {
    ByteString::try_from(payload)
        .map(Message::Text)
        .map_err(|_| FrameFault::NotUtf8)
}

/// Length of the payload that the buffer's first frame announces (RFC 6455, section 5.2); `None` before that is known.
fn announced_length(buffer: &[u8]) -> Option<usize> {
    let length = match *buffer.get(1)? & 0x7f {
        126 => u64::from(u16::from_be_bytes(*buffer.get(2..)?.first_chunk()?)),
        127 => u64::from_be_bytes(*buffer.get(2..)?.first_chunk()?),
        length => u64::from(length),
    };
    Some(usize::try_from(length).unwrap_or(usize::MAX))
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;

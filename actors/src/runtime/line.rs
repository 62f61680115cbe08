//! What a call actor and its media socket say to each other.

use bytestring::ByteString;

/// The call actor's end of a media socket. The socket lives on the same thread.
pub trait Line {
    /// Sends one text frame. Never blocks.
    fn send(&self, frame: String);
    /// Bytes handed over and not yet written to the socket.
    fn backlog_bytes(&self) -> usize;
    /// Sends a close frame and then closes.
    fn close(&self, code: u16, reason: &'static str);
}

/// A text frame from the carrier, whole and unparsed, in the order of arrival (socket to call actor).
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct MediaText(pub ByteString);

/// The media socket is gone (socket to call actor).
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct LineClosed;

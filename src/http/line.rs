//! The call actor's end of a media socket.

use super::media_socket::{Hangup, MediaSocket};
use super::outbox::Outbox;
use actix::Addr;
use samvad_actors::runtime::Line;
use std::rc::Rc;

/// Writes straight into the socket's outbox. Dropping it closes the socket, so that a call actor that dies takes its
/// socket along.
pub(super) struct SocketLine {
    pub outbox: Rc<Outbox>,
    pub socket: Addr<MediaSocket>,
}

impl Line for SocketLine {
    fn send(&self, frame: String) {
        if self.outbox.text(&frame).is_err() {
            tracing::warn!(
                backlog_bytes = self.outbox.backlog_bytes(),
                "the carrier does not read its media socket"
            );
            self.close(1008, "too much waits to be read");
        }
    }

    fn backlog_bytes(&self) -> usize {
        self.outbox.backlog_bytes()
    }

    fn close(&self, code: u16, reason: &'static str) {
        if self.outbox.close(code, reason) {
            self.socket.do_send(Hangup);
        }
    }
}

impl Drop for SocketLine {
    fn drop(&mut self) {
        self.close(1011, "the call has ended");
    }
}

//! One media WebSocket that is polled at ticks and never waits: with two thousand of them, waking up at ticks only is
//! what keeps one core enough.

use futures_util::{Sink, SinkExt, StreamExt};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long the other side may take to agree to a close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What was received.
#[derive(Debug)]
pub(crate) enum Received {
    Text(String),
    Binary,
    /// The server closed properly; with its code, if it gave one.
    Closed(Option<u16>),
    /// The connection is gone without a close frame.
    Lost,
    /// Nothing more for now.
    Nothing,
}

/// A media WebSocket.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: WebSocketStream<TcpStream>,
    blocked_ticks: u32,
}

impl Wire {
    /// Over an open connection.
    pub(crate) fn new(socket: WebSocketStream<TcpStream>) -> Self {
        Self {
            socket,
            blocked_ticks: 0,
        }
    }

    /// The next frame that has arrived.
    pub(crate) fn receive(&mut self) -> Received {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            return match self.socket.poll_next_unpin(&mut context) {
                Poll::Pending => Received::Nothing,
                Poll::Ready(None | Some(Err(_))) => Received::Lost,
                Poll::Ready(Some(Ok(Message::Text(text)))) => Received::Text(text.as_str().to_owned()),
                Poll::Ready(Some(Ok(Message::Binary(_)))) => Received::Binary,
                Poll::Ready(Some(Ok(Message::Close(frame)))) => Received::Closed(frame.map(|f| f.code.into())),
                // Pings are answered by the library.
                Poll::Ready(Some(Ok(_))) => continue,
            };
        }
    }

    /// Queues a message. A connection that is gone shows when it is read.
    pub(crate) fn queue(&mut self, text: String) {
        let _ = Pin::new(&mut self.socket).start_send(Message::text(text));
    }

    /// Sends what is queued as far as the kernel takes it.
    pub(crate) fn flush(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.socket).poll_flush(&mut context) {
            Poll::Pending => self.blocked_ticks = self.blocked_ticks.saturating_add(1),
            Poll::Ready(_) => self.blocked_ticks = 0,
        }
    }

    /// For how many ticks running the kernel has not taken everything: the server reads too slowly.
    pub(crate) fn blocked_ticks(&self) -> u32 {
        self.blocked_ticks
    }

    /// Ends the connection as the protocol has it, or completes a close that the server has begun.
    pub(crate) async fn close(mut self) {
        let goodbye = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let closing = async {
            // Fails if the server has closed first, which is as good.
            let _ = self.socket.send(Message::Close(Some(goodbye))).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        // A server that does not answer is left alone.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
    }

    /// Tears the connection down with a TCP reset.
    pub(crate) fn reset(self) {
        // It is about to be dropped whether the option was taken or not.
        let _ = self.socket.get_ref().set_zero_linger();
    }
}

//! A body as a file: bytes go through a bounded channel from the connection, which must not block, to a thread that
//! reads and may. Neither is ever far ahead of the other. Whatever ends the body before its end fails the reader.

use crate::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Payload};
use futures_util::StreamExt;
use std::io::{self, Read};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces that wait for the reader; one is what the connection has read at once, 32 KiB or so.
const PIECES_AHEAD: usize = 8;

/// What goes through the channel. A channel that is closed without [`Piece::End`] has lost its sender.
enum Piece {
    Bytes(Bytes),
    End,
    Fault(&'static str),
}

/// The end that takes the body from the connection.
pub(super) struct BodySender {
    pieces: mpsc::Sender<Piece>,
    limit: u64,
    patience: Duration,
}

/// The end that is read. It blocks.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<Piece>,
    unread: Bytes,
    is_over: bool,
}

/// Both ends: for a body of `limit` bytes at most, of which a piece comes every so often.
pub(super) fn pipe(limit: u64, patience: Duration) -> (BodySender, BodyReader) {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    let reader = BodyReader {
        pieces: receiver,
        unread: Bytes::new(),
        is_over: false,
    };
    let sender = BodySender {
        pieces: sender,
        limit,
        patience,
    };
    (sender, reader)
}

impl BodySender {
    /// Passes a body on until its end, or until the reader wants no more of it.
    ///
    /// # Errors
    /// 413, 408, or 400 if the connection fails; the reader fails too.
    pub(super) async fn pass_on(self, mut body: Payload) -> Result<(), Problem> {
        let mut passed = 0;
        loop {
            let next = tokio::select! {
                () = self.pieces.closed() => return Ok(()),
                next = tokio::time::timeout(self.patience, body.next()) => next,
            };
            let piece = match next {
                Err(_) => {
                    let problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "the body stopped coming; send it again");
                    return self.fail("the sender stopped sending", problem).await;
                }
                Ok(Some(Err(_))) => {
                    let problem = Problem::new(StatusCode::BAD_REQUEST, "the body did not arrive whole; send it again");
                    return self.fail(GONE, problem).await;
                }
                Ok(Some(Ok(bytes))) => Piece::Bytes(bytes),
                Ok(None) => Piece::End,
            };
            if let Piece::Bytes(bytes) = &piece {
                passed += bytes.len() as u64;
                if passed > self.limit {
                    return self.fail("it is longer than a file may be", too_long(self.limit)).await;
                }
            }
            let is_end = matches!(piece, Piece::End);
            if self.pieces.send(piece).await.is_err() || is_end {
                return Ok(());
            }
        }
    }

    async fn fail(&self, fault: &'static str, problem: Problem) -> Result<(), Problem> {
        // A reader that is gone need not be told.
        let _ = self.pieces.send(Piece::Fault(fault)).await;
        Err(problem)
    }
}

/// What a reader is told whose sender is gone.
const GONE: &str = "the sender went away before the end";

/// 413.
pub(super) fn too_long(limit: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is longer than {limit} bytes; divide it"),
    )
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.unread.is_empty() && !self.is_over {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.unread = bytes,
                Some(Piece::End) => self.is_over = true,
                Some(Piece::Fault(fault)) => return Err(io::Error::other(fault)),
                None => return Err(io::Error::other(GONE)),
            }
        }
        let count = self.unread.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.unread.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: Vec<Piece>) -> io::Result<String> {
        let (sender, mut reader) = pipe(u64::MAX, Duration::MAX);
        for piece in pieces {
            assert!(sender.pieces.try_send(piece).is_ok());
        }
        drop(sender);
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    }

    /// What a sender says of a body that comes in these pieces and then no more, and what its reader gets.
    async fn sent(limit: u64, pieces: &[&'static str]) -> (Result<(), Problem>, io::Result<String>) {
        let (mut feed, body) = actix_http::h1::Payload::create(false);
        for piece in pieces {
            feed.feed_data(Bytes::from_static(piece.as_bytes()));
        }
        let (sender, mut reader) = pipe(limit, Duration::from_secs(30));
        let mut body = actix_web::dev::Payload::from(body);
        let request = actix_web::test::TestRequest::default().to_http_request();
        let body = <Payload as actix_web::FromRequest>::from_request(&request, &mut body);
        let sent = sender.pass_on(body.await.expect("a body")).await;
        let mut text = String::new();
        let read = std::thread::spawn(move || reader.read_to_string(&mut text).map(|_| text));
        (sent, read.join().expect("read"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_ended_with_408_and_fails_its_reader() {
        let (sent, read) = sent(100, &["a", "b"]).await;
        assert_eq!(sent.expect_err("slow").status, StatusCode::REQUEST_TIMEOUT);
        assert!(read.expect_err("failed").to_string().contains("stopped"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_longer_than_allowed_is_ended_with_413_and_fails_its_reader() {
        let (sent, read) = sent(3, &["ab", "cd", "ef"]).await;
        assert_eq!(sent.expect_err("long").status, StatusCode::PAYLOAD_TOO_LARGE);
        assert!(read.expect_err("failed").to_string().contains("longer"));
    }

    #[test]
    fn only_a_body_that_was_sent_to_its_end_is_read_to_its_end() {
        let bytes = |text: &'static str| Piece::Bytes(Bytes::from_static(text.as_bytes()));
        let whole = read(vec![bytes("a"), bytes(""), bytes("bc"), Piece::End]);
        assert_eq!(whole.expect("whole"), "abc");
        assert_eq!(read(vec![Piece::End]).expect("whole"), "");
        for broken in [vec![], vec![bytes("a")], vec![bytes("a"), Piece::Fault("slow")]] {
            assert!(read(broken).is_err());
        }
    }
}

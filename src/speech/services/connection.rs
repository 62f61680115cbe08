//! One connection to a service, from its handshake to its end, with one utterance after the other.

use super::client::Socket;
use super::pool::Pool;
use super::protocol::{Event, Protocol, SETTLE, Session};
use super::utterance::{Command, Job};
use futures_util::{SinkExt, StreamExt};
use samvad_actors::ports::{Heard, RecognizerError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

/// Longest wait for a connection that may be used.
pub(super) const OPEN_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait for a result after the end; then the connection is given up, because the result could still come and
/// be taken for the next one's.
const RESULT_DEADLINE: Duration = Duration::from_secs(5);
/// Longest wait until the service takes a message.
const SEND_DEADLINE: Duration = Duration::from_secs(2);
/// A connection that nobody has wanted for so long, and that is not among those kept open ahead, is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(60);
/// Samples in one message at most: 100 ms. An utterance that is sent again goes out in many.
const MOST_SAMPLES: usize = 800;

/// What a connection does first.
pub(super) enum First {
    /// It has an utterance.
    Job(Job),
    /// It waits for one.
    Offer(Offer),
}

/// A connection's offer to take an utterance.
pub(super) struct Offer {
    /// What it is called while it stands.
    pub(super) number: u64,
    /// Where the utterance will come.
    pub(super) job: oneshot::Receiver<Job>,
}

/// An open connection.
pub(super) struct Connection {
    socket: Socket,
    session: Box<dyn Session>,
    opened: Instant,
    out: Vec<Message>,
}

impl Connection {
    /// Connects, and waits until utterances may begin.
    pub(super) async fn open<P: Protocol>(pool: &Pool<P>, tag: &str) -> Result<Self, RecognizerError> {
        let connect = async {
            let (url, headers) = pool.protocol().endpoint(tag);
            let socket = pool.client().open_socket(url, headers).await?;
            let mut connection = Self {
                socket,
                session: pool.protocol().session(tag),
                opened: Instant::now(),
                out: Vec::new(),
            };
            connection.session.open(&mut connection.out);
            connection.flush().await?;
            while !connection.session.is_ready() {
                if let Event::Failed(error) = connection.next_event().await {
                    return Err(error);
                }
            }
            Ok(connection)
        };
        timeout(OPEN_DEADLINE, connect).await.unwrap_or_else(|_| {
            Err(RecognizerError::TimedOut {
                deadline_ms: OPEN_DEADLINE.as_millis() as u64,
            })
        })
    }

    /// Serves what comes until the connection is of no more use.
    pub(super) async fn serve<P: Protocol>(mut self, pool: Arc<Pool<P>>, tag: String, first: First) {
        let mut next = first;
        loop {
            let job = match next {
                First::Job(job) => Some(job),
                First::Offer(offer) => self.idle(&pool, &tag, offer).await,
            };
            let usable = match job {
                Some(job) => self.utterance(job).await,
                None => false,
            };
            if !usable || self.opened.elapsed() >= pool.protocol().habits().oldest {
                break;
            }
            let Some(offer) = pool.offer(&tag) else {
                break;
            };
            next = First::Offer(offer);
        }
        // It may be gone already.
        let _ = timeout(SEND_DEADLINE, self.socket.close(None)).await;
    }

    /// Keeps the connection alive until an utterance comes, or `None` if it is not to be used any more.
    async fn idle<P: Protocol>(&mut self, pool: &Arc<Pool<P>>, tag: &str, mut offer: Offer) -> Option<Job> {
        let habits = pool.protocol().habits();
        let since = Instant::now();
        let mut keep_alive = tokio::time::interval_at(since + habits.keep_alive, habits.keep_alive);
        let usable = loop {
            tokio::select! {
                biased;
                job = &mut offer.job => return job.ok(),
                () = pool.closed() => break false,
                event = self.next_event() => {
                    if let Event::Failed(error) = event {
                        tracing::debug!(recognizer = pool.protocol().name(), %error, "an idle connection ended");
                        break false;
                    }
                }
                _ = keep_alive.tick() => {
                    self.out.push(self.session.keep_alive());
                    if self.flush().await.is_err() {
                        break false;
                    }
                    let unwanted = since.elapsed() >= IDLE_LIMIT && pool.is_surplus(tag);
                    if unwanted || self.opened.elapsed() >= habits.oldest {
                        break true;
                    }
                }
            }
        };
        if pool.withdraw(tag, offer.number) {
            return None;
        }
        // Somebody has taken it at this very moment.
        let job = offer.job.await.ok()?;
        if usable {
            return Some(job);
        }
        pool.dispatch(tag, job);
        None
    }

    /// One utterance. False if the connection is of no more use.
    async fn utterance(&mut self, mut job: Job) -> bool {
        self.session.begin(&mut self.out);
        let (mut ended, mut settles): (Option<Instant>, Option<Instant>) = (None, None);
        let result: Result<Heard, RecognizerError> = loop {
            let far = Instant::now() + RESULT_DEADLINE;
            let gives_up = ended.map_or(far, |ended| ended + RESULT_DEADLINE);
            let sent = tokio::select! {
                command = job.commands.recv(), if ended.is_none() => {
                    // What has come meanwhile goes out in one write.
                    let (mut next, mut samples_sent) = (command, 0);
                    loop {
                        match next {
                            Some(Command::Audio(samples)) => {
                                samples_sent += samples.len();
                                for samples in samples.chunks(MOST_SAMPLES) {
                                    self.session.audio(samples, &mut self.out);
                                }
                            }
                            // Abandoned or not, the service is to come to its end with it.
                            Some(Command::Finish) | None => {
                                self.session.end(&mut self.out);
                                let now = Instant::now();
                                ended = Some(now);
                                settles = Some(if self.session.is_complete() { now } else { now + SETTLE });
                                break;
                            }
                        }
                        match job.commands.try_recv() {
                            Ok(command) => next = Some(command),
                            // The end, too, is found by the next look.
                            Err(_) => break,
                        }
                    }
                    let flushed = self.flush().await;
                    // What was on its way when a connection broke may have arrived, and be charged.
                    job.audio.sent(samples_sent);
                    flushed
                }
                event = self.next_event() => {
                    settles = ended.map(|_| Instant::now() + SETTLE);
                    match event {
                        Event::Nothing => Ok(()),
                        Event::Partial(words) => {
                            job.show(words);
                            Ok(())
                        }
                        // What comes before the end is of the utterance before.
                        Event::Result(_) if ended.is_none() => Ok(()),
                        Event::Result(heard) => break Ok(heard),
                        Event::Failed(error) => Err(error),
                    }
                }
                () = sleep_until(settles.unwrap_or(far)), if settles.is_some() => {
                    settles = None;
                    match self.session.settle() {
                        Some(heard) => break Ok(heard),
                        None => Ok(()),
                    }
                }
                () = sleep_until(gives_up), if ended.is_some() => Err(RecognizerError::TimedOut {
                    deadline_ms: RESULT_DEADLINE.as_millis() as u64,
                }),
            };
            if let Err(error) = sent {
                break Err(error);
            }
        };
        let usable = result.is_ok();
        job.conclude(result);
        usable
    }

    /// Sends what is to be sent.
    async fn flush(&mut self) -> Result<(), RecognizerError> {
        let send = async {
            for message in self.out.drain(..) {
                self.socket.feed(message).await?;
            }
            self.socket.flush().await
        };
        let lost = |reason: String| RecognizerError::Lost { reason };
        match timeout(SEND_DEADLINE, send).await {
            Ok(sent) => sent.map_err(|error| lost(error.to_string())),
            Err(_) => Err(lost("it takes no more messages".to_owned())),
        }
    }

    /// The next thing the service says. Cancel-safe.
    async fn next_event(&mut self) -> Event {
        match self.socket.next().await {
            Some(Ok(Message::Text(text))) => self.session.receive(text.as_str()),
            // Pings are answered with what is sent next, or by the next read.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_))) => Event::Nothing,
            Some(Ok(Message::Close(frame))) => Event::Failed(super::protocol::closed(frame.as_ref())),
            Some(Err(error)) => Event::Failed(RecognizerError::Lost {
                reason: error.to_string(),
            }),
            None => Event::Failed(super::protocol::closed(None)),
        }
    }
}

//! What all test servers have in common: connections, conduct, and a record of what went over them.

use super::ear::{Ear, Words};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// Messages that are kept of each direction: more than any test looks at.
const MOST_KEPT: usize = 20_000;

/// How a test server behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    /// As described.
    Serves,
    /// It takes the connection, and does not answer the upgrade.
    IgnoresUpgrades,
    /// It answers the upgrade with a status and a code.
    Refuses(u16, &'static str),
    /// It takes everything and says nothing.
    Stalls,
    /// It cuts the connection after so many milliseconds of an utterance.
    CutsAfterMs(usize),
    /// It shows what it hears, and is silent after the end.
    NeverConcludes,
    /// It closes with the service's way to say that the quota is used up, when audio comes.
    ReportsQuota,
    /// It answers an utterance with what is not of its protocol.
    TalksNonsense,
}

/// What a client's message is.
pub enum Input {
    Begin,
    Audio(Vec<i16>),
    End,
    Nothing,
    Answered(Vec<Value>),
}

/// A service's way to say that the quota is used up.
pub enum Quota {
    Event(Value),
    Close(u16, &'static str),
}

/// Samples after which what has been understood so far is shown, again and again: half a second.
const SHOWS_EVERY: usize = 4_000;

/// One connection's side of a protocol. A client's breach of it panics, which fails the test by the missing result.
pub trait Service: Send + 'static {
    /// The connection, or the status and body of the refusal.
    fn admit(request: &Upgrade) -> Result<Self, (u16, Value)>
    where
        Self: Sized;
    fn greeting(&mut self) -> Vec<Value> {
        Vec::new()
    }
    /// The language that the connection is for, where the service's protocol names it at the upgrade.
    fn language(&self) -> &str {
        ""
    }
    fn read(&mut self, message: Message) -> Input;
    fn partial(&mut self, words: &Words) -> Vec<Value>;
    /// `round` counts results: the description allows several orders.
    fn result(&mut self, words: &Words, round: usize) -> Vec<Value>;
    fn quota(&mut self) -> Quota;
    /// The body of a refusal.
    fn refusal(code: &str) -> Value
    where
        Self: Sized;
}

/// A client's upgrade request.
#[derive(Clone, Debug)]
pub struct Upgrade {
    pub path: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
}

/// What a test server saw and said.
#[derive(Default)]
pub struct Record {
    pub upgrades: Mutex<Vec<Upgrade>>,
    pub received: Mutex<Vec<Value>>,
    pub sent: Mutex<Vec<Value>>,
    pub results: AtomicUsize,
    /// 8 kHz samples that came, of all utterances.
    pub samples: AtomicUsize,
    /// Connections cut in mid-utterance.
    pub cuts: AtomicUsize,
    open: AtomicUsize,
}

struct Shared {
    ear: Ear,
    conduct: Mutex<Conduct>,
    record: Record,
    killed: watch::Sender<bool>,
    cut: watch::Sender<()>,
}

/// A running test server. Dropping it cuts all connections.
pub struct Double {
    url: String,
    shared: Arc<Shared>,
}

impl Double {
    pub async fn start<S: Service>(ear: Ear) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            ear,
            conduct: Mutex::new(Conduct::Serves),
            record: Record::default(),
            killed: watch::Sender::new(false),
            cut: watch::Sender::new(()),
        });
        let server = Arc::clone(&shared);
        tokio::spawn(async move {
            let mut killed = server.killed.subscribe();
            loop {
                tokio::select! {
                    _ = killed.wait_for(|killed| *killed) => break,
                    accepted = listener.accept() => {
                        let (stream, _) = accepted.unwrap();
                        // As servers that stream do: no message waits for the acknowledgement of the one before.
                        stream.set_nodelay(true).unwrap();
                        tokio::spawn(serve::<S>(stream, Arc::clone(&server)));
                    }
                }
            }
        });
        Self { url, shared }
    }

    pub fn url(&self) -> url::Url {
        url::Url::parse(&self.url).unwrap()
    }

    pub fn behave(&self, conduct: Conduct) {
        *self.shared.conduct.lock().unwrap() = conduct;
    }

    pub fn record(&self) -> &Record {
        &self.shared.record
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.shared.record.open.load(Ordering::SeqCst)
    }

    /// Connections asked for so far.
    pub fn upgrades(&self) -> usize {
        self.shared.record.upgrades.lock().unwrap().len()
    }

    /// Results sent so far.
    pub fn results(&self) -> usize {
        self.shared.record.results.load(Ordering::SeqCst)
    }

    /// Cuts the connections that are open.
    pub fn cut(&self) {
        self.shared.cut.send_replace(());
    }

    /// Cuts everything, for ever.
    pub fn kill(&self) {
        self.shared.killed.send_replace(true);
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn serve<S: Service>(stream: TcpStream, shared: Arc<Shared>) {
    let (mut killed, mut cut) = (shared.killed.subscribe(), shared.cut.subscribe());
    tokio::select! {
        _ = killed.wait_for(|killed| *killed) => {}
        _ = cut.changed() => {}
        () = converse::<S>(stream, &shared) => {}
    }
}

fn upgrade_of(request: &Request) -> Upgrade {
    let url = url::Url::parse(&format!("http://double{}", request.uri())).unwrap();
    Upgrade {
        path: url.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
    }
}

#[expect(clippy::result_large_err, reason = "the library's own type")]
fn admit<S: Service>(request: &Request, shared: &Shared) -> Result<S, ErrorResponse> {
    let upgrade = upgrade_of(request);
    shared.record.upgrades.lock().unwrap().push(upgrade.clone());
    let conduct = *shared.conduct.lock().unwrap();
    let admitted = match conduct {
        Conduct::Refuses(status, code) => Err((status, S::refusal(code))),
        _ => S::admit(&upgrade),
    };
    admitted.map_err(|(status, body)| {
        let body = body.to_string();
        Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .body(Some(body))
            .unwrap()
    })
}

/// Counts an open connection until it is dropped.
struct Open<'a>(&'a AtomicUsize);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn keep(messages: &Mutex<Vec<Value>>, message: Value) {
    let mut messages = messages.lock().unwrap();
    if messages.len() < MOST_KEPT {
        messages.push(message);
    }
}

async fn converse<S: Service>(stream: TcpStream, shared: &Shared) {
    if *shared.conduct.lock().unwrap() == Conduct::IgnoresUpgrades {
        std::future::pending::<()>().await;
    }
    let mut service = None;
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let accepted = accept_hdr_async(stream, |request: &Request, response: Response| {
        service = Some(admit::<S>(request, shared)?);
        Ok(response)
    })
    .await;
    let (Ok(mut socket), Some(mut service)) = (accepted, service) else {
        return;
    };
    let record = &shared.record;
    record.open.fetch_add(1, Ordering::SeqCst);
    let _open = Open(&record.open);
    let say = async |socket: &mut tokio_tungstenite::WebSocketStream<TcpStream>, values: Vec<Value>| {
        for value in values {
            keep(&record.sent, value.clone());
            if socket.send(Message::text(value.to_string())).await.is_err() {
                return;
            }
        }
    };
    let greeting = service.greeting();
    say(&mut socket, greeting).await;
    let (mut samples, mut shown): (Vec<i16>, usize) = (Vec::new(), 0);
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            break;
        }
        if let Message::Text(text) = &message {
            keep(&record.received, serde_json::from_str(text).unwrap());
        }
        let conduct = *shared.conduct.lock().unwrap();
        match service.read(message) {
            Input::Nothing => {}
            Input::Answered(answer) => say(&mut socket, answer).await,
            Input::Begin => (samples, shown) = (Vec::new(), 0),
            Input::Audio(more) => {
                record.samples.fetch_add(more.len(), Ordering::SeqCst);
                samples.extend(more);
                match conduct {
                    Conduct::CutsAfterMs(ms) if samples.len() / 8 >= ms => {
                        record.cuts.fetch_add(1, Ordering::SeqCst);
                        return;
                    }
                    Conduct::ReportsQuota => match service.quota() {
                        Quota::Event(event) => say(&mut socket, vec![event]).await,
                        Quota::Close(code, reason) => {
                            let frame = CloseFrame {
                                code: code.into(),
                                reason: reason.into(),
                            };
                            let _ = socket.close(Some(frame)).await;
                        }
                    },
                    Conduct::Stalls => {}
                    _ if samples.len() / SHOWS_EVERY > shown => {
                        shown = samples.len() / SHOWS_EVERY;
                        let words = Words {
                            text: shared.ear.so_far(),
                            probability: 0.5,
                        };
                        let partial = service.partial(&words);
                        say(&mut socket, partial).await;
                    }
                    _ => {}
                }
            }
            Input::End => {
                let spoken = std::mem::take(&mut samples);
                shown = 0;
                match conduct {
                    Conduct::Stalls | Conduct::NeverConcludes => continue,
                    Conduct::TalksNonsense => {
                        let _ = socket.send(Message::text("<html>503 Service Unavailable</html>")).await;
                        continue;
                    }
                    _ => {}
                }
                let words = shared.ear.hear_as(service.language(), &spoken).await;
                let round = record.results.fetch_add(1, Ordering::SeqCst);
                let partial = service.partial(&words);
                say(&mut socket, partial).await;
                let result = service.result(&words, round);
                say(&mut socket, result).await;
            }
        }
    }
}

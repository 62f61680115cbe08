//! The other end of a media socket.

use crate::harness::{ACCOUNT, AUTH_TOKEN, PUBLIC_HOST, TestServer, sign};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

const DEADLINE: Duration = Duration::from_secs(10);

pub struct Peer {
    pub socket: WebSocketStream<TcpStream>,
}

pub fn good_signature() -> String {
    sign(AUTH_TOKEN, &format!("wss://{PUBLIC_HOST}/twilio/media"))
}

pub fn start_frame(token: &str) -> Value {
    json!({
        "event": "start", "sequenceNumber": "1", "streamSid": "MZ1",
        "start": {
            "streamSid": "MZ1", "accountSid": ACCOUNT, "callSid": "CA1", "tracks": ["inbound"],
            "customParameters": {"token": token},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        },
    })
}

impl Peer {
    /// Opens a socket on a path with a signature; else the HTTP status of the refusal.
    pub async fn upgrade(server: &TestServer, path: &str, signature: Option<&str>) -> Result<Self, u16> {
        // The host that the server sees is the one it listens on, as behind a proxy.
        let mut request = format!("ws://{}{path}", server.address)
            .into_client_request()
            .expect("a request");
        if let Some(signature) = signature {
            request
                .headers_mut()
                .insert("X-Twilio-Signature", signature.parse().expect("a header"));
        }
        let stream = TcpStream::connect(server.address).await.expect("a connection");
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self { socket }),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Opens a socket as Twilio does.
    pub async fn open(server: &TestServer) -> Self {
        Self::upgrade(server, "/twilio/media", Some(&good_signature()))
            .await
            .expect("an upgrade")
    }

    /// Opens a socket and is admitted: answered by its call.
    pub async fn admitted(server: &TestServer, attempt: &str) -> Self {
        let mut peer = Self::open(server).await;
        peer.text(r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#)
            .await;
        peer.text(&start_frame(&server.token(attempt)).to_string()).await;
        peer.echo("here").await;
        peer
    }

    pub async fn text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("sent");
    }

    /// Has the call send something.
    pub async fn echo(&mut self, word: &str) {
        self.text(&format!("echo {word}")).await;
        assert_eq!(self.next().await.into_text().expect("text").as_str(), word);
    }

    /// Bytes past the client's own rules.
    pub async fn raw(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).await.expect("written");
    }

    pub async fn next(&mut self) -> Message {
        let next = tokio::time::timeout(DEADLINE, self.socket.next())
            .await
            .expect("in time");
        next.expect("not the end").expect("no reset")
    }

    /// The close frame's code and reason, and then the end of the connection without a reset.
    pub async fn closed(mut self) -> (u16, String) {
        loop {
            if let Message::Close(frame) = self.next().await {
                let frame = frame.expect("a code");
                let end = tokio::time::timeout(DEADLINE, self.socket.next())
                    .await
                    .expect("in time");
                assert!(!matches!(end, Some(Err(Error::Io(_)))), "{end:?}");
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

//! Media that is malformed, binary, oversized, out of order, duplicate, unauthenticated, late or endless, against the
//! running server: a clear close, a bounded log, no panic, nothing left.

use crate::harness::{ACCOUNT, AUTH_TOKEN, DEADLINE, PUBLIC_HOST, TOKEN_KEY, World, assert_no_panic, count, poll};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use rustix::process::Signal;
use samvad::carrier::token::MediaTokens;
use samvad_actors::domain::{AttemptId, ContactId, Lifecycle, Mode, Outcome, PhoneNumber};
use samvad_actors::ports::{AttemptStore, ContactStore, DialerStore, NewAttempt, NewContact, Submission};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Requests that nobody signed.
const STRANGERS: usize = 100;

fn signature() -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(AUTH_TOKEN.as_bytes()).expect("any length");
    mac.update(format!("wss://{PUBLIC_HOST}/twilio/media").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn open(address: SocketAddr, signature: Option<String>) -> Result<WebSocketStream<TcpStream>, u16> {
    let mut request = format!("ws://{address}/twilio/media")
        .into_client_request()
        .expect("a request");
    if let Some(signature) = signature {
        let headers = request.headers_mut();
        headers.insert("X-Twilio-Signature", signature.parse().expect("a header"));
    }
    let stream = TcpStream::connect(address).await.expect("a connection");
    match client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(response)) => Err(response.status().as_u16()),
        Err(other) => panic!("{other}"),
    }
}

/// Sends messages, as far as they are taken, and returns the code the server closes with.
async fn close_code(socket: WebSocketStream<TcpStream>, messages: impl IntoIterator<Item = Message> + Send) -> u16 {
    let (mut sender, mut receiver) = socket.split();
    let messages: Vec<Message> = messages.into_iter().collect();
    let send = async {
        for message in messages {
            // The server may have had enough.
            if sender.send(message).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let receive = async {
        while let Some(Ok(message)) = receiver.next().await {
            if let Message::Close(frame) = message {
                return frame.map_or(1005, |frame| frame.code.into());
            }
        }
        0
    };
    let closed = async {
        tokio::select! {
            code = receive => code,
            () = send => 0,
        }
    };
    tokio::time::timeout(DEADLINE, closed).await.expect("a close frame")
}

fn start(token: &str, call: &str) -> Message {
    let start = json!({
        "event": "start", "sequenceNumber": "1", "streamSid": format!("MZ{call}"),
        "start": {
            "streamSid": format!("MZ{call}"), "accountSid": ACCOUNT, "callSid": call, "tracks": ["inbound"],
            "customParameters": {"token": token},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        },
    });
    Message::text(start.to_string())
}

fn media(number: u64, payload: &[u8]) -> Message {
    let media = json!({
        "event": "media", "sequenceNumber": (number + 2).to_string(), "streamSid": "MZ",
        "media": {"track": "inbound", "chunk": (number + 1).to_string(), "timestamp": (number * 20).to_string(),
            "payload": STANDARD.encode(payload)},
    });
    Message::text(media.to_string())
}

/// An attempt that waits for its stream, written beside the running server, and its token.
async fn waiting_attempt(world: &World, index: u32) -> (AttemptId, String) {
    let url = format!("sqlite://{}", world.data().join("samvad.db").display());
    let store = samvad::store::SqlStore::open(&url)
        .await
        .expect("the server's database");
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    let now_ms = i64::try_from(elapsed.as_millis()).expect("a time");
    let (attempt, contact) = (
        AttemptId::new(format!("00000000-0000-4000-8000-{index:012}")),
        ContactId::new(format!("contact-{index}")),
    );
    let key: Vec<u8> = (0..TOKEN_KEY.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&TOKEN_KEY[at..at + 2], 16).expect("hexadecimal"))
        .collect();
    let token = MediaTokens::new(&key)
        .expect("a key")
        .mint(&attempt, now_ms, 60_000)
        .expect("a token");
    let new = NewContact {
        id: contact.clone(),
        campaign: "health-survey".into(),
        number: PhoneNumber::parse(&format!("+1415556{index:04}")).expect("a number"),
        external_id: None,
        name: None,
        email: None,
        language: None,
    };
    store.add_contacts(&[new], now_ms).await.expect("added");
    let new = NewAttempt {
        id: attempt.clone(),
        campaign: "health-survey".into(),
        contact,
        mode: Mode::Simulated,
        token_hash: token.hash_hex,
        token_expires_at_ms: token.expires_at_ms,
    };
    store.create_attempt(new, now_ms).await.expect("written");
    store.mark_submitting(&attempt, now_ms).await.expect("marked");
    store
        .record_submission(&attempt, Submission::Unknown, now_ms)
        .await
        .expect("recorded");
    store.close().await;
    (attempt, token.text)
}

#[test]
fn media_in_every_wrong_way_closes_clearly_is_logged_once_and_leaves_nothing() {
    let world = World::of("name: Nobody\ncallers: [{name: nobody, busy: true}]\n");
    let mut server = world.server(&[]);
    let address = world.address;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let (closed, outcomes) = runtime.block_on(async {
        for _ in 0..STRANGERS {
            assert_eq!(open(address, None).await.err(), Some(403), "unsigned");
        }
        assert_eq!(
            open(address, Some("bm9ib2R5".to_owned())).await.err(),
            Some(403),
            "badly signed"
        );

        // Before admission.
        let strangers: [(&str, u16, Vec<Message>); 7] = [
            ("binary", 1003, vec![Message::binary(vec![0_u8; 100])]),
            ("not JSON", 1007, vec![Message::text("{\"event\":")]),
            ("media before start", 1008, vec![media(0, &[0xff; 160])]),
            ("a forged token", 1008, vec![start("a.1.b", "CA1")]),
            ("late: no start at all", 1008, vec![]),
            ("too much before start", 1008, vec![Message::text(" ".repeat(9_000))]),
            (
                "endless before start",
                1008,
                vec![Message::Ping(vec![0; 100].into()); 200],
            ),
        ];
        let mut closed = Vec::new();
        for (what, expected, messages) in strangers {
            let socket = open(address, Some(signature())).await.expect("upgraded");
            closed.push((what, expected, close_code(socket, messages).await));
        }

        // On a live call.
        let rubbish: Vec<Message> = vec![Message::text("{\"event\":\"media\",\"media\":7}"); 2_000];
        let shuffled = (0..400_u64).map(|number| media(number * 37 % 400, &[0xff; 160]));
        let twice = (0..200_u64).flat_map(|number| [media(number, &[0xff; 160]), media(number, &[0x00; 160])]);
        let stop = || Message::text(r#"{"event":"stop"}"#);
        let live: Vec<(&str, u16, Vec<Message>)> = vec![
            ("oversized", 1009, vec![Message::text("x".repeat(70_000))]),
            ("binary on a call", 1003, vec![Message::binary(vec![0_u8; 100])]),
            ("rubbish on a call", 1000, rubbish),
            ("out of order", 1000, shuffled.chain([stop()]).collect()),
            ("duplicate", 1000, twice.chain([stop()]).collect()),
            ("a second start", 1000, vec![start("again", "CA9"), stop()]),
            (
                "frames of no and of all sizes",
                1000,
                vec![media(0, &[]), media(1, &[0xff; 20_000]), stop()],
            ),
        ];
        let mut attempts = Vec::new();
        for (index, (what, expected, messages)) in (0..).zip(live) {
            let (attempt, token) = waiting_attempt(&world, index).await;
            let mut socket = open(address, Some(signature())).await.expect("upgraded");
            let opening = start(&token, &format!("CA{index}"));
            socket.send(opening).await.expect("taken");
            // The greeting says that the call is live.
            let greeting = tokio::time::timeout(DEADLINE, socket.next()).await.expect("a greeting");
            assert!(matches!(greeting, Some(Ok(Message::Text(_)))), "{what}: {greeting:?}");
            closed.push((what, expected, close_code(socket, messages).await));
            let socket = open(address, Some(signature())).await.expect("upgraded");
            let again = close_code(socket, [start(&token, &format!("CA{index}"))]).await;
            closed.push(("a used token", 1008, again));
            attempts.push((what, attempt));
        }
        (closed, attempts)
    });
    for (what, expected, code) in closed {
        assert_eq!(code, expected, "{what}");
    }
    // Said by the server itself, when it ends: every socket, call and permit is gone.
    server.signal(Signal::TERM);
    assert!(server.ended(Duration::from_secs(30)).success(), "{}", server.log_text());
    let last: Value = server.lines().last().cloned().expect("its usage");
    for gauge in ["calls", "sockets", "permits"] {
        assert_eq!(last[gauge], 0, "{last}");
    }
    for (what, attempt) in outcomes {
        let row = world.store(async |store| store.attempt(&attempt).await.expect("read").expect("there"));
        let outcome = row.outcome.unwrap_or_else(|| panic!("{what}: no outcome"));
        assert!(
            matches!(outcome, Outcome::Failed | Outcome::Abandoned),
            "{what}: {outcome:?}"
        );
    }
    let log = server.log_text();
    assert_no_panic(&log);
    let unsigned: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("carries no X-Twilio-Signature"))
        .collect();
    assert_eq!(unsigned.len(), 2, "one at once and then a count: {unsigned:?}");
    assert!(
        unsigned[1].contains(&format!("\"count\":{}", STRANGERS - 1)),
        "{unsigned:?}"
    );
    let warnings = log
        .lines()
        .filter(|line| line.contains("\"WARN\"") || line.contains("\"ERROR\""))
        .count();
    assert!(warnings < 60, "{warnings} lines for 23 sockets:\n{log}");
    assert_eq!(count(&server.lines(), "placed"), 0);
}

/// The first message on the stream of a waiting attempt, which is opened as soon as anything listens.
async fn first_heard(address: SocketAddr, token: String) -> Option<Message> {
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    while TcpStream::connect(address).await.is_err() {
        tick.tick().await;
    }
    let mut socket = open(address, Some(signature())).await.expect("upgraded");
    socket.send(start(&token, "CA1")).await.expect("taken");
    socket.next().await?.ok()
}

/// Has a campaign run that has nobody to call, and so may have been completed the moment it began.
fn run_again(world: &World) {
    use sqlx::Connection;
    let url = format!("sqlite://{}", world.data().join("samvad.db").display());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let mut database = sqlx::AnyConnection::connect(&url).await.expect("the server's database");
        let run = sqlx::query("UPDATE campaigns SET lifecycle = 'running'");
        run.execute(&mut database).await.expect("written");
        database.close().await.expect("closed");
    });
}

#[test]
fn who_answers_while_a_restarted_server_still_prepares_its_prompts_is_greeted_when_it_has() {
    let world = World::of("name: Nobody\ncallers: [{name: nobody, busy: true}]\n");
    let mut earlier = world.server(&[]);
    poll(
        "the campaign has begun",
        || {
            let state = world.store(async |store| store.campaign_state(&"health-survey".into()).await);
            state.is_ok_and(|state| state.is_some_and(|state| state.lifecycle != Lifecycle::Draft))
        },
        || earlier.log_text(),
    );
    earlier.signal(Signal::KILL);
    earlier.ended(Duration::from_secs(10));
    run_again(&world);
    // Nothing is cached: there are seconds between listening and being prepared.
    let prompts = world.directory.path().join("prompts").display().to_string();
    let world = world.set("SAMVAD_PROMPT_CACHE_DIR", &prompts);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (_, token) = runtime.block_on(waiting_attempt(&world, 1));
    let heard = runtime.spawn(first_heard(world.address, token));
    let server = world.server(&[]);
    let heard = runtime.block_on(async { tokio::time::timeout(DEADLINE, heard).await.expect("in time") });
    let heard = heard.expect("no panic");
    assert!(
        matches!(&heard, Some(Message::Text(text)) if text.contains("\"media\"")),
        "{heard:?}: {}",
        server.log_text()
    );
}

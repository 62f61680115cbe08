//! A server with everything behind it in memory.

use crate::call::{Calls, Shared};
use crate::desk::MemoryDesk;
use crate::store::MemoryStore;
use base64::Engine;
use hmac::{Hmac, KeyInit, Mac};
use samvad::carrier::token::MediaTokens;
use samvad::carrier::twilio::{AuthToken, INBOUND_KEY_PATH, SignatureValidator, TwilioSettings};
use samvad::http::{HttpState, Inbound, MediaLimits, RefusalLog, ServerSettings, SocketGauges, StreamEvents, bind};
use samvad_actors::domain::{AccountSid, AttemptId};
use samvad_actors::ports::Clock;
use samvad_actors::runtime::Readiness;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::Url;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const AUTH_TOKEN: &str = "the-primary-token";
pub const PUBLIC_HOST: &str = "voice.example.org";
pub const NOW_MS: i64 = 1_750_000_000_000;

/// Time stands still at [`NOW_MS`], unless reading it panics.
#[derive(Default)]
pub struct StoppedClock {
    pub panics: AtomicBool,
}

impl Clock for StoppedClock {
    fn unix_ms(&self) -> i64 {
        assert!(!self.panics.load(Ordering::SeqCst), "provoked in the clock");
        NOW_MS
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

pub struct TestServer {
    pub address: SocketAddr,
    pub clock: Arc<StoppedClock>,
    pub store: Arc<MemoryStore>,
    pub calls: Arc<Calls>,
    pub desk: Arc<MemoryDesk>,
    pub sockets: Arc<SocketGauges>,
    pub readiness: Arc<Readiness>,
    pub tokens: MediaTokens,
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with_limits(limits()).await
    }

    pub async fn with_limits(limits: MediaLimits) -> Self {
        let tokens = MediaTokens::new(&[7; 32]).expect("long enough");
        let clock = Arc::new(StoppedClock::default());
        let store = Arc::new(MemoryStore::default());
        let calls = Arc::new(Calls::default());
        let desk = Arc::new(MemoryDesk::default());
        let sockets = Arc::new(SocketGauges::default());
        let readiness = Arc::new(Readiness::default());
        let settings = TwilioSettings {
            api_base_url: Url::parse(TwilioSettings::API_BASE_URL).expect("a URL"),
            account_sid: AccountSid::from(ACCOUNT),
            auth_token: AuthToken::new(AUTH_TOKEN),
            other_auth_token: None,
            public_url: Url::parse(&format!("https://{PUBLIC_HOST}")).expect("a URL"),
            connect_timeout: TwilioSettings::CONNECT_TIMEOUT,
            request_timeout: TwilioSettings::REQUEST_TIMEOUT,
        };
        let state = HttpState {
            store: store.clone(),
            clock: clock.clone(),
            signatures: SignatureValidator::new(&settings).expect("good settings"),
            inbound: Inbound {
                desk: desk.clone(),
                key_url: settings.own_url(INBOUND_KEY_PATH),
            },
            stream_events: Arc::new(StreamEvents::default()),
            account_sid: settings.account_sid,
            tokens: tokens.clone(),
            events: Arc::new(Shared(calls.clone())),
            calls: Arc::new(Shared(calls.clone())),
            readiness: readiness.clone(),
            sockets: sockets.clone(),
            refusals: Arc::new(RefusalLog::default()),
            limits,
        };
        let settings = ServerSettings::new("127.0.0.1:0".parse().expect("an address"), 2);
        let running = bind(settings, Arc::new(state)).expect("a free port");
        actix_web::rt::spawn(running.server);
        assert_ne!(running.address.port(), 0, "the real port is told");
        Self {
            address: running.address,
            clock,
            store,
            calls,
            desk,
            sockets,
            readiness,
            tokens,
        }
    }

    /// A token for an attempt, good for a minute.
    pub fn token(&self, attempt: &str) -> String {
        self.tokens
            .mint(&AttemptId::from(attempt), NOW_MS, 60_000)
            .expect("a token")
            .text
    }

    /// Waits until no socket, no call and no connection is left.
    pub async fn settles(&self) {
        eventually("sockets, calls and connections are gone", || {
            self.sockets.open() == 0
                && self.sockets.unauthenticated() == 0
                && self.calls.alive.load(Ordering::SeqCst) == 0
                && self.connections() == 0
        })
        .await;
    }

    /// How many connections the server holds, as the kernel sees it (proc_pid_net(5)).
    fn connections(&self) -> usize {
        let table = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux");
        let local = format!(":{:04X}", self.address.port());
        let is_held = |line: &&str| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [_, address, _, state, _, _, _, _, _, inode, ..] = columns[..] else {
                return false;
            };
            // 0A listens; an inode of 0 belongs to no process.
            address.ends_with(&local) && state != "0A" && inode != "0"
        };
        table.lines().skip(1).filter(is_held).count()
    }
}

/// The default limits, with less patience for a peer that has been told to go.
pub fn limits() -> MediaLimits {
    MediaLimits {
        close_timeout: Duration::from_millis(200),
        ..MediaLimits::default()
    }
}

/// Waits for a condition, at most ten seconds.
pub async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let wait = async {
        while !condition() {
            ticks.tick().await;
        }
    };
    assert!(
        tokio::time::timeout(Duration::from_secs(10), wait).await.is_ok(),
        "not in time: {what}"
    );
}

/// Twilio's signature, made without the server's code.
pub fn sign(auth_token: &str, text: &str) -> String {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(auth_token.as_bytes()).expect("a key of any length");
    mac.update(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

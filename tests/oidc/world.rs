//! A provider in a process of its own, and logins at it.

use super::browser::Browser;
use reqwest::{Client, redirect};
use samvad::access::oidc::{BegunLogin, FinishedLogin, LoginError, OidcLogin, TIMEOUT};
use samvad::app::SystemClock;
use samvad::config::Settings;
use samvad::store::SqlStore;
use samvad_actors::ports::Clock;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub const SECRET: &str = "secret-of-the-client-0123456789abcdef";
pub const API: &str = "https://calls.example.org";

/// How long a provider may take to start, on a machine that has much else to do.
const START: Duration = Duration::from_secs(30);

/// The time of now, and as much more as a test has let pass.
#[derive(Default)]
pub struct Ahead {
    /// What the calendar is ahead, in milliseconds.
    calendar_ms: AtomicI64,
    /// What the stop-watch is ahead, in milliseconds.
    elapsed_ms: AtomicI64,
}

impl Clock for Ahead {
    fn unix_ms(&self) -> i64 {
        SystemClock::default().unix_ms() + self.calendar_ms.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.elapsed_ms.load(Ordering::SeqCst)).expect("forwards"))
    }
}

pub fn http_client(policy: redirect::Policy) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy().tls_certs_only([]).redirect(policy);
    builder.timeout(Duration::from_secs(60)).build().expect("a client")
}

/// The provider; it ends with the test.
pub struct World {
    _provider: Child,
    _scratch: TempDir,
    origin: String,
    pub clock: Arc<Ahead>,
    pub accounts: Arc<SqlStore>,
    pub logins: OidcLogin,
}

impl World {
    pub async fn new() -> Self {
        Self::with(json!({}), &[], TIMEOUT).await
    }

    /// `options`: as `provider.js` has them. `settings`: in place of the usual ones.
    pub async fn with(mut options: Value, settings: &[(&str, &str)], timeout: Duration) -> Self {
        options["redirect"] = json!(format!("{API}/api/v1/callback"));
        let (provider, origin) = start(&options).await;
        let clock = Arc::new(Ahead::default());
        let (accounts, scratch) = store().await;
        let logins = logins(&origin, settings, &accounts, &clock, timeout);
        Self {
            _provider: provider,
            _scratch: scratch,
            origin,
            clock,
            accounts,
            logins,
        }
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.origin
    }

    /// Lets time pass for what is remembered of the provider.
    pub fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("short");
        self.clock.elapsed_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// Turns the calendar.
    pub fn turn_calendar(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("short");
        self.clock.calendar_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// What goes wrong at the provider from now on, as `provider.js` has it.
    pub async fn meddle(&self, what: Value) {
        let client = http_client(redirect::Policy::none());
        let put = client.put(format!("{}/meddle", self.origin)).json(&what);
        put.send().await.expect("told").error_for_status().expect("taken");
    }

    /// How often a path of the provider has been asked.
    pub async fn asked(&self, path: &str) -> u64 {
        let client = http_client(redirect::Policy::none());
        let answer = client
            .get(format!("{}/meddle", self.origin))
            .send()
            .await
            .expect("an answer");
        let counts: Value = serde_json::from_str(&answer.text().await.expect("text")).expect("JSON");
        counts[path].as_u64().unwrap_or_default()
    }

    /// A whole login.
    pub async fn login(&self, person: &str) -> Result<FinishedLogin, LoginError> {
        let begun = in_time("the begin of a login", self.begin()).await;
        let mut browser = Browser::new();
        let back = in_time("the provider's pages", browser.sign_in(&begun.redirect_url, person)).await;
        let finished = self.logins.finish(&back, Some(begun.browser_key.expose()));
        in_time("the end of a login", finished).await
    }

    pub async fn begin(&self) -> BegunLogin {
        self.logins.begin(Some("/campaigns?page=2")).await.expect("begun")
    }

    /// How a login fails.
    pub async fn refusal(&self) -> LoginError {
        let error = self.login("asha").await.map(|_| ()).expect_err("refused");
        let told = error.to_string();
        for canary in [SECRET, "asha", "canary", "samvad-admins", self.origin.as_str()] {
            assert!(!told.contains(canary), "{told}");
        }
        assert!(told.contains("; "), "it names a remedy: {told}");
        error
    }
}

/// What hangs is named, and ends its test.
async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(Duration::from_secs(120), work).await;
    done.unwrap_or_else(|_| panic!("{what} came to no end"))
}

/// A store of its own on SQLite.
pub async fn store() -> (Arc<SqlStore>, TempDir) {
    let scratch = tempfile::tempdir().expect("temporary directory");
    let url = format!("sqlite://{}", scratch.path().join("samvad.db").display());
    let opened = in_time("opening a store", SqlStore::open(&url)).await;
    (Arc::new(opened.expect("opened")), scratch)
}

/// Logins at an issuer.
pub fn logins(
    issuer: &str,
    settings: &[(&str, &str)],
    accounts: &Arc<SqlStore>,
    clock: &Arc<Ahead>,
    timeout: Duration,
) -> OidcLogin {
    let usual = [
        ("SAMVAD_PUBLIC_URL", API),
        ("SAMVAD_OIDC_ISSUER", issuer),
        ("SAMVAD_OIDC_CLIENT_ID", "samvad"),
        ("SAMVAD_OIDC_CLIENT_SECRET", SECRET),
        ("SAMVAD_OIDC_ROLE_CLAIM", "groups"),
        ("SAMVAD_OIDC_ROLES", "admin=samvad-admins,viewer=staff"),
    ];
    let pairs = usual.iter().chain(settings);
    let environment: BTreeMap<String, String> = pairs.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let settings = Settings::from_env(&environment).expect("usable");
    let oidc = settings.oidc.as_ref().expect("a provider");
    OidcLogin::with_timeout(oidc, &settings.public_url, accounts.clone(), clock.clone(), timeout).expect("made")
}

/// Starts the provider; where it is.
pub async fn start(options: &Value) -> (Child, String) {
    static ONCE: Once = Once::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    ONCE.call_once(|| {
        let status = std::process::Command::new(project.join("tools/npm-packages")).status();
        let done = status.is_ok_and(|status| status.success());
        assert!(done, "tools/npm-packages has to work, and needs npm");
    });
    // Once in some thousand times Node never gets as far as its first line; whoever waits for it waits for ever.
    for _ in 0..4 {
        let mut child = Command::new("node")
            .arg(project.join("tests/oidc/provider/provider.js"))
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node has to be there");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        if let Ok(line) = tokio::time::timeout(START, lines.next_line()).await {
            let line = line.expect("readable").expect("a first line");
            let line: Value = serde_json::from_str(&line).expect("a line of JSON");
            return (child, format!("http://127.0.0.1:{}", line["port"]));
        }
    }
    panic!("the provider does not start");
}

//! Processes of the binary under test, and what they leave behind.

use rustix::process::{Pid, Signal, kill_process};
use samvad::store::SqlStore;
use samvad_actors::domain::{AttemptState, CampaignId};
use samvad_actors::ports::{AttemptStore, ResultRow, ResultStore};
use samvad_simulator::{Respondent, Scenario};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const AUTH_TOKEN: &str = "an-auth-token-that-nobody-must-see";
pub const TOKEN_KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
pub const PUBLIC_HOST: &str = "samvad.example";

/// Longest wait for anything that must happen.
pub const DEADLINE: Duration = Duration::from_secs(90);

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn campaign() -> PathBuf {
    root().join("fixtures/campaigns/health_survey.yaml")
}

pub fn scenarios() -> PathBuf {
    root().join("fixtures/scenarios")
}

/// The binary with nothing of this process's environment but the path, and prompts that are rendered once for all.
pub fn samvad() -> Command {
    let prompts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prompts");
    let mut command = Command::new(env!("CARGO_BIN_EXE_samvad"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("SAMVAD_PROMPT_CACHE_DIR", prompts)
        .current_dir(root());
    command
}

/// Runs a command to its end.
pub fn output(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().expect("it runs")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// A process that prints one JSON value a line. Killed when dropped.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    pub log: PathBuf,
}

impl Process {
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .expect("a log");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .expect("it starts");
        let stdout = child.stdout.take().expect("its output");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let lines = lines.clone();
            move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let value = serde_json::from_str(&line).expect("JSON lines");
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(value);
                }
            }
        });
        let process = Self {
            child,
            lines,
            reader: Some(reader),
            log,
        };
        process.until("it listens", |lines| lines.iter().any(is_greeting));
        process
    }

    pub fn lines(&self) -> MutexGuard<'_, Vec<Value>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line that says where it listens. A server that renders its prompts says so before.
    pub fn greeting(&self) -> Value {
        self.lines()
            .iter()
            .find(|line| is_greeting(line))
            .cloned()
            .expect("it listens")
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// Waits until what it has printed is as wanted.
    pub fn until(&self, what: &str, is_so: impl Fn(&[Value]) -> bool) {
        poll(what, || is_so(&self.lines()), || self.log_text());
    }

    pub fn signal(&self, signal: Signal) {
        signal_to(self.pid(), signal);
    }

    /// Waits for its end.
    pub fn ended(&mut self, within: Duration) -> ExitStatus {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(
                begun.elapsed() < within,
                "it does not end within {within:?}; its log:\n{}",
                tail(&self.log_text())
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("JSON lines");
        }
        status
    }

    pub fn log_text(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_greeting(line: &Value) -> bool {
    line["event"] == "listening"
}

pub fn signal_to(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).expect("a process id"), signal).expect("the process is there");
}

/// Waits until something is so; fails with what `otherwise` has to say if it does not come to be.
pub fn poll(what: &str, mut is_so: impl FnMut() -> bool, otherwise: impl Fn() -> String) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < DEADLINE,
            "waited in vain: {what}\n{}",
            tail(&otherwise())
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

/// How many lines tell of this event.
pub fn count(lines: &[Value], event: &str) -> usize {
    lines.iter().filter(|line| line["event"] == event).count()
}

/// How many lines tell of this carrier status.
pub fn count_status(lines: &[Value], status: &str) -> usize {
    let statuses = lines
        .iter()
        .filter(|line| line["event"] == "status" && line["status"] == status);
    statuses.count()
}

/// A telephone network and the folder of a server that will use it.
pub struct World {
    pub directory: TempDir,
    pub address: SocketAddr,
    pub network: Process,
    script: PathBuf,
    calls: Option<usize>,
    pub campaign: PathBuf,
    pub settings: BTreeMap<&'static str, String>,
}

impl World {
    /// With a scenario of `fixtures/scenarios` and so many calls.
    pub fn of_fixture(name: &str, calls: usize) -> Self {
        Self::of_file(scenarios().join(name), TempDir::new().expect("a folder"), Some(calls))
    }

    /// With a scenario written in the test. Recordings are named `AUDIO/…` there.
    pub fn of(scenario: &str) -> Self {
        let directory = TempDir::new().expect("a folder");
        let script = directory.path().join("scenario.yaml");
        let audio = root().join("fixtures/audio").display().to_string();
        std::fs::write(&script, scenario.replace("AUDIO", &audio)).expect("written");
        Self::of_file(script, directory, None)
    }

    fn of_file(script: PathBuf, directory: TempDir, calls: Option<usize>) -> Self {
        let address = free_address();
        let mut command = samvad();
        command
            .arg("simulator")
            .args(["--listen", "127.0.0.1:0", "--json", "--script"])
            .arg(&script)
            .args(["--public-url", &format!("https://{PUBLIC_HOST}")])
            .args(["--server", &address.to_string()])
            .arg(format!("--recordings={}", directory.path().join("line").display()))
            .args(calls.map(|calls| format!("--calls={calls}")))
            .env("TWILIO_ACCOUNT_SID", ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", AUTH_TOKEN);
        let network = Process::start(command, directory.path().join("simulator.log"));
        let carrier = network.greeting()["address"].as_str().expect("its address").to_owned();
        let settings = BTreeMap::from([
            ("SAMVAD_DATA_DIR", directory.path().join("data").display().to_string()),
            ("SAMVAD_BIND", address.to_string()),
            ("SAMVAD_API_BIND", "off".to_owned()),
            ("SAMVAD_PUBLIC_URL", format!("https://{PUBLIC_HOST}")),
            ("SAMVAD_MEDIA_TOKEN_KEY", TOKEN_KEY.to_owned()),
            ("SAMVAD_RECOGNIZER", "fixed:60ms".to_owned()),
            ("SAMVAD_CALLS_PER_SECOND", "50".to_owned()),
            ("SAMVAD_QUEUE_LIMIT_SECONDS", "60".to_owned()),
            ("SAMVAD_WORKERS", "2".to_owned()),
            ("TWILIO_API_BASE_URL", format!("http://{carrier}")),
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ]);
        Self {
            directory,
            address,
            network,
            script,
            calls,
            campaign: campaign(),
            settings,
        }
    }

    pub fn set(mut self, name: &'static str, value: &str) -> Self {
        self.settings.insert(name, value.to_owned());
        self
    }

    /// The same with another campaign of `fixtures/campaigns`.
    pub fn with_campaign(mut self, name: &str) -> Self {
        self.campaign = root().join("fixtures/campaigns").join(name);
        self
    }

    pub fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Everybody who can be called.
    pub fn respondents(&self) -> Vec<Respondent> {
        Scenario::load(&self.script)
            .expect("a scenario")
            .respondents(self.calls)
    }

    /// They, as the dialler's list.
    pub fn contacts(&self) -> PathBuf {
        let path = self.directory.path().join("contacts.csv");
        let rows: Vec<String> = self
            .respondents()
            .iter()
            .map(|respondent| format!("{},{}\n", respondent.caller, respondent.number))
            .collect();
        std::fs::write(&path, format!("external_contact_id,phone_number\n{}", rows.concat())).expect("written");
        path
    }

    /// `samvad serve` with these arguments besides.
    pub fn server(&self, arguments: &[&str]) -> Process {
        let mut command = samvad();
        command
            .args(["serve", "--events", "--rehearse", "--campaign"])
            .arg(&self.campaign)
            .args(arguments)
            .envs(&self.settings);
        Process::start(command, self.directory.path().join("server.log"))
    }

    /// A server that calls everybody, and serves on.
    pub fn calling(&self) -> Process {
        let contacts = self.contacts();
        self.server(&["--contacts", &contacts.display().to_string()])
    }

    pub fn store<T>(&self, use_it: impl AsyncFnOnce(&SqlStore) -> T) -> T {
        let url = format!("sqlite://{}", self.data().join("samvad.db").display());
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(async {
                let store = SqlStore::open(&url).await.expect("the server's database");
                let result = use_it(&store).await;
                store.close().await;
                result
            })
    }

    pub fn results(&self) -> Vec<ResultRow> {
        self.store(async |store| {
            let campaign = CampaignId::from("health-survey");
            store.results(&campaign).await.expect("results")
        })
    }

    /// How many contacts came to each outcome; `none` for those that were not called.
    pub fn outcomes(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.results() {
            let outcome = row.attempt.and_then(|attempt| attempt.outcome);
            let word = outcome.map_or("none".to_owned(), |outcome| format!("{outcome:?}"));
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    /// Everybody's call has an outcome, and the one that the scenario expects.
    pub fn assert_outcomes_as_expected(&self) {
        let found: BTreeMap<String, _> = self
            .results()
            .into_iter()
            .map(|row| {
                let outcome = row.attempt.and_then(|attempt| attempt.outcome);
                (row.contact.number.expose().to_owned(), outcome)
            })
            .collect();
        for respondent in self.respondents() {
            let outcome = serde_json::to_value(found[&respondent.number]).expect("a word");
            assert!(!outcome.is_null(), "{} has no outcome", respondent.caller);
            if let Some(expected) = &respondent.expectations.outcome {
                assert_eq!(outcome, **expected, "{}", respondent.caller);
            }
        }
    }

    /// No attempt is open, nobody was called more than once, every journal decides the same again, and the network has
    /// nothing to object to but so many streams that broke with their server.
    pub fn assert_all_ended_once(&mut self, broken_streams: usize) {
        let open = self.store(async |store| store.open_attempts().await.expect("attempts"));
        assert!(open.is_empty(), "{open:?}");
        for row in self.results() {
            assert!(row.contact.attempts <= 1, "{row:?}");
            assert!(row.attempt.is_none_or(|attempt| attempt.state == AttemptState::Ended));
        }
        let journals = std::fs::read_dir(self.data().join("journals")).expect("a folder");
        if journals.count() > 0 {
            let replayed = self.replay();
            assert!(replayed.status.success(), "{}", text(&replayed.stdout));
        }
        self.network.signal(Signal::TERM);
        self.network.ended(DEADLINE);
        let lines = self.network.lines();
        for call in lines.iter().filter(|line| line["event"] == "call") {
            assert_eq!(call["ordinal"], 1, "called twice: {call}");
        }
        let summary = lines.last().expect("a summary");
        let violations = summary["violations"].as_array().expect("violations");
        let broke = |word: &&Value| {
            word.as_str()
                .is_some_and(|word| word.contains("broke without a close frame"))
        };
        assert_eq!(violations.iter().filter(broke).count(), broken_streams, "{summary}");
        assert_eq!(violations.len(), broken_streams, "{summary}");
    }

    /// Runs `samvad replay` over what the server wrote.
    pub fn replay(&self) -> Output {
        output(samvad().arg("replay").arg(self.data().join("journals")))
    }
}

/// Nothing in a log tells of a panic.
pub fn assert_no_panic(log: &str) {
    let panic = log.lines().find(|line| line.contains("panic"));
    assert!(panic.is_none(), "{panic:?}");
}

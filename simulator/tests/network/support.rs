//! What the integration tests share: independent programs as the other side, and a simulator in front of them.

#![expect(clippy::expect_used, clippy::panic, reason = "what a test cannot set up fails it")]

use samvad_simulator::{Simulator, SimulatorOptions};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

pub const ACCOUNT: &str = "AC00112233445566778899aabbccddeeff";
pub const TOKEN: &str = "simulated-auth-token";
pub const PUBLIC: &str = "https://survey.example";

/// No test takes as long; what is not there by then does not come.
pub const DEADLINE: Duration = Duration::from_secs(60);

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn set_up(script: &str, once: &'static Once) {
    once.call_once(|| {
        let status = std::process::Command::new(project().join(script)).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{script} has to work, and needs python3-venv and npm"
        );
    });
}

/// A program that writes a line of JSON for everything it sees.
pub struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub seen: Vec<Value>,
}

impl Program {
    /// The independent media server (Node.js with the package `ws`).
    pub async fn media_server(behaviour: &str) -> (Self, u16) {
        static ONCE: Once = Once::new();
        set_up("tools/npm-packages", &ONCE);
        let mut command = Command::new("node");
        command
            .arg(project().join("simulator/tests/js/media_server.js"))
            .arg(behaviour);
        let mut program = Self::start(command);
        let port = program.port().await;
        (program, port)
    }

    /// Twilio's Python package as a judge.
    pub async fn python_judge() -> (Self, u16) {
        static ONCE: Once = Once::new();
        set_up("tools/python-env", &ONCE);
        let mut command = Command::new(project().join("target/python/bin/python"));
        command.arg(project().join("simulator/tests/python/twilio_judge.py"));
        let mut program = Self::start(command);
        let port = program.port().await;
        (program, port)
    }

    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} has to start: {error}"));
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    async fn port(&mut self) -> u16 {
        let line = self.line().await.expect("a first line");
        u16::try_from(line["port"].as_u64().expect("a port")).expect("a port")
    }

    /// The next line; `None` at the end of the output.
    pub async fn line(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(DEADLINE, self.lines.next_line())
            .await
            .expect("a line in time");
        let value: Value = serde_json::from_str(&line.expect("readable")?).expect("a line of JSON");
        self.seen.push(value.clone());
        Some(value)
    }

    /// Reads lines until one fits.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        while let Some(line) = self.line().await {
            if fits(&line) {
                return line;
            }
        }
        panic!("the output ended without {what}: {:#?}", self.seen)
    }

    /// Writes a line to its input.
    pub async fn tell(&mut self, line: &Value) {
        let input = self.child.stdin.as_mut().expect("piped");
        input.write_all(format!("{line}\n").as_bytes()).await.expect("written");
        input.flush().await.expect("flushed");
    }

    /// Reads to the end; true for exit status 0.
    pub async fn succeeded(&mut self) -> bool {
        while self.line().await.is_some() {}
        tokio::time::timeout(DEADLINE, self.child.wait())
            .await
            .expect("an end in time")
            .expect("an end")
            .success()
    }

    /// The messages of one kind that the media server has received.
    pub fn messages(&self, event: &str) -> Vec<&Value> {
        self.seen
            .iter()
            .map(|line| &line["message"])
            .filter(|message| message["event"] == event)
            .collect()
    }

    /// The status callbacks that it has received.
    pub fn callbacks(&self) -> Vec<&Value> {
        self.seen
            .iter()
            .filter(|line| line["seen"] == "callback")
            .map(|line| &line["form"])
            .collect()
    }
}

/// A scenario in a folder of its own, with a recording `yes.wav`: 300 ms of silence, 500 ms of voice, 400 of silence.
pub fn scenario(yaml: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut samples = vec![0i16; 2_400];
    samples.extend((0..4_000).map(|at| (8_000.0 * (f64::from(at) * 0.9).sin()) as i16));
    samples.extend([0; 3_200]);
    let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    wav.extend((samples.len() as u32 * 2).to_le_bytes());
    wav.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    std::fs::write(folder.path().join("yes.wav"), wav).expect("written");
    let path = folder.path().join("scenario.yaml");
    std::fs::write(&path, yaml).expect("written");
    (folder, path)
}

/// A simulator for that scenario in front of the server at `port`.
pub async fn simulator(path: &Path, port: u16) -> Simulator {
    Simulator::start(&options(path, port))
        .await
        .expect("the simulator starts")
}

pub fn options(path: &Path, port: u16) -> SimulatorOptions {
    SimulatorOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        scenario: path.to_owned(),
        calls: None,
        account_sid: ACCOUNT.to_owned(),
        auth_token: TOKEN.to_owned(),
        public_url: PUBLIC.to_owned(),
        server: ([127, 0, 0, 1], port).into(),
        seed: None,
        recordings: None,
        ledger: None,
        json_lines: false,
        show_numbers: false,
        stop_when_done: false,
    }
}

/// TwiML with a stream.
pub const TWIML: &str = "<Response><Connect><Stream url=\"wss://survey.example/media\">\
                         <Parameter name=\"token\" value=\"t&amp;1\"/></Stream></Connect></Response>";

/// The form of a call to `to`, with all status callbacks and the fields in `more`.
pub fn form(to: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let callback = format!("{PUBLIC}/status/1");
    let mut form = vec![
        ("To", to),
        ("From", "+14155550199"),
        ("Twiml", TWIML),
        ("StatusCallback", &callback),
    ];
    form.extend(["initiated", "ringing", "answered", "completed"].map(|event| ("StatusCallbackEvent", event)));
    form.extend_from_slice(more);
    form.into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Sends a form to the API; gives the HTTP status and the body.
pub async fn post(simulator: &Simulator, path: &str, form: &[(String, String)]) -> (u16, Value) {
    let url = format!("http://{}/2010-04-01/Accounts/{ACCOUNT}/{path}", simulator.address());
    let request = reqwest::Client::new()
        .post(url)
        .basic_auth(ACCOUNT, Some(TOKEN))
        .form(form);
    let answer = request.send().await.expect("an answer");
    (
        answer.status().as_u16(),
        serde_json::from_str(&answer.text().await.expect("a body")).expect("a body of JSON"),
    )
}

/// Creates a call and gives its id.
pub async fn call(simulator: &Simulator, to: &str) -> String {
    let (status, body) = post(simulator, "Calls.json", &form(to, &[])).await;
    assert_eq!(status, 201, "{body}");
    body["sid"].as_str().expect("a sid").to_owned()
}

/// Waits until everybody has been called and all calls have ended.
pub async fn done(simulator: &Simulator) {
    tokio::time::timeout(DEADLINE, simulator.done())
        .await
        .expect("all calls end in time");
}

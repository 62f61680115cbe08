//! Runs the `samvad` binary, in a directory of the test's own and with no setting but those given.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Lines};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for what a process is to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A file of the repository.
pub fn fixture(name: &str) -> String {
    format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A command of `samvad` in an empty directory, without any of our settings but a prompt cache that the tests share.
pub fn samvad(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samvad"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["SAMVAD_", "TWILIO_", "DATABASE_URL", "DRY_RUN_MODE"]
            .iter()
            .any(|ours| name.starts_with(ours))
        {
            command.env_remove(&*name);
        }
    }
    command
        .args(args)
        .current_dir(directory)
        .env("SAMVAD_PROMPT_CACHE_DIR", prompt_cache())
        .env("SAMVAD_API_BIND", "off")
        .stdin(Stdio::null());
    command
}

fn prompt_cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("prompts")
}

/// Its output as text, and its exit status.
pub fn run(command: &mut Command) -> (String, String, Option<i32>) {
    let Output { status, stdout, stderr } = command.output().expect("samvad runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (text(stdout), text(stderr), status.code())
}

/// A process that runs while the test goes on; killed when dropped.
pub struct Running {
    pub process: Child,
    pub lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("samvad runs");
        let stdout = process.stdout.take().expect("piped");
        Self {
            process,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// Reads lines until one contains a word, and returns it.
    pub fn line_with(&mut self, word: &str) -> String {
        let found = self
            .lines
            .by_ref()
            .map(|line| line.expect("UTF-8"))
            .find(|line| line.contains(word));
        found.unwrap_or_else(|| panic!("the output ended without {word:?}"))
    }

    /// What is left of its output, and its exit status.
    pub fn end(mut self) -> (String, Option<i32>) {
        let rest: Vec<String> = self.lines.by_ref().map(|line| line.expect("UTF-8")).collect();
        (rest.join("\n"), self.process.wait().expect("waited for").code())
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.process.id().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Command lines of all processes that name a path.
pub fn processes_that_name(path: &Path) -> Vec<String> {
    let word = path.display().to_string();
    let entries = std::fs::read_dir("/proc").expect("Linux");
    let lines = entries.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&word))
        .collect()
}

/// Waits for what other processes do; there is no event to wait for.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An address that nobody listens on at the moment.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}

/// The account of a stand-in of the test's own.
pub fn account() -> BTreeMap<&'static str, &'static str> {
    [
        ("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef"),
        ("TWILIO_AUTH_TOKEN", "a key of the test's own"),
    ]
    .into()
}

/// Where the stand-in finds the server.
pub const PUBLIC_URL: &str = "https://survey.example";

/// A stand-in for Twilio, started by hand, and where its API is.
pub fn stand_in(directory: &Path, server: SocketAddr) -> (Running, String) {
    let script = fixture("scenarios/one_call_keys.yaml");
    let server = server.to_string();
    let args = [
        "simulator",
        "--script",
        &script,
        "--server",
        &server,
        "--public-url",
        PUBLIC_URL,
    ];
    let mut command = samvad(directory, &args);
    let mut running = Running::start(command.args(["--json", "--stop-when-done"]).envs(account()));
    let line = running.line_with("listening");
    let greeting: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let address = greeting["address"].as_str().expect("an address").to_owned();
    (running, format!("http://{address}"))
}

/// A directory of a test's own with a database, and what `samvad` says in it.
pub struct Office {
    pub directory: tempfile::TempDir,
}

impl Office {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("temporary directory"),
        }
    }

    /// One with the campaign `health-survey`, whose window is `window` (YAML).
    pub fn with_campaign(window: &str) -> Self {
        let office = Self::new();
        let example = std::fs::read_to_string(fixture("campaigns/health_survey.yaml")).expect("the example");
        office.write(
            "survey.yaml",
            format!("{example}\ndialing: {{ spread: false, window: {window} }}\n"),
        );
        office.succeeds(&["campaign", "create", "--file", "survey.yaml"]);
        office
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.directory.path().join(name), content).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.directory.path().join(name)).expect("readable")
    }

    pub fn command(&self, args: &[&str]) -> Command {
        samvad(self.directory.path(), args)
    }

    /// Output, errors and exit status of a command without a terminal.
    pub fn run(&self, args: &[&str]) -> (String, String, Option<i32>) {
        let (out, err, status) = run(&mut self.command(args));
        assert!(
            !out.contains('\u{1b}') && !err.contains('\u{1b}'),
            "colour without a terminal: {out}{err}"
        );
        assert!(!err.contains("panicked"), "{err}");
        (out, err, status)
    }

    /// The output of a command that must succeed.
    pub fn succeeds(&self, args: &[&str]) -> String {
        let (out, err, status) = self.run(args);
        assert_eq!(status, Some(0), "{args:?}: {out}{err}");
        out
    }

    /// What a command says that must be refused with status 2.
    pub fn refuses(&self, args: &[&str]) -> String {
        let (out, err, status) = self.run(args);
        assert_eq!(status, Some(2), "{args:?}: {out}{err}");
        err
    }
}

/// A window that is open at any time.
pub const OPEN: &str = "{ zone: UTC, weekdays: [monday, tuesday, wednesday, thursday, friday, saturday, sunday], \
                        start: \"00:00\", end: \"00:00\" }";

/// A window that is closed today and tomorrow.
pub fn closed() -> String {
    const DAYS: [&str; 7] = [
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
    ];
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let day = since.expect("after 1970").as_secs() / 86_400;
    let in_three_days = DAYS[usize::try_from((day + 3) % 7).expect("small")];
    format!("{{ zone: UTC, weekdays: [{in_three_days}], start: \"11:00\", end: \"12:00\" }}")
}

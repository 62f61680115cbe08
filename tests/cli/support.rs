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

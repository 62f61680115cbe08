//! A Redis of the test's own: started on a Unix socket in a directory of its own, killed by its own process id when
//! the test ends, or by the kernel when the thread that started it does.

use deadpool_redis::redis::{Client, Cmd, Connection, FromRedisValue};
use samvad::coordination::redis::RedisSettings;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub struct RedisServer {
    directory: TempDir,
    arguments: Vec<String>,
    child: Child,
}

const START_LIMIT: Duration = Duration::from_secs(10);

impl RedisServer {
    pub fn start() -> Self {
        Self::with(&[])
    }

    pub fn with(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("temporary directory");
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let child = spawn(&directory, &arguments);
        let server = Self {
            directory,
            arguments,
            child,
        };
        server.wait_until_up();
        server
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub fn settings(&self) -> RedisSettings {
        RedisSettings::new(self.url())
    }

    /// Kills it as a power cut would: nothing is kept.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
        // A killed server leaves its socket behind.
        std::fs::remove_file(self.socket()).ok();
    }

    /// Starts it again, empty.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.directory, &self.arguments);
        self.wait_until_up();
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).expect("signalled");
    }

    /// Runs a command past the coordination.
    pub fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        command
            .query(&mut self.connect().expect("connected"))
            .expect("answered")
    }

    /// True once it takes connections, with a password or without.
    fn answers(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
    }

    fn connect(&self) -> deadpool_redis::redis::RedisResult<Connection> {
        Client::open(self.url())?.get_connection()
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    fn wait_until_up(&self) {
        let deadline = Instant::now() + START_LIMIT;
        while !self.answers() {
            assert!(Instant::now() < deadline, "redis-server did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn spawn(directory: &TempDir, arguments: &[String]) -> Child {
    // It dies with the test's thread, though that be killed; `setpriv` becomes the server, and keeps its process id.
    Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "redis-server"])
        .args([
            "--port",
            "0",
            "--unixsocket",
            "redis.sock",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .arg("--dir")
        .arg(directory.path())
        .args(arguments)
        .current_dir(directory.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server starts (Debian package redis-server; tools/setup test installs it)")
}

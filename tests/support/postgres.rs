//! PostgreSQL servers for tests, from the installed programs: data in a directory of their own, reached by a socket
//! in it, gone when the test program is, whether it ended well or not.

use sqlx::{AssertSqlSafe, Connection};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

const SCRIPT: &str = include_str!("postgres.sh");

/// A running server. It is stopped when this is dropped, or its process ends in whatever way.
pub struct Server {
    keeper: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    directory: String,
}

impl Server {
    /// Starts a server with no database of ours.
    ///
    /// # Errors
    /// What is missing or failed.
    pub fn start() -> Result<Self, String> {
        let mut command = match rustix::process::geteuid().is_root() {
            // The server refuses to run as root.
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--", "sh", "-c", SCRIPT]);
                command
            }
            false => {
                let mut command = Command::new("sh");
                command.args(["-c", SCRIPT]);
                command
            }
        };
        let mut keeper = command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Out of reach of an interrupt from the terminal: it ends by the end of its input.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("the keeper of PostgreSQL did not start: {error}"))?;
        let (commands, answers) = (keeper.stdin.take(), keeper.stdout.take());
        let mut server = Self {
            keeper,
            commands,
            answers: BufReader::new(answers.ok_or("no standard output")?),
            directory: String::new(),
        };
        server.directory = server.ask("start", "ready")?;
        Ok(server)
    }

    /// Makes an empty database; returns its URL.
    ///
    /// # Errors
    /// What failed.
    pub async fn new_database(&self) -> Result<String, String> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        sqlx::any::install_default_drivers();
        let create = async {
            let mut connection = sqlx::AnyConnection::connect(&self.url("postgres")).await?;
            // The name is ours.
            sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
                .execute(&mut connection)
                .await?;
            connection.close().await
        };
        create.await.map_err(|error: sqlx::Error| error.to_string())?;
        Ok(self.url(&name))
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://samvad:canary@localhost/{database}?host={}", self.directory)
    }

    /// Sends a command and waits for the answer that begins with a word; returns the rest of it.
    pub(crate) fn ask(&mut self, command: &str, word: &str) -> Result<String, String> {
        let commands = self.commands.as_mut().ok_or("the server is gone")?;
        writeln!(commands, "{command}").map_err(|error| error.to_string())?;
        let mut answer = String::new();
        match self.answers.read_line(&mut answer) {
            Ok(0) => Err("the keeper of PostgreSQL ended; see its standard error".to_owned()),
            Ok(_) => match answer.trim_end().strip_prefix(word) {
                Some(rest) => Ok(rest.trim_start().to_owned()),
                None => Err(format!("PostgreSQL: {answer}")),
            },
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.commands.take());
        let _ = self.keeper.wait();
    }
}

/// An empty database on the server that this test program's tests share.
///
/// # Errors
/// What is missing or failed; a test fails then.
pub async fn new_database() -> Result<String, String> {
    static SHARED: OnceLock<Result<Server, String>> = OnceLock::new();
    match SHARED.get_or_init(Server::start) {
        Ok(server) => server.new_database().await,
        Err(error) => Err(error.clone()),
    }
}

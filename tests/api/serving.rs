//! The API as part of a server process.

use super::client::Request;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server process, killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(data: &Path, api: &str) -> (Process, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .args(["serve", "--events"])
        .env("SAMVAD_DATA_DIR", data)
        .env("SAMVAD_BIND", "127.0.0.1:0")
        .env("SAMVAD_PUBLIC_URL", "https://samvad.example")
        .env("SAMVAD_API_BIND", api)
        .env("SAMVAD_RECOGNIZER", "fixed:10ms")
        .env("TWILIO_API_BASE_URL", "http://127.0.0.1:9")
        .env("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        .env("TWILIO_AUTH_TOKEN", "chosen-for-this-test")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stdout = child.stdout.take().expect("its output");
    let process = Process(child);
    for line in BufReader::new(stdout).lines() {
        let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        if line["event"] == "listening" {
            return (process, line);
        }
    }
    panic!("it does not listen");
}

#[test]
fn a_server_serves_its_api_shows_the_secret_of_the_local_login_and_stops_with_it() {
    let data = tempfile::tempdir().expect("a directory");
    let data = data.path().join("data");
    let (mut process, greeting) = serve(&data, "127.0.0.1:0");
    let address: SocketAddr = greeting["api_address"]
        .as_str()
        .expect("an address")
        .parse()
        .expect("an address");
    assert_eq!(Request::get("/readyz").send(address).json()["status"], "ready");
    let mut secret = None;
    let mut log = BufReader::new(process.0.stderr.take().expect("its log")).lines();
    for line in log.by_ref() {
        let line = line.expect("a line");
        if let Some((_, rest)) = line.split_once("{\"secret\": \"") {
            secret = rest.split('"').next().map(str::to_owned);
            break;
        }
    }
    let body = json!({ "secret": secret.expect("a secret") });
    let answer = Request::new("POST", "/api/v1/local-login").json(&body).send(address);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let pid =
        rustix::process::Pid::from_raw(i32::try_from(process.0.id()).expect("a process id")).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
    // Read to the end, so that it never waits for us.
    let mut rest = String::new();
    log.map_while(Result::ok).for_each(|line| rest.push_str(&line));
    assert!(process.0.wait().expect("ended").success(), "{rest}");
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn an_api_that_is_off_is_not_there() {
    let data = tempfile::tempdir().expect("a directory");
    let (mut process, greeting) = serve(&data.path().join("data"), "off");
    assert!(greeting["api_address"].is_null());
    process.0.kill().expect("killed");
    let mut log = String::new();
    process
        .0
        .stderr
        .take()
        .expect("its log")
        .read_to_string(&mut log)
        .expect("read");
    assert!(!log.contains("local-login"), "{log}");
}

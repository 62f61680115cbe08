//! A fleet: servers as processes over one PostgreSQL and one Redis, a telephone network as a process, and a balancer
//! between them, so that callbacks and media land on any server.

use crate::redis::RedisServer;
use samvad::app::campaigns::{Activation, Campaigns, on_the_command_line};
use samvad::config::Settings;
use samvad::store::{DatabaseUrl, SqlStore, migrate_up};
use samvad_actors::domain::{Campaign, CampaignId, ContactId, Lifecycle, Mode, PhoneNumber, TimeOfDay, Weekday};
use samvad_actors::ports::{AttemptStore, CampaignState, ContactImport, DialerStore, NewContact, ResultStore};
use samvad_simulator::{Respondent, Scenario};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const HEALTH: &str = include_str!("../../fixtures/campaigns/health_survey.yaml");
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const AUTH_TOKEN: &str = "an-auth-token-of-a-test";
const TOKEN_KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const PUBLIC_URL: &str = "https://samvad.example";

/// Longest wait for anything that must happen.
const DEADLINE: Duration = Duration::from_secs(90);

type Environment = BTreeMap<String, String>;

fn samvad(environment: &Environment, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samvad"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env(
            "SAMVAD_PROMPT_CACHE_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("prompts"),
        )
        .envs(environment)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    command
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// A process that prints a JSON value a line. Killed when dropped.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    log: PathBuf,
}

impl Process {
    fn start(mut command: Command, log: PathBuf) -> Self {
        let file = std::fs::File::create(&log).expect("a log");
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().expect("it starts");
        let stdout = child.stdout.take().expect("its output");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let printed = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).expect("JSON lines");
                printed.lock().unwrap_or_else(PoisonError::into_inner).push(value);
            }
        });
        let process = Self {
            child,
            lines,
            reader: Some(reader),
            log,
        };
        let begun = Instant::now();
        while process.event("listening").is_none() {
            assert!(begun.elapsed() < DEADLINE, "it does not listen: {}", process.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        process
    }

    pub fn lines(&self) -> Vec<Value> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn event(&self, name: &str) -> Option<Value> {
        self.lines().into_iter().find(|line| line["event"] == name)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// As a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    fn terminate(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
        self.child.wait().expect("ended");
        // The last line is read as well.
        if let Some(reader) = self.reader.take() {
            reader.join().expect("JSON lines");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Passes each connection on to the next server that takes it.
fn balance(servers: Vec<SocketAddr>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for (turn, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let order = (0..servers.len()).map(|index| servers[(turn + index) % servers.len()]);
            let Some(server) = order.filter_map(|server| TcpStream::connect(server).ok()).next() else {
                continue;
            };
            for (from, to) in [(&stream, &server), (&server, &stream)] {
                let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
                std::thread::spawn(move || {
                    // Whichever side ends it, the other is told.
                    std::io::copy(&mut from, &mut to).ok();
                    to.shutdown(std::net::Shutdown::Both).ok();
                    from.shutdown(std::net::Shutdown::Both).ok();
                });
            }
        }
    });
    address
}

pub struct Fleet {
    pub redis: RedisServer,
    pub nodes: Vec<Process>,
    pub store: SqlStore,
    network: Process,
    environment: Environment,
    respondents: Vec<Respondent>,
    directory: TempDir,
}

impl Fleet {
    /// So many servers, and a network on which the callers of a scenario are.
    pub async fn start(nodes: usize, scenario: &str, settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a folder");
        let script = directory.path().join("scenario.yaml");
        std::fs::write(&script, scenario).expect("written");
        let database = crate::postgres::new_database().await.expect("PostgreSQL");
        migrate_up(&DatabaseUrl::parse(&database).expect("a URL"), None)
            .await
            .expect("migrated");
        let redis = RedisServer::start();
        let addresses: Vec<_> = (0..nodes).map(|_| free_address()).collect();
        let account = [("TWILIO_ACCOUNT_SID", ACCOUNT), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)];
        let account: Environment = account.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let arguments = [
            "simulator",
            "--listen=127.0.0.1:0",
            "--json",
            &format!("--script={}", script.display()),
            &format!("--public-url={PUBLIC_URL}"),
            &format!("--server={}", balance(addresses.clone())),
        ];
        let network = Process::start(samvad(&account, &arguments), directory.path().join("network.log"));
        let carrier = network.event("listening").expect("it listens")["address"].clone();
        let mut environment = account;
        let ours = [
            ("SAMVAD_PUBLIC_URL", PUBLIC_URL),
            ("SAMVAD_MEDIA_TOKEN_KEY", TOKEN_KEY),
            ("SAMVAD_RECOGNIZER", "fixed:60ms"),
            ("SAMVAD_CALLS_PER_SECOND", "50"),
            ("SAMVAD_QUEUE_LIMIT_SECONDS", "0"),
            ("SAMVAD_RING_TIMEOUT_SECONDS", "10"),
            ("SAMVAD_WORKERS", "1"),
            ("SAMVAD_DRAIN_SECONDS", "0"),
            ("DATABASE_URL", &database),
            ("REDIS_URL", &redis.url()),
            (
                "TWILIO_API_BASE_URL",
                &format!("http://{}", carrier.as_str().expect("an address")),
            ),
        ];
        for (name, value) in ours.iter().chain(settings) {
            environment.insert((*name).to_owned(), (*value).to_owned());
        }
        let store = SqlStore::open(&database).await.expect("the database");
        let mut fleet = Self {
            redis,
            nodes: Vec::new(),
            store,
            network,
            environment,
            respondents: Scenario::load(&script).expect("a scenario").respondents(None),
            directory,
        };
        for (index, address) in addresses.into_iter().enumerate() {
            let name = format!("node-{index}");
            let command = samvad(&fleet.environment_of(&name, address), &["serve", "--events"]);
            let log = fleet.directory.path().join(format!("{name}.log"));
            fleet.nodes.push(Process::start(command, log));
        }
        fleet
    }

    fn environment_of(&self, name: &str, address: SocketAddr) -> Environment {
        let mut environment = self.environment.clone();
        environment.insert("SAMVAD_NODE_NAME".to_owned(), name.to_owned());
        environment.insert("SAMVAD_BIND".to_owned(), address.to_string());
        environment
            .entry("SAMVAD_API_BIND".to_owned())
            .or_insert_with(|| "off".to_owned());
        let data = self.directory.path().join(name).display().to_string();
        environment.insert("SAMVAD_DATA_DIR".to_owned(), data);
        environment
    }

    /// A server more, that is expected to refuse to start.
    pub fn start_without_redis(&self) -> Output {
        let mut environment = self.environment_of("loner", free_address());
        environment.remove("REDIS_URL");
        samvad(&environment, &["serve"]).output().expect("it runs")
    }

    /// What an operator's command says, run on a machine of its own; it must succeed.
    pub fn operate(&self, arguments: &[&str]) -> String {
        let environment = self.environment_of("operator", free_address());
        let done = samvad(&environment, arguments).output().expect("it runs");
        let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(done.status.success(), "{}{}", said(&done.stdout), said(&done.stderr));
        said(&done.stdout)
    }

    /// Calls these respondents, all day, not spread, once each.
    pub async fn call(&self, id: &str, whom: impl Fn(usize) -> bool) -> CampaignId {
        let mut campaign = Campaign::from_yaml(HEALTH).expect("the example is valid");
        campaign.id = CampaignId::from(id);
        let rules = &mut campaign.dialing;
        rules.window.weekdays = Weekday::ALL.to_vec();
        (rules.window.start, rules.window.end) = (TimeOfDay::hour(0), TimeOfDay::hour(0));
        rules.retry.max_attempts = 1;
        rules.spread = false;
        let settings = Settings::from_env(&self.environment_of("operator", free_address())).expect("settings");
        let campaigns = Campaigns::open(&settings).await.expect("opened");
        let by = on_the_command_line("operator");
        campaigns.create(&campaign, &by).await.expect("created");
        let contacts: Vec<_> = self
            .respondents
            .iter()
            .enumerate()
            .filter(|(index, _)| whom(*index))
            .map(|(index, respondent)| ContactImport {
                contact: NewContact {
                    id: ContactId::new(format!("{id}-{index}")),
                    campaign: campaign.id.clone(),
                    number: PhoneNumber::parse(&respondent.number).expect("E.164"),
                    external_id: None,
                    name: None,
                    email: None,
                    language: None,
                },
                zone: None,
                prior_consent: false,
            })
            .collect();
        campaigns
            .import_contacts(&campaign.id, &contacts, &by)
            .await
            .expect("imported");
        let activation = Activation {
            campaign: campaign.id.clone(),
            mode: Mode::Simulated,
            starts_at_ms: None,
            confirmation: None,
        };
        campaigns.activate(&activation, &by).await.expect("active");
        campaigns.close().await;
        campaign.id
    }

    pub async fn state(&self, campaign: &CampaignId) -> CampaignState {
        self.store.campaign_state(campaign).await.expect("read").expect("there")
    }

    /// Which server leads.
    pub async fn leader(&self, campaign: &CampaignId) -> Option<usize> {
        let leader = self.state(campaign).await.leader?;
        (0..self.nodes.len()).find(|index| leader.starts_with(&format!("node-{index}-")))
    }

    pub async fn until(&self, what: &str, is_so: impl AsyncFn() -> bool) {
        let begun = Instant::now();
        while !is_so().await {
            if begun.elapsed() >= DEADLINE {
                let logs: Vec<String> = self.nodes.iter().map(|node| tail(&node.log())).collect();
                panic!("waited in vain: {what}\n{}", logs.join("\n---\n"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn completed(&self, campaign: &CampaignId) {
        self.until("the campaign completes", async || {
            self.state(campaign).await.lifecycle == Lifecycle::Completed
        })
        .await;
    }

    pub async fn open_attempts(&self) -> Vec<samvad_actors::ports::AttemptRow> {
        self.store.open_attempts().await.expect("read")
    }

    /// How many contacts came to each outcome.
    pub async fn outcomes(&self, campaign: &CampaignId) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.store.results(campaign).await.expect("read") {
            let outcome = row.attempt.and_then(|attempt| attempt.outcome);
            let word = outcome.map_or("none".to_owned(), |outcome| format!("{outcome:?}"));
            *counts.entry(word).or_default() += 1;
        }
        counts
    }

    /// The people on the network.
    pub fn respondents(&self) -> &[Respondent] {
        &self.respondents
    }

    /// How many calls to each caller of the scenario have ended, by the network's own record.
    pub fn calls_to(&self) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for line in self.network.lines().iter().filter(|line| line["event"] == "call") {
            let caller = line["caller"].as_str().expect("a name").to_owned();
            *calls.entry(caller).or_default() += 1;
        }
        calls
    }

    /// Calls that the network knows of and that have ended.
    pub fn calls_ended(&self) -> usize {
        let lines = self.network.lines();
        lines.iter().filter(|line| line["event"] == "call").count()
    }

    /// Ends the network: nobody was called twice, and never more than so many were at once. How many were called.
    pub fn judge(mut self, at_once: u64) -> usize {
        self.network.terminate();
        let lines = self.network.lines();
        let calls: Vec<_> = lines.iter().filter(|line| line["event"] == "call").collect();
        for call in &calls {
            assert_eq!(call["ordinal"], 1, "called twice: {call}");
        }
        let summary = lines.last().expect("a summary");
        let peak = summary["peak_calls"].as_u64().expect("a count");
        assert!(peak <= at_once, "{peak} calls at once: {summary}");
        calls.len()
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}

//! The processes of a run: three nodes behind a balancer, the simulator, PostgreSQL and Redis. All of them end with
//! this test program.

use crate::faults::NODES;
use crate::people::People;
use crate::postgres;
use crate::server::RedisServer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use samvad::store::{DatabaseUrl, migrate_up};
use std::collections::BTreeMap;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const AUTH_TOKEN: &str = "an-auth-token-of-the-chaos";
const TOKEN_KEY: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const PUBLIC_URL: &str = "https://samvad.example";

/// The whole machinery.
pub struct Fleet {
    pub database: postgres::Server,
    pub database_url: String,
    pub redis: RedisServer,
    directory: PathBuf,
    environment: BTreeMap<String, String>,
    addresses: Vec<SocketAddr>,
    nodes: Vec<Option<Child>>,
    simulator: Child,
}

impl Fleet {
    /// Starts everything but the nodes. Must be called on the thread that lives as long as the test.
    pub async fn start(directory: &Path, people: &People, seed: u64) -> Self {
        let mut database = postgres::Server::start().expect("PostgreSQL starts");
        let database_url = database.new_database().await.expect("a database");
        keep_commit_times(&database_url).await;
        database.crash().expect("stopped");
        database.restart().expect("started");
        migrate_up(&DatabaseUrl::parse(&database_url).expect("a URL"), None)
            .await
            .expect("migrated");
        let redis = RedisServer::start();
        let carrier = free_address();
        let addresses: Vec<SocketAddr> = (0..NODES).map(|_| free_address()).collect();
        let environment = environment(people, carrier, &database_url, &redis.url());
        let balancer = balance(addresses.clone(), seed).await;
        let script = directory.join("scenario.yaml");
        std::fs::write(&script, people.scenario.to_string()).expect("written");
        let simulator = samvad(&environment)
            .args(["simulator", "--die-with-parent", "--json", "--show-numbers"])
            .args(["--listen", &carrier.to_string(), "--server", &balancer.to_string()])
            .args(["--public-url", PUBLIC_URL, "--seed", &seed.to_string()])
            .arg("--script")
            .arg(&script)
            .arg("--ledger")
            .arg(ledger(directory))
            .stdout(log(directory, "simulator.out"))
            .stderr(log(directory, "simulator.err"))
            .spawn()
            .expect("the simulator starts");
        Self {
            database,
            database_url,
            redis,
            directory: directory.to_owned(),
            environment,
            addresses,
            nodes: (0..NODES).map(|_| None).collect(),
            simulator,
        }
    }

    /// What operators run commands with.
    pub fn operator(&self) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        let data = self.directory.join("operator").display().to_string();
        environment.insert("SAMVAD_DATA_DIR".to_owned(), data);
        environment
    }

    /// Starts a node unless it runs.
    pub fn start_node(&mut self, index: usize) {
        if self.is_up(index) {
            return;
        }
        let name = format!("node-{index}");
        let child = samvad(&self.environment)
            .args(["serve", "--die-with-parent"])
            .env("SAMVAD_BIND", self.addresses[index].to_string())
            .env("SAMVAD_API_BIND", "off")
            .env("SAMVAD_DATA_DIR", self.directory.join(&name))
            .env("SAMVAD_NODE_NAME", &name)
            .stdout(Stdio::null())
            .stderr(log(&self.directory, &format!("{name}.err")))
            .spawn()
            .expect("a node starts");
        self.nodes[index] = Some(child);
    }

    /// Kills a node at once.
    pub fn kill_node(&mut self, index: usize) {
        if let Some(mut child) = self.nodes[index].take() {
            child.kill().expect("killed");
            child.wait().expect("reaped");
        }
    }

    /// True if its process runs. One that could not start (the database was away) does not.
    pub fn is_up(&mut self, index: usize) -> bool {
        let child = self.nodes[index].as_mut();
        child.is_some_and(|child| child.try_wait().expect("its state").is_none())
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for index in 0..NODES {
            self.kill_node(index);
        }
        self.simulator.kill().ok();
        self.simulator.wait().ok();
    }
}

/// Where the simulator writes its record.
pub fn ledger(directory: &Path) -> PathBuf {
    directory.join("ledger")
}

fn environment(people: &People, carrier: SocketAddr, database: &str, redis: &str) -> BTreeMap<String, String> {
    let prompts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("prompts");
    let limit = |limit: Option<usize>| limit.map_or_else(String::new, |limit| limit.to_string());
    [
        ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
        ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
        ("TWILIO_API_BASE_URL", format!("http://{carrier}")),
        ("SAMVAD_PUBLIC_URL", PUBLIC_URL.to_owned()),
        ("DATABASE_URL", database.to_owned()),
        ("REDIS_URL", redis.to_owned()),
        ("SAMVAD_MEDIA_TOKEN_KEY", TOKEN_KEY.to_owned()),
        ("SAMVAD_PROMPT_CACHE_DIR", prompts.display().to_string()),
        ("SAMVAD_RECOGNIZER", "fixed:60ms".to_owned()),
        ("SAMVAD_WORKERS", "1".to_owned()),
        ("SAMVAD_RING_TIMEOUT_SECONDS", "5".to_owned()),
        ("SAMVAD_QUEUE_LIMIT_SECONDS", "2".to_owned()),
        ("SAMVAD_MAX_CALLS", limit(people.fleet.at_once)),
        ("SAMVAD_CALLS_PER_SECOND", limit(people.fleet.per_second)),
        ("SAMVAD_CALLS_PER_DAY", limit(people.fleet.per_day)),
        ("SAMVAD_COUNTRY_MAX_CALLS", limit(people.country.at_once)),
        ("SAMVAD_COUNTRY_CALLS_PER_DAY", limit(people.country.per_day)),
        ("SAMVAD_CALLER_ID_MAX_CALLS", people.per_caller_id.to_string()),
        ("SAMVAD_LOG", "info".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// The binary with nothing of this process's environment but the path.
fn samvad(environment: &BTreeMap<String, String>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samvad"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(environment)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null());
    command
}

fn log(directory: &Path, name: &str) -> File {
    let path = directory.join(name);
    File::options().create(true).append(true).open(path).expect("a log")
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// By the times of commits the record says what was first.
async fn keep_commit_times(database_url: &str) {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect(database_url).await.expect("connected");
    sqlx::raw_sql("ALTER SYSTEM SET track_commit_timestamp = on")
        .execute(&mut connection)
        .await
        .expect("set");
    connection.close().await.expect("closed");
}

/// Takes callbacks and media streams to whichever node is there, as a proxy in front of a fleet does.
async fn balance(nodes: Vec<SocketAddr>, seed: u64) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("its address");
    let mut random = StdRng::seed_from_u64(seed);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let first = random.random_range(0..nodes.len());
            let in_turn: Vec<SocketAddr> = (0..nodes.len()).map(|n| nodes[(first + n) % nodes.len()]).collect();
            tokio::spawn(async move {
                for node in in_turn {
                    if let Ok(mut server) = TcpStream::connect(node).await {
                        // A node that dies ends its connections, which the other end sees.
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                        return;
                    }
                }
            });
        }
    });
    address
}

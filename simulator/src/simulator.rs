//! Starting and stopping.

use crate::gateway::Gateway;
use crate::network::World;
use crate::options::SimulatorOptions;
use crate::report::{CallReport, Ledger, Reporter, SimulatorSummary};
use crate::rest;
use crate::scenario::{Scenario, ScenarioError};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// How long calls may take to end after the run is over.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The scenario has faults.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The account's id is not one.
    #[error("the account sid is not AC followed by 32 hexadecimal digits; give one of that form")]
    AccountSid,
    /// The public origin is not one.
    #[error("the public URL is not an https origin without a path; write it as https://survey.example")]
    PublicUrl,
    /// The address is taken, or not of this machine.
    #[error("cannot listen on {address} ({source}); choose another address or port")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The folder for recordings cannot be made.
    #[error("the folder {path} for recordings cannot be made ({source}); choose another")]
    Recordings {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The record of calls cannot be written.
    #[error("the record of calls {path} cannot be written ({source}); choose another file")]
    Ledger {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The HTTP client cannot be set up.
    #[error("the client for callbacks cannot be set up: {0}")]
    Client(#[from] reqwest::Error),
}

/// A running simulator.
#[derive(Debug)]
pub struct Simulator {
    address: SocketAddr,
    scenario: String,
    world: Arc<World>,
    server: JoinHandle<()>,
}

impl Simulator {
    /// Loads the scenario and begins to listen. Must be called on a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// [`SimulatorError`] if a setting or the scenario is wrong.
    pub async fn start(options: &SimulatorOptions) -> Result<Self, SimulatorError> {
        let scenario = Scenario::load(&options.scenario)?;
        let public = checked(options)?;
        if let Some(path) = &options.recordings {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(|source| SimulatorError::Recordings {
                    path: path.clone(),
                    source,
                })?;
        }
        let ledger = match &options.ledger {
            Some(path) => Some(Ledger::open(path).map_err(|source| SimulatorError::Ledger {
                path: path.clone(),
                source,
            })?),
            None => None,
        };
        let listening = |source| SimulatorError::Listen {
            address: options.listen,
            source,
        };
        let listener = TcpListener::bind(options.listen).await.map_err(listening)?;
        let address = listener.local_addr().map_err(listening)?;
        let gateway = Gateway::new(public, options.server, options.auth_token.clone())?;
        let reporter = Reporter::new(options.json_lines, options.show_numbers);
        let world = World::new(options, &scenario, gateway, reporter, ledger);
        let router = rest::router(world.clone());
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the Calls API has stopped");
            }
        });
        world.reporter.listening(address);
        Ok(Self {
            address,
            scenario: scenario.name,
            world,
            server,
        })
    }

    /// Where the Calls API listens: `http://ADDRESS` is what a client's base URL has to be.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until no call is left, for five seconds at most; the server may be gone by now, and what it no longer
    /// answers is not held against it.
    pub async fn settle(&self) {
        self.world.settling.store(true, Ordering::Relaxed);
        let mut live = self.world.reporter.live();
        let none_left = async { while *live.borrow_and_update() > 0 && live.changed().await.is_ok() {} };
        // A call that goes on after that is not in the summary.
        let _ = tokio::time::timeout(SETTLE_LIMIT, none_left).await;
    }

    /// Waits until everybody in the scenario has been called at least once and every call has ended.
    pub async fn done(&self) {
        let mut live = self.world.reporter.live();
        loop {
            if *live.borrow_and_update() == 0 && self.not_called().is_empty() {
                return;
            }
            if live.changed().await.is_err() {
                return;
            }
        }
    }

    /// The reports of all calls that have ended.
    pub fn reports(&self) -> Vec<CallReport> {
        self.world.reporter.reports()
    }

    /// The run so far.
    pub fn summary(&self) -> SimulatorSummary {
        let mut summary = self.world.reporter.summary();
        let registry = self.world.registry();
        for respondent in self.world.respondents() {
            let calls = registry.calls_to(&respondent.number);
            if !respondent.expectations.calls.contain(calls) {
                summary
                    .failures
                    .push(format!("{}: expected other than {calls} call(s)", respondent.caller));
            }
        }
        drop(registry);
        for inbound in &self.world.inbound {
            if !self.world.reporter.has_called_in(&inbound.name) {
                summary.failures.push(format!("{}: did not call", inbound.name));
            }
        }
        summary.scenario.clone_from(&self.scenario);
        summary.not_called = self.not_called();
        (summary.ticks, summary.late_ticks, summary.latest_tick_us) = self.world.pacer.punctuality().read();
        summary
    }

    /// Stops listening, writes the summary, and gives it. Calls that are still going on are not in it.
    pub fn stop(self) -> SimulatorSummary {
        self.server.abort();
        let summary = self.summary();
        self.world.reporter.end(&summary);
        summary
    }

    fn not_called(&self) -> Vec<usize> {
        let registry = self.world.registry();
        let mut indices: Vec<usize> = self
            .world
            .respondents()
            .filter(|respondent| registry.calls_to(&respondent.number) == 0)
            .map(|respondent| respondent.index)
            .collect();
        indices.sort_unstable();
        indices
    }
}

/// Runs a simulator until `stop` resolves or, where [`SimulatorOptions::stop_when_done`] asks for it, until everybody
/// has been called. Calls that are about to end may do so ([`Simulator::settle`]).
///
/// # Errors
/// [`SimulatorError`] if it does not start.
pub async fn run(
    options: &SimulatorOptions,
    stop: impl Future<Output = ()>,
) -> Result<SimulatorSummary, SimulatorError> {
    let simulator = Simulator::start(options).await?;
    tokio::select! {
        () = stop => {}
        () = simulator.done(), if options.stop_when_done => {}
    }
    simulator.settle().await;
    Ok(simulator.stop())
}

fn checked(options: &SimulatorOptions) -> Result<Url, SimulatorError> {
    let sid = options.account_sid.as_bytes();
    if sid.len() != 34 || !sid.starts_with(b"AC") || !sid[2..].iter().all(u8::is_ascii_hexdigit) {
        return Err(SimulatorError::AccountSid);
    }
    let public = Url::parse(&options.public_url).map_err(|_| SimulatorError::PublicUrl)?;
    if public.scheme() != "https" || public.path() != "/" || public.query().is_some() {
        return Err(SimulatorError::PublicUrl);
    }
    Ok(public)
}

//! What a simulator is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Settings of one simulator.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// Where the Calls API listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The scenario file.
    pub scenario: PathBuf,
    /// How many respondents there are; `None`: as many as the scenario says. See [`crate::Scenario::respondents`].
    pub calls: Option<usize>,
    /// The account, `AC` and 32 hexadecimal digits.
    pub account_sid: String,
    /// The account's key: for Basic authentication, and for signatures.
    pub auth_token: String,
    /// The server's public origin, `https://…`: what URLs must begin with, and what signatures cover. It need not
    /// exist; `wss://…` at the same host is the origin of media streams.
    pub public_url: String,
    /// Where the server really listens, in the clear, as behind a proxy that ends TLS.
    pub server: SocketAddr,
    /// Seed of the run, in place of the scenario's.
    pub seed: Option<u64>,
    /// Folder for recordings of each line, made if it is missing; `None`: no recordings.
    pub recordings: Option<PathBuf>,
    /// A file in which each call is written down as it begins and as it ends, with its whole number; `None`: none.
    pub ledger: Option<PathBuf>,
    /// Write a line of JSON to standard output for each call as it ends, and for the summary.
    pub json_lines: bool,
    /// Show called numbers whole in the report. They are masked otherwise.
    pub show_numbers: bool,
    /// End as soon as everybody has been called and every call has ended.
    pub stop_when_done: bool,
}

/// The key is left out.
impl std::fmt::Debug for SimulatorOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimulatorOptions")
            .field("listen", &self.listen)
            .field("scenario", &self.scenario)
            .field("calls", &self.calls)
            .field("public_url", &self.public_url)
            .field("server", &self.server)
            .field("seed", &self.seed)
            .field("recordings", &self.recordings)
            .finish_non_exhaustive()
    }
}

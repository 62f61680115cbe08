//! Everything that the parts of the simulator share.

use super::call::{Call, CallRequest};
use super::{Registry, flow, inbound};
use crate::audio::{Colour, NoiseLoop};
use crate::gateway::Gateway;
use crate::options::SimulatorOptions;
use crate::report::{Ledger, Reporter};
use crate::scenario::{FaultKind, FaultSet, InboundCall, Network, Respondent, Scenario};
use crate::stream::Pacer;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// The network and everybody in it.
#[derive(Debug)]
pub(crate) struct World {
    pub account_sid: String,
    pub auth_token: String,
    pub network: Network,
    pub seed: u64,
    pub gateway: Arc<Gateway>,
    pub pacer: Pacer,
    pub reporter: Reporter,
    pub recordings: Option<PathBuf>,
    pub ledger: Option<Ledger>,
    /// The run is over: the server may be gone.
    pub settling: Arc<AtomicBool>,
    /// Calls that people make to the server's number.
    pub inbound: Vec<Arc<InboundCall>>,
    fault_rates: Vec<(FaultKind, f64)>,
    respondents: BTreeMap<String, Respondent>,
    registry: Mutex<Registry>,
    noises: Mutex<BTreeMap<(u8, i64), Arc<NoiseLoop>>>,
}

impl World {
    /// Puts everything in its place; must be called on a runtime.
    pub(crate) fn new(
        options: &SimulatorOptions,
        scenario: &Scenario,
        gateway: Gateway,
        reporter: Reporter,
        ledger: Option<Ledger>,
    ) -> Arc<Self> {
        let respondents = scenario
            .respondents(options.calls)
            .into_iter()
            .map(|respondent| (respondent.number.clone(), respondent))
            .collect();
        Arc::new(Self {
            account_sid: options.account_sid.clone(),
            auth_token: options.auth_token.clone(),
            network: scenario.network.clone(),
            seed: options.seed.unwrap_or(scenario.seed),
            gateway: Arc::new(gateway),
            pacer: Pacer::start(),
            reporter,
            recordings: options.recordings.clone(),
            ledger,
            settling: Arc::new(AtomicBool::new(false)),
            inbound: scenario.inbound.clone(),
            fault_rates: scenario.fault_rates.clone(),
            respondents,
            registry: Mutex::new(Registry::default()),
            noises: Mutex::new(BTreeMap::new()),
        })
    }

    /// The calls, locked.
    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody who can be called.
    pub(crate) fn respondents(&self) -> impl Iterator<Item = &Respondent> {
        self.respondents.values()
    }

    /// A source of chance that is the same in every run for the same number, call and purpose.
    pub(crate) fn random(&self, number: &str, ordinal: u64, purpose: &str) -> StdRng {
        let text = format!("{number}/{ordinal}/{purpose}");
        // FNV-1a: any mixing that never changes will do.
        let salt = text.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        StdRng::seed_from_u64(self.seed ^ salt)
    }

    /// The faults of a call: the caller's own, and those of the network that chance has chosen.
    pub(crate) fn faults(&self, number: &str, ordinal: u64) -> FaultSet {
        let mut faults = FaultSet::default();
        for kind in self
            .respondents
            .get(number)
            .iter()
            .flat_map(|respondent| &respondent.script.faults)
        {
            faults.insert(*kind);
        }
        for &(kind, rate) in &self.fault_rates {
            if self.random(number, ordinal, kind.name()).random_bool(rate) {
                faults.insert(kind);
            }
        }
        faults
    }

    /// Creates a call and sets it going.
    pub(crate) fn place(self: &Arc<Self>, request: CallRequest) -> Arc<Call> {
        let respondent = self.respondents.get(&request.to).cloned();
        let now = Instant::now();
        let (call, is_first) = {
            let mut registry = self.registry();
            let is_first = registry.newest_first().next().is_none();
            let ordinal = registry.count_call(&request.to);
            let dial_at = registry.take_turn(now, self.network.calls_per_second);
            let queue_time_ms = u64::try_from((dial_at - now).as_millis()).unwrap_or(u64::MAX);
            let mut random = self.random(&request.to, ordinal, "sid");
            let sid = format!("CA{:016x}{:016x}", random.random::<u64>(), random.random::<u64>());
            let faults = self.faults(&request.to, ordinal);
            let call = Call::new(
                sid,
                request,
                respondent,
                ordinal,
                faults,
                queue_time_ms,
                dial_at,
                Timestamp::now(),
            );
            let call = Arc::new(call);
            registry.add(call.clone());
            (call, is_first)
        };
        if let Some(ledger) = &self.ledger {
            ledger.placed(&call);
        }
        self.reporter.call_begins();
        if is_first {
            inbound::strangers_call(self);
        }
        tokio::spawn(flow::run(self.clone(), call.clone()));
        call
    }

    /// Noise of a colour and a level, shared by all callers who want the same.
    pub(crate) fn noise(&self, colour: Colour, level: f64) -> Arc<NoiseLoop> {
        let key = (colour as u8, level.round() as i64);
        let mut noises = self.noises.lock().unwrap_or_else(PoisonError::into_inner);
        noises
            .entry(key)
            .or_insert_with(|| Arc::new(NoiseLoop::new(colour, level, self.seed)))
            .clone()
    }
}

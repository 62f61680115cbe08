//! From the YAML document to a [`Scenario`]: the file as a whole.

use super::fields::{Faults, ScenarioFault, Section};
use super::parse_caller::Recordings;
use super::{FaultKind, Network, Scenario, inbound, parse_caller};
use serde_norway::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The block of numbers that callers without one of their own are given.
const FIRST_NUMBER: u64 = 14_155_550_000;

/// Builds the scenario; recordings are looked for in `folder`.
pub(super) fn scenario(document: Value, folder: &Path) -> Result<Scenario, Vec<ScenarioFault>> {
    let faults = Faults::default();
    let scenario = read(document, folder, &faults);
    let found = faults.into_all();
    if found.is_empty() { Ok(scenario) } else { Err(found) }
}

fn read(document: Value, folder: &Path, faults: &Faults) -> Scenario {
    let mut file = Section::new("", document, faults);
    let name = file.text("name").unwrap_or_default();
    if name.is_empty() {
        file.fault("name", "is missing; say in a few words what the scenario is about");
    }
    let seed = file.integer("seed", 0..=u64::MAX).unwrap_or(1);
    let network = file.section("network").map_or_else(Network::default, network);
    let fault_rates = file.section("faults").map_or_else(Vec::new, fault_rates);
    let first_number = number(&mut file, "first_number").unwrap_or(FIRST_NUMBER);
    let mut recordings = Recordings::new(folder, seed);
    let confirm = parse_caller::confirm(&mut file, &mut recordings);
    let callers: Vec<_> = file
        .list("callers")
        .into_iter()
        .map(|(path, value)| {
            let section = Section::new(&path, value, faults);
            Arc::new(parse_caller::caller(section, &mut recordings, confirm.as_ref()))
        })
        .collect();
    if callers.is_empty() {
        file.fault("callers", "is empty; there must be at least one");
    }
    let mut names = BTreeSet::new();
    for (index, caller) in callers.iter().enumerate() {
        if !names.insert(caller.name.as_str()) {
            faults.add(
                &format!("callers[{index}].name"),
                "is the name of another caller as well",
            );
        }
    }
    let names: Vec<&str> = callers.iter().map(|caller| caller.name.as_str()).collect();
    let inbound = file
        .list("inbound")
        .into_iter()
        .map(|(path, value)| Arc::new(inbound::inbound(Section::new(&path, value, faults), &names)))
        .collect();
    file.finish();
    Scenario {
        name,
        seed,
        network,
        fault_rates,
        first_number,
        callers,
        inbound,
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            calls_per_second: 1.0,
            setup_ms: 300,
            next_verb_after_stream: true,
            dtmf_in_audio: None,
            playout_limit_ms: 600_000,
            prompt_gap_ms: 200,
        }
    }
}

fn network(mut section: Section<'_>) -> Network {
    let default = Network::default();
    let network = Network {
        calls_per_second: section
            .number("calls_per_second", 0.0..=1_000.0)
            .unwrap_or(default.calls_per_second),
        setup_ms: section.integer("setup_ms", 0..=60_000).unwrap_or(default.setup_ms),
        next_verb_after_stream: section
            .choice("after_stream", &[("next_verb", true), ("hang_up", false)])
            .unwrap_or(default.next_verb_after_stream),
        dtmf_in_audio: section.flag("dtmf_in_audio"),
        playout_limit_ms: section
            .integer("playout_limit_ms", 20..=3_600_000)
            .unwrap_or(default.playout_limit_ms),
        prompt_gap_ms: section
            .integer("prompt_gap_ms", 40..=5_000)
            .unwrap_or(default.prompt_gap_ms),
    };
    section.finish();
    network
}

fn fault_rates(mut section: Section<'_>) -> Vec<(FaultKind, f64)> {
    let mut rates = Vec::new();
    for kind in FaultKind::ALL {
        if let Some(rate) = section.number(kind.name(), 0.0..=1.0) {
            rates.push((*kind, rate));
        }
    }
    for (name, _) in section.rest() {
        section.fault(&name, unknown_fault());
    }
    rates
}

/// What to say of a name that is not a fault's.
pub(super) fn unknown_fault() -> String {
    let names: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
    format!("is not a fault that is known; known are {}", names.join(", "))
}

/// An E.164 number, as its digits.
pub(super) fn number(section: &mut Section<'_>, name: &str) -> Option<u64> {
    let text = section.text(name)?;
    let digits = text.strip_prefix('+').filter(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    });
    let number = digits.and_then(|digits| digits.parse().ok());
    if number.is_none() {
        section.fault(name, "is not an E.164 number; write it as \"+14155550101\"");
    }
    number
}

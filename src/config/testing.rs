//! Settings from pairs, for the tests of every part of them.

use super::{ConfigFaults, Settings};
use std::collections::BTreeMap;

pub(super) fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(super) fn read(pairs: &[(&str, &str)]) -> Result<Settings, ConfigFaults> {
    Settings::from_env(&environment(pairs))
}

/// The variables that are faulty.
pub(super) fn faults(pairs: &[(&str, &str)]) -> Vec<String> {
    let ConfigFaults(faults) = read(pairs).expect_err("faulty");
    faults.into_iter().map(|fault| fault.variable).collect()
}

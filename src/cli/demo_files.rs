//! The demo's scenario, campaign and recordings. They are built into the program, so that it runs from any directory
//! and without the repository.

use crate::config::private_files;
use anyhow::Context;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Path below `fixtures/`, and content; listed by `build.rs`.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/demo_files.rs"));

/// The scenario among them.
const SCENARIO: &str = "scenarios/demo.yaml";

/// The campaign among them.
const CAMPAIGN: &str = "campaigns/health_survey.yaml";

/// Writes the demo's scenario with its recordings below a directory.
///
/// # Errors
/// If a file cannot be written, or is there already.
pub(super) fn unpack_scenario(directory: &Path) -> anyhow::Result<PathBuf> {
    for (name, content) in FILES.iter().filter(|(name, _)| *name != CAMPAIGN) {
        write(directory, name, content)?;
    }
    Ok(directory.join(SCENARIO))
}

/// Writes the demo's campaign below a directory.
///
/// # Errors
/// If the file cannot be written, or is there already.
pub(super) fn unpack_campaign(directory: &Path) -> anyhow::Result<PathBuf> {
    for (name, content) in FILES.iter().filter(|(name, _)| *name == CAMPAIGN) {
        write(directory, name, content)?;
    }
    Ok(directory.join(CAMPAIGN))
}

fn write(directory: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = directory.join(name);
    if let Some(folder) = path.parent() {
        private_files::ensure_directory(folder)?;
    }
    private_files::create_new(&path)?
        .write_all(content)
        .with_context(|| format!("cannot write {}; check that the disk has room", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_simulator::Scenario;

    #[test]
    fn the_demo_is_whole_without_the_repository() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let scenario = unpack_scenario(directory.path()).expect("written");
        let scenario = Scenario::load(&scenario).expect("every recording is there");
        assert_eq!(scenario.respondents(None).len(), 24);
        let campaign = unpack_campaign(directory.path()).expect("written");
        crate::campaign_files::load_campaign(&campaign).expect("valid");
    }
}

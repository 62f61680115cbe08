//! Finds PocketSphinx, the embedded recogniser's library, through pkg-config, and lists the files of the demo, which
//! are built into the program so that it runs from any directory.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The demo's scenario and campaign, in `fixtures/`.
const DEMO: [&str; 2] = ["scenarios/demo.yaml", "campaigns/health_survey.yaml"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    for library in ["pocketsphinx", "sphinxbase"] {
        if let Err(error) = pkg_config::Config::new().probe(library) {
            println!(
                "cargo::error={library} was not found by pkg-config; on Debian: apt install libpocketsphinx-dev \
                 libsphinxbase-dev pkg-config ({error})"
            );
        }
    }
    list_demo_files()
}

/// Writes `demo_files.rs`: an array of pairs, the path below `fixtures/` and the content.
fn list_demo_files() -> Result<(), Box<dyn Error>> {
    let fixtures = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("fixtures");
    let scenario = std::fs::read_to_string(fixtures.join(DEMO[0]))?;
    let mut files: BTreeSet<String> = DEMO.map(str::to_owned).into();
    files.extend(recordings(&scenario));
    let mut list = String::from("&[\n");
    for file in files {
        let path = fixtures.join(&file);
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(list, "    ({file:?}, include_bytes!({path:?})),")?;
    }
    list.push_str("]\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("demo_files.rs"), list)?;
    Ok(())
}

/// The recordings that a scenario names, whose paths are relative to its folder: `../audio/01_yes.wav`.
fn recordings(scenario: &str) -> impl Iterator<Item = String> + '_ {
    scenario
        .split(|c: char| !(c.is_ascii_alphanumeric() || "._-/".contains(c)))
        .filter(|word| word.ends_with(".wav"))
        .filter_map(|word| word.strip_prefix("../"))
        .map(str::to_owned)
}

//! The scenarios and recordings that come with the project.

#![expect(clippy::panic, reason = "what a test cannot read fails it")]

use samvad_simulator::{ExpectedAnswer, FaultKind, Scenario};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures")
}

fn load(name: &str) -> Scenario {
    Scenario::load(&fixtures().join("scenarios").join(name)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_scenario_loads() {
    for entry in std::fs::read_dir(fixtures().join("scenarios")).expect("a folder") {
        let path = entry.expect("readable").path();
        let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
        assert!(!scenario.respondents(None).is_empty(), "{}", path.display());
    }
}

#[test]
fn the_demo_has_24_respondents_with_an_expected_outcome_each() {
    let respondents = load("demo.yaml").respondents(None);
    assert_eq!(respondents.len(), 24);
    assert!(
        respondents
            .iter()
            .all(|respondent| respondent.expectations.outcome.is_some())
    );
    let outcomes: BTreeSet<_> = respondents
        .iter()
        .filter_map(|who| who.expectations.outcome.clone())
        .collect();
    let expected = [
        "abandoned",
        "callback",
        "completed",
        "failed",
        "partial",
        "refused",
        "voicemail",
    ];
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), expected);
    let first = respondents[0].expectations.answers.clone().expect("given");
    assert_eq!(first[2], ExpectedAnswer::Text("evening".to_owned()));
    let inherited = &respondents[1].expectations;
    assert_eq!(
        (inherited.all_steps, inherited.answers.as_ref().map(Vec::len)),
        (Some(true), Some(3))
    );
}

#[test]
fn the_fault_scenario_has_every_fault() {
    let text = std::fs::read_to_string(fixtures().join("scenarios/faults.yaml")).expect("readable");
    for kind in FaultKind::ALL {
        assert!(
            text.contains(&format!("[{}", kind.name())) || text.contains(&format!(", {}]", kind.name())),
            "{}",
            kind.name()
        );
    }
}

#[test]
fn every_further_recording_stands_in_the_manifest() {
    let folder = fixtures().join("audio_extra");
    let manifest = std::fs::read_to_string(folder.join("manifest.csv")).expect("readable");
    let named: BTreeSet<String> = manifest
        .lines()
        .skip(1)
        .filter_map(|line| line.split(',').next())
        .map(str::to_owned)
        .collect();
    let there: BTreeSet<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".wav"))
        .collect();
    assert_eq!(named, there);
}

#[test]
fn every_example_of_the_documentation_is_a_scenario() {
    let text = std::fs::read_to_string(fixtures().join("../docs/scenarios.md")).expect("readable");
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|part| part.split("```").next())
        .collect();
    assert!(examples.len() >= 8, "an example for each feature");
    for example in examples {
        let path = fixtures().join("scenarios/example.yaml");
        Scenario::parse(example, &path).unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
}

#[test]
fn the_documentation_names_every_fault() {
    let text = std::fs::read_to_string(fixtures().join("../docs/scenarios.md")).expect("readable");
    for kind in FaultKind::ALL {
        assert!(text.contains(&format!("`{}`", kind.name())), "{}", kind.name());
    }
}

//! What a server says of its settings, and whom it does not call.

use crate::harness::{World, campaign, count, output, samvad, text};
use samvad_actors::domain::Mode;
use std::time::Duration;

#[test]
fn every_fault_of_the_settings_is_named_at_once_and_the_status_is_2() {
    let refused = output(samvad().arg("serve").envs([
        ("SAMVAD_BIND", "nowhere"),
        ("SAMVAD_MAX_CALLS", "0"),
        ("SAMVAD_RECOGNIZER", "ears"),
        ("TWILIO_ACCOUNT_SID", "SA1"),
        ("TWILIO_API_BASE_URL", "http://api.example.org"),
        ("DRY_RUN_MODE", "perhaps"),
    ]));
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    for name in [
        "SAMVAD_BIND",
        "SAMVAD_MAX_CALLS",
        "SAMVAD_RECOGNIZER",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_API_BASE_URL",
        "DRY_RUN_MODE",
    ] {
        assert!(said.contains(name), "{name} is not named:\n{said}");
    }
}

#[test]
fn nobody_is_called_over_a_carrier_elsewhere_unless_dry_run_is_switched_off() {
    let world = World::of("name: Nobody\ncallers: [{name: nobody, busy: true, count: 3}]\n")
        .set("TWILIO_API_BASE_URL", "https://api.twilio.example");
    let contacts = world.contacts();
    let mut server = world.server(&["--contacts", &contacts.display().to_string(), "--exit-when-idle"]);
    let status = server.ended(Duration::from_secs(60));
    assert!(status.success(), "{}", server.log_text());
    let lines = server.lines();
    assert_eq!((count(&lines, "placed"), count(&lines, "not_placed")), (0, 3));
    let mut modes = world
        .results()
        .into_iter()
        .map(|row| row.attempt.map(|attempt| attempt.mode));
    assert!(modes.all(|mode| mode == Some(Mode::DryRun)));
}

#[test]
fn a_campaign_file_that_is_not_valid_is_refused_with_status_2_and_its_faults() {
    let directory = tempfile::TempDir::new().expect("a folder");
    let file = directory.path().join("campaign.yaml");
    let valid = std::fs::read_to_string(campaign()).expect("the example");
    std::fs::write(&file, valid.replace("min: 1, max: 5", "min: 5, max: 1")).expect("written");
    let refused = output(
        samvad()
            .args(["serve", "--campaign"])
            .arg(&file)
            .env("SAMVAD_DATA_DIR", directory.path().join("data"))
            .env("SAMVAD_BIND", "127.0.0.1:0")
            .env("SAMVAD_PUBLIC_URL", "https://samvad.example")
            .env("TWILIO_API_BASE_URL", "http://127.0.0.1:1")
            .env("TWILIO_ACCOUNT_SID", crate::harness::ACCOUNT)
            .env("TWILIO_AUTH_TOKEN", crate::harness::AUTH_TOKEN),
    );
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(said.contains("max") || said.contains("min"), "{said}");
    assert!(!said.contains(crate::harness::AUTH_TOKEN));
}

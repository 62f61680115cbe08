//! The recogniser's own process dies in the middle of spoken calls.

use crate::harness::{World, assert_no_panic, count, signal_to};
use rustix::process::Signal;
use std::time::Duration;

const SPEAKERS: &str = r#"
name: Speakers
network: {calls_per_second: 0, dtmf_in_audio: false}
confirm: {shorter_than_ms: 6500, keys: "1"}
callers:
  - name: speaker
    count: 3
    ring_ms: 300
    steps:
      - {name: consent, say: AUDIO/01_yes.wav, otherwise: [{say: AUDIO/01_yes.wav}, {keys: "1"}]}
      - {name: scale, say: AUDIO/17_num_3.wav, otherwise: [{say: AUDIO/17_num_3.wav}, {keys: "3"}]}
      - {name: yes_no, say: AUDIO/01_yes.wav, otherwise: [{say: AUDIO/01_yes.wav}, {keys: "1"}]}
      - {name: choice, keys: "3"}
"#;

#[test]
fn a_killed_recogniser_costs_at_most_a_reprompt() {
    let mut world = World::of(SPEAKERS).set("SAMVAD_RECOGNIZER", "embedded");
    let contacts = world.contacts();
    let mut server = world.server(&["--contacts", &contacts.display().to_string(), "--exit-when-idle"]);
    let pid = server.greeting()["recognizer_pid"]
        .as_i64()
        .expect("a process of its own");
    server.until("they talk", |lines| count(lines, "talking") == 3);
    signal_to(i32::try_from(pid).expect("a process id"), Signal::KILL);
    let status = server.ended(Duration::from_secs(150));
    assert!(status.success(), "{status}: {}", server.log_text());
    assert_no_panic(&server.log_text());
    let outcomes = world.outcomes();
    assert_eq!(
        outcomes.get("Completed"),
        Some(&3),
        "{outcomes:?}: {}",
        server.log_text()
    );
    world.assert_all_ended_once(0);
}

//! A server that is killed in the middle of its calls, and the next one on the same data.

use crate::harness::{World, assert_no_panic, count, count_status, text};
use rustix::process::Signal;
use std::time::Duration;

const CALLERS: &str = r#"
name: In the middle of it
network: {calls_per_second: 2, setup_ms: 100, dtmf_in_audio: false}
callers:
  - {name: answers one, count: 2, ring_ms: 300, steps: [{name: consent, keys: "1"}, {when: prompt_begins, after_ms: 500, keys: "4"}]}
  - {name: slow, count: 2, ring_ms: 28000, steps: [{when: answered, after_ms: 500, keys: "*"}, {when: prompt_begins, after_ms: 1000, keys: "2"}]}
  - {name: later, count: 2, ring_ms: 300, steps: [{when: answered, after_ms: 500, keys: "*"}, {when: prompt_begins, after_ms: 1000, keys: "2"}]}
"#;

#[test]
fn a_killed_server_leaves_nothing_behind_that_the_next_one_does_not_end_and_nobody_is_called_twice() {
    let mut world = World::of(CALLERS).set("SAMVAD_MAX_CALLS", "4");
    let mut server = world.calling();
    server.until("two are in their survey, two ring", |lines| {
        let in_question = lines.iter().filter(|line| line["phase"] == "question 2");
        in_question.count() == 2 && count_status(lines, "ringing") >= 4
    });
    server.signal(Signal::KILL);
    assert!(!server.ended(Duration::from_secs(10)).success());

    let contacts = world.contacts();
    let mut next = world.server(&["--contacts", &contacts.display().to_string(), "--exit-when-idle"]);
    let status = next.ended(Duration::from_secs(90));
    assert!(status.success(), "{status}: {}", next.log_text());
    assert_no_panic(&next.log_text());
    assert_eq!(count(&next.lines(), "placed"), 2, "only those who had not been called");
    let outcomes = world.outcomes();
    assert_eq!(outcomes.get("none"), None, "{outcomes:?}");
    assert_eq!(
        outcomes.get("Refused"),
        Some(&4),
        "who rang when the server died was answered by the next: {outcomes:?}"
    );
    let replayed = world.replay();
    let said = text(&replayed.stdout);
    assert!(replayed.status.success(), "{said}");
    assert_eq!(said.matches("cut off before its end").count(), 2, "{said}");
    world.assert_all_ended_once(2);
}

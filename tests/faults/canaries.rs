//! Numbers, words and secrets of whole calls, looked for in everything the processes write.

use crate::harness::{AUTH_TOKEN, TOKEN_KEY, World};
use rustix::process::Signal;
use samvad_actors::ports::ResultStore;
use std::time::Duration;

const CALLERS: &str = r#"
name: Two who talk
first_number: "+14155558230"
network: {calls_per_second: 0, dtmf_in_audio: false}
callers:
  - {name: a voice, ring_ms: 200, steps: [{when: answered, say: AUDIO/01_yes.wav}, {say: AUDIO/17_num_3.wav}, {hang_up: true}]}
  - name: wants to be removed
    ring_ms: 200
    steps: [{when: answered, after_ms: 100, keys: "*"}, {when: prompt_begins, after_ms: 200, keys: "9"}]
  - {name: one who breaks the stream, ring_ms: 200, faults: [stream_error_31950, wrongly_signed_callbacks], steps: [{when: answered, keys: "*"}]}
"#;

#[test]
fn no_number_word_token_or_key_is_in_any_output_of_whole_calls_at_trace_level() {
    let mut world = World::of(CALLERS).set("SAMVAD_LOG", "trace");
    let contacts = world.contacts();
    let mut server = world.server(&["--contacts", &contacts.display().to_string(), "--exit-when-idle"]);
    assert!(server.ended(Duration::from_secs(90)).success());
    let log = server.log_text();
    assert!(log.contains("DEBUG"), "the level is as set");
    world.network.signal(Signal::TERM);
    world.network.ended(Duration::from_secs(30));

    let rows = world.results();
    assert!(rows.iter().any(|row| row.do_not_call));
    let mut words: Vec<String> = Vec::new();
    let mut attempts = Vec::new();
    for row in &rows {
        let attempt = row.attempt.as_ref().expect("called").id.clone();
        let lines = world.store(async |store| store.transcript(&attempt).await.expect("a transcript"));
        words.extend(lines.into_iter().map(|line| line.text).filter(|text| text.len() > 12));
        attempts.push(attempt.to_string());
    }
    assert!(!words.is_empty(), "there was talk");
    let secrets = [AUTH_TOKEN, TOKEN_KEY].map(str::to_owned);
    let numbers: Vec<String> = rows
        .iter()
        .map(|row| row.contact.number.expose().trim_start_matches('+').to_owned())
        .collect();
    let printed: String = server
        .lines()
        .iter()
        .chain(world.network.lines().iter())
        .map(ToString::to_string)
        .collect();
    for (name, output) in [
        ("the server's log", &log),
        ("the simulator's log", &world.network.log_text()),
        ("what both printed", &printed),
    ] {
        for canary in words.iter().chain(&secrets).chain(&numbers) {
            assert!(!output.contains(canary.as_str()), "{canary:?} is in {name}");
        }
        // A media token is the attempt's id, a dot, and what makes it secret.
        for attempt in &attempts {
            let token = output
                .match_indices(&format!("{attempt}."))
                .find(|(at, found)| output[at + found.len()..].starts_with(|next: char| next.is_ascii_digit()));
            assert!(token.is_none(), "a media token is in {name}");
        }
    }
}

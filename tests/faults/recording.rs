//! Recordings of calls when people refuse, servers die and disks fail.

use crate::harness::{DEADLINE, World, assert_no_panic, count, output, text};
use rustix::process::Signal;
use samvad_actors::domain::Outcome;
use samvad_media::recording::read_recording;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

const CAMPAIGN: &str = "recorded_survey.yaml";

const PEOPLE: &str = r#"
name: Recorded people
network: {calls_per_second: 0, dtmf_in_audio: false}
callers:
  - name: agrees
    ring_ms: 200
    steps: [{keys: "1"}, {when: prompt_begins, after_ms: 300, keys: "4"}, {when: prompt_begins, after_ms: 300, keys: "1"}, {when: prompt_begins, after_ms: 300, keys: "3"}]
  - {name: refuses, ring_ms: 200, steps: [{keys: "2"}]}
  - {name: is removed, ring_ms: 200, steps: [{keys: "9"}]}
  - {name: hangs up, ring_ms: 200, steps: [{when: prompt_begins, after_ms: 1500, hang_up: true}]}
"#;

fn files(directory: &Path, end: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.to_string_lossy().ends_with(end)).collect()
}

fn run(world: &World) -> String {
    let contacts = world.contacts();
    let mut server = world.server(&["--contacts", &contacts.display().to_string(), "--exit-when-idle"]);
    let status = server.ended(DEADLINE);
    let log = server.log_text();
    assert!(status.success(), "{log}");
    assert_no_panic(&log);
    log
}

#[test]
fn only_who_agreed_leaves_a_recording_and_everybody_is_told_of_it() {
    let world = World::of(PEOPLE).with_campaign(CAMPAIGN);
    run(&world);
    let results = world.store(async |store| {
        use samvad_actors::ports::ResultStore;
        let campaign = samvad_actors::domain::CampaignId::from("recorded-survey");
        store.results(&campaign).await.expect("results")
    });
    let kept: Vec<String> = results
        .iter()
        .filter_map(|row| row.attempt.as_ref())
        .filter(|attempt| attempt.outcome == Some(Outcome::Completed))
        .map(|attempt| format!("{}.ogg", attempt.id))
        .collect();
    assert_eq!(kept.len(), 1, "{results:?}");
    let recordings = files(&world.data().join("recordings"), "");
    let names: Vec<String> = recordings
        .iter()
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, kept);
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(
        (mode(&recordings[0]), mode(&world.data().join("recordings"))),
        (0o600, 0o700)
    );
    // Others' programs find nothing to object to.
    let judged = output(Command::new("opusinfo").arg(&recordings[0]));
    let said = text(&judged.stdout) + &text(&judged.stderr);
    assert!(judged.status.success() && !said.contains("WARNING"), "{said}");
    assert!(
        said.contains("Channels: 2") && said.contains("Original sample rate: 8000 Hz"),
        "{said}"
    );
    for journal in files(&world.data().join("journals"), ".jsonl") {
        let journal = std::fs::read_to_string(journal).expect("a journal");
        assert!(journal.contains("\"This call is recorded.\",\"May I ask"), "{journal}");
    }
}

const LONG: &str = r#"
name: In the middle of a recording
network: {calls_per_second: 0, dtmf_in_audio: false}
callers:
  - name: patient
    ring_ms: 200
    noise: {colour: pink, level_db: -40}
    steps: [{keys: "1"}, {when: prompt_begins, after_ms: 300, keys: "4"}, {silent: 60000}]
"#;

#[test]
fn a_killed_server_leaves_a_recording_that_plays_and_lacks_less_than_its_last_second() {
    let mut world = World::of(LONG).with_campaign(CAMPAIGN);
    let mut server = world.calling();
    server.until("the second question is asked", |lines| {
        lines.iter().any(|line| line["phase"] == "question 2")
    });
    // Some seconds more, so that the end is in the middle of everything.
    let begun = std::time::Instant::now();
    crate::harness::poll("three seconds pass", || begun.elapsed().as_secs() >= 3, String::new);
    server.signal(Signal::KILL);
    server.ended(DEADLINE);
    world
        .network
        .until("the call is over", |lines| count(lines, "call") == 1);
    world.network.signal(Signal::TERM);
    world.network.ended(DEADLINE);

    let line = files(&world.directory.path().join("line"), ".wav");
    let line = std::fs::metadata(line.first().expect("the network's record")).expect("there");
    // Two channels of mu-law after a header of 58 bytes.
    let line_ms = (line.len() - 58) / 16;
    let recording = files(&world.data().join("recordings"), ".ogg");
    let [recording] = &recording[..] else {
        panic!("{recording:?}")
    };
    let recorded = read_recording(&std::fs::read(recording).expect("readable")).expect("a recording");
    assert!(!recorded.complete);
    assert!(
        recorded.duration_ms() + 1_000 >= line_ms && recorded.duration_ms() <= line_ms + 100,
        "{} ms of {line_ms} ms",
        recorded.duration_ms()
    );
    let played = world.directory.path().join("played.wav");
    let judged = output(Command::new("opusdec").arg("--quiet").arg(recording).arg(&played));
    assert!(judged.status.success(), "{}", text(&judged.stderr));
    let played = samvad_media::wav::read(&std::fs::read(played).expect("readable")).expect("WAV");
    let played_ms = played.samples.len() as u64 * 1_000 / u64::from(played.sample_rate);
    assert!(
        played_ms.abs_diff(recorded.duration_ms()) <= 10,
        "others play {played_ms} ms"
    );
}

#[test]
fn a_directory_that_cannot_be_written_harms_no_call_and_is_told() {
    let world = World::of(PEOPLE).with_campaign(CAMPAIGN);
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(world.data())
        .expect("made");
    std::fs::write(world.data().join("recordings"), "a file where the directory should be").expect("written");
    let log = run(&world);
    assert!(
        log.contains("a recording cannot be written; calls go on without"),
        "{log}"
    );
    let completed = world.store(async |store| {
        use samvad_actors::ports::ResultStore;
        let campaign = samvad_actors::domain::CampaignId::from("recorded-survey");
        let results = store.results(&campaign).await.expect("results");
        let outcomes = results.iter().filter_map(|row| row.attempt.as_ref());
        outcomes
            .filter(|attempt| attempt.outcome == Some(Outcome::Completed))
            .count()
    });
    assert_eq!(completed, 1);
}

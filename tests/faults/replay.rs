//! `samvad replay`: what it says, and its exit status.

use crate::harness::{World, output, root, samvad, text};
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;

const REFUSER: &str = r#"
name: One who answers by keys
network: {calls_per_second: 0, dtmf_in_audio: false}
callers:
  - name: keys
    ring_ms: 200
    steps:
      - {when: answered, after_ms: 100, keys: "*"}
      - {when: prompt_ends, keys: "1"}
      - {when: prompt_begins, after_ms: 300, keys: "4"}
      - {when: prompt_begins, after_ms: 300, keys: "1"}
      - {when: prompt_begins, after_ms: 300, keys: "3"}
"#;

fn replayed(journal: &Path) -> Output {
    output(samvad().arg("replay").arg(journal))
}

#[test]
fn an_untouched_journal_replays_with_status_0_an_altered_input_or_lexicon_with_1_and_no_journal_with_2() {
    let world = World::of(REFUSER);
    let contacts = world.contacts();
    let mut server = world.server(&["--contacts", &contacts.display().to_string(), "--exit-when-idle"]);
    assert!(server.ended(Duration::from_secs(90)).success(), "{}", server.log_text());
    assert_eq!(world.outcomes().get("Completed"), Some(&1));
    let same = world.replay();
    assert!(same.status.success(), "{}", text(&same.stdout));
    assert!(text(&same.stdout).contains("1 the same"), "{}", text(&same.stdout));

    let journals = std::fs::read_dir(world.data().join("journals")).expect("journals");
    let journal = journals
        .map(|entry| entry.expect("a file").path())
        .next()
        .expect("a journal");
    let original = std::fs::read_to_string(&journal).expect("a journal");
    let scratch = TempDir::new().expect("a folder");
    let altered = scratch.path().join("altered.jsonl");
    let key = r#""key":"4""#;
    assert!(original.contains(key), "{original}");
    std::fs::write(&altered, original.replace(key, r#""key":"5""#)).expect("written");
    let different = replayed(&altered);
    assert_eq!(different.status.code(), Some(1), "{}", text(&different.stdout));
    assert!(text(&different.stdout).contains("DIFFERENT"));

    let prompts = scratch.path().join("prompts");
    let language = prompts.join("en");
    std::fs::create_dir_all(&language).expect("a folder");
    for entry in std::fs::read_dir(root().join("prompts/en")).expect("prompts") {
        let path = entry.expect("a file").path();
        std::fs::copy(&path, language.join(path.file_name().expect("a name"))).expect("copied");
    }
    let with = |folder: &Path| {
        let as_argument = output(samvad().arg("replay").arg(&journal).arg("--prompts").arg(folder));
        let as_setting = output(samvad().arg("replay").arg(&journal).env("SAMVAD_PROMPTS_DIR", folder));
        assert_eq!(as_argument.status, as_setting.status);
        as_argument
    };
    assert!(with(&prompts).status.success(), "a copy is the same");
    let lexicon = language.join("lexicon.yaml");
    let rows = std::fs::read_to_string(&lexicon).expect("a lexicon");
    let row = rows
        .lines()
        .rfind(|line| line.trim_start().starts_with("- "))
        .expect("a row");
    std::fs::write(&lexicon, rows.replacen(&format!("{row}\n"), "", 1)).expect("written");
    let other = with(&prompts);
    assert_eq!(
        other.status.code(),
        Some(1),
        "without {row:?}: {}{}",
        text(&other.stdout),
        text(&other.stderr)
    );

    assert_eq!(replayed(&scratch.path().join("absent.jsonl")).status.code(), Some(2));
}

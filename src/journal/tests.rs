//! Journals on a real disk, and on one that is full.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn open(directory: &tempfile::TempDir) -> JournalDirectory {
    JournalDirectory::open(&directory.path().join("journals")).expect("opened")
}

fn read(directory: &tempfile::TempDir, attempt: &str) -> String {
    fs::read_to_string(directory.path().join(format!("journals/{attempt}.jsonl"))).expect("read")
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

#[test]
fn lines_of_many_calls_are_in_their_files_in_order_once_the_directory_is_closed() {
    let scratch = scratch();
    let journals = open(&scratch);
    let sinks: Vec<_> = (0..20)
        .map(|n| JournalFiles::open(&journals, &AttemptId::new(format!("attempt-{n}"))).expect("opened"))
        .collect();
    for line in 0..200 {
        for (n, sink) in sinks.iter().enumerate() {
            sink.append(format!("{{\"call\":{n},\"line\":{line}}}"));
        }
    }
    sinks.iter().take(10).for_each(|sink| sink.finish());
    drop((journals, sinks));
    for n in 0..20 {
        let expected: String = (0..200)
            .map(|line| format!("{{\"call\":{n},\"line\":{line}}}\n"))
            .collect();
        assert_eq!(read(&scratch, &format!("attempt-{n}")), expected);
    }
}

#[test]
fn files_and_directory_are_for_their_owner_alone() {
    let scratch = scratch();
    let journals = open(&scratch);
    let attempt = AttemptId::from("a");
    let _sink = JournalFiles::open(&journals, &attempt).expect("opened");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.path().join("journals")), 0o700);
    assert_eq!(mode(&journals.path_of(&attempt).expect("plain")), 0o600);
}

#[test]
fn an_attempt_id_never_leads_out_of_the_directory() {
    let scratch = scratch();
    let journals = open(&scratch);
    for id in [
        "",
        ".",
        "..",
        "../a",
        "a/b",
        "/etc/passwd",
        "a\0b",
        "a.jsonl",
        "ü",
        &"a".repeat(65),
    ] {
        let Err(refusal) = JournalFiles::open(&journals, &AttemptId::from(id)) else {
            panic!("{id:?} was taken")
        };
        assert!(refusal.to_string().contains("letters, digits"), "{refusal}");
    }
    assert_eq!(
        fs::read_dir(scratch.path().join("journals")).expect("listed").count(),
        0
    );
}

#[test]
fn a_journal_is_never_overwritten() {
    let scratch = scratch();
    let journals = open(&scratch);
    let attempt = AttemptId::from("a");
    let first = JournalFiles::open(&journals, &attempt).expect("opened");
    first.append("first".to_owned());
    assert!(JournalFiles::open(&journals, &attempt).is_err());
    drop(journals);
    assert_eq!(read(&scratch, "a"), "first\n");
}

#[test]
fn nothing_follows_a_finish() {
    let scratch = scratch();
    let journals = open(&scratch);
    let sink = JournalFiles::open(&journals, &AttemptId::from("a")).expect("opened");
    sink.append("1".to_owned());
    sink.finish();
    sink.finish();
    sink.append("2".to_owned());
    drop(journals);
    assert_eq!(read(&scratch, "a"), "1\n");
}

#[test]
fn a_call_that_outruns_the_disk_keeps_the_true_beginning_and_the_others_notice_nothing() {
    let scratch = scratch();
    let journals = JournalDirectory::with_limit(&scratch.path().join("journals"), 1000).expect("opened");
    let greedy = JournalFiles::open(&journals, &AttemptId::from("greedy")).expect("opened");
    let modest = JournalFiles::open(&journals, &AttemptId::from("modest")).expect("opened");
    greedy.append("1".to_owned());
    greedy.append("x".repeat(2000));
    greedy.append("3".to_owned());
    modest.append("1".to_owned());
    drop((journals, greedy, modest));
    assert_eq!(
        (read(&scratch, "greedy").as_str(), read(&scratch, "modest").as_str()),
        ("1\n", "1\n")
    );
}

#[test]
fn a_full_disk_ends_the_journal_and_neither_blocks_nor_hurts_the_others() {
    let scratch = scratch();
    let journals = open(&scratch);
    // The device that is always full.
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .expect("a Linux machine");
    let journal = journals.next_journal.fetch_add(1, Ordering::Relaxed);
    journals.queue.send(Job::Open {
        journal,
        attempt: AttemptId::from("full"),
        file: full,
    });
    let healthy = JournalFiles::open(&journals, &AttemptId::from("healthy")).expect("opened");
    for n in 0..1000 {
        let line = "x".repeat(100);
        assert!(journals.queue.offer(line.len(), Job::Line { journal, line }));
        healthy.append(n.to_string());
    }
    drop((journals, healthy));
    assert_eq!(read(&scratch, "healthy").lines().count(), 1000);
}

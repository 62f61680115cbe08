//! Recordings on a real disk, and on one that is full or closed.

use super::*;
use samvad_media::codec::MULAW_SILENCE;
use samvad_media::recording::{Recorded, read_recording};
use samvad_media::tape::Tape;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

/// 200 ms of both channels: a tone of 1 kHz on the left, silence on the right.
fn batch() -> Vec<u8> {
    [[0x20, MULAW_SILENCE].repeat(4), [0xa0, MULAW_SILENCE].repeat(4)]
        .concat()
        .repeat(200)
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

fn open(directory: &Path) -> RecordingDirectory {
    RecordingDirectory::with_workers(&directory.join("recordings"), 2, PENDING_BYTES).expect("opened")
}

fn begin(recordings: &RecordingDirectory, attempt: &str) -> Arc<dyn RecordingSink> {
    RecordingFiles::open(recordings, &AttemptId::from(attempt)).expect("opened")
}

fn read(directory: &Path, name: &str) -> Recorded {
    let file = fs::read(directory.join("recordings").join(name)).expect("there");
    read_recording(&file).expect("a recording")
}

fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory.join("recordings")) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_recording_that_was_agreed_to_is_there_to_its_end_for_its_owner_alone() {
    let scratch = scratch();
    let recordings = open(scratch.path());
    let sink = begin(&recordings, "a");
    for number in 0..10 {
        sink.append(number * 1_600, batch());
        if number == 3 {
            sink.keep();
        }
    }
    sink.finish();
    sink.append(16_000, batch());
    drop(recordings);
    assert_eq!(names(scratch.path()), ["a.ogg"]);
    let recorded = read(scratch.path(), "a.ogg");
    assert_eq!((recorded.duration_ms(), recorded.complete), (2_000, true));
    let mode = |name: &str| {
        let path = scratch.path().join(name);
        fs::metadata(path).expect("there").permissions().mode() & 0o777
    };
    assert_eq!((mode("recordings"), mode("recordings/a.ogg")), (0o700, 0o600));
}

#[test]
fn who_refuses_or_never_agrees_leaves_no_recording() {
    let scratch = scratch();
    let recordings = open(scratch.path());
    for (attempt, agrees, refuses) in [
        ("refused", false, true),
        ("removed", true, true),
        ("silent", false, false),
    ] {
        let sink = begin(&recordings, attempt);
        sink.append(0, batch());
        if agrees {
            sink.keep();
        }
        if refuses {
            sink.discard();
            sink.append(1_600, batch());
        }
        sink.finish();
    }
    drop(recordings);
    assert_eq!(names(scratch.path()), Vec::<String>::new());
}

#[test]
fn what_a_crash_left_of_people_who_had_not_agreed_is_deleted_at_the_next_start_unless_it_is_being_written() {
    let scratch = scratch();
    let recordings = open(scratch.path());
    let live = begin(&recordings, "live");
    live.append(0, batch());
    let directory = scratch.path().join("recordings");
    // It is held from before its first byte.
    while !fs::metadata(directory.join("live.unconsented.ogg")).is_ok_and(|file| file.len() > 0) {
        std::thread::yield_now();
    }
    for name in ["old.unconsented.ogg", "old.ogg"] {
        let file = fs::File::create(directory.join(name)).expect("made");
        let earlier = SystemTime::now() - Duration::from_secs(1);
        file.set_modified(earlier).expect("an older file");
    }
    // However long nobody has said anything in it.
    let long_ago = SystemTime::now() - Duration::from_secs(60);
    let live_file = fs::File::open(directory.join("live.unconsented.ogg")).expect("there");
    live_file.set_modified(long_ago).expect("an older file");
    drop(open(scratch.path()));
    assert_eq!(names(scratch.path()), ["live.unconsented.ogg", "old.ogg"]);
}

#[test]
fn audio_for_which_there_was_no_room_is_silence_of_its_length() {
    let scratch = scratch();
    let recordings = open(scratch.path());
    let sink = begin(&recordings, "a");
    sink.keep();
    sink.append(0, batch());
    sink.append(3 * 1_600, batch());
    drop((sink, recordings));
    let recorded = read(scratch.path(), "a.ogg");
    assert_eq!(recorded.duration_ms(), 800);
    let loud = |from: usize| {
        recorded.left[from..from + 1_000]
            .iter()
            .any(|&sample| sample.abs() > 1_000)
    };
    assert_eq!((loud(300), loud(2_200), loud(5_200)), (true, false, true));
}

#[test]
fn what_had_no_room_at_the_end_is_silence_of_its_length_too() {
    let scratch = scratch();
    let directory = scratch.path().join("recordings");
    let recordings = RecordingDirectory::with_workers(&directory, 1, 3_000).expect("opened");
    let sink = begin(&recordings, "a");
    sink.keep();
    sink.append(0, batch()[..1_600].to_vec());
    for number in 0..5 {
        // A batch has no room at any time.
        sink.append(800 + number * 1_600, batch());
    }
    drop((sink, recordings));
    let recorded = read(scratch.path(), "a.ogg");
    assert_eq!((recorded.duration_ms(), recorded.complete), (1_100, true));
}

#[test]
fn an_hour_without_audio_on_the_line_is_a_minute_of_the_recording() {
    let scratch = scratch();
    let recordings = open(scratch.path());
    let sink = begin(&recordings, "a");
    sink.keep();
    let mut tape = Tape::new();
    for at in [0, 8_000 * 3_600, 8_000 * 3_600 + 160] {
        tape.caller(at, &[0x20; 160]);
        let (at, pairs) = tape.take(1).expect("something");
        sink.append(at, pairs);
    }
    drop((sink, recordings));
    assert_eq!(read(scratch.path(), "a.ogg").duration_ms(), 60 + 60_000);
}

#[test]
fn a_directory_that_cannot_be_had_costs_the_recording_alone() {
    let scratch = scratch();
    fs::write(
        scratch.path().join("recordings"),
        "a file where the directory should be",
    )
    .expect("written");
    let recordings = open(scratch.path());
    let sink = begin(&recordings, "a");
    sink.append(0, batch());
    sink.keep();
    sink.finish();
    drop((sink, recordings));
    assert!(scratch.path().join("recordings").is_file());
}

#[test]
fn an_attempt_id_never_leads_out_of_the_directory() {
    let scratch = scratch();
    let recordings = open(scratch.path());
    for id in ["", "..", "../a", "a/b", "a.ogg", &"a".repeat(65)] {
        let refusal = RecordingFiles::open(&recordings, &AttemptId::from(id)).err();
        assert!(
            refusal.is_some_and(|fault| fault.to_string().contains("letters, digits")),
            "{id:?}"
        );
    }
}

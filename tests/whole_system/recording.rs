//! Recordings against the telephone network's own record of the line.

use crate::run::{Run, shared_data_directory, simulate_file};
use samvad_media::codec::mulaw_to_linear;
use samvad_media::recording::{Recorded, read_recording};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Samples in a millisecond.
const MS: usize = 8;
/// What is compared at once: a second.
const WINDOW: usize = 1_000 * MS;
/// The bar.
const WITHIN: i64 = 20;

/// How often the caller has questions said again in all; 32 make a call of some five minutes, as
/// `SAMVAD_TEST_RECORDING_REPEATS=32` does.
fn repeats() -> usize {
    let set = std::env::var("SAMVAD_TEST_RECORDING_REPEATS").ok();
    set.and_then(|text| text.parse().ok()).unwrap_or(1)
}

/// A caller who speaks, interrupts, has things said again, and answers.
fn scenario(folder: &Path) -> PathBuf {
    let audio = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let file = |name: &str| audio.join(name).display().to_string();
    let talk = format!(
        "{{name: aside, talk_over: {{after_ms: 2500, say: {}}}}}",
        file("audio_extra/x22_purple_elephants_rms.wav")
    );
    let again = "{keys: \"*\"}";
    let answers = [
        ("audio/01_yes.wav", "1"),
        ("audio/18_num_4_phrase.wav", "4"),
        ("audio_extra/x06_no_slt.wav", "2"),
        ("audio_extra/x15_in_the_evening_rms.wav", "3"),
    ]
    .map(|(name, key)| format!("{{say: {}, otherwise: [{{keys: \"{key}\"}}]}}", file(name)));
    let mut steps = Vec::new();
    for (question, answer) in answers.into_iter().enumerate() {
        if question == 1 {
            steps.push(talk.clone());
        }
        // Nine requests in one turn would use it up.
        let of_this = (repeats() + question) / 4;
        steps.extend(std::iter::repeat_n(again.to_owned(), of_this.min(8)));
        steps.push(answer);
    }
    let text = format!(
        "name: Recorded\nseed: 3\nconfirm: {{shorter_than_ms: 6500, keys: \"1\"}}\nnetwork: {{dtmf_in_audio: true}}\ncallers:\n  - name: talkative\n    noise: {{colour: pink, snr_db: 30}}\n    steps:\n      - {}\n",
        steps.join("\n      - ")
    );
    let path = folder.join("recorded.yaml");
    std::fs::write(&path, text).expect("written");
    path
}

/// The only file of the run's recordings whose name ends so.
fn recording(run: &Run, end: &str) -> PathBuf {
    let files = std::fs::read_dir(run.directory.join("recordings")).expect("recordings");
    let paths: Vec<PathBuf> = files
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    assert_eq!(paths.len(), 1, "{paths:?}");
    paths[0].clone()
}

/// Both channels of the network's record: WAV of mu-law, left and right in turn.
fn line(wav: &[u8]) -> (Vec<i16>, Vec<i16>) {
    let data = wav.windows(4).position(|word| word == b"data").expect("a data chunk") + 8;
    let side = |offset: usize| {
        let codes = wav[data + offset..].iter().step_by(2);
        codes.map(|&code| mulaw_to_linear(code)).collect()
    };
    (side(0), side(1))
}

/// By how many milliseconds `found` is later than `truth` in each second in which something is to be heard.
fn lags(found: &[i16], truth: &[i16]) -> Vec<(usize, i64)> {
    let reach = 60 * MS as i64;
    let energy = |samples: &[i16]| samples.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>();
    let mut lags = Vec::new();
    for begin in (WINDOW..truth.len().saturating_sub(2 * WINDOW)).step_by(WINDOW) {
        let window = &truth[begin..begin + WINDOW];
        if energy(window) < 1e9 {
            continue;
        }
        let likeness = |lag: i64| {
            let from = usize::try_from(begin as i64 + lag).expect("inside");
            let Some(other) = found.get(from..from + WINDOW) else {
                return 0.0;
            };
            let product: f64 = window
                .iter()
                .zip(other)
                .map(|(&a, &b)| f64::from(a) * f64::from(b))
                .sum();
            product / (energy(window) * energy(other) + 1.0).sqrt()
        };
        let best = (-reach..=reach)
            .step_by(MS)
            .max_by(|a, b| likeness(*a).total_cmp(&likeness(*b)));
        let best = best.expect("a range");
        // A step that is set right within the second makes two halves of it.
        assert!(
            likeness(best) > 0.3,
            "second {} is not there: {}",
            begin / WINDOW,
            likeness(best)
        );
        lags.push((begin / WINDOW, best / MS as i64));
    }
    lags
}

fn assert_in_step(side: &str, found: &[i16], truth: &[i16]) {
    let lags = lags(found, truth);
    let worst = lags.iter().map(|(_, lag)| lag.abs()).max();
    println!("{side}: {} seconds compared, at most {worst:?} ms apart", lags.len());
    assert!(lags.len() >= 5, "{side}: only {} seconds with sound", lags.len());
    assert!(worst <= Some(WITHIN), "{side}: {lags:?}");
}

/// The caller's channel goes through voice detection, recogniser and dialogue again.
fn assert_decides_the_same_when_heard_again(run: &Run, end: &str) {
    let journals = std::fs::read_dir(run.directory.join("journals")).expect("journals");
    let journal = journals.map(|entry| entry.expect("an entry").path()).next();
    let again = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .env("SAMVAD_DATA_DIR", shared_data_directory())
        .arg("replay")
        .arg("--from-audio")
        .arg(recording(run, end))
        .arg("--journal")
        .arg(journal.expect("a journal"))
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&again.stdout);
    println!("{said}");
    assert!(
        again.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&again.stderr)
    );
    assert!(said.contains("heard \"yes\"") && said.contains("ANSWER 3"), "{said}");
}

#[test]
fn both_channels_of_a_recording_are_in_step_with_the_line_as_the_network_recorded_it() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let campaign = "--campaign=fixtures/campaigns/recorded_survey.yaml";
    let run = simulate_file(&scenario(scratch.path()), &[campaign, "--record"]);
    assert_eq!(run.status, Some(0), "{:#}", run.summary);
    let Recorded { left, right, complete } =
        read_recording(&std::fs::read(recording(&run, ".ogg")).expect("readable")).expect("a recording");
    assert!(complete);
    let (caller, agent) = line(&std::fs::read(recording(&run, ".wav")).expect("readable"));
    println!(
        "{} s on the line, {} s recorded",
        caller.len() / WINDOW,
        left.len() / WINDOW
    );
    assert!(
        caller.len().abs_diff(left.len()) <= WINDOW / 2,
        "the line was open for {} ms, {} ms are recorded",
        caller.len() / MS,
        left.len() / MS
    );
    assert_in_step("caller", &left, &caller);
    assert_in_step("agent", &right, &agent);
    for end in [".ogg", ".wav"] {
        assert_decides_the_same_when_heard_again(&run, end);
    }
}

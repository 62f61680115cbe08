//! Speech: the programs and models are there, a sentence can be spoken, and what is spoken is understood.

use super::Finding;
use crate::campaign_files::language_pack;
use crate::config::{RecognizerSetting, Settings};
use crate::speech::EmbeddedSynthesizer;
use crate::speech::embedded::{EmbeddedRecognizer, EmbeddedSettings};
use crate::speech::pocketsphinx::DEFAULT_MODELS;
use samvad_actors::domain::{AttemptId, Language};
use samvad_actors::ports::{
    Grammar, Heard, Pcm, RecognitionRequest, Recognizer, ServiceMeter, SynthesisRequest, Synthesizer,
};
use samvad_media::resample;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The word that is spoken and must be understood.
const WORD: &str = "yes";

/// Plausible level of synthesised speech: RMS of all of it, in decibels of full scale.
pub(super) const PLAUSIBLE_DBFS: std::ops::RangeInclusive<f64> = -45.0..=-3.0;

/// A recognition that takes longer leaves callers waiting.
const SLOW: Duration = Duration::from_secs(1);

/// Longest wait for the models to load and a word to be understood.
const DEADLINE: Duration = Duration::from_secs(20);

/// The programs and models, with their versions.
pub(super) fn programs() -> Vec<Finding> {
    // flite prints its version and exits with status 1.
    let programs = [("flite", "flite"), ("espeak-ng", "espeak-ng")]
        .map(|(program, package)| judge_program(program, package, version_of(program)));
    let models = Path::new(DEFAULT_MODELS);
    let missing: Vec<_> = ["en-us/mdef", "cmudict-en-us.dict"]
        .into_iter()
        .filter(|name| !models.join(name).exists())
        .collect();
    let models = match missing.is_empty() {
        true => Finding::ok("models", format!("PocketSphinx's English models in {DEFAULT_MODELS}")),
        false => Finding::fault(
            "models",
            format!("{DEFAULT_MODELS} lacks {}", missing.join(", ")),
            "apt-get install pocketsphinx-en-us",
        ),
    };
    programs.into_iter().chain([models]).collect()
}

fn judge_program(program: &'static str, package: &str, version: Option<String>) -> Finding {
    match version {
        Some(version) => Finding::ok(program, version),
        None => Finding::fault(
            program,
            "is not installed, or does not run",
            format!("apt-get install {package}"),
        ),
    }
}

/// The line of `--version` that has a digit in it.
fn version_of(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    let line = text
        .lines()
        .find(|line| line.contains("ersion") || line.contains("eSpeak"));
    let line = line.unwrap_or("version unknown").trim();
    Some(line.split("  ").next().unwrap_or(line).to_owned())
}

/// Speaks a word and lets a recogniser in a process of its own hear it.
pub(super) async fn speak_and_listen(settings: Option<&Settings>) -> Vec<Finding> {
    let request = SynthesisRequest {
        text: WORD.to_owned(),
        language: Language::default(),
        voice: None,
        meter: ServiceMeter::default(),
    };
    let spoken = EmbeddedSynthesizer.synthesize(&request).await;
    let spoken = match spoken {
        Ok(spoken) => spoken,
        Err(error) => {
            let remedy = "see that flite and espeak-ng are installed, then run this again";
            return vec![Finding::fault("synthesis", error.to_string(), remedy)];
        }
    };
    let synthesis = judge_synthesis(&spoken);
    let recognition = match resample::to_8k(&spoken.samples, spoken.sample_rate) {
        Ok(samples) => listen(settings, &samples).await,
        Err(error) => Finding::fault("recognition", error.to_string(), "reinstall flite"),
    };
    vec![synthesis, recognition]
}

/// Its level (RMS of all of it, in decibels of full scale) and its length in milliseconds.
pub(super) fn level_and_length(spoken: &Pcm) -> (f64, u64) {
    let energy: f64 = spoken.samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let rms = (energy / spoken.samples.len().max(1) as f64).sqrt();
    let level = 20.0 * (rms / 32_768.0).max(1e-9).log10();
    let ms = spoken.samples.len() as u64 * 1_000 / u64::from(spoken.sample_rate.max(1));
    (level, ms)
}

fn judge_synthesis(spoken: &Pcm) -> Finding {
    let (level, ms) = level_and_length(spoken);
    let found = format!("{WORD:?} spoken in {ms} ms at {level:.0} dBFS");
    if PLAUSIBLE_DBFS.contains(&level) {
        Finding::ok("synthesis", found)
    } else {
        Finding::fault(
            "synthesis",
            format!("{found}, which cannot be heard rightly"),
            "reinstall flite",
        )
    }
}

async fn listen(settings: Option<&Settings>, samples: &[i16]) -> Finding {
    let remedy = "apt-get install --reinstall libpocketsphinx3 libsphinxbase3 pocketsphinx-en-us";
    let failed = |what: String| Finding::fault("recognition", what, remedy);
    let threads = settings.map(|settings| u16::try_from(settings.recognizer_threads).unwrap_or(u16::MAX));
    let recognizer = match EmbeddedRecognizer::start(EmbeddedSettings {
        threads,
        deadline: DEADLINE,
        ..EmbeddedSettings::default()
    }) {
        Ok(recognizer) => recognizer,
        Err(error) => return failed(format!("its process cannot be started: {error}")),
    };
    let grammar = Arc::new(Grammar {
        id: "doctor".to_owned(),
        phrases: [WORD, "no"].map(str::to_owned).into(),
        free_text: false,
    });
    if let Err(error) = recognizer.prepare(&Language::default(), &grammar).await {
        return failed(error.to_string());
    }
    let mut utterance = Recognizer::start(
        &recognizer,
        RecognitionRequest {
            attempt: AttemptId::new("doctor"),
            language: Language::default(),
            grammar,
            meter: ServiceMeter::default(),
        },
    );
    // As a listener hands it over: from 300 ms before the speech to 500 ms after.
    utterance.push(&[0; 300 * 8]);
    utterance.push(samples);
    utterance.push(&[0; 500 * 8]);
    let asked = Instant::now();
    match utterance.finish().await {
        Ok(heard) => judge_recognition(&heard, asked.elapsed()),
        Err(error) => failed(error.to_string()),
    }
}

fn judge_recognition(heard: &Heard, took: Duration) -> Finding {
    const CHECK: &str = "recognition";
    let found = format!(
        "{WORD:?} was heard as {:?}, confidence {:.2}, in {} ms",
        heard.text,
        heard.confidence,
        took.as_millis()
    );
    if heard.text != WORD {
        let remedy = "reinstall the packages libpocketsphinx3, libsphinxbase3 and pocketsphinx-en-us";
        Finding::fault(CHECK, found, remedy)
    } else if heard.confidence < Heard::PLAUSIBLE {
        Finding::warning(
            CHECK,
            found,
            "callers will be asked twice; see that the packages are Debian 12's",
        )
    } else if took > SLOW {
        Finding::warning(
            CHECK,
            found,
            "this machine is slow or busy: allow fewer calls at once (SAMVAD_MAX_CALLS)",
        )
    } else {
        Finding::ok(CHECK, found)
    }
}

/// Which recogniser the settings choose, on how many threads, and with which prompts.
pub(super) fn configuration(settings: &Settings) -> Vec<Finding> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    vec![judge_recognizer(settings, processors), prompts(settings)]
}

fn judge_recognizer(settings: &Settings, processors: usize) -> Finding {
    const CHECK: &str = "recogniser";
    let threads = settings.recognizer_threads;
    let recognizers = &settings.recognizers;
    let is_fixed = |setting: &RecognizerSetting| matches!(setting, RecognizerSetting::Fixed { .. });
    if recognizers.list().iter().any(is_fixed) {
        return Finding::warning(
            CHECK,
            format!("{recognizers}, which understands nobody: it is for load tests"),
            "set SAMVAD_RECOGNIZER=embedded",
        );
    }
    if !recognizers.includes(RecognizerSetting::Embedded) {
        return Finding::ok(CHECK, recognizers.to_string());
    }
    let found = format!("{recognizers}, {threads} threads on {processors} processors");
    if threads > processors {
        return Finding::warning(
            CHECK,
            found,
            "set SAMVAD_RECOGNIZER_THREADS to the number of processors, or leave it out",
        );
    }
    Finding::ok(CHECK, found)
}

fn prompts(settings: &Settings) -> Finding {
    const CHECK: &str = "prompts";
    let Some(directory) = &settings.prompts_dir else {
        return Finding::ok(CHECK, "built in (en)");
    };
    let remedy = "mend it, or leave SAMVAD_PROMPTS_DIR out; prompts/README.md describes the files";
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => return Finding::fault(CHECK, format!("{}: {error}", directory.display()), remedy),
    };
    let mut languages: Vec<String> = entries
        .filter_map(|entry| entry.ok().filter(|entry| entry.path().is_dir()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    languages.sort();
    for language in &languages {
        if let Err(error) = language_pack(&Language(language.clone()), Some(directory)) {
            return Finding::fault(CHECK, format!("{error:#}"), remedy);
        }
    }
    match languages.is_empty() {
        true => Finding::fault(CHECK, format!("{} holds no language", directory.display()), remedy),
        false => Finding::ok(CHECK, format!("{} of {}", languages.join(", "), directory.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::settings;
    use super::*;

    fn heard(text: &str, confidence: f32) -> Heard {
        Heard {
            text: text.to_owned(),
            confidence,
            uncertain: false,
        }
    }

    #[test]
    fn a_missing_program_is_a_fault_that_names_its_package() {
        let finding = judge_program("flite", "flite", version_of("no-such-program-anywhere"));
        assert_eq!(finding.state, State::Fault);
        assert!(
            finding
                .remedy
                .as_deref()
                .is_some_and(|remedy| remedy.contains("install flite"))
        );
    }

    #[test]
    fn the_programs_and_models_of_this_machine_are_found_with_their_versions() {
        for finding in programs() {
            assert_eq!(finding.state, State::Ok, "{finding:?}");
            assert!(finding.finding.contains(|c: char| c.is_ascii_digit()) || finding.check == "models");
        }
    }

    #[test]
    fn what_is_heard_wrongly_is_a_fault_and_doubt_or_slowness_a_warning() {
        let fast = Duration::from_millis(90);
        assert_eq!(judge_recognition(&heard("no", 0.9), fast).state, State::Fault);
        assert_eq!(judge_recognition(&heard("", 0.0), fast).state, State::Fault);
        assert_eq!(judge_recognition(&heard("yes", 0.3), fast).state, State::Warning);
        assert_eq!(judge_recognition(&heard("yes", 0.9), SLOW * 2).state, State::Warning);
        assert_eq!(judge_recognition(&heard("yes", 0.9), fast).state, State::Ok);
    }

    #[test]
    fn silence_is_no_speech() {
        let sound = |sample| Pcm {
            sample_rate: 16_000,
            samples: vec![sample; 8_000],
        };
        assert_eq!(judge_synthesis(&sound(0)).state, State::Fault);
        assert_eq!(judge_synthesis(&sound(3_000)).state, State::Ok);
        assert_eq!(judge_synthesis(&sound(i16::MAX)).state, State::Fault);
    }

    #[test]
    fn a_recogniser_for_load_tests_and_too_many_threads_are_warnings() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let with = |name, value| settings(directory.path(), &[(name, value)]);
        assert_eq!(
            judge_recognizer(&with("SAMVAD_RECOGNIZER", "fixed:60ms"), 2).state,
            State::Warning
        );
        assert_eq!(
            judge_recognizer(&with("SAMVAD_RECOGNIZER_THREADS", "3"), 2).state,
            State::Warning
        );
        assert_eq!(
            judge_recognizer(&with("SAMVAD_RECOGNIZER_THREADS", "2"), 2).state,
            State::Ok
        );
    }

    #[test]
    fn prompts_of_ones_own_are_read() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let own = |path: &str| prompts(&settings(directory.path(), &[("SAMVAD_PROMPTS_DIR", path)]));
        assert_eq!(own("prompts").state, State::Ok);
        let empty = tempfile::tempdir().expect("temporary directory");
        assert_eq!(own(&empty.path().display().to_string()).state, State::Fault);
        std::fs::create_dir(empty.path().join("en")).expect("made");
        assert!(
            own(&empty.path().display().to_string())
                .finding
                .contains("prompts.yaml")
        );
    }
}

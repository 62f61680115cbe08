//! A campaign over the telephone network of the simulator, understood by a service: the outcomes are those of the
//! embedded recogniser, and a service that dies costs no answer.

use crate::doubles::deepgram::{self, Deepgram};
use crate::doubles::openai::{self, Files, Realtime};
use crate::doubles::sarvam::{self, Sarvam};
use crate::doubles::{Conduct, Double, Ear};
use samvad::campaign_files::{language_pack, load_campaign};
use samvad::speech::embedded::{EmbeddedRecognizer, EmbeddedSettings};
use samvad_actors::dialogue::Script;
use samvad_actors::ports::Grammar;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::process::Command;
use url::Url;

/// Beginning of every scenario.
const HEAD: &str = r#"
name: Speakers
seed: 3
network: {calls_per_second: 0, dtmf_in_audio: false}
confirm: {shorter_than_ms: 6500, keys: "1"}
callers:"#;

/// Three who answer by voice.
const ANSWERING: &str = r#"
  - name: speaker
    count: 3
    ring_ms: 300
    steps:
      - {name: consent, say: AUDIO/01_yes.wav, otherwise: [{say: AUDIO/01_yes.wav}, {keys: "1"}]}
      - {name: scale, say: AUDIO/17_num_3.wav, otherwise: [{say: AUDIO/17_num_3.wav}, {keys: "3"}]}
      - {name: yes_no, say: AUDIO/01_yes.wav, otherwise: [{say: AUDIO/01_yes.wav}, {keys: "1"}]}
      - {name: choice, keys: "3"}
    expect: {answered: true, status: completed, outcome: completed, answers: [3, true, evening], do_not_call: false}
"#;

/// One who refuses, and one who wants to be called no more.
const REFUSING: &str = r#"
  - name: refuses
    steps:
      - {name: consent, say: AUDIO/05_no.wav, otherwise: [{keys: "2"}]}
    expect: {answered: true, outcome: refused, answers: [], do_not_call: false}
  - name: remove me
    steps:
      - {name: consent, say: AUDIO/09_remove_me.wav, otherwise: [{say: AUDIO/09_remove_me.wav}, {keys: "9"}]}
    expect: {answered: true, outcome: refused, do_not_call: true}
"#;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A recogniser behind the test server, with everything that may be said anywhere in the campaign.
async fn ear() -> Ear {
    let campaign = load_campaign(&root().join("fixtures/campaigns/health_survey.yaml")).unwrap();
    let pack = language_pack(&campaign.language, None).unwrap();
    let script = Script::build(&campaign, &pack).unwrap();
    let mut phrases: Vec<String> = script
        .grammars()
        .iter()
        .flat_map(|grammar| grammar.phrases.clone())
        .collect();
    phrases.sort();
    phrases.dedup();
    let settings = EmbeddedSettings {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_samvad"))),
        threads: Some(1),
        deadline: Duration::from_secs(120),
        ..EmbeddedSettings::default()
    };
    let grammar = Grammar {
        id: "everything".to_owned(),
        phrases,
        free_text: false,
    };
    Ear::Asks(
        Arc::new(EmbeddedRecognizer::start(settings).unwrap()),
        Arc::new(grammar),
    )
}

/// What came of a run, and its folder while this lives.
pub struct Run {
    pub summary: Value,
    pub log: String,
    pub folder: tempfile::TempDir,
}

/// The calls' ends as the scenario's expectations count them.
impl Run {
    pub fn assert_as_expected(&self) {
        let differences = &self.summary["differences"];
        assert_eq!(
            differences.as_array().map(Vec::len),
            Some(0),
            "{differences:#}\n{}",
            self.log
        );
    }

    fn outcomes(&self) -> BTreeMap<String, u64> {
        let outcomes = self.summary["outcomes"].as_object().unwrap().iter();
        outcomes
            .map(|(name, count)| (name.clone(), count.as_u64().unwrap()))
            .collect()
    }
}

pub type Environment = Vec<(&'static str, String)>;

/// Where Deepgram is, and the key to it.
pub fn deepgram_at(double: &Double) -> Environment {
    vec![
        ("DEEPGRAM_BASE_URL", double.url().to_string()),
        ("DEEPGRAM_API_KEY", deepgram::KEY.to_owned()),
    ]
}

async fn simulate(callers: &str, recognizers: &str, services: Environment) -> Run {
    simulate_with(callers, &[&format!("--recognizer={recognizers}")], services).await
}

pub async fn simulate_with(callers: &str, arguments: &[&str], services: Environment) -> Run {
    let scratch = tempfile::tempdir().unwrap();
    let scenario = scratch.path().join("speakers.yaml");
    let audio = root().join("fixtures/audio").display().to_string();
    std::fs::write(&scenario, format!("{HEAD}{}", callers.replace("AUDIO", &audio))).unwrap();
    let directory = scratch.path().join("run");
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join("data");
    let mut private = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(private.recursive(true), 0o700)
        .create(&data)
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_samvad"));
    command
        .current_dir(root())
        .env("SAMVAD_DATA_DIR", data)
        .arg("simulate")
        .arg(format!("--scenario={}", scenario.display()))
        .arg(format!("--directory={}", directory.display()))
        .args(arguments)
        .arg("--json")
        .envs(services);
    let output = command.output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let log = std::fs::read_to_string(directory.join("server.log")).unwrap_or_default();
    for key in [deepgram::KEY, openai::KEY, sarvam::KEY] {
        assert!(!log.contains(key), "a key is in the log");
    }
    assert!(!log.contains("could not be kept"), "{log}");
    let mut replay = Command::new(env!("CARGO_BIN_EXE_samvad"));
    replay.args(["replay", "--quiet"]).arg(directory.join("journals"));
    let replayed = replay.output().await.unwrap();
    assert!(
        replayed.status.success(),
        "{}",
        String::from_utf8_lossy(&replayed.stdout)
    );
    let summary = text.lines().last().and_then(|line| serde_json::from_str(line).ok());
    let errors = String::from_utf8_lossy(&output.stderr);
    Run {
        summary: summary.unwrap_or_else(|| panic!("the run failed: {errors}\n{log}")),
        log,
        folder: scratch,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_has_the_same_outcomes_with_each_service_as_with_embedded_speech() {
    let ear = ear().await;
    let deepgram = Double::start::<Deepgram>(ear.clone()).await;
    let realtime = Double::start::<Realtime>(ear.clone()).await;
    let files = Files::start(ear.clone());
    let sarvam = Double::start::<Sarvam>(ear).await;
    let openai_at = |url: Url, api: &str| {
        vec![
            ("OPENAI_BASE_URL", url.join("/v1").unwrap().to_string()),
            ("OPENAI_API_KEY", openai::KEY.to_owned()),
            ("OPENAI_TRANSCRIPTION_API", api.to_owned()),
        ]
    };
    let sarvam_at = vec![
        ("SARVAM_BASE_URL", sarvam.url().to_string()),
        ("SARVAM_API_KEY", sarvam::KEY.to_owned()),
    ];
    let callers = format!("{ANSWERING}{REFUSING}");
    let runs = tokio::join!(
        simulate(&callers, "embedded", Environment::new()),
        simulate(&callers, "deepgram", deepgram_at(&deepgram)),
        simulate(&callers, "openai", openai_at(realtime.url(), "realtime")),
        simulate(&callers, "openai", openai_at(files.url.clone(), "file")),
        simulate(&callers, "sarvam", sarvam_at),
    );
    let (embedded, served) = (runs.0, [runs.1, runs.2, runs.3, runs.4]);
    embedded.assert_as_expected();
    for run in &served {
        run.assert_as_expected();
        assert_eq!(run.outcomes(), embedded.outcomes());
    }
    let results = [
        deepgram.results(),
        realtime.results(),
        files.bodies.lock().unwrap().len(),
        sarvam.results(),
    ];
    let understood = results.iter().all(|results| *results >= 8);
    assert!(understood, "it was the services that understood them: {results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_service_killed_in_mid_utterance_costs_no_answer() {
    let double = Arc::new(Double::start::<Deepgram>(ear().await).await);
    // After the first results, everybody is in the middle of a survey.
    let killer = Arc::clone(&double);
    let kill = tokio::spawn(async move {
        while killer.results() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        killer.behave(Conduct::CutsAfterMs(200));
        crate::world::until("an utterance is cut", || {
            killer.record().cuts.load(Ordering::SeqCst) >= 1
        })
        .await;
        killer.kill();
    });
    let run = simulate(ANSWERING, "deepgram,embedded", deepgram_at(&double)).await;
    kill.await.unwrap();
    run.assert_as_expected();
    assert!(run.log.contains("the next one takes over"), "{}", run.log);
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_without_any_service_calls_end_with_an_outcome_and_never_in_silence() {
    let double = Double::start::<Deepgram>(Ear::Says("", Duration::ZERO)).await;
    let killer = async {
        crate::world::until("the campaign is prepared", || double.upgrades() >= 1).await;
        double.behave(Conduct::CutsAfterMs(0));
    };
    let (run, ()) = tokio::join!(simulate(REFUSING, "deepgram", deepgram_at(&double)), killer);
    // Nobody is understood, so keys are offered, and everybody uses them or is let go with a goodbye.
    let ended: u64 = run.outcomes().values().sum();
    assert_eq!(ended, 2, "{:?}\n{}", run.outcomes(), run.log);
    assert_eq!(run.outcomes().get("failed"), None, "{:?}\n{}", run.outcomes(), run.log);
}

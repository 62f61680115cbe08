//! Calls in Hindi, and from English to Hindi, through the audio of both sides: callers whom espeak-ng speaks for, a
//! recogniser that hears a language only where it was asked for it, and prompts as the caller hears them.

use crate::doubles::deepgram::Deepgram;
use crate::doubles::ear::Clip;
use crate::doubles::{Double, Ear};
use crate::whole_system::{Run, deepgram_at, root, simulate_with};
use samvad::app::SystemClock;
use samvad::speech::{EmbeddedSynthesizer, PromptCache};
use samvad::store::SqlStore;
use samvad_actors::domain::{CampaignId, Language};
use samvad_actors::ports::{Clock, ResultStore, ServiceMeter};
use samvad_actors::services::{FailoverSynthesizer, RankedSynthesizer};
use samvad_media::{resample, wav};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

const BILINGUAL: &str = "fixtures/campaigns/health_survey_bilingual.yaml";
const HINDI: &str = "fixtures/campaigns/health_survey_hi.yaml";

const ENGLISH_SCALE: &str = "How satisfied were you with your last visit, from one, not at all, to five, very much?";
const ENGLISH_CHOICE: &str = "When would you like your next visit?";
const SWITCHED: &str = "ठीक है, अब बातचीत हिंदी में होगी।";
const CONSENT: &str = "क्या आपसे अभी तीन छोटे सवाल पूछे जा सकते हैं?";
const SCALE: &str = "एक से पाँच तक, जहाँ एक मतलब बिल्कुल नहीं और पाँच मतलब बहुत ज़्यादा, आप अपनी पिछली मुलाक़ात से कितने संतुष्ट रहे?";
const CHOICE: &str = "आप अगली मुलाक़ात कब चाहेंगे?";

const MESSAGE: &str = "This is Riverside Health. We will call again.";
const MESSAGE_IN_HINDI: &str = "यह रिवरसाइड हेल्थ है। हम फिर कॉल करेंगे।";

/// What a recogniser for a language writes.
type Written = (&'static str, &'static str);

/// What callers say: the file's name, the voice and the words, and what recognisers make of it.
const SAID: [(&str, [&str; 2], &[Written]); 6] = [
    ("yes_en", ["en", "yes"], &[("en", "Yes.")]),
    (
        "switch",
        ["hi", "हिंदी में बोलिए"],
        &[("en", "Hindi mein boliye."), ("hi", "हिंदी में बोलिए")],
    ),
    ("yes", ["hi", "हाँ जी"], &[("hi", "हाँ जी।")]),
    ("four", ["hi", "चार"], &[("hi", "चार।")]),
    ("no", ["hi", "जी नहीं"], &[("hi", "जी नहीं।")]),
    ("evening", ["hi", "शाम को"], &[("hi", "शाम को।")]),
];

/// Has everything spoken into files of a folder, at the line's rate: so they are on the line as they are here.
async fn clips(folder: &Path) -> Ear {
    let mut clips = Vec::new();
    for (name, [voice, words], heard) in SAID {
        let file = folder.join(format!("{name}.wav"));
        let spoken = Command::new("espeak-ng")
            .args(["-v", voice, "-s", "140", "-w"])
            .arg(&file)
            .arg(words)
            .status();
        assert!(spoken.await.unwrap().success(), "espeak-ng speaks {voice}");
        let audio = wav::read(&std::fs::read(&file).unwrap()).unwrap();
        let samples = resample::to_8k(&audio.samples, audio.sample_rate).unwrap();
        std::fs::write(&file, wav::write_pcm16(&samples, 8_000)).unwrap();
        clips.push(Clip::new(&samples, heard));
    }
    Ear::Finds(Arc::new(clips))
}

/// Runs callers of a campaign, whose clips are in `CLIPS`; everybody must end as is expected of them.
async fn run(campaign: &str, callers: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let recognizer = Double::start::<Deepgram>(clips(folder.path()).await).await;
    let callers = callers.replace("CLIPS", &folder.path().display().to_string());
    let campaign = format!("--campaign={}", root().join(campaign).display());
    let arguments = ["--recognizer=deepgram", "--record", campaign.as_str()];
    let run = simulate_with(&callers, &arguments, deepgram_at(&recognizer)).await;
    run.assert_as_expected();
    let asked = recognizer.record().upgrades.lock().unwrap().clone();
    assert!(
        asked.iter().any(|upgrade| upgrade.query["language"] == "hi"),
        "{asked:?}"
    );
    assert_replays(&run).await;
    run
}

async fn assert_replays(run: &Run) {
    let journals = run.folder.path().join("run/journals");
    let replay = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .arg("replay")
        .arg(journals)
        .output()
        .await
        .unwrap();
    assert!(replay.status.success(), "{}", String::from_utf8_lossy(&replay.stdout));
}

/// The agent's side of the only call, as mu-law: the right channel of the simulator's own record of the line.
fn agent_side(run: &Run) -> Vec<u8> {
    let folder = run.folder.path().join("run/recordings");
    let files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    let file = std::fs::read(&files[0]).unwrap();
    const HEADER: usize = 58;
    file[HEADER..].chunks_exact(2).map(|pair| pair[1]).collect()
}

/// Where each sentence begins in what was heard, in milliseconds; `None` for one that was not heard whole.
async fn heard_at(run: &Run, sentences: &[(&str, &str)]) -> Vec<Option<usize>> {
    let line = agent_side(run);
    let folder = tempfile::tempdir().unwrap();
    let ranked = RankedSynthesizer {
        synthesizer: Arc::new(EmbeddedSynthesizer),
        patience: Duration::from_secs(60),
        at_once: 1,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let speakers = FailoverSynthesizer::new(vec![ranked], &clock, &(Arc::new(|| 0.5) as _));
    let cache = PromptCache::open(&folder.path().join("prompts"), Arc::new(speakers)).unwrap();
    let mut found = Vec::new();
    for (language, sentence) in sentences {
        let (language, texts) = (Language((*language).to_owned()), [(*sentence).to_owned()]);
        let meter = ServiceMeter::default();
        let spoken = cache
            .render(&texts, &language, None, &meter, &mut |_, _| {})
            .await
            .unwrap();
        let prompt = &spoken.book.get(sentence).unwrap().mulaw;
        found.push(
            line.windows(prompt.len())
                .position(|heard| heard == prompt)
                .map(|at| at / 8),
        );
    }
    found
}

/// The language and the wording of the consent that was recorded. The call was in Hindi at its end.
async fn consent(run: &Run, campaign: &str) -> (String, String) {
    let url = format!("sqlite://{}", run.folder.path().join("run/samvad.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    let rows = store.results(&CampaignId::from(campaign)).await.unwrap();
    store.close().await;
    assert_eq!(rows[0].language, Some(Language("hi".to_owned())));
    let consent = rows.into_iter().find_map(|row| row.consent).unwrap();
    (consent.language, consent.wording)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_wholly_in_hindi_has_its_consent_and_all_three_answers() {
    let callers = r#"
  - name: hindi
    ring_ms: 300
    steps:
      - {name: consent, say: CLIPS/yes.wav}
      - {name: scale, say: CLIPS/four.wav}
      - {name: yes_no, say: CLIPS/no.wav}
      - {name: choice, say: CLIPS/evening.wav}
    expect: {answered: true, outcome: completed, all_steps: true, answers: [4, false, evening]}
"#;
    let run = run(HINDI, callers).await;
    let heard = heard_at(&run, &[("hi", CONSENT), ("hi", SCALE), ("hi", CHOICE)]).await;
    assert!(heard.is_sorted() && heard.iter().all(Option::is_some), "{heard:?}");
    assert_eq!(
        consent(&run, "health-survey-hi").await,
        ("hi".to_owned(), CONSENT.to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_hindi_in_the_middle_hears_the_question_again_in_hindi_and_answers_in_it() {
    let callers = r#"
  - name: changes
    ring_ms: 300
    steps:
      - {name: consent, say: CLIPS/yes_en.wav}
      - {name: scale, say: CLIPS/switch.wav}
      - {name: scale again, say: CLIPS/four.wav}
      - {name: yes_no, say: CLIPS/no.wav}
      - {name: choice, say: CLIPS/evening.wav}
    expect: {answered: true, outcome: completed, all_steps: true, answers: [4, false, evening]}
"#;
    let run = run(BILINGUAL, callers).await;
    let heard = heard_at(
        &run,
        &[
            ("en", ENGLISH_SCALE),
            ("hi", SWITCHED),
            ("hi", SCALE),
            ("hi", CHOICE),
            ("en", ENGLISH_CHOICE),
        ],
    )
    .await;
    assert!(
        heard[..4].is_sorted() && heard[..4].iter().all(Option::is_some),
        "{heard:?}"
    );
    assert_eq!(heard[4], None, "no question is asked in English any more");
    let (language, wording) = consent(&run, "health-survey-bilingual").await;
    assert_eq!(language, "en", "that was agreed to before");
    assert_eq!(wording, "May I ask you three short questions now?");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_hindi_at_once_is_asked_for_consent_in_hindi() {
    let callers = r#"
  - name: changes at once
    ring_ms: 300
    steps:
      - {name: hindi, say: CLIPS/switch.wav}
      - {name: consent, say: CLIPS/yes.wav}
      - {name: scale, keys: "4"}
      - {name: yes_no, keys: "2"}
      - {name: choice, keys: "3"}
    expect: {answered: true, outcome: completed, all_steps: true, answers: [4, false, evening]}
"#;
    let run = run(BILINGUAL, callers).await;
    let heard = heard_at(
        &run,
        &[("hi", SWITCHED), ("hi", CONSENT), ("hi", CHOICE), ("en", ENGLISH_SCALE)],
    )
    .await;
    assert!(
        heard[..3].is_sorted() && heard[..3].iter().all(Option::is_some),
        "{heard:?}"
    );
    assert_eq!(heard[3], None);
    assert_eq!(
        consent(&run, "health-survey-bilingual").await,
        ("hi".to_owned(), CONSENT.to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_chose_hindi_beforehand_hears_no_english_and_answers_in_hindi() {
    let callers = r#"
  - name: chose hindi
    language: hi-IN
    ring_ms: 300
    steps:
      - {name: consent, say: CLIPS/yes.wav}
      - {name: scale, say: CLIPS/four.wav}
      - {name: yes_no, say: CLIPS/no.wav}
      - {name: choice, say: CLIPS/evening.wav}
    expect: {answered: true, answered_by: person, outcome: completed, all_steps: true, answers: [4, false, evening]}
"#;
    let run = run(BILINGUAL, callers).await;
    let english = ["Hello.", ENGLISH_SCALE, ENGLISH_CHOICE].map(|sentence| ("en", sentence));
    let hindi = [CONSENT, SCALE, CHOICE].map(|sentence| ("hi", sentence));
    let heard = heard_at(&run, &hindi).await;
    assert!(heard.is_sorted() && heard.iter().all(Option::is_some), "{heard:?}");
    assert_eq!(heard_at(&run, &english).await, [None; 3]);
    assert_eq!(
        consent(&run, "health-survey-bilingual").await,
        ("hi".to_owned(), CONSENT.to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn l17_a_machine_is_left_the_message_in_the_language_that_its_owner_chose() {
    let folder = tempfile::tempdir().unwrap();
    let campaign = folder.path().join("leaves_messages.yaml");
    let text = std::fs::read_to_string(root().join(BILINGUAL)).unwrap();
    let text = text
        .replace(
            "voicemail: hang_up",
            &format!("voicemail: {{leave_message: {MESSAGE}}}"),
        )
        .replace("# leave_message:", "leave_message:");
    std::fs::write(&campaign, text).unwrap();
    let callers = r#"
  - name: a machine of somebody who chose hindi
    language: hi
    ring_ms: 300
    voicemail: {greeting: AUDIO/23_voicemail_beep.wav}
    machine_detection: {verdict: machine_start, after_ms: 2500}
    expect: {ended_by: agent, goodbye_played: true, answered_by: voicemail, outcome: voicemail, answers: []}
"#;
    let run = run(campaign.to_str().unwrap(), callers).await;
    assert!(heard_at(&run, &[("hi", MESSAGE_IN_HINDI)]).await[0].is_some());
    assert_eq!(heard_at(&run, &[("en", MESSAGE)]).await, [None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_file_with_a_language_that_the_campaign_has_not_is_refused_with_its_line() {
    let scratch = tempfile::tempdir().unwrap();
    let contacts = scratch.path().join("people.csv");
    std::fs::write(&contacts, "phone_number,language\n+14155550101,hi\n+14155550102,ta\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .current_dir(root())
        .env("SAMVAD_DATA_DIR", scratch.path().join("data"))
        .env("TWILIO_API_BASE_URL", "http://127.0.0.1:9")
        .env("TWILIO_ACCOUNT_SID", "AC0123456789abcdef0123456789abcdef")
        .env("TWILIO_AUTH_TOKEN", "chosen-for-this-test")
        .args(["serve", "--campaign", BILINGUAL, "--contacts"])
        .arg(&contacts)
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("line 3, language: the campaign does not speak \"ta\"; write en or hi"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_a_translation_that_nobody_understands_calls_nobody_and_says_why() {
    let scratch = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_samvad"))
        .current_dir(root())
        .env("SAMVAD_DATA_DIR", scratch.path().join("data"))
        .args([
            "simulate",
            "--scenario=fixtures/scenarios/one_call_keys.yaml",
            "--recognizer=embedded",
        ])
        .args([
            format!("--campaign={BILINGUAL}"),
            format!("--directory={}", scratch.path().join("run").display()),
        ])
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let log = std::fs::read_to_string(scratch.path().join("run/server.log")).unwrap_or_default();
    let told = format!("{log}{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        told.contains("cannot serve campaign health-survey-bilingual in the language")
            && told.contains("knows English"),
        "{told}"
    );
}

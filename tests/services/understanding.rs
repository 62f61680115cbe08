//! What the lexicon does not understand, and a language model does, through the whole system: recognised by a service,
//! read by a model, acted upon, and answered in words made in the call.

use crate::doubles::deepgram::Deepgram;
use crate::doubles::{Double, Ear};
use crate::language_server::{Conduct, KEY, LanguageServer};
use crate::whole_system::{Environment, Run, deepgram_at, root, simulate_with};
use samvad::store::SqlStore;
use samvad_actors::domain::CampaignId;
use samvad_actors::ports::{ResultStore, TranscriptLine, TranscriptSpeaker};

/// One who says something at every question; what it was is the recogniser's to say.
const SPEAKER: &str = r#"
  - name: speaker
    ring_ms: 300
    steps:
      - {name: hello, when: answered, say: AUDIO/01_yes.wav}
      - {name: consent, say: AUDIO/01_yes.wav}
      - {name: scale, say: AUDIO/01_yes.wav, otherwise: [{say: AUDIO/01_yes.wav}]}
      - {name: yes_no, say: AUDIO/01_yes.wav}
      - {name: choice, say: AUDIO/01_yes.wav}
"#;

const FOUR: &str = r#"{"intent":"unclear","value":4,"callback_words":null,"question_about_call":false}"#;
const ASKS: &str = r#"{"intent":"unclear","value":null,"callback_words":null,"question_about_call":true}"#;
const REPLY: &str = "It takes about two minutes.";

fn speaker(expected: &str) -> String {
    format!("{SPEAKER}    expect: {{answered: true, outcome: completed, answers: {expected}}}\n")
}

/// A run in which these words are recognised, one after the other.
async fn run(heard: &[&'static str], callers: &str, model: &LanguageServer, campaign: Option<&str>) -> Run {
    let recognizer = Double::start::<Deepgram>(Ear::reciting(heard)).await;
    let mut services: Environment = deepgram_at(&recognizer);
    services.extend([
        ("LANGUAGE_MODEL_BASE_URL", model.url()),
        ("LANGUAGE_MODEL_API_KEY", KEY.to_owned()),
        ("LANGUAGE_MODEL_NAME", "any".to_owned()),
    ]);
    let campaign = campaign.map(|path| format!("--campaign={path}"));
    let mut arguments = vec!["--recognizer=deepgram", "--language-model=compatible"];
    arguments.extend(campaign.as_deref());
    let run = simulate_with(callers, &arguments, services).await;
    assert!(!run.log.contains(KEY), "the key is in the log");
    run
}

async fn transcript(run: &Run) -> Vec<TranscriptLine> {
    let url = format!("sqlite://{}", run.folder.path().join("run/samvad.db").display());
    let store = SqlStore::open(&url).await.unwrap();
    let rows = store.results(&CampaignId::from("health-survey")).await.unwrap();
    let attempt = rows.into_iter().find_map(|row| row.attempt).unwrap();
    let lines = store.transcript(&attempt.id).await.unwrap();
    store.close().await;
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_words_of_ones_own_is_read_by_the_model_and_taken() {
    let model = LanguageServer::start();
    model.behave(Conduct::Says(FOUR));
    let heard = ["Hello.", "Yes.", "Oh it was rather lovely.", "Yes.", "In the evening."];
    run(&heard, &speaker("[4, true, evening]"), &model, None)
        .await
        .assert_as_expected();
    let asked = model.requests();
    assert_eq!(asked.len(), 1, "certain answers cost nothing");
    assert!(asked[0].json()["messages"].to_string().contains("rather lovely"));
}

#[tokio::test(flavor = "multi_thread")]
async fn l12_a_model_that_says_nothing_costs_a_second_try_and_no_more() {
    let model = LanguageServer::start();
    model.behave(Conduct::Stalls);
    let heard = [
        "Hello.",
        "Yes.",
        "Oh it was rather lovely.",
        "Three.",
        "Yes.",
        "In the evening.",
    ];
    let run = run(&heard, &speaker("[3, true, evening]"), &model, None).await;
    run.assert_as_expected();
    let told: Vec<&str> = run.log.lines().filter(|line| line.contains("too slow")).collect();
    assert!(
        told.len() == 1 && told[0].contains("\"attempt\""),
        "once, with the call: {}",
        run.log
    );
    assert!(!run.log.contains("lovely"), "what was said is in the log");
    let said = transcript(&run).await;
    let bridges = said.iter().filter(|line| line.text == "One moment.").count();
    assert_eq!(bridges, 1, "the wait is not silent: {said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_the_call_is_answered_in_the_models_words_where_the_campaign_lets_it() {
    let model = LanguageServer::start();
    model.behave(Conduct::Understands(ASKS, REPLY));
    let folder = tempfile::tempdir().unwrap();
    let campaign = folder.path().join("campaign.yaml");
    let text = std::fs::read_to_string(root().join("fixtures/campaigns/health_survey.yaml")).unwrap();
    let text = text.replace("spoken_replies: false\n", "");
    std::fs::write(&campaign, format!("{text}\nspoken_replies: true\n")).unwrap();
    let heard = [
        "Hello.",
        "Yes.",
        "How much longer is all of this going on?",
        "Three.",
        "Yes.",
        "In the evening.",
    ];
    let campaign = campaign.display().to_string();
    let run = run(&heard, &speaker("[3, true, evening]"), &model, Some(&campaign)).await;
    run.assert_as_expected();
    let said = transcript(&run).await;
    let reply = said
        .iter()
        .position(|line| line.speaker == TranscriptSpeaker::Agent && line.text == REPLY);
    let reply = reply.unwrap_or_else(|| panic!("it was not heard: {said:?}"));
    assert!(
        said[reply + 1].text.contains("How satisfied"),
        "the question is asked again: {said:?}"
    );
}

//! Every service against the suite that all recognisers pass.

use crate::doubles::openai::{self, Files};
use crate::doubles::{Conduct, Ear};
use crate::suite::{Kind, answers, every_check};
use crate::world::{STREAMING, Service, list, over, over_files};
use samvad_actors::domain::Language;
use samvad_actors::ports::Recognizer;
use std::sync::Arc;
use std::time::Duration;

async fn conforms(service: Service) {
    let double = service.double(Ear::of_the_suite()).await;
    every_check(&over(service, &double), Kind::Dictation).await;
}

#[tokio::test]
async fn deepgram_conforms() {
    conforms(Service::Deepgram).await;
}

#[tokio::test]
async fn openai_realtime_conforms() {
    conforms(Service::OpenAi).await;
}

#[tokio::test]
async fn sarvam_conforms() {
    conforms(Service::Sarvam).await;
}

#[tokio::test]
async fn openai_file_transcription_conforms() {
    let files = Files::start(Ear::of_the_suite());
    every_check(&over_files(&files, openai::KEY), Kind::Dictation).await;
    let bodies = files.bodies.lock().unwrap();
    assert!(
        bodies
            .iter()
            .all(|body| body.contains("gpt-4o-transcribe") && body.contains("include[]"))
    );
}

#[tokio::test]
async fn a_list_whose_first_is_broken_conforms() {
    for broken in [
        Conduct::CutsAfterMs(100),
        Conduct::ReportsQuota,
        Conduct::TalksNonsense,
        Conduct::Refuses(503, "x"),
    ] {
        let (first, second) = (
            Service::Deepgram.double(Ear::of_the_suite()).await,
            Service::Sarvam.double(Ear::of_the_suite()).await,
        );
        first.behave(broken);
        let recognizers: Vec<Arc<dyn Recognizer>> = vec![
            Arc::new(over(Service::Deepgram, &first)),
            Arc::new(over(Service::Sarvam, &second)),
        ];
        every_check(&list(recognizers, Duration::from_secs(20)), Kind::Dictation).await;
    }
}

#[tokio::test]
async fn a_language_a_service_does_not_have_is_told_before_anybody_is_called() {
    let double = Service::Sarvam.double(Ear::of_the_suite()).await;
    let sarvam = over(Service::Sarvam, &double);
    let prepared = sarvam.prepare(&Language("fr".to_owned()), &answers()).await;
    assert!(prepared.is_err_and(|error| error.to_string().contains("Indian languages")));
    for language in ["hi", "ta-IN", "en"] {
        sarvam
            .prepare(&Language(language.to_owned()), &answers())
            .await
            .unwrap();
    }
    let upgrades = double.record().upgrades.lock().unwrap();
    let languages: Vec<_> = upgrades
        .iter()
        .map(|upgrade| upgrade.query["language_code"].as_str())
        .collect();
    assert!(languages.contains(&"hi-IN") && languages.contains(&"ta-IN") && languages.contains(&"en-IN"));
}

#[tokio::test]
async fn partial_results_are_shown_while_an_utterance_is_spoken() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        let stream = crate::suite::utterance(&recognizer, &answers(), &[0; 12_000]);
        crate::world::until("a partial result", || {
            matches!(stream.progress(), samvad_actors::ports::Progress::Partial(_))
        })
        .await;
    }
}

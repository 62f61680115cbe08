//! Lists of recognisers: the next takes over within the utterance.

use crate::doubles::{Conduct, Ear};
use crate::recordings::fixture_utterance;
use crate::suite::{Kind, answers, every_check, utterance};
use crate::world::{STREAMING, Service, list, over, until};
use samvad::speech::embedded::{EmbeddedRecognizer, EmbeddedSettings};
use samvad_actors::domain::Language;
use samvad_actors::ports::Recognizer;
use samvad_actors::services::{FailoverRecognizer, FailoverSettings, Ranked};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

fn embedded() -> Arc<EmbeddedRecognizer> {
    let settings = EmbeddedSettings {
        program: Some(PathBuf::from(env!("CARGO_BIN_EXE_samvad"))),
        threads: Some(1),
        deadline: Duration::from_secs(120),
        ..EmbeddedSettings::default()
    };
    Arc::new(EmbeddedRecognizer::start(settings).unwrap())
}

#[tokio::test]
async fn l12_whatever_a_service_does_wrong_the_embedded_recogniser_answers_in_its_place() {
    let embedded = embedded();
    embedded.prepare(&Language::default(), &answers()).await.unwrap();
    for service in STREAMING {
        for conduct in [
            Conduct::Refuses(401, "x"),
            Conduct::Refuses(429, "x"),
            Conduct::IgnoresUpgrades,
            Conduct::Stalls,
            Conduct::NeverConcludes,
            Conduct::CutsAfterMs(0),
            Conduct::CutsAfterMs(300),
            Conduct::ReportsQuota,
            Conduct::TalksNonsense,
        ] {
            // Deaf, so that an answer can only be the other's.
            let double = service.double(Ear::Knows(Arc::default())).await;
            double.behave(conduct);
            let recognizers: Vec<Arc<dyn Recognizer>> = vec![Arc::new(over(service, &double)), embedded.clone()];
            // Patience of the first alone: the other may take its time on a busy machine.
            let recognizer = list_of(recognizers, [Duration::from_millis(100), Duration::from_secs(60)]);
            let heard = utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav"))
                .finish()
                .await;
            assert_eq!(heard.unwrap().text, "yes", "{service:?} {conduct:?}");
        }
    }
}

fn list_of(recognizers: Vec<Arc<dyn Recognizer>>, patience: [Duration; 2]) -> FailoverRecognizer {
    let ranked = recognizers.into_iter().zip(patience);
    let settings = FailoverSettings {
        deadline: Duration::from_secs(120),
        ..FailoverSettings::default()
    };
    FailoverRecognizer::new(
        ranked
            .map(|(recognizer, patience)| Ranked { recognizer, patience })
            .collect(),
        settings,
        Arc::new(samvad::app::SystemClock::default()),
        Arc::new(|| 0.5),
    )
}

#[tokio::test]
async fn a_list_with_the_embedded_recogniser_last_conforms_when_the_service_is_gone() {
    let double = Service::OpenAi.double(Ear::of_the_suite()).await;
    let first = over(Service::OpenAi, &double);
    double.kill();
    let recognizers: Vec<Arc<dyn Recognizer>> = vec![Arc::new(first), embedded()];
    let recognizer = list_of(recognizers, [Duration::from_millis(100), Duration::from_secs(60)]);
    every_check(&recognizer, Kind::Grammar).await;
}

#[tokio::test]
async fn a_service_killed_between_two_frames_costs_no_word() {
    for service in STREAMING {
        let (first, second) = (
            service.double(Ear::of_the_suite()).await,
            Service::Deepgram.double(Ear::of_the_suite()).await,
        );
        let recognizers: Vec<Arc<dyn Recognizer>> = vec![
            Arc::new(over(service, &first)),
            Arc::new(over(Service::Deepgram, &second)),
        ];
        let recognizer = list(recognizers, Duration::from_secs(20));
        let speech = fixture_utterance("17_num_3.wav");
        let (begin, end) = speech.split_at(speech.len() / 2);
        let mut stream = utterance(&recognizer, &answers(), begin);
        until("it is under way", || first.open() >= 1).await;
        first.kill();
        for frame in end.chunks(160) {
            stream.push(frame);
            tokio::task::yield_now().await;
        }
        // The other knows the recording as a whole only.
        assert_eq!(stream.finish().await.unwrap().text, "three", "{service:?}");
    }
}

#[tokio::test]
async fn a_service_alone_whose_connections_are_stale_is_asked_over_a_new_one() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = list(vec![Arc::new(over(service, &double))], Duration::from_secs(20));
        recognizer.prepare(&Language::default(), &answers()).await.unwrap();
        let stream = utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav"));
        until("it is under way", || double.open() >= 1).await;
        double.cut();
        assert_eq!(stream.finish().await.unwrap().text, "yes", "{service:?}");
    }
}

//! What services do wrong, and what becomes of it: no connection, task or utterance is left behind.

use crate::doubles::openai::{self, Files};
use crate::doubles::{Conduct, Double, Ear};
use crate::recordings::fixture_utterance;
use crate::suite::{answers, utterance};
use crate::world::{STREAMING, Service, over, over_files, threads, until};
use samvad::speech::services::PoolSettings;
use samvad_actors::domain::{AttemptId, Language};
use samvad_actors::ports::{Heard, Progress, RecognitionRequest, Recognizer, RecognizerError, ServiceMeter};
use std::time::Duration;

async fn say_yes(recognizer: &dyn Recognizer) -> Result<Heard, RecognizerError> {
    utterance(recognizer, &answers(), &fixture_utterance("01_yes.wav"))
        .finish()
        .await
}

async fn prepared(recognizer: &dyn Recognizer) -> Result<(), RecognizerError> {
    recognizer.prepare(&Language::default(), &answers()).await
}

fn assert_refused(result: Result<impl std::fmt::Debug, RecognizerError>, hint: &str) {
    match result {
        Err(RecognizerError::Refused { reason }) => {
            assert!(reason.contains(hint), "{reason}");
            assert!(!reason.contains("canary") && !reason.contains("-key"), "{reason}");
        }
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_before_anybody_is_called_and_never_repeated() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = service.recognizer(double.url(), "wrong-key", PoolSettings::default(), threads());
        assert_refused(prepared(&recognizer).await, "does not accept the key");
    }
    let files = Files::start(Ear::of_the_suite());
    assert_refused(
        prepared(&over_files(&files, "wrong-key")).await,
        "does not accept the key",
    );
}

#[tokio::test]
async fn a_rate_a_quota_and_a_wrong_model_are_refusals_and_a_fault_of_the_service_is_a_loss() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        for (status, code, hint) in [
            (429, "TOO_MANY_REQUESTS", "TOO_MANY_REQUESTS"),
            (402, "ASR_PAYMENT_REQUIRED", "no credit"),
            (400, "INVALID_MODEL", "the model"),
        ] {
            double.behave(Conduct::Refuses(status, code));
            assert_refused(say_yes(&recognizer).await, hint);
        }
        double.behave(Conduct::Refuses(503, "a code that is a sentence with canary words"));
        let lost = say_yes(&recognizer).await;
        assert!(
            matches!(&lost, Err(RecognizerError::Lost { reason }) if !reason.contains("canary")),
            "{lost:?}"
        );
    }
    let files = Files::start(Ear::of_the_suite());
    *files.conduct.lock().unwrap() = Conduct::Refuses(429, "rate_limit_exceeded");
    assert_refused(say_yes(&over_files(&files, openai::KEY)).await, "rate_limit_exceeded");
    *files.conduct.lock().unwrap() = Conduct::TalksNonsense;
    let lost = say_yes(&over_files(&files, openai::KEY)).await;
    assert!(matches!(lost, Err(RecognizerError::Lost { .. })), "{lost:?}");
}

#[tokio::test]
async fn l12_a_quota_that_is_used_up_in_mid_utterance_is_a_refusal() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        double.behave(Conduct::ReportsQuota);
        assert_refused(say_yes(&over(service, &double)).await, "_");
    }
}

#[tokio::test]
async fn a_connection_cut_in_mid_utterance_shows_while_it_is_spoken() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        double.behave(Conduct::CutsAfterMs(400));
        let recognizer = over(service, &double);
        let stream = utterance(&recognizer, &answers(), &[0; 8_000]);
        until("the failure shows", || {
            matches!(stream.progress(), Progress::Failed(RecognizerError::Lost { .. }))
        })
        .await;
        assert!(matches!(stream.finish().await, Err(RecognizerError::Lost { .. })));
    }
}

#[tokio::test]
async fn garbage_is_a_loss() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        double.behave(Conduct::TalksNonsense);
        let lost = say_yes(&over(service, &double)).await;
        assert!(
            matches!(lost, Err(RecognizerError::Lost { .. })),
            "{service:?}: {lost:?}"
        );
    }
}

#[tokio::test]
async fn one_that_never_concludes_holds_up_nobody_else() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        for conduct in [Conduct::Stalls, Conduct::NeverConcludes] {
            double.behave(conduct);
            // Its call gives up by its own deadline.
            let late = tokio::time::timeout(Duration::from_millis(50), say_yes(&recognizer)).await;
            assert!(late.is_err(), "{late:?}");
            double.behave(Conduct::Serves);
            assert_eq!(say_yes(&recognizer).await.unwrap().text, "yes", "on another connection");
        }
    }
}

#[tokio::test]
async fn the_first_word_waits_for_no_handshake() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        prepared(&recognizer).await.unwrap();
        until("two are open ahead", || recognizer.gauges().idle == 2).await;
        // From now on no connection can be opened.
        double.behave(Conduct::Refuses(503, "x"));
        let open: Vec<_> = (0..2)
            .map(|_| utterance(&recognizer, &answers(), &fixture_utterance("01_yes.wav")))
            .collect();
        assert_eq!(recognizer.gauges().idle, 0);
        double.behave(Conduct::Serves);
        for stream in open {
            assert_eq!(stream.finish().await.unwrap().text, "yes");
        }
    }
}

#[tokio::test]
async fn a_connection_serves_one_utterance_after_the_other() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let one = PoolSettings { most: 1, spare: 1 };
        let recognizer = service.recognizer(double.url(), service.key(), one, threads());
        prepared(&recognizer).await.unwrap();
        // Every order of messages that is allowed, three times over.
        for (file, text) in [("01_yes.wav", "yes"), ("05_no.wav", "no"), ("17_num_3.wav", "three")].repeat(3) {
            until("it waits", || recognizer.gauges().idle == 1).await;
            let heard = utterance(&recognizer, &answers(), &fixture_utterance(file))
                .finish()
                .await;
            assert_eq!(heard.unwrap().text, text, "{service:?}");
        }
        assert_eq!(double.upgrades(), 1);
    }
}

#[tokio::test]
async fn an_utterance_that_is_abandoned_leaves_nothing_to_the_next() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let one = PoolSettings { most: 1, spare: 1 };
        let recognizer = service.recognizer(double.url(), service.key(), one, threads());
        prepared(&recognizer).await.unwrap();
        for _ in 0..4 {
            until("it waits", || recognizer.gauges().idle == 1).await;
            drop(utterance(&recognizer, &answers(), &fixture_utterance("05_no.wav")));
            until("it waits again", || recognizer.gauges().idle == 1).await;
            assert_eq!(say_yes(&recognizer).await.unwrap().text, "yes", "{service:?}");
        }
    }
}

#[tokio::test]
async fn connections_that_are_cut_while_they_wait_are_replaced() {
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        prepared(&recognizer).await.unwrap();
        until("two are open ahead", || {
            recognizer.gauges().idle == 2 && double.open() == 2
        })
        .await;
        let before = double.upgrades();
        double.cut();
        until("two others are", || {
            double.upgrades() >= before + 2 && recognizer.gauges().idle == 2
        })
        .await;
        assert_eq!(say_yes(&recognizer).await.unwrap().text, "yes");
    }
}

#[tokio::test]
async fn no_more_connections_are_opened_than_the_plan_allows() {
    let double = Service::Deepgram.double(Ear::of_the_suite()).await;
    let two = PoolSettings { most: 2, spare: 2 };
    let recognizer = Service::Deepgram.recognizer(double.url(), Service::Deepgram.key(), two, threads());
    let open: Vec<_> = (0..2)
        .map(|_| utterance(&recognizer, &answers(), &[0; 8_000]))
        .collect();
    let third = utterance(&recognizer, &answers(), &[0; 8_000]);
    assert_eq!(third.finish().await, Err(RecognizerError::Overloaded));
    drop(open);
    until("they wait again", || recognizer.gauges().idle == 2).await;
    assert_eq!(double.upgrades(), 2);
}

#[tokio::test]
async fn connections_that_wait_for_one_language_make_room_for_another() {
    let double = Service::Deepgram.double(Ear::of_the_suite()).await;
    let two = PoolSettings { most: 2, spare: 2 };
    let recognizer = Service::Deepgram.recognizer(double.url(), Service::Deepgram.key(), two, threads());
    prepared(&recognizer).await.unwrap();
    until("all wait for English", || recognizer.gauges().idle == 2).await;
    let mut hindi = recognizer.start(RecognitionRequest {
        attempt: AttemptId::from("attempt"),
        language: Language("hi".to_owned()),
        grammar: answers(),
        meter: ServiceMeter::default(),
    });
    hindi.push(&fixture_utterance("01_yes.wav"));
    assert_eq!(hindi.finish().await.unwrap().text, "yes");
    assert!(recognizer.gauges().connections <= 2, "{:?}", recognizer.gauges());
    assert!(double.open() <= 2, "{} are open", double.open());
}

#[tokio::test]
async fn audio_that_nobody_takes_never_blocks_a_call() {
    let double = Service::Deepgram.double(Ear::of_the_suite()).await;
    double.behave(Conduct::IgnoresUpgrades);
    let recognizer = over(Service::Deepgram, &double);
    let stream = utterance(&recognizer, &answers(), &vec![0; 160 * 4_000]);
    assert_eq!(stream.progress(), Progress::Failed(RecognizerError::Overloaded));
}

#[tokio::test]
async fn an_idle_connection_is_kept_alive() {
    let double = Service::Deepgram.double(Ear::of_the_suite()).await;
    let recognizer = over(Service::Deepgram, &double);
    prepared(&recognizer).await.unwrap();
    until("a sign of life", || {
        let received = double.record().received.lock().unwrap();
        received.iter().any(|message| message["type"] == "KeepAlive")
    })
    .await;
}

#[tokio::test]
async fn l15_utterances_against_failing_services_leave_no_connection_and_no_task() {
    let threads = threads();
    for service in STREAMING {
        let double = service.double(Ear::of_the_suite()).await;
        let recognizer = service.recognizer(double.url(), service.key(), PoolSettings::default(), threads.clone());
        let conducts = [
            Conduct::Refuses(429, "x"),
            Conduct::CutsAfterMs(0),
            Conduct::ReportsQuota,
            Conduct::TalksNonsense,
        ];
        for conduct in conducts.into_iter().cycle().take(400) {
            double.behave(conduct);
            assert!(say_yes(&recognizer).await.is_err());
        }
        drop(recognizer);
        until("all connections end", || double.open() == 0).await;
    }
    until("all tasks end", || threads.tasks() == 0).await;
}

#[tokio::test]
async fn a_recogniser_that_is_dropped_closes_its_connections() {
    for service in STREAMING {
        let double: Double = service.double(Ear::of_the_suite()).await;
        let recognizer = over(service, &double);
        prepared(&recognizer).await.unwrap();
        until("two are open ahead", || double.open() == 2).await;
        drop(recognizer);
        until("none is", || double.open() == 0).await;
    }
}

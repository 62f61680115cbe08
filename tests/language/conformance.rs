//! The suite of the port: every implementation, every check.

use crate::server::{Conduct, LanguageServer};
use crate::world::{KINDS, Kind, PATIENT, SHORT, ask, counted, hear, listen, over, request, schema, until, well};
use futures_util::StreamExt;
use samvad_actors::ports::{LanguageModelError, ServiceKind};
use serde_json::json;
use std::time::Duration;

const SENTENCES: [&str; 3] = ["That is good, Dr. Rao.", "It costs 3.5 rupees.", "धन्यवाद।"];

#[tokio::test]
async fn a_structured_answer_is_the_object_that_was_asked_for() {
    for kind in KINDS {
        let server = LanguageServer::start();
        let model = well(kind, &server);
        for conduct in [Conduct::Answers, Conduct::AnswersOddly] {
            server.behave(conduct);
            let answer = ask(&*model, PATIENT).await;
            assert_eq!(answer, Ok(json!({"answer": "fine"})), "{kind:?} {conduct:?}");
        }
    }
}

#[tokio::test]
async fn a_spoken_answer_comes_in_whole_sentences_however_it_is_torn() {
    for kind in KINDS {
        let server = LanguageServer::start();
        let model = well(kind, &server);
        for conduct in [Conduct::Answers, Conduct::AnswersOddly, Conduct::CountsNothing] {
            server.behave(conduct);
            let (sentences, error) = listen(&*model, PATIENT).await;
            assert_eq!(sentences, SENTENCES, "{kind:?} {conduct:?}: {error:?}");
            assert_eq!(error, None, "{kind:?} {conduct:?}");
        }
    }
}

#[tokio::test]
async fn every_request_is_counted_with_its_tokens_as_far_as_they_are_told() {
    for kind in KINDS {
        let server = LanguageServer::start();
        let model = well(kind, &server);
        let asked = request(PATIENT);
        model.structured(&asked, &schema()).await.unwrap();
        let sheet = asked.meter.read();
        let [(service, amount)] = sheet.as_slice() else {
            panic!("one service: {sheet:?}");
        };
        assert_eq!(
            (service.kind, service.model.as_str()),
            (ServiceKind::Language, "gpt-4.1-mini")
        );
        assert!(["openai", "compatible"].contains(&service.service.as_str()));
        assert_eq!((amount.requests, amount.input_tokens, amount.output_tokens), (1, 31, 6));

        for conduct in [Conduct::Answers, Conduct::CountsOften] {
            server.behave(conduct);
            let spoken = request(PATIENT);
            hear(&*model, &spoken).await;
            // They come after the last word, and nobody waits for them.
            until("the tokens are counted", || counted(&spoken.meter).output_tokens > 0).await;
            let amount = counted(&spoken.meter);
            assert_eq!(
                (amount.requests, amount.input_tokens, amount.output_tokens),
                (1, 31, 22),
                "{conduct:?}"
            );
        }

        for conduct in [Conduct::CountsNothing, Conduct::TalksNonsense] {
            server.behave(conduct);
            let asked = request(PATIENT);
            // Whether it answers is another test's.
            let _ = model.structured(&asked, &schema()).await;
            let amount = counted(&asked.meter);
            assert!(
                amount.requests >= 1 && amount.output_tokens == 0,
                "{conduct:?}: {amount:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_service_that_does_not_end_after_its_last_word_is_let_go() {
    let server = LanguageServer::start();
    server.behave(Conduct::HangsAfterTheEnd);
    let model = well(Kind::Schema, &server);
    let (sentences, error) = listen(&*model, PATIENT).await;
    assert_eq!(
        (sentences.as_slice(), error),
        (["One sentence.", "And half"].map(String::from).as_slice(), None)
    );
    until("the connection is closed", || server.open() == 0).await;
    drop(model);
}

#[tokio::test]
async fn what_is_charged_is_counted_though_it_cannot_be_used() {
    let server = LanguageServer::start();
    server.behave(Conduct::Finishes("length"));
    let asked = request(PATIENT);
    well(Kind::Schema, &server)
        .structured(&asked, &schema())
        .await
        .unwrap_err();
    assert_eq!(counted(&asked.meter).output_tokens, 6);
}

#[tokio::test]
async fn l12_no_answer_and_no_sentence_are_waited_for_beyond_the_deadline() {
    for kind in KINDS {
        let server = LanguageServer::start();
        for conduct in [Conduct::Stalls, Conduct::StallsWithin] {
            server.behave(conduct);
            let late = ask(&*well(kind, &server), SHORT).await;
            assert!(
                matches!(late, Err(LanguageModelError::TimedOut { .. })),
                "{kind:?} {conduct:?}: {late:?}"
            );
        }
        server.behave(Conduct::Stalls);
        let (sentences, late) = listen(&*well(kind, &server), SHORT).await;
        assert!(sentences.is_empty());
        assert!(
            matches!(late, Some(LanguageModelError::TimedOut { .. })),
            "{kind:?}: {late:?}"
        );
        // A sentence that has come is kept.
        server.behave(Conduct::StallsWithin);
        let (sentences, late) = listen(&*well(kind, &server), Duration::from_secs(2)).await;
        assert_eq!(sentences, ["One sentence."], "{kind:?}");
        assert!(
            matches!(late, Some(LanguageModelError::TimedOut { .. })),
            "{kind:?}: {late:?}"
        );
    }
}

#[tokio::test]
async fn each_sentence_has_the_deadline_for_itself() {
    for kind in KINDS {
        let server = LanguageServer::start();
        server.behave(Conduct::SaysSlowly(700));
        let (sentences, error) = listen(&*well(kind, &server), Duration::from_secs(2)).await;
        assert_eq!((sentences.len(), error), (4, None), "{kind:?}: all of it takes longer");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_wants_any_more_ends_its_request() {
    for kind in KINDS {
        let server = LanguageServer::start();
        server.behave(Conduct::StallsWithin);
        let model = well(kind, &server);
        let mut sentences = model.spoken(&request(PATIENT)).await.unwrap();
        assert_eq!(sentences.next().await, Some(Ok("One sentence.".to_owned())));
        assert_eq!(server.open(), 1, "{kind:?}");
        drop(sentences);
        until("the spoken answer's connection is closed", || server.open() == 0).await;

        let asked = request(PATIENT);
        let shape = schema();
        {
            let answer = model.structured(&asked, &shape);
            tokio::pin!(answer);
            tokio::select! {
                answer = &mut answer => panic!("it stalls: {answer:?}"),
                () = until("it has been asked", || server.open() == 1) => {}
            }
        }
        until("the structured answer's connection is closed", || server.open() == 0).await;
    }
}

#[tokio::test]
async fn a_wrong_key_and_an_unknown_model_are_refusals_that_name_their_settings() {
    for kind in KINDS {
        let server = LanguageServer::start();
        let threads = crate::world::threads();
        let locked = over(kind, &server, "canary-key", "gpt-4.1-mini", &threads);
        let unknown = over(kind, &server, crate::server::KEY, "nobody", &threads);
        for (model, setting) in [(locked, "_API_KEY"), (unknown, "_MODEL")] {
            let refused = ask(&*model, PATIENT).await;
            let (said, spoken) = listen(&*model, PATIENT).await;
            assert!(said.is_empty());
            for error in [refused.unwrap_err(), spoken.unwrap()] {
                let LanguageModelError::Refused { reason } = &error else {
                    panic!("no refusal: {error:?}");
                };
                assert!(
                    reason.contains(setting) || reason.contains("LANGUAGE_MODEL_NAME"),
                    "{reason}"
                );
                assert!(!reason.contains("canary"), "{reason}");
            }
        }
    }
}

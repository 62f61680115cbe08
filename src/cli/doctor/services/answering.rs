//! A small question for each language model.

use super::{PATIENCE, Twice, failed, reach, silent, twice};
use crate::app::{service_of, start_language_model};
use crate::cli::doctor::Finding;
use crate::config::{ChatSettings, LanguageModelSetting, Settings};
use crate::speech::services::ServiceThreads;
use samvad_actors::ports::{
    AnswerSchema, LanguageModel, LanguageModelError, LanguageRequest, ServiceMeter, Speaker, Spoken,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const CHECK: &str = "service answers";

/// What it answers, and how fast.
pub(super) async fn check(
    setting: LanguageModelSetting,
    chat: &ChatSettings,
    settings: &Settings,
    threads: Arc<ServiceThreads>,
) -> Finding {
    let name = format!("{setting}, {}", chat.model);
    let base_url = service_of(setting).base_url;
    let model = match start_language_model(setting, chat, settings, threads) {
        Ok(model) => model,
        Err(error) => return failed(CHECK, &name, &format!("{error:#}"), &reach(base_url)),
    };
    let (request, schema) = question();
    let answered = twice(async || model.structured(&request, &schema).await);
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(answered)) => judge_answer(&name, &answered, settings.language.deadline),
        Ok(Err(error @ LanguageModelError::Unusable { .. })) => {
            let remedy = "choose another model, one that gives structured answers";
            failed(CHECK, &name, &error, remedy)
        }
        Ok(Err(error)) => failed(CHECK, &name, &error, &reach(base_url)),
        Err(_elapsed) => silent(CHECK, &name, base_url),
    }
}

/// A small one, of the kind that calls ask.
fn question() -> (LanguageRequest, AnswerSchema) {
    let said = |speaker, text: &str| Spoken {
        speaker,
        text: text.to_owned(),
    };
    let request = LanguageRequest {
        instructions: "A caller was asked a question. Does the caller say yes or no?".to_owned(),
        conversation: vec![
            said(Speaker::Agent, "Did the staff treat you well?"),
            said(
                Speaker::Caller,
                "I could not complain about them at all, they were lovely",
            ),
        ],
        most_tokens: 64,
        deadline: PATIENCE,
        meter: ServiceMeter::default(),
    };
    let schema = AnswerSchema {
        name: "yes_or_no".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
            "required": ["answer"],
            "additionalProperties": false,
        }),
    };
    (request, schema)
}

fn judge_answer(name: &str, answered: &Twice<Value>, deadline: Duration) -> Finding {
    let said = answered.last["answer"].as_str();
    let found = |answer: &str| format!("{name}: a question was answered with {answer}, {}", answered.times());
    match said {
        Some(answer @ ("yes" | "no")) if answered.open_connection > deadline => Finding::warning(
            CHECK,
            found(answer),
            format!(
                "calls wait for {} ms: choose a faster model, or raise SAMVAD_LANGUAGE_DEADLINE_MS",
                deadline.as_millis()
            ),
        ),
        Some("yes") => Finding::ok(CHECK, found("yes")),
        Some("no") => Finding::warning(
            CHECK,
            found("no, which is wrong"),
            "choose a model that understands more",
        ),
        _ => Finding::fault(
            CHECK,
            found("something else than its schema allows"),
            "choose a model that gives structured answers",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::State;

    fn answered(answer: &Value, took: Duration) -> State {
        let twice = Twice {
            last: json!({"answer": answer}),
            new_connection: took * 2,
            open_connection: took,
        };
        judge_answer("openai", &twice, Duration::from_millis(1_500)).state
    }

    #[test]
    fn an_answer_outside_its_schema_is_a_fault_and_a_wrong_or_late_one_a_warning() {
        let fast = Duration::from_millis(300);
        assert_eq!(answered(&json!("yes"), fast), State::Ok);
        assert_eq!(answered(&json!("no"), fast), State::Warning);
        assert_eq!(answered(&json!("yes"), Duration::from_secs(2)), State::Warning);
        assert_eq!(answered(&json!("maybe"), fast), State::Fault);
        assert_eq!(answered(&json!(null), fast), State::Fault);
    }
}

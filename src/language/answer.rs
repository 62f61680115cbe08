//! What a chat completion says, read leniently: compatible servers leave out, add and null what OpenAI's types have.

use samvad_actors::ports::{LanguageModelError, ServiceUse};
use serde::Deserialize;
use serde_json::Value;

/// A completion, or a chunk of a streamed one, as far as it is read.
#[derive(Deserialize, Default, Debug)]
struct Completion {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    /// In place of the rest: a fault found while the answer was being written.
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize, Default, Debug)]
struct Choice {
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    delta: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default, Debug)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize, Default, Debug)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
}

/// What there is in a completion or in a chunk of one.
#[derive(PartialEq, Eq, Default, Debug)]
pub(super) struct Part {
    /// The words.
    pub(super) text: String,
    /// The model has come to its end by itself.
    pub(super) is_end: bool,
}

impl Part {
    /// The tokens of which a completion or a chunk tells, whatever else there is in it.
    pub(super) fn tokens(value: &Value) -> Option<ServiceUse> {
        let usage = Usage::deserialize(value.get("usage")?).ok()?;
        Some(ServiceUse {
            input_tokens: usage.prompt_tokens.unwrap_or(0),
            output_tokens: usage.completion_tokens.unwrap_or(0),
            ..ServiceUse::default()
        })
    }

    /// Reads a completion or a chunk.
    ///
    /// # Errors
    /// [`LanguageModelError::Unusable`] if it has another shape, if the model declined, or was cut short;
    /// [`LanguageModelError::Unavailable`] if it reports a fault.
    pub(super) fn read(value: Value) -> Result<Self, LanguageModelError> {
        let completion: Completion =
            serde_json::from_value(value).map_err(|_| unusable("it is no chat completion; check the base URL"))?;
        if completion.error.is_some_and(|error| !error.is_null()) {
            return Err(LanguageModelError::Unavailable {
                reason: "it reports a fault of its own within its answer; try again later".to_owned(),
            });
        }
        // One was asked for; a chunk that tells of tokens alone has none.
        let choice = completion
            .choices
            .unwrap_or_default()
            .into_iter()
            .next()
            .unwrap_or_default();
        let message = choice.message.or(choice.delta).unwrap_or_default();
        let part = Self {
            text: message.content.unwrap_or_default(),
            is_end: choice.finish_reason.as_deref() == Some("stop"),
        };
        if message.refusal.is_some_and(|refusal| !refusal.is_empty()) {
            return Err(unusable("it declines to answer"));
        }
        match choice.finish_reason.as_deref() {
            None | Some("stop" | "") => Ok(part),
            Some("length") => Err(unusable(
                "it is cut short: it had more to say than the tokens it was allowed",
            )),
            Some("content_filter") => Err(unusable("the service's content filter withheld it")),
            Some(_) => Err(unusable("it calls for something else than was asked")),
        }
    }

    /// The JSON object that a structured answer is.
    ///
    /// # Errors
    /// [`LanguageModelError::Unusable`] if it is none. Its words are not told.
    pub(super) fn into_object(self) -> Result<Value, LanguageModelError> {
        if self.text.trim().is_empty() {
            return Err(unusable("it is empty"));
        }
        match serde_json::from_str(&self.text) {
            Ok(object @ Value::Object(_)) => Ok(object),
            Ok(_) => Err(unusable("it is JSON, but no object")),
            Err(_) => Err(unusable("it is not JSON; choose a model that gives structured answers")),
        }
    }
}

pub(super) fn unusable(reason: &str) -> LanguageModelError {
    LanguageModelError::Unusable {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn told(value: Value) -> String {
        Part::read(value).expect_err("no answer").to_string()
    }

    #[test]
    fn text_end_and_tokens_are_read_from_completions_and_from_chunks() {
        let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
        let completion = json!({"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}], "usage": usage});
        let tokens = Part::tokens(&completion).expect("tokens");
        let part = Part::read(completion).expect("a completion");
        assert_eq!((part.text.as_str(), part.is_end), ("{}", true));
        assert_eq!((tokens.input_tokens, tokens.output_tokens, tokens.requests), (7, 3, 0));
        for empty in [
            json!({}),
            json!({"choices": [], "usage": null}),
            json!({"choices": null}),
            json!({"choices": [{"delta": {"role": "assistant", "content": null, "refusal": null}, "new": 1}]}),
            json!({"choices": [{"delta": {}, "finish_reason": null}]}),
        ] {
            assert_eq!(Part::tokens(&empty), None, "{empty}");
            assert_eq!(Part::read(empty.clone()), Ok(Part::default()), "{empty}");
        }
    }

    #[test]
    fn what_is_no_answer_is_named_without_its_words() {
        let with = |reason: &str| json!({"choices": [{"message": {"content": "canary"}, "finish_reason": reason}]});
        for (value, word) in [
            (with("length"), "cut short"),
            (with("content_filter"), "filter"),
            (with("tool_calls"), "something else"),
            (json!({"choices": [{"delta": {"refusal": "canary"}}]}), "declines"),
            (json!({"error": {"message": "canary"}}), "fault of its own"),
            (json!({"choices": 5}), "no chat completion"),
            (json!("canary"), "no chat completion"),
        ] {
            let error = told(value);
            assert!(error.contains(word) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_structured_answer_is_an_object_and_nothing_else() {
        let object = |text: &str| {
            let text = text.to_owned();
            Part {
                text,
                ..Part::default()
            }
            .into_object()
        };
        assert_eq!(object(" {\"a\": 1} "), Ok(json!({"a": 1})));
        for (text, word) in [
            ("", "empty"),
            (" \n", "empty"),
            ("[1]", "no object"),
            ("canary", "not JSON"),
            ("{\"canary\":", "not JSON"),
        ] {
            let error = object(text).expect_err("no object").to_string();
            assert!(error.contains(word) && !error.contains("canary"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_json_makes_reading_panic(text in "[{\\[]?(\"(choices|usage|message|delta|content)\":|[\\[{}\\],0-9]|null|\"a\"){0,12}") {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                let _ = Part::read(value).map(Part::into_object);
            }
        }
    }
}

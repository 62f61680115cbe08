//! What the language model answered in the call that is heard again.

use super::Rehearing;
use crate::dialogue::{Input, Millis, ModelFault, ModelQuery, Output, RequestId};

/// The answers to the same question in the call, as answers to this one, with the time that each took. If it was not
/// asked there the model is gone.
pub(super) fn answers(call: &Rehearing<'_>, query: &ModelQuery, reply: bool) -> Vec<(Millis, Input)> {
    let request = query.request;
    let asked = call.outputs.iter().find_map(|(at, output)| match output {
        Output::Classify(asked) if !reply && is_same(asked, query) => Some((*at, asked.request)),
        Output::Reply(asked) if reply && is_same(asked, query) => Some((*at, asked.request)),
        _ => None,
    });
    let fault = ModelFault::Lost;
    let Some((asked_at, was)) = asked else {
        let input = match reply {
            true => Input::ReplyFailed { request, fault },
            false => Input::ClassifyFailed { request, fault },
        };
        return vec![(0, input)];
    };
    let answers = call.inputs.iter().filter_map(|(at, input)| {
        let answer = renamed(input, was, request)?;
        Some((at.saturating_sub(asked_at), answer))
    });
    answers.collect()
}

fn is_same(asked: &ModelQuery, query: &ModelQuery) -> bool {
    asked.expectation == query.expectation && asked.text == query.text
}

/// An answer to request `was` as one to `request`.
fn renamed(input: &Input, was: RequestId, request: RequestId) -> Option<Input> {
    let mut input = input.clone();
    match &mut input {
        Input::Classified { request: of, .. }
        | Input::ClassifyFailed { request: of, .. }
        | Input::ReplySentence { request: of, .. }
        | Input::ReplyEnded { request: of }
        | Input::ReplyFailed { request: of, .. }
            if *of == was =>
        {
            *of = request;
        }
        _ => return None,
    }
    Some(input)
}

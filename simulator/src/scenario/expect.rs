//! What must come of a call. Part of it the line itself can judge; the rest is compared with the server's results by
//! whoever reads them.

use super::fields::Section;
use serde::Serialize;
use serde_norway::Value;

/// A range, both ends included and each optional.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Bounds {
    /// Smallest.
    pub min: Option<u64>,
    /// Largest.
    pub max: Option<u64>,
}

impl Bounds {
    /// True if the value lies within.
    pub fn contain(&self, value: u64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// An answer as a scenario writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum ExpectedAnswer {
    /// To a yes/no question.
    YesNo(bool),
    /// To a number or scale question.
    Number(i64),
    /// To a choice or free-text question.
    Text(String),
    /// `null`: asked and not answered.
    NotAnswered,
}

/// What a scenario expects of the calls to one caller. `None`: no expectation.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
pub struct Expectations {
    /// The call is answered.
    pub answered: Option<bool>,
    /// The call's last status at the network, in Twilio's words.
    pub status: Option<String>,
    /// Who ends the call: `agent`, `caller` or `network`.
    pub ended_by: Option<String>,
    /// From the answer to the end, in milliseconds.
    pub duration_ms: Bounds,
    /// Prompts heard to their end or cut.
    pub prompts: Bounds,
    /// Milliseconds of the agent's audio played.
    pub agent_audio_ms: Bounds,
    /// `clear` messages received.
    pub clears: Bounds,
    /// Each `clear` comes within so many milliseconds of the start of what the caller was saying, in media time; and
    /// there is at least one.
    pub cleared_within_ms: Option<u64>,
    /// Holes within prompts.
    pub holes: Bounds,
    /// Each response comes within so many milliseconds of the caller's last voiced sample, in media time.
    pub response_ms: Bounds,
    /// The script was followed to its last step.
    pub all_steps: Option<bool>,
    /// Nothing of the agent's last words was left unplayed when the call ended.
    pub goodbye_played: Option<bool>,
    /// Prompts that began after the script's last step; a goodbye is one.
    pub prompts_after_steps: Bounds,
    /// The stream ends with this Twilio error.
    pub stream_error: Option<u64>,
    /// Calls made to the number in the whole run.
    pub calls: Bounds,
    /// For the results: the outcome's name.
    pub outcome: Option<String>,
    /// For the results: the answers in the order of the questions.
    pub answers: Option<Vec<ExpectedAnswer>>,
    /// For the results: whether the number must end up in the do-not-call list.
    pub do_not_call: Option<bool>,
    /// For the results: the standard disposition code.
    pub disposition: Option<String>,
    /// For the results: who took the call, as the results name it.
    pub answered_by: Option<String>,
}

impl Expectations {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let status = ["completed", "busy", "no-answer", "failed", "canceled"].map(|word| (word, word));
        let ended_by = ["agent", "caller", "network"].map(|word| (word, word));
        let expectations = Self {
            answered: section.flag("answered"),
            status: section.choice("status", &status).map(str::to_owned),
            ended_by: section.choice("ended_by", &ended_by).map(str::to_owned),
            duration_ms: bounds(&mut section, "duration_ms"),
            prompts: bounds(&mut section, "prompts"),
            agent_audio_ms: bounds(&mut section, "agent_audio_ms"),
            clears: bounds(&mut section, "clears"),
            cleared_within_ms: section.integer("cleared_within_ms", 0..=60_000),
            holes: bounds(&mut section, "holes"),
            response_ms: bounds(&mut section, "response_ms"),
            all_steps: section.flag("all_steps"),
            goodbye_played: section.flag("goodbye_played"),
            prompts_after_steps: bounds(&mut section, "prompts_after_steps"),
            stream_error: section.integer("stream_error", 31_900..=31_999),
            calls: bounds(&mut section, "calls"),
            outcome: section.text("outcome"),
            answers: answers(&mut section),
            do_not_call: section.flag("do_not_call"),
            disposition: section.text("disposition"),
            answered_by: section.text("answered_by"),
        };
        section.finish();
        expectations
    }
}

/// A number (exactly that) or `{min, max}`.
fn bounds(section: &mut Section<'_>, name: &str) -> Bounds {
    let Some(value) = section.take(name) else {
        return Bounds::default();
    };
    if let Some(exact) = value.as_u64() {
        return Bounds {
            min: Some(exact),
            max: Some(exact),
        };
    }
    if !value.is_mapping() {
        section.fault(name, "is neither a whole number nor {min: …, max: …}");
        return Bounds::default();
    }
    let mut inner = Section::new(&section.path(name), value, section.faults());
    let bounds = Bounds {
        min: inner.integer("min", 0..=u64::MAX),
        max: inner.integer("max", 0..=u64::MAX),
    };
    inner.finish();
    bounds
}

fn answers(section: &mut Section<'_>) -> Option<Vec<ExpectedAnswer>> {
    if !section.has("answers") {
        return None;
    }
    let list = section.list("answers");
    let faults = section.faults();
    Some(
        list.into_iter()
            .filter_map(|(path, value)| match value {
                Value::Bool(answer) => Some(ExpectedAnswer::YesNo(answer)),
                Value::String(text) => Some(ExpectedAnswer::Text(text)),
                Value::Null => Some(ExpectedAnswer::NotAnswered),
                Value::Number(number) if number.is_i64() => number.as_i64().map(ExpectedAnswer::Number),
                _ => {
                    faults.add(
                        &path,
                        "is none of: a whole number, true, false, a text, null (not answered)",
                    );
                    None
                }
            })
            .collect(),
    )
}

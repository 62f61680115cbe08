//! What a language model is told, as data of a language (`model.yaml`, see `prompts/README.md`), put into words for one
//! utterance. Pure: the same query of the same script gives the same text. What a caller said never becomes part of the
//! instructions.

use super::digits::hide_numbers;
use super::lexicon::Lexicon;
use super::meaning::{ModelMeaning, is_offered, offered};
use super::output::{Expectation, ModelQuery};
use super::pack::PackFault;
use super::words::{fill, placeholders};
use crate::domain::{Campaign, Intent, Question, QuestionKind};
use crate::ports::{AnswerSchema, Speaker, Spoken};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest text of one speaker in characters that is handed over: some minutes of speech.
const LONGEST_TEXT: usize = 2_000;
/// Most tokens of a meaning, a model's own considerations not counted by those who have them.
const MEANING_TOKENS: u32 = 200;
/// Most tokens of a reply: two sentences.
const REPLY_TOKENS: u32 = 120;

/// What a language model is asked to do: a `LanguageRequest` but for its deadline and its meter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelTask {
    /// See `LanguageRequest::instructions`.
    pub instructions: String,
    /// See `LanguageRequest::conversation`.
    pub conversation: Vec<Spoken>,
    /// See `LanguageRequest::most_tokens`.
    pub most_tokens: u32,
}

/// The texts of `model.yaml`, checked.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelPrompts {
    understand: Vec<String>,
    phases: Phases,
    answers: Answers,
    intents: BTreeMap<Intent, String>,
    said: String,
    reply: Vec<String>,
    kept: Kept,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phases {
    consent: Vec<String>,
    question: Vec<String>,
    confirm_answer: Vec<String>,
    confirm: Vec<String>,
}

#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answers {
    yes_no: Vec<String>,
    number: Vec<String>,
    scale: Vec<String>,
    choice: Vec<String>,
    none: Vec<String>,
}

/// What a call leaves behind: with a recording and without.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    recorded: Vec<String>,
    written: Vec<String>,
}

impl ModelPrompts {
    /// Reads and checks the texts.
    ///
    /// # Errors
    /// Every fault found: a text missing, empty or unknown, a placeholder unknown or missing, an intent without a text
    /// or with one too many.
    pub(super) fn parse(yaml: &str) -> Result<Self, Vec<PackFault>> {
        let prompts: Self = serde_norway::from_str(yaml).map_err(|error| {
            vec![PackFault::new(
                "model.yaml",
                error.to_string(),
                "compare it with prompts/en/model.yaml",
            )]
        })?;
        let faults = prompts.faults();
        if faults.is_empty() { Ok(prompts) } else { Err(faults) }
    }

    fn faults(&self) -> Vec<PackFault> {
        let mut faults = Vec::new();
        let mut check = |name: &str, lines: &[String], needed: &[&str], allowed: &[&str]| {
            check_text(name, lines, needed, allowed, &mut faults);
        };
        let names = ["organisation", "purpose"];
        let (phases, answers) = (&self.phases, &self.answers);
        check("understand", &self.understand, &["phase", "answer", "intents"], &names);
        check("phases.consent", &phases.consent, &[], &[]);
        check("phases.question", &phases.question, &["question"], &[]);
        check("phases.confirm_answer", &phases.confirm_answer, &["question"], &[]);
        check("phases.confirm", &phases.confirm, &[], &[]);
        check("answers.yes_no", &answers.yes_no, &[], &[]);
        check("answers.number", &answers.number, &["min", "max"], &[]);
        check("answers.scale", &answers.scale, &["min", "max"], &[]);
        check("answers.choice", &answers.choice, &["options"], &[]);
        check("answers.none", &answers.none, &[], &[]);
        check("said", std::slice::from_ref(&self.said), &["text"], &[]);
        check("reply", &self.reply, &["organisation", "purpose", "kept"], &[]);
        check("kept.recorded", &self.kept.recorded, &[], &[]);
        check("kept.written", &self.kept.written, &[], &[]);
        for intent in offered() {
            if !self.intents.contains_key(&intent) {
                faults.push(PackFault::new(
                    format!("model.yaml: intents.{}", intent.name()),
                    "is missing",
                    "add it",
                ));
            }
        }
        for (intent, text) in &self.intents {
            let place = format!("intents.{}", intent.name());
            if is_offered(*intent) {
                check_text(&place, std::slice::from_ref(text), &[], &[], &mut faults);
            } else {
                faults.push(PackFault::new(
                    format!("model.yaml: {place}"),
                    "is not for a model to tell",
                    "remove it",
                ));
            }
        }
        faults
    }

    /// What is asked to have an utterance understood, and the shape of the answer.
    pub(super) fn understanding(
        &self,
        campaign: &Campaign,
        lexicon: &Lexicon,
        query: &ModelQuery,
    ) -> (ModelTask, AnswerSchema) {
        let asked = match query.expectation {
            Expectation::Question(index) | Expectation::ConfirmAnswer(index) => campaign.questions.get(index),
            Expectation::Consent | Expectation::Confirm | Expectation::Resume => None,
        };
        let phase = match query.expectation {
            Expectation::Consent => &self.phases.consent,
            Expectation::Question(_) => &self.phases.question,
            Expectation::ConfirmAnswer(_) => &self.phases.confirm_answer,
            Expectation::Confirm | Expectation::Resume => &self.phases.confirm,
        };
        let question = asked.map_or("", |question| question.text.trim());
        let intents = offered().into_iter().map(|intent| {
            let text = self.intents.get(&intent).map_or("", String::as_str);
            format!("- {}: {text}", intent.name())
        });
        let intents: Vec<String> = intents.collect();
        let instructions = fill(
            &self.understand.join("\n"),
            &[
                ("organisation", &hide_numbers(&campaign.organisation, lexicon)),
                ("purpose", &hide_numbers(&campaign.purpose, lexicon)),
                ("intents", &intents.join("\n")),
                ("answer", &self.answer(asked)),
                ("phase", &fill(&phase.join("\n"), &[("question", question)])),
            ],
        );
        let task = ModelTask {
            instructions,
            conversation: self.conversation(lexicon, query),
            most_tokens: MEANING_TOKENS,
        };
        (task, ModelMeaning::schema(asked.map(|question| &question.answer)))
    }

    /// What is asked to have a question about the call answered.
    pub(super) fn reply(&self, campaign: &Campaign, lexicon: &Lexicon, query: &ModelQuery) -> ModelTask {
        let kept = match campaign.recording {
            true => &self.kept.recorded,
            false => &self.kept.written,
        };
        let instructions = fill(
            &self.reply.join("\n"),
            &[
                ("organisation", &hide_numbers(&campaign.organisation, lexicon)),
                ("purpose", &hide_numbers(&campaign.purpose, lexicon)),
                ("kept", &kept.join("\n")),
            ],
        );
        ModelTask {
            instructions,
            conversation: self.conversation(lexicon, query),
            most_tokens: REPLY_TOKENS,
        }
    }

    fn answer(&self, question: Option<&Question>) -> String {
        let Some(question) = question else {
            return self.answers.none.join(" ");
        };
        let between = |lines: &[String], min: &i64, max: &i64| {
            let (min, max) = (min.to_string(), max.to_string());
            fill(&lines.join(" "), &[("min", &min), ("max", &max)])
        };
        match &question.answer {
            QuestionKind::YesNo => self.answers.yes_no.join(" "),
            QuestionKind::Number { min, max } => between(&self.answers.number, min, max),
            QuestionKind::Scale { min, max } => between(&self.answers.scale, min, max),
            QuestionKind::Choice { options } => {
                let options: Vec<String> = options
                    .iter()
                    .map(|option| {
                        let phrases = [option.label.trim()]
                            .into_iter()
                            .chain(option.phrases.iter().map(|phrase| phrase.trim()));
                        format!("{} ({})", option.key, phrases.collect::<Vec<_>>().join(", "))
                    })
                    .collect();
                fill(&self.answers.choice.join(" "), &[("options", &options.join("; "))])
            }
            QuestionKind::FreeText { .. } => self.answers.none.join(" "),
        }
    }

    fn conversation(&self, lexicon: &Lexicon, query: &ModelQuery) -> Vec<Spoken> {
        let last = Spoken {
            speaker: Speaker::Caller,
            text: query.text.clone(),
        };
        let lines = query.history.iter().chain([&last]).map(|line| {
            let text = hide_numbers(&line.text, lexicon);
            let text = match line.speaker {
                Speaker::Agent => text,
                Speaker::Caller => fill(&self.said, &[("text", &without_marks(&text))]),
            };
            Spoken {
                speaker: line.speaker,
                text,
            }
        });
        lines.collect()
    }
}

/// Words alone: nothing of what could end the marks around them or stand for a placeholder.
fn without_marks(text: &str) -> String {
    let words = text.chars().filter(|c| !matches!(c, '<' | '>' | '{' | '}'));
    words.take(LONGEST_TEXT).collect()
}

/// `needed` are the placeholders a text must have, `allowed` those it may have besides.
fn check_text(name: &str, lines: &[String], needed: &[&str], allowed: &[&str], faults: &mut Vec<PackFault>) {
    let place = format!("model.yaml: {name}");
    if lines.is_empty()
        || lines
            .iter()
            .any(|line| line.trim().is_empty() || line.contains(char::is_control))
    {
        faults.push(PackFault::new(
            place.clone(),
            "has no line, an empty one or one with a line break",
            "write one or more lines",
        ));
    }
    let found: Vec<&str> = lines.iter().flat_map(|line| placeholders(line)).collect();
    for unknown in found
        .iter()
        .filter(|name| !needed.contains(name) && !allowed.contains(name))
    {
        let known = [needed, allowed].concat();
        faults.push(PackFault::new(
            place.clone(),
            format!("has the placeholder {{{unknown}}}, which is not known here"),
            match known.as_slice() {
                [] => "this text has none".to_owned(),
                known => format!("use only {}", known.join(", ")),
            },
        ));
    }
    for missing in needed.iter().filter(|name| !found.contains(name)) {
        faults.push(PackFault::new(
            place.clone(),
            format!("lacks the placeholder {{{missing}}}"),
            "put it where its text belongs",
        ));
    }
}

#[cfg(test)]
mod tests;

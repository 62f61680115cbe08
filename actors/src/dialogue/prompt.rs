//! What the dialogue says, rendered once per campaign.

use super::lexicon::Lexicon;
use super::pack::{LanguagePack, Template};
use super::words::fill;
use crate::domain::{AnswerValue, Campaign, Question, QuestionKind, VoicemailPolicy};

/// Widest range whose values are confirmed by speech; above it, keys.
const MOST_CONFIRMED_VALUES: i64 = 101;

/// In place of a count of sentences: the sentence that asks is still to come.
const ASKS_LATER: usize = usize::MAX;

/// A list of sentences with the part of it that asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Prompt {
    pub(super) sentences: Vec<String>,
    /// Sentences before the one that asks.
    pub(super) asks_from: usize,
    /// Sentences up to the end of what asks; how to answer may follow.
    pub(super) asks_to: usize,
    /// So many of the first sentences are a language model's.
    pub(super) live: usize,
}

impl Prompt {
    /// Sentences of which none asks: whatever is said over it is no answer to it.
    pub(super) fn statement(sentences: &[String]) -> Self {
        Self {
            sentences: sentences.to_vec(),
            asks_from: sentences.len(),
            asks_to: sentences.len(),
            live: 0,
        }
    }

    /// The beginning of a prompt whose sentences, a language model's and then the question, come one after the other.
    pub(super) fn open() -> Self {
        Self {
            asks_from: ASKS_LATER,
            asks_to: ASKS_LATER,
            ..Self::default()
        }
    }

    /// Whether more of it will come.
    pub(super) fn is_open(&self) -> bool {
        self.asks_to == ASKS_LATER
    }

    /// Nothing more will come.
    pub(super) fn close(&mut self) {
        if self.is_open() {
            (self.asks_from, self.asks_to) = (self.sentences.len(), self.sentences.len());
        }
    }

    /// Adds a sentence of a language model's to an open prompt.
    pub(super) fn add_live(&mut self, sentence: String) {
        self.sentences.push(sentence);
        self.live = self.sentences.len();
    }

    /// Ends an open prompt with the question.
    pub(super) fn add_asking(&mut self, asking: Self) {
        let before = self.sentences.len();
        self.sentences.extend(asking.sentences);
        self.asks_from = before.saturating_add(asking.asks_from);
        self.asks_to = before.saturating_add(asking.asks_to);
    }

    /// What is left of it after so many sentences.
    pub(super) fn rest(&self, heard: usize) -> Self {
        let left = |count: usize| match count {
            ASKS_LATER => ASKS_LATER,
            count => count.saturating_sub(heard),
        };
        Self {
            sentences: self.sentences.get(heard..).unwrap_or_default().to_vec(),
            asks_from: left(self.asks_from),
            asks_to: left(self.asks_to),
            live: self.live.saturating_sub(heard),
        }
    }

    pub(super) fn asking(before: &[String], asking: &[String], after: &[String]) -> Self {
        Self {
            sentences: [before, asking, after].concat(),
            asks_from: before.len(),
            asks_to: before.len() + asking.len(),
            live: 0,
        }
    }

    /// The same with something said before it.
    pub(super) fn after(mut self, before: &[String]) -> Self {
        self.sentences.splice(0..0, before.iter().cloned());
        self.asks_from += before.len();
        self.asks_to += before.len();
        self
    }
}

/// Sentences about one question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct QuestionLines {
    pub(super) lead: Vec<String>,
    pub(super) text: Vec<String>,
    pub(super) hint: Vec<String>,
    pub(super) keys: Vec<String>,
    pub(super) invalid: Vec<String>,
    /// "Did I hear …?" for every value that can be confirmed by speech.
    confirm: Vec<(AnswerValue, Vec<String>)>,
}

impl QuestionLines {
    /// The confirming sentences of a value; `None` if keys must be asked for instead.
    pub(super) fn confirm(&self, value: &AnswerValue) -> Option<&[String]> {
        self.confirm
            .iter()
            .find(|(known, _)| known == value)
            .map(|(_, lines)| lines.as_slice())
    }
}

/// Every sentence of one campaign in one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lines {
    pub(super) greeting: Vec<String>,
    /// Empty unless calls are recorded.
    pub(super) recording_notice: Vec<String>,
    /// In place of the greeting's first sentence. The name is not filled in: what is said of it, here and in a journal
    /// or a transcript, is the same for everybody.
    pub(super) greeting_by_name: Option<String>,
    pub(super) consent_question: Vec<String>,
    pub(super) consent_keys: Vec<String>,
    pub(super) questions: Vec<QuestionLines>,
    pub(super) go_on: Vec<String>,
    pub(super) did_not_hear: Vec<String>,
    pub(super) did_not_understand: Vec<String>,
    pub(super) confirm_consent: Vec<String>,
    pub(super) confirm_refusal: Vec<String>,
    pub(super) confirm_removal: Vec<String>,
    pub(super) confirm_wrong_person: Vec<String>,
    pub(super) confirm_callback: Vec<String>,
    pub(super) confirm_keys: Vec<String>,
    pub(super) who_is_this: Vec<String>,
    /// Empty if the campaign has several languages.
    pub(super) one_language: Vec<String>,
    /// How to have this language, and that it is spoken from now on: empty unless the campaign has several.
    pub(super) offer_language: Vec<String>,
    pub(super) language_switched: Vec<String>,
    pub(super) still_there: Vec<String>,
    /// Empty in a language that has none.
    pub(super) one_moment: Vec<String>,
    pub(super) thanks: Vec<String>,
    pub(super) goodbye_refused: Vec<String>,
    pub(super) goodbye_removed: Vec<String>,
    pub(super) goodbye_removal_noted: Vec<String>,
    pub(super) goodbye_callback: Vec<String>,
    pub(super) goodbye_wrong_person: Vec<String>,
    pub(super) goodbye_no_input: Vec<String>,
    pub(super) goodbye_limit: Vec<String>,
    pub(super) voicemail: Vec<String>,
}

impl Lines {
    /// The sentences of a campaign; `of_several` if it has other languages besides.
    pub(super) fn render(campaign: &Campaign, pack: &LanguagePack, of_several: bool) -> Self {
        let names = [
            ("organisation", campaign.organisation.trim()),
            ("purpose", campaign.purpose.trim()),
        ];
        let lines = |template| rendered(pack, template, &names);
        let lines_if = |wanted: bool, template| if wanted { lines(template) } else { Vec::new() };
        let last = campaign.questions.len().saturating_sub(1);
        let questions = campaign.questions.iter().enumerate().map(|(index, question)| {
            let lead = match index {
                0 => Template::FirstQuestion,
                _ if index == last => Template::LastQuestion,
                _ => Template::NextQuestion,
            };
            question_lines(question, lines(lead), pack)
        });
        Self {
            greeting: lines(Template::Greeting),
            recording_notice: lines_if(campaign.recording, Template::RecordingNotice),
            greeting_by_name: pack.sentences(Template::GreetingByName).first().cloned(),
            consent_question: lines(Template::ConsentQuestion),
            consent_keys: lines(Template::ConsentKeys),
            questions: questions.collect(),
            go_on: lines(Template::GoOn),
            did_not_hear: lines(Template::DidNotHear),
            did_not_understand: lines(Template::DidNotUnderstand),
            confirm_consent: lines(Template::ConfirmConsent),
            confirm_refusal: lines(Template::ConfirmRefusal),
            confirm_removal: lines(Template::ConfirmRemoval),
            confirm_wrong_person: lines(Template::ConfirmWrongPerson),
            confirm_callback: lines(Template::ConfirmCallback),
            confirm_keys: lines(Template::ConfirmKeys),
            who_is_this: lines(Template::WhoIsThis),
            one_language: lines_if(!of_several, Template::OneLanguage),
            offer_language: lines_if(of_several, Template::OfferLanguage),
            language_switched: lines_if(of_several, Template::LanguageSwitched),
            still_there: lines(Template::StillThere),
            one_moment: lines(Template::OneMoment),
            thanks: lines(Template::Thanks),
            goodbye_refused: lines(Template::GoodbyeRefused),
            goodbye_removed: lines(Template::GoodbyeRemoved),
            goodbye_removal_noted: lines(Template::GoodbyeRemovalNoted),
            goodbye_callback: lines(Template::GoodbyeCallback),
            goodbye_wrong_person: lines(Template::GoodbyeWrongPerson),
            goodbye_no_input: lines(Template::GoodbyeNoInput),
            goodbye_limit: lines(Template::GoodbyeLimit),
            voicemail: match &campaign.voicemail {
                VoicemailPolicy::HangUp => Vec::new(),
                VoicemailPolicy::LeaveMessage(message) => vec![message.trim().to_owned()],
            },
        }
    }

    /// Every fixed sentence, each once, in a fixed order. The one with a name is none.
    pub(super) fn all(&self) -> Vec<String> {
        let mut groups: Vec<&Vec<String>> = vec![
            &self.greeting,
            &self.recording_notice,
            &self.consent_question,
            &self.consent_keys,
        ];
        for question in &self.questions {
            groups.extend([
                &question.lead,
                &question.text,
                &question.hint,
                &question.keys,
                &question.invalid,
            ]);
            groups.extend(question.confirm.iter().map(|(_, lines)| lines));
        }
        groups.extend([
            &self.go_on,
            &self.did_not_hear,
            &self.did_not_understand,
            &self.confirm_consent,
            &self.confirm_refusal,
            &self.confirm_removal,
            &self.confirm_wrong_person,
            &self.confirm_callback,
            &self.confirm_keys,
            &self.who_is_this,
            &self.one_language,
            &self.offer_language,
            &self.language_switched,
            &self.still_there,
            &self.one_moment,
            &self.thanks,
            &self.goodbye_refused,
            &self.goodbye_removed,
            &self.goodbye_removal_noted,
            &self.goodbye_callback,
            &self.goodbye_wrong_person,
            &self.goodbye_no_input,
            &self.goodbye_limit,
            &self.voicemail,
        ]);
        let mut seen = std::collections::BTreeSet::new();
        groups
            .into_iter()
            .flatten()
            .filter(|sentence| seen.insert(sentence.as_str()))
            .cloned()
            .collect()
    }

    /// Greeting, then the consent question with how to answer.
    pub(super) fn opening(&self) -> Prompt {
        self.consent().after(&self.greeting)
    }

    /// The same, beginning with the sentence that carries the name.
    pub(super) fn opening_by_name(&self) -> Prompt {
        let Some(by_name) = &self.greeting_by_name else {
            return self.opening();
        };
        let rest = self.greeting.get(1..).unwrap_or_default();
        self.consent().after(rest).after(std::slice::from_ref(by_name))
    }

    /// What is agreed to or refused: the consent question, and before it that the call is recorded, if it is.
    pub(super) fn consent_wording(&self) -> String {
        [self.recording_notice.as_slice(), &self.consent_question]
            .concat()
            .join(" ")
    }

    /// The consent question with how to answer. It is never asked without saying that calls are recorded: who agrees
    /// agrees to that too.
    pub(super) fn consent(&self) -> Prompt {
        Prompt::asking(&self.recording_notice, &self.consent_question, &self.consent_keys)
    }
}

fn question_lines(question: &Question, lead: Vec<String>, pack: &LanguagePack) -> QuestionLines {
    let lexicon = pack.lexicon();
    let range = range_of(&question.answer);
    let say = |value: i64| lexicon.numbers().say(value).unwrap_or_else(|| value.to_string());
    let (min, max) = range.map_or_else(Default::default, |(min, max)| (say(min), say(max)));
    let bounds = [("min", min.as_str()), ("max", max.as_str())];
    let lines = |template| rendered(pack, template, &bounds);
    let (hint, keys, invalid) = match &question.answer {
        QuestionKind::YesNo => (Template::HintYesNo, lines(Template::KeysYesNo), Template::NotAnOption),
        QuestionKind::Number { .. } => (Template::HintNumber, lines(keys_for(range)), Template::OutOfRange),
        QuestionKind::Scale { .. } => (Template::HintScale, lines(keys_for(range)), Template::OutOfRange),
        QuestionKind::Choice { options } => {
            let keys = options.iter().enumerate().flat_map(|(position, option)| {
                let key = say(i64::try_from(position).unwrap_or_default() + 1);
                rendered(
                    pack,
                    Template::KeysOption,
                    &[("option", option.label.trim()), ("key", &key)],
                )
            });
            (Template::HintChoice, keys.collect(), Template::NotAnOption)
        }
        QuestionKind::FreeText { .. } => (
            Template::HintFreeText,
            lines(Template::KeysFreeText),
            Template::NotAnOption,
        ),
    };
    let options = spoken_options(&question.answer, pack);
    QuestionLines {
        lead,
        text: vec![question.text.trim().to_owned()],
        hint: rendered(pack, hint, &[bounds[0], bounds[1], ("options", &options)]),
        keys,
        invalid: lines(invalid),
        confirm: confirmations(&question.answer, pack, lexicon),
    }
}

/// One key is enough where no value has two digits.
fn keys_for(range: Option<(i64, i64)>) -> Template {
    match range {
        Some((_, max)) if max > 9 => Template::KeysDigits,
        _ => Template::KeysDigit,
    }
}

pub(super) fn range_of(kind: &QuestionKind) -> Option<(i64, i64)> {
    match kind {
        QuestionKind::Number { min, max } | QuestionKind::Scale { min, max } => Some((*min, *max)),
        _ => None,
    }
}

fn spoken_options(kind: &QuestionKind, pack: &LanguagePack) -> String {
    let QuestionKind::Choice { options } = kind else {
        return String::new();
    };
    let labels: Vec<&str> = options.iter().map(|option| option.label.trim()).collect();
    let or = pack.sentences(Template::Or).first().map_or("", String::as_str);
    match labels.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {or} {last}", rest.join(", ")),
        _ => labels.concat(),
    }
}

fn confirmations(kind: &QuestionKind, pack: &LanguagePack, lexicon: &Lexicon) -> Vec<(AnswerValue, Vec<String>)> {
    let line = |spoken: &str| rendered(pack, Template::ConfirmValue, &[("value", spoken)]);
    let word = |template| pack.sentences(template).concat();
    let numbers = |min: i64, max: i64, value: fn(i64) -> AnswerValue| {
        let few = max.saturating_sub(min) < MOST_CONFIRMED_VALUES;
        let range = if few { min..max.saturating_add(1) } else { 0..0 };
        range
            .filter_map(|number| Some((value(number), line(&lexicon.numbers().say(number)?))))
            .collect()
    };
    match kind {
        QuestionKind::YesNo => vec![
            (AnswerValue::YesNo(true), line(&word(Template::ValueYes))),
            (AnswerValue::YesNo(false), line(&word(Template::ValueNo))),
        ],
        QuestionKind::Number { min, max } => numbers(*min, *max, AnswerValue::Number),
        QuestionKind::Scale { min, max } => numbers(*min, *max, AnswerValue::Scale),
        QuestionKind::Choice { options } => options
            .iter()
            .map(|option| (AnswerValue::Choice(option.key.clone()), line(option.label.trim())))
            .collect(),
        QuestionKind::FreeText { .. } => Vec::new(),
    }
}

fn rendered(pack: &LanguagePack, template: Template, values: &[(&str, &str)]) -> Vec<String> {
    pack.sentences(template)
        .iter()
        .map(|sentence| fill(sentence, values))
        .collect()
}

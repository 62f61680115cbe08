//! Points of a survey, what may be said there, and what is meant by it.

use samvad_actors::dialogue::{Context, Expectation, Interpretation, Interpreter, LanguagePack, Script};
use samvad_actors::domain::{Campaign, Intent, Language, QuestionKind};
use samvad_actors::ports::{Grammar, Heard};
use std::sync::Arc;

/// A point of a survey.
pub struct Task {
    pub name: &'static str,
    pub grammar: Arc<Grammar>,
    expectation: Expectation,
    question: Option<QuestionKind>,
    /// What is said: phrases of the grammar.
    pub said: Vec<String>,
}

/// The points of a survey that differ in what may be said.
pub struct Tasks {
    pack: LanguagePack,
    all: Vec<Task>,
}

impl Tasks {
    pub fn new() -> Self {
        let pack = LanguagePack::embedded(&Language::default()).unwrap();
        Self {
            all: tasks(&pack),
            pack,
        }
    }

    pub fn all(&self) -> &[Task] {
        &self.all
    }

    pub fn meaning(&self, task: &Task, text: &str) -> Interpretation {
        meaning(&self.pack, task, text)
    }

    /// The confidence from which the dialogue acts on this without a confirming turn.
    pub fn mark(&self, task: &Task, meant: &Interpretation) -> f32 {
        let consents = matches!(meant.intent, Intent::Yes | Intent::Interested) && task.question.is_none();
        match consents || meant.intent == Intent::RemoveMe {
            true => Heard::BINDING,
            false => Heard::CERTAIN,
        }
    }
}

fn tasks(pack: &LanguagePack) -> Vec<Task> {
    let survey = |text: &str| {
        let campaign = Campaign::from_yaml(text).unwrap();
        Script::build(&campaign, pack).unwrap()
    };
    let health = survey(include_str!("../../fixtures/campaigns/health_survey.yaml"));
    let feedback = survey(include_str!("../../fixtures/campaigns/feedback_free_text.yaml"));
    let points: [(&'static str, &Script, Expectation); 6] = [
        ("consent: yes or no", &health, Expectation::Consent),
        ("consent: intents", &health, Expectation::Consent),
        ("scale 1-5", &health, Expectation::Question(0)),
        ("yes/no question", &health, Expectation::Question(1)),
        ("choice of three", &health, Expectation::Question(2)),
        ("number 0-10", &feedback, Expectation::Question(0)),
    ];
    let build = |(name, script, expectation): (&'static str, &Script, Expectation)| {
        let question = match expectation {
            Expectation::Question(index) => Some(script.campaign().questions[index].answer.clone()),
            _ => None,
        };
        let mut task = Task {
            name,
            grammar: script.grammar(expectation),
            expectation,
            question,
            said: Vec::new(),
        };
        let wanted = |phrase: &&String| {
            let meant = meaning(pack, &task, phrase);
            let yes_or_no = matches!(meant.intent, Intent::Yes | Intent::No);
            match (&task.question, name) {
                (Some(_), _) => meant.value.is_some(),
                (None, "consent: intents") => !yes_or_no && meant.intent != Intent::Voicemail,
                (None, _) => yes_or_no,
            }
        };
        task.said = task.grammar.phrases.iter().filter(wanted).cloned().collect();
        task
    };
    points.into_iter().map(build).collect()
}

fn meaning(pack: &LanguagePack, task: &Task, text: &str) -> Interpretation {
    let context = Context {
        expectation: task.expectation,
        question: task.question.as_ref(),
    };
    Interpretation {
        // How it was said does not matter, nor when to call again: what is meant does.
        when: None,
        certain: true,
        acknowledgement: false,
        resume: false,
        ..pack.lexicon().interpret(&context, text)
    }
}

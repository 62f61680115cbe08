//! Labelled utterances from CSV: every wrong row is named with its fault.

use crate::campaign_files::{language_pack, load_campaign};
use crate::contact_files::Sheet;
use anyhow::{Context, bail};
use samvad_actors::dialogue::{Expectation, LanguagePack};
use samvad_actors::domain::{AnswerValue, Campaign, Intent, Language, QuestionKind};
use samvad_actors::evaluation::{Expected, Lexicons, Utterance};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Wrong rows that are shown one by one; the rest is counted.
const SHOWN_FAULTS: usize = 20;
/// Campaigns whose questions are meant where none is given.
const EXAMPLES: [&str; 2] = [
    include_str!("../../../fixtures/campaigns/health_survey.yaml"),
    include_str!("../../../fixtures/campaigns/health_survey_hi.yaml"),
];

/// What has been read, and what it is read with.
pub(super) struct Labelled {
    campaigns: Vec<Campaign>,
    prompts: Option<PathBuf>,
    utterances: Vec<Utterance>,
    packs: BTreeMap<Language, LanguagePack>,
}

struct Columns {
    language: usize,
    phase: usize,
    question: usize,
    text: usize,
    intent: usize,
    value: Option<usize>,
}

impl Columns {
    fn find(sheet: &Sheet) -> anyhow::Result<Self> {
        let needed = |name: &str| {
            sheet.column(&[name])?.with_context(|| {
                format!("the header has no column {name}; write language,phase,question_type,text,intent,value")
            })
        };
        Ok(Self {
            language: needed("language")?,
            phase: needed("phase")?,
            question: needed("question_type")?,
            text: needed("text")?,
            intent: needed("intent")?,
            value: sheet.column(&["value"])?,
        })
    }
}

impl Labelled {
    /// With the campaigns that the utterances are about; the examples of this program where a language has none.
    pub(super) fn new(campaigns: &[PathBuf], prompts: Option<PathBuf>) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for path in campaigns {
            let campaign = load_campaign(path)?;
            let languages = campaign.languages();
            all.extend(languages.filter_map(|language| campaign.in_language(language)));
        }
        // They are checked by a test.
        all.extend(EXAMPLES.iter().filter_map(|text| Campaign::from_yaml(text).ok()));
        Ok(Self {
            campaigns: all,
            prompts,
            utterances: Vec::new(),
            packs: BTreeMap::new(),
        })
    }

    /// The utterances, the lexicons of their languages, and a campaign of each language with what is said in it.
    pub(super) fn into_parts(self) -> (Vec<Utterance>, Lexicons, Vec<(Campaign, LanguagePack)>) {
        let lexicons = self.packs.iter();
        let lexicons = lexicons.map(|(language, pack)| (language.clone(), pack.lexicon().clone()));
        let lexicons = Lexicons(lexicons.collect());
        let packs = self.packs.into_iter();
        let surveys = packs.filter_map(|(language, pack)| {
            let campaign = self.campaigns.iter().find(|campaign| campaign.language == language);
            Some((campaign?.clone(), pack))
        });
        let surveys = surveys.collect();
        (self.utterances, lexicons, surveys)
    }

    /// Reads one file.
    pub(super) fn read(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut sheet = Sheet::open(path)?;
        let columns = Columns::find(&sheet).with_context(|| format!("{} cannot be used", path.display()))?;
        let (mut faults, mut rows) = (Vec::new(), 0);
        while let Some((row, record)) = sheet.next_row()? {
            rows += 1;
            let read = match record {
                Ok(record) => {
                    // Without its lexicon no row of a language can be read.
                    let label = record.get(columns.language).unwrap_or_default().trim();
                    let language = self
                        .language(label)
                        .with_context(|| format!("row {row} of {}", path.display()))?;
                    self.utterance(row, language, &record, &columns)
                }
                Err(fault) => Err(anyhow::anyhow!(fault)),
            };
            match read {
                Ok(utterance) => self.utterances.push(utterance),
                Err(fault) => faults.push(format!("row {row}: {fault:#}")),
            }
        }
        if rows == 0 {
            bail!(
                "{} has no utterance; write one in each row below the header",
                path.display()
            );
        }
        if faults.is_empty() {
            return Ok(());
        }
        let more = faults.len().saturating_sub(SHOWN_FAULTS);
        let mut list = faults[..faults.len().min(SHOWN_FAULTS)].join("\n  ");
        if more > 0 {
            list.push_str(&format!("\n  and {more} more"));
        }
        bail!(
            "{} of {rows} rows of {} are wrong:\n  {list}",
            faults.len(),
            path.display()
        )
    }

    fn utterance(
        &self,
        row: u64,
        language: Language,
        record: &csv::StringRecord,
        columns: &Columns,
    ) -> anyhow::Result<Utterance> {
        let cell = |column: usize| record.get(column).unwrap_or_default().trim();
        let label = cell(columns.language);
        let text = cell(columns.text);
        if text.is_empty() {
            bail!("text is empty; write what was said");
        }
        let question = self.question(&language, cell(columns.question))?;
        let expectation = expectation(cell(columns.phase), question.as_ref())?;
        let value = columns.value.map(cell).unwrap_or_default();
        let expected = self.expected(&language, question.as_ref(), cell(columns.intent), value)?;
        Ok(Utterance {
            row,
            label: label.to_owned(),
            language,
            expectation,
            question,
            text: text.to_owned(),
            expected,
        })
    }

    /// The language whose prompts there are: the tag itself, or the part of it before the first hyphen (RFC 4647,
    /// lookup).
    fn language(&mut self, label: &str) -> anyhow::Result<Language> {
        if label.is_empty() {
            bail!("language is empty; write a tag such as en, hi or hi-Latn");
        }
        let mut language = Language(label.to_owned());
        if !self.has_prompts(&language) {
            let tag = label.split('-').next().unwrap_or(label);
            language = Language(tag.to_ascii_lowercase());
        }
        if !self.packs.contains_key(&language) {
            let pack = language_pack(&language, self.prompts.as_deref()).context("language")?;
            self.packs.insert(language.clone(), pack);
        }
        Ok(language)
    }

    /// Whether there are prompts for exactly this tag, sound or not.
    fn has_prompts(&self, language: &Language) -> bool {
        match &self.prompts {
            Some(directory) => directory.join(&language.0).is_dir(),
            None => LanguagePack::embedded(language).is_some(),
        }
    }

    /// A question of this type: of the campaign in this language, with a range of its own if one is written
    /// ("scale 1-10").
    fn question(&self, language: &Language, cell: &str) -> anyhow::Result<Option<QuestionKind>> {
        let (kind, range) = cell.split_once(' ').unwrap_or((cell, ""));
        let range = match range.trim() {
            "" => None,
            text => Some(
                read_range(text)
                    .with_context(|| format!("question_type: {text:?} is no range; write for example {kind} 1-10"))?,
            ),
        };
        let of_campaign = |wanted: fn(&QuestionKind) -> bool| {
            let mut campaigns = self.campaigns.iter().filter(|campaign| campaign.language == *language);
            campaigns.find_map(|campaign| {
                let mut kinds = campaign.questions.iter().map(|question| &question.answer);
                kinds.find(|kind| wanted(kind)).cloned()
            })
        };
        let question = match kind {
            "" | "none" => return Ok(None),
            "yes_no" => QuestionKind::YesNo,
            "free_text" => QuestionKind::FreeText { max_seconds: 30 },
            "scale" => match range {
                Some((min, max)) => QuestionKind::Scale { min, max },
                None => of_campaign(|kind| matches!(kind, QuestionKind::Scale { .. }))
                    .unwrap_or(QuestionKind::Scale { min: 1, max: 5 }),
            },
            "number" => match range {
                Some((min, max)) => QuestionKind::Number { min, max },
                None => of_campaign(|kind| matches!(kind, QuestionKind::Number { .. }))
                    .unwrap_or(QuestionKind::Number { min: 0, max: 100 }),
            },
            "choice" => of_campaign(|kind| matches!(kind, QuestionKind::Choice { .. })).with_context(|| {
                format!(
                    "question_type: no campaign in {:?} has a choice question; name one with --campaign",
                    language.0
                )
            })?,
            _ => bail!(
                "question_type: {kind:?} is not known; write yes_no, number, scale, choice, free_text, or nothing outside the questions"
            ),
        };
        Ok(Some(question))
    }

    fn expected(
        &self,
        language: &Language,
        question: Option<&QuestionKind>,
        intent: &str,
        value: &str,
    ) -> anyhow::Result<Expected> {
        let answer = || match (question, value) {
            (_, "") => Ok(None),
            (None, _) => {
                bail!("value: {value:?} stands where no question is open; remove it or name the question_type")
            }
            (Some(question), _) => read_value(question, value).map(Some),
        };
        let intent = match intent {
            "acknowledgement" => return Ok(Expected::Acknowledgement),
            "out_of_range" => return Ok(Expected::OutOfRange),
            "answer" | "" => {
                let value = answer()?.context("value: is empty; write the answer, or an intent")?;
                return Ok(Expected::Answer(value));
            }
            name => serde_json::from_value::<Intent>(name.into()).ok().with_context(|| {
                format!("intent: {name:?} is not known; write for example yes, call_later, remove_me, answer, out_of_range or unclear")
            })?,
        };
        if intent == Intent::CallLater {
            let lexicon = self.packs.get(language).map(LanguagePack::lexicon);
            let time = match value {
                "" => None,
                words => Some(lexicon.and_then(|lexicon| lexicon.time_named(words)).with_context(|| {
                    format!(
                        "value: {words:?} names no time in {:?}; write for example tomorrow after six",
                        language.0
                    )
                })?),
            };
            return Ok(Expected::Intent {
                intent,
                value: None,
                time,
            });
        }
        Ok(Expected::Intent {
            intent,
            value: answer()?,
            time: None,
        })
    }
}

fn read_range(text: &str) -> anyhow::Result<(i64, i64)> {
    let (min, max) = text.split_once('-').context("there is no hyphen")?;
    let range: (i64, i64) = (min.trim().parse()?, max.trim().parse()?);
    if range.0 >= range.1 {
        bail!("its end is not above its beginning");
    }
    Ok(range)
}

fn expectation(phase: &str, question: Option<&QuestionKind>) -> anyhow::Result<Expectation> {
    Ok(match (phase, question) {
        ("consent", _) => Expectation::Consent,
        ("confirm", _) => Expectation::Confirm,
        ("resume", _) => Expectation::Resume,
        ("question" | "confirm_answer", None) => bail!("question_type: is empty in the phase {phase}; write the type"),
        ("question", _) => Expectation::Question(0),
        ("confirm_answer", _) => Expectation::ConfirmAnswer(0),
        _ => bail!("phase: {phase:?} is not known; write consent, question, confirm_answer, confirm or resume"),
    })
}

fn read_value(question: &QuestionKind, text: &str) -> anyhow::Result<AnswerValue> {
    let number = || {
        text.parse::<i64>()
            .with_context(|| format!("value: {text:?} is no number; write one in digits"))
    };
    Ok(match question {
        QuestionKind::YesNo => match text {
            "yes" | "true" => AnswerValue::YesNo(true),
            "no" | "false" => AnswerValue::YesNo(false),
            _ => bail!("value: {text:?} is neither yes nor no"),
        },
        QuestionKind::Number { min, max } | QuestionKind::Scale { min, max } => {
            let number = number()?;
            if !(*min..=*max).contains(&number) {
                bail!("value: {number} is not from {min} to {max}; if that is meant, write the intent out_of_range");
            }
            match question {
                QuestionKind::Scale { .. } => AnswerValue::Scale(number),
                _ => AnswerValue::Number(number),
            }
        }
        QuestionKind::Choice { options } => match options.iter().find(|option| option.key == text) {
            Some(option) => AnswerValue::Choice(option.key.clone()),
            None => {
                let keys: Vec<_> = options.iter().map(|option| option.key.as_str()).collect();
                bail!("value: {text:?} is no option; write one of {}", keys.join(", "))
            }
        },
        QuestionKind::FreeText { .. } => AnswerValue::FreeText(text.to_owned()),
    })
}

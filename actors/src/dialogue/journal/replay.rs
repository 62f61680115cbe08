//! Feeding a journal through the dialogue again.

use super::{CHAIN_LENGTH, CHAIN_PREFIX, CHAIN_SUFFIX, FORMAT, Header, Record};
use crate::dialogue::pack::LanguagePack;
use crate::dialogue::script::{Script, hash};
use crate::dialogue::{Dialogue, Millis, Output};
use crate::domain::{AttemptId, Campaign, Language};
use std::collections::VecDeque;
use std::sync::Arc;

/// More differences than this say no more.
const MOST_DIFFERENCES: usize = 50;

/// What a replay found.
#[derive(Clone, PartialEq, Debug)]
pub struct ReplayReport {
    /// Whose journal.
    pub attempt: AttemptId,
    /// Inputs and waits fed.
    pub inputs: u64,
    /// Decisions compared.
    pub outputs: u64,
    /// False if the journal ends without its trailer: the call's end was not written, for example after a crash.
    /// What is there has been replayed.
    pub complete: bool,
    /// What is not as it was, in the order of the lines; at most 50.
    pub differences: Vec<Difference>,
}

impl ReplayReport {
    /// Every line unaltered, the same prompts and lexicon, and every decision the same.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    /// Whether there is a difference of this kind.
    pub fn has(&self, kind: DifferenceKind) -> bool {
        self.differences.iter().any(|difference| difference.kind == kind)
    }
}

/// What kind of thing is not as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DifferenceKind {
    /// Campaign, prompts or lexicon are not those of the call: a decision may differ for that reason alone.
    Material,
    /// The journal is not as it was written.
    Journal,
    /// The dialogue decides something else.
    Decision,
}

/// One thing that is not as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Difference {
    /// What kind of thing.
    pub kind: DifferenceKind,
    /// Line of the journal, from 1.
    pub line: usize,
    /// What differs.
    pub what: String,
}

/// Why a journal cannot be replayed at all.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplayFault {
    /// Its first line is no header.
    #[error("this is not a call journal: its first line is no header ({reason})")]
    NoHeader {
        /// What is wrong with it.
        reason: String,
    },
    /// Written by another version.
    #[error("the journal has format {found}, this program reads format {FORMAT}: use the program that wrote it")]
    Format {
        /// Its version.
        found: u32,
    },
    /// No prompts and lexicon for its language.
    #[error("there are no prompts and lexicon for language `{language}`: add them to the prompts folder")]
    Language {
        /// Which.
        language: String,
    },
    /// The campaign in the header is faulty.
    #[error("the journal's campaign cannot be used: {reason}")]
    Campaign {
        /// What is wrong with it.
        reason: String,
    },
    /// A line in the middle cannot be read.
    #[error("line {line} cannot be read ({reason}): the file is damaged")]
    Unreadable {
        /// Which, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// Feeds a journal's inputs through a dialogue with today's prompts and lexicon and compares every decision.
///
/// # Errors
/// [`ReplayFault`] if there is nothing that could be replayed; altered lines and changed decisions are differences in
/// the report instead.
pub fn replay(text: &str, packs: impl FnMut(&Language) -> Option<LanguagePack>) -> Result<ReplayReport, ReplayFault> {
    let mut lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .peekable();
    let (_, first) = lines.next().ok_or_else(|| ReplayFault::NoHeader {
        reason: "the file is empty".to_owned(),
    })?;
    let mut chain = Chain::default();
    let mut differences = Vec::new();
    let (header, unaltered) = chain.header(first)?;
    if !unaltered {
        differences.push(altered(1));
    }
    let script = rebuild(&header, packs)?;
    differences.extend(other_material(&header, &script));
    let mut run = Run {
        dialogue: Dialogue::new(Arc::new(script), header.config),
        expected: VecDeque::new(),
        report: ReplayReport {
            attempt: header.attempt,
            inputs: 0,
            outputs: 0,
            complete: false,
            differences,
        },
    };
    let mut last = 1;
    while let Some((number, line)) = lines.next() {
        last = number;
        match chain.read(line) {
            Ok((record, unaltered)) => {
                if !unaltered {
                    run.differ(altered(number));
                }
                if run.report.complete {
                    run.differ(Difference {
                        kind: DifferenceKind::Journal,
                        line: number,
                        what: "stands after the trailer".to_owned(),
                    });
                }
                run.take(number, record);
            }
            // A last line that stops in the middle was being written when the program ended.
            Err(_) if lines.peek().is_none() && !text.ends_with('\n') => break,
            Err(reason) => return Err(ReplayFault::Unreadable { line: number, reason }),
        }
    }
    if run.report.complete {
        run.nothing_left(last);
    }
    Ok(run.report)
}

/// Which of campaign, prompts and lexicon is not what the call was made of.
fn other_material(header: &Header, script: &Script) -> Vec<Difference> {
    let differs = |what: &str, were: &str, are: &str, remedy: &str| {
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_owned();
        (were != are).then(|| Difference {
            kind: DifferenceKind::Material,
            line: 1,
            what: format!(
                "{what} not that of the call (was {}, is {}): {remedy}",
                short(were),
                short(are)
            ),
        })
    };
    let remedy = "name the folder of those of then with --prompts, or read on for what they change";
    let (is, has) = (script.hashes(), header.hashes.as_ref());
    let differences: Vec<Difference> = match has {
        Some(was) => [
            differs(
                "the campaign is",
                &was.campaign,
                &is.campaign,
                "this program reads it otherwise",
            ),
            differs("the text of prompts.yaml is", &was.prompts, &is.prompts, remedy),
            differs("the text of lexicon.yaml is", &was.lexicon, &is.lexicon, remedy),
        ]
        .into_iter()
        .flatten()
        .collect(),
        None => differs(
            "the text of prompts.yaml or lexicon.yaml is",
            &header.pack,
            script.pack_hash(),
            remedy,
        )
        .into_iter()
        .collect(),
    };
    if differences.is_empty() {
        let remedy = "this program makes it otherwise";
        return differs("the script is", &header.script, script.fingerprint(), remedy)
            .into_iter()
            .collect();
    }
    differences
}

/// The campaign of a call; its caller id is a stand-in.
pub(super) fn campaign_of(header: &Header) -> Result<Campaign, ReplayFault> {
    Script::campaign_with_any_number(header.campaign.clone()).map_err(|error| ReplayFault::Campaign {
        reason: error.to_string(),
    })
}

fn rebuild(header: &Header, mut packs: impl FnMut(&Language) -> Option<LanguagePack>) -> Result<Script, ReplayFault> {
    let campaign = campaign_of(header)?;
    let language = &campaign.language;
    let pack = packs(language).ok_or_else(|| ReplayFault::Language {
        language: language.0.clone(),
    })?;
    Script::build_with(&campaign, &pack, packs).map_err(|faults| ReplayFault::Campaign {
        reason: faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
    })
}

/// Checks each line against the one before it as that stands there, so that one altered line is one difference.
#[derive(Default)]
pub(super) struct Chain(String);

impl Chain {
    /// The header in the first line, and whether that is as it was written.
    pub(super) fn header(&mut self, line: &str) -> Result<(Box<Header>, bool), ReplayFault> {
        match self.read(line) {
            Ok((Record::Header(header), _)) if header.format != FORMAT => {
                Err(ReplayFault::Format { found: header.format })
            }
            Ok((Record::Header(header), unaltered)) => Ok((header, unaltered)),
            Ok(_) => Err(ReplayFault::NoHeader {
                reason: "it is another record".to_owned(),
            }),
            Err(reason) => Err(ReplayFault::NoHeader { reason }),
        }
    }

    /// The record of a line, and whether the line is as it was written.
    pub(super) fn read(&mut self, line: &str) -> Result<(Record, bool), String> {
        let no_chain = || "it does not begin with a chain".to_owned();
        let rest = line.strip_prefix(CHAIN_PREFIX).ok_or_else(no_chain)?;
        let (chain, rest) = rest.split_at_checked(CHAIN_LENGTH).ok_or_else(no_chain)?;
        let body = format!("{{{}", rest.strip_prefix(CHAIN_SUFFIX).ok_or_else(no_chain)?);
        let record = serde_json::from_str(&body).map_err(|error| error.to_string())?;
        let unaltered = hash(&[&self.0, &body]) == chain;
        chain.clone_into(&mut self.0);
        Ok((record, unaltered))
    }
}

struct Run {
    dialogue: Dialogue,
    /// What the dialogue has decided and the journal must say next.
    expected: VecDeque<(Millis, Output)>,
    report: ReplayReport,
}

impl Run {
    fn take(&mut self, line: usize, record: Record) {
        match record {
            Record::Header(_) => self.differ(Difference {
                kind: DifferenceKind::Journal,
                line,
                what: "is a second header".to_owned(),
            }),
            Record::Input { at_ms, input } => {
                self.nothing_left(line);
                self.report.inputs += 1;
                self.dialogue.handle(at_ms, input);
                self.drain(at_ms);
            }
            Record::Timeout { at_ms } => {
                self.nothing_left(line);
                self.report.inputs += 1;
                self.dialogue.handle_timeout(at_ms);
                self.drain(at_ms);
            }
            Record::Output { at_ms: _, output } => {
                self.report.outputs += 1;
                match self.expected.pop_front() {
                    Some((_, decided)) if decided == output => {}
                    Some((_, decided)) => {
                        let what = format!("the call decided {}, the replay {}", json(&output), json(&decided));
                        self.differ(Difference {
                            kind: DifferenceKind::Decision,
                            line,
                            what,
                        });
                    }
                    None => {
                        let what = format!("the call decided {}, the replay nothing", json(&output));
                        self.differ(Difference {
                            kind: DifferenceKind::Decision,
                            line,
                            what,
                        });
                    }
                }
            }
            Record::Trailer { records } => {
                self.nothing_left(line);
                self.report.complete = true;
                let found = self.report.inputs + self.report.outputs;
                if records != found {
                    let what = format!("{records} records were written, {found} are there");
                    self.differ(Difference {
                        kind: DifferenceKind::Journal,
                        line,
                        what,
                    });
                }
            }
        }
    }

    fn drain(&mut self, at: Millis) {
        while let Some(output) = self.dialogue.poll_output() {
            self.expected.push_back((at, output));
        }
    }

    /// Every decision of the replay so far must stand in the journal before this line.
    fn nothing_left(&mut self, line: usize) {
        for (_, decided) in std::mem::take(&mut self.expected) {
            let what = format!("before it the replay decided {}, the call did not", json(&decided));
            self.differ(Difference {
                kind: DifferenceKind::Decision,
                line,
                what,
            });
        }
    }

    fn differ(&mut self, difference: Difference) {
        if self.report.differences.len() < MOST_DIFFERENCES {
            self.report.differences.push(difference);
        }
    }
}

fn altered(line: usize) -> Difference {
    Difference {
        kind: DifferenceKind::Journal,
        line,
        what: "was altered, or a line before it is missing: its chain does not fit".to_owned(),
    }
}

fn json(output: &Output) -> String {
    serde_json::to_string(output).unwrap_or_default()
}

//! A call's journal: every input, wait and decision, in lines that cannot be changed unnoticed.
//!
//! One JSON object a line: a header (format, attempt, campaign, fingerprints, waits), then records in the order they
//! happened, then a trailer. A journal without a trailer was cut off, for example by a crash. Each line begins with
//! `chain`: the SHA-256 of the line before it (its chain) and of the rest of this line. A journal holds no telephone
//! number: the campaign's caller id is left out.

mod replay;

pub use replay::{Difference, ReplayFault, ReplayReport, replay};

use super::config::DialogueConfig;
use super::input::{Input, Millis};
use super::output::Output;
use super::script::{Script, hash};
use crate::domain::AttemptId;
use serde::{Deserialize, Serialize};

/// Version of the format described here.
const FORMAT: u32 = 1;

/// What stands before a line's chain, and what follows it.
const CHAIN_PREFIX: &str = "{\"chain\":\"";
const CHAIN_SUFFIX: &str = "\",";
/// Hexadecimal digits of a SHA-256.
const CHAIN_LENGTH: usize = 64;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    Header(Box<Header>),
    Input {
        at_ms: Millis,
        input: Input,
    },
    Timeout {
        at_ms: Millis,
    },
    Output {
        at_ms: Millis,
        output: Output,
    },
    /// `records` counts the lines between header and trailer.
    Trailer {
        records: u64,
    },
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    attempt: AttemptId,
    /// [`Script::fingerprint`].
    script: String,
    /// [`Script::pack_hash`].
    pack: String,
    /// Without the caller id.
    campaign: serde_json::Value,
    config: DialogueConfig,
    /// Where a language model can be asked, the hash of what it is told. Replay does not need it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model_prompts: Option<String>,
}

/// Makes the lines of one journal. Pure: whoever holds it writes them, each without its line feed.
#[derive(Debug)]
pub struct JournalWriter {
    chain: String,
    records: u64,
}

impl JournalWriter {
    /// A new journal and its first line.
    pub fn new(attempt: &AttemptId, script: &Script, config: &DialogueConfig) -> (Self, String) {
        let mut writer = Self {
            chain: String::new(),
            records: 0,
        };
        let header = Header {
            format: FORMAT,
            attempt: attempt.clone(),
            script: script.fingerprint().to_owned(),
            pack: script.pack_hash().to_owned(),
            campaign: script.campaign_without_number(),
            config: config.clone(),
            model_prompts: script.model_hash().filter(|_| config.language_model).map(str::to_owned),
        };
        let line = writer.line(&Record::Header(Box::new(header)));
        (writer, line)
    }

    /// The line of an input, as it is handed to [`super::Dialogue::handle`].
    pub fn input(&mut self, at_ms: Millis, input: &Input) -> String {
        self.record(&Record::Input {
            at_ms,
            input: input.clone().sane(),
        })
    }

    /// The line of a call of [`super::Dialogue::handle_timeout`].
    pub fn timeout(&mut self, at_ms: Millis) -> String {
        self.record(&Record::Timeout { at_ms })
    }

    /// The line of an output.
    pub fn output(&mut self, at_ms: Millis, output: &Output) -> String {
        self.record(&Record::Output {
            at_ms,
            output: output.clone(),
        })
    }

    /// The last line.
    pub fn finish(mut self) -> String {
        let records = self.records;
        self.line(&Record::Trailer { records })
    }

    fn record(&mut self, record: &Record) -> String {
        self.records += 1;
        self.line(record)
    }

    fn line(&mut self, record: &Record) -> String {
        // Plain data with text keys: writing it cannot fail.
        let body = serde_json::to_string(record).unwrap_or_default();
        self.chain = hash(&[&self.chain, &body]);
        let rest = body.strip_prefix('{').unwrap_or_default();
        format!("{CHAIN_PREFIX}{}{CHAIN_SUFFIX}{rest}", self.chain)
    }
}

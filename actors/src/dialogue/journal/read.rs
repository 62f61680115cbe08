//! A journal as a list of what happened, for other uses than a replay.

use super::replay::{Chain, campaign_of};
use super::{Record, ReplayFault};
use crate::dialogue::{DialogueConfig, Input, Millis, Output};
use crate::domain::{AttemptId, Campaign};

/// What stands in a journal.
#[derive(Clone, PartialEq, Debug)]
pub struct CallJournal {
    /// Whose.
    pub attempt: AttemptId,
    /// The campaign; its caller id is a stand-in, because a journal holds no telephone number.
    pub campaign: Campaign,
    /// The waits of the conversation.
    pub config: DialogueConfig,
    /// What came in, and when.
    pub inputs: Vec<(Millis, Input)>,
    /// What was decided, and when.
    pub outputs: Vec<(Millis, Output)>,
}

/// Reads a journal to its end, or to where a crash cut it off. Whether it is as it was written, a
/// [replay](super::replay()) tells.
///
/// # Errors
/// [`ReplayFault`] if it is no journal, or damaged.
pub fn read(text: &str) -> Result<CallJournal, ReplayFault> {
    let mut chain = Chain::default();
    let mut lines = text.lines().enumerate().peekable();
    let first = lines.next().map_or("", |(_, line)| line);
    let (header, _) = chain.header(first)?;
    let mut journal = CallJournal {
        campaign: campaign_of(&header)?,
        attempt: header.attempt,
        config: header.config,
        inputs: Vec::new(),
        outputs: Vec::new(),
    };
    while let Some((index, line)) = lines.next() {
        match chain.read(line) {
            Ok((Record::Input { at_ms, input }, _)) => journal.inputs.push((at_ms, input)),
            Ok((Record::Output { at_ms, output }, _)) => journal.outputs.push((at_ms, output)),
            Ok(_) => {}
            Err(_) if lines.peek().is_none() && !text.ends_with('\n') => break,
            Err(reason) => {
                return Err(ReplayFault::Unreadable {
                    line: index + 1,
                    reason,
                });
            }
        }
    }
    Ok(journal)
}

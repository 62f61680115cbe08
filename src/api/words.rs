//! Words of the domain as the API writes them: with all of them in the description.

use samvad_actors::domain::{AttemptState, ContactState, Disposition, Lifecycle, Mode, Outcome};
use samvad_actors::ports::ImportState;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A type of the domain's words, described by them.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident: $of:ident { $($word:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(transparent)]
            pub struct $name(pub $of);

            impl $name {
                const ALL: &[Self] = &[$(Self($of::$word)),+];
            }

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    one_of(Self::ALL)
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

words! {
    /// How real attempts are.
    ModeWord: Mode { Simulated, DryRun, Live }

    /// Where a campaign stands: a draft calls nobody, a scheduled one begins at its time, a paused one begins no call, a
    /// completed one is over or was stopped, an archived one is put away.
    CampaignStatusWord: Lifecycle { Draft, Scheduled, Running, Paused, Completed, Archived }

    /// Where a contact stands.
    ContactStateWord: ContactState { Pending, InProgress, Completed, Refused, NotReached, Excluded }

    /// What came of a call.
    OutcomeWord: Outcome { Completed, Partial, Refused, Callback, WrongPerson, Voicemail, Abandoned, Failed }

    /// The standard code of how a call ended (AAPOR, Standard Definitions, 10th edition).
    DispositionCode: Disposition {
        Complete, Partial, RespondentRefusal, BreakOff, NonContact, NotAttempted, Busy, NoAnswer, Machine,
        TechnicalProblem, Fax, NonWorkingNumber,
    }

    /// Where an attempt stands.
    AttemptStateWord: AttemptState { Planned, Submitting, Submitted, SubmissionUnknown, Live, Ended }

    /// Where an import stands.
    ImportStateWord: ImportState { Running, Completed, Failed }
}

fn one_of<T: Serialize>(all: &[T]) -> RefOr<Schema> {
    let words = all.iter().filter_map(|word| serde_json::to_value(word).ok());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_described_as_it_is_written() {
        let schema = serde_json::to_value(DispositionCode::schema()).expect("JSON");
        assert_eq!(schema["enum"][2], "2.112");
        let schema = serde_json::to_value(ModeWord::schema()).expect("JSON");
        assert_eq!(schema["enum"], serde_json::json!(["simulated", "dry_run", "live"]));
    }
}

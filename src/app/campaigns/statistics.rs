//! Statistics of a campaign, with their rates.

use super::{CampaignError, Campaigns, CountsView};
use samvad_actors::domain::{CampaignId, Disposition, Mode, Outcome};
use samvad_actors::ports::{AttemptCount, CampaignCounts, QuestionCounts, StatisticsStore};
use samvad_actors::statistics::{CaseCounts, Rates};
use serde::Serialize;
use utoipa::ToSchema;

/// What came of a campaign in one mode. Rates are parts of 1; `None` where they would divide by nothing.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct StatisticsView {
    /// Which.
    pub campaign_id: String,
    /// How real the attempts are that are counted.
    #[schema(value_type = String, example = "live")]
    pub mode: Mode,
    /// Contacts by state; `None` if the campaign is in another mode now.
    #[schema(required = true)]
    pub contacts: Option<CountsView>,
    /// Contacts that were called. A dry run calls nobody, nor does an attempt that was given up before the carrier was
    /// asked (3.11).
    pub contacts_attempted: u64,
    /// Attempts for each contact that was called, without those that called nobody.
    #[schema(required = true)]
    pub mean_attempts: Option<f64>,
    /// Attempts that have ended.
    pub attempts_ended: u64,
    /// Attempts that have not.
    pub attempts_in_flight: u64,
    /// Attempts by outcome and disposition.
    pub attempts: Vec<AttemptsView>,
    /// Contacts that gave their consent; who was asked in several calls, by their newest word.
    pub consents_granted: u64,
    /// Contacts that refused it.
    pub consents_refused: u64,
    /// Contacts that completed, of those that are not excluded.
    #[schema(required = true)]
    pub completion_rate: Option<f64>,
    /// Contacts that refused, of those that are not excluded.
    #[schema(required = true)]
    pub refusal_rate: Option<f64>,
    /// Contacts that were not reached, of those that are not excluded.
    #[schema(required = true)]
    pub not_reached_rate: Option<f64>,
    /// Outcome rates by AAPOR's Standard Definitions.
    pub aapor: RatesView,
    /// Day by day.
    pub days: Vec<DayView>,
    /// Question by question. Each contact counts once, with the answers that the export shows of it: those of its newest call
    /// in which it answered anything, or went through the survey to its end.
    pub questions: Vec<QuestionView>,
}

/// Attempts that ended alike.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "as in `AttemptCount`")]
pub struct AttemptsView {
    #[schema(value_type = String, example = "completed")]
    pub outcome: Outcome,
    #[schema(value_type = Option<String>, required = true, example = "1.1")]
    pub disposition: Option<Disposition>,
    pub attempts: u64,
}

/// AAPOR's rates, and the cases they are made of; as in [`Rates`] and [`CaseCounts`].
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "as in `Rates` and `CaseCounts`")]
pub struct RatesView {
    pub complete: u64,
    pub partial: u64,
    pub refusal: u64,
    pub non_contact: u64,
    pub other: u64,
    pub unknown_household: u64,
    pub unknown_other: u64,
    pub not_eligible: u64,
    pub e: f64,
    /// RR1 to RR6.
    pub response_rates: [Option<f64>; 6],
    /// COOP1 to COOP4.
    pub cooperation_rates: [Option<f64>; 4],
    /// REF1 to REF3.
    pub refusal_rates: [Option<f64>; 3],
    /// CON1 to CON3.
    pub contact_rates: [Option<f64>; 3],
}

impl RatesView {
    fn of(cases: &CaseCounts) -> Self {
        let rates: Rates = cases.rates(None);
        Self {
            complete: cases.complete,
            partial: cases.partial,
            refusal: cases.refusal,
            non_contact: cases.non_contact,
            other: cases.other,
            unknown_household: cases.unknown_household,
            unknown_other: cases.unknown_other,
            not_eligible: cases.not_eligible,
            e: rates.e,
            response_rates: rates.response,
            cooperation_rates: rates.cooperation,
            refusal_rates: rates.refusal,
            contact_rates: rates.contact,
        }
    }
}

/// Attempts of a day.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct DayView {
    /// The day in the campaign's zone, `YYYY-MM-DD`.
    pub date: String,
    /// Attempts that have ended.
    pub attempts: u64,
    /// Of them, those that somebody or something took.
    pub answered: u64,
    /// Of them, interviews that were completed.
    pub completed: u64,
}

/// Answers to a question.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct QuestionView {
    /// 1, 2 or 3.
    pub question: usize,
    /// Contacts whose answer has a value.
    pub answered: u64,
    /// Contacts that were asked and did not answer it.
    pub not_answered: u64,
    /// Answers by value, the most frequent first; of free text none.
    pub values: Vec<ValueView>,
    /// Of answers that are numbers.
    #[schema(required = true)]
    pub numbers: Option<NumbersView>,
}

/// Answers of one value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "as it says")]
pub struct ValueView {
    pub value: String,
    pub answers: u64,
}

/// Of answers that are numbers.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
#[expect(missing_docs, reason = "as in `NumberSummary`")]
pub struct NumbersView {
    pub answers: u64,
    pub min: i64,
    pub max: i64,
    pub mean: f64,
}

impl Campaigns {
    /// What came of a campaign; `None` stands for its present mode.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn statistics(&self, campaign: &CampaignId, mode: Option<Mode>) -> Result<StatisticsView, CampaignError> {
        self.state(campaign).await?;
        let counts = self.store.campaign_counts(campaign, mode).await?;
        Ok(view(campaign, counts))
    }
}

fn view(campaign: &CampaignId, counts: CampaignCounts) -> StatisticsView {
    let sum_of = |wanted: fn(&AttemptCount) -> bool| -> u64 {
        let counts = counts.attempts.iter().filter(|count| wanted(count));
        counts.map(|count| count.attempts).sum()
    };
    let attempts_ended = sum_of(|_| true);
    let calls = sum_of(AttemptCount::was_called);
    let of_contacts = |pick: fn(&CountsView) -> u64| {
        let contacts = CountsView::from(counts.contacts?);
        part(pick(&contacts), contacts.total - contacts.excluded)
    };
    StatisticsView {
        campaign_id: campaign.to_string(),
        mode: counts.mode,
        contacts: counts.contacts.map(CountsView::from),
        contacts_attempted: counts.contacts_attempted,
        mean_attempts: part(calls, counts.contacts_attempted),
        attempts_ended,
        attempts_in_flight: counts.in_flight,
        consents_granted: counts.consents_granted,
        consents_refused: counts.consents_refused,
        completion_rate: of_contacts(|contacts| contacts.completed),
        refusal_rate: of_contacts(|contacts| contacts.refused),
        not_reached_rate: of_contacts(|contacts| contacts.not_reached),
        aapor: RatesView::of(&counts.cases),
        attempts: counts
            .attempts
            .iter()
            .map(|count| AttemptsView {
                outcome: count.outcome,
                disposition: count.disposition,
                attempts: count.attempts,
            })
            .collect(),
        days: counts
            .days
            .iter()
            .map(|day| DayView {
                date: day.date.to_string(),
                attempts: day.attempts,
                answered: day.answered,
                completed: day.completed,
            })
            .collect(),
        questions: counts.questions.into_iter().map(question).collect(),
    }
}

fn question(counts: QuestionCounts) -> QuestionView {
    QuestionView {
        question: counts.question + 1,
        answered: counts.answered,
        not_answered: counts.not_answered,
        values: counts
            .values
            .into_iter()
            .map(|(value, answers)| ValueView { value, answers })
            .collect(),
        numbers: counts.numbers.map(|numbers| NumbersView {
            answers: numbers.count,
            min: numbers.min,
            max: numbers.max,
            mean: numbers.mean,
        }),
    }
}

fn part(of: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| of as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_that_called_nobody_are_counted_and_are_in_no_mean() {
        let ended = |outcome, disposition, attempts| AttemptCount {
            outcome,
            disposition: Some(disposition),
            attempts,
        };
        let counts = CampaignCounts {
            mode: Mode::Live,
            contacts: None,
            contacts_total: 5,
            contacts_attempted: 2,
            in_flight: 0,
            attempts: vec![
                ended(Outcome::Failed, Disposition::NotAttempted, 4),
                ended(Outcome::Failed, Disposition::Busy, 3),
            ],
            days: Vec::new(),
            consents_granted: 0,
            consents_refused: 0,
            cases: CaseCounts::default(),
            questions: Vec::new(),
        };
        let view = view(&CampaignId::from("spring"), counts);
        assert_eq!((view.attempts_ended, view.mean_attempts), (7, Some(1.5)));
    }
}

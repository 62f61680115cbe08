//! The end of an attempt, with everything a conversation leaves behind.

use super::attempts::{lock, number_of_contact};
use super::costs;
use super::opt_outs::{self, is_listed, lock_number};
use super::rows::{answer_columns, fraction, get, get_count, get_word, stored, word, zone};
use super::{Write, counted, db, statements as sql};
use samvad_actors::campaign::{ZonedWindow, callback_at};
use samvad_actors::domain::{
    Answer, AnsweredBy, AttemptId, AttemptState, CallbackRequest, Campaign, ConsentEvidence, ContactState,
    DialingRules, Disposition, EndReason, FollowUp, Language, Outcome,
};
use samvad_actors::ports::{AttemptRow, CallReport, StoreError, TranscriptLine, TurnLatency};

/// How an attempt ends.
pub(super) struct Ending<'a> {
    outcome: Outcome,
    disposition: Disposition,
    end_reason: Option<EndReason>,
    answered_by: Option<AnsweredBy>,
    callback: Option<&'a CallbackRequest>,
    language: Option<&'a Language>,
    at_ms: i64,
}

impl Ending<'_> {
    /// Nobody took the call, nor will.
    pub(super) fn unanswered(disposition: Disposition, at_ms: i64) -> Self {
        Self {
            outcome: Outcome::Failed,
            disposition,
            end_reason: None,
            answered_by: None,
            callback: None,
            language: None,
            at_ms,
        }
    }

    /// As [`Ending::unanswered`], but somebody did: who, showed nowhere.
    pub(super) fn without_conversation(disposition: Disposition, at_ms: i64) -> Self {
        Self {
            answered_by: Some(AnsweredBy::Unknown),
            ..Self::unanswered(disposition, at_ms)
        }
    }
}

/// Ends an attempt, frees its number and moves its contact on. The attempt's row is held.
pub(super) async fn end(transaction: &mut Write, attempt: &AttemptRow, ending: &Ending<'_>) -> Result<(), StoreError> {
    sqlx::query(sql::END_ATTEMPT)
        .bind(attempt.id.as_str())
        .bind(word(ending.outcome)?)
        .bind(word(ending.disposition)?)
        .bind(ending.end_reason.map(word).transpose()?)
        .bind(ending.callback.and_then(|request| request.words.as_deref()))
        .bind(ending.at_ms)
        .bind(ending.language.map(|language| language.0.as_str()))
        .bind(ending.answered_by.map(AnsweredBy::as_str))
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    move_contact_on(transaction, attempt, ending).await
}

/// What an attempt's end means for its contact: settled, with an event, or due again by the campaign's rules.
async fn move_contact_on(transaction: &mut Write, attempt: &AttemptRow, ending: &Ending<'_>) -> Result<(), StoreError> {
    let number = number_of_contact(transaction, &attempt.contact, &attempt.campaign).await?;
    lock_number(transaction, &number).await?;
    let contact = sqlx::query(sql::CONTACT_OF_ATTEMPT)
        .bind(attempt.contact.as_str())
        .bind(attempt.campaign.as_str())
        .fetch_one(&mut **transaction)
        .await
        .map_err(db)?;
    // An attempt must end even if its campaign was written by a version whose words this one does not know.
    let rules = serde_json::from_str::<Campaign>(&get::<String>(&contact, "definition")?)
        .map(|campaign| campaign.dialing)
        .unwrap_or_default();
    let follow_up = rules.retry.follow_up(
        ending.outcome,
        ending.disposition,
        get_count(&contact, "used_attempts")?,
        callback_at_ms(ending, &rules, zone(&contact)?),
        ending.at_ms,
    );
    let excluded: ContactState = get_word(&contact, "state")?;
    let (state, event, due_at_ms) = match follow_up {
        FollowUp::Completed => (ContactState::Completed, Some("survey.completed"), 0),
        FollowUp::Refused => (ContactState::Refused, Some("survey.refused"), 0),
        FollowUp::NotReached => (ContactState::NotReached, Some("survey.not_reached"), 0),
        FollowUp::Retry { not_before_ms } => (ContactState::Pending, None, not_before_ms),
    };
    let (state, reason) = match state {
        // First: that somebody took it out holds though its number be taken off do-not-call.
        ContactState::Pending if excluded == ContactState::Excluded => {
            (ContactState::Excluded, get(&contact, "excluded_reason")?)
        }
        ContactState::Pending if is_listed(transaction, &number).await? => {
            (ContactState::Excluded, Some("do_not_call".to_owned()))
        }
        state => (state, None),
    };
    sqlx::query(sql::MOVE_CONTACT_ON)
        .bind(attempt.contact.as_str())
        .bind(word(state)?)
        .bind(reason)
        .bind(due_at_ms)
        .bind(word(ending.outcome)?)
        .bind(word(ending.disposition)?)
        .execute(&mut **transaction)
        .await
        .map_err(db)?;
    let Some(event) = event else { return Ok(()) };
    sqlx::query(sql::ADD_EVENT)
        .bind(attempt.id.as_str())
        .bind(event)
        .bind(attempt.campaign.as_str())
        .bind(attempt.contact.as_str())
        .bind(word(attempt.mode)?)
        .bind(ending.at_ms)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

/// When the person asked to be called, on the clock of the contact's zone, else the campaign's; `None` if no time was
/// asked for, or by a clock that is not known.
fn callback_at_ms(ending: &Ending<'_>, rules: &DialingRules, zone: Option<String>) -> Option<i64> {
    let request = ending.callback?;
    let zone = zone.as_deref().unwrap_or(&rules.window.zone);
    let window = ZonedWindow::new(&rules.window, zone).ok()?;
    let earliest_ms = rules.retry.earliest_ms(ending.at_ms);
    Some(callback_at(&request.time?, request.at_ms, earliest_ms, &window))
}

/// Keeps a call's report. False if the attempt had ended already; a wish for removal is kept all the same.
pub(super) async fn record(transaction: &mut Write, report: &CallReport) -> Result<bool, StoreError> {
    let found = lock(transaction, &report.attempt).await?;
    if report.do_not_call {
        opt_outs::add_by_attempt(transaction, &report.attempt, report.ended_at_ms).await?;
    }
    if found.state == AttemptState::Ended {
        return Ok(false);
    }
    let ending = Ending {
        outcome: report.outcome,
        disposition: report.disposition,
        end_reason: Some(report.end_reason),
        answered_by: Some(report.answered_by),
        callback: report.callback_request.as_ref(),
        language: report.language.as_ref(),
        at_ms: report.ended_at_ms,
    };
    end(transaction, &found, &ending).await?;
    if let Some(consent) = &report.consent {
        counted::supersede(sql::SUPERSEDE_CONSENTS, transaction, &found).await?;
        add_consent(transaction, &found, consent).await?;
    }
    let is_interview = counted::is_interview(report);
    if is_interview {
        counted::supersede(sql::SUPERSEDE_ANSWERS, transaction, &found).await?;
    }
    for answer in &report.answers {
        add_answer(transaction, &found, answer, is_interview).await?;
    }
    for (line, said) in (0_i64..).zip(&report.transcript) {
        add_line(transaction, &report.attempt, line, said).await?;
    }
    for latency in &report.latencies {
        add_latency(transaction, &report.attempt, latency).await?;
    }
    costs::add_use_of_call(transaction, &found, &report.service_use, report.ended_at_ms).await?;
    Ok(true)
}

async fn add_consent(
    transaction: &mut Write,
    attempt: &AttemptRow,
    consent: &ConsentEvidence,
) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_CONSENT)
        .bind(attempt.id.as_str())
        .bind(i32::from(consent.granted))
        .bind(consent.wording.as_str())
        .bind(consent.language.as_str())
        .bind(consent.heard.as_str())
        .bind(consent.confidence.map(fraction))
        .bind(word(consent.via)?)
        .bind(stored(consent.at_ms))
        .bind(consent.reason.as_deref())
        .bind(attempt.campaign.as_str())
        .bind(word(attempt.mode)?)
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

async fn add_answer(
    transaction: &mut Write,
    attempt: &AttemptRow,
    answer: &Answer,
    counted: bool,
) -> Result<(), StoreError> {
    let (value_type, value) = answer_columns(&answer.value);
    sqlx::query(sql::ADD_ANSWER)
        .bind(attempt.id.as_str())
        .bind(stored(answer.question as u64))
        .bind(value_type)
        .bind(value)
        .bind(word(answer.via)?)
        .bind(answer.heard.as_deref())
        .bind(answer.confidence.map(fraction))
        .bind(i32::from(answer.uncertain))
        .bind(i64::from(answer.times_asked))
        .bind(attempt.campaign.as_str())
        .bind(word(attempt.mode)?)
        .bind(i32::from(counted))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

async fn add_line(
    transaction: &mut Write,
    attempt: &AttemptId,
    line: i64,
    said: &TranscriptLine,
) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_TRANSCRIPT_LINE)
        .bind(attempt.as_str())
        .bind(line)
        .bind(stored(said.at_ms))
        .bind(word(said.speaker)?)
        .bind(said.text.as_str())
        .bind(said.confidence.map(fraction))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

async fn add_latency(transaction: &mut Write, attempt: &AttemptId, latency: &TurnLatency) -> Result<(), StoreError> {
    sqlx::query(sql::ADD_LATENCY)
        .bind(attempt.as_str())
        .bind(i64::from(latency.turn))
        .bind(i64::from(latency.endpoint_ms))
        .bind(i64::from(latency.recognition_ms))
        .bind(i64::from(latency.understanding_ms))
        .bind(i64::from(latency.decision_ms))
        .bind(i64::from(latency.first_audio_ms))
        .bind(i64::from(latency.total_ms))
        .execute(&mut **transaction)
        .await
        .map(drop)
        .map_err(db)
}

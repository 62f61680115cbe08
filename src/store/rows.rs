//! Between rows and the domain's types. Enums are kept as the words they are serialised to.

use super::error::{corrupt, store_error};
use samvad_actors::domain::{
    Answer, AnswerValue, AttemptId, CallSid, CampaignId, CarrierStatus, ConsentEvidence, ContactId, EmailAddress,
    PersonName, PhoneNumber,
};
use samvad_actors::ports::{AttemptRow, Contact, StoreError, TranscriptLine, TurnLatency};
use serde::Serialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

/// A column's value; NULL only for an `Option`.
pub(super) fn get<'r, T: Decode<'r, Any> + Type<Any>>(row: &'r AnyRow, column: &str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|error| store_error(&error))
}

/// The word an enum is kept as.
pub(super) fn word<T: Serialize>(value: T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(corrupt("an enum is not serialised as one word")),
    }
}

/// The enum a column's word stands for.
pub(super) fn get_word<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    read_word(&get::<String>(row, column)?, column)
}

pub(super) fn get_optional_word<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<Option<T>, StoreError> {
    get::<Option<String>>(row, column)?
        .map(|word| read_word(&word, column))
        .transpose()
}

fn read_word<T: DeserializeOwned>(word: &str, column: &str) -> Result<T, StoreError> {
    let deserializer: StrDeserializer<'_, WordError> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|_| corrupt(&format!("column {column} holds an unknown word")))
}

pub(super) fn get_count<T: TryFrom<i64>>(row: &AnyRow, column: &str) -> Result<T, StoreError> {
    T::try_from(get::<i64>(row, column)?).map_err(|_| corrupt(&format!("column {column} is out of range")))
}

pub(super) fn get_flag(row: &AnyRow, column: &str) -> Result<bool, StoreError> {
    Ok(get::<i32>(row, column)? != 0)
}

#[expect(clippy::cast_possible_truncation, reason = "it was an f32 when it was written")]
fn get_confidence(row: &AnyRow) -> Result<Option<f32>, StoreError> {
    Ok(get::<Option<f64>>(row, "confidence")?.map(|confidence| confidence as f32))
}

/// Zone of a contact; `None` is the campaign's own, kept as the empty text, so that an index finds it like any other.
pub(super) fn zone(row: &AnyRow) -> Result<Option<String>, StoreError> {
    let zone: String = get(row, "zone")?;
    Ok((!zone.is_empty()).then_some(zone))
}

/// Name of a contact. One that cannot be read is no reason not to talk to the person.
pub(super) fn name(row: &AnyRow) -> Result<Option<PersonName>, StoreError> {
    let name: Option<String> = get(row, "name")?;
    Ok(name.and_then(|name| PersonName::parse(&name).ok()))
}

/// E-mail address of a contact. One that cannot be read is none: a page of contacts is shown nevertheless.
pub(super) fn email(row: &AnyRow) -> Result<Option<EmailAddress>, StoreError> {
    let email: Option<String> = get(row, "email")?;
    Ok(email.and_then(|email| EmailAddress::parse(&email).ok()))
}

pub(super) fn contact(row: &AnyRow, id_column: &str) -> Result<Contact, StoreError> {
    let number: String = get(row, "phone_number")?;
    Ok(Contact {
        id: ContactId::new(get::<String>(row, id_column)?),
        campaign: CampaignId::new(get::<String>(row, "campaign_id")?),
        number: PhoneNumber::parse(&number).map_err(|_| corrupt("column phone_number holds no E.164 number"))?,
        external_id: get(row, "external_id")?,
        attempts: get_count(row, "attempts_count")?,
    })
}

pub(super) fn attempt(row: &AnyRow) -> Result<AttemptRow, StoreError> {
    let carrier_status = get::<Option<String>>(row, "carrier_status")?
        .map(|word| CarrierStatus::parse(&word).ok_or_else(|| corrupt("column carrier_status holds an unknown word")))
        .transpose()?;
    Ok(AttemptRow {
        id: AttemptId::new(get::<String>(row, "id")?),
        campaign: CampaignId::new(get::<String>(row, "campaign_id")?),
        contact: ContactId::new(get::<String>(row, "contact_id")?),
        number: get_count(row, "attempt_number")?,
        mode: get_word(row, "mode")?,
        state: get_word(row, "state")?,
        call_sid: get::<Option<String>>(row, "call_sid")?.map(CallSid::new),
        carrier_status,
        outcome: get_optional_word(row, "outcome")?,
        disposition: get_optional_word(row, "disposition")?,
        answered_by: get_optional_word(row, "answered_by")?,
        created_at_ms: get(row, "created_at_ms")?,
        ended_at_ms: get(row, "ended_at_ms")?,
    })
}

pub(super) fn consent(row: &AnyRow) -> Result<ConsentEvidence, StoreError> {
    Ok(ConsentEvidence {
        granted: get_flag(row, "granted")?,
        wording: get(row, "wording")?,
        language: get(row, "language")?,
        heard: get(row, "heard")?,
        confidence: get_confidence(row)?,
        via: get_word(row, "via")?,
        at_ms: get_count(row, "at_ms")?,
        reason: get(row, "reason")?,
    })
}

pub(super) fn answer(row: &AnyRow) -> Result<Answer, StoreError> {
    Ok(Answer {
        question: get_count(row, "question")?,
        value: answer_value(&get::<String>(row, "value_type")?, get(row, "value")?)?,
        via: get_word(row, "via")?,
        heard: get(row, "heard")?,
        confidence: get_confidence(row)?,
        uncertain: get_flag(row, "uncertain")?,
        times_asked: get_count(row, "times_asked")?,
    })
}

/// An answer's type and value as columns.
pub(super) fn answer_columns(value: &AnswerValue) -> (&'static str, Option<String>) {
    match value {
        AnswerValue::YesNo(yes) => ("yes_no", Some(if *yes { "yes" } else { "no" }.to_owned())),
        AnswerValue::Number(number) => ("number", Some(number.to_string())),
        AnswerValue::Scale(point) => ("scale", Some(point.to_string())),
        AnswerValue::Choice(key) => ("choice", Some(key.clone())),
        AnswerValue::FreeText(words) => ("free_text", Some(words.clone())),
        AnswerValue::NotAnswered => ("not_answered", None),
    }
}

pub(super) fn answer_value(value_type: &str, value: Option<String>) -> Result<AnswerValue, StoreError> {
    let whole = |text: &str| {
        text.parse::<i64>()
            .map_err(|_| corrupt("column value holds no whole number"))
    };
    Ok(match (value_type, value) {
        ("yes_no", Some(word)) if word == "yes" => AnswerValue::YesNo(true),
        ("yes_no", Some(word)) if word == "no" => AnswerValue::YesNo(false),
        ("number", Some(text)) => AnswerValue::Number(whole(&text)?),
        ("scale", Some(text)) => AnswerValue::Scale(whole(&text)?),
        ("choice", Some(key)) => AnswerValue::Choice(key),
        ("free_text", Some(words)) => AnswerValue::FreeText(words),
        ("not_answered", None) => AnswerValue::NotAnswered,
        _ => return Err(corrupt("columns value_type and value do not belong together")),
    })
}

pub(super) fn transcript_line(row: &AnyRow) -> Result<TranscriptLine, StoreError> {
    Ok(TranscriptLine {
        at_ms: get_count(row, "at_ms")?,
        speaker: get_word(row, "speaker")?,
        text: get(row, "text")?,
        confidence: get_confidence(row)?,
    })
}

pub(super) fn latency(row: &AnyRow) -> Result<TurnLatency, StoreError> {
    Ok(TurnLatency {
        turn: get_count(row, "turn")?,
        endpoint_ms: get_count(row, "endpoint_ms")?,
        recognition_ms: get_count(row, "recognition_ms")?,
        understanding_ms: get_count(row, "understanding_ms")?,
        decision_ms: get_count(row, "decision_ms")?,
        first_audio_ms: get_count(row, "first_audio_ms")?,
        total_ms: get_count(row, "total_ms")?,
    })
}

/// A fraction as it is bound, for a CAST in the statement: the Any driver of sqlx 0.9.0 tells PostgreSQL that a missing
/// DOUBLE PRECISION is a REAL, after which the prepared statement takes no number any more.
pub(super) fn fraction(value: f32) -> String {
    f64::from(value).to_string()
}

/// A time or count as the database keeps it; beyond its range, the largest.
pub(super) fn stored(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

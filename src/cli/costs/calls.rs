//! Calls one by one, a line each.

use super::super::report::{harmless, outcome_word};
use super::{Format, exact, kind_word, readable, seconds};
use crate::cli::campaign_text::mode_text;
use crate::costs::{CallLine, PriceTable};
use jiff::Timestamp;
use samvad_actors::ports::CallUse;

/// Writes calls as they come.
pub(super) struct CallWriter<'a> {
    format: Format,
    prices: &'a PriceTable,
}

const COLUMNS: [&str; 12] = [
    "attempt_id",
    "mode",
    "outcome",
    "ended_at",
    "minutes",
    "audio_seconds",
    "characters",
    "input_tokens",
    "output_tokens",
    "cost",
    "currency",
    "complete",
];

impl<'a> CallWriter<'a> {
    pub(super) fn new(format: Format, prices: &'a PriceTable) -> Self {
        Self { format, prices }
    }

    /// What stands above the calls.
    pub(super) fn header(&self) -> Option<String> {
        match self.format {
            Format::Json => None,
            Format::Csv => Some(COLUMNS.join(",")),
            Format::Text => {
                let currency = self.prices.currency().unwrap_or("no prices");
                let (audio, cost) = ("AUDIO s", format!("COST ({currency})"));
                Some(format!(
                    "{:<36}  {:<9}  {:<12}  {:>4}  {audio:>9}  {:>6}  {:>8}  {cost}",
                    "ATTEMPT", "MODE", "OUTCOME", "MIN", "CHARS", "TOKENS"
                ))
            }
        }
    }

    /// A call's line.
    pub(super) fn line(&self, call: CallUse) -> anyhow::Result<String> {
        let line = CallLine::of(call, self.prices);
        match self.format {
            Format::Text => Ok(text(&line)),
            Format::Json => Ok(json(&line, self.prices).to_string()),
            Format::Csv => self.record(&line),
        }
    }

    fn record(&self, line: &CallLine) -> anyhow::Result<String> {
        let CallLine { call, amount, cost } = line;
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record([
            harmless(call.attempt.as_str()),
            call.mode.as_str().to_owned(),
            outcome_word(call.outcome).to_owned(),
            ended_at(call),
            call.minutes.map_or_else(String::new, |minutes| minutes.to_string()),
            seconds(amount.audio_ms),
            amount.characters.to_string(),
            amount.input_tokens.to_string(),
            amount.output_tokens.to_string(),
            exact(*cost).unwrap_or_default(),
            self.prices.currency().unwrap_or_default().to_owned(),
            cost.complete.to_string(),
        ])?;
        Ok(String::from_utf8(csv.into_inner()?)?.trim_end().to_owned())
    }
}

fn ended_at(call: &CallUse) -> String {
    Timestamp::from_millisecond(call.ended_at_ms).map_or_else(|_| String::new(), |at| at.to_string())
}

fn text(line: &CallLine) -> String {
    let CallLine { call, amount, cost } = line;
    format!(
        "{:<36}  {:<9}  {:<12}  {:>4}  {:>9}  {:>6}  {:>8}  {}",
        call.attempt.as_str(),
        mode_text(call.mode),
        outcome_word(call.outcome),
        call.minutes
            .map_or_else(|| "?".to_owned(), |minutes| minutes.to_string()),
        seconds(amount.audio_ms),
        amount.characters,
        amount.input_tokens.saturating_add(amount.output_tokens),
        readable(*cost, 1),
    )
}

fn json(line: &CallLine, prices: &PriceTable) -> serde_json::Value {
    let CallLine { call, cost, .. } = line;
    let services = call.services.iter().map(|(service, amount)| {
        let cost = prices.service_cost(service, *amount);
        serde_json::json!({
            "kind": kind_word(service.kind),
            "service": service.service,
            "model": service.model,
            "amount": amount,
            "cost": exact(cost),
            "complete": cost.complete,
        })
    });
    serde_json::json!({
        "attempt_id": call.attempt.as_str(),
        "mode": call.mode.as_str(),
        "outcome": outcome_word(call.outcome),
        "ended_at": ended_at(call),
        "country": call.country,
        "minutes": call.minutes,
        "services": services.collect::<Vec<_>>(),
        "cost": exact(*cost),
        "currency": prices.currency(),
        "complete": cost.complete,
    })
}

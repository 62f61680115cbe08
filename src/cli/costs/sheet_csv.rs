//! The sheet as one table for spreadsheets: costs, then latency. No cell is taken for a formula.

use super::super::report::harmless;
use super::sheet_json::ms;
use super::{Report, exact, kind_word, part_word, seconds};
use crate::costs::{Cost, ServiceLine};

/// Its columns; a row leaves empty what it does not have.
const COLUMNS: [&str; 19] = [
    "section",
    "mode",
    "item",
    "service",
    "model",
    "country_code",
    "calls",
    "requests",
    "audio_seconds",
    "characters",
    "input_tokens",
    "output_tokens",
    "minutes",
    "cost",
    "complete",
    "turns",
    "p50_ms",
    "p95_ms",
    "p99_ms",
];

/// A row, by column.
#[derive(Default)]
struct Row([String; COLUMNS.len()]);

impl Row {
    fn new(section: &str, mode: &str, item: &str) -> Self {
        Self::default()
            .with("section", section)
            .with("mode", mode)
            .with("item", item)
    }

    fn with(mut self, column: &str, cell: impl ToString) -> Self {
        let place = COLUMNS.iter().position(|name| *name == column);
        if let Some(found) = place.and_then(|place| self.0.get_mut(place)) {
            *found = harmless(&cell.to_string());
        }
        self
    }

    fn costs(self, cost: Cost) -> Self {
        self.with("cost", exact(cost).unwrap_or_default())
            .with("complete", cost.complete)
    }
}

pub(super) fn report(report: &Report) -> anyhow::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let currency = report.currency.as_deref().unwrap_or_default();
    let header = COLUMNS.map(|name| match name {
        "cost" if !currency.is_empty() => format!("cost_{currency}"),
        name => name.to_owned(),
    });
    csv.write_record(header)?;
    for row in rows(report) {
        csv.write_record(row.0)?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?.trim_end().to_owned())
}

fn rows(report: &Report) -> Vec<Row> {
    let mut rows = Vec::new();
    for section in &report.sheet.sections {
        let mode = section.calls.mode.as_str();
        rows.extend(section.services.iter().map(|line| service("calls", mode, line)));
        rows.extend(section.carrier.iter().map(|line| {
            let country = line.country.as_deref().unwrap_or_default();
            Row::new("calls", mode, "carrier")
                .with("country_code", country.trim_start_matches('+'))
                .with("calls", line.calls.saturating_add(line.unknown))
                .with("minutes", line.minutes)
                .costs(line.cost)
        }));
        rows.push(
            Row::new("calls", mode, "total")
                .with("calls", section.calls.attempts)
                .costs(section.total),
        );
        let completed = section.calls.completed;
        let share = exact(section.total).map(|_| section.total.known.share(completed, 6));
        rows.push(
            Row::new("calls", mode, "per_completed")
                .with("calls", completed)
                .with("cost", share.filter(|_| completed > 0).unwrap_or_default())
                .with("complete", section.total.complete),
        );
    }
    let sheet = &report.sheet;
    rows.extend(sheet.preparation.iter().map(|line| service("preparation", "", line)));
    rows.push(Row::new("preparation", "", "total").costs(sheet.preparation_total));
    for latency in &report.latency {
        for (part, percentiles) in &latency.parts {
            let row = Row::new("latency", latency.mode.as_str(), part_word(*part));
            rows.push(match percentiles {
                None => row.with("turns", 0),
                Some(found) => row
                    .with("turns", found.turns)
                    .with("p50_ms", ms(found.p50))
                    .with("p95_ms", ms(found.p95))
                    .with("p99_ms", ms(found.p99)),
            });
        }
    }
    rows
}

fn service(section: &str, mode: &str, line: &ServiceLine) -> Row {
    Row::new(section, mode, kind_word(line.service.kind))
        .with("service", &line.service.service)
        .with("model", &line.service.model)
        .with("calls", line.users)
        .with("requests", line.amount.requests)
        .with("audio_seconds", seconds(line.amount.audio_ms))
        .with("characters", line.amount.characters)
        .with("input_tokens", line.amount.input_tokens)
        .with("output_tokens", line.amount.output_tokens)
        .costs(line.cost)
}

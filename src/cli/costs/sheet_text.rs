//! The sheet for people.

use super::super::campaign_text::mode_text;
use super::super::operators::{Colour, coloured, count_text, counted};
use super::{Latency, Report, kind_word, part_word, readable};
use crate::costs::{Cost, Percentiles, Section, ServiceLine, Span};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use samvad_actors::ports::{ServiceKind, ServiceUse};

pub(super) fn report(report: &Report) -> String {
    let mut blocks = vec![head(report)];
    if report.sheet.sections.is_empty() {
        blocks.push("no call has ended yet".to_owned());
    }
    for section in &report.sheet.sections {
        blocks.push(calls(section));
        let latency = report.latency.iter().find(|latency| latency.mode == section.calls.mode);
        blocks.extend(latency.map(|latency| times(latency, section)));
    }
    blocks.push(preparation(report));
    let sheet = &report.sheet;
    let mut totals = sheet
        .sections
        .iter()
        .map(|section| section.total)
        .chain([sheet.preparation_total]);
    if report.currency.is_some() && !totals.all(|total| total.complete) {
        let note = "unpriced, + ?: no price in the table, or a length that the carrier has not told";
        blocks.push(coloured(note, Colour::Yellow));
    }
    blocks.join("\n\n")
}

fn head(report: &Report) -> String {
    let prices = match &report.currency {
        Some(currency) => format!("prices in {currency}"),
        None => coloured(
            "no prices: set SAMVAD_PRICES (prices.example.yaml shows a table)",
            Colour::Yellow,
        ),
    };
    let since = report.since.map(|at| format!(", from {at} on"));
    let until = report.until.map(|at| format!(", before {at}"));
    format!(
        "campaign {}{}{}; {prices}",
        report.campaign,
        since.unwrap_or_default(),
        until.unwrap_or_default()
    )
}

fn calls(section: &Section) -> String {
    let calls = &section.calls;
    let mut lines = vec![format!(
        "{}: {}, {}, {}",
        mode_text(calls.mode),
        counted(calls.attempts, "attempt"),
        counted(calls.conversations, "conversation"),
        counted(calls.completed, "completed interview"),
    )];
    let each = |cost: Cost| match calls.completed {
        0 => "-".to_owned(),
        completed => readable(cost, completed),
    };
    let mut table = table(&["WHAT", "CALLS", "AMOUNT", "COST", "PER COMPLETED"]);
    for line in &section.services {
        table.add_row([
            service_text(line),
            count_text(line.users),
            amount_text(line),
            readable(line.cost, 1),
            each(line.cost),
        ]);
    }
    for line in &section.carrier {
        table.add_row([
            format!("carrier {}", line.country.as_deref().unwrap_or("(country unknown)")),
            count_text(line.calls.saturating_add(line.unknown)),
            format!("{} min", count_text(line.minutes)),
            readable(line.cost, 1),
            each(line.cost),
        ]);
    }
    let total = [
        "total".to_owned(),
        count_text(calls.attempts),
        String::new(),
        readable(section.total, 1),
        each(section.total),
    ];
    table.add_row(total);
    lines.push(finished(table));
    let unknown: u64 = section.carrier.iter().map(|line| line.unknown).sum();
    let gaps = [
        (
            calls.without_use,
            "conversation",
            "of which no use of services is recorded",
        ),
        (unknown, "answered call", "of which the carrier has not told the length"),
    ];
    for (count, noun, what) in gaps.into_iter().filter(|(count, _, _)| *count > 0) {
        lines.push(coloured(&format!("{} {what}", counted(count, noun)), Colour::Yellow));
    }
    lines.join("\n")
}

fn preparation(report: &Report) -> String {
    if report.sheet.preparation.is_empty() {
        return "preparation: nothing was used of services".to_owned();
    }
    let mut table = table(&["WHAT", "TIMES", "AMOUNT", "COST"]);
    for line in &report.sheet.preparation {
        table.add_row([
            service_text(line),
            count_text(line.users),
            amount_text(line),
            readable(line.cost, 1),
        ]);
    }
    let total = readable(report.sheet.preparation_total, 1);
    table.add_row(["total".to_owned(), String::new(), String::new(), total]);
    format!("preparation, for calls of every mode\n{}", finished(table))
}

fn times(latency: &Latency, section: &Section) -> String {
    let (without, mode) = (section.calls.without_latency, mode_text(latency.mode));
    let gap = (without > 0).then(|| {
        let text = format!("{} without a turn that was measured", counted(without, "conversation"));
        coloured(&text, Colour::Yellow)
    });
    let total = latency.parts.iter().find_map(|(_, percentiles)| *percentiles);
    let Some(Percentiles { turns, .. }) = total else {
        let nothing = format!("{mode}, latency: no turn was measured");
        return [Some(nothing), gap]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("\n");
    };
    let mut table = table(&["MILLISECONDS", "P50", "P95", "P99"]);
    for (part, percentiles) in &latency.parts {
        if let Some(found) = percentiles {
            let name = part_word(*part).replace('_', " ");
            table.add_row([name, span(found.p50), span(found.p95), span(found.p99)]);
        }
    }
    let head = format!(
        "{mode}, latency of {}, from the end of speech to our first audio",
        counted(turns, "turn")
    );
    [Some(head), Some(finished(table)), gap]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join("\n")
}

fn span(span: Span) -> String {
    match span {
        Span::Ms(ms) => count_text(ms),
        Span::Beyond => "> 60,000".to_owned(),
    }
}

fn service_text(line: &ServiceLine) -> String {
    let service = &line.service;
    format!("{} {} {}", kind_word(service.kind), service.service, service.model)
        .trim_end()
        .to_owned()
}

fn amount_text(line: &ServiceLine) -> String {
    let ServiceUse {
        audio_ms,
        characters,
        input_tokens,
        output_tokens,
        ..
    } = line.amount;
    match line.service.kind {
        ServiceKind::Recognition => {
            let tenths = audio_ms / 100;
            format!("{}.{} s", count_text(tenths / 10), tenths % 10)
        }
        ServiceKind::Synthesis => counted(characters, "character"),
        ServiceKind::Language => format!("{} + {} tokens", count_text(input_tokens), count_text(output_tokens)),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header.iter().copied());
    table
}

/// Names to the left, figures to the right.
fn finished(mut table: Table) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}

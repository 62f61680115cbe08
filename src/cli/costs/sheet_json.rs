//! The sheet as one JSON object.

use super::{Latency, Report, exact, kind_word, part_word};
use crate::costs::{Cost, Percentiles, Section, ServiceLine, Span};
use samvad_actors::ports::LatencyCount;
use serde_json::{Map, Value, json};

pub(super) fn report(report: &Report) -> Value {
    let latency = |mode| report.latency.iter().find(|latency| latency.mode == mode);
    let sections = &report.sheet.sections;
    let modes = sections
        .iter()
        .map(|section| calls(section, latency(section.calls.mode)));
    json!({
        "campaign": report.campaign.as_str(),
        "currency": report.currency,
        "since": report.since.map(|at| at.to_string()),
        "until": report.until.map(|at| at.to_string()),
        "modes": modes.collect::<Vec<_>>(),
        "preparation": {
            "services": services(&report.sheet.preparation),
            "total": cost(report.sheet.preparation_total),
        },
    })
}

fn calls(section: &Section, latency: Option<&Latency>) -> Value {
    let carrier = section.carrier.iter().map(|line| {
        json!({
            "country": line.country,
            "calls": line.calls,
            "minutes": line.minutes,
            "calls_of_unknown_length": line.unknown,
            "cost": cost(line.cost),
        })
    });
    let per_completed = (section.calls.completed > 0).then(|| {
        json!({
            "cost": exact(section.total).map(|_| section.total.known.share(section.calls.completed, 6)),
            "complete": section.total.complete,
        })
    });
    json!({
        "mode": section.calls.mode.as_str(),
        "attempts": section.calls.attempts,
        "conversations": section.calls.conversations,
        "completed": section.calls.completed,
        "conversations_without_use": section.calls.without_use,
        "conversations_without_latency": section.calls.without_latency,
        "services": services(&section.services),
        "carrier": carrier.collect::<Vec<_>>(),
        "total": cost(section.total),
        "per_completed": per_completed,
        "latency": latency.map(parts),
    })
}

fn services(lines: &[ServiceLine]) -> Vec<Value> {
    let line = |line: &ServiceLine| {
        json!({
            "kind": kind_word(line.service.kind),
            "service": line.service.service,
            "model": line.service.model,
            "users": line.users,
            "amount": line.amount,
            "cost": cost(line.cost),
        })
    };
    lines.iter().map(line).collect()
}

fn cost(cost: Cost) -> Value {
    json!({ "cost": exact(cost), "complete": cost.complete })
}

fn parts(latency: &Latency) -> Map<String, Value> {
    let part = |percentiles: Percentiles| {
        json!({
            "turns": percentiles.turns,
            "p50_ms": ms(percentiles.p50),
            "p95_ms": ms(percentiles.p95),
            "p99_ms": ms(percentiles.p99),
        })
    };
    let entry =
        |(name, percentiles): &(_, Option<Percentiles>)| (part_word(*name).to_owned(), percentiles.map(part).into());
    latency.parts.iter().map(entry).collect()
}

/// More than a minute is the number that stands for it.
pub(super) fn ms(span: Span) -> u64 {
    match span {
        Span::Ms(ms) => ms,
        Span::Beyond => LatencyCount::LONGEST_MS,
    }
}

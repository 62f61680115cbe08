//! A campaign in words: what it would do, where it stands, and all of them as a table.

use super::operators::{Colour, coloured, count_text, counted, length_text, time_text};
use crate::app::Outlook;
use crate::app::campaigns::{CampaignStatus, Preview};
use comfy_table::{Table, presets};
use samvad_actors::domain::{AttemptState, CallingWindow, Campaign, Lifecycle, Mode};
use samvad_actors::ports::{CampaignState, Eligibility};

/// A mode in words.
pub(super) fn mode_text(mode: Mode) -> &'static str {
    match mode {
        Mode::Simulated => "simulated",
        Mode::DryRun => "dry run",
        Mode::Live => "live",
    }
}

/// A state in words, coloured on a terminal.
fn lifecycle_text(lifecycle: Lifecycle) -> String {
    match lifecycle {
        Lifecycle::Running => coloured(lifecycle.as_str(), Colour::Green),
        Lifecycle::Paused | Lifecycle::Scheduled => coloured(lifecycle.as_str(), Colour::Yellow),
        Lifecycle::Draft | Lifecycle::Completed | Lifecycle::Archived => lifecycle.as_str().to_owned(),
    }
}

/// What activating would do, a line each.
pub(super) fn preview_text(campaign: &Campaign, preview: &Preview) -> String {
    let calls = match preview.mode {
        Mode::Live => coloured("LIVE: real people are called", Colour::Red),
        Mode::DryRun => "dry run: nobody is called, everything else happens".to_owned(),
        Mode::Simulated => "simulated: a stand-in on this machine is called".to_owned(),
    };
    let reasons = left_out(&preview.eligibility);
    let not_called: u64 = reasons.iter().map(|(count, _)| count).sum();
    let mut lines = vec![
        format!("campaign       {} ({})", campaign.id, campaign.name),
        format!("calls          {calls}"),
        format!(
            "to be called   {} of {}",
            count_text(preview.eligibility.eligible),
            counted(preview.eligibility.eligible + not_called, "contact")
        ),
    ];
    lines.extend(
        reasons
            .iter()
            .map(|(count, reason)| format!("  left out     {}, {reason}", count_text(*count))),
    );
    lines.push(format!("window         {}", window_text(&campaign.dialing.window)));
    lines.push(format!(
        "takes          at least {} of open window, on at least {}; retries come on top",
        length_text(preview.dialling_time),
        counted(u64::from(preview.days), "day")
    ));
    let minutes = counted(preview.most_minutes, "minute");
    lines.push(match preview.most_cost {
        Some(_) if preview.mode != Mode::Live => "costs          nothing".to_owned(),
        Some(cost) => format!("costs          at most {cost:.2} for {minutes} of one attempt to everybody"),
        None => format!("costs          not known, at most {minutes}; set SAMVAD_PRICE_PER_MINUTE to see it"),
    });
    lines.extend(preview.missing.iter().map(|fault| format!("missing        {fault}")));
    lines.join("\n")
}

/// Contacts that would not be called, by reason; reasons without any are left out.
pub(super) fn left_out(eligibility: &Eligibility) -> Vec<(u64, &'static str)> {
    let reasons = [
        (eligibility.settled, "settled: answered, refused, or not to be reached"),
        (eligibility.do_not_call, "on do-not-call"),
        (eligibility.excluded, "taken out"),
        (
            eligibility.no_consent,
            "without the prior consent that the campaign asks for",
        ),
        (
            eligibility.cooling_down,
            "called by another campaign within the cooldown",
        ),
        (
            eligibility.not_scrubbed,
            "listed by the registry, or not looked up there lately",
        ),
    ];
    reasons.into_iter().filter(|(count, _)| *count > 0).collect()
}

/// A window in words.
fn window_text(window: &CallingWindow) -> String {
    let days: Vec<String> = window
        .weekdays
        .iter()
        .map(|day| format!("{day:?}").chars().take(3).collect())
        .collect();
    let hours = match window.is_all_day() {
        true => "all day".to_owned(),
        false => format!("{}-{}", window.start, window.end),
    };
    let blocked = match window.blocked_dates.len() {
        0 => String::new(),
        count => format!(", but for {}", counted(count as u64, "date")),
    };
    format!("{hours} {}, {}{blocked}", window.zone, days.join(" "))
}

/// Where a campaign stands, a line each.
pub(super) fn status_text(status: &CampaignStatus) -> String {
    let CampaignStatus {
        state,
        contacts,
        in_flight,
        outlook,
    } = status;
    let total = contacts.pending
        + contacts.in_progress
        + contacts.completed
        + contacts.refused
        + contacts.not_reached
        + contacts.excluded;
    let live = in_flight
        .iter()
        .filter(|attempt| attempt.state == AttemptState::Live)
        .count();
    let waits = match state.lifecycle {
        Lifecycle::Running if *outlook != Outlook::Busy => Some(format!(
            "waits        {}",
            coloured(&waits_text(outlook), Colour::Yellow)
        )),
        _ => None,
    };
    let head = [
        format!("campaign     {}", state.id),
        format!("state        {}", state_text(state)),
    ];
    let counts = [
        format!("calls        {}", mode_text(state.mode)),
        format!("led by       {}", state.leader.as_deref().unwrap_or("nobody yet")),
        format!(
            "under way    {} ({} live)",
            counted(in_flight.len() as u64, "call"),
            count_text(live as u64)
        ),
        format!("contacts     {}", count_text(total)),
        format!("  pending      {}", count_text(contacts.pending)),
        format!("  in progress  {}", count_text(contacts.in_progress)),
        format!("  completed    {}", count_text(contacts.completed)),
        format!("  refused      {}", count_text(contacts.refused)),
        format!("  not reached  {}", count_text(contacts.not_reached)),
        format!("  excluded     {}", count_text(contacts.excluded)),
    ];
    let lines: Vec<String> = head.into_iter().chain(waits).chain(counts).collect();
    lines.join("\n")
}

/// What a campaign that has nothing to do now waits for.
pub(super) fn waits_text(outlook: &Outlook) -> String {
    match outlook {
        Outlook::WindowClosed {
            opens_at_ms: Some(at_ms),
        } => format!("the window is closed until {}", time_text(*at_ms)),
        Outlook::WindowClosed { opens_at_ms: None } => {
            "the window does not open within a year; see dialing.window".to_owned()
        }
        Outlook::NothingDue => "nobody is to be called now; retries are due later".to_owned(),
        Outlook::DayIsFull => "the calls of the day have been made; the rest is for tomorrow".to_owned(),
        Outlook::NotBegun { starts_at_ms } => format!("it begins {}", time_text(*starts_at_ms)),
        Outlook::Busy | Outlook::Halted { .. } => "nothing".to_owned(),
    }
}

/// The state with its reason or beginning.
pub(super) fn state_text(state: &CampaignState) -> String {
    let word = lifecycle_text(state.lifecycle);
    match (state.lifecycle, &state.reason, state.starts_at_ms) {
        (Lifecycle::Scheduled, _, Some(at_ms)) => format!("{word}, begins {}", time_text(at_ms)),
        (_, Some(reason), _) => format!("{word}: {reason}"),
        _ => word,
    }
}

/// All campaigns as a table.
pub(super) fn campaigns_table(states: &[CampaignState]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["CAMPAIGN", "CALLS", "PRIORITY", "STATE"]);
    for state in states {
        table.add_row([
            state.id.to_string(),
            mode_text(state.mode).to_owned(),
            state.priority.to_string(),
            state_text(state),
        ]);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use samvad_actors::domain::CampaignId;
    use std::time::Duration;

    fn campaign() -> Campaign {
        Campaign::from_yaml(include_str!("../../fixtures/campaigns/health_survey.yaml")).expect("valid")
    }

    fn preview(mode: Mode, most_cost: Option<f64>) -> Preview {
        Preview {
            campaign: CampaignId::new("health-survey"),
            mode,
            eligibility: Eligibility {
                eligible: 1_200,
                do_not_call: 30,
                ..Eligibility::default()
            },
            dialling_time: Duration::from_secs(4_000),
            days: 2,
            most_minutes: 6_000,
            most_cost,
            missing: Vec::new(),
            confirmation: "0a1b2c3d".to_owned(),
        }
    }

    #[test]
    fn a_preview_says_who_is_left_out_and_why_and_nothing_of_reasons_without_anybody() {
        let text = preview_text(&campaign(), &preview(Mode::Live, Some(240.0)));
        for part in [
            "1,200 of 1,230 contacts",
            "30, on do-not-call",
            "2 days",
            "240.00",
            "LIVE",
            "6,000 minutes",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("consent"), "{text}");
    }

    #[test]
    fn a_cost_that_is_not_known_names_the_setting_and_a_rehearsal_costs_nothing() {
        let live = preview_text(&campaign(), &preview(Mode::Live, None));
        assert!(live.contains("SAMVAD_PRICE_PER_MINUTE"), "{live}");
        let dry = preview_text(&campaign(), &preview(Mode::DryRun, Some(0.0)));
        assert!(dry.contains("nothing") && dry.contains("nobody is called"), "{dry}");
    }
}

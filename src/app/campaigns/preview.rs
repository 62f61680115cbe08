//! What activating a campaign would do: whom it calls, how long that takes, what it costs at the most.

use samvad_actors::domain::{Campaign, CampaignFault, CampaignId, Mode};
use samvad_actors::ports::{Eligibility, StoreError};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// What activating a campaign would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The campaign.
    pub campaign: CampaignId,
    /// How real its attempts would be.
    pub mode: Mode,
    /// Whom it would call, and why not the others.
    pub eligibility: Eligibility,
    /// The least time of open windows that one attempt to everybody takes, by rate, concurrency and daily caps.
    pub dialling_time: Duration,
    /// Days on which the window opens that this takes, at the least.
    pub days: u32,
    /// Minutes of call that would be paid at the most, if everybody answered and stayed to the longest call.
    pub most_minutes: u64,
    /// What they cost; `None` without `SAMVAD_PRICE_PER_MINUTE`. Nothing in a rehearsal.
    pub most_cost: Option<f64>,
    /// Everything that keeps the campaign from being activated: what is wrong with its definition, its languages, its
    /// contacts. Empty if nothing does.
    pub missing: Vec<CampaignFault>,
    /// What [`super::Activation::confirmation`] must be. Changes with the campaign, its contacts and the mode.
    pub confirmation: String,
}

/// What there is to call with.
pub(in crate::app) struct Means {
    pub(super) max_calls: u32,
    pub(super) calls_per_second: f64,
    pub(in crate::app) calls_per_day: Option<u32>,
    pub(super) price_per_minute: Option<f64>,
}

impl Preview {
    pub(super) fn of(
        campaign: &Campaign,
        mode: Mode,
        eligibility: Eligibility,
        missing: Vec<CampaignFault>,
        means: &Means,
    ) -> Result<Self, StoreError> {
        let limits = &campaign.dialing.limits;
        let calls = eligibility.eligible;
        let longest_seconds = u64::from(campaign.longest_call_seconds);
        let at_once = limits.concurrent_calls.unwrap_or(u32::MAX).min(means.max_calls).max(1);
        let per_second = limits
            .calls_per_second
            .map_or(means.calls_per_second, |own| f64::from(own).min(means.calls_per_second));
        let by_rate = calls as f64 / per_second.max(0.01);
        let by_room = calls as f64 * longest_seconds as f64 / f64::from(at_once);
        let dialling_time = Duration::try_from_secs_f64(by_rate.max(by_room)).unwrap_or(Duration::MAX);
        let by_window = dialling_time
            .as_secs()
            .div_ceil(u64::from(open_minutes(campaign)).max(1) * 60);
        let per_day = limits.calls_per_day.into_iter().chain(means.calls_per_day).min();
        let by_cap = per_day.map_or(0, |cap| calls.div_ceil(u64::from(cap.max(1))));
        let most_minutes = calls.saturating_mul(longest_seconds.div_ceil(60));
        let price = match mode {
            Mode::Live => means.price_per_minute,
            Mode::Simulated | Mode::DryRun => Some(0.0),
        };
        Ok(Self {
            campaign: campaign.id.clone(),
            mode,
            eligibility,
            dialling_time,
            days: u32::try_from(by_window.max(by_cap)).unwrap_or(u32::MAX),
            most_minutes,
            most_cost: price.map(|price| price * most_minutes as f64),
            missing,
            confirmation: confirmation(campaign, mode, &eligibility)?,
        })
    }
}

/// As people write it on a command line.
pub(super) fn mode_word(mode: Mode) -> &'static str {
    match mode {
        Mode::Simulated => "simulated",
        Mode::DryRun => "dry-run",
        Mode::Live => "live",
    }
}

/// Minutes of a day in which the window is open.
fn open_minutes(campaign: &Campaign) -> u32 {
    let window = &campaign.dialing.window;
    let (opens, closes) = (u32::from(window.start.minutes()), u32::from(window.end.minutes()));
    if opens < closes {
        closes - opens
    } else {
        24 * 60 - opens + closes
    }
}

/// Says what exactly is confirmed, in a few characters.
fn confirmation(campaign: &Campaign, mode: Mode, eligibility: &Eligibility) -> Result<String, StoreError> {
    let definition = serde_json::to_vec(campaign).map_err(|_| StoreError::Corrupt {
        reason: "the campaign cannot be written as JSON".to_owned(),
    })?;
    let mut hash = Sha256::new();
    hash.update(definition);
    hash.update(mode_word(mode));
    hash.update(eligibility.eligible.to_le_bytes());
    let digest = hash.finalize();
    Ok(digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTH: &str = include_str!("../../../fixtures/campaigns/health_survey.yaml");

    fn preview(mode: Mode, eligible: u64) -> Preview {
        let mut campaign = Campaign::from_yaml(HEALTH).expect("the example is valid");
        campaign.longest_call_seconds = 90;
        let eligibility = Eligibility {
            eligible,
            ..Eligibility::default()
        };
        let means = Means {
            max_calls: 10,
            calls_per_second: 1.0,
            calls_per_day: Some(500),
            price_per_minute: Some(0.05),
        };
        Preview::of(&campaign, mode, eligibility, Vec::new(), &means).expect("a preview")
    }

    #[test]
    fn a_preview_names_the_least_time_and_the_highest_cost() {
        let preview = preview(Mode::Live, 1_200);
        // Ten at once, 90 s each, in windows of six hours; 500 a day.
        assert_eq!(preview.dialling_time, Duration::from_secs(10_800));
        assert_eq!(preview.days, 3);
        assert_eq!(preview.most_minutes, 2_400);
        assert_eq!(preview.most_cost, Some(120.0));
    }

    #[test]
    fn a_rehearsal_costs_nothing() {
        assert_eq!(preview(Mode::DryRun, 1_200).most_cost, Some(0.0));
    }

    #[test]
    fn a_confirmation_holds_for_what_was_shown_and_nothing_else() {
        let confirmation = |mode, eligible| preview(mode, eligible).confirmation;
        assert_eq!(confirmation(Mode::Live, 5), confirmation(Mode::Live, 5));
        assert_ne!(confirmation(Mode::Live, 5), confirmation(Mode::Live, 6));
        assert_ne!(confirmation(Mode::Live, 5), confirmation(Mode::DryRun, 5));
    }
}

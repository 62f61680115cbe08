//! `samvad contacts exclude` and `include`.

use crate::app::campaigns::{Campaigns, command_line};
use crate::cli::operators::{Database, calls_taken_back, with_campaigns};
use crate::cli::output::say;
use anyhow::bail;
use clap::Args;
use samvad_actors::domain::{CampaignId, ContactId, ExclusionReason};
use samvad_actors::ports::{ContactFilter, ContactOrder, ContactQuery};
use std::process::ExitCode;

/// One contact.
#[derive(Args, Debug)]
pub(super) struct One {
    /// The contact's id, as the HTTP API shows it.
    #[arg(value_name = "CONTACT", required_unless_present = "external_id")]
    contact: Option<String>,
    /// Your own id for the person (external_contact_id), in place of the contact's.
    #[arg(long, value_name = "ID", conflicts_with = "contact")]
    external_id: Option<String>,
    /// The campaign's id.
    #[arg(long, value_name = "CAMPAIGN", value_parser = crate::cli::campaign_id)]
    campaign: CampaignId,
}

/// A reason, as an argument.
pub(super) fn reason(text: &str) -> Result<ExclusionReason, String> {
    ExclusionReason::parse(text).map_err(|error| format!("it {error}"))
}

pub(super) fn exclude(one: One, reason: ExclusionReason) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        let contact = one.find(campaigns).await?;
        let done = campaigns
            .exclude_contact(&one.campaign, &contact, &reason, &command_line())
            .await?;
        say!("contact {contact} is excluded: {reason}")?;
        calls_taken_back(done.calls_cancelled, done.calls_left)?;
        Ok(ExitCode::SUCCESS)
    })
}

pub(super) fn include(one: One) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        let contact = one.find(campaigns).await?;
        campaigns
            .include_contact(&one.campaign, &contact, &command_line())
            .await?;
        say!("contact {contact} may be called again")?;
        Ok(ExitCode::SUCCESS)
    })
}

impl One {
    /// The contact's id, whichever way it is named.
    async fn find(&self, campaigns: &Campaigns) -> anyhow::Result<ContactId> {
        let Some(external_id) = &self.external_id else {
            return Ok(ContactId::new(self.contact.clone().unwrap_or_default()));
        };
        let query = ContactQuery {
            campaign: self.campaign.clone(),
            filter: ContactFilter {
                external_id: Some(external_id.clone()),
                ..ContactFilter::default()
            },
            order: ContactOrder::Position,
            after: None,
            limit: 2,
        };
        let found = campaigns.contacts(&query).await?;
        match found.as_slice() {
            [contact] => Ok(ContactId::new(contact.contact_id.clone())),
            [] => bail!(
                "campaign {} has no contact with the external id {external_id:?}",
                self.campaign
            ),
            _ => bail!(
                "campaign {} has several contacts with the external id {external_id:?}; name one by its own id, which \
                 the HTTP API shows",
                self.campaign
            ),
        }
    }
}

//! `samvad dnc remove`.

use crate::app::campaigns::{CampaignError, Campaigns, command_line};
use crate::cli::operators::{Database, ask, counted, with_campaigns};
use crate::cli::output::say;
use anyhow::bail;
use samvad_actors::domain::PhoneNumber;
use samvad_actors::ports::{ExclusionQuery, RemovalRefusal};
use std::process::ExitCode;

/// Takes a number off the list once it is confirmed.
pub(super) fn run(number: &PhoneNumber, yes: bool) -> anyhow::Result<ExitCode> {
    with_campaigns(Database::MustExist, async move |_, campaigns| {
        if !yes {
            // Before the question: nobody is asked about what cannot be done.
            check_removable(campaigns, number).await?;
            confirm(number)?;
        }
        let again = match campaigns.remove_do_not_call(number, &command_line()).await {
            Err(CampaignError::Removal(refusal)) => return Err(told(number, refusal)),
            done => done?,
        };
        say!("{} is off the do-not-call list", number.expose())?;
        say!("{} pending again because of that", counted(again, "contact"))?;
        Ok(ExitCode::SUCCESS)
    })
}

async fn check_removable(campaigns: &Campaigns, number: &PhoneNumber) -> anyhow::Result<()> {
    let query = ExclusionQuery {
        number: Some(number.clone()),
        limit: 1,
        ..ExclusionQuery::default()
    };
    match campaigns.exclusions(&query).await?.first() {
        None => Err(told(number, RemovalRefusal::NotListed)),
        Some(entry) if !entry.removable => Err(told(number, RemovalRefusal::InCall)),
        Some(_) => Ok(()),
    }
}

fn confirm(number: &PhoneNumber) -> anyhow::Result<()> {
    let question = format!(
        "Every campaign may call {} again then. Only remove a number whose person agrees to be called.\nType remove to \
         do it: ",
        number.expose()
    );
    match ask(&question)? {
        Some(answer) if answer == "remove" => Ok(()),
        Some(_) => bail!("nothing was removed"),
        None => bail!("every campaign may call the number again then; add --yes to do it"),
    }
}

/// With the number, which whoever reads this has typed.
fn told(number: &PhoneNumber, refusal: RemovalRefusal) -> anyhow::Error {
    let number = number.expose();
    match refusal {
        RemovalRefusal::NotListed => anyhow::anyhow!("{number} is not on the do-not-call list; nothing was changed"),
        RemovalRefusal::InCall => anyhow::anyhow!(
            "{number} stays on the do-not-call list: the person asked in a call not to be called any more, and that \
             cannot be taken back"
        ),
    }
}

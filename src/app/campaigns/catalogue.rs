//! Campaigns and contacts, written, edited, copied, deleted, listed.

use super::lifecycle::entry;
use super::{CampaignDetail, CampaignError, CampaignView, Campaigns, ContactDetail, ContactView};
use samvad_actors::domain::{Campaign, CampaignId, ChangedBy, ContactId};
use samvad_actors::ports::{
    CampaignQuery, CampaignRecord, CampaignState, CatalogStore, ContactFilter, ContactQuery, FleetCommand, PeopleStore,
};

impl Campaigns {
    /// Writes a campaign, as a draft if it is new; one that is there is edited, whatever version it has.
    ///
    /// # Errors
    /// As [`Campaigns::edit`].
    pub async fn create(&self, campaign: &Campaign, by: &ChangedBy) -> Result<CampaignState, CampaignError> {
        match self.store.campaign_record(&campaign.id).await? {
            Some(found) => self.edit(campaign, found.version, by).await?,
            None => self.create_draft(campaign, by).await?,
        };
        self.state(&campaign.id).await
    }

    /// Writes a new campaign as a draft.
    ///
    /// # Errors
    /// [`CampaignError::Invalid`]; `Store` with a conflict if there is one of its id.
    pub async fn create_draft(&self, campaign: &Campaign, by: &ChangedBy) -> Result<CampaignDetail, CampaignError> {
        self.check(campaign)?;
        let audit = entry(by, "campaign.create", &campaign.id);
        self.store.create_campaign(campaign, &audit, self.now_ms()).await?;
        self.detail(&campaign.id).await
    }

    /// Replaces the definition of a campaign that is a draft, scheduled or paused and has no open attempt, if it has the
    /// version that whoever edits has seen.
    ///
    /// # Errors
    /// [`CampaignError::Invalid`], [`CampaignError::Edit`], [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn edit(
        &self,
        campaign: &Campaign,
        expected_version: i64,
        by: &ChangedBy,
    ) -> Result<CampaignDetail, CampaignError> {
        // First: a campaign that does not exist is no fault of the definition.
        self.state(&campaign.id).await?;
        self.check(campaign)?;
        let audit = entry(by, "campaign.edit", &campaign.id);
        let edited = self
            .store
            .edit_campaign(campaign, expected_version, &audit, self.now_ms());
        edited.await??;
        self.wake(FleetCommand::CampaignChanged(campaign.id.clone())).await;
        self.detail(&campaign.id).await
    }

    /// Makes a copy of a campaign: a draft without contacts. Without an id it gets one of its own, without a name the
    /// original's.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`]; [`CampaignError::Invalid`] if it cannot have that id or name; `Store` with a conflict
    /// if there is a campaign of the copy's id.
    pub async fn copy(
        &self,
        original: &CampaignId,
        id: Option<CampaignId>,
        name: Option<&str>,
        by: &ChangedBy,
    ) -> Result<CampaignDetail, CampaignError> {
        let mut wanted = self.definition(original).await?;
        let id = id.unwrap_or_else(|| CampaignId::new(uuid::Uuid::new_v4().to_string()));
        wanted.id = id.clone();
        wanted.name = name.unwrap_or(&wanted.name).to_owned();
        // What else is wrong with the original is for those to mend who edit the copy.
        let mut faults = wanted.validate();
        faults.retain(|fault| fault.field == "id" || (fault.field == "name" && name.is_some()));
        if !faults.is_empty() {
            return Err(CampaignError::Invalid(faults));
        }
        let audit = entry(by, "campaign.clone", &id);
        let copied = self.store.clone_campaign(original, &id, name, &audit, self.now_ms());
        copied.await?;
        self.detail(&id).await
    }

    /// Deletes a draft with its contacts and imports.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Edit`]; `Store` with a conflict if it is no draft, or was called.
    pub async fn delete_draft(
        &self,
        campaign: &CampaignId,
        expected_version: Option<i64>,
        by: &ChangedBy,
    ) -> Result<(), CampaignError> {
        self.state(campaign).await?;
        let audit = entry(by, "campaign.delete", campaign);
        let deleted = self
            .store
            .delete_draft(campaign, expected_version, &audit, self.now_ms());
        Ok(deleted.await??)
    }

    /// One campaign with its definition.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn detail(&self, campaign: &CampaignId) -> Result<CampaignDetail, CampaignError> {
        let record = self.record(campaign).await?;
        Ok(CampaignDetail {
            summary: CampaignView::from(&record),
            definition: record.definition,
        })
    }

    /// A page of campaigns, the newest first. The next one begins after its last campaign
    /// ([`CampaignCursor`](samvad_actors::ports::CampaignCursor)).
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn page(&self, query: &CampaignQuery) -> Result<Vec<CampaignView>, CampaignError> {
        let page = self.store.campaign_page(query).await?;
        Ok(page.iter().map(CampaignView::from).collect())
    }

    /// A page of contacts.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn contacts(&self, query: &ContactQuery) -> Result<Vec<ContactView>, CampaignError> {
        self.state(&query.campaign).await?;
        let page = self.store.contact_page(query).await?;
        Ok(page.into_iter().map(ContactView::from).collect())
    }

    /// How many contacts there are of a kind.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn count_contacts(&self, campaign: &CampaignId, filter: &ContactFilter) -> Result<u64, CampaignError> {
        Ok(self.store.count_contacts(campaign, filter).await?)
    }

    /// One contact with its attempts.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::NotFound`], [`CampaignError::Store`].
    pub async fn contact(&self, campaign: &CampaignId, contact: &ContactId) -> Result<ContactDetail, CampaignError> {
        self.state(campaign).await?;
        let found = self.store.contact_record(campaign, contact).await?;
        found.map(ContactDetail::from).ok_or_else(|| CampaignError::NotFound {
            what: "contact",
            id: contact.to_string(),
        })
    }

    pub(super) async fn record(&self, campaign: &CampaignId) -> Result<CampaignRecord, CampaignError> {
        let found = self.store.campaign_record(campaign).await?;
        found.ok_or_else(|| CampaignError::Unknown(campaign.clone()))
    }

    fn check(&self, campaign: &Campaign) -> Result<(), CampaignError> {
        let faults = campaign.validate();
        match faults.is_empty() {
            true => self.check_languages(campaign),
            false => Err(CampaignError::Invalid(faults)),
        }
    }
}

//! Files of contacts of any size into a campaign. A thread of its own reads and checks rows, at most a few batches ahead
//! of the database; each batch is one transaction. What was stored before a fault stays, and is said.

use super::lifecycle::entry;
use super::{CampaignError, Campaigns, ImportView, OptOuts, RejectionView};
use crate::contact_files::{ContactColumns, Region, Sheet};
use samvad_actors::domain::{ActorKind, Campaign, CampaignId, ChangedBy, ImportId};
use samvad_actors::ports::{ContactImport, FleetCommand, ImportBatch, PeopleStore, RowRejection};
use std::io::Read;
use std::time::Duration;
use tokio::sync::mpsc;

/// Rows of one transaction.
const BATCH: usize = 1_000;

/// Batches that wait for the database.
const BATCHES_AHEAD: usize = 2;

/// Rejections that a summary has.
const SAMPLES: usize = 10;

/// A file of contacts (CSV).
pub struct ImportFile {
    /// Its name, as whoever sends it calls it.
    pub name: String,
    /// What is in it; read on a thread where it may block.
    pub bytes: Box<dyn Read + Send>,
    /// Its size in bytes, if that is known, for the progress.
    pub size: Option<u64>,
    /// The country in which numbers without a country code are.
    pub region: Option<Region>,
}

/// How far an import has come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ImportProgress {
    /// Rows stored or rejected.
    pub rows: u64,
    /// The part of the file that has been read, from 0 to 1; `None` if its size is not known.
    pub part_read: Option<f64>,
}

/// What became of a file.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct ImportSummary {
    /// The import as it stands; `failed` with a fault if the file was not read to its end.
    #[serde(flatten)]
    pub import: ImportView,
    /// Columns that nothing is made of.
    pub unused_columns: Vec<String>,
    /// The first rows that were rejected, with the reason.
    pub sample_rejections: Vec<RejectionView>,
    /// Numbers that came onto do-not-call.
    pub excluded_numbers: u64,
    /// Calls to these numbers that could not be taken back now; a running server tries again.
    pub calls_left: u64,
}

/// How often an import says that it goes on.
const SIGN_INTERVAL: Duration = Duration::from_secs(20);

/// An import of which nothing was heard for so long is abandoned: some signs may be lost.
const ABANDONED_MS: i64 = 120_000;

/// What the reading thread tells.
enum Told {
    /// The header could be read; columns that are not used.
    Begun(Vec<String>),
    /// Rows, and how much has been read.
    Rows(ImportBatch, Option<f64>),
    /// The file cannot be used, or not any further.
    Fault(String),
}

impl Campaigns {
    /// Adds contacts that a program has made. As [`Campaigns::import_file`], without a file.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn import_contacts(
        &self,
        campaign: &CampaignId,
        contacts: &[ContactImport],
        by: &ChangedBy,
    ) -> Result<ImportView, CampaignError> {
        let id = self.begin_import(campaign, "contacts", by).await?;
        let mut batch = empty(&id);
        for (row, contact) in (1..).zip(contacts) {
            batch.contacts.push((row, contact.clone()));
            if batch.contacts.len() >= BATCH {
                self.store.import_batch(&batch, self.now_ms()).await?;
                batch.contacts.clear();
            }
        }
        self.store.import_batch(&batch, self.now_ms()).await?;
        self.end_import(campaign, &id, None, by).await
    }

    /// Reads a file of contacts into a campaign. Every good row is taken, whatever is wrong with others; a number that the
    /// campaign has already is left as it is. `progress` is told after each batch, and says whether to go on.
    ///
    /// # Errors
    /// [`CampaignError::UnusableFile`] if nothing of it can be read, [`CampaignError::Unknown`], [`CampaignError::Store`].
    /// A fault later on is told in the summary: what had been stored until then stays.
    pub async fn import_file(
        &self,
        campaign: &CampaignId,
        file: ImportFile,
        by: &ChangedBy,
        mut progress: impl FnMut(ImportProgress) -> bool,
    ) -> Result<ImportSummary, CampaignError> {
        let definition = self.definition(campaign).await?;
        let name = file.name.clone();
        let id = ImportId::new(uuid::Uuid::new_v4().to_string());
        let (told, mut rows) = mpsc::channel(BATCHES_AHEAD);
        let for_reader = id.clone();
        let reader = tokio::task::spawn_blocking(move || read(file, &definition, &for_reader, &told));
        let unused_columns = match rows.recv().await {
            Some(Told::Begun(unused)) => unused,
            Some(Told::Fault(fault)) => return Err(CampaignError::UnusableFile(fault)),
            _ => return Err(CampaignError::UnusableFile("the file cannot be read".to_owned())),
        };
        let audit = entry(by, "contacts.import", campaign);
        let begun = self.store.begin_import(&id, campaign, &name, &audit, self.now_ms());
        begun.await?;

        let mut done = Done::default();
        let mut fault = None;
        let mut sign = tokio::time::interval(SIGN_INTERVAL);
        loop {
            let told = tokio::select! {
                told = rows.recv() => told,
                _ = sign.tick() => {
                    self.give_sign(&id).await;
                    continue;
                }
            };
            let Some(told) = told else { break };
            match told {
                Told::Begun(_) => {}
                Told::Fault(found) => fault = Some(found),
                Told::Rows(batch, part_read) => {
                    if let Err(error) = self.take(&batch, &mut done).await {
                        fault = Some(error.to_string());
                        break;
                    }
                    let rows = done.rows;
                    if !progress(ImportProgress { rows, part_read }) {
                        fault = Some("it was interrupted".to_owned());
                        break;
                    }
                }
            }
        }
        // The reader ends at its next batch, which nobody takes.
        drop(rows);
        if reader.await.is_err() {
            fault = Some("the file could not be read any further".to_owned());
        }
        Ok(ImportSummary {
            import: self.end_import(campaign, &id, fault.as_deref(), by).await?,
            unused_columns,
            sample_rejections: done.samples,
            excluded_numbers: done.opt_outs.added,
            calls_left: done.opt_outs.calls_left,
        })
    }

    /// One import.
    ///
    /// # Errors
    /// [`CampaignError::NotFound`] if the campaign has none such, [`CampaignError::Store`].
    pub async fn import(&self, campaign: &CampaignId, id: &ImportId) -> Result<ImportView, CampaignError> {
        let found = self
            .store
            .import(id)
            .await?
            .filter(|import| import.campaign == *campaign);
        found.map(ImportView::from).ok_or_else(|| CampaignError::NotFound {
            what: "import",
            id: id.to_string(),
        })
    }

    /// Imports into a campaign, the newest first.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn imports(&self, campaign: &CampaignId, limit: u32) -> Result<Vec<ImportView>, CampaignError> {
        self.state(campaign).await?;
        let imports = self.store.imports(campaign, limit).await?;
        Ok(imports.into_iter().map(ImportView::from).collect())
    }

    /// Rows of a file that were not taken, in their order, after a row (0: from the first).
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn rejections(
        &self,
        import: &ImportId,
        after_row: u64,
        limit: u32,
    ) -> Result<Vec<RejectionView>, CampaignError> {
        let rejections = self.store.rejections(import, after_row, limit).await?;
        Ok(rejections.into_iter().map(RejectionView::from).collect())
    }

    /// Ends imports whose reader is gone: killed, or its machine lost. Returns how many.
    ///
    /// # Errors
    /// [`CampaignError::Store`].
    pub async fn end_abandoned_imports(&self) -> Result<u64, CampaignError> {
        let by = ChangedBy {
            kind: ActorKind::System,
            id: String::new(),
            name: "samvad".to_owned(),
            request_id: None,
        };
        let now_ms = self.now_ms();
        let fault = "whoever read the file was stopped before its end";
        let ended = self
            .store
            .end_abandoned_imports(now_ms - ABANDONED_MS, fault, &by, now_ms);
        Ok(ended.await?)
    }

    /// Says that an import goes on, however slowly its rows come.
    async fn give_sign(&self, id: &ImportId) {
        if let Err(error) = self.store.import_goes_on(id, self.now_ms()).await {
            tracing::warn!(%error, "the sign of an import could not be kept; the next one may be");
        }
    }

    async fn begin_import(
        &self,
        campaign: &CampaignId,
        source_name: &str,
        by: &ChangedBy,
    ) -> Result<ImportId, CampaignError> {
        self.state(campaign).await?;
        let id = ImportId::new(uuid::Uuid::new_v4().to_string());
        let audit = entry(by, "contacts.import", campaign);
        let begun = self
            .store
            .begin_import(&id, campaign, source_name, &audit, self.now_ms());
        begun.await?;
        Ok(id)
    }

    async fn take(&self, batch: &ImportBatch, done: &mut Done) -> Result<(), CampaignError> {
        let report = self.store.import_batch(batch, self.now_ms()).await?;
        let opt_outs = self.take_back(&report.opt_outs, &batch.opt_outs).await;
        done.opt_outs.added += opt_outs.added;
        done.opt_outs.calls_cancelled += opt_outs.calls_cancelled;
        done.opt_outs.calls_left += opt_outs.calls_left;
        done.rows += (batch.contacts.len() + batch.rejections.len()) as u64;
        let wanted = SAMPLES.saturating_sub(done.samples.len());
        let samples = batch.rejections.iter().take(wanted).cloned();
        done.samples.extend(samples.map(RejectionView::from));
        Ok(())
    }

    async fn end_import(
        &self,
        campaign: &CampaignId,
        id: &ImportId,
        fault: Option<&str>,
        by: &ChangedBy,
    ) -> Result<ImportView, CampaignError> {
        let audit = entry(by, "contacts.import_end", campaign);
        let ended = self.store.end_import(id, fault, &audit, self.now_ms()).await?;
        self.wake(FleetCommand::CampaignChanged(campaign.clone())).await;
        Ok(ended.into())
    }
}

/// What has been stored so far.
#[derive(Default)]
struct Done {
    rows: u64,
    samples: Vec<RejectionView>,
    opt_outs: OptOuts,
}

fn empty(id: &ImportId) -> ImportBatch {
    ImportBatch {
        import: id.clone(),
        contacts: Vec::new(),
        opt_outs: Vec::new(),
        rejections: Vec::new(),
    }
}

/// Reads a file to its end, as long as somebody takes what it says.
fn read(file: ImportFile, campaign: &Campaign, id: &ImportId, told: &mpsc::Sender<Told>) {
    let region = file.region;
    let opened = Sheet::read_from(file.bytes, file.size).and_then(|sheet| {
        let columns = ContactColumns::find(&sheet)?;
        Ok((sheet, columns))
    });
    let (mut sheet, columns) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let _ = told.blocking_send(Told::Fault(format!("{error:#}")));
            return;
        }
    };
    let unused = columns.unused().into_iter().map(str::to_owned).collect();
    if told.blocking_send(Told::Begun(unused)).is_err() {
        return;
    }
    loop {
        let mut batch = empty(id);
        let mut end = None;
        while batch.contacts.len() + batch.rejections.len() < BATCH {
            match sheet.next_row() {
                Ok(Some((number, Ok(row)))) => {
                    let read = columns.read(&row, campaign, region);
                    batch.opt_outs.extend(read.do_not_call);
                    match read.contact {
                        Ok(contact) => batch.contacts.push((number, contact)),
                        Err(fault) => batch.rejections.push(RowRejection {
                            row: number,
                            column: fault.column,
                            reason: fault.fault,
                        }),
                    }
                }
                Ok(Some((number, Err(reason)))) => batch.rejections.push(RowRejection {
                    row: number,
                    column: String::new(),
                    reason,
                }),
                Ok(None) => {
                    end = Some(None);
                    break;
                }
                Err(error) => {
                    end = Some(Some(format!("{error:#}")));
                    break;
                }
            }
        }
        let is_empty = batch.contacts.is_empty() && batch.rejections.is_empty();
        if !is_empty && told.blocking_send(Told::Rows(batch, sheet.part_read())).is_err() {
            return;
        }
        if let Some(fault) = end {
            if let Some(fault) = fault {
                let _ = told.blocking_send(Told::Fault(fault));
            }
            return;
        }
    }
}

//! Files of contacts of any size into a campaign. A thread of its own reads and checks rows, at most a few batches ahead
//! of the database; each batch is one transaction. What was stored before a fault stays, and is said.

use super::lifecycle::entry;
use super::{CampaignError, Campaigns, ImportView, OptOuts, RejectionView};
use crate::contact_files::{ContactColumns, Region, Sheet};
use samvad_actors::domain::{ActorKind, Campaign, CampaignId, ChangedBy, ImportId};
use samvad_actors::ports::{ContactImport, FleetCommand, ImportBatch, ImportCursor, PeopleStore, RowRejection};
use serde_json::json;
use std::convert::Infallible;
use std::io::Read;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Rows of one transaction. Of SQLite's one writer a call's own write waits for no more than one of them: so few that this
/// is some hundredths of a second, and so many that their commit costs little.
const BATCH: usize = 250;

/// Batches that wait for the database.
const BATCHES_AHEAD: usize = 4;

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

/// How often it is asked whether to go on while no rows come.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

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
        self.state(campaign).await?;
        let id = ImportId::new(uuid::Uuid::new_v4().to_string());
        self.begin_import(&id, campaign, "contacts", by).await?;
        let (mut batch, mut done, mut row) = (empty(&id), Done::default(), 0);
        for contacts in contacts.chunks(BATCH) {
            batch.contacts = (row + 1..).zip(contacts.iter().cloned()).collect();
            row += contacts.len() as u64;
            if let Err(error) = self.take(&batch, &mut done).await {
                self.end_import(campaign, &id, Some(&error.to_string()), &done, by)
                    .await?;
                return Err(error);
            }
        }
        self.end_import(campaign, &id, None, &done, by).await
    }

    /// Reads a file of contacts into a campaign. Every good row is taken, whatever is wrong with others; a number that the
    /// campaign has already is left as it is. `progress` is told after each batch and every second, and says whether to
    /// go on.
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
        self.begin_import(&id, campaign, &name, by).await?;
        let mut done = Done::default();
        let fault = tokio::select! {
            fault = self.take_all(rows, reader, &mut done, &mut progress) => fault,
            // Beside everything, so that a carrier that is slow to take calls back does not make it look abandoned.
            never = self.give_signs(&id) => match never {},
        };
        Ok(ImportSummary {
            import: self.end_import(campaign, &id, fault.as_deref(), &done, by).await?,
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

    /// A page of the imports into a campaign, the newest first.
    ///
    /// # Errors
    /// [`CampaignError::Unknown`], [`CampaignError::Store`].
    pub async fn imports(
        &self,
        campaign: &CampaignId,
        after: Option<&ImportCursor>,
        limit: u32,
    ) -> Result<Vec<ImportView>, CampaignError> {
        self.state(campaign).await?;
        let imports = self.store.imports(campaign, after, limit).await?;
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

    /// Stores what the reading thread tells until its end, or until `progress` says no more. Returns why it did not come
    /// to the end of the file.
    async fn take_all(
        &self,
        mut rows: mpsc::Receiver<Told>,
        reader: JoinHandle<()>,
        done: &mut Done,
        progress: &mut impl FnMut(ImportProgress) -> bool,
    ) -> Option<String> {
        let (mut fault, mut part_read) = (None, None);
        let mut look = tokio::time::interval_at(Instant::now() + LOOK_INTERVAL, LOOK_INTERVAL);
        loop {
            let told = tokio::select! {
                told = rows.recv() => Some(told),
                _ = look.tick() => None,
            };
            match told {
                None | Some(Some(Told::Begun(_))) => {}
                Some(Some(Told::Fault(found))) => fault = Some(found),
                Some(Some(Told::Rows(batch, part))) => {
                    if let Err(error) = self.take(&batch, done).await {
                        return Some(error.to_string());
                    }
                    part_read = part;
                }
                Some(None) => match reader.await {
                    Ok(()) => return fault,
                    Err(_) => return Some("the file could not be read any further".to_owned()),
                },
            }
            let rows = done.rows;
            if !progress(ImportProgress { rows, part_read }) {
                // The reader ends at its next batch, which nobody takes.
                return Some("it was interrupted".to_owned());
            }
        }
    }

    /// Says that an import goes on, however slowly its rows come.
    async fn give_signs(&self, id: &ImportId) -> Infallible {
        let mut sign = tokio::time::interval(SIGN_INTERVAL);
        loop {
            sign.tick().await;
            if let Err(error) = self.store.import_goes_on(id, self.now_ms()).await {
                tracing::warn!(%error, "the sign of an import could not be kept; the next one may be");
            }
        }
    }

    async fn begin_import(
        &self,
        id: &ImportId,
        campaign: &CampaignId,
        source_name: &str,
        by: &ChangedBy,
    ) -> Result<(), CampaignError> {
        let audit = entry(by, "contacts.import", campaign);
        let begun = self
            .store
            .begin_import(id, campaign, source_name, &audit, self.now_ms());
        Ok(begun.await?)
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
        done: &Done,
        by: &ChangedBy,
    ) -> Result<ImportView, CampaignError> {
        let mut audit = entry(by, "contacts.import_end", campaign);
        audit.after = Some(json!({"excluded_numbers": done.opt_outs.added}));
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

//! One run of a scenario: a telephone network and a server as processes of their own, and what came of it.

mod children;
mod compare;
mod figures;

pub(in crate::cli) use children::die_with_parent;
pub(in crate::cli) use figures::Figures;

use self::children::{ATTACHED, JsonChild, KEPT};
use self::compare::differences;
use super::output::OutputError;
use super::stop_signals::StopSignals;
use crate::campaign_files::load_campaign;
use crate::config::{
    LanguageModels, Recognizers, Settings, Synthesizers, is_loopback, private_files, process_environment,
};
use crate::store::SqlStore;
use anyhow::{Context, bail};
use samvad_actors::domain::ContactId;
use samvad_actors::ports::{ResultRow, ResultStore};
use samvad_actors::runtime::CallEvent;
use samvad_simulator::{Respondent, Scenario};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The account of runs against our own simulator. Not a secret: it opens nothing else.
const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
const AUTH_TOKEN: &str = "only-for-the-simulator";

/// The origin that the simulator signs and that no machine has: it connects to loopback as a TLS proxy would.
const PUBLIC_URL: &str = "https://samvad.example";

/// How long a process may take to end once it was told to.
const END_LIMIT: Duration = Duration::from_secs(30);

/// How often the processes' memory and processor time are looked at.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(250);

/// What to run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Who is called and what they do.
    pub(super) scenario: PathBuf,
    /// What they are asked.
    pub(super) campaign: PathBuf,
    /// How many are called; `None`: as many as the scenario has.
    pub(super) calls: Option<usize>,
    /// Who understands the callers.
    pub(super) recognizers: Recognizers,
    /// Who speaks the prompts.
    pub(super) synthesizers: Synthesizers,
    /// Who is asked about what the lexicon does not understand.
    pub(super) language_models: LanguageModels,
    /// Calls under way at once, at most.
    pub(super) max_calls: u32,
    /// Calls placed per second, at most.
    pub(super) calls_per_second: f64,
    /// Worker threads of the server; `None`: as many as there are cores.
    pub(super) workers: Option<usize>,
    /// Seed in place of the scenario's.
    pub(super) seed: Option<u64>,
    /// Record each line.
    pub(super) record: bool,
    /// Where everything of this run is kept; made by [`prepare_directory`].
    pub(super) directory: PathBuf,
    /// Rendered prompts, shared by all runs.
    pub(super) prompt_cache: PathBuf,
}

/// What came of a run.
pub(super) struct Outcome {
    /// One row per respondent, from the server's store.
    pub(super) rows: Vec<ResultRow>,
    /// What the network reports of itself; `None` with an attached one.
    pub(super) network: Option<Value>,
    /// Everything that is not as the scenario expects, or that the network objects to. Nothing is compared where the
    /// run was interrupted.
    pub(super) differences: Vec<String>,
    /// True if the run was told to stop before everybody had been called.
    pub(super) interrupted: bool,
    /// Processor time, memory and latency.
    pub(super) figures: Figures,
}

/// A run was told to stop before there was anything to show, or a second time.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

impl Interrupted {
    /// Exit status: what a shell shows for a program that ctrl-C ended.
    pub(super) const STATUS: u8 = 130;
}

/// Who watches a run. What cannot be shown ends it.
pub(super) trait Watcher {
    /// So many prompts are ready, of so many.
    fn preparing(&mut self, ready: u64, of: u64) -> Result<(), OutputError>;
    /// The prompts are ready; calling begins.
    fn begins(&mut self, respondents: &[Respondent]) -> Result<(), OutputError>;
    /// Something happened to a call, as the server tells it.
    fn event(&mut self, event: &CallEvent) -> Result<(), OutputError>;
    /// A call has ended, as the network tells it.
    fn call(&mut self, report: &Value) -> Result<(), OutputError>;
    /// Some time has passed.
    fn tick(&mut self) -> Result<(), OutputError>;
}

/// The contact id that a respondent has in every run: so that events can be shown without asking the store.
pub(super) fn contact_id(respondent: &Respondent) -> ContactId {
    ContactId::new(format!("respondent-{}", respondent.index))
}

/// The directory of a run: the one chosen, else a new one, `KIND/` and the time, in the data directory.
///
/// # Errors
/// If it cannot be made, or holds something: two runs in one directory would mix.
pub(super) fn prepare_directory(chosen: Option<PathBuf>, kind: &str) -> anyhow::Result<PathBuf> {
    let directory = chosen.unwrap_or_else(|| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        data_directory().join(kind).join(now.to_string())
    });
    let is_used = directory.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if is_used {
        bail!(
            "the directory {} is not empty, perhaps from an earlier run; name a new one",
            directory.display()
        );
    }
    private_files::ensure_directory(&directory)?;
    Ok(directory)
}

/// Where prompts are kept for every run.
pub(super) fn shared_prompt_cache() -> PathBuf {
    directory_variable("SAMVAD_PROMPT_CACHE_DIR").unwrap_or_else(|| data_directory().join("prompts"))
}

fn data_directory() -> PathBuf {
    directory_variable("SAMVAD_DATA_DIR").unwrap_or_else(|| PathBuf::from("data"))
}

/// A directory that the environment names; an empty name counts as none.
fn directory_variable(name: &str) -> Option<PathBuf> {
    let value = process_environment().remove(name)?;
    Some(value.trim()).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Runs a plan. Must be called on the main thread, with which its processes end.
///
/// # Errors
/// Whatever keeps it from running; [`Interrupted`]. A difference is no error.
pub(super) async fn run(plan: &Plan, watcher: &mut dyn Watcher) -> anyhow::Result<Outcome> {
    let campaign = load_campaign(&plan.campaign)?;
    let scenario = Scenario::load(&plan.scenario)?;
    let respondents = scenario.respondents(plan.calls);
    if respondents.is_empty() {
        bail!("the scenario {} has nobody to call", plan.scenario.display());
    }
    let is_attached = carrier_is_attached(&process_environment())?;
    private_files::ensure_directory(&plan.prompt_cache)?;
    let contacts = plan.directory.join("contacts.csv");
    write_contacts(&contacts, &respondents)?;

    let mut stop = StopSignals::new()?;
    let server_log = plan.directory.join("server.log");
    let starting = async {
        let network = match is_attached {
            true => None,
            false => Some(Network::start(plan).await?),
        };
        let environment = server_environment(plan, network.as_ref());
        let arguments = server_arguments(plan, &contacts);
        let mut server = JsonChild::start("server", &arguments, &environment, is_attached, &server_log)?;
        let greeting = server
            .listening(&server_log, &mut |ready, of| watcher.preparing(ready, of))
            .await?;
        anyhow::Ok((network, server, greeting))
    };
    let (mut network, mut server, greeting) = tokio::select! {
        started = starting => started?,
        () = stop.next() => return Err(Interrupted.into()),
    };
    watcher.begins(&respondents)?;

    let mut figures = Figures::begin(&greeting);
    let mut sample = tokio::time::interval(SAMPLE_INTERVAL);
    let mut interrupted = false;
    loop {
        tokio::select! {
            line = server.next() => match line? {
                None => break,
                Some(line) => {
                    figures.server_line(&line);
                    if let Ok(event) = serde_json::from_value::<CallEvent>(line) {
                        watcher.event(&event)?;
                    }
                }
            },
            line = next_line(&mut network), if network.is_some() => match line? {
                None => bail!("the simulator ended early; its log is {}", simulator_log(plan).display()),
                Some(line) if line["event"] == "call" => watcher.call(&line)?,
                Some(_) => {}
            },
            _ = sample.tick() => {
                figures.sample();
                watcher.tick()?;
            }
            () = stop.next() => {
                if interrupted {
                    return Err(Interrupted.into());
                }
                interrupted = true;
                server.terminate();
            }
        }
    }
    if !server.ended(END_LIMIT).await? {
        bail!("the server failed; its log is {}", server_log.display());
    }
    let summary = match network {
        Some(network) => Some(network.end(watcher).await?),
        None => None,
    };
    figures.network(summary.as_ref());

    let store = SqlStore::open(&database_url(plan)).await?;
    let rows = store.results(&campaign.id).await?;
    store.close().await;
    let differences = match interrupted {
        true => Vec::new(),
        false => differences(&respondents, &rows, summary.as_ref()),
    };
    Ok(Outcome {
        rows,
        network: summary,
        differences,
        interrupted,
        figures,
    })
}

/// True if the environment names a carrier: a stand-in of somebody else's. Anything but a carrier on this machine is
/// refused: a run with made-up numbers must never reach real people.
fn carrier_is_attached(environment: &BTreeMap<String, String>) -> anyhow::Result<bool> {
    let is_set = |name: &str| environment.get(name).is_some_and(|value| !value.trim().is_empty());
    if !is_set("TWILIO_API_BASE_URL") {
        return Ok(false);
    }
    let mut inherited = environment.clone();
    inherited.retain(|name, _| {
        let name = name.strip_suffix("_FILE").unwrap_or(name);
        ATTACHED.contains(&name) || KEPT.contains(&name)
    });
    let settings = Settings::from_env(&inherited)?;
    if !is_loopback(&settings.twilio.api_base_url) {
        bail!(
            "TWILIO_API_BASE_URL names a carrier elsewhere; runs of made-up respondents go to this machine only: \
             unset it, or name a stand-in on 127.0.0.1"
        );
    }
    settings.require_twilio_account()?;
    Ok(true)
}

async fn next_line(network: &mut Option<Network>) -> anyhow::Result<Option<Value>> {
    match network {
        Some(network) => network.child.next().await,
        None => Ok(None),
    }
}

/// Our own telephone network.
struct Network {
    child: JsonChild,
    address: String,
    server: SocketAddr,
}

impl Network {
    async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let server = free_address()?;
        let log = simulator_log(plan);
        let mut arguments = vec![
            "simulator".to_owned(),
            "--listen=127.0.0.1:0".to_owned(),
            format!("--script={}", plan.scenario.display()),
            format!("--public-url={PUBLIC_URL}"),
            format!("--server={server}"),
            "--json".to_owned(),
        ];
        arguments.extend(plan.calls.map(|calls| format!("--calls={calls}")));
        arguments.extend(plan.seed.map(|seed| format!("--seed={seed}")));
        arguments.extend(
            plan.record
                .then(|| format!("--recordings={}", plan.directory.join("recordings").display())),
        );
        let account = [("TWILIO_ACCOUNT_SID", ACCOUNT_SID), ("TWILIO_AUTH_TOKEN", AUTH_TOKEN)];
        let environment = account.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut child = JsonChild::start("simulator", &arguments, &environment, false, &log)?;
        let greeting = child.listening(&log, &mut |_, _| Ok(())).await?;
        let address = greeting["address"].as_str().unwrap_or_default().to_owned();
        Ok(Self { child, address, server })
    }

    /// Ends it and returns its summary.
    async fn end(mut self, watcher: &mut dyn Watcher) -> anyhow::Result<Value> {
        self.child.terminate();
        let mut summary = None;
        while let Some(line) = self.child.next().await? {
            match line["event"].as_str() {
                Some("call") => watcher.call(&line)?,
                Some("summary") => summary = Some(line),
                _ => {}
            }
        }
        self.child.ended(END_LIMIT).await?;
        summary.context("the simulator ended without a summary")
    }
}

/// An address of this machine that nobody listens on at the moment.
fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port is free on 127.0.0.1")?;
    Ok(listener.local_addr()?)
}

fn server_arguments(plan: &Plan, contacts: &Path) -> Vec<String> {
    vec![
        "serve".to_owned(),
        format!("--campaign={}", plan.campaign.display()),
        format!("--contacts={}", contacts.display()),
        "--exit-when-idle".to_owned(),
        "--rehearse".to_owned(),
        "--events".to_owned(),
    ]
}

/// The variables of the server. With an attached carrier its own settings (account, addresses) are left as they are.
fn server_environment(plan: &Plan, network: Option<&Network>) -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = [
        ("SAMVAD_DATA_DIR", plan.directory.display().to_string()),
        ("SAMVAD_PROMPT_CACHE_DIR", plan.prompt_cache.display().to_string()),
        ("DATABASE_URL", database_url(plan)),
        ("SAMVAD_RECOGNIZER", plan.recognizers.to_string()),
        ("SAMVAD_SYNTHESIZER", plan.synthesizers.to_string()),
        ("SAMVAD_MAX_CALLS", plan.max_calls.to_string()),
        ("SAMVAD_CALLS_PER_SECOND", plan.calls_per_second.to_string()),
        ("SAMVAD_QUEUE_LIMIT_SECONDS", "60".to_owned()),
        // Told to stop, a run ends its calls: nobody real is on the line.
        ("SAMVAD_DRAIN_SECONDS", "0".to_owned()),
        ("SAMVAD_LOG_FORMAT", "json".to_owned()),
        // Nobody asks a run anything, and several may go on at once.
        ("SAMVAD_API_BIND", "off".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(workers) = plan.workers {
        environment.insert("SAMVAD_WORKERS".to_owned(), workers.to_string());
    }
    environment.extend(service_environment(plan, process_environment()));
    // The plan alone says whether anybody is asked.
    environment.remove("SAMVAD_LANGUAGE_MODEL");
    if !plan.language_models.is_empty() {
        environment.insert("SAMVAD_LANGUAGE_MODEL".to_owned(), plan.language_models.to_string());
    }
    if let Some(network) = network {
        environment.extend(
            [
                ("SAMVAD_BIND", network.server.to_string()),
                ("SAMVAD_PUBLIC_URL", PUBLIC_URL.to_owned()),
                ("TWILIO_API_BASE_URL", format!("http://{}", network.address)),
                ("TWILIO_ACCOUNT_SID", ACCOUNT_SID.to_owned()),
                ("TWILIO_AUTH_TOKEN", AUTH_TOKEN.to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        );
    }
    environment
}

/// Settings of services, for a run whose recognisers, synthesisers or language models need them: nothing else of ours
/// is inherited.
fn service_environment(plan: &Plan, inherited: BTreeMap<String, String>) -> BTreeMap<String, String> {
    const PREFIXES: [&str; 9] = [
        "SAMVAD_SERVICE_",
        "SAMVAD_LIVE_SPEECH_",
        "SAMVAD_SYNTHESIS_",
        "DEEPGRAM_",
        "ELEVENLABS_",
        "LANGUAGE_MODEL_",
        "OPENAI_",
        "SAMVAD_LANGUAGE_",
        "SARVAM_",
    ];
    let uses_services =
        plan.recognizers.names_services() || plan.synthesizers.names_services() || !plan.language_models.is_empty();
    let is_needed = |name: &str| uses_services && PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    inherited.into_iter().filter(|(name, _)| is_needed(name)).collect()
}

fn simulator_log(plan: &Plan) -> PathBuf {
    plan.directory.join("simulator.log")
}

fn database_url(plan: &Plan) -> String {
    format!("sqlite://{}", plan.directory.join("samvad.db").display())
}

fn write_contacts(path: &Path, respondents: &[Respondent]) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(private_files::create_new(path)?);
    csv.write_record(["contact_id", "external_contact_id", "phone_number", "language"])?;
    for respondent in respondents {
        csv.write_record([
            contact_id(respondent).as_str(),
            &respondent.caller,
            &respondent.number,
            respondent.language.as_deref().unwrap_or_default(),
        ])?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_stand_in_on_this_machine_with_an_account_is_attached_whatever_else_is_set() {
        assert!(!carrier_is_attached(&environment(&[])).expect("none"));
        assert!(!carrier_is_attached(&environment(&[("TWILIO_API_BASE_URL", " ")])).expect("none"));
        let stand_in = environment(&[
            ("TWILIO_API_BASE_URL", "http://127.0.0.1:9000"),
            ("TWILIO_ACCOUNT_SID", ACCOUNT_SID),
            ("TWILIO_AUTH_TOKEN", "key"),
            ("SAMVAD_MAX_CALLS", "not for this run"),
        ]);
        assert!(carrier_is_attached(&stand_in).expect("attached"));
    }

    #[test]
    fn a_carrier_elsewhere_or_one_without_an_account_is_refused_with_the_remedy() {
        let elsewhere = environment(&[("TWILIO_API_BASE_URL", "https://api.twilio.com")]);
        let refusal = carrier_is_attached(&elsewhere).expect_err("refused").to_string();
        assert!(refusal.contains("unset it"), "{refusal}");
        let no_account = environment(&[("TWILIO_API_BASE_URL", "http://127.0.0.1:9000")]);
        let refusal = carrier_is_attached(&no_account).expect_err("refused").to_string();
        assert!(
            refusal.contains("TWILIO_ACCOUNT_SID") && refusal.contains("TWILIO_AUTH_TOKEN"),
            "{refusal}"
        );
    }

    #[test]
    fn a_directory_that_holds_something_is_refused_and_left_as_it_is() {
        let parent = tempfile::tempdir().expect("temporary directory");
        let directory = parent.path().join("run");
        prepare_directory(Some(directory.clone()), "runs").expect("new");
        prepare_directory(Some(directory.clone()), "runs").expect("empty");
        std::fs::write(directory.join("samvad.db"), "an earlier run").expect("written");
        let refusal = prepare_directory(Some(directory.clone()), "runs")
            .expect_err("refused")
            .to_string();
        assert!(refusal.contains("not empty"), "{refusal}");
        assert_eq!(
            std::fs::read_to_string(directory.join("samvad.db")).expect("there"),
            "an earlier run"
        );
    }
}

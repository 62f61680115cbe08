//! `samvad doctor`: what is wrong here, and what to do. It calls nobody, and sends nothing without `--live`.

mod carrier;
mod live;
mod machine;
mod services;
mod speech;

use super::output::{OutputError, say};
use crate::config::{ConfigFaults, Settings, process_environment};
use crate::costs::{PriceFault, PriceFileError, PriceTable};
use clap::Args;
use serde::Serialize;
use std::process::ExitCode;

/// How to report.
#[derive(Args, Debug)]
pub(super) struct DoctorArgs {
    /// Print one JSON value a line: check, state (ok, warning, fault), finding, remedy.
    #[arg(long)]
    json: bool,
    /// Ask the carrier, the public origin, Redis, PostgreSQL and all services of speech and language too: credentials,
    /// caller numbers, geographic permissions, the way back to this server, versions; what each service hears, says
    /// and answers, and how fast. Nobody is called.
    #[arg(long)]
    live: bool,
}

/// How a check came out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warning,
    Fault,
}

/// What a check found. Holds no secret and no number.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Finding {
    check: &'static str,
    state: State,
    finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            finding: finding.into(),
            remedy: None,
        }
    }

    fn warning(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Warning,
            finding: finding.into(),
            remedy: Some(remedy.into()),
        }
    }

    fn fault(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Fault,
            finding: finding.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// A fault from an error whose text ends with the remedy, behind the first semicolon, as ours do.
    fn from_error(check: &'static str, error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        let (finding, remedy) = text.split_once("; ").unwrap_or((&text, "see the finding"));
        Self::fault(check, finding, remedy)
    }
}

/// Takes findings as they come, shows them, and counts the faults.
struct Report {
    json: bool,
    warnings: usize,
    faults: usize,
}

impl Report {
    fn add(&mut self, finding: &Finding) -> Result<(), OutputError> {
        self.warnings += usize::from(finding.state == State::Warning);
        self.faults += usize::from(finding.state == State::Fault);
        if self.json {
            return say!("{}", serde_json::json!(finding));
        }
        let state = match finding.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Fault => "FAULT",
        };
        say!("{state:<8} {:<16} {}", finding.check, finding.finding)?;
        match &finding.remedy {
            Some(remedy) => say!("{:<25} -> {remedy}", ""),
            None => Ok(()),
        }
    }

    fn add_all(&mut self, findings: &[Finding]) -> Result<(), OutputError> {
        findings.iter().try_for_each(|finding| self.add(finding))
    }
}

pub(super) fn run(args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let mut report = Report {
        json: args.json,
        warnings: 0,
        faults: 0,
    };
    let settings = Settings::from_env(&process_environment());
    report.add_all(&check_settings(settings.as_ref()))?;
    let runtime = super::runtime()?;
    report.add(&machine::clock(settings.as_ref().ok()))?;
    if let Ok(settings) = &settings {
        report.add_all(&machine::data_directory(settings))?;
        report.add(&runtime.block_on(machine::database(settings)))?;
        report.add(&machine::address(settings))?;
        report.add(&machine::api_address(settings))?;
        report.add(&machine::open_files(settings))?;
    }
    report.add_all(&speech::programs())?;
    report.add_all(&runtime.block_on(speech::speak_and_listen(settings.as_ref().ok())))?;
    if let Ok(settings) = &settings {
        report.add_all(&speech::configuration(settings))?;
        report.add_all(&carrier::check(settings))?;
        report.add_all(&check_prices(settings))?;
        if args.live {
            let asked = async { futures_util::future::join(live::check(settings), services::check(settings)).await };
            let (carrier, services) = runtime.block_on(asked);
            report.add_all(&carrier)?;
            report.add_all(&services)?;
        }
    }
    if !args.json {
        let count = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        say!(
            "\n{}, {}",
            count(report.faults, "fault"),
            count(report.warnings, "warning")
        )?;
    }
    Ok(ExitCode::from(u8::from(report.faults > 0)))
}

/// The table of prices, if one is named.
fn check_prices(settings: &Settings) -> Vec<Finding> {
    const CHECK: &str = "prices";
    let Some(path) = &settings.prices else {
        return Vec::new();
    };
    match PriceTable::load(path) {
        Ok(table) => vec![Finding::ok(
            CHECK,
            format!(
                "{} is valid, in {}",
                path.display(),
                table.currency().unwrap_or_default()
            ),
        )],
        Err(PriceFileError::Invalid { faults, .. }) => {
            let finding = |fault: &PriceFault| {
                let found = format!("{}: {:?} {}", fault.field, fault.value, fault.fault);
                Finding::fault(CHECK, found, fault.remedy)
            };
            faults.iter().map(finding).collect()
        }
        Err(error) => vec![Finding::from_error(CHECK, &error)],
    }
}

fn check_settings(settings: Result<&Settings, &ConfigFaults>) -> Vec<Finding> {
    const CHECK: &str = "settings";
    match settings {
        Err(ConfigFaults(faults)) => faults
            .iter()
            .map(|fault| Finding::fault(CHECK, format!("{} {}", fault.variable, fault.fault), &fault.remedy))
            .chain([Finding::warning(
                CHECK,
                "the checks that need settings are left out",
                "mend the settings, then run this again",
            )])
            .collect(),
        Ok(settings) if settings.warnings.is_empty() => vec![Finding::ok(CHECK, "all of them can be used")],
        Ok(settings) => settings
            .warnings
            .iter()
            .map(|warning| {
                let (finding, remedy) = warning.split_once("; ").unwrap_or((warning, "see .env.example"));
                Finding::warning(CHECK, finding, remedy)
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Settings from pairs, in a data directory of the test's own.
    pub(super) fn settings(data_dir: &std::path::Path, pairs: &[(&str, &str)]) -> Settings {
        let mut environment: BTreeMap<String, String> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        environment.insert("SAMVAD_DATA_DIR".to_owned(), data_dir.display().to_string());
        Settings::from_env(&environment).expect("valid settings")
    }

    #[test]
    fn every_fault_of_the_settings_is_a_line_with_its_remedy() {
        let environment = [("SAMVAD_BIND", "nowhere"), ("SAMVAD_MAX_CALLS", "0")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let faults = Settings::from_env(&environment.into()).expect_err("two faults");
        let findings = check_settings(Err(&faults));
        let named = |name: &str| {
            findings
                .iter()
                .any(|it| it.state == State::Fault && it.finding.contains(name))
        };
        assert!(named("SAMVAD_BIND") && named("SAMVAD_MAX_CALLS"), "{findings:?}");
        assert!(findings.iter().all(|finding| finding.remedy.is_some()));
    }

    #[test]
    fn a_slip_of_the_pen_in_a_variable_is_a_warning() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let settings = settings(directory.path(), &[("SAMVAD_MAXCALLS", "5")]);
        let findings = check_settings(Ok(&settings));
        assert_eq!((findings.len(), findings[0].state), (1, State::Warning));
    }

    #[test]
    fn every_fault_of_the_prices_is_a_line_with_its_remedy() {
        let directory = tempfile::tempdir().expect("temporary directory");
        let file = directory.path().join("prices.yaml");
        let check = |text: &str| {
            std::fs::write(&file, text).expect("written");
            check_prices(&settings(
                directory.path(),
                &[("SAMVAD_PRICES", &file.display().to_string())],
            ))
        };
        assert!(check("currency: EUR\n")[0].state == State::Ok);
        let findings = check("currency: euro\ncarrier_minute: { '*': free }\n");
        assert_eq!(findings.len(), 2);
        assert!(
            findings
                .iter()
                .all(|it| it.state == State::Fault && it.remedy.is_some()),
            "{findings:?}"
        );
        assert_eq!(check("currency")[0].state, State::Fault);
        assert!(check_prices(&settings(directory.path(), &[])).is_empty());
    }

    #[test]
    fn an_error_gives_its_remedy() {
        let error = std::io::Error::other("the disk is full; remove something");
        let finding = Finding::from_error("disk", &error);
        assert_eq!(finding.finding, "the disk is full");
        assert_eq!(finding.remedy.as_deref(), Some("remove something"));
    }
}

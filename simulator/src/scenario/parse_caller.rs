//! From the YAML document to a [`Caller`]: who it is, how the line is, and what it does.

use super::fields::Section;
use super::parse::{number, unknown_fault};
use super::{Action, Caller, Confirm, Doing, Expectations, FaultKind, Machine, Noise, NoiseLevel, Pickup, Step, When};
use crate::audio::{Clip, Colour, read_wav};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_norway::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Longest time that a field may name: an hour.
const LONGEST_MS: u64 = 3_600_000;

/// How long a person thinks before reacting, on top of the silence that shows that the prompt is over.
const REACTION_MS: u64 = 200;

/// Loads each recording once for each gain.
pub(super) struct Recordings<'p> {
    folder: &'p Path,
    seed: u64,
    loaded: BTreeMap<(PathBuf, i64), Arc<Clip>>,
}

impl<'p> Recordings<'p> {
    pub(super) fn new(folder: &'p Path, seed: u64) -> Self {
        Self {
            folder,
            seed,
            loaded: BTreeMap::new(),
        }
    }

    fn load(&mut self, section: &Section<'_>, field: &str, name: &str, gain_db: f64) -> Option<Arc<Clip>> {
        let path = self.folder.join(name);
        let key = (path.clone(), (gain_db * 100.0) as i64);
        if let Some(clip) = self.loaded.get(&key) {
            return Some(clip.clone());
        }
        match read_wav(&path) {
            Ok(samples) => {
                let clip = Clip::new(&samples);
                let clip = Arc::new(if gain_db == 0.0 { clip } else { clip.with_gain(gain_db) });
                self.loaded.insert(key, clip.clone());
                Some(clip)
            }
            Err(error) => {
                section.fault(field, error.to_string());
                None
            }
        }
    }
}

/// Reads one caller.
///
/// `confirm` is what the file has for all callers; one of them may have its own.
pub(super) fn caller(
    mut section: Section<'_>,
    recordings: &mut Recordings<'_>,
    confirm_by_all: Option<&Confirm>,
) -> Caller {
    let name = section.text("name").unwrap_or_default();
    if name.is_empty() {
        section.fault("name", "is missing; give the caller a short name of its own");
    }
    let count = section.integer("count", 1..=1_000_000).unwrap_or(1) as usize;
    let gain_db = section.number("gain_db", -60.0..=40.0).unwrap_or(0.0);
    let voicemail = voicemail(&mut section, recordings, gain_db);
    let is_machine = voicemail.is_some();
    let mut steps = voicemail.unwrap_or_default();
    for (path, value) in section.list("steps") {
        let step = Section::new(&path, value, section.faults());
        steps.extend(read_step(step, recordings, gain_db));
    }
    let caller = Caller {
        count,
        weight: section.number("weight", 0.0..=1e9).unwrap_or(count as f64),
        number: number(&mut section, "number"),
        language: section.text("language"),
        pickup: pickup(&mut section),
        machine: machine(&mut section, is_machine, recordings.seed, &name),
        noise: section.section("noise").and_then(noise),
        echo: section.section("echo").map(echo),
        patience_ms: section.integer("patience_ms", 1_000..=LONGEST_MS).unwrap_or(30_000),
        confirm: confirm(&mut section, recordings).or_else(|| confirm_by_all.cloned()),
        faults: fault_names(&mut section),
        expect: section
            .section("expect")
            .map_or_else(Expectations::default, Expectations::read),
        steps,
        name,
    };
    section.finish();
    caller
}

/// What the file or a caller has under `confirm`.
pub(super) fn confirm(section: &mut Section<'_>, recordings: &mut Recordings<'_>) -> Option<Confirm> {
    let mut inner = section.section("confirm")?;
    let shorter_than_ms = inner.integer("shorter_than_ms", 0..=LONGEST_MS);
    if shorter_than_ms.is_none() {
        inner.fault(
            "shorter_than_ms",
            "is needed: prompts of fewer milliseconds ask to confirm",
        );
    }
    let doing = doing(&mut inner, recordings, 0.0);
    inner.finish();
    Some(Confirm {
        shorter_than_ms: shorter_than_ms?,
        doing: doing?,
    })
}

fn pickup(section: &mut Section<'_>) -> Pickup {
    let ring_ms = section.integer("ring_ms", 0..=LONGEST_MS).unwrap_or(1_500);
    let busy = section.flag("busy").unwrap_or(false);
    let failed = section.flag("failed").unwrap_or(false);
    let no_answer = match section.take("no_answer") {
        None | Some(Value::Bool(false)) => None,
        Some(Value::Bool(true)) => Some(None),
        Some(value) => {
            let mut inner = Section::new(&section.path("no_answer"), value, section.faults());
            let after = inner.integer("after_ms", 0..=LONGEST_MS);
            inner.finish();
            Some(after)
        }
    };
    match (busy, failed, no_answer) {
        (false, false, None) => Pickup::Answers { ring_ms },
        (true, false, None) => Pickup::Busy,
        (false, true, None) => Pickup::Failed,
        (false, false, Some(after_ms)) => Pickup::NoAnswer { after_ms },
        _ => {
            section.fault("busy", "contradicts failed or no_answer; keep one of them");
            Pickup::Busy
        }
    }
}

/// The greeting and the beep of an answering machine, as steps.
fn voicemail(section: &mut Section<'_>, recordings: &mut Recordings<'_>, gain_db: f64) -> Option<Vec<Step>> {
    let mut inner = section.section("voicemail")?;
    let mut steps = Vec::new();
    if let Some(name) = inner.text("greeting") {
        if let Some(clip) = recordings.load(&inner, "greeting", &name, gain_db) {
            steps.push(step(When::Answered, Action::Say(clip)));
        }
    } else {
        inner.fault("greeting", "is missing; name the recording of the greeting");
    }
    if inner.flag("beep").unwrap_or(false) {
        steps.push(step(When::AtOnce, beep()));
    }
    inner.finish();
    Some(steps)
}

fn step(when: When, action: Action) -> Step {
    Step {
        name: None,
        when,
        doing: Doing { after_ms: 0, action },
        otherwise: Vec::new(),
    }
}

/// An answering machine's beep: 1,000 Hz for half a second.
fn beep() -> Action {
    Action::Say(Arc::new(Clip::tone(&[1_000.0], 500, -12.0)))
}

fn machine(section: &mut Section<'_>, is_machine: bool, seed: u64, name: &str) -> Machine {
    let words = [
        ("human", Some("human")),
        ("machine_start", Some("machine_start")),
        ("machine_end_beep", Some("machine_end_beep")),
        ("machine_end_silence", Some("machine_end_silence")),
        ("machine_end_other", Some("machine_end_other")),
        ("fax", Some("fax")),
        ("unknown", Some("unknown")),
        ("none", None),
    ];
    // How long detection takes is not documented: between two and four seconds, by seed.
    let salt = name
        .bytes()
        .fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let usual = StdRng::seed_from_u64(salt).random_range(2_000..4_000);
    let default = Some(if is_machine { "machine_start" } else { "human" });
    let Some(mut inner) = section.section("machine_detection") else {
        return Machine {
            verdict: default,
            after_ms: usual,
        };
    };
    let machine = Machine {
        verdict: inner.choice("verdict", &words).unwrap_or(default),
        after_ms: inner.integer("after_ms", 0..=LONGEST_MS).unwrap_or(usual),
    };
    inner.finish();
    machine
}

fn noise(mut section: Section<'_>) -> Option<Noise> {
    let colours = [
        ("white", Colour::White),
        ("pink", Colour::Pink),
        ("babble", Colour::Babble),
    ];
    let colour = section.choice("colour", &colours).unwrap_or(Colour::Pink);
    let below = section.number("snr_db", -20.0..=80.0).map(NoiseLevel::BelowSpeech);
    let level = section.number("level_db", -90.0..=0.0).map(NoiseLevel::FullScale);
    if below.is_some() == level.is_some() {
        section.fault("snr_db", "and level_db: give exactly one of them");
    }
    section.finish();
    Some(Noise {
        colour,
        level: below.or(level)?,
    })
}

fn echo(mut section: Section<'_>) -> (f64, u64) {
    let level_db = section.number("level_db", -90.0..=0.0);
    if level_db.is_none() {
        section.fault(
            "level_db",
            "is needed: how much softer the echo is than what is played, for example -30",
        );
    }
    let delay_ms = section.integer("delay_ms", 0..=2_000).unwrap_or(80);
    section.finish();
    (level_db.unwrap_or(-30.0), delay_ms)
}

fn fault_names(section: &mut Section<'_>) -> Vec<FaultKind> {
    let faults = section.faults();
    section
        .list("faults")
        .into_iter()
        .filter_map(|(path, value)| {
            let kind = value.as_str().and_then(FaultKind::from_name);
            if kind.is_none() {
                faults.add(&path, unknown_fault());
            }
            kind
        })
        .collect()
}

fn read_step(mut section: Section<'_>, recordings: &mut Recordings<'_>, gain_db: f64) -> Option<Step> {
    let name = section.text("name");
    let words = [
        ("prompt_ends", When::PromptEnds),
        ("prompt_begins", When::PromptBegins),
        ("answered", When::Answered),
        ("at_once", When::AtOnce),
    ];
    let when = section.choice("when", &words);
    let otherwise = section
        .list("otherwise")
        .into_iter()
        .filter_map(|(path, value)| {
            let mut inner = Section::new(&path, value, section.faults());
            let doing = doing(&mut inner, recordings, gain_db);
            inner.finish();
            doing
        })
        .collect();
    let step = if let Some(mut inner) = section.section("talk_over") {
        if when.is_some() {
            section.fault("when", "has no place beside talk_over, which begins with the prompt");
        }
        let doing = doing(&mut inner, recordings, gain_db);
        inner.finish();
        doing.map(|doing| Step {
            name,
            when: When::PromptBegins,
            doing,
            otherwise,
        })
    } else {
        let when = when.unwrap_or(When::PromptEnds);
        doing(&mut section, recordings, gain_db).map(|doing| Step {
            name,
            when,
            doing,
            otherwise,
        })
    };
    section.finish();
    step
}

fn doing(section: &mut Section<'_>, recordings: &mut Recordings<'_>, gain_db: f64) -> Option<Doing> {
    let after_ms = section.integer("after_ms", 0..=LONGEST_MS).unwrap_or(REACTION_MS);
    let names = ["say", "keys", "silent", "beep", "hang_up", "reset_socket"];
    let given: Vec<&str> = names.into_iter().filter(|name| section.has(name)).collect();
    let [name] = given.as_slice() else {
        let path = section.own_path().to_owned();
        section.faults().add(
            &path,
            format!("needs exactly one of {}, or talk_over", names.join(", ")),
        );
        given.into_iter().for_each(|name| drop(section.take(name)));
        return None;
    };
    let action = match *name {
        "say" => {
            let file = section.text("say")?;
            Action::Say(recordings.load(section, "say", &file, gain_db)?)
        }
        "keys" => {
            let keys: Vec<char> = section.text("keys")?.chars().collect();
            if keys.is_empty() || !keys.iter().all(|key| "0123456789*#".contains(*key)) {
                section.fault(
                    "keys",
                    "has something other than 0-9, * and #; put the keys between quotes",
                );
                return None;
            }
            Action::Keys(keys)
        }
        "silent" => Action::Silent(section.integer("silent", 0..=LONGEST_MS)?),
        "beep" => section.flag("beep")?.then(beep)?,
        "hang_up" => section.flag("hang_up")?.then_some(Action::HangUp)?,
        _ => section.flag("reset_socket")?.then_some(Action::ResetSocket)?,
    };
    Some(Doing { after_ms, action })
}

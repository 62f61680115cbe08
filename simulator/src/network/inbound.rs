//! People who call the server's number: the network asks the number's voice URL what to do, and does it.

use super::call::Call;
use super::world::World;
use crate::gateway::Signing;
use crate::report::InboundReport;
use crate::scenario::{From, InboundCall};
use crate::twiml::{self, Verb};
use rand::RngExt;
use std::sync::Arc;
use std::time::Duration;

/// Documents that one call may follow.
const MOST_DOCUMENTS: usize = 10;

/// What Twilio gives as the number of a caller who withholds it.
const WITHHELD: &str = "anonymous";

/// Has whoever was called call back, if the scenario says so. Only after the first call to a number.
pub(super) fn call_back(world: &Arc<World>, call: &Call) {
    let Some(respondent) = call.respondent.as_ref().filter(|_| call.ordinal == 1) else {
        return;
    };
    let plans = world
        .inbound
        .iter()
        .filter(|plan| plan.from == From::Caller(respondent.caller.clone()));
    for plan in plans {
        begin(world, plan, call.request.to.clone(), call.request.from.clone());
    }
}

/// Has strangers call.
pub(super) fn strangers_call(world: &Arc<World>) {
    for plan in &world.inbound {
        if let From::Stranger { number, to } = &plan.from {
            let from = number.map_or_else(|| WITHHELD.to_owned(), |number| format!("+{number}"));
            begin(world, plan, from, format!("+{to}"));
        }
    }
}

fn begin(world: &Arc<World>, plan: &Arc<InboundCall>, from: String, to: String) {
    // At once, so that the run does not end before.
    world.reporter.inbound_begins();
    let (world, plan) = (world.clone(), plan.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(plan.after_ms)).await;
        let mut random = world.random(&from, 1, &plan.name);
        let mut call = Inbound {
            sid: format!("CA{:016x}{:016x}", random.random::<u64>(), random.random::<u64>()),
            world: &world,
            plan: &plan,
            to,
            report: InboundReport {
                name: plan.name.clone(),
                from,
                said: Vec::new(),
                keys: String::new(),
                violations: Vec::new(),
                failures: Vec::new(),
            },
        };
        if let Err(violation) = call.carry().await {
            call.report.violations.push(violation);
        }
        let report = call.report.judged(&plan);
        world.reporter.inbound_ends(report);
    });
}

struct Inbound<'w> {
    world: &'w World,
    plan: &'w InboundCall,
    sid: String,
    to: String,
    report: InboundReport,
}

impl Inbound<'_> {
    /// From the ringing to the end.
    async fn carry(&mut self) -> Result<(), String> {
        let origin = self.world.gateway.public_origin();
        let mut url = format!("{origin}{}", self.plan.voice_path);
        if self.plan.forged_first {
            self.forge(&url).await?;
        }
        let mut key = None;
        for _ in 0..MOST_DOCUMENTS {
            let verbs = self.ask(&url, key).await?;
            match self.follow(verbs).await {
                None => return Ok(()),
                Some((action, pressed)) => {
                    url = action;
                    key = Some(pressed);
                }
            }
        }
        Err(format!("the call follows more than {MOST_DOCUMENTS} documents"))
    }

    /// Does what a document says. Where a key is pressed: to which URL it is told.
    async fn follow(&mut self, verbs: Vec<Verb>) -> Option<(String, char)> {
        for verb in verbs {
            match verb {
                Verb::Gather {
                    action,
                    timeout_ms,
                    meanwhile,
                } => {
                    let next = self.plan.keys.get(self.report.keys.chars().count()).copied();
                    let Some(key) = next else {
                        self.listen(meanwhile).await;
                        tokio::time::sleep(Duration::from_millis(timeout_ms)).await;
                        continue;
                    };
                    // A key cuts what is being said, but the scenario is to be judged by all of it.
                    self.report.said.extend(meanwhile.into_iter().filter_map(words));
                    tokio::time::sleep(Duration::from_millis(self.plan.press_after_ms)).await;
                    self.report.keys.push(key);
                    return Some((action, key));
                }
                Verb::Hangup | Verb::Reject => return None,
                Verb::Stream(_) => {
                    let violation = "<Stream> has no place in a call to the server's number";
                    self.report.violations.push(violation.to_owned());
                    return None;
                }
                other => self.listen(vec![other]).await,
            }
        }
        None
    }

    /// Hears what is said, for as long as it takes.
    async fn listen(&mut self, verbs: Vec<Verb>) {
        for verb in verbs {
            if let Verb::Say { milliseconds, .. } | Verb::Pause { milliseconds } = verb {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            }
            self.report.said.extend(words(verb));
        }
    }

    /// Asks a URL what to do next.
    async fn ask(&self, url: &str, key: Option<char>) -> Result<Vec<Verb>, String> {
        let fields = self.fields(key);
        let answer = self
            .world
            .gateway
            .webhook(url, true, &fields, Signing::Right, None)
            .await;
        let answer = answer.map_err(|fault| format!("error 11200: the TwiML cannot be fetched: {fault}"))?;
        if answer.status != 200 {
            return Err(format!("error 11200: the TwiML was answered with {}", answer.status));
        }
        twiml::parse(&answer.body).map_err(|error| error.to_string())
    }

    /// Asks the same without a signature; whoever answers that is at fault.
    async fn forge(&self, url: &str) -> Result<(), String> {
        let fields = self.fields(Some('9'));
        match self
            .world
            .gateway
            .webhook(url, true, &fields, Signing::None, None)
            .await
        {
            Ok(answer) if (400..500).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(format!(
                "a voice webhook without a signature was answered with {}",
                answer.status
            )),
            Err(fault) => Err(format!("a voice webhook without a signature was not answered: {fault}")),
        }
    }

    fn fields(&self, key: Option<char>) -> Vec<(String, String)> {
        let status = if key.is_none() { "ringing" } else { "in-progress" };
        let mut fields: Vec<(String, String)> = [
            ("CallSid", self.sid.as_str()),
            ("AccountSid", &self.world.account_sid),
            ("From", &self.report.from),
            ("To", &self.to),
            ("Caller", &self.report.from),
            ("Called", &self.to),
            ("CallStatus", status),
            ("ApiVersion", "2010-04-01"),
            ("Direction", "inbound"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        if let Some(key) = key {
            fields.push(("Digits".to_owned(), key.to_string()));
            fields.push(("msg".to_owned(), "Gather End".to_owned()));
        }
        fields
    }
}

fn words(verb: Verb) -> Option<String> {
    match verb {
        Verb::Say { text, .. } => Some(text),
        _ => None,
    }
}

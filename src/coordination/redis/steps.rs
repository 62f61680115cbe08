//! The steps of the port as scripts: keys and arguments in, replies out.

use super::connections::Connections;
use super::keys::Keys;
use super::scripts::Scripts;
use super::signals::Signals;
use super::{RedisSettings, RedisSettingsError, Timed};
use deadpool_redis::redis::{self, Script, ScriptInvocation};
use samvad_actors::coordination::{DAY_KEPT_US, concurrency_caps, day_caps, micros, rates};
use samvad_actors::domain::{AttemptId, CalendarDate, CampaignId, Mode};
use samvad_actors::ports::{
    Admission, Candidacy, CoordinationError, CountedOver, DayScope, Election, FleetCommand, FleetSignals, Incarnation,
    PermitRequest, PermitScopes, Rate, Rebuild, RebuildStart, Usage,
};
use std::sync::Arc;
use std::time::Duration;

/// What a step that needs an open admission said.
type Answer<T> = Result<Timed<Result<T, CoordinationError>>, CoordinationError>;
/// What a step said that is taken whether admission is open or not.
type Told<T> = Result<Timed<T>, CoordinationError>;

/// Each step with the time at which Redis took it. The outer error says that it may not have been taken.
pub struct Steps {
    connections: Arc<Connections>,
    keys: Keys,
    scripts: Scripts,
}

/// How long the count of a day is kept, in the seconds of `EXPIRE`.
const DAY_KEPT_SECONDS: u64 = DAY_KEPT_US / 1_000_000;
/// "No limit" among a script's arguments.
const NONE: i64 = -1;
/// "No call at all" among a script's intervals.
const NEVER: i64 = -2;

impl Steps {
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, RedisSettingsError> {
        let connections = Connections::new(settings).map_err(|reason| RedisSettingsError { reason })?;
        Ok(Self {
            connections: Arc::new(connections),
            keys: Keys::new(&settings.fleet),
            scripts: Scripts::new(),
        })
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn acquire(&self, request: &PermitRequest) -> Answer<Admission> {
        let PermitRequest { scopes, limits, .. } = request;
        let keys = [self.keys.state(), self.keys.permit(&request.attempt)];
        let mut script = invocation(&self.scripts.acquire, keys);
        add_keys(&mut script, self.keys.held(scopes));
        add_keys(&mut script, self.keys.begun(scopes));
        add_keys(&mut script, self.keys.days(scopes));
        script
            .arg(request.attempt.as_str())
            .arg(text(scopes)?)
            .arg(micros(request.lasts));
        for (_, cap) in concurrency_caps(limits) {
            script.arg(cap.map_or(NONE, i64::from));
        }
        for (_, rate) in rates(limits) {
            script.arg(rate.map_or(NONE, interval));
        }
        for (_, cap) in day_caps(limits) {
            script.arg(cap.map_or(NONE, i64::from));
        }
        script.arg(DAY_KEPT_SECONDS);
        let mut reply = self.connections.run(&script).await?;
        let admission = match reply.word.as_str() {
            "shut" => Err(CoordinationError::Shut),
            "granted" => Ok(Admission::Granted {
                expires_in: reply.duration()?,
                incarnation: Incarnation(reply.part()?),
            }),
            "refused" => Ok(Admission::Refused {
                limit: reply.limit()?,
                retry_after: reply.duration_or_none()?,
            }),
            _ => return Err(reply.unexpected()),
        };
        Ok(reply.timed(admission))
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn release(&self, attempt: &AttemptId) -> Told<bool> {
        self.give_back(attempt, false).await
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn cancel(&self, attempt: &AttemptId) -> Told<bool> {
        self.give_back(attempt, true).await
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn held(&self, mode: Mode) -> Answer<Vec<AttemptId>> {
        let keys = [self.keys.state(), self.keys.held_in_fleet(mode)];
        let mut reply = self.connections.run(&invocation(&self.scripts.held, keys)).await?;
        let held = match reply.word.as_str() {
            "shut" => Err(CoordinationError::Shut),
            "held" => Ok(reply.part::<Vec<String>>()?.into_iter().map(AttemptId::new).collect()),
            _ => return Err(reply.unexpected()),
        };
        Ok(reply.timed(held))
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn usage(&self, mode: Mode, campaign: &CampaignId, date: CalendarDate) -> Answer<Usage> {
        let day = |of| self.keys.day(&DayScope { mode, date, of });
        let keys = [
            self.keys.state(),
            self.keys.held_in_fleet(mode),
            self.keys.held_by_campaign(mode, campaign),
            day(CountedOver::Fleet),
            day(CountedOver::Campaign(campaign.clone())),
        ];
        let mut reply = self.connections.run(&invocation(&self.scripts.usage, keys)).await?;
        let usage = match reply.word.as_str() {
            "shut" => Err(CoordinationError::Shut),
            "usage" => Ok(Usage {
                fleet_held: reply.part()?,
                campaign_held: reply.part()?,
                fleet_today: reply.part()?,
                campaign_today: reply.part()?,
            }),
            _ => return Err(reply.unexpected()),
        };
        Ok(reply.timed(usage))
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn campaign_lease(&self, candidacy: &Candidacy) -> Told<Election> {
        let mut script = invocation(&self.scripts.campaign_lease, [self.keys.lease(&candidacy.campaign)]);
        script
            .arg(&candidacy.node)
            .arg(candidacy.known_epoch)
            .arg(micros(candidacy.lasts));
        let mut reply = self.connections.run(&script).await?;
        let election = match reply.word.as_str() {
            "leader" => Election::Leader { epoch: reply.part()? },
            "follower" => Election::Follower {
                retry_after: reply.duration()?,
            },
            _ => return Err(reply.unexpected()),
        };
        Ok(reply.timed(election))
    }

    /// See the port; a lease renewed for no time is resigned.
    ///
    /// # Errors
    /// As the port.
    pub async fn renew_lease(&self, campaign: &CampaignId, node: &str, epoch: u64, lasts: Duration) -> Told<bool> {
        let mut script = invocation(&self.scripts.renew_lease, [self.keys.lease(campaign)]);
        script.arg(node).arg(epoch).arg(micros(lasts));
        let reply = self.connections.run(&script).await?;
        Ok(reply.timed(reply.word == "held"))
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn is_open(&self) -> Result<bool, CoordinationError> {
        let mut exists = redis::cmd("EXISTS");
        self.connections.command(exists.arg(self.keys.state())).await
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn begin_rebuild(&self, token: &Incarnation, lasts: Duration) -> Told<RebuildStart> {
        let keys = [self.keys.state(), self.keys.rebuild(), self.keys.ended()];
        let mut script = invocation(&self.scripts.begin_rebuild, keys);
        script.arg(&token.0).arg(micros(lasts));
        let mut reply = self.connections.run(&script).await?;
        let start = match reply.word.as_str() {
            "begun" => RebuildStart::Begun,
            "open" => RebuildStart::AlreadyOpen,
            "busy" => RebuildStart::Busy {
                retry_after: reply.duration()?,
            },
            _ => return Err(reply.unexpected()),
        };
        Ok(reply.timed(start))
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn finish_rebuild(&self, token: &Incarnation, rebuild: &Rebuild) -> Told<bool> {
        let keys = [self.keys.state(), self.keys.rebuild(), self.keys.ended()];
        let mut script = invocation(&self.scripts.finish_rebuild, keys);
        script
            .arg(&token.0)
            .arg(rebuild.permits.len())
            .arg(rebuild.day_counts.len())
            .arg(DAY_KEPT_SECONDS);
        for permit in &rebuild.permits {
            script.key(self.keys.permit(&permit.attempt));
            add_keys(&mut script, self.keys.held(&permit.scopes));
            script
                .arg(permit.attempt.as_str())
                .arg(text(&permit.scopes)?)
                .arg(micros(permit.lasts));
        }
        for (scope, calls) in &rebuild.day_counts {
            script.key(self.keys.day(scope)).arg(*calls);
        }
        let reply = self.connections.run(&script).await?;
        Ok(reply.timed(reply.word == "opened"))
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn publish(&self, command: &FleetCommand) -> Result<(), CoordinationError> {
        let mut publish = redis::cmd("PUBLISH");
        let message = serde_json::to_string(command).map_err(unwritable)?;
        self.connections
            .command(publish.arg(self.keys.commands()).arg(message))
            .await
    }

    /// See the port.
    ///
    /// # Errors
    /// As the port.
    pub async fn subscribe(&self) -> Result<Box<dyn FleetSignals>, CoordinationError> {
        let channel = self.keys.commands();
        Ok(Box::new(Signals {
            connection: Some(self.connections.listen(&channel).await?),
            connections: self.connections.clone(),
            channel,
        }))
    }

    /// A permit's keys follow from what it counts under, which is looked up first; if it changed meanwhile, again.
    async fn give_back(&self, attempt: &AttemptId, uncount: bool) -> Told<bool> {
        let permit = self.keys.permit(attempt);
        loop {
            let keys = [self.keys.rebuild(), self.keys.ended(), permit.clone()];
            let mut script = invocation(&self.scripts.look_up, keys);
            script.arg(attempt.as_str());
            let mut reply = self.connections.run(&script).await?;
            match reply.word.as_str() {
                "none" => return Ok(reply.timed(false)),
                "held" => {}
                _ => return Err(reply.unexpected()),
            }
            let looked_up: String = reply.part()?;
            let scopes: PermitScopes = serde_json::from_str(&looked_up).map_err(|_| CoordinationError::Corrupt {
                reason: "a permit that this version cannot read".to_owned(),
            })?;
            let mut script = invocation(&self.scripts.give_back, [permit.clone()]);
            add_keys(&mut script, self.keys.held(&scopes));
            add_keys(&mut script, self.keys.days(&scopes));
            script.arg(attempt.as_str()).arg(looked_up).arg(i64::from(uncount));
            let reply = self.connections.run(&script).await?;
            match reply.word.as_str() {
                "none" => return Ok(reply.timed(false)),
                "gone" => return Ok(reply.timed(true)),
                "changed" => {}
                _ => return Err(reply.unexpected()),
            }
        }
    }
}

fn invocation<const N: usize>(script: &Script, keys: [String; N]) -> ScriptInvocation<'_> {
    let mut invocation = script.prepare_invoke();
    add_keys(&mut invocation, keys);
    invocation
}

fn add_keys<const N: usize>(invocation: &mut ScriptInvocation<'_>, keys: [String; N]) {
    for key in keys {
        invocation.key(key);
    }
}

fn interval(rate: Rate) -> i64 {
    let interval = rate.interval_us();
    interval.map_or(NEVER, |us| i64::try_from(us).unwrap_or(i64::MAX))
}

fn text(scopes: &PermitScopes) -> Result<String, CoordinationError> {
    serde_json::to_string(scopes).map_err(unwritable)
}

fn unwritable(error: serde_json::Error) -> CoordinationError {
    CoordinationError::Corrupt {
        reason: format!("it cannot be written: {error}"),
    }
}

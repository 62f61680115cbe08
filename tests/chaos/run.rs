//! One run: campaigns are activated, things go wrong, and everything settles.

use crate::faults::{NODES, Step, endings, plan};
use crate::fleet::Fleet;
use crate::laws::{Breach, Record, breaches};
use crate::mutations::Mutation;
use crate::people::{OPEN, People};
use crate::record;
use rustix::process::Signal;
use samvad::app::campaigns::{Activation, Campaigns, on_the_command_line};
use samvad::config;
use samvad::coordination::RedisCoordination;
use samvad_actors::domain::{ChangedBy, Mode, PhoneNumber};
use samvad_actors::ports::{Coordination, ExclusionSource};
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How often it is looked whether something has to be done.
const LOOK: Duration = Duration::from_millis(100);
/// How often the laws are judged while the run goes on.
const JUDGE: Duration = Duration::from_secs(3);
/// Calls per second that a run is reckoned with, faults included.
const CALLS_PER_SECOND: u64 = 5;
/// How long a number that is about to be called is looked for.
const LOOK_FOR_CALLS: Duration = Duration::from_secs(2);

/// What a run is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    pub contacts: u32,
    pub seconds: u64,
    pub mutation: Option<Mutation>,
}

/// One run.
pub struct Run {
    settings: Settings,
    directory: PathBuf,
    started: Instant,
}

impl Run {
    /// A run that leaves its files in a directory.
    pub fn new(settings: Settings, directory: &Path) -> Self {
        Self {
            settings,
            directory: directory.to_owned(),
            started: Instant::now(),
        }
    }

    /// Runs until everything is settled, or the time is over, or a law is broken that cannot be mended; gives what was
    /// broken. To be awaited on the test's own thread: the processes die with it.
    pub async fn to_the_end(&self) -> Vec<Breach> {
        let long = self.settings.contacts > 500;
        let people = People::new(self.settings.seed, self.settings.contacts, long, now_ms());
        let mut fleet = Fleet::start(&self.directory, &people, self.settings.seed).await;
        let database = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(Duration::from_secs(5))
            .connect(&fleet.database_url)
            .await
            .expect("connected");
        record::watch(&database).await.expect("watched");
        if let Some(mutation) = self.settings.mutation {
            mutation.apply(&database).await.expect("taken out");
        }
        let operator = Arc::new(operator(&fleet).await);
        activate(&operator, &people).await;
        (0..NODES).for_each(|index| fleet.start_node(index));
        self.say("the fleet is up");
        let broken = self.fail_and_wait(&mut fleet, &people, &database, &operator).await;
        match broken {
            Some(broken) => broken,
            None => {
                let record = self.settle(&mut fleet, &people, &database, &operator).await;
                expect_work(&record);
                breaches(&record)
            }
        }
    }

    /// Does what the plan says, until it is done and the campaigns that can finish have. What is broken, if a law is that
    /// cannot be mended: then the run need not go on.
    async fn fail_and_wait(
        &self,
        fleet: &mut Fleet,
        people: &People,
        database: &PgPool,
        operator: &Arc<Campaigns>,
    ) -> Option<Vec<Breach>> {
        let lasts =
            Duration::from_secs(u64::from(self.settings.contacts) / CALLS_PER_SECOND).max(Duration::from_secs(30));
        let begun = Instant::now();
        let mut steps = plan(self.settings.seed, lasts).into_iter().peekable();
        let mut wanted = [true; NODES];
        let mut judged = Instant::now();
        while !self.is_over() {
            while let Some((_, step)) = steps.next_if(|&(at, _)| at <= begun.elapsed()) {
                self.say(&format!("{step:?}"));
                take(step, fleet, &mut wanted, database, operator);
            }
            // A node that found no database has ended; whoever looks after it starts it again.
            (0..NODES)
                .filter(|&index| wanted[index])
                .for_each(|index| fleet.start_node(index));
            if judged.elapsed() >= JUDGE {
                judged = Instant::now();
                if let Ok(record) = record::read(&self.directory, people, database).await {
                    let mut broken = breaches(&record);
                    broken.retain(|breach| breach.law.holds_always());
                    if !broken.is_empty() {
                        self.say("a law is broken");
                        return Some(broken);
                    }
                    let may_end = steps.peek().is_none() && now_ms() > people.closes_ms;
                    let finished = record
                        .campaigns
                        .values()
                        .all(|campaign| campaign.finished || !campaign.must_finish);
                    if may_end && finished {
                        self.say("the campaigns that can finish have");
                        return None;
                    }
                }
            }
            tokio::time::sleep(LOOK).await;
        }
        self.say("the time is over");
        for step in endings(steps.map(|(_, step)| step)) {
            take(step, fleet, &mut wanted, database, operator);
        }
        None
    }

    /// Stops what cannot finish, waits for the last attempt's outcome and then for the last permit.
    async fn settle(&self, fleet: &mut Fleet, people: &People, database: &PgPool, operator: &Arc<Campaigns>) -> Record {
        for planned in people
            .campaigns
            .iter()
            .filter(|planned| planned.campaign.id.as_str() != OPEN)
        {
            // One that has finished cannot be stopped.
            let _ = operator.stop(&planned.campaign.id, &by()).await;
        }
        let coordination = RedisCoordination::new(&fleet.redis.settings()).expect("Redis");
        loop {
            let mut record = record::read(&self.directory, people, database).await.expect("read");
            let held = coordination.held(Mode::Simulated).await.expect("held");
            if held.is_empty() {
                record.permits_gone_ms = Some(now_ms());
            }
            let open = record
                .attempts
                .iter()
                .filter(|attempt| attempt.outcome.is_none())
                .count();
            let calls = record.calls.iter().filter(|call| call.over_ms.is_none()).count();
            if self.is_over() || (open == 0 && calls == 0 && held.is_empty()) {
                self.say(&summary(&record));
                self.say(&format!("left: {open} attempts, {calls} calls, {} permits", held.len()));
                return record;
            }
            (0..NODES).for_each(|index| fleet.start_node(index));
            tokio::time::sleep(LOOK * 5).await;
        }
    }

    fn is_over(&self) -> bool {
        self.started.elapsed() >= Duration::from_secs(self.settings.seconds)
    }

    fn say(&self, what: &str) {
        eprintln!("chaos: {:6.1} s: {what}", self.started.elapsed().as_secs_f64());
    }
}

/// Does one thing to the fleet.
fn take(step: Step, fleet: &mut Fleet, wanted: &mut [bool; NODES], database: &PgPool, operator: &Arc<Campaigns>) {
    match step {
        Step::Kill(index) => {
            wanted[index] = false;
            fleet.kill_node(index);
        }
        Step::Start(index) => wanted[index] = true,
        Step::RedisEmptied => {
            let mut command = deadpool_redis::redis::Cmd::new();
            command.arg("FLUSHALL");
            let _: () = fleet.redis.ask(&command);
        }
        Step::RedisKilled => fleet.redis.kill(),
        Step::RedisStarted => fleet.redis.start_again(),
        Step::RedisHangs => fleet.redis.signal(Signal::STOP),
        Step::RedisGoesOn => fleet.redis.signal(Signal::CONT),
        Step::DatabaseCrashed => fleet.database.crash().expect("stopped"),
        Step::DatabaseStarted => fleet.database.restart().expect("started"),
        Step::OptOut => {
            let (database, operator) = (database.clone(), operator.clone());
            tokio::spawn(async move { opt_out_the_next(&database, &operator).await });
        }
    }
}

/// Opts a number out between its claim and its mark: that is when it must be looked at once more.
async fn opt_out_the_next(database: &PgPool, operator: &Campaigns) {
    let planned = "SELECT c.phone_number FROM attempts a JOIN contacts c ON c.id = a.contact_id
        WHERE a.state = 'planned' ORDER BY a.created_at_ms DESC LIMIT 1";
    let until = Instant::now() + LOOK_FOR_CALLS;
    while Instant::now() < until {
        if let Ok(Some(number)) = sqlx::query_scalar::<_, String>(planned).fetch_optional(database).await {
            let number = PhoneNumber::parse(&number).expect("E.164");
            // While the database is away nobody can be opted out.
            let _ = operator
                .add_do_not_call(&[number], ExclusionSource::Manual, &by())
                .await;
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn by() -> ChangedBy {
    on_the_command_line("operator")
}

async fn operator(fleet: &Fleet) -> Campaigns {
    let settings = config::Settings::from_env(&fleet.operator()).expect("settings");
    Campaigns::open(&settings).await.expect("opened")
}

async fn activate(operator: &Campaigns, people: &People) {
    for planned in &people.campaigns {
        let campaign = planned.campaign.id.clone();
        operator.create(&planned.campaign, &by()).await.expect("created");
        operator
            .import_contacts(&campaign, &planned.contacts, &by())
            .await
            .expect("imported");
        let activation = Activation {
            campaign,
            mode: Mode::Simulated,
            starts_at_ms: None,
            confirmation: None,
        };
        operator.activate(&activation, &by()).await.expect("activated");
    }
}

/// A run in which a campaign called nobody, or nobody was opted out, would show nothing.
fn expect_work(record: &Record) {
    for id in record.campaigns.keys() {
        let called = record.attempts.iter().any(|attempt| attempt.campaign == *id);
        assert!(called, "{id} called nobody: the run shows nothing about it");
    }
    assert!(!record.opt_outs.is_empty(), "nobody was opted out");
}

/// What there was to be judged.
fn summary(record: &Record) -> String {
    let mut outcomes: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for attempt in &record.attempts {
        let outcome = attempt.outcome.as_deref().unwrap_or("none");
        *outcomes.entry((&attempt.campaign, outcome)).or_default() += 1;
    }
    let (calls, marks, opt_outs) = (record.calls.len(), record.marks.len(), record.opt_outs.len());
    format!("{calls} calls, {marks} attempts marked, {opt_outs} opt-outs; {outcomes:?}")
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_millis()).expect("a time")
}

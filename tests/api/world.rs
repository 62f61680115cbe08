//! A server of the API with a store of its own, and people and programs that use it. For the tests of every operation.

use super::client::{Answer, Request};
use samvad::access::keys::{hash, random_key};
use samvad::access::sessions::SessionCookie;
use samvad::api::limits::{Rate, Rates};
use samvad::api::{ApiPorts, bind};
use samvad::app::Gauges;
use samvad::app::campaigns::Campaigns;
use samvad::config::Settings;
use samvad::store::SqlStore;
use samvad_actors::domain::{ActorKind, ChangedBy, Permission, Role, TokenId, UserId};
use samvad_actors::ports::{AccountStore, AuditEntry, Clock, NewToken, SignIn};
use samvad_actors::runtime::Readiness;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// When everything happens unless a test moves the clock.
pub const NOW: i64 = 1_800_000_000_000;

/// A clock that stands still, at this moment in UTC milliseconds.
pub struct TestClock(pub AtomicI64);

impl Clock for TestClock {
    fn unix_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// Somebody who sends requests.
#[derive(Clone, Debug)]
pub enum Somebody {
    Nobody,
    /// With a session.
    Person {
        id: UserId,
        cookie: String,
        csrf_token: String,
    },
    /// With a token.
    Program {
        token: String,
    },
}

impl Somebody {
    /// Signs a request as they would.
    pub fn sign(&self, request: Request) -> Request {
        match self {
            Self::Nobody => request,
            Self::Person { cookie, csrf_token, .. } => {
                request.header("cookie", cookie).header("x-csrf-token", csrf_token)
            }
            Self::Program { token } => request.header("authorization", format!("Bearer {token}")),
        }
    }

    pub fn id(&self) -> &UserId {
        match self {
            Self::Person { id, .. } => id,
            _ => panic!("only a person has an id"),
        }
    }
}

/// A server of the API.
pub struct World {
    pub address: SocketAddr,
    pub store: Arc<SqlStore>,
    pub clock: Arc<TestClock>,
    pub campaigns: Arc<Campaigns>,
    pub readiness: Arc<Readiness>,
    /// What the local login has shown.
    pub secrets: Arc<Mutex<Vec<String>>>,
    cookie: SessionCookie,
    origin: String,
    people: AtomicU32,
    runtime: tokio::runtime::Runtime,
    server: Option<(actix_web::dev::ServerHandle, JoinHandle<()>)>,
    _directory: TempDir,
}

/// Rates that no test reaches by accident.
pub fn generous() -> Rates {
    let many = NonZeroU32::new(1_000_000).expect("many");
    let rate = Rate::new(many, many);
    Rates {
        principal: rate,
        address: rate,
    }
}

impl World {
    pub fn start() -> Self {
        Self::with(&[], generous())
    }

    /// With these settings, and these rates.
    pub fn with(settings: &[(&str, &str)], rates: Rates) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut environment: BTreeMap<String, String> = BTreeMap::from([
            ("SAMVAD_DATA_DIR".to_owned(), directory.path().display().to_string()),
            ("SAMVAD_API_BIND".to_owned(), "127.0.0.1:0".to_owned()),
        ]);
        environment.extend(
            settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let settings = Settings::from_env(&environment).expect("settings");
        let api = settings.api.clone().expect("an API");
        let oidc = settings.oidc.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let store = Arc::new(
            runtime
                .block_on(SqlStore::open(&settings.database_url))
                .expect("a store"),
        );
        let clock = Arc::new(TestClock(AtomicI64::new(NOW)));
        let campaigns = Arc::new(Campaigns::over(&settings, store.clone(), None, None, clock.clone()));
        let readiness = Arc::new(Readiness::default());
        let secrets = Arc::new(Mutex::new(Vec::new()));
        let announce = {
            let secrets = secrets.clone();
            Box::new(move |secret: &str| secrets.lock().expect("a list").push(secret.to_owned()))
        };
        let ports = ApiPorts {
            accounts: store.clone(),
            audit: store.clone(),
            keys: store.clone(),
            campaigns: campaigns.clone(),
            clock: clock.clone(),
            readiness: readiness.clone(),
            vitals: Arc::new(|| Gauges {
                sockets: 3,
                calls: 2,
                permits: 1,
                service_tasks: 0,
                dropped_frames: 0,
            }),
            announce: Some(announce),
            oidc: oidc.clone(),
            rates,
        };
        let (tell, told) = std::sync::mpsc::channel();
        let api_settings = api.clone();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let bound = bind(&api_settings, ports).expect("bound");
                tell.send((bound.address, bound.handle)).expect("told");
                bound.server.await.expect("served");
            });
        });
        let (address, handle) = told.recv().expect("an address");
        let public_url = api.public_url_at(address).expect("an origin");
        Self {
            address,
            store,
            clock,
            campaigns,
            readiness,
            secrets,
            cookie: SessionCookie::for_origin(&public_url),
            origin: public_url.origin().to_owned(),
            people: AtomicU32::new(0),
            runtime,
            server: Some((handle, thread)),
            _directory: directory,
        }
    }

    /// The origin at which the server says it is reached.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn send(&self, request: &Request) -> Answer {
        request.send(self.address)
    }

    pub fn as_somebody(&self, who: &Somebody, request: Request) -> Answer {
        self.send(&who.sign(request))
    }

    /// Does something with the store.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("not long");
        self.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// A new user of this role, who has signed in.
    pub fn person(&self, role: Role) -> Somebody {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        let who = SignIn {
            issuer: "https://login.example.org".to_owned(),
            subject: format!("subject-{number}"),
            email: None,
            name: format!("Person {number}"),
            role,
        };
        let opened = self
            .wait(self.cookie.open(&*self.store, &who, None, self.clock.unix_ms()))
            .expect("signed in")
            .expect("not disabled");
        let cookie = opened
            .cookie
            .to_str()
            .expect("text")
            .split(';')
            .next()
            .expect("a pair")
            .to_owned();
        Somebody::Person {
            id: opened.user.id,
            cookie,
            csrf_token: opened.csrf_token,
        }
    }

    /// A token of a user.
    pub fn program(&self, owner: &UserId, scopes: &[Permission]) -> Somebody {
        let token = format!("smv_{}", random_key());
        let new = NewToken {
            id: TokenId::new(random_key()),
            owner: owner.clone(),
            name: "a program".to_owned(),
            hash: hash(&token),
            hint: "hint".to_owned(),
            scopes: scopes.to_vec(),
            expires_at_ms: None,
        };
        let audit = AuditEntry {
            by: ChangedBy {
                kind: ActorKind::System,
                id: String::new(),
                name: "test".to_owned(),
                request_id: None,
            },
            action: "token.create",
            target: ("token", new.id.to_string()),
            before: None,
            after: None,
        };
        self.wait(self.store.add_token(&new, &audit, self.clock.unix_ms()))
            .expect("kept");
        Somebody::Program { token }
    }

    /// The last secret of the local login.
    pub fn secret(&self) -> String {
        self.secrets.lock().expect("a list").last().expect("a secret").clone()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some((handle, thread)) = self.server.take() {
            self.runtime.block_on(handle.stop(false));
            let _ = thread.join();
        }
    }
}

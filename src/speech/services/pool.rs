//! The connections to one service: some are open ahead, so that the first word of a call waits for no handshake.

use super::client::ServiceClient;
use super::connection::{Connection, First, OPEN_DEADLINE, Offer};
use super::protocol::Protocol;
use super::threads::ServiceThreads;
use super::utterance::Job;
use rand::RngExt;
use samvad_actors::ports::RecognizerError;
use samvad_actors::services::{Breaker, Fault};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::Instant;

/// How many connections a service may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolSettings {
    /// At most, of all languages together.
    pub most: usize,
    /// Open ahead for each language that is spoken.
    pub spare: usize,
}

impl Default for PoolSettings {
    /// 50, which the smaller plans of the services allow, and 2 ahead.
    fn default() -> Self {
        Self { most: 50, spare: 2 }
    }
}

/// What a pool holds now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolGauges {
    /// Connections that are open or being opened.
    pub connections: usize,
    /// Of them, those that wait for an utterance.
    pub idle: usize,
    /// Connections opened so far, those that failed included.
    pub opened: u64,
}

pub(super) struct Pool<P> {
    protocol: P,
    client: ServiceClient,
    threads: Arc<ServiceThreads>,
    settings: PoolSettings,
    inner: Mutex<Inner>,
    /// Told when a connection has ended.
    freed: Notify,
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    languages: BTreeMap<String, Connections>,
    total: usize,
    /// Connections of the total that are ending, so that utterances of another language have their places.
    promised: usize,
    opened: u64,
    next_number: u64,
}

#[derive(Default)]
struct Connections {
    /// The latest to come is the first to go: those that are not needed age, and close.
    idle: Vec<(u64, oneshot::Sender<Job>)>,
    /// A task keeps some open ahead.
    kept: bool,
    /// Told when a connection has been taken or has ended.
    taken: Arc<Notify>,
}

/// One of the connections that count, until it is dropped.
struct Counted<P: Protocol> {
    pool: Arc<Pool<P>>,
    tag: String,
}

impl<P: Protocol> Drop for Counted<P> {
    fn drop(&mut self) {
        let mut inner = self.pool.lock();
        inner.total = inner.total.saturating_sub(1);
        for language in inner.languages.values() {
            language.taken.notify_one();
        }
        self.pool.freed.notify_waiters();
    }
}

impl<P: Protocol> Pool<P> {
    pub(super) fn new(
        protocol: P,
        client: ServiceClient,
        threads: Arc<ServiceThreads>,
        settings: PoolSettings,
    ) -> Self {
        Self {
            protocol,
            client,
            threads,
            settings,
            inner: Mutex::default(),
            freed: Notify::new(),
            closed: watch::Sender::new(false),
        }
    }

    pub(super) fn protocol(&self) -> &P {
        &self.protocol
    }

    pub(super) fn client(&self) -> &ServiceClient {
        &self.client
    }

    /// Gives an utterance to a connection: one that waits, else a new one.
    pub(super) fn dispatch(self: &Arc<Self>, tag: &str, job: Job) {
        self.keep_spare(tag);
        let Some(job) = self.hand_over(tag, job) else {
            return;
        };
        let (pool, tag, counted) = (Arc::clone(self), tag.to_owned(), self.count(tag));
        self.threads.spawn(async move {
            let counted = match counted {
                Some(counted) => Some(counted),
                None => pool.place_of_another_language(&tag).await,
            };
            let Some(counted) = counted else {
                job.conclude(Err(RecognizerError::Overloaded));
                return;
            };
            match Connection::open(&pool, &tag).await {
                Ok(connection) => connection.serve(pool, counted.tag.clone(), First::Job(job)).await,
                Err(error) => job.conclude(Err(error)),
            }
        });
    }

    /// A place among the connections that one gives up which waits for another language; `None` if all are at work.
    async fn place_of_another_language(self: &Arc<Self>, tag: &str) -> Option<Counted<P>> {
        let freed = self.freed.notified();
        tokio::pin!(freed);
        // From here on nothing is missed.
        freed.as_mut().enable();
        if !self.give_up_one_of_another_language(tag) {
            return None;
        }
        let deadline = Instant::now() + OPEN_DEADLINE;
        let mut in_time = true;
        loop {
            {
                // Seen and taken under one lock: others wait for the same place.
                let mut inner = self.lock();
                let is_free = inner.total < self.settings.most;
                if is_free || !in_time {
                    inner.promised = inner.promised.saturating_sub(1);
                    return is_free.then(|| self.counted(&mut inner, tag));
                }
            }
            in_time = tokio::time::timeout_at(deadline, freed.as_mut()).await.is_ok();
            freed.set(self.freed.notified());
            freed.as_mut().enable();
        }
    }

    /// Has a connection end that waits for another language: of the one with the most, that which has waited longest.
    /// Its place is promised then.
    fn give_up_one_of_another_language(&self, tag: &str) -> bool {
        let mut inner = self.lock();
        let others = inner.languages.iter_mut().filter(|(other, _)| *other != tag);
        let most = others
            .map(|(_, language)| language)
            .max_by_key(|language| language.idle.len());
        match most {
            Some(most) if !most.idle.is_empty() => drop(most.idle.remove(0)),
            _ => return false,
        }
        inner.promised += 1;
        true
    }

    /// Opens a connection for a language unless one is open, and keeps some open from then on. Returns when one is.
    pub(super) async fn warm(self: &Arc<Self>, tag: &str) -> Result<(), RecognizerError> {
        let is_warm = self
            .lock()
            .languages
            .get(tag)
            .is_some_and(|language| !language.idle.is_empty());
        if !is_warm {
            self.open_ahead(tag).await?;
        }
        self.keep_spare(tag);
        Ok(())
    }

    /// Has a connection wait for an utterance. `None` if the pool is closed.
    pub(super) fn offer(&self, tag: &str) -> Option<Offer> {
        let mut inner = self.lock();
        if *self.closed.borrow() {
            return None;
        }
        inner.next_number += 1;
        let number = inner.next_number;
        let (sender, job) = oneshot::channel();
        inner
            .languages
            .entry(tag.to_owned())
            .or_default()
            .idle
            .push((number, sender));
        Some(Offer { number, job })
    }

    /// Takes back an offer. False if it has been accepted.
    pub(super) fn withdraw(&self, tag: &str, number: u64) -> bool {
        let mut inner = self.lock();
        let Some(language) = inner.languages.get_mut(tag) else {
            return false;
        };
        let before = language.idle.len();
        language.idle.retain(|(offered, _)| *offered != number);
        before > language.idle.len()
    }

    /// Whether more connections wait than are kept open ahead.
    pub(super) fn is_surplus(&self, tag: &str) -> bool {
        let inner = self.lock();
        inner
            .languages
            .get(tag)
            .is_some_and(|language| language.idle.len() > self.settings.spare)
    }

    /// Returns when the pool is closed.
    pub(super) async fn closed(&self) {
        // An error only says that the pool is gone.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    /// Ends all connections that wait, and the others after their utterance.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    pub(super) fn gauges(&self) -> PoolGauges {
        let inner = self.lock();
        PoolGauges {
            connections: inner.total,
            idle: inner.languages.values().map(|language| language.idle.len()).sum(),
            opened: inner.opened,
        }
    }

    /// The utterance again if no connection waits.
    fn hand_over(&self, tag: &str, mut job: Job) -> Option<Job> {
        let mut inner = self.lock();
        let language = inner.languages.entry(tag.to_owned()).or_default();
        while let Some((_, connection)) = language.idle.pop() {
            match connection.send(job) {
                Ok(()) => {
                    language.taken.notify_one();
                    return None;
                }
                Err(returned) => job = returned,
            }
        }
        Some(job)
    }

    /// A place among the connections, unless there are enough.
    fn count(self: &Arc<Self>, tag: &str) -> Option<Counted<P>> {
        let mut inner = self.lock();
        let is_full = inner.total + inner.promised >= self.settings.most;
        (!is_full && !*self.closed.borrow()).then(|| self.counted(&mut inner, tag))
    }

    fn counted(self: &Arc<Self>, inner: &mut Inner, tag: &str) -> Counted<P> {
        inner.total += 1;
        inner.opened += 1;
        Counted {
            pool: Arc::clone(self),
            tag: tag.to_owned(),
        }
    }

    /// Opens a connection that waits for an utterance, and returns when it does.
    async fn open_ahead(self: &Arc<Self>, tag: &str) -> Result<(), RecognizerError> {
        let counted = self.count(tag).ok_or(RecognizerError::Overloaded)?;
        let (opened, result) = oneshot::channel();
        let pool = Arc::clone(self);
        self.threads.spawn(async move {
            let (waiting, told) = match Connection::open(&pool, &counted.tag).await {
                // Who is told that it is open finds it waiting.
                Ok(connection) => (pool.offer(&counted.tag).map(|offer| (connection, offer)), Ok(())),
                Err(error) => (None, Err(error)),
            };
            // Who asked may have gone.
            let _ = opened.send(told);
            if let Some((connection, offer)) = waiting {
                connection.serve(pool, counted.tag.clone(), First::Offer(offer)).await;
            }
        });
        result.await.unwrap_or_else(|_| {
            Err(RecognizerError::Lost {
                reason: "it was shut down".to_owned(),
            })
        })
    }

    /// Starts the task that keeps connections of a language open ahead, unless it runs.
    fn keep_spare(self: &Arc<Self>, tag: &str) {
        let taken = {
            let mut inner = self.lock();
            let language = inner.languages.entry(tag.to_owned()).or_default();
            if std::mem::replace(&mut language.kept, true) {
                return;
            }
            Arc::clone(&language.taken)
        };
        let (pool, tag) = (Arc::clone(self), tag.to_owned());
        self.threads.spawn(async move {
            tokio::select! {
                () = pool.closed() => {}
                () = pool.keep_open(&tag, &taken) => {}
            }
        });
    }

    async fn keep_open(self: &Arc<Self>, tag: &str, taken: &Notify) {
        let start = Instant::now();
        let mut breaker = Breaker::default();
        loop {
            let lacks = {
                let inner = self.lock();
                let idle = inner.languages.get(tag).map_or(0, |language| language.idle.len());
                idle < self.settings.spare && inner.total + inner.promised < self.settings.most
            };
            if !lacks {
                taken.notified().await;
                continue;
            }
            let now_ms = start.elapsed().as_millis() as u64;
            match self.open_ahead(tag).await {
                Ok(()) => breaker.succeeded(),
                Err(error) => {
                    let fault = match error {
                        RecognizerError::Refused { .. } => Fault::Refused,
                        _ => Fault::Passing,
                    };
                    breaker.failed(now_ms, fault, rand::rng().random());
                    tracing::debug!(recognizer = self.protocol.name(), %error, "no connection could be opened ahead");
                    let until = start + Duration::from_millis(breaker.passes_from_ms());
                    tokio::time::sleep_until(until).await;
                    // The rest is over: from here on it is a trial, whose failure doubles the next rest.
                    breaker.try_pass(start.elapsed().as_millis() as u64);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under this lock is one step: a panic elsewhere leaves nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

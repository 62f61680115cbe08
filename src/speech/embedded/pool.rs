//! The parent's side of the child process: starts it, starts it again, and keeps what it has not answered yet.

use super::protocol::{Request, Response, read_frame, write_frame};
use samvad_actors::ports::RecognizerError;
use std::collections::BTreeMap;
use std::io::{self, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How often a request is sent at most: once, and once more to a new child.
const MOST_SENDS: u8 = 2;
const FIRST_BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);

type Reply = Result<Response, RecognizerError>;

/// How the child is started.
pub(super) struct ChildSettings {
    /// Our own binary.
    pub program: PathBuf,
    /// What makes it the child.
    pub argument: String,
    /// Its first request.
    pub setup: Request,
    /// Requests that may wait for an answer at once.
    pub most_waiting: usize,
    /// Silence of the child, while requests wait, after which it counts as hung and is killed.
    pub patience: Duration,
}

enum Event {
    Submitted(u64),
    ChildEnded { generation: u64 },
    Stop,
}

struct Job {
    frame: Arc<[u8]>,
    reply: oneshot::Sender<Reply>,
    sends: u8,
    /// The child it was last sent to.
    generation: u64,
}

struct Shared {
    waiting: Mutex<BTreeMap<u64, Job>>,
    child: Mutex<Option<Child>>,
    heard_from: Mutex<Instant>,
    next_sequence: AtomicU64,
    starts: AtomicU64,
}

/// A running child, replaced whenever it ends. Dropping it ends the child.
pub(super) struct ChildPool {
    shared: Arc<Shared>,
    events: Sender<Event>,
    most_waiting: usize,
    patience: Duration,
}

impl ChildPool {
    /// Starts the thread that starts the child.
    pub fn start(settings: ChildSettings) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            child: Mutex::default(),
            heard_from: Mutex::new(Instant::now()),
            next_sequence: AtomicU64::new(1),
            starts: AtomicU64::new(0),
        });
        let (events, receiver) = channel();
        let pool = Self {
            shared: Arc::clone(&shared),
            events: events.clone(),
            most_waiting: settings.most_waiting,
            patience: settings.patience,
        };
        std::thread::Builder::new()
            .name("recogniser-parent".to_owned())
            .spawn(move || supervise(&settings, &shared, &events, &receiver))?;
        Ok(pool)
    }

    /// The child's process id; `None` between two children.
    pub fn child_pid(&self) -> Option<u32> {
        lock(&self.shared.child).as_ref().map(Child::id)
    }

    /// How often a child was started.
    pub fn starts(&self) -> u64 {
        self.shared.starts.load(Ordering::Relaxed)
    }

    /// Requests without an answer yet.
    pub fn waiting(&self) -> usize {
        lock(&self.shared.waiting).len()
    }

    /// Sends a request, made with the number it gets, and waits for its answer. Dropping the future abandons it.
    pub async fn ask(&self, deadline: Duration, request: impl FnOnce(u64) -> Request) -> Reply {
        let sequence = self.shared.next_sequence.fetch_add(1, Ordering::Relaxed);
        let frame: Arc<[u8]> = request(sequence).encode().into();
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = lock(&self.shared.waiting);
            if waiting.len() >= self.most_waiting {
                return Err(RecognizerError::Overloaded);
            }
            let job = Job {
                frame,
                reply,
                sends: 0,
                generation: 0,
            };
            waiting.insert(sequence, job);
        }
        let _abandon = Abandon {
            shared: &self.shared,
            sequence,
        };
        let gone = || RecognizerError::Lost {
            reason: "the recogniser was shut down".to_owned(),
        };
        self.events.send(Event::Submitted(sequence)).map_err(|_| gone())?;
        match tokio::time::timeout(deadline, answer).await {
            Ok(answer) => answer.unwrap_or_else(|_| Err(gone())),
            Err(_) => {
                self.kill_if_hung();
                Err(RecognizerError::TimedOut {
                    deadline_ms: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
                })
            }
        }
    }

    fn kill_if_hung(&self) {
        if lock(&self.shared.heard_from).elapsed() >= self.patience
            && let Some(child) = lock(&self.shared.child).as_mut()
        {
            // Its end is noticed and answered like any other.
            let _ = child.kill();
        }
    }
}

impl Drop for ChildPool {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Stop);
        if let Some(child) = lock(&self.shared.child).as_mut() {
            // Also ends a write that blocks because the child no longer reads.
            let _ = child.kill();
        }
    }
}

/// Takes a request out of the waiting ones when its future ends, in whatever way.
struct Abandon<'a> {
    shared: &'a Shared,
    sequence: u64,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        lock(&self.shared.waiting).remove(&self.sequence);
    }
}

fn supervise(settings: &ChildSettings, shared: &Arc<Shared>, events: &Sender<Event>, receiver: &Receiver<Event>) {
    let mut back_off = Duration::ZERO;
    for generation in 1.. {
        let began = Instant::now();
        let reason = match spawn(settings, shared, events, generation) {
            Ok(stdin) => match serve(shared, receiver, stdin, generation) {
                Some(reason) => reason,
                None => break,
            },
            Err(error) => {
                let reason = format!("its process does not start: {error}");
                fail_all(shared, &reason);
                reason
            }
        };
        tracing::warn!(
            generation,
            reason,
            "the recogniser's child process ended; starting another"
        );
        // A child that served for a while is replaced at once, one that keeps failing less and less often.
        back_off = match began.elapsed() > LONGEST_BACK_OFF {
            true => Duration::ZERO,
            false => (back_off * 2).clamp(FIRST_BACK_OFF, LONGEST_BACK_OFF),
        };
        if generation > 1 && !back_off.is_zero() && stopped_within(receiver, back_off) {
            break;
        }
    }
    reap(shared);
    fail_all(shared, "the recogniser was shut down");
}

/// Starts a child and the thread that reads its answers.
fn spawn(
    settings: &ChildSettings,
    shared: &Arc<Shared>,
    events: &Sender<Event>,
    generation: u64,
) -> io::Result<ChildStdin> {
    let mut child = Command::new(&settings.program)
        .arg(&settings.argument)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // A Ctrl-C at the terminal is for the server, which drains with its recogniser alive.
        .process_group(0)
        .spawn()?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    *lock(&shared.child) = Some(child);
    shared.starts.fetch_add(1, Ordering::Relaxed);
    *lock(&shared.heard_from) = Instant::now();
    let (mut stdin, stdout) = pipes.ok_or_else(|| io::Error::other("no pipes"))?;
    let (shared, events) = (Arc::clone(shared), events.clone());
    std::thread::Builder::new()
        .name("recogniser-answers".to_owned())
        .spawn(move || {
            read_answers(&shared, stdout);
            let _ = events.send(Event::ChildEnded { generation });
        })?;
    // A failed write shows as the end of the answers.
    let _ = write_frame(&mut stdin, &settings.setup.encode());
    Ok(stdin)
}

/// Passes requests on until the child ends (then why) or the pool is stopped (then `None`).
fn serve(shared: &Shared, receiver: &Receiver<Event>, mut stdin: ChildStdin, generation: u64) -> Option<String> {
    let unanswered: Vec<u64> = lock(&shared.waiting).keys().copied().collect();
    for sequence in unanswered {
        pass_on(shared, &mut stdin, sequence, generation);
    }
    loop {
        match receiver.recv() {
            Ok(Event::Submitted(sequence)) => pass_on(shared, &mut stdin, sequence, generation),
            Ok(Event::ChildEnded { generation: ended }) if ended == generation => {
                drop(stdin);
                return Some(reap(shared));
            }
            Ok(Event::ChildEnded { .. }) => {}
            Ok(Event::Stop) | Err(_) => return None,
        }
    }
}

/// Sends a request unless this child has it already; one that has ended two children ends no third.
fn pass_on(shared: &Shared, stdin: &mut ChildStdin, sequence: u64, generation: u64) {
    let frame = {
        let mut waiting = lock(&shared.waiting);
        match waiting.get_mut(&sequence) {
            Some(job) if job.generation == generation => return,
            Some(job) if job.sends < MOST_SENDS => {
                job.sends += 1;
                job.generation = generation;
                Arc::clone(&job.frame)
            }
            _ => {
                if let Some(job) = waiting.remove(&sequence) {
                    let reason = "its process ended twice over this utterance".to_owned();
                    let _ = job.reply.send(Err(RecognizerError::Lost { reason }));
                }
                return;
            }
        }
    };
    // A failed write shows as the end of the answers.
    let _ = write_frame(stdin, &frame);
}

fn read_answers(shared: &Shared, stdout: ChildStdout) {
    let mut stdout = BufReader::new(stdout);
    while let Ok(Some(body)) = read_frame(&mut stdout) {
        let Ok(response) = Response::decode(&body) else {
            break;
        };
        *lock(&shared.heard_from) = Instant::now();
        if let Some(job) = lock(&shared.waiting).remove(&response.sequence()) {
            let _ = job.reply.send(Ok(response));
        }
    }
    // Whatever ended the answers, this child is of no more use.
    if let Some(child) = lock(&shared.child).as_mut() {
        let _ = child.kill();
    }
}

fn reap(shared: &Shared) -> String {
    let child = lock(&shared.child).take();
    match child.map(|mut child| child.kill().and_then(|()| child.wait())) {
        Some(Ok(status)) => status.to_string(),
        Some(Err(error)) => error.to_string(),
        None => "it never started".to_owned(),
    }
}

fn fail_all(shared: &Shared, reason: &str) {
    for (_, job) in std::mem::take(&mut *lock(&shared.waiting)) {
        let reason = reason.to_owned();
        let _ = job.reply.send(Err(RecognizerError::Lost { reason }));
    }
}

fn stopped_within(receiver: &Receiver<Event>, time: Duration) -> bool {
    let end = Instant::now() + time;
    loop {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            // What was submitted meanwhile is found among the waiting by the next child.
            Ok(Event::Submitted(_) | Event::ChildEnded { .. }) => {}
            Err(RecvTimeoutError::Timeout) => return false,
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step: a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

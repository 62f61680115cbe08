//! A server that speaks as one of the services does, or misbehaves. It talks HTTP by hand, so that every byte and every
//! pause is its own.

use samvad_media::{codec, wav};
use serde_json::Value;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The key that it takes.
pub const KEY: &str = "a-key-that-nobody-must-see";
/// Bytes of a chunk: odd, so that samples are torn apart.
const CHUNK: usize = 777;
/// A character's time in its speech.
const MS_PER_CHARACTER: usize = 60;

/// Which service it plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    ElevenLabs,
    OpenAi,
    Deepgram,
    Sarvam,
}

pub const SERVICES: [Service; 4] = [Service::ElevenLabs, Service::OpenAi, Service::Deepgram, Service::Sarvam];

/// What it does with a request that it could serve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    Speaks,
    /// Speaks after so many milliseconds.
    Hesitates(u64),
    /// Answers with this status and the fixture of this name.
    Refuses(u16, &'static str, Option<&'static str>),
    /// Never answers.
    Stalls,
    /// Begins, and sends no more.
    StallsWithin,
    /// Begins, and closes the connection.
    Cuts,
    /// Sends a web page as if all were well.
    SendsAPage,
    /// Sends compressed audio.
    SendsMp3,
    /// Sends what is not HTTP.
    TalksNonsense,
    IsSilent,
    SendsNothing,
    /// Says the beginning only.
    IsTooShort,
    NeverEnds,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }
}

struct Shared {
    service: Service,
    conduct: Mutex<(Conduct, usize)>,
    requests: Mutex<Vec<Request>>,
    open: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    is_over: AtomicBool,
}

/// The server. It stops when dropped.
pub struct SpeechServer {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SpeechServer {
    pub fn start(service: Service) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            service,
            conduct: Mutex::new((Conduct::Speaks, 0)),
            requests: Mutex::default(),
            open: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || accept(&listener, &shared)
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// The base URL as the service's own is set.
    pub fn url(&self) -> String {
        let version = if self.shared.service == Service::OpenAi {
            "/v1"
        } else {
            ""
        };
        format!("http://{}{version}", self.address)
    }

    /// From now on.
    pub fn behave(&self, conduct: Conduct) {
        self.behave_for(conduct, usize::MAX);
    }

    /// For so many requests; then it speaks.
    pub fn behave_for(&self, conduct: Conduct, requests: usize) {
        *lock(&self.shared.conduct) = (conduct, requests);
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// Most requests that were being answered at the same time.
    pub fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::Relaxed)
    }
}

impl Drop for SpeechServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        // Wakes the one that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_over.load(Ordering::Relaxed) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = shared.clone();
        std::thread::spawn(move || {
            shared.open.fetch_add(1, Ordering::Relaxed);
            // A client that is gone ends it.
            let _ = serve(&stream, &shared);
            let _ = stream.shutdown(Shutdown::Both);
            shared.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// One connection: request after request.
fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader, shared)? {
        lock(&shared.requests).push(request.clone());
        let under_way = shared.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        shared.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        let answered = answer(stream, shared, &request);
        shared.under_way.fetch_sub(1, Ordering::Relaxed);
        if !answered? {
            break;
        }
    }
    Ok(())
}

/// `None` at the end of the connection.
fn read_request(reader: &mut BufReader<&TcpStream>, shared: &Shared) -> std::io::Result<Option<Request>> {
    let mut head = String::new();
    loop {
        match reader.read_line(&mut head) {
            Ok(0) => return Ok(None),
            Ok(_) if head.ends_with("\r\n\r\n") => break,
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if shared.is_over.load(Ordering::Relaxed) {
                    return Ok(None);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let header = |line: &str| {
        line.split_once(": ")
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let mut request = Request {
        line,
        headers: lines.filter_map(header).collect(),
        body: Vec::new(),
    };
    let length = request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    request.body = vec![0; length];
    reader.read_exact(&mut request.body)?;
    Ok(Some(request))
}

/// True if the connection may go on.
fn answer(stream: &TcpStream, shared: &Shared, request: &Request) -> std::io::Result<bool> {
    let mut out = stream;
    if let Some((status, fixture)) = fault(shared.service, request) {
        send_error(&mut out, shared.service, status, fixture, None)?;
        return Ok(true);
    }
    let conduct = {
        let mut conduct = lock(&shared.conduct);
        match conduct.1 {
            0 => Conduct::Speaks,
            _ => {
                conduct.1 -= 1;
                conduct.0
            }
        }
    };
    let text = spoken_text(request);
    let ms = text.chars().count() * MS_PER_CHARACTER;
    let speech = |ms: usize, amplitude: f32| encoded(shared.service, ms, amplitude);
    match conduct {
        Conduct::Speaks => send_audio(&mut out, shared.service, &speech(ms, 9_000.0), true)?,
        Conduct::Hesitates(wait_ms) => {
            std::thread::sleep(Duration::from_millis(wait_ms));
            send_audio(&mut out, shared.service, &speech(ms, 9_000.0), true)?;
        }
        Conduct::Refuses(status, fixture, retry_after) => {
            send_error(&mut out, shared.service, status, fixture, retry_after)?;
        }
        Conduct::Stalls => wait_for_the_end(stream, shared),
        Conduct::StallsWithin => {
            send_audio(&mut out, shared.service, &speech(ms / 2, 9_000.0), false)?;
            wait_for_the_end(stream, shared);
        }
        Conduct::Cuts => {
            send_audio(&mut out, shared.service, &speech(ms / 2, 9_000.0), false)?;
            return Ok(false);
        }
        Conduct::SendsAPage => {
            let page = "<html><body>Sign in to the hotel's network</body></html>";
            send(&mut out, 200, "text/html; charset=utf-8", page.as_bytes(), None)?;
        }
        Conduct::SendsMp3 => send(&mut out, 200, "audio/mpeg", &[0xFF, 0xFB, 0x90, 0x64, 0, 0], None)?,
        Conduct::TalksNonsense => {
            out.write_all(b"\x00\x01\x02 confetti \xff\xfe\r\n\r\n")?;
            return Ok(false);
        }
        Conduct::IsSilent => send_audio(&mut out, shared.service, &speech(ms, 0.0), true)?,
        Conduct::SendsNothing => send_audio(&mut out, shared.service, &[], true)?,
        Conduct::IsTooShort => send_audio(&mut out, shared.service, &speech(100, 9_000.0), true)?,
        Conduct::NeverEnds => {
            let second = speech(1_000, 9_000.0);
            send_audio(&mut out, shared.service, &second, false)?;
            while !shared.is_over.load(Ordering::Relaxed) {
                chunks(&mut out, &second)?;
            }
        }
    }
    // What breaks off, or is no answer, ends the connection.
    Ok(!matches!(
        conduct,
        Conduct::Stalls | Conduct::StallsWithin | Conduct::NeverEnds
    ))
}

/// Until the client goes, or the server stops.
fn wait_for_the_end(mut stream: &TcpStream, shared: &Shared) {
    let mut byte = [0];
    while !shared.is_over.load(Ordering::Relaxed) {
        match stream.read(&mut byte) {
            Ok(0) => return,
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
            _ => {}
        }
    }
}

/// What a service refuses in a request, by itself: status and fixture.
fn fault(service: Service, request: &Request) -> Option<(u16, &'static str)> {
    let (path, key, key_status) = match service {
        Service::ElevenLabs => ("/v1/text-to-speech/", request.header("xi-api-key") == Some(KEY), 401),
        Service::OpenAi => {
            let bearer = format!("Bearer {KEY}");
            (
                "/v1/audio/speech",
                request.header("authorization") == Some(&bearer),
                401,
            )
        }
        Service::Deepgram => {
            let token = format!("Token {KEY}");
            ("/v1/speak", request.header("authorization") == Some(&token), 401)
        }
        Service::Sarvam => (
            "/text-to-speech/stream",
            request.header("api-subscription-key") == Some(KEY),
            403,
        ),
    };
    let is_post = request.line.starts_with(&format!("POST {path}"));
    let is_json = request.header("content-type") == Some("application/json");
    if !is_post || !is_json || spoken_text(request).is_empty() {
        return Some((404, "error_voice"));
    }
    if !key {
        return Some((key_status, "error_key"));
    }
    let names_nobody = request.line.contains("nobody") || String::from_utf8_lossy(&request.body).contains("nobody");
    names_nobody.then_some((400, "error_voice"))
}

fn spoken_text(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = body["text"].as_str().or_else(|| body["input"].as_str());
    text.unwrap_or_default().to_owned()
}

fn send_error(
    out: &mut impl Write,
    service: Service,
    status: u16,
    fixture: &str,
    retry_after: Option<&str>,
) -> std::io::Result<()> {
    let body = std::fs::read(folder(service).join(format!("{fixture}.json"))).expect("a fixture");
    send(out, status, "application/json", &body, retry_after)
}

/// Where a service's fixtures are.
pub fn folder(service: Service) -> std::path::PathBuf {
    let name = match service {
        Service::ElevenLabs => "elevenlabs",
        Service::OpenAi => "openai/speech",
        Service::Deepgram => "deepgram/speech",
        Service::Sarvam => "sarvam/speech",
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/services")
        .join(name)
}

fn send(out: &mut impl Write, status: u16, kind: &str, body: &[u8], retry_after: Option<&str>) -> std::io::Result<()> {
    let retry_after = retry_after.map_or(String::new(), |wait| format!("Retry-After: {wait}\r\n"));
    let length = body.len();
    write!(
        out,
        "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n{retry_after}\r\n"
    )?;
    out.write_all(body)
}

fn send_audio(out: &mut impl Write, service: Service, audio: &[u8], ends: bool) -> std::io::Result<()> {
    let kind = match service {
        Service::ElevenLabs => "audio/basic",
        Service::OpenAi => "audio/pcm",
        Service::Deepgram => "audio/mulaw;rate=8000",
        Service::Sarvam => "audio/wav",
    };
    write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    chunks(out, audio)?;
    if ends {
        out.write_all(b"0\r\n\r\n")?;
    }
    out.flush()
}

fn chunks(out: &mut impl Write, audio: &[u8]) -> std::io::Result<()> {
    for chunk in audio.chunks(CHUNK) {
        write!(out, "{:x}\r\n", chunk.len())?;
        out.write_all(chunk)?;
        out.write_all(b"\r\n")?;
        out.flush()?;
    }
    Ok(())
}

/// A tone in the service's coding.
fn encoded(service: Service, ms: usize, amplitude: f32) -> Vec<u8> {
    let rate = if service == Service::OpenAi { 24_000 } else { 8_000 };
    let sample = |n: usize| ((n as f32 * std::f32::consts::TAU * 440.0 / rate as f32).sin() * amplitude) as i16;
    let samples: Vec<i16> = (0..ms * rate / 1_000).map(sample).collect();
    match service {
        Service::ElevenLabs | Service::Deepgram => {
            let mut codes = Vec::new();
            codec::encode_mulaw(&samples, &mut codes);
            codes
        }
        Service::OpenAi => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        Service::Sarvam => {
            let mut file = wav::write_pcm16(&samples, 8_000);
            // A file that is streamed does not know its length when it begins.
            file[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
            file[40..44].copy_from_slice(&u32::MAX.to_le_bytes());
            file
        }
    }
}

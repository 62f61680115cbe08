//! A server that speaks as one of the services does, or misbehaves.

use crate::raw_http::{Connection, RawServer};
use samvad_media::{codec, wav};
use serde_json::Value;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use crate::raw_http::Request;

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

struct Shared {
    service: Service,
    conduct: Mutex<(Conduct, usize)>,
    requests: Mutex<Vec<Request>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

/// The server. It stops when dropped.
pub struct SpeechServer {
    pub address: SocketAddr,
    server: RawServer,
    shared: Arc<Shared>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SpeechServer {
    pub fn start(service: Service) -> Self {
        let shared = Arc::new(Shared {
            service,
            conduct: Mutex::new((Conduct::Speaks, 0)),
            requests: Mutex::default(),
            under_way: AtomicUsize::new(0),
            most_under_way: AtomicUsize::new(0),
        });
        let server = RawServer::start({
            let shared = shared.clone();
            move |connection| serve(connection, &shared)
        });
        Self {
            address: server.address,
            server,
            shared,
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
        self.server.open()
    }

    /// Most requests that were being answered at the same time.
    pub fn most_under_way(&self) -> usize {
        self.shared.most_under_way.load(Ordering::Relaxed)
    }
}

/// One connection: request after request.
fn serve(connection: &mut Connection<'_>, shared: &Shared) -> std::io::Result<()> {
    while let Some(request) = connection.read_request()? {
        lock(&shared.requests).push(request.clone());
        let under_way = shared.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        shared.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        let answered = answer(connection, shared, &request);
        shared.under_way.fetch_sub(1, Ordering::Relaxed);
        if !answered? {
            break;
        }
    }
    Ok(())
}

/// True if the connection may go on.
fn answer(connection: &mut Connection<'_>, shared: &Shared, request: &Request) -> std::io::Result<bool> {
    if let Some((status, fixture)) = fault(shared.service, request) {
        send_error(connection, shared.service, status, fixture, None)?;
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
        Conduct::Speaks => send_audio(connection, shared.service, &speech(ms, 9_000.0), true)?,
        Conduct::Hesitates(wait_ms) => {
            std::thread::sleep(Duration::from_millis(wait_ms));
            send_audio(connection, shared.service, &speech(ms, 9_000.0), true)?;
        }
        Conduct::Refuses(status, fixture, retry_after) => {
            send_error(connection, shared.service, status, fixture, retry_after)?;
        }
        Conduct::Stalls => connection.wait_for_the_end(),
        Conduct::StallsWithin => {
            send_audio(connection, shared.service, &speech(ms / 2, 9_000.0), false)?;
            connection.wait_for_the_end();
        }
        Conduct::Cuts => {
            send_audio(connection, shared.service, &speech(ms / 2, 9_000.0), false)?;
            return Ok(false);
        }
        Conduct::SendsAPage => {
            let page = "<html><body>Sign in to the hotel's network</body></html>";
            connection.send(200, "text/html; charset=utf-8", "", page.as_bytes())?;
        }
        Conduct::SendsMp3 => connection.send(200, "audio/mpeg", "", &[0xFF, 0xFB, 0x90, 0x64, 0, 0])?,
        Conduct::TalksNonsense => {
            connection.raw(b"\x00\x01\x02 confetti \xff\xfe\r\n\r\n")?;
            return Ok(false);
        }
        Conduct::IsSilent => send_audio(connection, shared.service, &speech(ms, 0.0), true)?,
        Conduct::SendsNothing => send_audio(connection, shared.service, &[], true)?,
        Conduct::IsTooShort => send_audio(connection, shared.service, &speech(100, 9_000.0), true)?,
        Conduct::NeverEnds => {
            let second = speech(1_000, 9_000.0);
            send_audio(connection, shared.service, &second, false)?;
            while !connection.is_over() {
                connection.chunks(&second, CHUNK)?;
            }
        }
    }
    // What breaks off, or is no answer, ends the connection.
    Ok(!matches!(
        conduct,
        Conduct::Stalls | Conduct::StallsWithin | Conduct::NeverEnds
    ))
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
    connection: &mut Connection<'_>,
    service: Service,
    status: u16,
    fixture: &str,
    retry_after: Option<&str>,
) -> std::io::Result<()> {
    let body = std::fs::read(folder(service).join(format!("{fixture}.json"))).expect("a fixture");
    let more = retry_after.map_or(String::new(), |wait| format!("Retry-After: {wait}\r\n"));
    connection.send(status, "application/json", &more, &body)
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

fn send_audio(connection: &mut Connection<'_>, service: Service, audio: &[u8], ends: bool) -> std::io::Result<()> {
    connection.begin_chunks(match service {
        Service::ElevenLabs => "audio/basic",
        Service::OpenAi => "audio/pcm",
        Service::Deepgram => "audio/mulaw;rate=8000",
        Service::Sarvam => "audio/wav",
    })?;
    connection.chunks(audio, CHUNK)?;
    match ends {
        true => connection.end_chunks(),
        false => Ok(()),
    }
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

//! A server with OpenAI's chat completions, or one that misbehaves.

use crate::raw_http::{Connection, RawServer};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use crate::raw_http::Request;

/// The key that it takes.
pub const KEY: &str = "a-key-that-nobody-must-see";
/// Bytes of a chunk: characters and lines are torn apart.
const CHUNK: usize = 7;
/// What must not be told to anybody.
pub const CANARY: &str = "purple elephants sing";

/// What it does with a request that it could serve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduct {
    Answers,
    /// With these words.
    Says(&'static str),
    /// With these words where a form is asked for, and with those where it is to speak.
    Understands(&'static str, &'static str),
    /// With what the descriptions allow and nobody expects.
    AnswersOddly,
    /// Without the number of tokens.
    CountsNothing,
    /// With the number of tokens so far in every piece.
    CountsOften,
    /// With a pause between the pieces, in milliseconds.
    SaysSlowly(u64),
    /// Answers with this status and the fixture of this name.
    Refuses(u16, &'static str, Option<&'static str>),
    /// Refuses answers by a schema, and takes `json_object`.
    KnowsNoSchemas,
    /// Sends the client elsewhere.
    Redirects,
    /// Never answers.
    Stalls,
    /// Begins, and sends no more.
    StallsWithin,
    /// Begins, and closes the connection.
    Cuts,
    /// Begins, and ends as if that were all.
    EndsEarly,
    /// Ends for this reason.
    Finishes(&'static str),
    Declines,
    /// Reports a fault within its answer.
    Fails,
    SaysNothing,
    SendsAPage,
    /// Sends what is no JSON, with the canary.
    SendsGarbage,
    /// Sends what is not HTTP.
    TalksNonsense,
    NeverEnds,
    /// Says all, and neither tells the tokens nor ends.
    HangsAfterTheEnd,
}

/// The server. It stops when dropped.
pub struct LanguageServer {
    server: RawServer,
    conduct: Arc<Mutex<Conduct>>,
    requests: Arc<Mutex<Vec<Request>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fixture's text.
pub fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/services/openai/chat");
    std::fs::read_to_string(PathBuf::from(folder).join(name)).expect("a fixture")
}

impl LanguageServer {
    pub fn start() -> Self {
        let conduct = Arc::new(Mutex::new(Conduct::Answers));
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let server = RawServer::start({
            let (conduct, requests) = (conduct.clone(), requests.clone());
            move |connection| {
                while let Some(request) = connection.read_request()? {
                    lock(&requests).push(request.clone());
                    let conduct = *lock(&conduct);
                    if !answer(connection, conduct, &request)? {
                        break;
                    }
                }
                Ok(())
            }
        });
        Self {
            server,
            conduct,
            requests,
        }
    }

    /// The base URL as it is set.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.server.address)
    }

    /// From now on.
    pub fn behave(&self, conduct: Conduct) {
        *lock(&self.conduct) = conduct;
    }

    pub fn requests(&self) -> Vec<Request> {
        lock(&self.requests).clone()
    }

    /// Connections that are open now.
    pub fn open(&self) -> usize {
        self.server.open()
    }
}

/// What it refuses by itself: status and fixture.
fn fault(request: &Request) -> Option<(u16, &'static str)> {
    let is_post = request.line.starts_with("POST /v1/chat/completions ");
    if !is_post || request.header("content-type") != Some("application/json") {
        return Some((404, "error_model"));
    }
    if request.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return Some((401, "error_key"));
    }
    let body = request.json();
    if body["model"] == "nobody" {
        return Some((404, "error_model"));
    }
    // OpenAI wants the word in JSON mode.
    let says_json = body["messages"].to_string().contains("JSON");
    (body["response_format"]["type"] == "json_object" && !says_json).then_some((400, "error_schema"))
}

/// True if the connection may go on.
fn answer(connection: &mut Connection<'_>, conduct: Conduct, request: &Request) -> std::io::Result<bool> {
    if let Some((status, name)) = fault(request) {
        refuse(connection, status, name, None)?;
        return Ok(true);
    }
    let body = request.json();
    match conduct {
        Conduct::Refuses(status, name, retry_after) => refuse(connection, status, name, retry_after)?,
        Conduct::KnowsNoSchemas if body["response_format"]["type"] == "json_schema" => {
            refuse(connection, 400, "error_schema_compatible", None)?;
        }
        Conduct::Redirects => connection.send(307, "text/html", "Location: /v2/chat/completions\r\n", b"")?,
        Conduct::SendsAPage => {
            let page = format!("<html><body>{CANARY}</body></html>");
            connection.send(200, "text/html; charset=utf-8", "", page.as_bytes())?;
        }
        Conduct::TalksNonsense => {
            connection.raw(b"\x00\x01\x02 confetti \xff\xfe\r\n\r\n")?;
            return Ok(false);
        }
        Conduct::Stalls => {
            connection.wait_for_the_end();
            return Ok(false);
        }
        _ if body["stream"] == true => return stream(connection, conduct),
        _ => return whole(connection, conduct),
    }
    Ok(true)
}

fn refuse(connection: &mut Connection<'_>, status: u16, name: &str, wait: Option<&str>) -> std::io::Result<()> {
    let more = wait.map_or(String::new(), |wait| format!("Retry-After: {wait}\r\n"));
    let body = fixture(&format!("{name}.json"));
    connection.send(status, "application/json", &more, body.as_bytes())
}

fn whole(connection: &mut Connection<'_>, conduct: Conduct) -> std::io::Result<bool> {
    let mut completion: Value = serde_json::from_str(&fixture("completion.json")).expect("JSON");
    let choice = &mut completion["choices"][0];
    match conduct {
        Conduct::Says(words) | Conduct::Understands(words, _) => choice["message"]["content"] = json!(words),
        Conduct::SaysNothing => choice["message"]["content"] = Value::Null,
        Conduct::Finishes(reason) => choice["finish_reason"] = json!(reason),
        Conduct::Declines => {
            choice["message"] = json!({"role": "assistant", "content": null, "refusal": CANARY});
        }
        Conduct::CountsNothing => completion["usage"] = Value::Null,
        Conduct::AnswersOddly => {
            choice["message"]["reasoning_content"] = json!("hm");
            choice["finish_reason"] = Value::Null;
            completion["new"] = json!({"choices": []});
            completion["created"] = json!("yesterday");
        }
        Conduct::Fails => completion = json!({"error": {"message": CANARY, "code": 500}}),
        _ => {}
    }
    let text = match conduct {
        Conduct::SendsGarbage => format!("{{\"choices\": {CANARY}"),
        _ => completion.to_string(),
    };
    let (first, rest) = text.as_bytes().split_at(text.len() / 2);
    match conduct {
        Conduct::AnswersOddly => connection.send(200, "application/json", "", format!("\u{feff}{text}").as_bytes())?,
        Conduct::StallsWithin | Conduct::Cuts => {
            connection.begin_chunks("application/json")?;
            connection.chunks(first, CHUNK)?;
            if conduct == Conduct::StallsWithin {
                connection.wait_for_the_end();
            }
            return Ok(false);
        }
        Conduct::EndsEarly => connection.send(200, "application/json", "", first)?,
        Conduct::NeverEnds => {
            connection.begin_chunks("application/json")?;
            while !connection.is_over() {
                connection.chunks(&[b' '; 4096], 4096)?;
            }
            return Ok(false);
        }
        _ => {
            connection.begin_chunks("application/json; charset=utf-8")?;
            connection.chunks(first, CHUNK)?;
            connection.chunks(rest, CHUNK)?;
            connection.end_chunks()?;
        }
    }
    Ok(true)
}

fn stream(connection: &mut Connection<'_>, conduct: Conduct) -> std::io::Result<bool> {
    let events = fixture("stream.txt");
    let piece = |text: &str| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"content": text}}]})
        )
    };
    let end = |reason: &str| {
        let choice = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]});
        format!("data: {choice}\n\ndata: [DONE]\n\n")
    };
    let begun = format!("{}{}", piece("One sentence. "), piece("And half"));
    connection.begin_chunks("text/event-stream; charset=utf-8")?;
    let mut send = |text: &str| connection.chunks(text.as_bytes(), CHUNK);
    match conduct {
        Conduct::Says(words) | Conduct::Understands(_, words) => send(&format!("{}{}", piece(words), end("stop")))?,
        Conduct::AnswersOddly => send(&oddly(&events))?,
        Conduct::CountsNothing => {
            let events: Vec<&str> = events
                .split("\n\n")
                .filter(|event| !event.contains("_tokens"))
                .collect();
            send(&events.join("\n\n"))?;
        }
        Conduct::CountsOften => {
            let so_far = "\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":9}";
            send(&events.replace("\"usage\":null", so_far))?;
        }
        Conduct::SaysSlowly(pause_ms) => {
            for words in ["One. ", "Two. ", "Three. ", "Four. "] {
                send(&piece(words))?;
                std::thread::sleep(Duration::from_millis(pause_ms));
            }
            send(&end("stop"))?;
        }
        Conduct::HangsAfterTheEnd => {
            send(&format!("{begun}{}", end("stop").replace("data: [DONE]\n\n", "")))?;
            connection.wait_for_the_end();
            return Ok(false);
        }
        Conduct::SaysNothing => send(&format!("{}{}", piece(" ... "), end("stop")))?,
        Conduct::Finishes(reason) => send(&format!("{begun}{}", end(reason)))?,
        Conduct::Declines => {
            let delta = json!({"choices": [{"index": 0, "delta": {"refusal": CANARY}}]});
            send(&format!("data: {delta}\n\n{}", end("stop")))?;
        }
        Conduct::Fails => send(&format!("{begun}data: {}\n\n", json!({"error": {"message": CANARY}})))?,
        Conduct::SendsGarbage => send(&format!("{begun}data: {{\"choices\": {CANARY}\n\n"))?,
        Conduct::EndsEarly => send(&begun)?,
        Conduct::StallsWithin => {
            send(&begun)?;
            connection.wait_for_the_end();
            return Ok(false);
        }
        Conduct::Cuts => {
            send(&begun)?;
            return Ok(false);
        }
        Conduct::NeverEnds => {
            let more = piece(&"word ".repeat(500));
            while !connection.is_over() {
                connection.chunks(more.as_bytes(), 4096)?;
            }
            return Ok(false);
        }
        _ => send(&events)?,
    }
    connection.end_chunks()?;
    Ok(true)
}

/// The same words: with a byte order mark, CR LF, comments, fields of other kinds, data without a blank before it, a
/// chunk without choices, unknown fields, and tokens counted before the end.
fn oddly(events: &str) -> String {
    let mut odd = String::from("\u{feff}: ping\r\n\r\nretry: 3000\r\nid: 7\r\ndata:{\"choices\":[]}\r\n\r\n");
    for event in events.trim_end().split("\n\n") {
        odd.push_str(": keep-alive\r\n\r\nevent: message\r\n");
        odd.push_str(&event.replace("\"index\":0", "\"index\":0,\"new\":{\"delta\":1}"));
        odd.push_str("\r\n\r\n");
    }
    odd
}

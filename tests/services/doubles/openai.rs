//! OpenAI's Realtime transcription and file transcription, after the pages named in `fixtures/services/openai`.

use super::ear::{Ear, Words};
use super::server::{Conduct, Input, Quota, Service, Upgrade};
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use samvad_media::codec::decode_mulaw;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio_tungstenite::tungstenite::Message;

pub const KEY: &str = "openai-key";

#[derive(Default)]
pub struct Realtime {
    items: usize,
}

impl Realtime {
    fn tokens(words: &Words) -> Value {
        let token = |word: &str| json!({"token": word, "logprob": words.probability.ln(), "bytes": word.as_bytes()});
        words.text.split_whitespace().map(token).collect()
    }
}

impl Service for Realtime {
    fn admit(request: &Upgrade) -> Result<Self, (u16, Value)> {
        if request.path != "/v1/realtime" || request.query.get("intent").map(String::as_str) != Some("transcription") {
            return Err((404, Self::refusal("not_found")));
        }
        if request.headers.get("authorization").map(String::as_str) != Some(&format!("Bearer {KEY}")) {
            return Err((401, Self::refusal("invalid_api_key")));
        }
        assert!(
            !request.query.contains_key("model"),
            "a transcription session names its model in its update"
        );
        Ok(Self::default())
    }

    fn greeting(&mut self) -> Vec<Value> {
        vec![json!({"type": "session.created", "event_id": "event_0", "session": {"type": "transcription"}})]
    }

    fn read(&mut self, message: Message) -> Input {
        let Message::Text(text) = message else {
            return Input::Nothing;
        };
        let event: Value = serde_json::from_str(&text).unwrap();
        match event["type"].as_str() {
            Some("session.update") => {
                let session = &event["session"];
                assert_eq!(session["type"], "transcription");
                assert_eq!(session["audio"]["input"]["format"]["type"], "audio/pcmu");
                assert!(session["audio"]["input"]["turn_detection"].is_null());
                Input::Answered(vec![
                    json!({"type": "session.updated", "event_id": "event_1", "session": session}),
                ])
            }
            Some("input_audio_buffer.append") => {
                let codes = STANDARD.decode(event["audio"].as_str().unwrap()).unwrap();
                let mut samples = Vec::new();
                decode_mulaw(&codes, &mut samples);
                Input::Audio(samples)
            }
            Some("input_audio_buffer.commit") => Input::End,
            other => panic!("{other:?} is no client event of a transcription session"),
        }
    }

    fn partial(&mut self, words: &Words) -> Vec<Value> {
        vec![json!({
            "type": "conversation.item.input_audio_transcription.delta", "event_id": "event_2",
            "item_id": format!("item_{}", self.items), "content_index": 0, "delta": words.text,
        })]
    }

    /// The order of `committed`, `added` and `completed` is not promised.
    fn result(&mut self, words: &Words, round: usize) -> Vec<Value> {
        let item = format!("item_{}", self.items);
        self.items += 1;
        let committed = json!({"type": "input_audio_buffer.committed", "event_id": "event_3", "previous_item_id": null,
                               "item_id": item});
        let added = json!({"type": "conversation.item.added", "event_id": "event_4", "item": {"id": item}});
        let completed = json!({
            "type": "conversation.item.input_audio_transcription.completed", "event_id": "event_5", "item_id": item,
            "content_index": 0, "transcript": words.text, "logprobs": Self::tokens(words),
            "usage": {"type": "tokens", "total_tokens": 2, "input_tokens": 1, "output_tokens": 1},
        });
        match round % 3 {
            0 => vec![committed, added, completed],
            1 => vec![completed, committed, added],
            // Said again, it is still the same item's.
            _ => vec![committed, completed.clone(), completed],
        }
    }

    fn quota(&mut self) -> Quota {
        let error = json!({"type": "insufficient_quota", "code": "insufficient_quota",
                           "message": "You exceeded your current quota, canary.", "param": null, "event_id": null});
        Quota::Event(json!({"type": "error", "event_id": "event_6", "error": error}))
    }

    fn refusal(code: &str) -> Value {
        json!({"error": {"message": "a sentence with canary words", "type": "error", "code": code, "param": null}})
    }
}

/// A server of file transcriptions.
pub struct Files {
    pub url: url::Url,
    pub conduct: Arc<Mutex<Conduct>>,
    pub bodies: Arc<Mutex<Vec<String>>>,
    server: actix_web::dev::ServerHandle,
}

impl Files {
    pub fn start(ear: Ear) -> Self {
        let conduct = Arc::new(Mutex::new(Conduct::Serves));
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let (shared, kept) = (Arc::clone(&conduct), Arc::clone(&bodies));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = url::Url::parse(&format!("http://{}/v1", listener.local_addr().unwrap())).unwrap();
        let (handle, started) = std::sync::mpsc::channel();
        // A run time of its own: the tests' may not be actix's.
        std::thread::spawn(move || {
            let app = move || {
                App::new()
                    .app_data(web::PayloadConfig::new(4 << 20))
                    .app_data(web::Data::new((ear.clone(), Arc::clone(&shared), Arc::clone(&kept))))
                    .route("/v1/models", web::get().to(models))
                    .route("/v1/audio/transcriptions", web::post().to(transcribe))
            };
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(app)
                    .workers(1)
                    .disable_signals()
                    .listen(listener)
                    .unwrap()
                    .run();
                handle.send(server.handle()).unwrap();
                server.await.unwrap();
            });
        });
        Self {
            url,
            conduct,
            bodies,
            server: started.recv().unwrap(),
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

type Shared = web::Data<(Ear, Arc<Mutex<Conduct>>, Arc<Mutex<Vec<String>>>)>;

fn refused(request: &HttpRequest, shared: &Shared) -> Option<HttpResponse> {
    let bearer = request
        .headers()
        .get("authorization")
        .map(|value| value.to_str().unwrap());
    let (status, code) = match *shared.1.lock().unwrap() {
        Conduct::Refuses(status, code) => (status, code),
        _ if bearer != Some(&format!("Bearer {KEY}")) => (401, "invalid_api_key"),
        _ => return None,
    };
    Some(HttpResponse::build(StatusCode::from_u16(status).unwrap()).json(Realtime::refusal(code)))
}

async fn models(request: HttpRequest, shared: Shared) -> HttpResponse {
    refused(&request, &shared).unwrap_or_else(|| HttpResponse::Ok().json(json!({"object": "list", "data": []})))
}

async fn transcribe(request: HttpRequest, body: web::Bytes, shared: Shared) -> HttpResponse {
    if let Some(refusal) = refused(&request, &shared) {
        return refusal;
    }
    let conduct = *shared.1.lock().unwrap();
    match conduct {
        Conduct::TalksNonsense => return HttpResponse::Ok().body("<html>"),
        Conduct::Stalls => std::future::pending().await,
        _ => {}
    }
    let text = String::from_utf8_lossy(&body).into_owned();
    for field in [
        "name=\"model\"",
        "name=\"language\"",
        "name=\"response_format\"",
        "filename=\"speech.wav\"",
    ] {
        assert!(text.contains(field), "{field} is missing");
    }
    shared.2.lock().unwrap().push(text);
    let start = body.windows(4).position(|window| window == b"RIFF").unwrap();
    let length = u32::from_le_bytes(body[start + 4..start + 8].try_into().unwrap()) as usize + 8;
    let audio = samvad_media::wav::read(&body[start..start + length]).unwrap();
    assert_eq!(audio.sample_rate, 16_000);
    let line: Vec<i16> = audio.samples.iter().skip(1).step_by(2).copied().collect();
    let words = shared.0.hear(&line).await;
    HttpResponse::Ok()
        .json(json!({"text": words.text, "logprobs": Realtime::tokens(&words), "usage": {"type": "tokens"}}))
}

//! A server of one scripted behaviour in Twilio's place: keeps what it was asked.

use samvad::carrier::twilio::{AuthToken, TwilioCarrier, TwilioSettings};
use samvad_actors::domain::{AccountSid, AttemptId, CampaignId, ContactId, Language, PhoneNumber};
use samvad_actors::ports::{AnswerDetection, NewCall};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

pub const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub const CALL: &str = "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What the server does with a request.
#[derive(Clone)]
pub enum Behaviour {
    /// Answers.
    Answer(u16, String),
    /// Answers one request after the other; the last one for good.
    Answers(Vec<(u16, String)>),
    /// Answers with a redirect to itself.
    Redirect,
    /// Reads the request and never answers.
    Silence,
    /// Reads the request and closes.
    HangUp,
    /// Announces more than it sends.
    Truncate,
    /// Answers 201 and then never stops.
    Endless,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Of the query, decoded.
    pub query: Vec<(String, String)>,
    pub headers: BTreeMap<String, String>,
    pub form: Vec<(String, String)>,
}

pub struct ApiDouble {
    pub carrier: Arc<TwilioCarrier>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl ApiDouble {
    pub async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, behaviour.clone(), kept.clone()));
            }
        });
        Self {
            carrier: Arc::new(TwilioCarrier::new(settings(&format!("http://{address}"))).expect("good settings")),
            asked,
        }
    }

    /// A call in progress, described as Twilio does.
    pub async fn answering(http: u16) -> Self {
        Self::start(Behaviour::Answer(http, call_json("queued"))).await
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic in the server").clone()
    }
}

pub fn call_json(status: &str) -> String {
    serde_json::json!({
        "account_sid": ACCOUNT, "sid": CALL, "status": status, "queue_time": "1000", "price": null,
        "to": "+14155550123", "from": "+14155550100",
        "date_created": "Tue, 31 Aug 2010 20:36:28 +0000", "subresource_uris": {},
    })
    .to_string()
}

/// A page of a list, described as Twilio does.
pub fn page_json(sids: &[&str], next_page_uri: Option<&str>) -> String {
    let calls: Vec<_> = sids.iter().map(|sid| serde_json::json!({"sid": sid})).collect();
    serde_json::json!({"calls": calls, "page": 0, "page_size": 100, "next_page_uri": next_page_uri}).to_string()
}

pub fn settings(api_base_url: &str) -> TwilioSettings {
    TwilioSettings {
        api_base_url: Url::parse(api_base_url).expect("a URL"),
        account_sid: AccountSid::from(ACCOUNT),
        auth_token: AuthToken::new("the-primary-token"),
        other_auth_token: None,
        public_url: Url::parse("https://voice.example.org").expect("a URL"),
        connect_timeout: Duration::from_millis(500),
        request_timeout: Duration::from_secs(1),
    }
}

pub fn new_call() -> NewCall {
    NewCall {
        attempt: AttemptId::from("0e7b4e0c-5a0f-4c0e-8b7e-0d5c0f6f2a11"),
        campaign: CampaignId::from("the-campaign"),
        contact: ContactId::from("the-contact"),
        language: Language::default(),
        to: PhoneNumber::parse("+14155550123").expect("a number"),
        from: PhoneNumber::parse("+14155550100").expect("a number"),
        media_token: "the-media-token".to_owned(),
        ring_timeout_seconds: 30,
        time_limit_seconds: 300,
        answer_detection: AnswerDetection::Off,
        latest_start_ms: None,
    }
}

async fn serve(stream: TcpStream, behaviour: Behaviour, kept: Arc<Mutex<Vec<Asked>>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers
        .get("content-length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    let (path, query) = match path.split_once('?') {
        None => (path, Vec::new()),
        Some((path, query)) => {
            let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
            (path.to_owned(), pairs.collect())
        }
    };
    let asked = Asked {
        method,
        path,
        query,
        headers,
        form,
    };
    let earlier = {
        let mut kept = kept.lock().expect("no panic in a test");
        kept.push(asked);
        kept.len() - 1
    };

    let mut stream = stream.into_inner();
    let head = |http: u16, length: usize| format!("HTTP/1.1 {http} X\r\nContent-Length: {length}\r\n");
    let behaviour = match behaviour {
        Behaviour::Answers(answers) => {
            let (http, body) = answers[earlier.min(answers.len() - 1)].clone();
            Behaviour::Answer(http, body)
        }
        other => other,
    };
    match behaviour {
        Behaviour::Answers(_) => Ok(()),
        Behaviour::Answer(http, body) => {
            let answer = format!("{}Content-Type: application/json\r\n\r\n{body}", head(http, body.len()));
            stream.write_all(answer.as_bytes()).await?;
            std::future::pending().await
        }
        Behaviour::Redirect => {
            let answer = format!("{}Location: /elsewhere\r\n\r\n", head(307, 0));
            stream.write_all(answer.as_bytes()).await?;
            std::future::pending().await
        }
        Behaviour::Silence => std::future::pending().await,
        Behaviour::HangUp => Ok(()),
        Behaviour::Truncate => {
            stream
                .write_all(format!("{}\r\n{{\"sid\":", head(201, 500)).as_bytes())
                .await
        }
        Behaviour::Endless => {
            stream.write_all(b"HTTP/1.1 201 X\r\n\r\n").await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
    }
}

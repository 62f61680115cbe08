//! `samvad doctor --live`: asks the carrier, the public origin, Redis and PostgreSQL. Nobody is called.

use super::Finding;
use crate::app::campaigns::Campaigns;
use crate::config::{Settings, TwilioAccount, is_loopback};
use crate::contact_files::country_of;
use crate::store::DatabaseUrl;
use deadpool_redis::redis;
use reqwest::{Client, StatusCode, redirect};
use samvad_actors::domain::PhoneNumber;
use serde_json::Value;
use sqlx::Connection;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Oldest major version of Redis that is taken: the first whose scripts may read its clock before they write.
const OLDEST_REDIS: u32 = 6;

/// Oldest major version of PostgreSQL that is taken.
const OLDEST_POSTGRES: u32 = 13;

/// Everything that needs the network.
pub(super) async fn check(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let client = Client::builder()
        .timeout(PATIENCE)
        .redirect(redirect::Policy::none())
        .build();
    match client {
        Ok(client) => {
            findings.extend(carrier(settings, &client).await);
            findings.push(public_origin(settings, &client).await);
        }
        Err(_) => findings.push(Finding::fault(
            "network",
            "no HTTP client can be made",
            "apt-get install ca-certificates",
        )),
    }
    findings.extend(redis_server(settings).await);
    findings.extend(postgres_server(settings).await);
    findings
}

async fn carrier(settings: &Settings, client: &Client) -> Vec<Finding> {
    let Some(account) = &settings.twilio.account else {
        return vec![Finding::fault(
            "credentials",
            "no account is set",
            "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN",
        )];
    };
    let base = settings.twilio.api_base_url.as_str().trim_end_matches('/').to_owned();
    let api = Api {
        client,
        account,
        stand_in: is_loopback(&settings.twilio.api_base_url),
        // Permissions are of another API, on a host of its own; a stand-in has one address.
        voice: base.replace("https://api.", "https://voice."),
        base,
    };
    let credentials = api.credentials().await;
    let tried = credentials.state != super::State::Fault;
    let mut findings = vec![credentials];
    if tried {
        let callers = caller_ids(settings).await;
        if callers.is_empty() {
            findings.push(Finding::warning(
                "caller number",
                "no campaign names one",
                "keep a campaign (`samvad campaign create`), then run this again",
            ));
        }
        for number in &callers {
            findings.push(api.caller_number(number).await);
        }
        let countries: BTreeSet<String> = callers
            .iter()
            .chain(&settings.allowed_numbers)
            .filter_map(country_of)
            .collect();
        for country in &countries {
            findings.push(api.permission(country).await);
        }
    }
    findings
}

/// The numbers that campaigns show, each once; none if there is no database yet.
async fn caller_ids(settings: &Settings) -> BTreeSet<PhoneNumber> {
    let url = DatabaseUrl::parse(&settings.database_url).ok();
    if url.is_none_or(|url| url.sqlite_file().is_some_and(|file| !file.exists())) {
        return BTreeSet::new();
    }
    let mut numbers = BTreeSet::new();
    // A database at fault is a finding of its own.
    if let Ok(campaigns) = Campaigns::open(settings).await {
        for state in campaigns.all().await.unwrap_or_default() {
            numbers.extend(
                campaigns
                    .written(&state.id)
                    .await
                    .ok()
                    .map(|campaign| campaign.caller_id),
            );
        }
        campaigns.close().await;
    }
    numbers
}

/// The carrier's REST API, to be read only.
struct Api<'a> {
    client: &'a Client,
    account: &'a TwilioAccount,
    stand_in: bool,
    base: String,
    voice: String,
}

impl Api<'_> {
    async fn get(&self, url: &str, query: &[(&str, &str)]) -> Result<(StatusCode, Value), String> {
        let request = self
            .client
            .get(url)
            .query(query)
            .basic_auth(self.account.sid.as_str(), Some(self.account.auth_token.expose()));
        let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        Ok((status, answer.json().await.unwrap_or(Value::Null)))
    }

    /// <https://www.twilio.com/docs/iam/api/account>
    async fn credentials(&self) -> Finding {
        const CHECK: &str = "credentials";
        let url = format!("{}/2010-04-01/Accounts/{}.json", self.base, self.account.sid);
        match self.get(&url, &[]).await {
            Ok((StatusCode::OK, account)) => match (account["status"].as_str(), account["type"].as_str()) {
                (Some("active"), Some("Trial")) => Finding::warning(
                    CHECK,
                    "they fit, to a trial account",
                    "it calls verified numbers only; upgrade it in the carrier's console",
                ),
                (Some("active"), _) => Finding::ok(CHECK, "they fit, and the account is active"),
                _ => Finding::fault(CHECK, "the account is not active", "see the carrier's console"),
            },
            Ok((StatusCode::UNAUTHORIZED, _)) => Finding::fault(
                CHECK,
                "the carrier refuses them",
                "copy TWILIO_ACCOUNT_SID and the primary auth token from the carrier's console",
            ),
            Ok((status, _)) => self.unexpected(CHECK, status),
            Err(reason) => unreachable_carrier(CHECK, &reason),
        }
    }

    /// <https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource> and
    /// <https://www.twilio.com/docs/voice/api/outgoing-caller-ids>
    async fn caller_number(&self, number: &PhoneNumber) -> Finding {
        const CHECK: &str = "caller number";
        for (resource, list, word) in [
            (
                "IncomingPhoneNumbers",
                "incoming_phone_numbers",
                "a number of the account",
            ),
            ("OutgoingCallerIds", "outgoing_caller_ids", "a verified caller id"),
        ] {
            let url = format!("{}/2010-04-01/Accounts/{}/{resource}.json", self.base, self.account.sid);
            match self.get(&url, &[("PhoneNumber", number.expose())]).await {
                Ok((StatusCode::OK, found)) => {
                    if found[list].as_array().is_some_and(|numbers| !numbers.is_empty()) {
                        return Finding::ok(CHECK, format!("{number} is {word}"));
                    }
                }
                Ok((status, _)) => return self.unexpected(CHECK, status),
                Err(reason) => return unreachable_carrier(CHECK, &reason),
            }
        }
        Finding::fault(
            CHECK,
            format!("{number} is neither a number of the account nor a verified caller id"),
            "buy or verify it in the carrier's console, or name another as the campaign's caller_id",
        )
    }

    /// <https://www.twilio.com/docs/voice/api/dialingpermissions-country-resource>
    async fn permission(&self, country: &str) -> Finding {
        const CHECK: &str = "permission";
        let url = format!("{}/v1/DialingPermissions/Countries/{country}", self.voice);
        match self.get(&url, &[]).await {
            Ok((StatusCode::OK, found)) => match found["low_risk_numbers_enabled"].as_bool() {
                Some(true) => Finding::ok(CHECK, format!("calls to {country} are allowed")),
                _ => Finding::fault(
                    CHECK,
                    format!("calls to {country} are not allowed"),
                    "allow the country in the carrier's console (Voice > Settings > Geo permissions)",
                ),
            },
            Ok((status, _)) => self.unexpected(CHECK, status),
            Err(reason) => unreachable_carrier(CHECK, &reason),
        }
    }

    fn unexpected(&self, check: &'static str, status: StatusCode) -> Finding {
        let finding = format!("the carrier answers with {}", status.as_u16());
        match self.stand_in && status == StatusCode::NOT_FOUND {
            true => Finding::warning(check, finding, "this stand-in does not know of it; a real carrier does"),
            false => Finding::fault(check, finding, "see the carrier's status page, then run this again"),
        }
    }
}

fn unreachable_carrier(check: &'static str, reason: &str) -> Finding {
    Finding::fault(
        check,
        format!("the carrier does not answer: {reason}"),
        "check TWILIO_API_BASE_URL and this machine's way to the network",
    )
}

/// Whether what is sent to the public origin arrives here. Where nothing listens on our address, a word of our own is
/// sent around; where a server does, it is asked for its health.
async fn public_origin(settings: &Settings, client: &Client) -> Finding {
    const CHECK: &str = "public origin";
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let listener = TcpListener::bind(settings.bind).await.ok();
    let (path, expected) = match listener {
        Some(_) => (format!("/doctor/{nonce}"), Some(nonce.clone())),
        None => ("/healthz".to_owned(), None),
    };
    let ask = async {
        let answer = client.get(settings.public_url.with_path(&path)).send().await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        let status = answer.status();
        let body = answer.text().await.map_err(|error| error.without_url().to_string())?;
        Ok::<_, String>(status == StatusCode::OK && expected.is_none_or(|nonce| body == nonce))
    };
    let asked = tokio::select! {
        asked = ask => asked,
        () = answer_all(listener, &nonce) => Ok(false),
    };
    let url = &settings.public_url;
    let remedy = "let the proxy pass requests of SAMVAD_PUBLIC_URL on to SAMVAD_BIND (docs/first-call.md)";
    match asked {
        Ok(true) => Finding::ok(CHECK, format!("{url} reaches this server")),
        Ok(false) => Finding::fault(CHECK, format!("{url} is answered by something else"), remedy),
        Err(reason) => Finding::fault(CHECK, format!("{url} does not answer: {reason}"), remedy),
    }
}

/// Answers every request with a word, for ever.
async fn answer_all(listener: Option<TcpListener>, word: &str) {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{word}",
        word.len()
    );
    while let Ok((mut stream, _)) = listener.accept().await {
        // The head of a GET fits; who sends nothing is let go.
        let mut head = [0; 8 * 1024];
        let read = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut head)).await;
        if matches!(read, Ok(Ok(1..))) {
            // Who has gone needs no answer.
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }
}

async fn redis_server(settings: &Settings) -> Option<Finding> {
    let url = settings.redis_url.as_ref()?;
    let ask = async {
        let client = redis::Client::open(url.expose().as_str())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("INFO").query_async::<String>(&mut connection).await
    };
    Some(match tokio::time::timeout(PATIENCE, ask).await {
        Ok(Ok(info)) => judge_redis(&info),
        Ok(Err(error)) => redis_away(error.category()),
        Err(_) => redis_away("no answer in time"),
    })
}

fn redis_away(reason: &str) -> Finding {
    Finding::fault(
        "redis",
        format!("cannot be used: {reason}"),
        "start it, and check REDIS_URL and its password",
    )
}

fn judge_redis(info: &str) -> Finding {
    const CHECK: &str = "redis";
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':'))
    };
    let version = field("redis_version").unwrap_or("of no known version");
    let policy = field("maxmemory_policy").unwrap_or("not told");
    if major(version).is_none_or(|major| major < OLDEST_REDIS) {
        return Finding::fault(
            CHECK,
            format!("is {version}"),
            format!("install Redis {OLDEST_REDIS} or later"),
        );
    }
    if policy != "noeviction" {
        return Finding::fault(
            CHECK,
            format!("{version}, maxmemory-policy {policy}: permits may be lost, and limits overshot"),
            "set maxmemory-policy noeviction in redis.conf",
        );
    }
    Finding::ok(CHECK, format!("{version}, keeps what it is given"))
}

async fn postgres_server(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "postgresql";
    let url = DatabaseUrl::parse(&settings.database_url).ok()?;
    if url.sqlite_file().is_some() {
        return None;
    }
    let ask = async {
        let mut connection = sqlx::PgConnection::connect(&settings.database_url).await.ok()?;
        let version: String = sqlx::query_scalar("SHOW server_version")
            .fetch_one(&mut connection)
            .await
            .ok()?;
        Some(version)
    };
    Some(match tokio::time::timeout(PATIENCE, ask).await.ok().flatten() {
        Some(version) if major(&version).is_some_and(|major| major >= OLDEST_POSTGRES) => Finding::ok(CHECK, version),
        Some(version) => Finding::fault(
            CHECK,
            format!("is {version}"),
            format!("install PostgreSQL {OLDEST_POSTGRES} or later"),
        ),
        None => Finding::fault(
            CHECK,
            format!("{url} cannot be asked"),
            "start it, and check DATABASE_URL",
        ),
    })
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::settings;
    use super::*;

    #[test]
    fn a_redis_that_may_forget_or_is_too_old_is_a_fault() {
        let state = |version, policy| {
            judge_redis(&format!(
                "# Server\r\nredis_version:{version}\r\nmaxmemory_policy:{policy}\r\n"
            ))
            .state
        };
        assert_eq!(state("7.0.15", "noeviction"), State::Ok);
        assert_eq!(state("7.0.15", "allkeys-lru"), State::Fault);
        assert_eq!(state("5.0.1", "noeviction"), State::Fault);
        assert_eq!(judge_redis("").state, State::Fault);
    }

    #[tokio::test]
    async fn a_word_sent_to_the_public_origin_must_come_back() {
        // An error only says that a provider has been installed before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let bind = free.local_addr().expect("an address").to_string();
        drop(free);
        let directory = tempfile::tempdir().expect("temporary directory");
        let client = Client::new();
        let reached = settings(directory.path(), &[("SAMVAD_BIND", &bind)]);
        assert_eq!(public_origin(&reached, &client).await.state, State::Ok);
        let nowhere = [
            ("SAMVAD_BIND", bind.as_str()),
            ("SAMVAD_PUBLIC_URL", "http://127.0.0.1:9"),
        ];
        let lost = public_origin(&settings(directory.path(), &nowhere), &client).await;
        assert_eq!(lost.state, State::Fault);
    }
}

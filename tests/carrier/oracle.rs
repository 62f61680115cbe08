//! Our verdict on signatures against that of Twilio's own package.

use crate::api_double::settings;
use samvad::carrier::twilio::{AuthToken, Content, SignatureValidator, SignedRequest};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;
use url::Url;

const REQUESTS: usize = 4000;

#[derive(Debug, Deserialize)]
struct Case {
    keys: [String; 2],
    public_url: String,
    path_and_query: String,
    kind: String,
    body: String,
    settings: Option<String>,
    signature: String,
    valid: bool,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let prepared = Command::new(root.join("tools/python-env"))
        .status()
        .expect("tools/python-env runs");
    assert!(
        prepared.success(),
        "tools/python-env failed: it needs python3-venv and the Python package index"
    );
    let output = Command::new(root.join("target/python/bin/python"))
        .arg(root.join("tests/carrier/signatures.py"))
        .args(["1", &REQUESTS.to_string()])
        .output()
        .expect("Python runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a case"))
        .collect()
}

#[test]
fn l26_twilios_own_package_gives_the_same_verdict_on_thousands_of_requests() {
    let cases = cases();
    assert_eq!(cases.len(), REQUESTS);
    let mut valid = 0;
    for case in &cases {
        let mut settings = settings("https://api.twilio.com");
        settings.public_url = Url::parse(&case.public_url).expect("a URL");
        settings.auth_token = AuthToken::new(&case.keys[0]);
        settings.other_auth_token = Some(AuthToken::new(&case.keys[1]));
        let fields: Vec<_> = url::form_urlencoded::parse(case.body.as_bytes()).into_owned().collect();
        let verdict = SignatureValidator::new(&settings)
            .expect("good settings")
            .verify(&SignedRequest {
                path_and_query: &case.path_and_query,
                content: match case.kind.as_str() {
                    "form" => Content::Form(&fields),
                    "raw" => Content::Raw(case.body.as_bytes()),
                    "upgrade" => Content::Upgrade,
                    _ => Content::Nothing,
                },
                signature: Some(&case.signature),
                settings: case.settings.as_deref(),
            });
        assert_eq!(verdict.is_ok(), case.valid, "{case:?}");
        valid += usize::from(case.valid);
    }
    assert!(
        (REQUESTS / 2..REQUESTS * 9 / 10).contains(&valid),
        "{valid} valid ones are too few or too many"
    );
}

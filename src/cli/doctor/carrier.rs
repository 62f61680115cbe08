//! The carrier: account, public address, and how real the calls would be. Nothing is called.

use super::Finding;
use crate::config::Settings;
use samvad_actors::domain::Mode;

/// Everything about the carrier.
pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    vec![mode(settings), account(settings), public_address(settings)]
}

fn mode(settings: &Settings) -> Finding {
    const CHECK: &str = "calls are";
    match settings.mode() {
        Mode::Simulated => Finding::ok(CHECK, "simulated: the carrier is a stand-in on this machine"),
        Mode::DryRun => Finding::ok(CHECK, "dry run: nobody is called until DRY_RUN_MODE=false is set"),
        Mode::Live => Finding::warning(
            CHECK,
            "LIVE: DRY_RUN_MODE is false, and real people are called",
            "be sure of the contacts, the consent they need and the hours, or set DRY_RUN_MODE=true",
        ),
    }
}

fn account(settings: &Settings) -> Finding {
    const CHECK: &str = "carrier account";
    match &settings.twilio.account {
        Some(_) => Finding::ok(
            CHECK,
            format!(
                "set, for {}; not tried",
                settings.twilio.api_base_url.as_str().trim_end_matches('/')
            ),
        ),
        None => Finding::warning(
            CHECK,
            "not set: `samvad serve` needs one (`samvad demo` does not)",
            "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN from Twilio's console (Account > API keys & tokens)",
        ),
    }
}

fn public_address(settings: &Settings) -> Finding {
    const CHECK: &str = "public address";
    let url = &settings.public_url;
    if url.is_loopback() {
        let finding = format!("{url}: only a stand-in on this machine reaches the server");
        return match settings.mode() {
            Mode::Simulated => Finding::ok(CHECK, finding),
            _ => Finding::warning(
                CHECK,
                finding,
                "for real calls set SAMVAD_PUBLIC_URL to an https origin whose proxy passes POST requests and \
                 WebSocket upgrades on to SAMVAD_BIND",
            ),
        };
    }
    Finding::ok(
        CHECK,
        format!(
            "{url}; media at {}. Nothing is entered for it in Twilio's console, but there the campaign's caller_id must \
             be a number of the account, and the countries called allowed (Voice > Settings > Geo permissions)",
            url.media_socket()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::settings;
    use super::*;

    const ACCOUNT: [(&str, &str); 2] = [
        ("TWILIO_ACCOUNT_SID", "AC00000000000000000000000000000001"),
        ("TWILIO_AUTH_TOKEN", "the-secret"),
    ];

    fn findings(pairs: &[(&str, &str)]) -> Vec<Finding> {
        let directory = tempfile::tempdir().expect("temporary directory");
        check(&settings(directory.path(), pairs))
    }

    #[test]
    fn without_any_setting_it_is_a_dry_run_without_an_account() {
        let findings = findings(&[]);
        assert!(findings[0].state == State::Ok && findings[0].finding.contains("dry run"));
        assert_eq!((findings[1].state, findings[2].state), (State::Warning, State::Warning));
    }

    #[test]
    fn a_stand_in_on_this_machine_needs_no_public_address() {
        let pairs = [&ACCOUNT[..], &[("TWILIO_API_BASE_URL", "http://127.0.0.1:9000")]].concat();
        assert!(findings(&pairs).iter().all(|finding| finding.state == State::Ok));
    }

    #[test]
    fn live_calls_are_a_warning_and_the_secret_is_never_shown() {
        let live = [
            ("DRY_RUN_MODE", "false"),
            ("SAMVAD_PUBLIC_URL", "https://calls.example.org"),
        ];
        let findings = findings(&[&ACCOUNT[..], &live].concat());
        assert_eq!(findings[0].state, State::Warning);
        assert!(findings[2].finding.contains("wss://calls.example.org/"));
        assert!(!format!("{findings:?}").contains("the-secret"));
    }
}

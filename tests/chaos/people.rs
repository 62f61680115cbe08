//! Who is called, by which campaigns, and within which limits.

use crate::laws;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use samvad_actors::domain::{Campaign, ContactId, PhoneNumber};
use samvad_actors::ports::{ContactImport, NewContact};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SECOND_MS: i64 = 1_000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The zone of some contacts of the campaign whose window closes, and how far it is ahead of UTC.
const FAR_ZONE: &str = "Asia/Kolkata";
const FAR_AHEAD_MS: i64 = (5 * 60 + 30) * MINUTE_MS;

/// The campaign that can call everybody at any time, the one whose window closes, and the one with a daily cap.
pub const OPEN: &str = "always-open";
pub const CLOSING: &str = "closing";
pub const CAPPED: &str = "capped";

/// A campaign, whom it calls, and what it must keep.
pub struct Planned {
    pub campaign: Campaign,
    pub contacts: Vec<ContactImport>,
    pub rules: laws::Campaign,
}

/// Everything that is chosen before the run.
pub struct People {
    pub campaigns: Vec<Planned>,
    /// The carrier's side, for the simulator.
    pub scenario: Value,
    pub fleet: laws::Limits,
    pub country: laws::Limits,
    pub per_caller_id: usize,
    /// When the window of one campaign closes in mid-run.
    pub closes_ms: i64,
}

impl People {
    /// Chooses by seed. The window that closes opens again a minute later if `opens_again`, for long runs.
    pub fn new(seed: u64, contacts: u32, opens_again: bool, now_ms: i64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let closes_ms = (now_ms + 30 * SECOND_MS) / MINUTE_MS * MINUTE_MS + MINUTE_MS;
        let long_run = contacts > 500;
        // Both campaigns call these, and at the same time if nothing hinders them.
        let shared = numbers("+14156", 5, 0..contacts / 10);
        let in_turn = |own: Vec<String>| [shared.clone(), own].concat();
        let near = numbers("+14157", 5, 0..contacts / 4);
        let far = numbers("+9198", 8, 0..contacts / 4);
        let open = in_turn(
            near.into_iter()
                .zip(far)
                .flat_map(|(one, other)| [one, other])
                .collect(),
        );
        let closing = in_turn(numbers("+14158", 5, 0..contacts / 5));
        let capped = numbers("+4477", 8, 0..contacts / 5);
        let callers: Vec<Value> = open
            .iter()
            .chain(&closing[shared.len()..])
            .chain(&capped)
            .map(|number| caller(number, shared.contains(number), &mut random))
            .collect();
        let limits = |at_once, per_second, per_day| laws::Limits {
            at_once,
            per_second,
            per_day,
        };
        let most = Some(contacts as usize * 2);
        let all_day = ("00:00".to_owned(), "00:00".to_owned());
        let always = BTreeMap::from([(None, vec![(0, i64::MAX)])]);
        let (hours, windows) = closing_window(closes_ms, opens_again);
        let zone_of = |place: usize| (place >= shared.len() && place.is_multiple_of(3)).then_some(FAR_ZONE);
        let campaigns = vec![
            planned(
                OPEN,
                "+14155550100",
                all_day.clone(),
                always.clone(),
                limits(Some(10), Some(6), None),
                &open,
                |_| None,
            ),
            planned(
                CLOSING,
                "+14155550101",
                hours,
                windows,
                limits(Some(6), Some(2), None),
                &closing,
                zone_of,
            ),
            planned(
                CAPPED,
                "+14155550101",
                all_day,
                always,
                limits(None, Some(3), Some(capped.len() / 2)),
                &capped,
                |_| None,
            ),
        ];
        let mut people = Self {
            campaigns,
            scenario: json!({
                "name": "chaos",
                "seed": seed,
                "network": {"calls_per_second": 0, "setup_ms": 50},
                "faults": {
                    "timeout_after_placing": 0.04, "server_error_after_placing": 0.04, "callback_before_reply": 0.05,
                    "dropped_callbacks": 0.05, "dropped_final_callback": 0.03, "duplicate_callbacks": 0.2,
                    "reordered_callbacks": 0.2,
                },
                "callers": callers,
            }),
            fleet: limits(Some(if long_run { 24 } else { 14 }), Some(8), most),
            country: limits(Some(if long_run { 14 } else { 8 }), None, most),
            per_caller_id: if long_run { 16 } else { 10 },
            closes_ms,
        };
        for planned in &mut people.campaigns {
            let id = planned.campaign.id.as_str();
            planned.rules.must_finish = id == OPEN || (id == CLOSING && opens_again);
        }
        people
    }
}

fn numbers(prefix: &str, digits: usize, range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("{prefix}{n:0digits$}")).collect()
}

/// The window as it is written, in the contact's own time, and what it is in UTC for both zones.
fn closing_window(closes_ms: i64, opens_again: bool) -> ((String, String), BTreeMap<Option<String>, Vec<laws::Span>>) {
    let opens_ms = match opens_again {
        true => closes_ms + MINUTE_MS - DAY_MS,
        false => closes_ms - 120 * MINUTE_MS,
    };
    let time = |ms: i64| {
        let minutes = ms.rem_euclid(DAY_MS) / MINUTE_MS;
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    };
    let spans = |ahead_ms: i64| {
        let days = (-2..=2).map(|day| day * DAY_MS - ahead_ms);
        days.map(|by| (opens_ms + by, closes_ms + by)).collect()
    };
    let windows = BTreeMap::from([(None, spans(0)), (Some(FAR_ZONE.to_owned()), spans(FAR_AHEAD_MS))]);
    ((time(opens_ms), time(closes_ms)), windows)
}

fn planned(
    id: &str,
    caller_id: &str,
    hours: (String, String),
    windows: BTreeMap<Option<String>, Vec<laws::Span>>,
    limits: laws::Limits,
    numbers: &[String],
    zone_of: impl Fn(usize) -> Option<&'static str>,
) -> Planned {
    let campaign: Campaign = serde_json::from_value(json!({
        "id": id, "name": id, "organisation": "Riverside Health", "purpose": "a short survey", "caller_id": caller_id,
        "questions": [
            {"text": "Were you satisfied?", "answer": {"type": "yes_no"}},
            {"text": "How likely is it that you come again?", "answer": {"type": "scale", "min": 1, "max": 5}},
            {"text": "Did you wait for long?", "answer": {"type": "yes_no"}}
        ],
        "longest_call_seconds": 30,
        "dialing": {
            "window": {
                "zone": "UTC", "start": hours.0, "end": hours.1,
                "weekdays": ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
            },
            "retry": {
                "max_attempts": 2, "min_gap_minutes": 0, "after_busy_minutes": 0, "after_no_answer_minutes": 0,
                "after_machine_minutes": 0, "after_abandoned_minutes": 0, "after_fault_minutes": 0
            },
            "limits": {
                "concurrent_calls": limits.at_once, "calls_per_second": limits.per_second,
                "calls_per_day": limits.per_day
            },
            "spread": false, "breaker": {"recent": 0, "more_than_percent": 50}, "cooldown_days": 0
        }
    }))
    .expect("a campaign");
    let contact = |(place, number): (usize, &String)| ContactImport {
        contact: NewContact {
            id: ContactId::new(format!("{id}-{place}")),
            campaign: campaign.id.clone(),
            number: PhoneNumber::parse(number).expect("E.164"),
            external_id: None,
            name: None,
            email: None,
            language: None,
        },
        zone: zone_of(place).map(str::to_owned),
        prior_consent: false,
    };
    let contacts = numbers.iter().enumerate().map(contact).collect();
    Planned {
        rules: laws::Campaign {
            windows,
            limits,
            ..laws::Campaign::default()
        },
        campaign,
        contacts,
    }
}

/// Somebody at this number. Most calls are short, so that there are many.
fn caller(number: &str, rings_long: bool, random: &mut StdRng) -> Value {
    let ring_ms = random.random_range(100..900);
    let mut caller = json!({"name": format!("at {number}"), "number": number, "ring_ms": ring_ms});
    let behaviour = match random.random_range(0..100) {
        _ if rings_long => json!({"no_answer": {"after_ms": random.random_range(2_000..4_000)}}),
        0..20 => json!({"busy": true}),
        20..30 => json!({"failed": true}),
        30..45 => json!({"no_answer": {"after_ms": random.random_range(500..1_500)}}),
        45..80 => json!({"steps": [{"when": "answered", "after_ms": 200, "hang_up": true}]}),
        80..90 => json!({"steps": [{"when": "prompt_begins", "after_ms": 300, "keys": "2"}]}),
        90..97 => json!({"steps": [{"when": "prompt_begins", "after_ms": 300, "keys": "9"}]}),
        _ => json!({"steps": [
            {"keys": "1"}, {"when": "prompt_begins", "keys": "1"}, {"when": "prompt_begins", "keys": "4"},
            {"when": "prompt_begins", "keys": "2"}
        ]}),
    };
    if let (Value::Object(caller), Value::Object(behaviour)) = (&mut caller, behaviour) {
        caller.extend(behaviour);
    }
    caller
}

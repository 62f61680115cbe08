//! Files of contacts: as they come, in part, too slowly, and not at all.

use super::client::Request;
use super::survey::{SURVEY, by, file, get, import, people, put_campaign};
use super::world::{NOW, Somebody, World};
use samvad_actors::domain::{ImportId, Role};
use samvad_actors::ports::{AuditEntry, PeopleStore};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The newest import.
fn newest(world: &World, who: &Somebody) -> Value {
    get(world, who, "/imports").json()["items"][0].clone()
}

/// The newest import, as soon as it is as it should be.
fn until(world: &World, who: &Somebody, is_so: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let import = newest(world, who);
        if is_so(&import) {
            return import;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{import}");
        std::thread::yield_now();
    }
}

/// A connection on which an import has begun, with the head sent and nothing of the body.
fn begin(world: &World, who: &Somebody, framing: &str) -> TcpStream {
    let Somebody::Person { cookie, csrf_token, .. } = who else {
        panic!("a person")
    };
    let mut stream = TcpStream::connect(world.address).expect("connected");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let head = format!(
        "POST {SURVEY}/imports?source=list.csv HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncookie: {cookie}\r\n\
         x-csrf-token: {csrf_token}\r\ncontent-type: text/csv\r\n{framing}\r\n\r\n",
        world.address
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream
}

#[test]
fn a_file_is_read_whatever_its_marks_delimiter_and_line_breaks() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let csv = "\u{feff}Mobile;Customer ID;Notes\r\n+919800000001;a-1;\"two\r\nlines\"\r\n9800000002;a-2;\r\n\
               +919800000001;a-3;\r\n";
    let request = Request::new("POST", &format!("{SURVEY}/imports?source=l%C3%ADsta.csv&region=in"))
        .header("content-type", "text/csv")
        .body(csv);
    let answer = world.as_somebody(&manager, request);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let report = answer.json();
    let counts = ["total_rows", "accepted_rows", "known_rows", "rejected_rows"].map(|name| report[name].as_u64());
    assert_eq!(counts, [Some(3), Some(2), Some(1), Some(0)]);
    assert_eq!(report["source_name"], "lísta.csv");
    assert_eq!(
        (&report["state"], &report["unused_columns"]),
        (&json!("completed"), &json!(["notes"]))
    );
    let location = answer.header("location").expect("a place").to_owned();
    let read = world.as_somebody(&manager, Request::get(&location)).json();
    assert_eq!(read, newest(&world, &manager));
    assert_eq!(read["import_id"], report["import_id"]);
    assert_eq!(get(&world, &manager, "/contacts?count=true").json()["total"], 2);
}

#[test]
fn what_is_no_file_of_contacts_is_refused_by_name_and_begins_no_import() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    for (body, word) in [
        (&b"\xff\xfep\0h\0"[..], "UTF-16"),
        (b"PK\x03\x04", "spreadsheet"),
        (b"", "empty"),
        (b"city\nPune\n", "telephone number"),
    ] {
        let problem = world.as_somebody(&manager, file(body)).problem(422);
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains(word)),
            "{problem}"
        );
    }
    let path = format!("{SURVEY}/imports");
    world
        .as_somebody(&manager, Request::new("POST", &path).json(&json!({})))
        .problem(415);
    let keyed = file(people(1)).header("idempotency-key", "once");
    world.as_somebody(&manager, keyed).problem(400);
    let huge = Request::new("POST", &path)
        .header("content-type", "text/csv")
        .header("content-length", "1073741825");
    world.as_somebody(&manager, huge).problem(413);
    for (query, field) in [
        ("region=Narnia", "region"),
        ("source=", "source"),
        ("source=%07", "source"),
    ] {
        let request = Request::new("POST", &format!("{path}?{query}"))
            .header("content-type", "text/csv")
            .body(people(1));
        let problem = world.as_somebody(&manager, request).problem(400);
        assert_eq!(problem["errors"][0]["field"], field);
    }
    let elsewhere = Request::new("POST", "/api/v1/campaigns/none/imports")
        .header("content-type", "text/csv")
        .body(people(1));
    world.as_somebody(&manager, elsewhere).problem(404);
    assert_eq!(get(&world, &manager, "/imports").json()["items"], json!([]));
}

#[test]
fn every_rejected_row_is_told_with_its_number_and_its_reason_and_without_what_stood_in_it() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    // Every third is no number, and the last is there already.
    let numbers = (1..=3_600).map(|n| match n % 3 {
        0 => format!("98secret{n},\n"),
        _ => format!("+9198{n:08},\n"),
    });
    let csv: String = std::iter::once("phone,=zone\n".to_owned())
        .chain(numbers)
        .chain(["+919800000001,\n".to_owned()])
        .collect();
    let report = import(&world, &manager, csv);
    assert_eq!(
        (&report["rejected_rows"], &report["known_rows"]),
        (&json!(1_200), &json!(1))
    );
    assert_eq!(report["sample_rejections"].as_array().expect("rows").len(), 10);
    assert_eq!(report["sample_rejections"][0]["row"], 4);
    let id = report["import_id"].as_str().expect("an id");
    let answer = get(&world, &manager, &format!("/imports/{id}/rejected.csv"));
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = answer.text();
    assert!(!text.contains("secret"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("CSV")).collect();
    let found: Vec<u64> = rows.iter().map(|row| row[0].parse().expect("a number")).collect();
    let expected: Vec<u64> = (1..=1_200).map(|n| 3 * n + 1).chain([3_602]).collect();
    assert_eq!(found, expected);
    assert!(rows.iter().all(|row| !row[2].is_empty()));
    assert_eq!(&rows[0][1], "phone");
    put_campaign(&world, "another");
    let elsewhere = format!("/api/v1/campaigns/another/imports/{id}");
    world.as_somebody(&manager, Request::get(&elsewhere)).problem(404);
    let elsewhere = format!("{elsewhere}/rejected.csv");
    world.as_somebody(&manager, Request::get(&elsewhere)).problem(404);
}

#[test]
fn an_import_can_be_watched_while_its_file_arrives() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let mut stream = begin(&world, &manager, "transfer-encoding: chunked");
    let all = people(4_000);
    let half = all.len() / 2;
    let chunk = |stream: &mut TcpStream, text: &str| {
        let framed = format!("{:x}\r\n{text}\r\n", text.len());
        stream.write_all(framed.as_bytes()).expect("sent");
    };
    chunk(&mut stream, &all[..half]);
    let running = until(&world, &manager, |import| {
        import["accepted_rows"].as_u64() >= Some(1_000)
    });
    assert_eq!(
        (&running["state"], &running["ended_at"]),
        (&json!("running"), &json!(null))
    );
    assert_eq!(running["source_name"], "list.csv");
    chunk(&mut stream, &all[half..]);
    stream.write_all(b"0\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let done = newest(&world, &manager);
    assert_eq!(
        (&done["state"], &done["accepted_rows"]),
        (&json!("completed"), &json!(4_000))
    );
}

#[test]
fn an_import_whose_sender_hangs_up_fails_and_says_what_was_stored() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    for (framing, prefix, from) in [
        ("content-length: 1000000", String::new(), 0),
        ("transfer-encoding: chunked", "f4240\r\n".to_owned(), 1_500),
    ] {
        // The newest is known by its time.
        world.pass(Duration::from_secs(1));
        let mut stream = begin(&world, &manager, framing);
        let before = newest(&world, &manager)["import_id"].clone();
        stream.write_all(prefix.as_bytes()).expect("sent");
        stream.write_all(people(from + 1_500).as_bytes()).expect("sent");
        until(&world, &manager, |import| {
            import["import_id"] != before && import["total_rows"].as_u64() >= Some(1_000)
        });
        drop(stream);
        let ended = until(&world, &manager, |import| import["state"] != "running");
        assert_eq!(
            (&ended["state"], &ended["accepted_rows"]),
            (&json!("failed"), &json!(1_500))
        );
        assert!(
            ended["fault"].as_str().is_some_and(|fault| fault.contains("went away")),
            "{ended}"
        );
    }
    assert_eq!(get(&world, &manager, "/contacts?count=true").json()["total"], 3_000);
}

#[test]
fn an_import_whose_server_is_stopping_ends_at_once_however_slowly_its_file_comes() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let mut stream = begin(&world, &manager, "content-length: 1000000");
    stream.write_all(people(1_000).as_bytes()).expect("sent");
    until(&world, &manager, |import| import["state"] == "running");
    world.readiness.set_draining();
    // Not another byte.
    let ended = until(&world, &manager, |import| import["state"] != "running");
    assert_eq!(ended["state"], "failed");
    assert!(
        ended["fault"]
            .as_str()
            .is_some_and(|fault| fault.contains("interrupted")),
        "{ended}"
    );
    stream.shutdown(std::net::Shutdown::Write).expect("shut");
}

#[test]
fn a_file_that_breaks_off_in_itself_is_a_problem_that_says_what_was_stored() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let unclosed = format!("{}+919900000000,\"{}", people(3), "x".repeat(1 << 21));
    let answer = world.as_somebody(&manager, file(unclosed));
    let problem = answer.problem(422);
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(
        detail.contains("quotation mark") && detail.contains("3 contacts"),
        "{detail}"
    );
    let location = answer.header("location").expect("a place").to_owned();
    let import = world.as_somebody(&manager, Request::get(&location)).json();
    assert_eq!(
        (&import["state"], &import["accepted_rows"]),
        (&json!("failed"), &json!(3))
    );
}

#[test]
fn an_import_whose_server_was_killed_is_ended_after_the_next_start() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    let campaign = put_campaign(&world, "health-survey");
    let entry = AuditEntry {
        by: by(),
        action: "contacts.import",
        target: ("campaign", campaign.to_string()),
        before: None,
        after: None,
    };
    let left = ImportId::from("left");
    let begun = world.store.begin_import(&left, &campaign, "list.csv", &entry, NOW);
    world.wait(begun).expect("begun");
    // It may be read by another server, or a command line.
    assert_eq!(world.wait(world.campaigns.end_abandoned_imports()).expect("looked"), 0);
    assert_eq!(newest(&world, &manager)["state"], "running");
    world.pass(Duration::from_mins(3));
    assert_eq!(world.wait(world.campaigns.end_abandoned_imports()).expect("looked"), 1);
    let left = newest(&world, &manager);
    assert_eq!((&left["import_id"], &left["state"]), (&json!("left"), &json!("failed")));
    assert!(left["fault"].is_string());
}

#[test]
fn who_imports_stands_in_the_audit_log() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let report = import(
        &world,
        &manager,
        "phone,dnc\n+919800000001,\n+919800000002,yes\n".to_owned(),
    );
    let admin = world.person(Role::Admin);
    let log = world.as_somebody(&admin, Request::get("/api/v1/audit?action=contacts.import"));
    let log = log.json();
    let actions: Vec<&Value> = log["items"].as_array().expect("items").iter().collect();
    assert_eq!(actions.len(), 2);
    assert_eq!(actions[0]["action"], "contacts.import_end");
    assert_eq!(
        (
            &actions[0]["after"]["accepted"],
            &actions[0]["after"]["excluded_numbers"]
        ),
        (&json!(2), &json!(1))
    );
    assert_eq!(actions[1]["after"]["import_id"], report["import_id"]);
    assert!(actions.iter().all(|entry| entry["by"]["id"] == manager.id().as_str()));
}

#[test]
fn imports_come_in_pages_that_lose_and_repeat_none() {
    let world = World::start();
    let manager = world.person(Role::CampaignManager);
    put_campaign(&world, "health-survey");
    let mut expected = Vec::new();
    for _ in 0..3 {
        expected.insert(0, import(&world, &manager, people(1))["import_id"].clone());
        world.pass(Duration::from_secs(1));
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(&world, &manager, &format!("/imports?limit=2{cursor}")).json();
        let items = page["items"].as_array().expect("items");
        seen.extend(items.iter().map(|import| import["import_id"].clone()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
    let path = format!("{SURVEY}/imports?cursor=junk");
    let problem = world.as_somebody(&manager, Request::get(&path)).problem(400);
    assert_eq!(problem["errors"][0]["field"], "cursor");
}

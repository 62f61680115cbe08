//! Nothing is left of a thousand calls that ended in every way there is (L15).

use crate::harness::{output, samvad, scenarios, text};
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn l15_a_thousand_calls_of_all_endings_leave_nothing_behind_in_the_server() {
    let directory = TempDir::new().expect("a folder");
    let run = output(
        samvad()
            .args(["simulate", "--json", "--calls", "1000", "--recognizer", "fixed:20ms"])
            .args(["--concurrent", "200", "--calls-per-second", "15", "--workers", "2", "--scenario"])
            .arg(scenarios().join("endings.yaml"))
            .arg("--directory")
            .arg(directory.path().join("run"))
            .env("SAMVAD_DATA_DIR", directory.path().join("data")),
    );
    let said = text(&run.stdout);
    let summary: Value = serde_json::from_str(said.lines().last().expect("a summary")).expect("JSON");
    assert!(run.status.success(), "{}\n{}", summary["differences"], text(&run.stderr));
    let figures = &summary["figures"];
    let resident = |calls: u64| {
        let points = figures["resident_after"].as_array().into_iter().flatten();
        let at = points.filter(|point| point[0].as_u64() == Some(calls));
        at.filter_map(|point| point[1].as_f64())
            .next()
            .unwrap_or_else(|| panic!("no figure after {calls} calls: {figures}"))
    };
    let (early, late) = (resident(200), resident(1000));
    assert!(late <= early * 1.05, "resident memory grew from {early} to {late}: {figures}");
    let (start, end) = (&figures["server_at_start"], &figures["server_at_end"]);
    for gauge in ["calls", "sockets", "permits"] {
        assert_eq!(end[gauge], 0, "{gauge}: {end}");
    }
    for held in ["threads", "open_descriptors"] {
        assert!(
            end[held].as_u64() <= start[held].as_u64(),
            "{held}: {} at the start, {} at the end",
            start[held],
            end[held]
        );
    }
    crate::harness::assert_no_panic(
        &std::fs::read_to_string(directory.path().join("run/server.log")).expect("a log"),
    );
}

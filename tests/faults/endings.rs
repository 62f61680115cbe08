//! Nothing is left of a thousand calls that ended in every way there is (L15).

use crate::harness::{DEADLINE, Process, World, assert_no_panic, count, poll};
use rustix::process::Signal;
use samvad::telemetry::ProcessUsage;
use std::collections::BTreeMap;

const CALLS: usize = 1_000;

fn usage(server: &Process) -> ProcessUsage {
    ProcessUsage::of(u32::try_from(server.pid()).expect("a process id")).expect("a process")
}

#[test]
fn l15_a_thousand_calls_of_all_endings_leave_nothing_behind_in_the_server() {
    // So few at once that their number is the same from the first seconds to the last.
    let mut world = World::of_fixture("endings.yaml", CALLS)
        .set("SAMVAD_MAX_CALLS", "60")
        .set("SAMVAD_CALLS_PER_SECOND", "30")
        .set("SAMVAD_RECOGNIZER", "fixed:20ms");
    let mut server = world.calling();
    let start = usage(&server);
    let mut resident = BTreeMap::new();
    for ended in (100..=CALLS).step_by(100) {
        server.until(&format!("{ended} calls have ended"), |lines| {
            count(lines, "ended") >= ended
        });
        resident.insert(ended, usage(&server).resident_bytes);
    }
    let end = std::cell::Cell::new(usage(&server));
    poll(
        "threads and descriptors are as many as at the start",
        || {
            end.set(usage(&server));
            end.get().threads <= start.threads && end.get().open_descriptors <= start.open_descriptors
        },
        || format!("{}\n{start:?}, then {:?}", server.log_text(), end.get()),
    );
    let (early, late) = (resident[&200], resident[&CALLS]);
    assert!(
        late <= early + early / 20,
        "resident memory grew from {early} to {late}: {resident:?}"
    );
    server.signal(Signal::TERM);
    assert!(server.ended(DEADLINE).success(), "{}", server.log_text());
    let last = server.lines().last().cloned().expect("its usage");
    for gauge in ["calls", "sockets", "permits"] {
        assert_eq!(last[gauge], 0, "{last}");
    }
    assert_no_panic(&server.log_text());

    world.assert_outcomes_as_expected();
    world.assert_all_ended_once(0);
}

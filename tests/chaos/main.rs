//! Three nodes dial while everything fails around them, and the laws of dialling hold: nobody is called twice, outside
//! their window, after an opt-out, or past a limit; and in the end everything is settled.
//!
//! Chosen by seed and bounded. `make chaos` makes a long run of it, and then takes out one guard after the other to show
//! that the laws notice. Settings, from the environment:
//!
//! - `CHAOS_SEED`: of every choice (1);
//! - `CHAOS_CONTACTS`: how many are called (150);
//! - `CHAOS_SECONDS`: how long the run may take at most (300);
//! - `CHAOS_MUTATION`: the guard to be taken out; the test passes then if its law is broken.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests; clippy knows test functions only"
)]

mod faults;
mod fleet;
mod laws;
mod mutations;
mod people;
#[path = "../support/postgres.rs"]
#[expect(dead_code, reason = "this one has a server of its own to crash")]
mod postgres;
#[path = "../support/postgres_outage.rs"]
mod postgres_outage;
mod record;
mod run;
#[path = "../coordination/server.rs"]
mod server;

use mutations::Mutation;
use run::{Run, Settings};

#[test]
fn the_laws_of_dialling_hold_whatever_fails() {
    let settings = Settings {
        seed: number("CHAOS_SEED", 1),
        contacts: u32::try_from(number("CHAOS_CONTACTS", 150)).expect("CHAOS_CONTACTS is small enough"),
        seconds: number("CHAOS_SECONDS", 300),
        mutation: std::env::var("CHAOS_MUTATION").ok().map(|name| Mutation::named(&name)),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    eprintln!("chaos: {settings:?}");
    let directory = tempfile::Builder::new()
        .prefix("samvad-chaos.")
        .tempdir()
        .expect("a folder")
        .keep();
    eprintln!("chaos: logs and ledger: {}", directory.display());
    let found = runtime.block_on(Run::new(settings.clone(), &directory).to_the_end());
    for breach in &found {
        eprintln!("chaos: broken: {breach}");
    }
    let as_it_should_be = match settings.mutation {
        Some(mutation) => found.iter().any(|breach| breach.law == mutation.caught_by()),
        None => found.is_empty(),
    };
    assert!(
        as_it_should_be,
        "chaos: {settings:?}: {} breaches; see {}",
        found.len(),
        directory.display()
    );
    std::fs::remove_dir_all(&directory).expect("removed");
}

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is {text}; write a whole number")),
        Err(_) => default,
    }
}

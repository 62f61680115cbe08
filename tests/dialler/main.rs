//! Campaigns run by their actors: in one process over a scripted carrier and a clock that can be set, and as a fleet of
//! servers over PostgreSQL and Redis.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what the tests stand on fails as loudly as they do"
)]

#[expect(dead_code, reason = "the tests of the API use the rest")]
#[path = "../api/client.rs"]
mod api_client;
mod by_api;
mod carrier;
mod coordination;
mod dialling;
mod fleet;
mod modes;
mod nodes;
#[path = "../support/postgres.rs"]
mod postgres;
#[expect(dead_code, reason = "the tests of the coordination use the rest")]
#[path = "../coordination/server.rs"]
mod redis;
mod steering;
mod trouble;
mod unclear;
mod world;

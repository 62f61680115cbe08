//! Coordination between nodes: in this process alone, or over Redis.

mod in_process;
pub mod redis;

pub use in_process::InProcessCoordination;
pub use redis::RedisCoordination;

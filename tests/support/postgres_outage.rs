//! Outages of a test's own PostgreSQL server.

use super::postgres::Server;

impl Server {
    /// Stops the server at once, as a crash would.
    ///
    /// # Errors
    /// What failed.
    pub fn crash(&mut self) -> Result<(), String> {
        self.ask("stop", "stopped").map(drop)
    }

    /// Starts it again on the same data.
    ///
    /// # Errors
    /// What failed.
    pub fn restart(&mut self) -> Result<(), String> {
        self.ask("start", "ready").map(drop)
    }
}

//! The threads on which services are talked to.

use std::future::Future;
use tokio::runtime::{Builder, Handle, Runtime};

/// A run time of its own for everything that talks to services. Dropping it ends what still runs there.
pub struct ServiceThreads {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl ServiceThreads {
    /// Starts the threads: encoding, resampling and JSON of a few hundred calls fit on one; the second keeps
    /// connections alive while the first is busy.
    ///
    /// # Errors
    /// If the system gives no threads.
    pub fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("speech-services")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Runs a future there. May be called from any thread.
    pub fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        // Whether it ended is told by what it does, not by its handle.
        drop(self.handle.spawn(future));
    }

    /// Tasks that run there.
    pub fn tasks(&self) -> usize {
        self.handle.metrics().num_alive_tasks()
    }
}

impl Drop for ServiceThreads {
    fn drop(&mut self) {
        // A run time that is dropped waits, which no asynchronous caller may.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

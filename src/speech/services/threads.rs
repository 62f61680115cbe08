//! The threads on which services are talked to.

use std::future::Future;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

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

    /// Runs a future there and gives its result; `None` if the threads end before it. If the result is awaited no more,
    /// the future ends.
    pub async fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (mut reply, result) = oneshot::channel();
        self.spawn(async move {
            let done = tokio::select! {
                done = future => done,
                () = reply.closed() => return,
            };
            // Whether anybody waits for it is theirs.
            let _ = reply.send(done);
        });
        result.await.ok()
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

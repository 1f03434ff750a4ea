//! The client threads of a benchmark, their connections and the workers on each connection.
//!
//! The client shares the machine with the server it loads, so it is built to be cheap: each thread is a
//! current-thread runtime with connections of its own, and its workers are futures polled in place.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use anyhow::{Context as _, bail};
use futures::future::try_join_all;
use tokio::sync::Semaphore;

/// How many of everything.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Client threads.
    pub threads: usize,
    /// Connections, dealt out to the threads.
    pub connections: usize,
    /// Workers on each connection.
    pub workers: usize,
}

/// A worker's place in the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its thread, below [`Fleet::threads`].
    pub thread: usize,
    /// Tells it from all other workers; below [`Fleet::size`].
    pub number: usize,
}

/// Ends a fleet from outside.
#[derive(Debug)]
pub struct Stop(Semaphore);

impl Default for Stop {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Stop {
    /// Makes every thread drop its workers and end. No effect on threads that have ended.
    pub fn now(&self) {
        self.0.close();
    }

    async fn wait(&self) {
        // No permits are ever added: this returns when the semaphore is closed.
        let _closed = self.0.acquire().await;
    }
}

impl Fleet {
    /// All workers.
    pub fn size(self) -> usize {
        self.connections * self.workers
    }

    /// Starts the threads. Each sends one result: when its last worker has ended, or at the first error.
    pub fn launch<'scope, C: Clone>(
        self,
        scope: &'scope Scope<'scope, '_>,
        stop: &'scope Stop,
        connect: &'scope (impl AsyncFn() -> anyhow::Result<C> + Sync),
        work: &'scope (impl AsyncFn(C, Seat) -> anyhow::Result<()> + Sync),
    ) -> Receiver<anyhow::Result<()>> {
        let (sender, results) = channel();
        for thread in 0..self.threads {
            let sender: Sender<anyhow::Result<()>> = sender.clone();
            scope.spawn(move || {
                let result = block_on(async {
                    tokio::select! {
                        result = self.run_thread(thread, connect, work) => result,
                        () = stop.wait() => bail!("stopped"),
                    }
                });
                // Nobody listens any more after an error elsewhere.
                let _unheard = sender.send(result);
            });
        }
        results
    }

    async fn run_thread<C: Clone>(
        self,
        thread: usize,
        connect: &impl AsyncFn() -> anyhow::Result<C>,
        work: &impl AsyncFn(C, Seat) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut workers = Vec::new();
        for connection in (thread..self.connections).step_by(self.threads) {
            let client = connect().await?;
            for worker in 0..self.workers {
                let number = connection * self.workers + worker;
                workers.push(work(client.clone(), Seat { thread, number }));
            }
        }
        try_join_all(workers).await?;
        Ok(())
    }
}

/// Runs a task on a current-thread runtime of its own.
pub fn block_on<T>(task: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a client thread")?;
    runtime.block_on(task)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;

    const FLEET: Fleet = Fleet { threads: 2, connections: 3, workers: 4 };

    #[test]
    fn every_seat_is_taken_once() {
        let (seen, stop) = (Mutex::new(BTreeSet::new()), Stop::default());
        let (connect, work) = (
            async || Ok(()),
            async |(), seat: Seat| {
                assert!(seen.lock().unwrap().insert(seat.number));
                Ok(())
            },
        );
        let results = std::thread::scope(|scope| FLEET.launch(scope, &stop, &connect, &work));
        assert_eq!(results.iter().filter(Result::is_ok).count(), FLEET.threads);
        assert_eq!(seen.lock().unwrap().iter().copied().collect::<Vec<_>>(), (0..FLEET.size()).collect::<Vec<_>>());
    }

    #[test]
    fn stop_ends_workers_that_wait_for_ever() {
        let stop = Stop::default();
        let (connect, work) = (async || Ok(()), async |(), _| std::future::pending().await);
        let results = std::thread::scope(|scope| {
            let results = FLEET.launch(scope, &stop, &connect, &work);
            stop.now();
            results
        });
        assert!(results.iter().all(|result| result.is_err()));
    }
}

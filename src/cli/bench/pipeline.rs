//! Many requests in flight on one stream that answers in the order of the requests.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use futures::Stream;
use futures::stream::unfold;
use tokio::sync::Semaphore;

use super::pace::Schedule;

/// The sending half: what the stream's requests are made from.
pub struct Requests<M> {
    window: Arc<Semaphore>,
    dues: Sender<Instant>,
    schedule: Arc<Schedule>,
    make: M,
}

/// The receiving half: knows when the request of each answer was due.
#[derive(Debug)]
pub struct Answers {
    window: Arc<Semaphore>,
    dues: Receiver<Instant>,
}

/// Pairs requests made by `make` when the schedule says with their answers, at most `window` of them in flight.
pub fn pipeline<M>(schedule: Arc<Schedule>, window: usize, make: M) -> (Requests<M>, Answers) {
    let window = Arc::new(Semaphore::new(window));
    let (sent, dues) = channel();
    let requests = Requests { window: Arc::clone(&window), dues: sent, schedule, make };
    (requests, Answers { window, dues })
}

impl<M> Requests<M> {
    /// The requests; ends with the schedule.
    pub fn stream<T>(self) -> impl Stream<Item = T> + Send + 'static
    where
        M: FnMut() -> T + Send + 'static,
        T: Send + 'static,
    {
        unfold(self, |mut requests| async {
            requests.window.acquire().await.ok()?.forget();
            let due = requests.schedule.next().await?;
            requests.dues.send(due).ok()?;
            let request = (requests.make)();
            Some((request, requests))
        })
    }
}

impl Answers {
    /// The next answer is here: says when its request was due, and lets another one go.
    pub fn next_due(&self) -> anyhow::Result<Instant> {
        let due = self.dues.try_recv().context("the server sent more answers than there were requests")?;
        self.window.add_permits(1);
        Ok(due)
    }

    /// The server has ended the stream: every request must have been answered.
    pub fn end(&self) -> anyhow::Result<()> {
        let unanswered = self.dues.try_iter().count();
        ensure!(unanswered == 0, "the server ended the stream with {unanswered} requests unanswered");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::time::Duration;

    use futures::{FutureExt as _, StreamExt as _};

    use super::*;

    #[tokio::test]
    async fn no_more_than_the_window_is_in_flight() {
        let schedule = Arc::new(Schedule::start(Duration::ZERO, Duration::from_secs(60), None));
        let mut made = 0;
        let (requests, answers) = pipeline(schedule, 3, move || {
            made += 1;
            made
        });
        let mut requests = pin!(requests.stream());
        assert_eq!(requests.by_ref().take(3).collect::<Vec<i32>>().await, [1, 2, 3]);
        assert_eq!(requests.next().now_or_never(), None, "a fourth has to wait");
        answers.next_due().unwrap();
        assert_eq!(requests.next().await, Some(4));
        assert!(answers.end().is_err(), "three are unanswered");
        assert!(answers.next_due().is_err(), "and have been given up");
    }

    #[tokio::test]
    async fn requests_end_with_the_schedule() {
        let schedule = Arc::new(Schedule::start(Duration::ZERO, Duration::ZERO, None));
        let (requests, answers) = pipeline(schedule, 3, || ());
        assert_eq!(requests.stream().count().await, 0);
        answers.end().unwrap();
    }
}

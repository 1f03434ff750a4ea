//! The answers of a stream that are not given yet, in the order of their requests: of customers whom other threads read
//! from the disk, and of those behind them.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::oneshot::error::TryRecvError;

use super::super::super::Context;
use super::super::cold::{Cold, Read, Reading};
use super::super::refused;

/// How many answers may be pending. So many lookups of one stream are read side by side at most, and so many answers are held
/// that its client has not taken: enough for the disk to be busy while answers are on their way, and little memory.
const MAX_PENDING: usize = 32;

/// The answers.
#[derive(Default)]
pub(super) struct Pending {
    answers: VecDeque<Answer>,
}

enum Answer {
    Made(Arc<[u8]>),
    Awaited(Arc<Cold>, Reading),
}

impl Pending {
    /// True if nothing is pending.
    pub(super) fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// True if no more is to be added.
    pub(super) fn is_full(&self) -> bool {
        self.answers.len() >= MAX_PENDING
    }

    /// Adds an answer that waits only for those before it.
    pub(super) fn push_made(&mut self, answer: Arc<[u8]>) {
        self.answers.push_back(Answer::Made(answer));
    }

    /// Adds an answer that has to be read, which is begun.
    pub(super) fn push_cold(&mut self, context: &Context, cold: Arc<Cold>) {
        let reading = context.begin(Arc::clone(&cold));
        self.answers.push_back(Answer::Awaited(cold, reading));
    }

    /// The next answer, if it is made by now.
    pub(super) fn pop_made(&mut self, context: &Context) -> Option<Arc<[u8]>> {
        if let Answer::Awaited(cold, reading) = self.answers.front_mut()? {
            let read = match reading.try_recv() {
                Ok(read) => Some(read),
                Err(TryRecvError::Closed) => None,
                Err(TryRecvError::Empty) => return None,
            };
            let answer = made(context, cold, read);
            self.answers.pop_front();
            return Some(answer);
        }
        match self.answers.pop_front()? {
            Answer::Made(answer) => Some(answer),
            Answer::Awaited(..) => None,
        }
    }

    /// Waits until the next answer is made. Nothing is lost if it is not waited for to the end.
    pub(super) async fn next_made(&mut self, context: &Context) {
        if let Some(next) = self.answers.front_mut()
            && let Answer::Awaited(cold, reading) = next
        {
            let read = reading.await.ok();
            *next = Answer::Made(made(context, cold, read));
        }
    }
}

/// The bytes of an answer that was read; what is wrong is said in its place.
fn made(context: &Context, cold: &Cold, read: Option<Read>) -> Arc<[u8]> {
    context.settle(read).unwrap_or_else(|refusal| refused(cold.text.clone(), refusal))
}

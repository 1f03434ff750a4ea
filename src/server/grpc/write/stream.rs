//! `StreamWrite`: facts are handed to the writer as they come, and their results leave in the same order.
//!
//! Reading stops while the writer's queue is full, and while [`MAX_PENDING`] results wait: for the disk, or for a
//! client that does not read. The caller is checked again for each message. The drain, a revoked key and a message that
//! cannot be read end the stream after the results of all facts that were taken. The client's own deadline, its going
//! away and the end of the time to drain cut it: facts that were taken are applied, and their results are lost.

use std::collections::VecDeque;

use futures::Stream;
use futures::stream::unfold;
use tonic::{Status, Streaming};

use super::super::Context;
use crate::domain::receipt::Receipt;
use crate::engine::Pending;
use crate::proto::v1::{StreamWriteRequest, StreamWriteResponse};
use crate::server::auth::Caller;
use crate::server::convert;
use crate::server::status::Refusal;

/// How many facts of one stream may wait for their results.
const MAX_PENDING: usize = 2_048;

/// The results of `requests`.
pub fn results(
    context: Context,
    caller: Caller,
    requests: Streaming<StreamWriteRequest>,
) -> impl Stream<Item = Result<StreamWriteResponse, Status>> + Send {
    let writes = Writes { context, caller, requests, reading: true, end: None, waiting: VecDeque::new() };
    unfold(writes, |mut writes| async move { Some((writes.next().await?, writes)) })
}

/// A stream of writes.
struct Writes {
    context: Context,
    caller: Caller,
    requests: Streaming<StreamWriteRequest>,
    reading: bool,
    end: Option<Refusal>,
    waiting: VecDeque<Result<Pending, Refusal>>,
}

impl Writes {
    async fn next(&mut self) -> Option<Result<StreamWriteResponse, Status>> {
        loop {
            if self.reading && self.context.drain.is_on() {
                self.stop(Some(Refusal::draining()));
            }
            tokio::select! {
                biased;
                Some(result) = front(&mut self.waiting) => return Some(self.deliver(result)),
                request = self.requests.message(), if self.reading && self.waiting.len() < MAX_PENDING => {
                    self.take(request).await;
                }
                () = self.context.drain.wait(), if self.reading => {}
                else => return self.end.take().map(|refusal| Err(refusal.into())),
            }
        }
    }

    async fn take(&mut self, request: Result<Option<StreamWriteRequest>, Status>) {
        match request {
            Ok(Some(StreamWriteRequest { fact })) => match self.context.guard.check_again(&mut self.caller) {
                Ok(()) => self.waiting.push_back(self.context.submit(self.caller.workspace, fact).await),
                Err(refusal) => self.stop(Some(refusal)),
            },
            Ok(None) => self.stop(None),
            Err(status) => self.stop(Some(Refusal::unreadable(&status))),
        }
    }

    fn stop(&mut self, end: Option<Refusal>) {
        self.reading = false;
        self.end = end;
    }

    fn deliver(&self, result: Result<Receipt, Refusal>) -> Result<StreamWriteResponse, Status> {
        self.context.count_fact(&result);
        let active = self.context.engine.model(self.caller.workspace).map_err(Refusal::from)?;
        Ok(StreamWriteResponse { result: Some(convert::receipt::write_result(result, &active.model)) })
    }
}

/// Waits for the first of the results; `None` if none is awaited. The writer keeps the order, so the others are not
/// ready before it. Nothing is lost if this is dropped while it waits.
async fn front(waiting: &mut VecDeque<Result<Pending, Refusal>>) -> Option<Result<Receipt, Refusal>> {
    let result = match waiting.front_mut()? {
        Ok(pending) => pending.await.map_err(Refusal::from),
        Err(refusal) => Err(refusal.clone()),
    };
    waiting.pop_front();
    Some(result)
}

//! `WriteService`.

mod stream;

use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use super::{Context, caller, workspace};
use crate::domain::fact::{Fact, MAX_BATCH_FACTS};
use crate::domain::ids::WorkspaceId;
use crate::domain::invalid::{Invalid, Reason};
use crate::domain::receipt::Receipt;
use crate::domain::time::Time;
use crate::domain::token::Token;
use crate::engine::Pending;
use crate::proto::v1;
use crate::proto::v1::write_service_server::WriteService;
use crate::proto::v1::{
    BatchWriteRequest, BatchWriteResponse, StreamWriteRequest, StreamWriteResponse, WriteRequest, WriteResponse,
};
use crate::server::metrics::FactResult;
use crate::server::status::Refusal;
use crate::server::{clock, convert};

/// The handlers.
pub struct Write(pub Context);

#[tonic::async_trait]
impl WriteService for Write {
    async fn write(&self, request: Request<WriteRequest>) -> Result<Response<WriteResponse>, Status> {
        let workspace = workspace(&request)?;
        let WriteRequest { fact } = request.into_inner();
        let receipt = self.0.write(workspace, fact).await;
        self.0.count_fact(&receipt);
        let receipt = receipt.map_err(|refusal| refusal.within("fact"))?;
        let active = self.0.engine.model(workspace).map_err(Refusal::from)?;
        Ok(Response::new(WriteResponse { receipt: Some(convert::receipt::write(receipt, &active.model)) }))
    }

    async fn batch_write(&self, request: Request<BatchWriteRequest>) -> Result<Response<BatchWriteResponse>, Status> {
        let workspace = workspace(&request)?;
        let BatchWriteRequest { facts } = request.into_inner();
        Ok(Response::new(self.0.batch_write(workspace, facts).await?))
    }

    type StreamWriteStream = Pin<Box<dyn Stream<Item = Result<StreamWriteResponse, Status>> + Send>>;

    async fn stream_write(
        &self,
        request: Request<Streaming<StreamWriteRequest>>,
    ) -> Result<Response<Self::StreamWriteStream>, Status> {
        let caller = caller(&request)?;
        let results = stream::results(self.0.clone(), caller, request.into_inner());
        Ok(Response::new(Box::pin(results)))
    }
}

impl Context {
    /// Writes one fact.
    pub(super) async fn write(&self, workspace: WorkspaceId, fact: Option<v1::Fact>) -> Result<Receipt, Refusal> {
        let now = clock::now();
        let fact = self.check(workspace, fact, now)?;
        Ok(self.engine.try_submit(workspace, fact, now)?.await?)
    }

    /// Reads a fact that arrives at `now`.
    pub(super) fn check(&self, workspace: WorkspaceId, fact: Option<v1::Fact>, now: Time) -> Result<Fact, Refusal> {
        let draft = convert::fact::read(fact)?;
        Ok(self.engine.check(workspace, draft, now)?)
    }

    /// Hands a fact to the writer, waiting for room in its queue.
    async fn submit(&self, workspace: WorkspaceId, fact: Option<v1::Fact>) -> Result<Pending, Refusal> {
        let now = clock::now();
        let fact = self.check(workspace, fact, now)?;
        Ok(self.engine.submit(workspace, fact, now).await?)
    }

    async fn batch_write(&self, workspace: WorkspaceId, facts: Vec<v1::Fact>) -> Result<BatchWriteResponse, Refusal> {
        check_batch(facts.len())?;
        let mut submitted = Vec::with_capacity(facts.len());
        for fact in facts {
            submitted.push(self.submit(workspace, Some(fact)).await);
        }
        let active = self.engine.model(workspace)?;
        let mut last = None;
        let mut results = Vec::with_capacity(submitted.len());
        for pending in submitted {
            let result = receipt(pending).await;
            self.count_fact(&result);
            last = last.max(result.as_ref().ok().map(|receipt| receipt.seq));
            results.push(convert::receipt::write_result(result, &active.model));
        }
        let token = Token(last.unwrap_or_else(|| self.engine.applied())).to_string();
        Ok(BatchWriteResponse { results, token })
    }

    /// Counts what became of a fact.
    pub(super) fn count_fact(&self, result: &Result<Receipt, Refusal>) {
        if let Ok(receipt) = result {
            self.count_lines(receipt);
        }
        self.counts.fact(match result {
            Ok(receipt) if receipt.duplicate => FactResult::Duplicate,
            Ok(receipt) if receipt.refuses_the_erased() => FactResult::Erased,
            Ok(_) => FactResult::Applied,
            Err(_) => FactResult::Refused,
        });
    }

    /// Counts what was done to identities. What the lines of a duplicate tell was counted before.
    pub(super) fn count_lines(&self, receipt: &Receipt) {
        for line in receipt.lines.iter().filter(|_| !receipt.duplicate) {
            self.counts.line(line.action);
        }
    }
}

/// Waits for what became of a fact.
async fn receipt(pending: Result<Pending, Refusal>) -> Result<Receipt, Refusal> {
    Ok(pending?.await?)
}

fn check_batch(facts: usize) -> Result<(), Invalid> {
    match facts {
        0 => Err(Invalid::new(Reason::Missing, "facts", "is empty; send at least one fact")),
        1..=MAX_BATCH_FACTS => Ok(()),
        _ => {
            let text = format!("has more than {MAX_BATCH_FACTS} facts; send several batches, or use StreamWrite");
            Err(Invalid::new(Reason::TooLarge, "facts", text))
        }
    }
}

//! The pipe of `write` and `import`: rows in, facts over one StreamWrite, results back in the order of the rows.
//!
//! A thread reads and converts; it puts each row first into the line of those waiting for a result and then, if it is
//! a fact, onto the stream. Both are bounded, so memory is too, and reading waits for the server. Results are taken
//! from the line in its order, which is the server's order. Since nobody who takes results ever waits for the sender,
//! the two directions cannot block each other.

use std::io;
use std::thread::JoinHandle;

use anyhow::anyhow;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::exit::Failure;
use super::summary::Summary;
use crate::client::{self, Client};
use crate::intake::Row;
use crate::proto::v1::write_result::Result as Written;
use crate::proto::v1::{ItemError, StreamWriteRequest, StreamWriteResponse};

/// Most rows that wait for their result.
const WINDOW: usize = 4_096;
/// Most facts between the thread that reads and the stream.
const BUFFER: usize = 256;

/// A row that became no fact of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The line it starts on.
    pub line: u64,
    /// Why, without any value of the row.
    pub reason: String,
    /// Its bytes.
    pub raw: Vec<u8>,
}

/// How feeding ended.
#[derive(Debug)]
pub enum End {
    /// Every row has its result.
    Complete,
    /// Stopped on demand; every row that was sent has its result.
    Interrupted,
    /// Rows may have been sent whose result is unknown.
    Broken(Failure),
}

/// A row that waits for its result.
#[derive(Debug)]
enum Waiting {
    /// On the stream.
    Sent { line: u64, raw: Vec<u8> },
    /// Refused here already.
    Rejected(Reject),
    /// The file cannot be read on.
    Unreadable(io::Error),
}

/// Sends all rows. Each reject is handed to `reject`, and `progress` is told after each result.
pub async fn run(
    client: &Client,
    rows: impl Iterator<Item = io::Result<Row>> + Send + 'static,
    mut interrupted: watch::Receiver<bool>,
    mut reject: impl FnMut(Reject) -> Result<(), Failure>,
    mut progress: impl FnMut(&Summary),
) -> (Summary, End) {
    let mut summary = Summary::start();
    let (to_line, mut line) = mpsc::channel(WINDOW);
    let (to_stream, stream) = mpsc::channel(BUFFER);
    let reader = match std::thread::Builder::new().name("rows".into()).spawn(move || read(rows, &to_line, &to_stream)) {
        Ok(reader) => reader,
        Err(cause) => return (summary, End::Broken(anyhow!("cannot start a thread: {cause}").into())),
    };
    let opened = client.write().stream_write(ReceiverStream::new(stream)).await;
    let mut results = match opened.map_err(client::Error::from) {
        Ok(response) => response.into_inner(),
        Err(error) => return (summary, End::Broken(error.into())),
    };
    loop {
        let stop = interrupted.wait_for(|stop| *stop);
        let next = tokio::select! {
            biased;
            Ok(_) = stop, if !line.is_closed() => {
                line.close();
                continue;
            }
            next = line.recv() => next,
        };
        let outcome = match next {
            None => return (summary, end(*interrupted.borrow(), reader)),
            Some(Waiting::Unreadable(cause)) => Err(anyhow!("the input cannot be read on: {cause}").into()),
            Some(Waiting::Rejected(rejected)) => Ok(Some(rejected)),
            Some(Waiting::Sent { line, raw }) => match results.message().await {
                Ok(result) => settle(result, &mut summary).map(|why| why.map(|reason| Reject { line, reason, raw })),
                Err(status) => Err(client::Error::from(status).into()),
            },
        };
        let kept = outcome.and_then(|rejected| match rejected {
            Some(rejected) => {
                summary.rejected += 1;
                reject(rejected)
            }
            None => Ok(()),
        });
        if let Err(failure) = kept {
            return (summary, End::Broken(failure));
        }
        progress(&summary);
    }
}

/// Nothing is left in the line: all rows were read, or reading was stopped, or the thread died.
fn end(interrupted: bool, reader: JoinHandle<()>) -> End {
    if interrupted {
        return End::Interrupted;
    }
    match reader.join() {
        Ok(()) => End::Complete,
        Err(_) => End::Broken(anyhow!("reading the input failed; this is a defect of kith").into()),
    }
}

/// Counts a result. The text is why the fact was refused.
fn settle(result: Option<StreamWriteResponse>, summary: &mut Summary) -> Result<Option<String>, Failure> {
    let missing = || anyhow!("the server ended the stream before it had answered every fact");
    let written = result.and_then(|response| response.result).and_then(|result| result.result);
    match written.ok_or_else(missing)? {
        Written::Receipt(receipt) => {
            summary.count(&receipt);
            Ok(None)
        }
        Written::Error(error) => Ok(Some(reason(&error))),
    }
}

/// Why a fact was refused, with the field at fault.
pub fn reason(error: &ItemError) -> String {
    match error.field.as_str() {
        "" => error.message.clone(),
        field => format!("{field}: {}", error.message),
    }
}

/// Reads until there is no more or nobody takes it.
fn read(
    rows: impl Iterator<Item = io::Result<Row>>,
    line: &mpsc::Sender<Waiting>,
    stream: &mpsc::Sender<StreamWriteRequest>,
) {
    for row in rows {
        let (waiting, fact) = match row {
            Ok(Row { line, raw, fact: Ok(fact) }) => (Waiting::Sent { line, raw }, Some(fact)),
            Ok(Row { line, raw, fact: Err(refusal) }) => {
                (Waiting::Rejected(Reject { line, reason: refusal.to_string(), raw }), None)
            }
            Err(cause) => (Waiting::Unreadable(cause), None),
        };
        if line.blocking_send(waiting).is_err() {
            return;
        }
        if fact.is_some() && stream.blocking_send(StreamWriteRequest { fact }).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;

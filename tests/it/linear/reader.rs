//! Readers: lookups of one customer, of many, and streams of them, of plain fields and by views, by tokens and without.

use std::collections::VecDeque;
use std::sync::Arc;

use kith::proto::v1::{BatchLookupRequest, LookupRequest, StreamLookupRequest};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::answer::Asked;
use super::run::{Key, Run, WRITERS};

/// Keys of a batch, and messages of a stream.
const MANY: std::ops::RangeInclusive<usize> = 2..=15;
/// Messages of a stream that are on their way at once.
const WINDOW: usize = 4;

/// One of so many pairs: few of them come up often.
pub fn pair(random: &mut StdRng, pairs: usize) -> usize {
    let place: f64 = random.random();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of them")]
    let pair = (place.powi(3) * pairs as f64) as usize;
    pair
}

/// Looks up one customer by a connection, and judges the answer.
pub async fn lookup(run: &Run, connection: usize, key: Key, asked: Asked, token: String) -> Result<(), Status> {
    let known = run.known();
    let request = LookupRequest {
        keys: vec![key.text()],
        fields: asked.fields(),
        view: asked.view(),
        token: token.clone(),
        ..Default::default()
    };
    let response = run.client(connection).lookup().lookup(request).await?.into_inner();
    run.judge(&known, asked, &[(key, response.answer.unwrap())]);
    run.given(&token, response.token);
    Ok(())
}

/// Reads until the run is over.
pub async fn read(run: Arc<Run>, connection: usize) {
    let random = StdRng::seed_from_u64(run.plan.seed ^ (connection as u64 + 1) << 32);
    let mut reader = Reader { run, connection, random };
    while reader.run.goes_on() {
        if let Err(status) = reader.next().await {
            reader.run.fail(format!("a lookup was refused: {status:?}"));
        }
    }
}

struct Reader {
    run: Arc<Run>,
    connection: usize,
    random: StdRng,
}

impl Reader {
    async fn next(&mut self) -> Result<(), Status> {
        let asked = Asked::ALL[self.random.random_range(0..Asked::ALL.len())];
        let token = if self.random.random() { self.run.token() } else { String::new() };
        match self.random.random_range(0..20) {
            0..15 => {
                let key = self.key();
                lookup(&self.run, self.connection, key, asked, token).await?;
                self.run.count("lookups", 1);
                Ok(())
            }
            15..18 => self.batch(asked, token).await,
            _ => self.stream(asked, token).await,
        }
    }

    fn key(&mut self) -> Key {
        let (writer, pair) = (self.random.random_range(0..WRITERS), pair(&mut self.random, self.run.plan.pairs));
        Key { writer, at: 2 * pair + self.random.random_range(0..2) }
    }

    /// Some keys, often both of a pair.
    fn keys(&mut self) -> Vec<Key> {
        let many = self.random.random_range(MANY);
        let mut keys = Vec::with_capacity(many + 1);
        while keys.len() < many {
            let key = self.key();
            keys.push(key);
            if self.random.random() {
                keys.push(Key { at: key.at ^ 1, ..key });
            }
        }
        keys
    }

    async fn batch(&mut self, asked: Asked, token: String) -> Result<(), Status> {
        let keys = self.keys();
        let known = self.run.known();
        let request = BatchLookupRequest {
            keys: keys.iter().map(|key| key.text()).collect(),
            fields: asked.fields(),
            view: asked.view(),
            token: token.clone(),
            ..Default::default()
        };
        let client = self.run.client(self.connection);
        let response = client.lookup().batch_lookup(request).await?.into_inner();
        self.run.count("answers of batches", keys.len());
        if response.answers.len() != keys.len() {
            self.run.fail(format!("{} answers to {} keys", response.answers.len(), keys.len()));
        }
        let answers: Vec<_> = keys.into_iter().zip(response.answers).collect();
        self.run.judge(&known, asked, &answers);
        self.run.given(&token, response.token);
        Ok(())
    }

    async fn stream(&mut self, asked: Asked, token: String) -> Result<(), Status> {
        let keys = self.keys();
        let (requests, queue) = mpsc::channel(WINDOW);
        let client = self.run.client(self.connection);
        let mut answers = client.lookup().stream_lookup(ReceiverStream::new(queue)).await?.into_inner();
        let (mut ahead, mut known) = (keys.iter(), VecDeque::new());
        for key in &keys {
            while known.len() < WINDOW
                && let Some(next) = ahead.next()
            {
                known.push_back(self.run.known());
                let request = asking(*next, asked, &token);
                requests.send(request).await.map_err(|_| Status::cancelled("the stream ended"))?;
            }
            let answer = answers.message().await?.and_then(|response| response.answer);
            let (Some(known), Some(answer)) = (known.pop_front(), answer) else {
                return Err(Status::cancelled("the stream ended"));
            };
            self.run.judge(&known, asked, &[(*key, answer)]);
        }
        self.run.count("answers of streams", keys.len());
        Ok(())
    }
}

fn asking(key: Key, asked: Asked, token: &str) -> StreamLookupRequest {
    StreamLookupRequest {
        keys: vec![key.text()],
        fields: asked.fields(),
        view: asked.view(),
        token: token.to_owned(),
        ..Default::default()
    }
}

//! One run: a server in this process, connections, and what writers and readers have in common.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use kith::client::Client;
use kith::config::Config;
use kith::engine::{DEFAULT_WORKSPACE, Engine, Options};
use kith::proto::v1;
use kith::server::{self, Server};
use tempfile::TempDir;

use super::answer::{self, Asked};
use super::checker::{History, Step};
use super::editions::{self, Editions};
use super::{SORTS, reader, writer};
use crate::harness::engine_options;

/// Connections, each of which reads; the first of them write too.
const CONNECTIONS: usize = 8;
/// Operations after which a run does not wait any longer for what has not happened yet.
const GIVE_UP: u64 = 200_000;
/// Writers, each with customers of its own.
pub const WRITERS: usize = 4;

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Operations, at least. A run of everything goes on until all of it has happened.
    pub operations: u64,
    /// Whatever happens at random follows from it.
    pub seed: u64,
    /// Pairs of customers of each writer.
    pub pairs: usize,
    /// Bytes of the caches.
    pub cache_bytes: usize,
    /// Whether what was changed leaves the caches.
    pub invalidates: bool,
    /// Whether customers are merged, come apart and are erased, and models change.
    pub everything: bool,
}

/// A key of a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub writer: usize,
    /// Its place among those of the writer: two for each pair.
    pub at: usize,
}

impl Key {
    /// As text. Addresses rank higher than devices.
    pub fn text(self) -> String {
        let Self { writer, at } = self;
        match at % 2 {
            0 => format!("email:w{writer}.{at}@example.com"),
            _ => format!("device_id:w{writer}.{at}"),
        }
    }
}

/// What is known when a lookup begins.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    steps: [Step; WRITERS],
    edition: u64,
}

impl Known {
    /// The same, and that a writer is done with a step.
    pub fn and_done(mut self, writer: usize, step: Step) -> Self {
        self.steps[writer] = self.steps[writer].max(step);
        self
    }
}

/// What writers and readers have in common.
pub struct Run {
    pub plan: Plan,
    clients: Vec<Client>,
    histories: [Mutex<History>; WRITERS],
    pub editions: Mutex<Editions>,
    token: Mutex<String>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    operations: AtomicU64,
    is_over: AtomicBool,
    wrong: Mutex<Vec<String>>,
}

/// What came of a run.
pub struct Outcome {
    pub counts: BTreeMap<&'static str, u64>,
    pub operations: u64,
    pub wrong: Vec<String>,
    /// How many answers were given that had been kept.
    pub kept: u64,
    pub seconds: f64,
}

impl Run {
    /// Runs until there were enough operations or something is wrong.
    pub async fn run(plan: Plan) -> Outcome {
        let directory = TempDir::new().unwrap();
        let Plan { cache_bytes, invalidates, seed, .. } = plan;
        let engine = Engine::open(&Options { cache_bytes, invalidates, ..engine_options(directory.path()) }).unwrap();
        engine.apply_model(DEFAULT_WORKSPACE, &editions::model(0), server::now()).await.unwrap();
        let (listen, cores) = ("127.0.0.1:0".parse().unwrap(), Some(2));
        let (answer_cache_bytes, reads_in_place) = (cache_bytes / 4, seed.is_multiple_of(2));
        let options = server::Options { listen, cores, answer_cache_bytes, reads_in_place, ..Default::default() };
        let server = Server::start(options, engine).await.unwrap();

        let config = Config { server: format!("http://{}", server.addr()), ..Config::default() };
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(Client::connect(&config).await.unwrap());
        }
        let began = Instant::now();
        let run = Arc::new(Self::new(plan, clients));
        run.work().await;
        let seconds = began.elapsed().as_secs_f64();
        let kept = kept_answers(server.addr());
        server.stop();
        server.stopped().await;
        let counts = run.counts.lock().unwrap().clone();
        let wrong = run.wrong.lock().unwrap().clone();
        Outcome { counts, operations: run.operations.load(Ordering::Relaxed), wrong, kept, seconds }
    }

    fn new(plan: Plan, clients: Vec<Client>) -> Self {
        Self {
            plan,
            clients,
            histories: std::array::from_fn(|_| Mutex::new(History::new(2 * plan.pairs))),
            editions: Mutex::default(),
            token: Mutex::default(),
            counts: Mutex::default(),
            operations: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            wrong: Mutex::default(),
        }
    }

    async fn work(self: &Arc<Self>) {
        let mut tasks = Vec::new();
        for at in 0..WRITERS {
            tasks.push(tokio::spawn(writer::write(Arc::clone(self), at)));
        }
        for at in 0..CONNECTIONS {
            tasks.push(tokio::spawn(reader::read(Arc::clone(self), at)));
        }
        if self.plan.everything {
            tasks.push(tokio::spawn(editions::publish(Arc::clone(self))));
        }
        for task in tasks {
            if let Err(panicked) = task.await {
                self.fail(format!("a task ended early: {panicked}"));
            }
        }
    }

    /// One of the connections.
    pub fn client(&self, at: usize) -> &Client {
        &self.clients[at % CONNECTIONS]
    }

    /// What a writer has done.
    pub fn history(&self, writer: usize) -> MutexGuard<'_, History> {
        self.histories[writer].lock().unwrap()
    }

    /// Whether to go on.
    pub fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// Counts operations of a sort.
    pub fn count(&self, sort: &'static str, operations: usize) {
        let operations = operations as u64;
        let mut counts = self.counts.lock().unwrap();
        *counts.entry(sort).or_default() += operations;
        let all = self.operations.fetch_add(operations, Ordering::Relaxed) + operations;
        let is_complete = !self.plan.everything || counts.len() == SORTS.len() || all >= GIVE_UP;
        if is_complete && all >= self.plan.operations {
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Notes what is wrong, and ends the run.
    pub fn fail(&self, text: String) {
        self.wrong.lock().unwrap().push(text);
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// What is known now.
    pub fn known(&self) -> Known {
        let steps = std::array::from_fn(|writer| self.history(writer).known());
        Known { steps, edition: self.editions.lock().unwrap().known() }
    }

    /// Judges what one lookup answered in one view.
    pub fn judge(&self, known: &Known, asked: Asked, answers: &[(Key, v1::Answer)]) {
        if let Err(text) = self.check(known, asked, answers) {
            self.fail(text);
        }
    }

    fn check(&self, known: &Known, asked: Asked, answers: &[(Key, v1::Answer)]) -> Result<(), String> {
        let mut by_writer: [Vec<_>; WRITERS] = Default::default();
        let mut editions = Vec::new();
        for (key, answer) in answers {
            let (seen, edition) = answer::read(asked, answer)?;
            by_writer[key.writer].push((key.at, seen));
            editions.push(edition);
        }
        self.editions.lock().unwrap().judge(known.edition, &editions)?;
        for (writer, seen) in by_writer.iter().enumerate().filter(|(_, seen)| !seen.is_empty()) {
            let judged = self.history(writer).judge(known.steps[writer], seen);
            judged.map_err(|violation| format!("{asked:?} of writer {writer}, {violation}"))?;
        }
        Ok(())
    }

    /// The newest token that anybody was given.
    pub fn token(&self) -> String {
        self.token.lock().unwrap().clone()
    }

    /// A token that was given to somebody who asked with another one, or with none.
    pub fn given(&self, asked_with: &str, token: String) {
        if *token < *asked_with {
            self.fail("the token of an answer is before the one it was asked with".to_owned());
        }
        let mut newest = self.token.lock().unwrap();
        if *newest < token {
            *newest = token;
        }
    }
}

/// How many answers a server has given that it had kept.
fn kept_answers(server: SocketAddr) -> u64 {
    let mut socket = TcpStream::connect(server).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: kith\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let count = text.lines().find_map(|line| line.strip_prefix("kith_kept_answers_total "));
    count.unwrap().parse().unwrap()
}
